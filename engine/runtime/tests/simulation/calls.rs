//! Stages that start other pipelines, two deep, or those that led to them; plans are parameters.

use crate::{
    chance::Chance,
    plans::{self, PIPELINE, is_broken},
    script::{self, Script},
};
use engine_core::{
    BoxFuture,
    plan::{Effect, Node, Plan, Timeout},
    stage::{ChildError, Ending},
    template::Template,
};
use engine_runtime::children::{Children, PlanCall};
use serde_json::{Value, json};
use std::time::Duration;

/// A pipeline, what it starts, and what that starts; and how many stages each has at most.
const PIPELINES: [(&str, u64); 3] = [(PIPELINE, 6), ("squall", 4), ("gust", 2)];

/// The type of stages that start pipelines.
pub(crate) const TYPE: &str = "pipeline";

/// A plan that people start, some of whose stages start others.
pub(crate) fn plan(chance: &mut Chance) -> Plan {
    family(chance, 0)
}

fn family(chance: &mut Chance, depth: usize) -> Plan {
    let (name, most) = PIPELINES[depth];
    let nodes = plans::nodes(chance, most).into_iter();
    let nodes = nodes.map(|node| match may_call(&node) && chance.one_in(5) {
        true => call(chance, node, depth),
        false => node,
    });
    let nodes = nodes.collect();
    plans::of(chance, name, nodes)
}

fn may_call(node: &Node) -> bool {
    node.stage_type == "script" && !is_broken(node)
}

fn call(chance: &mut Chance, mut node: Node, depth: usize) -> Node {
    let goes_deeper = depth + 1 < PIPELINES.len() && !chance.one_in(8);
    let plan = if goes_deeper {
        family(chance, depth + 1)
    } else {
        let above = usize::try_from(chance.below(depth as u64 + 1)).unwrap();
        let nodes = plans::nodes(chance, 1);
        plans::of(chance, PIPELINES[above].0, nodes)
    };
    let (_, stored) = plan.store().unwrap();
    let wait = chance.below(4) > 0;
    node.stage_type = TYPE.to_owned();
    node.effect = Effect::Reads;
    let name = &plan.document().pipeline;
    let config = json!({ "name": name, "parameters": { "plan": stored }, "wait": wait });
    node.config = Template::literal(&config);
    node.timeout = match chance.below(4) {
        0 => Timeout::AfterMs(2_000 + chance.below(30_000)),
        _ => Timeout::Never,
    };
    let script = Script { attempts: Vec::new(), ..script::script(&node) };
    node.description = Some(serde_json::to_string(&script).unwrap());
    plans::one_way(&mut node);
    node
}

/// What a stage starts, if it starts a pipeline.
pub(crate) struct Callee {
    pub(crate) pipeline: String,
    pub(crate) ending: Ending,
}

pub(crate) fn callee(node: &Node) -> Option<Callee> {
    let config = (node.stage_type == TYPE).then(|| node.config.rendered())?;
    let ending = match config["wait"].as_bool().unwrap() {
        true => Ending::Awaited,
        false => Ending::Unattended,
    };
    Some(Callee { pipeline: config["name"].as_str().unwrap().to_owned(), ending })
}

/// Finds the plan among the parameters, after a while.
pub(crate) struct FromParameters;

impl Children for FromParameters {
    fn plan<'a>(&'a self, call: PlanCall<'a>) -> BoxFuture<'a, Result<Plan, ChildError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(70)).await;
            let stored = call.parameters.get("plan").and_then(Value::as_str);
            let plan = Plan::restore(stored.expect("the stage says what it starts")).unwrap();
            let document = plan.document();
            assert_eq!(call.key, format!("{}/{}", document.application, document.pipeline));
            Ok(plan)
        })
    }
}
