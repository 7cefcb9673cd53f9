//! The whole inbox in virtual time: what is posted, pushed and polled, while the engine dies, its writes
//! get lost and the places outside do not answer; judged by who was told what, and what was started.

mod judge;
mod places;

use super::{Counter, Dead};
use crate::{
    actors::Scripted, calls::FromParameters, chance::Chance, story::Reached, world::World,
};
use engine_core::{
    Registry,
    clock::{Civil, Clock},
    delivery::{Content, Door, Kept},
    event::{Actor, Way},
    happening::{Happening, Hook},
    id::DeliveryId,
    receiver::Key,
    stage::AnyStage,
    store::{Candidate, InboxReader, LogReader, Store},
};
use engine_runtime::{
    clock::TokioClock,
    conformance::faulty::{Fault, Faulty},
    driver::NoWitness,
    engine::{Engine, Parts},
    inbox::{Inbox, Incoming},
    memory::Memory,
    seal::Sealer,
    secrets::Secrets,
};
use places::{LANES, Outside, Places, TAGS, told};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

pub(super) const ASKER: &str = "kit";
const PATIENCE: Duration = Duration::from_secs(3 * 3600);

/// What somebody has posted.
struct Letter {
    lane: &'static str,
    /// Of the delivery, once one was acknowledged.
    acknowledged: Option<DeliveryId>,
}

struct Storm {
    seed: u64,
    chance: Chance,
    memory: Memory,
    world: World,
    clock: Arc<dyn Clock>,
    ids: Arc<Counter>,
    outside: Arc<Outside>,
    open: Option<(Inbox, Engine)>,
    processes: u32,
    /// By its key, which is what it says, too.
    letters: BTreeMap<String, Letter>,
    replays: Vec<DeliveryId>,
}

pub(crate) fn storm(seed: u64, reached: &mut Reached) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(Civil(1_000_000)));
        let memory = Memory::default();
        let mut storm = Storm {
            seed,
            chance: Chance::new(seed),
            world: World::new(seed, memory.clone(), clock.clone()),
            outside: Arc::new(Outside::new(seed)),
            memory,
            clock,
            ids: Arc::default(),
            open: None,
            processes: 0,
            letters: BTreeMap::new(),
            replays: Vec::new(),
        };
        storm.open().await;
        for _turn in 0..10 + storm.chance.below(30) {
            storm.turn(reached).await;
        }
        storm.settle().await;
        storm.judge(reached).await;
    });
}

impl Storm {
    async fn turn(&mut self, reached: &mut Reached) {
        match self.chance.below(12) {
            0..=3 => self.post_new(reached).await,
            4 | 5 => self.post_again(reached).await,
            6 => self.conflict(reached).await,
            7 | 8 => {
                let marks = self.memory.marks("poll/").await.unwrap();
                self.outside.push(self.chance.pick(&TAGS), marks.first());
            }
            9 => self.tell_of_image().await,
            10 => self.replay(reached).await,
            _ => {
                reached.count("the inbox dies", 1);
                self.open = None;
                self.sleep(3_000).await;
                self.open().await;
            }
        }
        let most = self.chance.pick(&[1, 40, 2_500]);
        self.sleep(most).await;
    }

    async fn sleep(&mut self, most_ms: u64) {
        tokio::time::sleep(Duration::from_millis(self.chance.below(most_ms))).await;
    }

    async fn open(&mut self) {
        self.processes += 1;
        let faults = self.faults();
        let of_appends = faults.clone();
        let store = Faulty::new(self.memory.clone(), Box::new(move |_| of_appends()));
        let store = Arc::new(store.with_letters(Box::new(move || faults())));
        let stages = Registry::<dyn AnyStage>::default().with(Scripted::<0>(self.world.clone()));
        let parts = Parts {
            store: store as Arc<dyn Store>,
            clock: self.clock.clone(),
            stages: Arc::new(stages),
            objects: Arc::new(self.world.clone()),
            evaluator: Arc::new(self.world.clone()),
            sealer: Arc::new(Sealer::with_key(&[7; 32]).unwrap()),
            ids: self.ids.clone(),
            witness: Arc::new(NoWitness),
            candidate: Candidate {
                process_id: self.processes,
                process_started: 0,
                pid_namespace: "simulated".to_owned(),
                boot: "simulated".to_owned(),
                now: self.clock.now(),
            },
            processes: Arc::new(Dead { living: None }),
            children: Arc::new(FromParameters),
            secrets: Secrets::none(),
            platform: engine_core::latest::Latest::default(),
        };
        let engine = Engine::open(parts).await.unwrap();
        let places = Arc::new(Places { outside: self.outside.clone() });
        let inbox = engine.inbox(places, places::shelf());
        self.open = Some((inbox, engine));
    }

    /// What happens to each write of the engine that is opened next.
    fn faults(&self) -> Arc<dyn Fn() -> Fault + Send + Sync> {
        let chance = Mutex::new(Chance::new(self.seed ^ (u64::from(self.processes) << 32)));
        Arc::new(move || {
            let mut chance = chance.lock().unwrap();
            match chance.below(20) {
                0 => Fault::Unavailable,
                1 => Fault::LostBefore,
                2 => Fault::LostAfter,
                3 => Fault::Late(Duration::from_millis(chance.below(2_000))),
                _ => Fault::None,
            }
        })
    }

    fn inbox(&self) -> &Inbox {
        &self.open.as_ref().unwrap().0
    }

    async fn post(&self, key: &str, (lane, text): (&str, &str)) -> Option<Kept> {
        let (application, name) = (lane.to_owned(), "bell".to_owned());
        let payload = serde_json::json!({ "id": key });
        let hook = Hook { application, name, proofs: Vec::new(), payload };
        let content = Content { happenings: vec![Happening::Hook(hook)], ..Content::default() };
        let door = Door::Receiver { name: "bells".to_owned() };
        let key = Key::Named(key.to_owned());
        let incoming = Incoming { door, key, content, body: text.into() };
        self.inbox().take(incoming).await.ok()
    }

    async fn post_new(&mut self, reached: &mut Reached) {
        let (key, lane) = (format!("letter-{}", self.letters.len()), self.chance.pick(&LANES));
        let answer = self.post(&key, (lane, "")).await;
        if answer.is_none() {
            reached.count("a post is not acknowledged", 1);
        }
        // Nobody can tell whether an answer was lost before the write or after it.
        let acknowledged = match answer {
            Some(Kept::New(id)) => Some(id),
            Some(Kept::Repeated(id) | Kept::Conflict(id)) => panic!("{key} is new, and was {id}"),
            None => None,
        };
        self.letters.insert(key, Letter { lane, acknowledged });
    }

    async fn post_again(&mut self, reached: &mut Reached) {
        let Some(key) = self.any() else { return };
        let (lane, before) = (self.letters[&key].lane, self.letters[&key].acknowledged);
        match (self.post(&key, (lane, "")).await, before) {
            (Some(Kept::New(id)), None) => self.acknowledge(&key, id),
            (Some(Kept::Repeated(id)), None) => {
                reached.count("a lost answer is asked for again", 1);
                self.acknowledge(&key, id);
            }
            (Some(Kept::Repeated(id)), Some(before)) => {
                reached.count("a post is repeated", 1);
                assert_eq!(id, before, "{key}");
            }
            (Some(answer), before) => panic!("{key} was {before:?} and is {answer:?}"),
            (None, _) => {}
        }
    }

    fn acknowledge(&mut self, key: &str, id: DeliveryId) {
        self.letters.get_mut(key).unwrap().acknowledged = Some(id);
    }

    /// Another body under a name that was acknowledged.
    async fn conflict(&mut self, reached: &mut Reached) {
        let Some(key) = self.any() else { return };
        let Some(before) = self.letters[&key].acknowledged else { return };
        match self.post(&key, (self.letters[&key].lane, "another body")).await {
            Some(Kept::Conflict(id)) => {
                reached.count("two bodies have one name", 1);
                assert_eq!(id, before, "{key}");
            }
            Some(answer) => panic!("{key} is another's: {answer:?}"),
            None => {}
        }
    }

    fn any(&mut self) -> Option<String> {
        let keys: Vec<String> = self.letters.keys().cloned().collect();
        (!keys.is_empty()).then(|| self.chance.pick(&keys))
    }

    /// A registry says that a tag was pushed, whether or not it was.
    async fn tell_of_image(&mut self) {
        let happenings = vec![told(self.chance.pick(&TAGS))];
        let door = Door::Receiver { name: "registry".to_owned() };
        let content = Content { happenings, ..Content::default() };
        let incoming = Incoming { door, key: Key::Each, content, body: Vec::new() };
        drop(self.inbox().take(incoming).await);
    }

    async fn replay(&mut self, reached: &mut Reached) {
        let Some(key) = self.any() else { return };
        let Some(id) = self.letters[&key].acknowledged else { return };
        let delivery = self.memory.delivery(id).await.unwrap().unwrap();
        let by = Actor { name: ASKER.to_owned(), way: Way::Socket };
        if let Ok(again) = self.inbox().replay(&delivery, by).await {
            reached.count("a delivery is looked at again", 1);
            self.replays.push(again);
        }
    }

    /// Nothing interferes any more: everything must come to a decision, and what it started to its end.
    async fn settle(&mut self) {
        self.outside.calm();
        let all = async {
            loop {
                tokio::time::sleep(Duration::from_secs(2)).await;
                let pending = self.memory.pending_deliveries(DeliveryId(0), 1).await.unwrap();
                let marks = self.memory.marks("poll/").await.unwrap();
                // What has begun goes on by itself, too.
                let unfinished = self.memory.unfinished().await.unwrap();
                let is_told = self.outside.is_told(marks.first());
                if pending.is_empty() && unfinished.is_empty() && is_told {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            panic!("stuck: {:#?}", self.memory.pending_deliveries(DeliveryId(0), 3).await);
        }
    }
}
