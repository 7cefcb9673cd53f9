//! A run's turn to be driven by itself: runs with which the engine died are tried one at a time.

use engine_core::{BoxFuture, execution::state::Trial};
use futures::FutureExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) enum Turn {
    NotWanted,
    Awaited(BoxFuture<'static, OwnedSemaphorePermit>),
    /// Nobody else is tried as long as this is kept.
    Come(#[expect(dead_code, reason = "it is given back by being dropped")] OwnedSemaphorePermit),
}

impl Turn {
    /// Gets in line, stays there, or gives the turn back, as the run needs it.
    pub(super) fn follow(&mut self, trial: &Trial, turns: &Arc<Semaphore>) {
        match (trial, &self) {
            (Trial::None | Trial::Asked(_), _) => *self = Turn::NotWanted,
            (Trial::Suspected { .. }, Turn::NotWanted) => *self = Turn::Awaited(next(turns)),
            (Trial::Suspected { .. } | Trial::Alone { .. }, _) => {}
        }
    }

    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Turn::Awaited(_) => true,
            Turn::NotWanted | Turn::Come(_) => false,
        }
    }

    /// Answers once, when it has come. Whoever stops waiting keeps the place in the line.
    pub(super) async fn come(&mut self) {
        match self {
            Turn::Awaited(turn) => {
                let turn = turn.await;
                *self = Turn::Come(turn);
            }
            Turn::NotWanted | Turn::Come(_) => std::future::pending().await,
        }
    }
}

fn next(turns: &Arc<Semaphore>) -> BoxFuture<'static, OwnedSemaphorePermit> {
    let turn = turns.clone().acquire_owned();
    async move {
        match turn.await {
            Ok(turn) => turn,
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        }
    }
    .boxed()
}
