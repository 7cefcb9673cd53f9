//! Tells whoever waits for it that something was proven good in a target.

use crate::objects::Objects;
use engine_core::{
    BoxFuture,
    event::Event,
    revision::{Proof, Target},
    stage::ObjectKey,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// What keys of targets begin with. No cluster has such a name.
const PREFIX: &str = "\u{1}proven|";

/// How often each environment of an application has had a good revision more, in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provings {
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
    told: watch::Sender<()>,
}

impl Provings {
    /// What changes with the next proof: taken before the revisions are read, it misses none.
    pub(crate) fn key(&self, application: &str, environment: &str) -> ObjectKey {
        let key = key(application, environment);
        let position = self.position(&key);
        ObjectKey { key, position }
    }

    /// The targets in which an append proves something.
    pub(crate) fn of(events: &[Event]) -> Vec<Target> {
        let proven = |event: &Event| match event {
            Event::TargetReleased { target, proof: Proof::Good } => Some(target.clone()),
            _ => None,
        };
        events.iter().filter_map(proven).collect()
    }

    /// To be called after the append, whatever came of it: a wake too many only looks again.
    pub(crate) fn tell(&self, targets: Vec<Target>) {
        if targets.is_empty() {
            return;
        }
        {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for target in targets {
                let Target { application, environment, cluster_uid: _ } = &target;
                *counts.entry(key(application, environment)).or_default() += 1;
            }
        }
        self.told.send_replace(());
    }

    /// Hears of these as well as of what is outside.
    pub(crate) fn beside(&self, outside: Arc<dyn Objects>) -> Arc<dyn Objects> {
        Arc::new(Beside { outside, provings: self.clone() })
    }

    fn position(&self, key: &str) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(key).copied().unwrap_or(0)
    }

    fn changed(&self, keys: Vec<ObjectKey>) -> BoxFuture<'static, ()> {
        let provings = self.clone();
        let mut told = self.told.subscribe();
        Box::pin(async move {
            // The sender is `provings`' own: it does not go away before this does.
            while !keys.iter().any(|it| provings.position(&it.key) != it.position) {
                if told.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        })
    }
}

/// Whatever cluster the environment is in.
fn key(application: &str, environment: &str) -> String {
    format!("{PREFIX}{application}/{environment}")
}

struct Beside {
    outside: Arc<dyn Objects>,
    provings: Provings,
}

impl Objects for Beside {
    fn changed(&self, keys: Vec<ObjectKey>) -> BoxFuture<'static, ()> {
        let (own, others): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|it| it.key.starts_with(PREFIX));
        match (own.is_empty(), others.is_empty()) {
            (true, _) => self.outside.changed(others),
            (false, true) => self.provings.changed(own),
            (false, false) => {
                let (own, others) = (self.provings.changed(own), self.outside.changed(others));
                Box::pin(async move {
                    tokio::select! { () = own => {}, () = others => {} }
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::NoObjects;
    use futures::FutureExt;

    fn target(environment: &str) -> Target {
        Target {
            application: "shop".to_owned(),
            environment: environment.to_owned(),
            cluster_uid: "u".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_proof_wakes_whoever_waits_for_its_target_and_nobody_else() {
        let provings = Provings::default();
        let objects = provings.beside(Arc::new(NoObjects));
        let (staging, prod) = (target("staging"), target("prod"));
        let waits = objects.changed(vec![provings.key("shop", "staging")]);
        let mut elsewhere = objects.changed(vec![provings.key("shop", "prod")]);
        let released =
            |target: &Target, proof| Event::TargetReleased { target: target.clone(), proof };
        let bad = released(&prod, Proof::Bad);
        let events = [bad, released(&staging, Proof::Good)];
        provings.tell(Provings::of(&events));
        waits.await;
        assert!((&mut elsewhere).now_or_never().is_none());
        let late = provings.key("shop", "prod");
        provings.tell(vec![prod]);
        objects.changed(vec![late]).await;
    }
}
