//! What arrives together with what it comes to: kept, begun and decided in one transaction.

use super::{
    append::AppendBatch,
    failure::Failure,
    inbox::{Arrive, Decide},
    session::{Session, Turn},
    writer::Work,
};
use engine_core::{
    BoxFuture,
    delivery::{Arrival, Decided, Kept},
    id::Epoch,
    store::{Appended, Came, Foreseen, Foretold, StoreError},
};
use std::sync::Arc;

pub(super) struct ArriveForeseen {
    pub(super) epoch: Epoch,
    pub(super) arrival: Arrival,
    pub(super) foreseen: Arc<dyn Foreseen>,
}

impl Work for ArriveForeseen {
    type Answer = Result<Came, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            let turn = session.turn;
            // Only the last of the three may commit; where it is left out, the transaction's end does.
            session.turn = Turn::MoreFollow;
            let kept = match self.keep(session).await? {
                Ok(kept) => kept,
                Err(lost) => return Ok(Err(lost)),
            };
            let Kept::New(id) = kept else { return Ok(Ok(Came::Kept(kept))) };
            let Some(Foretold { decision, begins }) = self.foreseen.come_to(id) else {
                return Ok(Ok(Came::Kept(kept)));
            };
            let begun = match begins {
                Some(append) => {
                    let batch = AppendBatch { epoch: self.epoch, items: vec![append] };
                    match batch.run(session).await? {
                        Ok(mut answers) => answers.pop(),
                        Err(lost) => return Ok(Err(lost)),
                    }
                }
                None => None,
            };
            match begun {
                Some(Appended::Written { .. }) | None => {}
                Some(
                    Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. },
                ) => return Ok(Ok(Came::Kept(kept))),
            }
            session.turn = turn;
            let decided = Decided { id, decision, marks: Vec::new() };
            let decided = Decide { epoch: self.epoch, decided }.run(session).await?;
            Ok(decided.map(|()| Came::Decided { id, begun }))
        })
    }
}

impl ArriveForeseen {
    async fn keep(&self, session: &mut Session) -> Result<Result<Kept, StoreError>, Failure> {
        let (arrivals, marks) = (vec![self.arrival.clone()], Vec::new());
        let arrive = Arrive { epoch: self.epoch, arrivals, marks };
        let unanswered = || StoreError::Damaged("a delivery got no answer".to_owned());
        let kept = arrive.run(session).await?;
        Ok(kept.and_then(|kept| kept.into_iter().next().ok_or_else(unanswered)))
    }
}
