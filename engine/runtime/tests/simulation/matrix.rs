//! Stages that run once for each cell of a matrix, and how all of their nodes together must end.

use crate::{
    chance::Chance,
    oracle::Ends,
    plans::{self, is_broken},
    script,
};
use engine_core::{
    plan::{Cell, CellFailure, Need, Node, Plan},
    status::StageStatus,
    template::Template,
};
use std::collections::BTreeMap;

/// Some nodes become two or three, and what needs them needs them all. The first stays alone:
/// conditions read it.
pub(crate) fn spread(chance: &mut Chance, nodes: Vec<Node>) -> Vec<Node> {
    let mut cells: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut all: Vec<Node> = Vec::new();
    for mut node in nodes {
        node.needs = node.needs.iter().flat_map(|need| needs(need, &cells)).collect();
        if node.id == "n0" || !chance.one_in(4) {
            all.push(node);
            continue;
        }
        let new = of(chance, &node);
        cells.insert(node.id, new.iter().map(|cell| cell.id.clone()).collect());
        all.extend(new);
    }
    all
}

fn needs(need: &Need, cells: &BTreeMap<String, Vec<String>>) -> Vec<Need> {
    let Some(cells) = cells.get(&need.stage) else { return vec![need.clone()] };
    let of = Some(need.stage.clone());
    cells.iter().map(|id| Need { stage: id.clone(), of: of.clone(), ..need.clone() }).collect()
}

fn of(chance: &mut Chance, base: &Node) -> Vec<Node> {
    let count = 2 + usize::try_from(chance.below(2)).unwrap();
    let most = 1 + usize::try_from(chance.below(2)).unwrap();
    let max_parallel = chance.one_in(2).then_some(most);
    let on_failure = match chance.below(3) {
        0 => CellFailure::StopsOthers,
        _ => CellFailure::LeavesOthers,
    };
    let cell = |name: &&str| {
        let values = BTreeMap::from([("axis".to_owned(), (*name).into())]);
        let mut node = plans::node(chance, 1);
        let is_broken_when = base.when.as_deref() == Some("parameters.no.thing");
        if is_broken_when || on_failure == CellFailure::StopsOthers {
            plans::one_way(&mut node);
        }
        let written = serde_json::to_value(script::script(&node)).unwrap();
        if !is_broken(&node) {
            node.config = Template::literal(&written);
        }
        let stage = base.id.clone();
        node.matrix = Some(Cell { stage, values, max_parallel, on_failure });
        node.id = format!("{}[{name}]", base.id);
        (node.needs, node.when) = (base.needs.clone(), base.when.clone());
        node.reads = base.reads.clone();
        node
    };
    ["a", "b", "c"].iter().take(count).map(cell).collect()
}

/// How the nodes of a stage ended, all together.
pub(crate) fn worst(plan: &Plan, stage: &str, ends: &Ends) -> StageStatus {
    let of = |node: &&Node| node.matrix.as_ref().is_some_and(|cell| cell.stage == stage);
    let ends = plan.nodes().iter().filter(of).map(|node| ends[&node.id].0);
    let rank = |status: &StageStatus| match status {
        StageStatus::Failed => 7,
        StageStatus::Rejected => 6,
        StageStatus::RolledBack => 5,
        StageStatus::Cancelled => 4,
        StageStatus::Omitted => 3,
        StageStatus::Succeeded => 2,
        StageStatus::Skipped => 1,
        other => panic!("{other} is no end"),
    };
    ends.max_by_key(rank).unwrap()
}

/// Whether the failure of a node ends its neighbours, who then end in no order that is told.
pub(crate) fn stops_others(node: &Node) -> bool {
    node.matrix.as_ref().is_some_and(|cell| cell.on_failure == CellFailure::StopsOthers)
}
