//! `git`: a branch has moved, a tag was set, or a request was merged.

mod repository;
mod sieve;
mod verdict;

use crate::globs::Globs;
use engine_core::{
    expression::Kind,
    files::Step,
    happening::Happening,
    stage::{Fault, FaultCode},
    trigger::{Because, Home, IndexKey, Sieve, Trigger, Verdict, Warning, WarningCode},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub struct Git;

/// A branch has moved, a tag was set, or a request was merged. The run uses the file and the
/// manifests of that very commit, if the repository is the one in which the file lies.
///
/// Globs are over whole names: `*` stands for any characters but `/`, `**` for any number of whole
/// parts, `?` for one character, `[ab]` for one of them; the last glob that fits decides, and `!`
/// before it takes away.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GitTrigger {
    /// Another repository than the one in which this file lies.
    #[serde(default)]
    #[schemars(example = &"git.example.com/shop/settings")]
    repository: Option<String>,
    /// What of it. A merged request is told by webhooks alone; where the repository is polled it is
    /// a `push`.
    #[serde(default = "push")]
    #[schemars(length(min = 1), extend("default" = ["push"]), example = json!(["push", "tag"]))]
    events: Vec<EventWord>,
    /// Which branches, by globs; all, if it is not said.
    #[serde(default)]
    #[schemars(length(min = 1), example = json!(["main", "release/**"]))]
    branches: Option<Vec<String>>,
    /// Which tags, by globs; all, if it is not said.
    #[serde(default)]
    #[schemars(length(min = 1), example = json!(["v*"]))]
    tags: Option<Vec<String>>,
    /// Which files must have changed, by globs over their paths from the repository's root: one is
    /// enough. Not asked of tags.
    #[serde(default)]
    #[schemars(length(min = 1), example = json!(["src/**", "!src/docs/**"]))]
    paths: Option<Vec<String>>,
    /// Which changed files do not count, by globs.
    #[serde(default)]
    #[schemars(length(min = 1), example = json!(["**/*.md"]))]
    paths_ignore: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum EventWord {
    Push,
    Tag,
    Merge,
}

fn push() -> Vec<EventWord> {
    vec![EventWord::Push]
}

/// What it looks at, and its filters.
#[derive(Clone)]
pub struct Matcher {
    /// None if the file lies in no repository and names none: nothing can happen there.
    repository: Option<String>,
    whose: Whose,
    events: Vec<EventWord>,
    branches: Option<Globs>,
    tags: Option<Globs>,
    paths: Option<Globs>,
    paths_ignore: Option<Globs>,
}

/// In which repository the commits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    Other,
}

impl Trigger for Git {
    const TYPE: &'static str = "git";
    const FIELDS: &'static [(&'static str, Kind)] = &[
        ("repository", Kind::Text),
        ("ref", Kind::Text),
        ("branch", Kind::Text),
        ("tag", Kind::Text),
        ("commit", Kind::Text),
        ("author", Kind::Text),
        ("message", Kind::Text),
    ];
    type Config = GitTrigger;
    type Matcher = Matcher;

    fn compile(config: GitTrigger, home: &Home) -> Result<Matcher, Vec<Fault>> {
        let mut faults = idle(&config);
        let repository = match config.repository.as_deref().map(identity) {
            None => home.repository.clone(),
            Some(Ok(repository)) => Some(repository),
            Some(Err(fault)) => {
                faults.push(fault);
                None
            }
        };
        let whose = if repository == home.repository { Whose::Own } else { Whose::Other };
        let mut globs = |key: &str, written: Option<Vec<String>>| {
            let compiled = written.map(|written| Globs::compile(key, &written));
            compiled.and_then(|globs| globs.map_err(|more| faults.extend(more)).ok())
        };
        let matcher = Matcher {
            repository,
            whose,
            events: config.events,
            branches: globs("branches", config.branches),
            tags: globs("tags", config.tags),
            paths: globs("paths", config.paths),
            paths_ignore: globs("pathsIgnore", config.paths_ignore),
        };
        if faults.is_empty() { Ok(matcher) } else { Err(faults) }
    }

    fn warnings(matcher: &Matcher) -> Vec<Warning> {
        let any = matcher.events.contains(&EventWord::Push) && matcher.branches.is_none();
        let warning = Warning {
            code: WarningCode::AnyBranch,
            message: "a push to any branch starts this pipeline".to_owned(),
            help: "say which: `branches: [main]`".to_owned(),
        };
        any.then_some(warning).into_iter().collect()
    }

    fn keys(matcher: &Matcher) -> Vec<IndexKey> {
        let key = |repository| IndexKey::Git { repository };
        matcher.repository.clone().map(key).into_iter().collect()
    }

    fn accept(matcher: &Matcher, happening: &Happening) -> Verdict {
        match happening {
            Happening::Git(git) => verdict::of(matcher, git),
            Happening::Image(_)
            | Happening::Chart(_)
            | Happening::Hook(_)
            | Happening::Time(_)
            | Happening::Ended(_) => {
                let (filter, value) = ("type".to_owned(), Git::TYPE.to_owned());
                Verdict::No(Because { filter, value })
            }
        }
    }

    fn sieve(matchers: &[&Matcher]) -> Option<Box<dyn Sieve>> {
        Some(Box::new(sieve::GitSieve::of(matchers)))
    }
}

fn identity(written: &str) -> Result<String, Fault> {
    repository::identity(written).map_err(|error| Fault {
        code: FaultCode::Value,
        place: vec![Step::Key("repository".to_owned())],
        message: format!("`repository` is not the address of one: {error}"),
        help: Some("write host and path, such as `git.example.com/shop/settings`".to_owned()),
    })
}

/// Filters of what is not asked for: whoever writes one thinks that it is.
fn idle(config: &GitTrigger) -> Vec<Fault> {
    let has = |word| config.events.contains(&word);
    let moves = has(EventWord::Push) || has(EventWord::Merge);
    let filters = [
        ("branches", config.branches.is_some(), moves, "push"),
        ("tags", config.tags.is_some(), has(EventWord::Tag), "tag"),
        ("paths", config.paths.is_some(), moves, "push"),
        ("pathsIgnore", config.paths_ignore.is_some(), moves, "push"),
    ];
    let idle = filters.into_iter().filter(|(_, written, asked, _)| *written && !asked);
    idle.map(|(key, _, _, event)| Fault {
        code: FaultCode::Value,
        place: vec![Step::Key(key.to_owned())],
        message: format!("`{key}` says nothing about the `events` that are asked for"),
        help: Some(format!("add `{event}` to `events`, or leave out `{key}`")),
    })
    .collect()
}

#[cfg(test)]
mod tests;
