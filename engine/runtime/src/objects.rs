//! How the engine hears that objects outside have changed, without knowing what they are.

use engine_core::{BoxFuture, stage::ObjectKey};

/// Hands out changes.
///
/// # Contract
///
/// `changed` answers once one of `keys` changed after the position it names; at once if it did
/// already, or if a key means nothing here (a position of another process). It may be dropped at
/// any time, and thousands wait at once.
pub trait Objects: Send + Sync + 'static {
    fn changed(&self, keys: Vec<ObjectKey>) -> BoxFuture<'static, ()>;
}

/// For engines whose stages name no objects.
pub struct NoObjects;

impl Objects for NoObjects {
    fn changed(&self, _keys: Vec<ObjectKey>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
