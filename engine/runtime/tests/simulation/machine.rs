//! The pure machine in a storm: answers in any order, late, repeated, lost in a crash; cancels at
//! any turn; time that jumps. No runtime.

mod people;
mod play;

use crate::{
    chance::Chance,
    facts::{self, Facts, Known},
    oracle::Ends,
    plans,
};
use engine_core::{
    Execution, Plan, Start,
    clock::{Civil, Elapsed, Now},
    event::{
        Actor, Answer, Call, Command, Evaluated, Failure, Input, InputRow, Message, Trigger,
        TurnedAway, Urgency, Way,
    },
    execution::state::NodeState,
    id::{InputId, PlanHash, RunId},
    plan::NodeIndex,
    platform::Verdict,
    retry::Cause,
    revision::Target,
    stage::{StageError, Step},
    status::RunStatus,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    /// The nodes that a freeze held when they were judged last.
    held: BTreeSet<NodeIndex>,
    /// How the run ended that this one retries.
    earlier: Option<Ends>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Step,
    Abort,
    Evaluation,
    Judgement,
}

pub(crate) fn storm(seed: u64) {
    let mut chance = Chance::new(seed);
    let plan = Arc::new(plans::plan(&mut chance, 7));
    let mut earlier = None;
    for number in 1..=3 {
        let (status, ended) = run(&mut chance, &plan, start(number, earlier.as_ref()));
        if status == RunStatus::Succeeded {
            return;
        }
        earlier = Some(ended);
    }
}

/// A run that has ended, and how its stages did.
struct Earlier {
    execution: Execution,
    ends: Ends,
}

fn run(
    chance: &mut Chance,
    plan: &Arc<Plan>,
    (start, earlier): (Start, Option<Ends>),
) -> (RunStatus, Earlier) {
    let (chance, plan) = (Chance::new(chance.next()), plan.clone());
    let now = Now { elapsed: Elapsed(1_000), civil: Civil(5_000) };
    let (execution, events) = Execution::start(plan.clone(), start, now);
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
        held: BTreeSet::new(),
        earlier,
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

fn start(number: u64, earlier: Option<&Earlier>) -> (Start, Option<Ends>) {
    let ends = earlier.map(|earlier| earlier.ends.clone());
    let offers = earlier.map(|it| it.execution.offers(it.execution.plan(), &BTreeSet::new()));
    let start = Start {
        id: RunId(uuid::Uuid::from_u128(u128::from(number))),
        number,
        plan: PlanHash("hash".to_owned()),
        trigger: Trigger::Manual,
        actor: Actor { name: "storm".to_owned(), way: Way::CommandLine },
        ancestry: Vec::new(),
        parent: None,
        offers: offers.unwrap_or_default(),
    };
    (start, ends)
}

impl Storm {
    fn turn(&mut self) {
        let asks = self.execution.recorded().question().is_some();
        for command in self.execution.due() {
            assert!(!asks, "{command:?} while a person is asked about the run");
            match command {
                Command::Step { call } => self.open.push((call, Kind::Step)),
                Command::Abort { call } => self.open.push((call, Kind::Abort)),
                Command::Evaluate { call } => self.open.push((call, Kind::Evaluation)),
                Command::Judge { call } => self.open.push((call, Kind::Judgement)),
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
            0 if self.crashes < 8 => self.crash(),
            1 => self.repeat(),
            2 if self.chance.one_in(12) => self.cancel(),
            3..=5 => self.grant(),
            6..=9 => self.pass(),
            10 => self.change_object(),
            11 | 12 => self.say(),
            13 if self.chance.one_in(3) => self.pause(),
            14 => self.resume(),
            15 if self.chance.one_in(6) => self.stand_in_the_way(),
            16 => self.hand_in(Input::Turn),
            17 => self.reply(),
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
        let unclean_ends = u32::try_from(self.chance.below(4)).unwrap();
        self.hand_in(Input::Found { unclean_ends });
    }

    /// An answer that was handed in before must change nothing but the time of a wake.
    fn repeat(&mut self) {
        if self.answered.is_empty() {
            return;
        }
        let input = self.chance.pick(&self.answered);
        let (Input::Stepped { call, .. }
        | Input::Aborted { call, .. }
        | Input::Evaluated { call, .. }
        | Input::Judged { call, .. }) = &input
        else {
            return;
        };
        if self.open.iter().any(|(open, _)| open == call) {
            return; // After a crash an old call may look like the one under way.
        }
        assert!(self.execution.handle(input, self.now).is_err(), "a late answer was accepted");
    }

    fn grant(&mut self) {
        if let Some(slot) = self.execution.asked_slot().cloned() {
            let message = match self.chance.below(6) {
                0 => Message::SlotRefused { slot, because: TurnedAway::Full { by: Vec::new() } },
                1 => Message::SlotRefused { slot, because: TurnedAway::Ring { ring: Vec::new() } },
                _ => Message::SlotGranted { slot },
            };
            return self.hand_in(Input::Row(InputRow { id: InputId(2), message }));
        }
        let asked: Vec<Target> = self.execution.asked_targets().cloned().collect();
        if let Some(target) = asked.first().cloned() {
            let message = match self.chance.below(12) {
                0 => Message::TargetRefused { target, ring: Vec::new() },
                _ => Message::TargetGranted { target },
            };
            self.hand_in(Input::Row(InputRow { id: InputId(2), message }));
        }
    }

    /// Another run wants a target back, or takes this one's place.
    fn stand_in_the_way(&mut self) {
        let environment = self.chance.pick(&["one", "two"]);
        let target = self.execution.recorded().targets.get(environment);
        let by = "other#1".to_owned();
        let message = match (self.chance.below(5), target) {
            (4, _) => Message::Withdrawn { because: "its file is gone".to_owned() },
            (0, _) => Message::Superseded { by, urgency: Urgency::AtOnce },
            (1, _) => Message::Superseded { by, urgency: Urgency::WhenIdle },
            (_, Some(state)) => Message::Preempted { target: state.target.clone(), by },
            (_, None) => return,
        };
        self.hand_in(Input::Row(InputRow { id: InputId(4), message }));
    }

    fn change_object(&mut self) {
        if let Some(node) = self.execution.watched().keys().next().copied() {
            self.hand_in(Input::ObjectsChanged { node });
        }
    }

    /// Time goes on by itself, or as far as the next timer.
    fn pass(&mut self) {
        // A way back loses no race against its timeout, so that its end can be told.
        let goes_back = self.execution.recorded().tally.rolling_back > 0;
        let timers = self.execution.next_timer();
        let of_civil = timers
            .civil
            .map(|at| Elapsed(self.now.elapsed.0 + at.0.saturating_sub(self.now.civil.0)));
        let next = timers.elapsed.into_iter().chain(of_civil).min().filter(|_| !goes_back);
        let to = match next {
            Some(at) if self.chance.one_in(2) => at.0.max(self.now.elapsed.0),
            Some(_) | None if goes_back => self.now.elapsed.0 + self.chance.below(30),
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
            Kind::Judgement => Input::Judged { call, verdict: self.verdict(call) },
            Kind::Abort => Input::Aborted { call, answer: Ok(()) },
        };
        self.answered.push(input.clone());
        self.hand_in(input);
    }

    /// Whatever was answered there is enough; and at times nothing is asked.
    fn verdict(&mut self, call: Call) -> Verdict {
        if self.chance.one_in(5) {
            self.held.insert(call.node);
            let opens = Civil(self.now.civil.0 + self.chance.below(4_000));
            let opens = Some(opens).filter(|_| !self.chance.one_in(8));
            return Verdict::Frozen { detail: format!("held until {opens:?}"), opens };
        }
        self.held.remove(&call.node);
        let environment = self.plan.node(call.node).environment.clone().unwrap_or_default();
        match self.execution.recorded().ruled.answers.get(&environment) {
            Some(_) => Verdict::Met { by: vec!["somebody said yes".to_owned()] },
            None if self.chance.one_in(4) => {
                let detail = format!("a yes for {environment}, {}", self.chance.below(3));
                Verdict::Asks { detail }
            }
            None => Verdict::Unguarded,
        }
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
                Event::AttemptStarted { stage, .. } => {
                    let index = self.plan.graph().index(stage).unwrap();
                    assert!(!self.held.contains(&index), "{stage} starts and a freeze holds it");
                    self.said.remove(stage);
                }
                Event::AttemptFailed { stage, failure, .. }
                | Event::StageFailed { stage, failure, .. } => self.names_its_wait(stage, failure),
                Event::TargetAsked { target, .. } if !self.asked.contains(target) => {
                    self.asked.push(target.clone());
                }
                Event::TargetRefused { target, .. } => {
                    self.asked.retain(|asked| asked != target);
                }
                Event::TargetYielded { target } | Event::TargetReleased { target, .. } => {
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

    fn over(self) -> (RunStatus, Earlier) {
        assert_eq!(self.asked, [], "the run keeps targets after its end");
        let run = self.execution.recorded().id;
        let known = Known { earlier: self.earlier, ..Known::default() };
        let (status, ends) = facts::check(&self.plan, (run, known), &self.facts);
        (status, Earlier { execution: self.execution, ends })
    }
}
