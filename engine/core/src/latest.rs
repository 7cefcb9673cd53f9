//! What holds now, for everybody who has to go by it.

use std::sync::{Arc, PoisonError, RwLock};

/// A value that is replaced as a whole. All clones of this see the same one, and whoever has taken
/// it goes on with what was taken.
#[derive(Debug, Default)]
pub struct Latest<T>(Arc<RwLock<Arc<T>>>);

impl<T> Latest<T> {
    pub fn new(value: impl Into<Arc<T>>) -> Latest<T> {
        Latest(Arc::new(RwLock::new(value.into())))
    }

    pub fn now(&self) -> Arc<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, value: impl Into<Arc<T>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value.into();
    }
}

impl<T> Clone for Latest<T> {
    fn clone(&self) -> Latest<T> {
        Latest(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::Latest;

    #[test]
    fn every_clone_sees_what_is_latest_and_whoever_took_it_keeps_it() {
        let here = Latest::new(1);
        let (there, taken) = (here.clone(), here.now());
        here.replace(2);
        assert_eq!((*taken, *there.now(), *here.now()), (1, 2, 2));
    }
}
