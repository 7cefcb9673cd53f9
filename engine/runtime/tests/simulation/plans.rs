//! Random plans of stages that follow scripts.

use crate::{
    chance::Chance,
    matrix,
    script::{Attempt, Decision, End, HANG_TIMEOUT_MS, Move, Script, WHENS, script},
};
use engine_core::{
    admission::Strategy,
    plan::{
        Accepts, Callers, ClusterIdentity, Concurrency, Document, Effect, FORMAT, Need, Node,
        OnFailure, OnTimeout, Place, Plan, ROLLBACK_PIPELINE, Timeout,
    },
    retry::{Backoff, Cause, Retry},
    status::StageStatus,
    template::Template,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The pipeline that people start.
pub(crate) const PIPELINE: &str = "storm";

/// The scripts are parameters; a configuration that reads one is evaluated for each attempt.
const BROKEN: &str = "parameters.nothing";

/// Whether the configuration of a node can never be told.
pub(crate) fn is_broken(node: &Node) -> bool {
    node.config.expressions().iter().any(|it| it.source == BROKEN)
}

/// A plan of at most `most` nodes over two environments.
pub(crate) fn plan(chance: &mut Chance, most: u64) -> Plan {
    let nodes = nodes(chance, most);
    of(chance, PIPELINE, nodes)
}

pub(crate) fn nodes(chance: &mut Chance, most: u64) -> Vec<Node> {
    let count = 1 + chance.below(most);
    let nodes: Vec<Node> = (0..count).map(|position| node(chance, position)).collect();
    matrix::spread(chance, nodes)
}

/// A plan of a pipeline of this name.
pub(crate) fn of(chance: &mut Chance, pipeline: &str, nodes: Vec<Node>) -> Plan {
    let scripts =
        nodes.iter().map(|node| (node.id.clone(), serde_json::to_value(script(node)).unwrap()));
    let mut parameters: BTreeMap<String, Value> = scripts.collect();
    parameters.insert("yes".to_owned(), true.into());
    let environments = ["one", "two"].map(|name| (name.to_owned(), place(name)));
    Plan::new(Document {
        format: FORMAT,
        application: "shop".to_owned(),
        pipeline: pipeline.to_owned(),
        description: None,
        labels: BTreeMap::new(),
        callers: Callers::Repository,
        concurrency: concurrency(chance),
        timeout: match chance.below(6) {
            0 => Timeout::AfterMs(5_000 + chance.below(40_000)),
            _ => Timeout::Never,
        },
        parameters,
        environments: BTreeMap::from(environments),
        observed: BTreeMap::new(),
        images: BTreeMap::new(),
        resolved: BTreeMap::new(),
        carried: BTreeMap::new(),
        nodes,
        callees: BTreeMap::new(),
        source: None,
        origin: None,
        broken: None,
    })
    .unwrap()
}

/// One of two groups, or none.
fn concurrency(chance: &mut Chance) -> Option<Concurrency> {
    let strategies =
        [Strategy::Supersede, Strategy::Queue, Strategy::CancelRunning, Strategy::Reject];
    chance.one_in(2).then(|| Concurrency {
        group: chance.pick(&["first", "second"]).to_owned(),
        limit: 1 + u32::try_from(chance.below(2)).unwrap(),
        strategy: chance.pick(&strategies),
    })
}

/// A person's way back in one of the two environments.
pub(crate) fn rollback(chance: &mut Chance) -> Plan {
    let attempt = Attempt { moves: vec![Move::Effect, Move::Effect], end: End::Succeed };
    let script = Script { attempts: vec![attempt], held: Vec::new() };
    let environment = chance.pick(&["one", "two"]);
    let node = Node {
        id: "n0".to_owned(),
        description: Some(serde_json::to_string(&script).unwrap()),
        config: Template::literal(&serde_json::to_value(&script).unwrap()),
        environment: Some(environment.to_owned()),
        effect: Effect::Writes,
        on_failure: OnFailure::Fail,
        when: None,
        reads: BTreeSet::new(),
        stage_type: "script".to_owned(),
        timeout: Timeout::Never,
        ..node(chance, 0)
    };
    Plan::new(Document {
        pipeline: ROLLBACK_PIPELINE.to_owned(),
        concurrency: None,
        timeout: Timeout::Never,
        nodes: vec![node],
        ..plan(chance, 1).document().clone()
    })
    .unwrap()
}

fn place(name: &str) -> Place {
    Place {
        cluster: "default".to_owned(),
        context: "simulated".to_owned(),
        server: "https://simulated".to_owned(),
        namespace: name.to_owned(),
        identity: ClusterIdentity::Pinned { uid: "uid".to_owned() },
        production: false,
        labels: BTreeMap::new(),
    }
}

#[expect(clippy::too_many_lines, reason = "one line a field")]
pub(crate) fn node(chance: &mut Chance, position: u64) -> Node {
    let attempts = (0..1 + chance.below(3)).map(|_| attempt(chance)).collect();
    let mut script = Script { attempts, held: held(chance) };
    let is_broken = |when: &Option<String>| when.as_deref() == Some("parameters.no.thing");
    let hangs = script.attempts.iter().any(|attempt| attempt.end == End::Hang);
    if hangs {
        // Only the timeout ends it: no other attempt may lose a race against it.
        script.attempts = vec![Attempt { moves: Vec::new(), end: End::Hang }];
    }
    let writes = script.writes();
    let named = writes || chance.one_in(3);
    let needs = (0..position).filter(|_| chance.one_in(3)).map(|need| format!("n{need}"));
    let needs: Vec<String> = needs.collect();
    let when = chance.one_in(3).then(|| chance.pick(&WHENS).0.to_owned());
    // A condition reads a stage only if that is upstream.
    let when = when.filter(|when| !when.contains("n0") || needs.contains(&"n0".to_owned()));
    let written = serde_json::to_string(&script).unwrap();
    let is_reversible = writes && !is_broken(&when);
    let mut node = Node {
        id: format!("n{position}"),
        name: format!("n{position}"),
        description: Some(written),
        reads: when.iter().filter(|when| when.contains("n0")).map(|_| "n0".to_owned()).collect(),
        when,
        matrix: None,
        stage_type: match chance.below(40) {
            0 => "vanished",
            1..=6 => "checks",
            _ => "script",
        }
        .to_owned(),
        needs: needs
            .into_iter()
            .map(|stage| Need { stage, accepts: accepts(chance), of: None })
            .collect(),
        environment: named.then(|| chance.pick(&["one", "two"]).to_owned()),
        timeout: if hangs { Timeout::AfterMs(HANG_TIMEOUT_MS) } else { Timeout::Never },
        retry: retry(chance),
        on_failure: chance.pick(&[
            OnFailure::Fail,
            OnFailure::Fail,
            OnFailure::Continue,
            OnFailure::Abort,
            OnFailure::Hold,
            OnFailure::Rollback,
        ]),
        on_timeout: OnTimeout::Fail,
        effect: if writes { Effect::Writes } else { Effect::Reads },
        config: config(chance, position, &script),
        files: BTreeMap::new(),
        patterns: BTreeMap::new(),
    };
    if !is_reversible {
        one_way(&mut node);
    }
    node
}

/// What the run may not hold its target for is not taken back.
pub(crate) fn one_way(node: &mut Node) {
    if node.on_failure == OnFailure::Rollback {
        node.on_failure = OnFailure::Hold;
    }
    let mut script = script(node);
    script.held.retain(|decision| *decision != Decision::RollBack);
    node.description = Some(serde_json::to_string(&script).unwrap());
}

fn held(chance: &mut Chance) -> Vec<Decision> {
    let retries = usize::try_from(chance.below(3)).unwrap();
    let last = if chance.one_in(4) { Decision::Abort } else { Decision::Continue };
    let mut held = [vec![Decision::Retry; retries], vec![last]].concat();
    if chance.one_in(2) {
        held.insert(0, Decision::RollBack);
    }
    held
}

fn config(chance: &mut Chance, position: u64, script: &Script) -> Template {
    let expression = |source: &str| Template::text(&format!("${{{{ {source} }}}}")).unwrap();
    match chance.below(12) {
        0 => Template::Map(BTreeMap::from([("attempts".to_owned(), expression(BROKEN))])),
        1..=3 => expression(&format!("parameters.n{position}")),
        _ => Template::literal(&serde_json::to_value(script).unwrap()),
    }
}

fn accepts(chance: &mut Chance) -> Accepts {
    let words = [
        StageStatus::Succeeded,
        StageStatus::Failed,
        StageStatus::Skipped,
        StageStatus::Omitted,
        StageStatus::Rejected,
    ];
    if chance.one_in(5) {
        Accepts::Statuses(words.into_iter().filter(|_| chance.one_in(2)).collect())
    } else {
        Accepts::Plain
    }
}

fn retry(chance: &mut Chance) -> Retry {
    let causes = [Cause::Error, Cause::Failure, Cause::Timeout];
    Retry {
        limit: u32::try_from(chance.below(3)).unwrap(),
        backoff: Backoff { initial_ms: 100 + chance.below(5_000), factor: 2.0, max_ms: 8_000 },
        causes: causes.into_iter().filter(|_| chance.below(3) > 0).collect::<BTreeSet<_>>(),
    }
}

fn attempt(chance: &mut Chance) -> Attempt {
    let moves = (0..chance.below(5)).map(|_| match chance.below(8) {
        0 => Move::Timer { ms: chance.below(20_000) },
        1 => Move::Poll { times: u32::try_from(chance.below(4)).unwrap() },
        2 => Move::Object,
        3..=4 => Move::Deploy { yes: chance.one_in(2) },
        5 if chance.one_in(4) => Move::Remember,
        _ => Move::Effect,
    });
    let mut moves: Vec<Move> = moves.collect();
    if chance.one_in(5) {
        let at = usize::try_from(chance.below(moves.len() as u64 + 1)).unwrap();
        let yes = chance.one_in(2);
        moves.insert(at, chance.pick(&[Move::Ask { yes }, Move::Wonder { yes }]));
    }
    let end = match chance.below(10) {
        0 => End::Error,
        1 => End::Failure,
        2 if chance.one_in(3) => End::Panic,
        3 if chance.one_in(2) => End::Hang,
        _ => End::Succeed,
    };
    Attempt { moves, end }
}
