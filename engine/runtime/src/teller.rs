//! Live text about waiting stages: the latest of each, at most once a second, never in the way.

use engine_core::{
    clock::{Clock, Moment},
    id::RunId,
    store::{Detail, Store},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// The most texts taken at once.
const ROUND: usize = 1024;
const PAUSE: Duration = Duration::from_secs(1);

/// Where drivers leave what their stages say.
#[derive(Clone)]
pub(crate) struct Teller {
    sender: mpsc::UnboundedSender<Detail>,
}

impl Teller {
    pub(crate) fn new() -> (Teller, mpsc::UnboundedReceiver<Detail>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Teller { sender }, receiver)
    }

    pub(crate) fn tell(&self, detail: Detail) {
        // Nobody listens once the engine is leaving; the text is not a fact.
        drop(self.sender.send(detail));
    }
}

/// Writes what was left, until every [`Teller`] is gone.
pub(crate) async fn write(
    mut details: mpsc::UnboundedReceiver<Detail>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
) {
    let mut latest: BTreeMap<(RunId, String), Detail> = BTreeMap::new();
    let mut news = Vec::new();
    while details.recv_many(&mut news, ROUND).await > 0 {
        for detail in news.drain(..) {
            latest.insert((detail.run, detail.stage.clone()), detail);
        }
        let batch = std::mem::take(&mut latest).into_values().collect();
        if let Err(error) = store.tell(batch).await {
            tracing::debug!(%error, "live text was not written");
        }
        let until = clock.now().elapsed.plus(PAUSE);
        clock.sleep_until(Moment::Elapsed(until)).await;
    }
}
