//! Reads what is posted: bounded for each body, and for all that are read at once.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body, and what all bodies that are being read may take together.
pub(super) const BODY_BYTES: usize = 2 * 1024 * 1024;
pub(crate) const ALL_BYTES: usize = 64 * 1024 * 1024;
/// What a request takes at least.
const SMALLEST_BYTES: usize = 16 * 1024;

/// Why a post was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// Others have all that bodies may take.
    NoRoom,
    /// The line was cut, or it is no body; the fragment says which.
    BrokenOff {
        reason: String,
    },
}

/// A body, and its share of what all of them may take.
pub(super) struct Read {
    pub(super) body: Bytes,
    pub(super) held: OwnedSemaphorePermit,
}

/// Takes of `all` what has come: whoever promises much and sends nothing keeps nobody out.
pub(super) async fn read(all: &Arc<Semaphore>, mut body: Body) -> Result<Read, Unread> {
    let mut held = hold(all, SMALLEST_BYTES)?;
    let mut content = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::BrokenOff { reason: error.to_string() })?;
        let Ok(data) = frame.into_data() else { continue };
        let bytes = content.len() + data.len();
        if bytes > BODY_BYTES {
            return Err(Unread::TooLarge);
        }
        let lacking = bytes.saturating_sub(held.num_permits());
        if lacking > 0 {
            held.merge(hold(all, lacking.max(SMALLEST_BYTES))?);
        }
        content.extend_from_slice(&data);
    }
    Ok(Read { body: content.into(), held })
}

fn hold(all: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
    let weight = u32::try_from(bytes).unwrap_or(u32::MAX);
    all.clone().try_acquire_many_owned(weight).map_err(|_| Unread::NoRoom)
}
