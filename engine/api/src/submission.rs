//! A pipeline file that somebody wants to run, with all that it reads.

use crate::{Back, Repeat};
use engine_core::{BoxFuture, event::Actor, id::RunId};
use engine_runtime::engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is handed in: the client has read it, so that the engine reads no file of anybody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Submission {
    /// How diagnostics name the file.
    pub name: String,
    pub source: String,
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    pub parameters: BTreeMap<String, Value>,
    /// What each pattern of the file stands for: paths in order.
    #[serde(default)]
    pub patterns: BTreeMap<String, Vec<String>>,
    /// The text of each path.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The text of the pipeline files beside it that its stages start, by path.
    #[serde(default)]
    pub pipelines: BTreeMap<String, String>,
}

/// The files of a submission.
const FILES: usize = 2_000;
const FILE_BYTES: usize = 1024 * 1024;
/// Other pipelines that are handed in with one.
const PIPELINES: usize = 32;
const PIPELINES_BYTES: usize = 1024 * 1024;
/// Names and paths.
const NAME_BYTES: usize = 4_096;

impl Submission {
    /// What there is too much of, in words.
    pub(crate) fn excess(&self) -> Option<String> {
        let too_many = |found: usize, most: usize, what: &str| {
            (found > most).then(|| format!("{found} {what}, at most {most} may be"))
        };
        let names = [&self.name].into_iter().chain(self.files.keys()).chain(self.patterns.keys());
        let names = names.chain(self.pipelines.keys()).map(String::len);
        let largest = self.files.values().map(String::len).max().unwrap_or_default();
        let pipelines = self.pipelines.values().map(String::len).sum();
        too_many(self.files.len(), FILES, "files")
            .or_else(|| too_many(self.patterns.len(), FILES, "patterns"))
            .or_else(|| too_many(largest, FILE_BYTES, "bytes in one file"))
            .or_else(|| too_many(self.pipelines.len(), PIPELINES, "pipelines"))
            .or_else(|| too_many(pipelines, PIPELINES_BYTES, "bytes of pipelines"))
            .or_else(|| too_many(names.max().unwrap_or_default(), NAME_BYTES, "bytes in a name"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub run: RunId,
    /// `checkout#12`; of a repeated start only the pipeline's name.
    pub label: String,
}

/// Why nothing was started.
#[derive(Debug)]
pub enum NotBegun {
    /// Diagnostics as `validate --format json` gives them.
    Invalid { diagnostics: Vec<Value> },
    /// The run stands, or was kept, in a way that does not allow it.
    Refused { reason: String },
    /// Too many runs of the application are queued.
    Full { reason: String },
    /// A cluster or the store does not answer, or the engine is leaving; trying again may help.
    Unavailable { reason: String },
}

/// What a submission came to without being run.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// Its plan, and warnings as `validate --format json` gives them.
    Plan { plan: Value, warnings: Vec<Value> },
    /// Diagnostics as `validate --format json` gives them.
    Invalid { diagnostics: Vec<Value> },
}

/// Makes a run of a submission. Only the program knows the stage types and the clusters.
///
/// # Contract
///
/// Repeating a start with the same key starts nothing more. It may take as long as a cluster takes
/// to say who it is.
pub trait Starter: Send + Sync + 'static {
    fn start<'a>(
        &'a self,
        engine: &'a Engine,
        submission: Submission,
        by: (Actor, String),
    ) -> BoxFuture<'a, Result<Begun, NotBegun>>;

    /// Makes a new run of an earlier one.
    fn repeat<'a>(
        &'a self,
        engine: &'a Engine,
        what: (RunId, Repeat),
        by: (Actor, String),
    ) -> BoxFuture<'a, Result<Begun, NotBegun>>;

    /// Brings back what was there before: a run for each environment, none if nothing was changed.
    fn roll_back<'a>(
        &'a self,
        engine: &'a Engine,
        back: Back,
        by: (Actor, String),
    ) -> BoxFuture<'a, Result<Vec<Begun>, NotBegun>>;

    /// What a submission would do, as far as can be told without asking a cluster. Values that
    /// are not given are no fault.
    fn check(&self, submission: Submission, by: &Actor) -> Checked;

    /// The JSON Schema of pipeline files.
    fn schema(&self) -> Value;
}
