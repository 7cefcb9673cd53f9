//! The pure machine in a storm: answers in any order, late, repeated, lost in a crash; cancels at
//! any turn; time that jumps. No runtime.

use crate::{
    chance::Chance,
    facts::{self, Facts},
    script::{self, Attempt, End, HANG_TIMEOUT_MS, Move},
};
use engine_core::{
    Execution, Plan, Start,
    clock::{Civil, Elapsed, Moment, Now},
    event::{
        Actor, Answer, Call, Command, Evaluated, Failure, Input, InputRow, Message, Progress,
        Signal, Signalled, Trigger, Way,
    },
    execution::state::NodeState,
    id::{BlobName, InputId, PlanHash, RunId},
    plan::NodeIndex,
    retry::Cause,
    revision::{ComponentSet, Origin, Target},
    stage::{Outputs, Record, StageError, Step, WaitReason, Wake},
    status::WaitKind,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

struct Storm {
    chance: Chance,
    plan: Arc<Plan>,
    execution: Execution,
    facts: Facts,
    now: Now,
    /// Calls whose answers have not been handed in.
    open: Vec<(Call, Kind)>,
    /// Answers that were handed in once already.
    answered: Vec<Input>,
    asked: Vec<Target>,
    crashes: u32,
    /// What running stages said last that they wait for, since the last crash.
    said: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Step,
    Abort,
    Evaluation,
}

pub(crate) fn storm(seed: u64) {
    let mut chance = Chance::new(seed);
    let plan = Arc::new(script::plan(&mut chance, 7));
    let now = Now { elapsed: Elapsed(1_000), civil: Civil(5_000) };
    let (execution, events) = Execution::start(plan.clone(), start(), now);
    let mut storm = Storm {
        chance,
        plan,
        execution,
        facts: Vec::new(),
        now,
        open: Vec::new(),
        answered: Vec::new(),
        asked: Vec::new(),
        crashes: 0,
        said: BTreeMap::new(),
    };
    storm.record(events);
    for _turn in 0..20_000 {
        if storm.execution.recorded().status().has_ended() {
            return storm.over();
        }
        storm.turn();
    }
    panic!("the run is stuck: {:#?}", storm.execution.recorded());
}

fn signal(stage: &str, signal: Signal) -> Input {
    let actor = Actor { name: "somebody".to_owned(), way: Way::CommandLine };
    let signalled = Signalled { signal, actor, reason: String::new() };
    let message = Message::Signal { stage: stage.to_owned(), signalled };
    Input::Row(InputRow { id: InputId(3), message })
}

fn start() -> Start {
    Start {
        id: RunId(Default::default()),
        number: 1,
        plan: PlanHash("hash".to_owned()),
        trigger: Trigger::Manual,
        actor: Actor { name: "storm".to_owned(), way: Way::CommandLine },
        ancestry: Vec::new(),
    }
}

impl Storm {
    fn turn(&mut self) {
        for command in self.execution.due() {
            match command {
                Command::Step { call } => self.open.push((call, Kind::Step)),
                Command::Abort { call } => self.open.push((call, Kind::Abort)),
                Command::Evaluate { call } => self.open.push((call, Kind::Evaluation)),
                Command::Stop { call } => {
                    assert!(
                        self.open.contains(&(call, Kind::Step)),
                        "told a step that is not open"
                    );
                }
            }
        }
        let mut nodes: Vec<_> = self.open.iter().map(|(call, _)| call.node).collect();
        nodes.sort();
        nodes.dedup();
        assert_eq!(nodes.len(), self.open.len(), "two calls of one stage are under way");
        match self.chance.below(24) {
            0 if self.crashes < 6 => self.crash(),
            1 => self.repeat(),
            2 if self.chance.one_in(12) => self.cancel(),
            3..=5 => self.grant(),
            6..=9 => self.pass(),
            10 => self.change_object(),
            11 | 12 => self.say(),
            _ => self.answer(),
        }
    }

    fn crash(&mut self) {
        self.crashes += 1;
        self.open.clear();
        self.said.clear();
        let log = self.facts.iter().map(|(event, now)| (event, *now));
        let run = self.execution.recorded().id;
        self.execution = Execution::replay(self.plan.clone(), run, log).unwrap();
    }

    /// An answer that was handed in before must change nothing but the time of a wake.
    fn repeat(&mut self) {
        if self.answered.is_empty() {
            return;
        }
        let input = self.chance.pick(&self.answered);
        let (Input::Stepped { call, .. }
        | Input::Aborted { call, .. }
        | Input::Evaluated { call, .. }) = &input
        else {
            return;
        };
        if self.open.iter().any(|(open, _)| open == call) {
            return; // After a crash an old call may look like the one under way.
        }
        assert!(self.execution.handle(input, self.now).is_err(), "a late answer was accepted");
    }

    fn cancel(&mut self) {
        let actor = Actor { name: "somebody".to_owned(), way: Way::CommandLine };
        let message = Message::Cancel { actor, reason: String::new() };
        self.hand_in(Input::Row(InputRow { id: InputId(1), message }));
    }

    fn grant(&mut self) {
        let asked: Vec<Target> = self.execution.asked_targets().cloned().collect();
        if let Some(target) = asked.first().cloned() {
            let message = Message::TargetGranted { target };
            self.hand_in(Input::Row(InputRow { id: InputId(2), message }));
        }
    }

    /// A person answers what asks, and says to others what they do not take.
    fn say(&mut self) {
        let plan = self.plan.clone();
        let index = usize::try_from(self.chance.below(plan.nodes().len() as u64)).unwrap();
        let (node, state) = (&plan.nodes()[index], self.execution.node_state(NodeIndex(index)));
        let right = script::answer(node, state, self.retries(&node.id));
        let any = [Signal::Approve, Signal::Reject, Signal::Retry, Signal::Continue, Signal::Abort];
        match right {
            Some(right) => {
                let input = signal(&node.id, right);
                let events = self.execution.handle(input, self.now).expect("it asked");
                self.record(events);
            }
            None => {
                let input = signal(&node.id, self.chance.pick(&any));
                let refused = self.execution.handle(input, self.now).is_err();
                assert!(refused, "{} takes an answer that it never asked for", node.id);
            }
        }
    }

    /// How often a person has asked for another try of a stage.
    fn retries(&self, wanted: &str) -> usize {
        use engine_core::event::Event;
        let is_retry = |event: &Event| match event {
            Event::StageSignalled { stage, signal: Signal::Retry, .. } => stage == wanted,
            _ => false,
        };
        self.facts.iter().filter(|(event, _)| is_retry(event)).count()
    }

    fn change_object(&mut self) {
        if let Some(node) = self.execution.watched().keys().next().copied() {
            self.hand_in(Input::ObjectsChanged { node });
        }
    }

    /// Time goes on by itself, or as far as the next timer.
    fn pass(&mut self) {
        let next = self.execution.next_timer().elapsed;
        let to = match next {
            Some(at) if self.chance.one_in(2) => at.0.max(self.now.elapsed.0),
            Some(_) | None => self.now.elapsed.0 + self.chance.below(3_000),
        };
        self.now.civil.0 += to - self.now.elapsed.0;
        self.now.elapsed = Elapsed(to);
        self.hand_in(Input::Tick);
    }

    fn answer(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let which = usize::try_from(self.chance.below(self.open.len() as u64)).unwrap();
        let (call, kind) = self.open.swap_remove(which);
        let input = match kind {
            Kind::Step => {
                let answer = self.step(call);
                self.listen(call, &answer);
                Input::Stepped { call, answer }
            }
            Kind::Abort if self.chance.one_in(3) => {
                let answer = Err(StageError::Error("cannot be stopped now".to_owned()));
                Input::Aborted { call, answer }
            }
            Kind::Evaluation => {
                // Of a stage that was cancelled meanwhile: whatever comes is late.
                let evaluation = self.execution.evaluation(call);
                let answer = evaluation.map_or(Evaluated::Holds, |evaluation| evaluation.run());
                Input::Evaluated { call, answer }
            }
            Kind::Abort => Input::Aborted { call, answer: Ok(()) },
        };
        self.answered.push(input.clone());
        self.hand_in(input);
    }

    fn listen(&mut self, call: Call, answer: &Answer) {
        if let (Ok(Step::Wait { reason, .. }), NodeState::Running(_)) =
            (answer, self.execution.node_state(call.node))
        {
            let stage = self.plan.node(call.node).id.clone();
            self.said.insert(stage, reason.detail.clone());
        }
    }

    fn hand_in(&mut self, input: Input) {
        if let Ok(events) = self.execution.handle(input, self.now) {
            self.record(events);
        }
    }

    fn record(&mut self, events: Vec<engine_core::event::Event>) {
        use engine_core::event::Event;
        for event in events {
            match &event {
                Event::AttemptStarted { stage, .. } => drop(self.said.remove(stage)),
                Event::AttemptFailed { stage, failure, .. }
                | Event::StageFailed { stage, failure, .. } => self.names_its_wait(stage, failure),
                Event::TargetAsked { target, .. } => self.asked.push(target.clone()),
                Event::TargetReleased { target, .. } => {
                    let asked = self.asked.iter().position(|asked| asked == target);
                    self.asked.remove(asked.expect("what is given back was asked for"));
                }
                _ => {}
            }
            self.facts.push((event, self.now));
        }
        facts::replays(&self.execution, &self.facts);
    }

    /// An attempt that ran out of time fails with its newest words.
    fn names_its_wait(&self, stage: &str, failure: &Failure) {
        if failure.cause == Cause::Timeout
            && let Some(said) = self.said.get(stage)
        {
            assert!(failure.message.contains(said), "{said} is missing: {}", failure.message);
        }
    }

    fn over(&self) {
        assert_eq!(self.asked, [], "the run keeps targets after its end");
        facts::check(&self.plan, self.execution.recorded().id, &self.facts);
    }

    /// The stage's part: one move of its script.
    fn step(&mut self, call: Call) -> Answer {
        let node = self.plan.node(call.node);
        if node.stage_type == "vanished" {
            return Err(StageError::Defect("gone".to_owned()));
        }
        let script = script::script(node);
        let played = script.attempts.get(call.attempt as usize - 1);
        let attempt = played.or(script.attempts.last()).unwrap().clone();
        let progress = self.execution.attempt(call).map(|attempt| attempt.progress.clone());
        let at = match progress {
            Some(Progress::Inline(Value::Null)) | None => 0,
            Some(Progress::Inline(value)) => value["at"].as_u64().unwrap(),
            Some(Progress::Blob(_)) => unreachable!("the machine makes no blobs"),
        };
        self.play(&attempt, (call, at))
    }

    fn play(&mut self, attempt: &Attempt, (call, at): (Call, u64)) -> Answer {
        let Some(act) = attempt.moves.get(usize::try_from(at).unwrap()) else {
            return self.end(attempt.end, at);
        };
        let mut records = Vec::new();
        let signals = self.execution.attempt(call).map(|attempt| attempt.signals.clone());
        let said = signals.unwrap_or_default().first().map(|signalled| signalled.signal);
        let (at, kind, wake) = match act {
            Move::Ask { .. } => match said {
                Some(Signal::Reject) => return Err(StageError::Rejected("no".to_owned())),
                Some(_) => (at + 1, WaitKind::Readiness, self.after(0)),
                None => (at, WaitKind::Approval, Wake::default()),
            },
            Move::Timer { ms } => (at + 1, WaitKind::Timer, self.after(*ms)),
            Move::Poll { .. } if self.chance.one_in(2) => (at, WaitKind::Readiness, self.after(50)),
            Move::Object if self.chance.one_in(2) => (at, WaitKind::Readiness, self.after(500)),
            Move::Record => {
                records.push(Record::Revision(set(call, at)));
                (at + 1, WaitKind::Readiness, self.after(0))
            }
            Move::Poll { .. } | Move::Object | Move::Effect | Move::Remember => {
                (at + 1, WaitKind::Readiness, self.after(0))
            }
        };
        let progress = Progress::Inline(json!({ "at": at }));
        let reason = WaitReason { kind, detail: format!("move {at}") };
        Ok(Step::Wait { progress, wake, reason, records })
    }

    fn end(&mut self, end: End, at: u64) -> Answer {
        match end {
            End::Succeed => Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
            End::Error => Err(StageError::Error("as scripted".to_owned())),
            End::Failure => Err(StageError::Failure("as scripted".to_owned())),
            End::Panic => Err(StageError::Defect("as scripted".to_owned())),
            End::Hang => Ok(Step::Wait {
                progress: Progress::Inline(json!({ "at": at })),
                wake: self.after(HANG_TIMEOUT_MS / 4),
                reason: WaitReason {
                    kind: WaitKind::Readiness,
                    detail: format!("hangs in call {}", self.answered.len()),
                },
                records: Vec::new(),
            }),
        }
    }

    fn after(&self, ms: u64) -> Wake {
        let at = Moment::Elapsed(Elapsed(self.now.elapsed.0 + ms));
        Wake { at: Some(at), objects: Vec::new() }
    }
}

fn set(call: Call, at: u64) -> ComponentSet {
    ComponentSet {
        component: "main".to_owned(),
        content: BlobName(format!("{}-{at}", call.attempt)),
        images: BTreeMap::new(),
        origin: Origin::Deploy,
    }
}
