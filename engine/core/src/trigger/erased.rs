//! [`Trigger`] with its types erased, so that different triggers fit in one registry and one index.

use super::{Door, Home, IndexKey, Next, Sieve, Trigger, Verdict, Warning};
use crate::{
    clock::Civil,
    expression::Kind,
    happening::Happening,
    stage::{Fault, FaultCode},
};
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;
use std::any::Any;

/// A trigger type as the engine sees it.
pub trait AnyTrigger: Send + Sync {
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
    fn fields(&self) -> &'static [(&'static str, Kind)];
    fn compile(&self, config: &Value, home: &Home) -> Result<Box<dyn AnyMatcher>, Vec<Fault>>;
}

/// One trigger of one pipeline.
pub trait AnyMatcher: Any + Send + Sync {
    fn warnings(&self) -> Vec<Warning>;
    fn keys(&self) -> Vec<IndexKey>;
    fn accept(&self, happening: &Happening) -> Verdict;
    fn next(&self, after: Civil) -> Next;
    fn door(&self) -> Option<Door<'_>>;
    /// Of all these; none, if one of them is of another type.
    fn sieve(&self, all: &[&dyn AnyMatcher]) -> Option<Box<dyn Sieve>>;
}

struct Compiled<T: Trigger>(T::Matcher);

impl<T: Trigger> AnyMatcher for Compiled<T> {
    fn warnings(&self) -> Vec<Warning> {
        T::warnings(&self.0)
    }

    fn keys(&self) -> Vec<IndexKey> {
        T::keys(&self.0)
    }

    fn accept(&self, happening: &Happening) -> Verdict {
        T::accept(&self.0, happening)
    }

    fn next(&self, after: Civil) -> Next {
        T::next(&self.0, after)
    }

    fn door(&self) -> Option<Door<'_>> {
        T::door(&self.0)
    }

    fn sieve(&self, all: &[&dyn AnyMatcher]) -> Option<Box<dyn Sieve>> {
        T::sieve(&all.iter().map(|it| own::<T>(*it)).collect::<Option<Vec<_>>>()?)
    }
}

/// What this type has compiled.
fn own<T: Trigger>(matcher: &dyn AnyMatcher) -> Option<&T::Matcher> {
    let matcher: &dyn Any = matcher;
    Some(&matcher.downcast_ref::<Compiled<T>>()?.0)
}

impl<T: Trigger> AnyTrigger for T {
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T::Config>()
    }

    fn fields(&self) -> &'static [(&'static str, Kind)] {
        T::FIELDS
    }

    fn compile(&self, config: &Value, home: &Home) -> Result<Box<dyn AnyMatcher>, Vec<Fault>> {
        let config: T::Config = serde_json::from_value(config.clone()).map_err(|error| {
            let (code, message) = (FaultCode::Value, error.to_string());
            vec![Fault { code, place: Vec::new(), message, help: None }]
        })?;
        Ok(Box::new(Compiled::<T>(T::compile(config, home)?)))
    }
}
