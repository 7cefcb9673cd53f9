//! Who gives a target up to a person's way back, as both of them have recorded it.

use crate::story::Reached;
use engine_core::{event::Event, id::RunId, plan::Plan};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Who gives up, to whom, and which environment.
type Way = (String, String, String);

#[derive(Default)]
pub(crate) struct GivingWay {
    numbers: BTreeMap<RunId, u64>,
    given: BTreeSet<Way>,
    taken: BTreeSet<Way>,
}

impl GivingWay {
    pub(crate) fn read(&mut self, plan: &Arc<Plan>, (run, event): (RunId, &Event)) {
        if let Event::RunStarted { number, .. } = event {
            self.numbers.insert(run, *number);
        }
        let label = format!("{}#{}", plan.document().pipeline, self.numbers[&run]);
        match event {
            Event::TargetPreempted { target, by } => {
                self.given.insert((label, by.clone(), target.environment.clone()));
            }
            Event::TargetTakenBack { target, from } => {
                let environment = &target.environment;
                let way = |other: &String| (other.clone(), label.clone(), environment.clone());
                self.taken.extend(from.iter().map(way));
            }
            _ => {}
        }
    }

    /// Whoever gave up has been named. One that was named may have given back by itself.
    pub(crate) fn close(&self, reached: &mut Reached) {
        let unnamed: Vec<&Way> = self.given.difference(&self.taken).collect();
        assert_eq!(unnamed, Vec::<&Way>::new(), "ways back do not say who gave way to them");
        reached.count("way back names who gave way", self.taken.len() as u64);
    }
}
