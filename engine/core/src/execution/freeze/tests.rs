//! Facts about a stage that a freeze holds.

use super::LOOK_AGAIN_MS;
use crate::{
    Execution, Plan, Start,
    clock::{Civil, Elapsed, Now},
    event::{Actor, Call, Command, Event, Gate, Input, Trigger, Way},
    execution::state::NodeState,
    id::{PlanHash, RunId},
    plan::NodeIndex,
    platform::Verdict,
    status::{RunStatus, WaitKind},
};
use serde_json::json;
use std::sync::Arc;

fn plan() -> Arc<Plan> {
    let document = json!({
        "format": 1, "application": "shop", "pipeline": "go",
        "nodes": [{
            "id": "prod", "name": "prod", "type": "deploy", "needs": [], "timeout": "never",
            "retry": {"limit": 0, "backoff": {"initialMs": 10, "factor": 1.0, "maxMs": 10},
                      "causes": ["error"]},
            "onFailure": "fail", "effect": "writes", "environment": "prod", "config": {"map": {}},
        }],
        "environments": {"prod": {"cluster": "c", "context": "c", "server": "s", "namespace": "n",
            "identity": {"kind": "pinned", "uid": "u"}}},
    });
    Arc::new(Plan::restore(&document.to_string()).unwrap())
}

fn at(milliseconds: u64) -> Now {
    Now { elapsed: Elapsed(milliseconds), civil: Civil(1_000_000 + milliseconds) }
}

fn start() -> (Execution, Vec<(Event, Now)>) {
    let start = Start {
        id: RunId(uuid::Uuid::from_u128(7)),
        number: 1,
        plan: PlanHash("hash".to_owned()),
        trigger: Trigger::Manual,
        actor: Actor { name: "zoe".to_owned(), way: Way::Socket },
        ancestry: Vec::new(),
        parent: None,
        offers: Vec::new(),
    };
    let (execution, events) = Execution::start(plan(), start, at(0));
    (execution, events.into_iter().map(|event| (event, at(0))).collect())
}

fn judged(execution: &mut Execution) -> Call {
    let due = execution.due();
    let [Command::Judge { call }] = due.as_slice() else { panic!("{due:?}") };
    *call
}

fn frozen(opens: Option<u64>) -> Verdict {
    let opens = opens.map(|opens| at(opens).civil);
    Verdict::Frozen { detail: "held by freeze `x`".to_owned(), opens }
}

#[test]
fn what_a_freeze_holds_is_judged_again_at_the_opening_and_not_before() {
    let (mut execution, _) = start();
    let call = judged(&mut execution);
    let verdict = frozen(Some(5_000));
    execution.handle(Input::Judged { call, verdict }, at(1)).unwrap();
    let state = execution.node_state(NodeIndex(0));
    assert_eq!(state.wait_kind(), Some(WaitKind::Freeze));
    assert_eq!(execution.recorded().status(), RunStatus::Waiting);
    assert_eq!(execution.next_timer().civil, Some(at(5_000).civil));
    execution.handle(Input::Tick, at(4_999)).unwrap();
    assert_eq!(execution.due(), []);
    execution.handle(Input::Tick, at(5_000)).unwrap();
    let call = judged(&mut execution);
    let events = execution.handle(Input::Judged { call, verdict: Verdict::Unguarded }, at(5_001));
    let asked = |event: &Event| matches!(event, Event::TargetAsked { .. });
    assert!(events.unwrap().iter().any(asked), "it goes on to its target");
}

/// A clock that is put back, or a freeze that was made longer.
#[test]
fn a_freeze_that_still_holds_at_its_opening_holds_on_and_says_nothing_twice() {
    let (mut execution, _) = start();
    let call = judged(&mut execution);
    execution.handle(Input::Judged { call, verdict: frozen(Some(5_000)) }, at(1)).unwrap();
    execution.handle(Input::Tick, at(5_000)).unwrap();
    let call = judged(&mut execution);
    let events = execution.handle(Input::Judged { call, verdict: frozen(Some(9_000)) }, at(5_001));
    let [Event::StageGated { gate: Gate::Frozen { opens: Some(opens), .. }, .. }] =
        &*events.unwrap()
    else {
        panic!("the new opening is told")
    };
    assert_eq!(*opens, at(9_000).civil);
    let NodeState::Gated { since, .. } = execution.node_state(NodeIndex(0)) else { panic!() };
    assert_eq!(*since, at(1), "it waits since the first time");
    execution.handle(Input::Tick, at(9_000)).unwrap();
    let call = judged(&mut execution);
    let events = execution.handle(Input::Judged { call, verdict: frozen(Some(9_000)) }, at(9_001));
    assert_eq!(events.unwrap(), []);
}

#[test]
fn a_freeze_that_may_have_changed_is_looked_at_again_and_at_once_after_a_restart() {
    for opens in [None, Some(LOOK_AGAIN_MS * 100)] {
        let (mut execution, mut log) = start();
        let call = judged(&mut execution);
        let verdict = frozen(opens);
        let events = execution.handle(Input::Judged { call, verdict }, at(1)).unwrap();
        log.extend(events.into_iter().map(|event| (event, at(1))));
        let again = at(1 + LOOK_AGAIN_MS);
        assert_eq!(execution.next_timer().civil, Some(again.civil), "{opens:?}");
        let run = execution.recorded().id;
        let log = log.iter().map(|(event, now)| (event, *now));
        let mut replayed = Execution::replay(plan(), run, log).unwrap();
        assert_eq!(replayed.recorded(), execution.recorded());
        judged(&mut replayed);
    }
}
