//! Plans to measure with: a chain, a fan that joins again, and a stage that does nothing.

use engine_core::{
    Plan,
    plan::{
        Accepts, Callers, Document, Effect, FORMAT, GraphError, Need, Node, OnFailure, OnTimeout,
        Timeout,
    },
    retry::Retry,
    stage::{EnvironmentUse, Stage, StageError, Step, StepContext, Traits},
    template::Template,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Is done with its first step.
pub(crate) struct Noop;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Config {}

impl Stage for Noop {
    const TYPE: &'static str = "noop";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Reads,
        default_timeout: Timeout::Never,
    };
    type Config = Config;
    type Progress = ();

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    async fn step(&self, _: StepContext, _: Config, (): ()) -> Result<Step<()>, StageError> {
        Ok(Step::done())
    }
}

/// Each stage needs the one before it.
pub(crate) fn chain(stages: u32) -> Result<Plan, GraphError> {
    plan((0..stages).map(|at| node(at, (0..at).next_back().into_iter())).collect())
}

/// One stage, all others after it, and the last after all.
pub(crate) fn fan(stages: u32) -> Result<Plan, GraphError> {
    let middle = 1..stages - 1;
    let all = (0..stages).map(|at| match at {
        0 => node(at, 0..0),
        at if at == stages - 1 => node(at, middle.clone()),
        at => node(at, 0..1),
    });
    plan(all.collect())
}

fn plan(nodes: Vec<Node>) -> Result<Plan, GraphError> {
    Plan::new(Document {
        format: FORMAT,
        application: "bench".to_owned(),
        pipeline: "bench".to_owned(),
        description: None,
        labels: BTreeMap::new(),
        callers: Callers::Repository,
        concurrency: None,
        timeout: Timeout::Never,
        parameters: BTreeMap::new(),
        environments: BTreeMap::new(),
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
}

fn node(at: u32, needs: impl Iterator<Item = u32>) -> Node {
    let need = |at| Need { stage: format!("stage-{at}"), accepts: Accepts::Plain, of: None };
    Node {
        id: format!("stage-{at}"),
        name: format!("stage-{at}"),
        description: None,
        stage_type: "noop".to_owned(),
        needs: needs.map(need).collect(),
        matrix: None,
        when: None,
        reads: BTreeSet::new(),
        environment: None,
        timeout: Timeout::AfterMs(3_600_000),
        retry: Retry::default(),
        on_failure: OnFailure::Fail,
        on_timeout: OnTimeout::Fail,
        effect: Effect::Reads,
        config: Template::literal(&serde_json::json!({})),
        files: BTreeMap::new(),
        patterns: BTreeMap::new(),
    }
}
