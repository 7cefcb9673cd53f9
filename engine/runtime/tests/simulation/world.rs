//! What simulated stages act on: targets that remember every effect, and objects that change.

use crate::chance::Chance;
use engine_core::{
    BoxFuture,
    clock::Clock,
    event::{Evaluated, Event},
    execution::Evaluation,
    id::RunId,
    stage::{ObjectKey, StageError, StepContext},
    store::LogReader,
};
use engine_runtime::{evaluator::Evaluator, memory::Memory, objects::Objects};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    pub(crate) objects: Arc<watch::Sender<u64>>,
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
pub(crate) struct Inside {
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

    pub(crate) fn enter(&self, context: &StepContext) -> Inside {
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
    pub(crate) async fn survive(&self, run: RunId) {
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

    pub(crate) fn chance(&self, below: u64) -> u64 {
        self.state.lock().unwrap().chance.below(below)
    }

    /// Changes the target once for this attempt and move, as a stage must: it reads first.
    pub(crate) async fn act(&self, context: &StepContext, at: usize) -> Result<(), StageError> {
        let identity = &context.identity;
        let key = (identity.run, identity.stage.clone(), identity.attempt, at);
        if self.state.lock().unwrap().effects.contains_key(&key) {
            return Ok(());
        }
        context.may_act()?;
        let target = context.target.as_ref().expect("a stage that acts has a target");
        let queue = self.memory.queue(&target.resource()).await.unwrap();
        let holders: Vec<RunId> = queue.holders.iter().map(|holder| holder.run).collect();
        assert!(holders.contains(&identity.run), "{} does not hold {target:?}", identity.run);
        let eldest = self.eldest(identity.run).await;
        for holder in holders {
            assert_eq!(self.eldest(holder).await, eldest, "another family holds {target:?}");
        }
        let lease = self.memory.lease().await.unwrap().map(|lease| lease.epoch.0);
        assert_eq!(lease, Some(identity.epoch.0), "an engine without the lease acts");
        self.state.lock().unwrap().effects.insert(key, identity.epoch.0);
        Ok(())
    }
}

impl World {
    /// The run that waits for a run, or for one that waits for it, and for which nobody waits.
    async fn eldest(&self, run: RunId) -> RunId {
        let mut eldest = run;
        loop {
            let log = self.memory.log(eldest, 0).await.unwrap();
            match &log[0].events[0] {
                Event::RunStarted { parent: Some(parent), .. } if !parent.family.is_empty() => {
                    eldest = parent.run;
                }
                _ => return eldest,
            }
        }
    }

    pub(crate) async fn is_overtaken(&self, context: &StepContext) -> Result<bool, StageError> {
        let target = context.target.as_ref().expect("a stage that deploys has a target");
        let overtaken = context.services.overtaken(target).await;
        let overtaken = overtaken.map_err(|error| StageError::Error(error.to_string()))?;
        Ok(overtaken.is_some())
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
