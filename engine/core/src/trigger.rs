//! What a trigger type implements: which happenings mean something to it, and why others do not.

mod erased;
mod index;
mod poll;
mod sieve;

pub use erased::{AnyMatcher, AnyTrigger};
pub use index::IndexKey;
pub use poll::{PollError, Polled, Poller, Rest};
pub use sieve::{Refused, Sieve, Sifted};

use crate::{clock::Civil, expression::Kind, happening::Happening, stage::Fault};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A kind of trigger, such as `git` or `cron`.
///
/// # Contract
///
/// Everything is a pure function of its arguments: whatever is to be asked outside was asked when a
/// happening was confirmed. What [`Trigger::accept`] says for one happening it says for ever.
pub trait Trigger: Send + Sync + 'static {
    const TYPE: &'static str;
    /// What expressions read of `trigger` beside `type` and `actor`.
    const FIELDS: &'static [(&'static str, Kind)];
    /// Has no expressions in it.
    type Config: DeserializeOwned + JsonSchema + Send + 'static;
    type Matcher: Send + Sync + 'static;

    /// Every fault of `config` that its schema cannot tell, or what matches for it.
    fn compile(config: Self::Config, home: &Home) -> Result<Self::Matcher, Vec<Fault>>;

    /// What is probably not meant.
    fn warnings(_matcher: &Self::Matcher) -> Vec<Warning> {
        Vec::new()
    }

    /// The happenings that may mean something to it have one of these keys; no other is shown to it.
    fn keys(matcher: &Self::Matcher) -> Vec<IndexKey>;

    fn accept(matcher: &Self::Matcher, happening: &Happening) -> Verdict;

    /// Asks many that look at the same at once; none, if that is no quicker than one after another.
    fn sieve(_matchers: &[&Self::Matcher]) -> Option<Box<dyn Sieve>> {
        None
    }

    /// The next moment after `after` at which it fires by itself.
    fn next(_matcher: &Self::Matcher, _after: Civil) -> Next {
        Next::Never
    }

    /// Who may post to its own address.
    fn door(_matcher: &Self::Matcher) -> Option<Door<'_>> {
        None
    }
}

/// Where a trigger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    pub application: String,
    pub pipeline: String,
    /// Its place in the file, from 0.
    pub trigger: u32,
    /// The repository that the file lies in, as [`crate::happening::Git::repository`]; a plain
    /// folder is none.
    pub repository: Option<String>,
}

/// What a happening means to a trigger.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Start(TriggerEvent),
    No(Because),
}

/// The one filter that said no, and what it was held against: `branches`, `feature/x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The key in the trigger's configuration.
    pub filter: String,
    pub value: String,
}

/// Something that starts a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerEvent {
    /// What expressions see as `trigger`, beside `type` and `actor`.
    pub fields: Map<String, Value>,
    pub meaning: Meaning,
    pub commit: Commit,
    /// Who has caused it, if that is known.
    pub actor: Option<String>,
}

/// When a further event means the same as one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Each stands for itself.
    Once,
    /// It is the same again if `value` is what was last accepted of `subject`: a ref and its commit,
    /// a tag and its digest.
    Of { subject: String, value: String },
}

/// Which commit's file and manifests a run uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The head of the default branch, and its last good file.
    Default,
    /// This one, which must be reachable from the source's branches.
    Of { reference: String, commit: String },
}

/// When a trigger fires by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Never,
    At { at: Civil, missed: Missed, schedule: String },
}

/// What becomes of moments at which nobody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    Skip,
    /// One run for all of them.
    Run,
}

/// How those who post to a trigger's own address prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door<'a> {
    pub application: &'a str,
    pub name: &'a str,
    pub proof: Proof<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof<'a> {
    /// Nobody proves anything: what it starts never reaches a production environment.
    None,
    /// The name of a scheme, and of the secrets of which any one will do.
    Scheme { scheme: &'a str, secrets: &'a [String] },
}

impl Proof<'_> {
    /// `none`, or a scheme and the names of secrets: `github by SHOP_HOOK`.
    pub fn words(&self) -> String {
        match self {
            Proof::None => "none".to_owned(),
            Proof::Scheme { scheme, secrets } => format!("{scheme} by {}", secrets.join(" or ")),
        }
    }
}

/// Something that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub code: WarningCode,
    pub message: String,
    pub help: String,
}

/// The codes of warnings that a trigger type can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningCode {
    /// W101: a push to any branch starts it.
    AnyBranch,
    /// W102: any image starts it, or a tag that moves.
    AnyImage,
    /// W106: whoever comes may start it.
    Unverified,
}
