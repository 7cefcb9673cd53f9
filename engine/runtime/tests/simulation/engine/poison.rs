//! A run whose step kills the engine, several times in a row, between two neighbours that every end
//! of the engine meets, too: one that is slow, and one that waits for its target.

use super::{Storm, somebody};
use crate::{
    plans,
    script::{self, Move},
};
use engine_core::{
    Execution, Plan,
    event::{Event, Message, RunAct},
    id::RunId,
    status::RunStatus,
    store::{LogReader, Request, Store, Submitted, Summary},
};
use std::{sync::Arc, time::Duration};

/// Two ends of the engine make it a suspect, and one more a question.
const KILLS: u32 = 3;

impl Storm {
    pub(super) async fn poison(&mut self) {
        // It is older, so that its turn comes first.
        let beside = self.begin_in("two").await;
        self.world.slow(beside);
        let poison = self.begin_in("one").await;
        self.world.poison(poison, KILLS);
        let behind = self.begin_in("one").await;
        for kill in 1..=KILLS {
            let killed = self.world.killed(kill);
            tokio::time::timeout(Duration::from_secs(600), killed).await.expect("it is driven");
            if kill < KILLS {
                self.say_in_vain(behind, kill).await;
            }
            self.engine = None;
            self.open().await;
        }
        self.until(beside, |run| run.recorded().status() == RunStatus::Succeeded).await;
        self.until(poison, |run| run.recorded().question().is_some()).await;
        self.is_asked_about_it_alone(poison).await;
        let (act, end) = match self.chance.one_in(2) {
            true => (RunAct::Yes, RunStatus::Succeeded),
            false => (RunAct::No, RunStatus::Failed),
        };
        let said = (act, somebody(), String::new());
        self.engine.as_ref().unwrap().act(poison, said, "answer".to_owned()).await.unwrap();
        self.until(poison, |run| run.recorded().status() == end).await;
        self.until(behind, |run| run.recorded().status() == RunStatus::Succeeded).await;
    }

    /// An input that is met by the end of the engine, and refused by the next one: the run becomes
    /// a suspect of which nothing is due.
    async fn say_in_vain(&self, run: RunId, kill: u32) {
        let message = Message::Resume { actor: somebody(), reason: String::new() };
        let (key, at) = (format!("in vain {kill}"), self.clock.now());
        let written = self.memory.submit(Request { run, key, message, at }).await.unwrap();
        assert!(matches!(written, Submitted::Written(_)), "{written:?}");
    }

    async fn is_asked_about_it_alone(&self, poison: RunId) {
        for Summary { run, .. } in self.runs().await {
            let rows = self.memory.log(run, 0).await.unwrap();
            let events = rows.iter().flat_map(|row| &row.events);
            let asked = events.filter(|event| matches!(event, Event::RunQuestioned { .. }));
            assert_eq!(asked.count(), usize::from(run == poison), "{run}");
        }
    }

    /// One stage that acts in an environment, and nothing that needs a person.
    async fn begin_in(&mut self, environment: &str) -> RunId {
        let mut document = plans::rollback(&mut self.chance).document().clone();
        "storm".clone_into(&mut document.pipeline);
        document.nodes[0].environment = Some(environment.to_owned());
        assert_eq!(script::script(&document.nodes[0]).attempts[0].moves[0], Move::Effect);
        self.begin(Arc::new(Plan::new(document).unwrap())).await
    }

    async fn until(&self, run: RunId, holds: impl Fn(&Execution) -> bool) {
        let reader = self.engine.as_ref().unwrap().reader();
        for _look in 0..6_000 {
            if holds(&reader.execution(run).await.unwrap()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let execution = reader.execution(run).await.unwrap();
        panic!("{run} never came so far: {:#?}", execution.recorded());
    }
}
