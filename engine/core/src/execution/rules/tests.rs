//! Facts about stages that act where rules guard.

use crate::{
    Execution, Plan, Start,
    clock::{Civil, Elapsed, Now},
    event::{
        Actor, Call, Command, Event, Force, Gate, Input, InputRow, Message, Progress, Signal,
        Signalled, Trigger, Way,
    },
    execution::state::{Claim, End, NodeState},
    id::{InputId, PlanHash, RunId},
    platform::{Prior, Verdict},
    stage::{ObjectKey, Outputs, StageError, Step, WaitReason, Wake},
    status::{RunStatus, StageStatus, WaitKind},
};
use serde_json::json;
use std::sync::Arc;

/// An approval, and two stages that act in one environment after it: the first is tried twice, the
/// second one is held.
fn plan() -> Arc<Plan> {
    let node = |id: &str, kind: &str, needs: &[&str], more: serde_json::Value| {
        let needs: Vec<_> =
            needs.iter().map(|it| json!({"stage": it, "accepts": "plain"})).collect();
        let mut node = json!({
            "id": id, "name": id, "type": kind, "needs": needs, "timeout": "never",
            "retry": {"limit": 0, "backoff": {"initialMs": 10, "factor": 1.0, "maxMs": 10},
                      "causes": ["error"]},
            "onFailure": "fail", "effect": "reads", "config": {"map": {}},
        });
        node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        node
    };
    let retry = json!({"limit": 2, "backoff": {"initialMs": 10, "factor": 1.0, "maxMs": 10},
        "causes": ["error"]});
    let writes = json!({"effect": "writes", "environment": "prod", "retry": retry});
    let held = json!({"effect": "writes", "environment": "prod", "onFailure": "hold"});
    let document = json!({
        "format": 1, "application": "shop", "pipeline": "go",
        "nodes": [
            node("ask", "approval", &[], json!({})),
            node("deploy", "script", &["ask"], writes),
            node("job", "script", &["ask"], held),
            node("look", "script", &["ask"], json!({"environment": "prod"})),
        ],
        "environments": {"prod": {"cluster": "c", "context": "c", "server": "s", "namespace": "n",
            "identity": {"kind": "pinned", "uid": "u"}}},
    });
    Arc::new(Plan::restore(&document.to_string()).unwrap())
}

struct Run {
    execution: Execution,
    log: Vec<(Event, Now)>,
    now: u64,
    /// Calls that are under way.
    open: Vec<(Call, &'static str)>,
}

fn at(elapsed: u64) -> Now {
    Now { elapsed: Elapsed(elapsed), civil: Civil(elapsed) }
}

fn person(name: &str) -> Actor {
    Actor { name: name.to_owned(), way: Way::Socket }
}

fn row(message: Message) -> Input {
    Input::Row(InputRow { id: InputId(1), message })
}

fn asks(detail: &str) -> Verdict {
    Verdict::Asks { detail: detail.to_owned() }
}

fn met() -> Verdict {
    Verdict::Met { by: vec!["approved by mo".to_owned()] }
}

impl Run {
    fn of(plan: Arc<Plan>) -> Run {
        let start = Start {
            id: RunId(uuid::Uuid::from_u128(7)),
            number: 1,
            plan: PlanHash("hash".to_owned()),
            trigger: Trigger::Manual,
            actor: person("zoe"),
            ancestry: Vec::new(),
            parent: None,
            offers: Vec::new(),
        };
        let (execution, events) = Execution::start(plan, start, at(0));
        let log = events.into_iter().map(|event| (event, at(0))).collect();
        Run { execution, log, now: 0, open: Vec::new() }
    }

    /// The approval has had its yes, and the rules are asked.
    fn new() -> Run {
        let mut run = Run::of(plan());
        let (call, _) = run.call("ask");
        let mut outputs = Outputs::new();
        outputs.insert("by".to_owned(), json!(["mo"]));
        run.hand_in(Input::Stepped { call, answer: Ok(Step::Done { outputs, records: vec![] }) });
        run
    }

    fn hand_in(&mut self, input: Input) {
        self.now += 1;
        let events = self.execution.handle(input, at(self.now)).unwrap();
        self.log.extend(events.into_iter().map(|event| (event, at(self.now))));
        let replayed = self.replay();
        assert_eq!(replayed.recorded(), self.execution.recorded(), "a replay differs");
    }

    fn replay(&self) -> Execution {
        let log = self.log.iter().map(|(event, now)| (event, *now));
        let run = self.execution.recorded().id;
        Execution::replay(self.execution.plan().clone(), run, log).unwrap()
    }

    /// The one call of a stage that is due.
    fn call(&mut self, stage: &str) -> (Call, &'static str) {
        let found = self.due(stage);
        assert_eq!(found.len(), 1, "{stage}: {found:?}");
        found[0]
    }

    fn due(&mut self, stage: &str) -> Vec<(Call, &'static str)> {
        let index = self.execution.plan().graph().index(stage).unwrap();
        let told = self.execution.due().into_iter().map(|command| match command {
            Command::Evaluate { call } => (call, "evaluate"),
            Command::Judge { call } => (call, "judge"),
            Command::Step { call } => (call, "step"),
            Command::Stop { call } => (call, "stop"),
            Command::Abort { call } => (call, "abort"),
        });
        self.open.extend(told);
        self.open.extract_if(.., |(call, _)| call.node == index).collect()
    }

    fn judge(&mut self, stage: &str, verdict: Verdict) {
        let (call, word) = self.call(stage);
        assert_eq!(word, "judge", "{stage}");
        self.hand_in(Input::Judged { call, verdict });
    }

    /// The stage gets its target, and is judged a second time.
    fn start(&mut self, stage: &str) {
        self.judge(stage, met());
        let asked = self.execution.asked_targets().next().cloned();
        if let Some(target) = asked {
            self.hand_in(row(Message::TargetGranted { target }));
            self.judge(stage, met());
        }
        assert_eq!(self.status(stage), StageStatus::Running);
    }

    fn fail(&mut self, stage: &str) {
        let (call, word) = self.call(stage);
        assert_eq!(word, "step", "{stage}");
        let answer = Err(StageError::Error("away".to_owned()));
        self.hand_in(Input::Stepped { call, answer });
    }

    fn say(&mut self, stage: &str, signal: Signal) {
        let signalled = Signalled::new(signal, person("mo"), "");
        self.hand_in(row(Message::Signal { stage: stage.to_owned(), signalled }));
    }

    fn state(&self, stage: &str) -> &NodeState {
        self.execution.node_state(self.execution.plan().graph().index(stage).unwrap())
    }

    fn status(&self, stage: &str) -> StageStatus {
        self.state(stage).status()
    }
}

#[test]
fn each_attempt_is_judged_whatever_led_to_it() {
    let mut run = Run::new();
    run.start("deploy");
    run.fail("deploy");
    run.now = 1_000;
    run.hand_in(Input::Tick);
    assert_eq!(run.state("deploy").attempts(), 1, "it is tried again before it is judged");
    run.judge("deploy", met());
    assert_eq!(run.state("deploy").attempts(), 2);
    // A pause, and its end.
    run.fail("deploy");
    run.hand_in(row(Message::Pause { actor: person("mo"), reason: String::new() }));
    run.now = 2_000;
    run.hand_in(Input::Tick);
    run.hand_in(row(Message::Resume { actor: person("mo"), reason: String::new() }));
    run.now = 4_000;
    run.hand_in(Input::Tick);
    assert_eq!(run.state("deploy").attempts(), 2);
    run.judge("deploy", asks("a yes"));
    assert_eq!(run.status("deploy"), StageStatus::Waiting);
}

#[test]
fn what_a_person_tries_again_is_judged_again() {
    let mut run = Run::new();
    run.start("job");
    run.fail("job");
    run.say("job", Signal::Retry);
    run.judge("job", Verdict::Closed { because: "not from here".to_owned() });
    assert_eq!(run.status("job"), StageStatus::Waiting, "it is held again");
    assert_eq!(run.state("job").held().unwrap().failure.message, "not from here");
    assert_eq!(run.state("job").attempts(), 1);
}

#[test]
fn what_is_paused_behind_the_rules_is_judged_when_it_goes_on() {
    let mut run = Run::new();
    let (call, _) = run.call("deploy");
    run.hand_in(row(Message::Pause { actor: person("mo"), reason: String::new() }));
    run.hand_in(Input::Judged { call, verdict: met() });
    assert_eq!(run.state("deploy").wait_kind(), Some(WaitKind::Paused));
    assert_eq!(run.execution.asked_targets().count(), 0, "it takes nothing meanwhile");
    run.hand_in(row(Message::Resume { actor: person("mo"), reason: String::new() }));
    run.judge("deploy", Verdict::Unguarded);
    let target = run.execution.asked_targets().next().unwrap().clone();
    run.hand_in(row(Message::TargetGranted { target }));
    run.judge("deploy", Verdict::Unguarded);
    assert_eq!(run.status("deploy"), StageStatus::Running);
}

#[test]
fn what_only_reads_there_is_not_judged() {
    let mut run = Run::new();
    assert_eq!(run.call("look").1, "step");
}

#[test]
fn a_stage_that_asks_holds_nothing_and_waits_visibly() {
    let mut run = Run::new();
    for stage in ["deploy", "job"] {
        run.judge(stage, asks("a yes"));
        assert_eq!(run.state(stage).wait_kind(), Some(WaitKind::Rules));
    }
    assert_eq!(run.execution.asked_targets().count(), 0);
    assert!(run.due("deploy").is_empty(), "nothing is polled");
    let summary = run.replay().summary();
    assert_eq!((summary.status, summary.waiting), (RunStatus::Running, None), "`look` runs");
}

#[test]
fn a_yes_at_one_stage_lets_all_of_its_environment_be_judged_anew() {
    let mut run = Run::new();
    run.judge("deploy", asks("a yes"));
    run.judge("job", asks("a yes"));
    run.say("deploy", Signal::Approve);
    let mut judged: Vec<&str> = Vec::new();
    let plan = run.execution.plan().clone();
    for command in run.execution.due() {
        if let Command::Judge { call } = command {
            judged.push(&plan.node(call.node).id);
            let case = run.execution.case(call).unwrap();
            assert_eq!(case.answers.len(), 1, "{case:?}");
            assert_eq!(
                case.prior,
                [Prior { stage: "ask".to_owned(), by: vec!["mo".to_owned()] }],
                "approvals upstream are known"
            );
        }
    }
    assert_eq!(judged, ["deploy", "job"]);
    assert_eq!(run.replay().case_of(plan.graph().index("job").unwrap()).unwrap().answers.len(), 1);
}

#[test]
fn a_verdict_that_did_not_know_an_answer_counts_no_more() {
    let mut run = Run::new();
    let (call, _) = run.call("deploy");
    run.hand_in(Input::Judged { call, verdict: asks("a yes") });
    run.say("deploy", Signal::Approve);
    let (late, _) = run.call("deploy");
    run.say("deploy", Signal::Reject);
    assert!(run.due("deploy").is_empty(), "one call at a time");
    run.hand_in(Input::Judged { call: late, verdict: met() });
    assert_eq!(run.status("deploy"), StageStatus::Waiting);
    run.judge("deploy", Verdict::Rejected { because: "mo said no".to_owned() });
    let NodeState::Ended(ended) = run.state("deploy") else { panic!("it goes on") };
    assert_eq!(ended.end, End::Rejected { because: "mo said no".to_owned() });
}

#[test]
fn an_unchanged_question_is_recorded_once_and_keeps_its_beginning() {
    let mut run = Run::new();
    run.judge("deploy", asks("0 of 2"));
    let (since, length) = (run.now, run.log.len());
    run.execution = run.replay();
    run.open.clear();
    run.judge("deploy", asks("0 of 2"));
    assert_eq!(run.log.len(), length);
    run.say("deploy", Signal::Approve);
    run.judge("deploy", asks("1 of 2"));
    let NodeState::Gated { since: kept, gate, .. } = run.state("deploy") else { panic!() };
    assert_eq!(*kept, at(since));
    assert_eq!(*gate, Gate::Asked { detail: "1 of 2".to_owned() });
    let told = run.log.iter().filter(|(event, _)| matches!(event, Event::RulesMet { .. }));
    assert_eq!(told.count(), 0);
}

#[test]
fn how_the_rules_were_met_is_recorded_before_the_attempt_and_once() {
    let mut run = Run::new();
    run.start("deploy");
    let deploy: Vec<&str> = run
        .log
        .iter()
        .filter_map(|(event, _)| match event {
            Event::RulesMet { stage, .. } if stage == "deploy" => Some("met"),
            Event::AttemptStarted { stage, .. } if stage == "deploy" => Some("started"),
            _ => None,
        })
        .collect();
    assert_eq!(deploy, ["met", "started"]);
}

#[test]
fn a_cancel_ends_what_is_asked() {
    let mut run = Run::new();
    run.judge("deploy", asks("a yes"));
    let cancel = Message::Cancel { actor: person("mo"), reason: String::new(), force: Force::No };
    run.hand_in(row(cancel));
    assert_eq!(run.status("deploy"), StageStatus::Cancelled);
}

impl Run {
    /// A step of the stage finds that what a rule wants is not there yet.
    fn find_unmet(&mut self, stage: &str) {
        let (call, word) = self.call(stage);
        assert_eq!(word, "step", "{stage}");
        let key = ObjectKey { key: "proven".to_owned(), position: 1 };
        let answer = Ok(Step::Wait {
            progress: Progress::Inline(json!({"reached": 1})),
            wake: Wake { at: None, objects: vec![key] },
            reason: WaitReason { kind: WaitKind::Rules, detail: "not good yet".to_owned() },
            records: Vec::new(),
        });
        self.hand_in(Input::Stepped { call, answer });
    }

    fn change(&mut self, stage: &str) {
        let node = self.execution.plan().graph().index(stage).unwrap();
        assert!(self.execution.watched().contains_key(&node), "{stage} waits for nothing");
        self.hand_in(Input::ObjectsChanged { node });
    }

    fn succeed(&mut self, stage: &str) {
        let (call, word) = self.call(stage);
        assert_eq!(word, "step", "{stage}");
        self.hand_in(Input::Stepped { call, answer: Ok(Step::done()) });
    }

    fn held(&self) -> Vec<&str> {
        let targets = self.execution.recorded().targets.iter();
        let held = targets.filter(|(_, state)| state.claim == Claim::Held);
        held.map(|(name, _)| name.as_str()).collect()
    }
}

#[test]
fn what_has_waited_for_a_rule_is_judged_by_those_of_then_before_it_acts() {
    let mut run = Run::new();
    run.start("deploy");
    run.find_unmet("deploy");
    assert_eq!(run.state("deploy").wait_kind(), Some(WaitKind::Rules));
    assert_eq!(run.state("deploy").attempts(), 0, "nothing was tried");
    assert!(run.due("deploy").is_empty(), "nothing is polled");
    run.change("deploy");
    run.judge("deploy", asks("a yes, since the file says so"));
    assert_eq!(run.status("deploy"), StageStatus::Waiting);
    run.say("deploy", Signal::Approve);
    run.start("deploy");
    let NodeState::Running(attempt) = run.state("deploy") else { panic!("it does not run") };
    assert_eq!((attempt.number, &attempt.progress), (1, &Progress::Inline(json!(null))));
    run.find_unmet("deploy");
    run.change("deploy");
    let closed = Verdict::Closed { because: "the branch is none of its own any more".to_owned() };
    run.judge("deploy", closed);
    assert_eq!(run.status("deploy"), StageStatus::Failed);
}

#[test]
fn what_waits_for_a_rule_leaves_its_target_to_others_and_asks_for_it_again() {
    let mut run = Run::new();
    run.start("deploy");
    run.start("job");
    run.find_unmet("deploy");
    assert_eq!(run.held(), ["prod"], "something else of the run is at work there");
    run.find_unmet("job");
    assert_eq!(run.held(), ["prod"], "what only looks may want it back");
    run.succeed("look");
    assert!(run.held().is_empty());
    let told = run.log.iter().filter(|(event, _)| matches!(event, Event::TargetYielded { .. }));
    assert_eq!(told.count(), 1);
    run.change("job");
    run.start("job");
    assert_eq!(run.held(), ["prod"]);
}

#[test]
fn what_waits_for_a_rule_is_looked_at_again_by_the_next_engine() {
    let mut run = Run::new();
    run.start("deploy");
    run.succeed("look");
    run.judge("job", asks("a yes"));
    run.find_unmet("deploy");
    run.execution = run.replay();
    run.open.clear();
    run.judge("deploy", met());
    assert_eq!(run.state("deploy").wait_kind(), Some(WaitKind::Target));
}

#[test]
fn a_wait_for_a_rule_is_no_try_that_counts() {
    let mut run = Run::new();
    run.start("deploy");
    run.fail("deploy");
    run.now = 1_000;
    run.hand_in(Input::Tick);
    for _ in 0..3 {
        run.judge("deploy", met());
        if run.status("deploy") != StageStatus::Running {
            let target = run.execution.asked_targets().next().unwrap().clone();
            run.hand_in(row(Message::TargetGranted { target }));
            run.judge("deploy", met());
        }
        run.find_unmet("deploy");
        assert_eq!(run.state("deploy").attempts(), 1);
        run.change("deploy");
    }
}

#[test]
fn where_a_run_keeps_others_from_acting_or_acts_later_itself_nothing_is_waited_for() {
    let node = |id: &str, environment: &str, kind: &str, needs: &[&str]| {
        let needs: Vec<_> =
            needs.iter().map(|it| json!({"stage": it, "accepts": "plain"})).collect();
        json!({
            "id": id, "name": id, "type": kind, "needs": needs, "timeout": "never",
            "retry": {"limit": 0, "backoff": {"initialMs": 10, "factor": 1.0, "maxMs": 10},
                      "causes": []},
            "onFailure": "fail", "effect": "writes", "environment": environment,
            "config": {"map": {}},
        })
    };
    let place = |name: &str| {
        json!({"cluster": "c", "context": "c", "server": "s", "namespace": name,
            "identity": {"kind": "pinned", "uid": "u"}})
    };
    let document = json!({
        "format": 1, "application": "shop", "pipeline": "go",
        "nodes": [
            node("first", "staging", "deploy", &[]),
            node("prod", "prod", "deploy", &["first"]),
            node("smoke", "staging", "job", &["prod"]),
            node("dev", "dev", "job", &["prod"]),
            node("late", "qa", "deploy", &["prod"]),
        ],
        "environments": {"staging": place("staging"), "prod": place("prod"), "dev": place("dev"),
            "qa": place("qa")},
    });
    let plan = Arc::new(Plan::restore(&document.to_string()).unwrap());
    let mut run = Run::of(plan.clone());
    run.judge("first", met());
    let target = run.execution.asked_targets().next().unwrap().clone();
    run.hand_in(row(Message::TargetGranted { target }));
    let index = |stage: &str| plan.graph().index(stage).unwrap();
    let kept: Vec<String> = run.execution.kept_meanwhile(index("prod")).into_iter().collect();
    assert_eq!(kept, ["qa", "staging"], "`dev` is nobody's yet");
    assert!(run.execution.kept_meanwhile(index("smoke")).is_empty());
}
