//! What simulated stages act on: targets that remember every effect, and objects that change.

use crate::{
    chance::Chance,
    script::{self, End, Move, Script},
};
use engine_core::{
    BoxFuture,
    clock::{Clock, Moment},
    event::{Evaluated, Signal, Signalled},
    execution::Evaluation,
    id::RunId,
    plan::{Effect, Timeout},
    revision::{ComponentSet, Origin},
    stage::{
        Asked, EnvironmentUse, ObjectKey, Outputs, Record, Refusal, Stage, StageError, Step,
        StepContext, Traits, WaitReason, Wake,
    },
    status::WaitKind,
    store::LogReader,
};
use engine_runtime::{evaluator::Evaluator, memory::Memory, objects::Objects};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) memory: Memory,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    objects: Arc<watch::Sender<u64>>,
    /// How often a step has killed its engine.
    kills: Arc<watch::Sender<u32>>,
}

struct State {
    chance: Chance,
    /// (run, stage, attempt, move) → the epoch that did it.
    effects: BTreeMap<(RunId, String, u32, usize), u64>,
    /// Calls under way, by the engine that makes them.
    inside: BTreeSet<(u64, RunId, String)>,
    /// The run whose steps kill the engine, and how often that has to be until they do no more.
    poison: Option<(RunId, u32)>,
    /// The run whose steps are still under way when that one kills.
    slow: Option<RunId>,
}

/// Held while a call is under way.
struct Inside {
    world: World,
    key: (u64, RunId, String),
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.world.state.lock().unwrap().inside.remove(&self.key);
    }
}

impl World {
    pub(crate) fn new(seed: u64, memory: Memory, clock: Arc<dyn Clock>) -> World {
        let chance = Chance::new(seed ^ 0x5EED);
        let (effects, inside) = (BTreeMap::new(), BTreeSet::new());
        let state = State { chance, effects, inside, poison: None, slow: None };
        let (objects, kills) = (Arc::new(watch::Sender::new(0)), Arc::new(watch::Sender::new(0)));
        World { memory, clock, state: Arc::new(Mutex::new(state)), objects, kills }
    }

    pub(crate) fn change_objects(&self) {
        self.objects.send_modify(|position| *position += 1);
    }

    pub(crate) fn effects(&self) -> usize {
        self.state.lock().unwrap().effects.len()
    }

    fn enter(&self, context: &StepContext) -> Inside {
        let identity = &context.identity;
        let key = (identity.epoch.0, identity.run, identity.stage.clone());
        let is_alone = self.state.lock().unwrap().inside.insert(key.clone());
        assert!(is_alone, "two calls of one stage of one run are under way");
        Inside { world: self.clone(), key }
    }

    pub(crate) fn poison(&self, run: RunId, times: u32) {
        self.state.lock().unwrap().poison = Some((run, times));
    }

    pub(crate) fn slow(&self, run: RunId) {
        self.state.lock().unwrap().slow = Some(run);
    }

    /// Answers when so many engines are dead.
    pub(crate) async fn killed(&self, times: u32) {
        self.kills.subscribe().wait_for(|kills| *kills >= times).await.unwrap();
    }

    /// Never comes back if it kills the engine.
    async fn survive(&self, run: RunId) {
        let (kills, slow) = (*self.kills.borrow(), self.state.lock().unwrap().slow);
        if slow == Some(run) {
            tokio::time::sleep(Duration::from_secs(8)).await;
        }
        match self.state.lock().unwrap().poison {
            Some((poison, times)) if poison == run && kills < times => {}
            Some(_) | None => return,
        }
        self.kills.send_modify(|kills| *kills += 1);
        std::future::pending().await
    }

    fn chance(&self, below: u64) -> u64 {
        self.state.lock().unwrap().chance.below(below)
    }

    /// Changes the target once for this attempt and move, as a stage must: it reads first.
    async fn act(&self, context: &StepContext, at: usize) -> Result<(), StageError> {
        let identity = &context.identity;
        let key = (identity.run, identity.stage.clone(), identity.attempt, at);
        if self.state.lock().unwrap().effects.contains_key(&key) {
            return Ok(());
        }
        context.may_act()?;
        let target = context.target.as_ref().expect("a stage that acts has a target");
        let queue = self.memory.queue(&target.resource()).await.unwrap();
        let holders: Vec<RunId> = queue.holders.iter().map(|holder| holder.run).collect();
        assert_eq!(holders, [identity.run], "somebody else holds {target:?}");
        let lease = self.memory.lease().await.unwrap().map(|lease| lease.epoch.0);
        assert_eq!(lease, Some(identity.epoch.0), "an engine without the lease acts");
        self.state.lock().unwrap().effects.insert(key, identity.epoch.0);
        Ok(())
    }
}

impl Objects for World {
    fn changed(&self, keys: Vec<ObjectKey>) -> BoxFuture<'static, ()> {
        let mut objects = self.objects.subscribe();
        Box::pin(async move {
            let position = keys.iter().map(|key| key.position).min().unwrap_or(0);
            drop(objects.wait_for(|newest| *newest > position).await);
        })
    }
}

/// Evaluates after a while, in whatever order.
impl Evaluator for World {
    fn evaluate(&self, evaluation: Evaluation) -> BoxFuture<'static, Evaluated> {
        let pause = Duration::from_millis(self.chance(80));
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            evaluation.run()
        })
    }
}

/// A stage that follows the script in its configuration, of one type or the other: what the second
/// one says holds for one run only.
pub(crate) struct Scripted<const TYPE: usize>(pub(crate) World);

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Remembered {
    at: usize,
    polls: u32,
    padding: String,
}

impl<const TYPE: usize> Stage for Scripted<TYPE> {
    const TYPE: &'static str = ["script", "checks"][TYPE];
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Writes,
        default_timeout: Timeout::Never,
    };
    type Config = Script;
    type Progress = Remembered;

    #[expect(clippy::too_many_lines, reason = "one arm a move")]
    async fn step(
        &self,
        context: StepContext,
        script: Script,
        mut progress: Remembered,
    ) -> Result<Step<Remembered>, StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(120))).await;
        self.0.survive(context.identity.run).await;
        let played = script.attempts.get(context.identity.attempt as usize - 1);
        let attempt = played.or(script.attempts.last()).unwrap();
        let Some(act) = attempt.moves.get(progress.at) else {
            return self.end(attempt.end, progress);
        };
        let at = progress.at;
        match act {
            Move::Poll { times } if progress.polls < *times && self.0.chance(2) == 0 => {
                return Ok(self.wait(progress, WaitKind::Readiness, 50)); // changes nothing
            }
            Move::Poll { times } if progress.polls < *times => progress.polls += 1,
            Move::Timer { ms } => {
                progress.at += 1;
                return Ok(self.wait(progress, WaitKind::Timer, *ms));
            }
            Move::Object => {
                progress.at += 1;
                return Ok(self.watch(progress));
            }
            Move::Effect => {
                self.0.act(&context, at).await?;
                progress.at += 1;
            }
            Move::Record => {
                progress.at += 1;
                let content = format!("{}-{at}", context.identity.attempt).into_bytes();
                return Ok(self.record(&context, (progress, content)));
            }
            Move::Remember => {
                progress.at += 1;
                progress.padding = "x".repeat(9_000);
            }
            Move::Ask { .. } | Move::Wonder { .. } => {
                match context.signals.first().map(|said| said.signal) {
                    Some(Signal::Reject) => return Err(StageError::Rejected("no".to_owned())),
                    Some(Signal::No) => return Err(StageError::Failure("no".to_owned())),
                    Some(_) => progress.at += 1,
                    None => return Ok(asking(progress, *act)),
                }
            }
            Move::Poll { .. } => progress.at += 1,
        }
        Ok(self.wait(progress, WaitKind::Readiness, 0))
    }

    fn refusal(&self, _script: &Script, _asked: &Asked<'_>, _answer: &Signalled) -> Refusal {
        Refusal::None
    }

    async fn abort(
        &self,
        context: StepContext,
        _script: Script,
        _progress: Remembered,
    ) -> Result<(), StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(50))).await;
        match self.0.chance(3) {
            0 => Err(StageError::Error("cannot be stopped now".to_owned())),
            _ => Ok(()),
        }
    }
}

fn asking(progress: Remembered, act: Move) -> Step<Remembered> {
    let reason = WaitReason { kind: act.kind(), detail: "a person".to_owned() };
    Step::Wait { progress, wake: Wake::default(), reason, records: Vec::new() }
}

/// The way back: it leads somewhere or not, as its attempt says.
pub(crate) struct Undo(pub(crate) World);

impl Stage for Undo {
    const TYPE: &'static str = "rollback";
    const TRAITS: Traits = Scripted::<0>::TRAITS;
    type Config = serde_json::Value;
    type Progress = Remembered;

    async fn step(
        &self,
        context: StepContext,
        config: serde_json::Value,
        progress: Remembered,
    ) -> Result<Step<Remembered>, StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(120))).await;
        assert_eq!(config["to"]["undo"], context.identity.run.to_string());
        if progress.at == 0 {
            self.0.act(&context, 0).await?;
            return Ok(Scripted::<0>(self.0.clone()).wait(
                Remembered { at: 1, ..progress },
                WaitKind::Readiness,
                50,
            ));
        }
        let stage = context.identity.stage.strip_suffix("/rollback").unwrap();
        match script::returns(stage, context.identity.attempt) {
            true => Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
            false => Err(StageError::Failure("no way back".to_owned())),
        }
    }
}

impl<const TYPE: usize> Scripted<TYPE> {
    fn end(&self, end: End, progress: Remembered) -> Result<Step<Remembered>, StageError> {
        match end {
            End::Succeed => Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
            End::Error => Err(StageError::Error("as scripted".to_owned())),
            End::Failure => Err(StageError::Failure("as scripted".to_owned())),
            End::Panic => panic!("as scripted"),
            End::Hang => Ok(self.wait(progress, WaitKind::Readiness, 20_000)),
        }
    }

    fn wait(&self, progress: Remembered, kind: WaitKind, ms: u64) -> Step<Remembered> {
        let at = self.0.clock.now().elapsed.plus(Duration::from_millis(ms));
        let wake = Wake { at: Some(Moment::Elapsed(at)), objects: Vec::new() };
        let reason = WaitReason { kind, detail: format!("at {}", progress.at) };
        Step::Wait { progress, wake, reason, records: Vec::new() }
    }

    fn watch(&self, progress: Remembered) -> Step<Remembered> {
        let position = *self.0.objects.borrow();
        let wake = Wake { at: None, objects: vec![ObjectKey { key: "all".to_owned(), position }] };
        let reason = WaitReason { kind: WaitKind::Readiness, detail: "an object".to_owned() };
        Step::Wait { progress, wake, reason, records: Vec::new() }
    }

    fn record(
        &self,
        context: &StepContext,
        (progress, content): (Remembered, Vec<u8>),
    ) -> Step<Remembered> {
        let name = context.services.name(&content);
        let set = ComponentSet {
            component: "main".to_owned(),
            content: name.clone(),
            images: BTreeMap::new(),
            origin: Origin::Deploy,
        };
        let waiting = self.wait(progress, WaitKind::Readiness, 0);
        let records = vec![Record::Blob { name, content }, Record::Revision(set)];
        match waiting {
            Step::Wait { progress, wake, reason, .. } => {
                Step::Wait { progress, wake, reason, records }
            }
            Step::Done { outputs, .. } => Step::Done { outputs, records },
        }
    }
}
