//! A storm in which one of the two environments is guarded: nothing acts there without its yes.

use crate::story::Reached;
use engine_core::{
    Plan,
    clock::Now,
    diagnostic::SourceFile,
    event::{Event, Gate, Signal},
    execution::state::NodeState,
    latest::Latest,
    plan::Effect,
    platform::Platform,
};
use std::collections::{BTreeMap, BTreeSet};

const GUARDED: &str = "two";

const FILE: &str = r#"version: 1
environments:
  one: {cluster: default}
  two:
    cluster: default
    rules: {approval: {approvers: ["user:somebody"], excludeTriggerer: false}}
people: {users: {somebody: {unix: somebody}}}
limits: {runsPerApplication: 10000, queuedPerApplication: 100000}
"#;

pub(super) fn platform(seed: u64) -> Latest<Platform> {
    match seed % 2 {
        0 => Latest::default(),
        _ => {
            let file = SourceFile::new("gennaker.yaml", FILE.as_bytes());
            Latest::new(Platform::read(&file).unwrap())
        }
    }
}

/// Now and then somebody says no to what a rule asks.
pub(super) fn opinion(state: &NodeState, (signal, row): (Signal, u64)) -> Signal {
    match state {
        NodeState::Gated { gate: Gate::Asked { .. }, .. } if row.is_multiple_of(7) => {
            Signal::Reject
        }
        _ => signal,
    }
}

/// Whether the rules are asked there.
fn is_judged(gate: &Gate) -> bool {
    matches!(gate, Gate::Rules | Gate::Asked { .. } | Gate::Unmet { .. })
}

/// Each attempt that acts there was judged for itself, after somebody had said yes to the run.
pub(super) fn keeps(
    platform: &Platform,
    plan: &Plan,
    facts: &[(Event, Now)],
    reached: &mut Reached,
) {
    if platform.rules(GUARDED).is_none() {
        return;
    }
    let node = |stage: &str| &plan.nodes()[plan.graph().index(stage).unwrap().0];
    let (mut judged, mut met, mut asked) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut yes: BTreeMap<String, u32> = BTreeMap::new();
    for (event, _) in facts {
        match event {
            Event::StageGated { stage, gate } if is_judged(gate) => {
                judged.insert(stage.clone());
                asked.insert(stage.clone());
            }
            Event::StageSignalled { stage, signal: Signal::Approve, .. } => {
                if let Some(environment) = node(stage).environment.clone()
                    && asked.contains(stage)
                {
                    *yes.entry(environment).or_default() += 1;
                }
            }
            Event::RulesMet { stage, .. } => {
                assert!(yes.contains_key(GUARDED), "{stage} is let in and nobody said yes");
                met.insert(stage.clone());
            }
            Event::StageRejected { stage, .. } if asked.contains(stage) => {
                reached.count("rejected by a rule", 1);
            }
            Event::AttemptStarted { stage, attempt, .. } => {
                let node = node(stage);
                if node.effect == Effect::Writes && node.environment.as_deref() == Some(GUARDED) {
                    assert!(judged.remove(stage), "attempt {attempt} of {stage} was not judged");
                    assert!(met.contains(stage), "{stage} acts and the rules were not met");
                    reached.count("attempt tried again behind a rule", u64::from(*attempt > 1));
                }
                asked.remove(stage);
            }
            _ => {}
        }
    }
}
