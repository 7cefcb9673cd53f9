//! Facts about runs with which the engine died.

use super::{Question, Stops, Trial};
use crate::{
    Execution, Plan, Start,
    clock::{Civil, Elapsed, Now},
    event::{
        Actor, Command, Event, Force, Input, InputRow, Message, Progress, Reply, Trigger, Way,
    },
    execution::state::{AttemptClock, End, NodeState},
    id::{InputId, PlanHash, RunId},
    platform::Verdict,
    retry::Cause,
    stage::{Outputs, StageError, Step, WaitReason, Wake},
    status::{RunStatus, WaitKind},
    view::Surroundings,
};
use std::sync::Arc;

/// Two stages that start at once, one that would be held if it failed, and one that follows it.
const PLAN: &str = r#"{"format": 1, "application": "shop", "pipeline": "go", "nodes": [
    {"id": "a", "name": "a", "type": "script", "timeout": {"afterMs": 60000}, "retry": RETRY,
     "onFailure": "hold", "effect": "writes", "environment": "prod", "config": {"map": {}}},
    {"id": "b", "name": "b", "type": "script", "timeout": "never", "retry": RETRY,
     "onFailure": "fail", "effect": "reads", "config": {"map": {}}},
    {"id": "c", "name": "c", "type": "script", "timeout": "never", "retry": RETRY,
     "needs": [{"stage": "a", "accepts": "plain"}],
     "onFailure": "fail", "effect": "reads", "config": {"map": {}}}],
    "environments": {"prod": {"cluster": "c", "context": "c", "server": "s", "namespace": "n",
     "identity": {"kind": "pinned", "uid": "u"}}}}"#;
const RETRY: &str =
    r#"{"limit": 0, "backoff": {"initialMs": 1, "factor": 1.0, "maxMs": 1}, "causes": []}"#;

struct Run {
    plan: Arc<Plan>,
    execution: Execution,
    log: Vec<(Event, Now)>,
}

fn at(elapsed: u64) -> Now {
    Now { elapsed: Elapsed(elapsed), civil: Civil(1_000_000 + elapsed) }
}

fn mo() -> Actor {
    Actor { name: "mo".to_owned(), way: Way::Socket }
}

fn row(message: Message) -> Input {
    Input::Row(InputRow { id: InputId(1), message })
}

fn said(reply: Reply) -> Input {
    row(Message::Answer { reply, actor: mo(), reason: String::new() })
}

fn cancel() -> Input {
    row(Message::Cancel { actor: mo(), reason: String::new(), force: Force::No })
}

impl Run {
    /// A run whose first two stages are running, as another engine reads it back.
    fn running() -> Run {
        Run::of(&PLAN.replace("RETRY", RETRY))
    }

    fn of(plan: &str) -> Run {
        let plan = Arc::new(Plan::restore(plan).unwrap());
        let start = Start {
            id: RunId(uuid::Uuid::from_u128(7)),
            number: 12,
            plan: PlanHash("hash".to_owned()),
            trigger: Trigger::Manual,
            actor: mo(),
            ancestry: Vec::new(),
            parent: None,
            offers: Vec::new(),
        };
        let (execution, events) = Execution::start(plan.clone(), start, at(0));
        let log = events.into_iter().map(|event| (event, at(0))).collect();
        let mut run = Run { plan, execution, log };
        run.pass_rules();
        let target = run.execution.asked_targets().next().unwrap().clone();
        run.hand_in(row(Message::TargetGranted { target }), 0);
        run.pass_rules();
        run.read_back();
        run
    }

    /// No rule stands against anything.
    fn pass_rules(&mut self) {
        for command in self.execution.due() {
            if let Command::Judge { call } = command {
                self.hand_in(Input::Judged { call, verdict: Verdict::Unguarded }, 0);
            }
        }
    }

    fn hand_in(&mut self, input: Input, elapsed: u64) {
        let events = self.execution.handle(input, at(elapsed)).unwrap();
        self.log.extend(events.into_iter().map(|event| (event, at(elapsed))));
        let replay = self.replay();
        assert_eq!(replay.recorded(), self.execution.recorded(), "a replay differs");
        assert_eq!(replay.summary().waiting, self.execution.summary().waiting);
    }

    fn replay(&self) -> Execution {
        let log = self.log.iter().map(|(event, now)| (event, *now));
        Execution::replay(self.plan.clone(), self.execution.recorded().id, log).unwrap()
    }

    /// What the end of an engine does.
    fn read_back(&mut self) {
        self.execution = self.replay();
    }

    /// The engine dies, and the next one finds as many unclean ends.
    fn found(&mut self, unclean_ends: u32) {
        self.read_back();
        self.hand_in(Input::Found { unclean_ends }, 10);
    }

    /// It died twice, and then once more with the run alone.
    fn asked() -> Run {
        let mut run = Run::running();
        run.found(2);
        run.hand_in(Input::Turn, 10);
        assert_eq!(run.due(), ["step a", "step b"]);
        run.found(1);
        run
    }

    fn due(&mut self) -> Vec<String> {
        let words = |command| match command {
            Command::Evaluate { call } => ("evaluate", call),
            Command::Judge { call } => ("judge", call),
            Command::Step { call } => ("step", call),
            Command::Stop { call } => ("stop", call),
            Command::Abort { call } => ("abort", call),
        };
        let commands = self.execution.due().into_iter().map(words);
        commands.map(|(verb, call)| format!("{verb} {}", self.plan.node(call.node).id)).collect()
    }

    fn trial(&self) -> &Trial {
        &self.execution.recorded().trial
    }

    fn end(&self, position: usize) -> &End {
        match &self.execution.recorded().nodes[position] {
            NodeState::Ended(ended) => &ended.end,
            state => panic!("it has not ended: {state:?}"),
        }
    }
}

#[test]
fn what_is_found_decides_how_a_run_is_driven() {
    let suspected = |unclean_ends| Trial::Suspected { unclean_ends, since: at(10) };
    for (unclean_ends, expected) in
        [(0, Trial::None), (1, Trial::None), (2, suspected(2)), (5, suspected(5))]
    {
        let mut run = Run::running();
        run.found(unclean_ends);
        assert_eq!(*run.trial(), expected, "{unclean_ends}");
    }
    let mut run = Run::running();
    run.found(3);
    for unclean_ends in [0, 9] {
        run.found(unclean_ends);
        assert_eq!(*run.trial(), suspected(3), "it was not driven, so it was not its fault");
    }
    run.hand_in(Input::Turn, 10);
    assert_eq!(*run.trial(), Trial::Alone { unclean_ends: 3 });
    run.found(0);
    assert_eq!(*run.trial(), suspected(3), "an engine that leaves in peace proves nothing");
    run.hand_in(Input::Turn, 10);
    run.found(1);
    let question = Question {
        unclean_ends: 4,
        stages: vec!["a".to_owned(), "b".to_owned()],
        since: at(10),
        stops: Stops::Unwanted,
    };
    assert_eq!(*run.trial(), Trial::Asked(question.clone()));
    run.found(1);
    assert_eq!(*run.trial(), Trial::Asked(question));
}

#[test]
fn nothing_of_a_suspect_is_called_before_its_turn() {
    let mut run = Run::running();
    run.found(2);
    assert_eq!(run.due(), Vec::<String>::new());
    assert_eq!(run.execution.next_timer(), Default::default());
    assert_eq!(run.execution.summary().waiting, None, "it goes on by itself");
    run.hand_in(Input::Tick, 900_000);
    run.hand_in(row(Message::Pause { actor: mo(), reason: String::new() }), 900_000);
    run.hand_in(row(Message::Resume { actor: mo(), reason: String::new() }), 900_000);
    assert_eq!(run.due(), Vec::<String>::new());
    run.hand_in(Input::Turn, 900_010);
    assert_eq!(run.due(), ["step a", "step b"]);
    let NodeState::Running(a) = &run.execution.recorded().nodes[0] else { panic!("a has ended") };
    assert_eq!(a.clock, AttemptClock::Until(Elapsed(900_010 + 59_990)), "the wait did not count");
}

#[test]
fn a_suspect_goes_on_by_itself_whatever_its_stages_wait_for() {
    let mut run = Run::running();
    for command in run.execution.due() {
        if let Command::Step { call } = command {
            let reason = WaitReason { kind: WaitKind::Approval, detail: "somebody".to_owned() };
            let (progress, wake) = (Progress::Inline(1.into()), Wake::default());
            let answer = Ok(Step::Wait { progress, wake, reason, records: Vec::new() });
            run.hand_in(Input::Stepped { call, answer }, 5);
        }
    }
    assert_eq!(run.execution.summary().waiting, Some(WaitKind::Approval));
    run.found(2);
    assert_eq!(run.execution.summary().waiting, None);
    run.hand_in(Input::Turn, 10);
    assert_eq!(run.execution.summary().waiting, None);
}

#[test]
fn a_run_is_cleared_when_all_calls_are_back_that_were_due_then() {
    let mut run = Run::running();
    run.found(2);
    run.hand_in(Input::Turn, 10);
    let calls: Vec<_> = run.execution.due();
    let answers = calls.iter().map(|command| match command {
        Command::Step { call } => Input::Stepped {
            call: *call,
            answer: Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
        },
        other => panic!("{other:?}"),
    });
    let answers: Vec<Input> = answers.collect();
    run.hand_in(answers[0].clone(), 20);
    assert_eq!(run.due(), ["step c"], "what follows is driven too");
    assert_eq!(*run.trial(), Trial::Alone { unclean_ends: 2 }, "b is still under way");
    run.hand_in(answers[1].clone(), 30);
    assert_eq!(*run.trial(), Trial::None, "c was not due then");
    let last = run.log.last().unwrap();
    assert_eq!(*last, (Event::RunCleared, at(30)), "in the append of the last answer");
}

#[test]
fn a_run_with_nothing_due_is_cleared_at_its_turn() {
    let mut run = Run::running();
    for command in run.execution.due() {
        if let Command::Step { call } = command {
            let answer = Err(StageError::Failure("no".to_owned()));
            run.hand_in(Input::Stepped { call, answer }, 5);
        }
    }
    run.found(2);
    run.hand_in(Input::Turn, 10);
    assert!(!run.execution.has_come_back(), "nobody has asked yet what is due");
    assert_eq!(run.due(), Vec::<String>::new(), "a is held, b has failed");
    assert!(run.execution.has_come_back());
    run.hand_in(Input::Tick, 10);
    assert_eq!(*run.trial(), Trial::None);
}

#[test]
fn a_question_stands_until_it_is_answered_and_says_what_happened() {
    let mut run = Run::asked();
    assert_eq!(run.due(), Vec::<String>::new());
    run.hand_in(Input::Tick, 900_000);
    assert_eq!(run.due(), Vec::<String>::new());
    assert_eq!(run.execution.next_timer(), Default::default());
    let summary = run.execution.summary();
    assert_eq!((summary.status, summary.waiting), (RunStatus::Waiting, Some(WaitKind::Question)));
    let view = run.execution.view(&Surroundings::default());
    let waiting = view.waiting.unwrap();
    assert_eq!(waiting.kind, WaitKind::Question);
    assert_eq!(
        waiting.detail,
        "the engine died 3 times in a row while it drove this run (`a`, `b`), the last time by \
         itself: `gennaker answer yes go#12` drives it again, by itself; `gennaker answer no go#12` \
         ends it as failed and calls none of its stages again"
    );
}

#[test]
fn a_yes_has_it_driven_again_by_itself_and_counts_anew() {
    let mut run = Run::asked();
    run.hand_in(said(Reply::Yes), 900_000);
    assert_eq!(run.due(), Vec::<String>::new(), "it waits for its turn");
    run.hand_in(Input::Turn, 900_010);
    assert_eq!(run.due(), ["step a", "step b"]);
    let NodeState::Running(a) = &run.execution.recorded().nodes[0] else { panic!("a has ended") };
    assert_eq!(a.clock, AttemptClock::Until(Elapsed(900_010 + 59_990)), "nor did the question");
    run.found(1);
    let asked = run.execution.recorded().question().unwrap();
    assert_eq!(asked.unclean_ends, 1);
}

#[test]
fn a_no_ends_it_at_once_and_gives_everything_back() {
    let mut run = Run::asked();
    run.hand_in(said(Reply::No), 20);
    assert_eq!(run.due(), Vec::<String>::new(), "nothing is called again");
    assert_eq!(run.execution.recorded().status(), RunStatus::Failed);
    let End::Failed { failure, .. } = run.end(0) else { panic!("{:?}", run.end(0)) };
    assert_eq!(failure.cause, Cause::Defect, "it is not held for a person");
    assert!(failure.message.contains("died 3 times in a row") && failure.message.contains("mo"));
    assert!(matches!(run.end(2), End::Cancelled { .. }));
    let is_release = |event: &Event| matches!(event, Event::TargetReleased { .. });
    assert!(run.log.iter().any(|(event, _)| is_release(event)));
}

#[test]
fn a_no_ends_also_what_was_being_stopped() {
    let mut run = Run::running();
    run.hand_in(cancel(), 5);
    run.found(2);
    run.hand_in(Input::Turn, 10);
    assert_eq!(run.due(), ["abort a", "abort b"]);
    run.found(1);
    assert_eq!(run.due(), Vec::<String>::new());
    run.hand_in(said(Reply::No), 20);
    assert_eq!(run.execution.recorded().status(), RunStatus::Cancelled, "a cancel came before");
    assert!(matches!(run.end(0), End::Cancelled { left: Some(_), .. }));
}

#[test]
fn a_no_ends_also_a_way_back_that_a_cancel_has_spared() {
    let mut run = Run::of(&PLAN.replace("RETRY", RETRY).replace("hold", "rollback"));
    let Command::Step { call } = run.execution.due()[0] else { panic!("a is not stepped") };
    let answer = Err(StageError::Failure("no".to_owned()));
    run.hand_in(Input::Stepped { call, answer }, 5);
    run.hand_in(cancel(), 6);
    run.found(2);
    run.hand_in(Input::Turn, 10);
    assert_eq!(run.due(), ["step a", "abort b"]);
    run.found(1);
    run.hand_in(said(Reply::No), 20);
    assert_eq!(run.execution.recorded().status(), RunStatus::Cancelled);
    let End::Failed { failure, .. } = run.end(0) else { panic!("{:?}", run.end(0)) };
    assert!(failure.message.starts_with("no; the rollback failed: the engine died 3 times"));
}

#[test]
fn a_cancel_of_a_question_only_aborts_and_ends_without_it_if_that_kills_too() {
    let mut run = Run::asked();
    run.hand_in(cancel(), 20);
    assert_eq!(run.execution.summary().waiting, None, "it goes on by itself");
    let refused = run.execution.handle(said(Reply::Yes), at(20));
    assert!(refused.is_err(), "it is being stopped");
    assert_eq!(run.due(), ["abort a", "abort b"]);
    run.found(1);
    assert_eq!(run.due(), ["abort a", "abort b"]);
    run.found(2);
    assert_eq!(run.execution.recorded().status(), RunStatus::Cancelled);
    assert!(matches!(run.end(0), End::Cancelled { left: Some(_), .. }));
}

#[test]
fn what_a_preemption_stops_is_aborted_while_the_question_stands() {
    let mut run = Run::asked();
    let target = run.execution.recorded().targets["prod"].target.clone();
    run.hand_in(row(Message::Preempted { target, by: "rollback#1".to_owned() }), 20);
    assert_eq!(run.due(), ["abort a"]);
    let question = run.execution.recorded().question();
    assert_eq!(question, None, "a stage of it is being stopped");
}
