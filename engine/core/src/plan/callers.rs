//! Who may start a pipeline by a stage of another one.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The applications whose pipelines may start a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Callers {
    /// Those that have a pipeline in the same repository: a stage finds no others.
    #[default]
    Repository,
    /// These, and the pipeline's own.
    Named(BTreeSet<String>),
}

impl Callers {
    /// Whether a pipeline of `caller` may start one of `own`.
    ///
    /// # Errors
    ///
    /// When it may not, with the sentence that says so.
    pub fn admit(&self, caller: &str, (own, pipeline): (&str, &str)) -> Result<(), String> {
        match self {
            Callers::Repository => Ok(()),
            Callers::Named(names) if caller == own || names.contains(caller) => Ok(()),
            Callers::Named(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Err(format!(
                    "`{own}/{pipeline}` is not started by application `{caller}`, only by {}",
                    names.join(", ")
                ))
            }
        }
    }

    pub(crate) fn is_repository(&self) -> bool {
        match self {
            Callers::Repository => true,
            Callers::Named(_) => false,
        }
    }
}
