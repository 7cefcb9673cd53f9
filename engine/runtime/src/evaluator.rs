//! Where expressions are evaluated: on few threads of their own, so that a slow one holds up no run
//! but its own.

use engine_core::{BoxFuture, event::Evaluated, execution::Evaluation};
use futures::FutureExt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Evaluates what runs ask for.
///
/// # Contract
///
/// An evaluation may be asked for again with the same values, and then answers the same. Several
/// may be under way at once. Each takes up to some tens of milliseconds of one core.
pub trait Evaluator: Send + Sync + 'static {
    fn evaluate(&self, evaluation: Evaluation) -> BoxFuture<'static, Evaluated>;
}

/// Blocking threads of the runtime, at most `threads` of them.
pub struct Pool {
    permits: Arc<Semaphore>,
}

impl Pool {
    pub fn new(threads: usize) -> Pool {
        Pool { permits: Arc::new(Semaphore::new(threads)) }
    }
}

impl Evaluator for Pool {
    fn evaluate(&self, evaluation: Evaluation) -> BoxFuture<'static, Evaluated> {
        let permits = self.permits.clone();
        async move {
            // The pool is never closed; a permit only keeps evaluations few.
            let _permit = permits.acquire().await;
            let answer = tokio::task::spawn_blocking(move || evaluation.run()).await;
            answer
                .unwrap_or_else(|error| Evaluated::Broken(format!("its evaluation broke: {error}")))
        }
        .boxed()
    }
}
