//! `manual`: a person or a token. Every pipeline can be started so, whether it says it or not.

use engine_core::{
    expression::Kind,
    happening::Happening,
    stage::Fault,
    trigger::{Because, Home, IndexKey, Trigger, Verdict},
};
use schemars::JsonSchema;
use serde::Deserialize;

pub struct Manual;

/// A person or a token. Every pipeline can be started so by whoever may; to write it changes nothing.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualTrigger {}

impl Trigger for Manual {
    const TYPE: &'static str = "manual";
    const FIELDS: &'static [(&'static str, Kind)] = &[];
    type Config = ManualTrigger;
    type Matcher = ();

    fn compile(_config: ManualTrigger, _home: &Home) -> Result<(), Vec<Fault>> {
        Ok(())
    }

    /// Nothing that happens outside: whoever starts a run by hand asks the engine itself.
    fn keys(_matcher: &()) -> Vec<IndexKey> {
        Vec::new()
    }

    fn accept(_matcher: &(), _happening: &Happening) -> Verdict {
        Verdict::No(Because { filter: "type".to_owned(), value: Manual::TYPE.to_owned() })
    }
}
