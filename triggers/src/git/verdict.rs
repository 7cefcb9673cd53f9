//! Whether a change in a repository starts a run, or the one filter that says no.

use super::{EventWord, Matcher, Whose};
use engine_core::{
    happening::{Change, ChangedPaths, Git},
    trigger::{Because, Commit, Meaning, TriggerEvent, Verdict},
};
use serde_json::{Map, Value};

/// Of what was changed, how much a reason names.
const SHOWN_PATHS: usize = 3;
const SHOWN_CHARACTERS: usize = 200;
/// What expressions see of a commit's message.
const MAX_MESSAGE_BYTES: usize = 4_096;

/// A ref and the commit at which it stands.
pub(super) struct Moved<'a> {
    event: EventWord,
    ref_name: String,
    branch: &'a str,
    tag: &'a str,
    commit: &'a str,
}

pub(super) fn of(matcher: &Matcher, git: &Git) -> Verdict {
    let judged = moved(&git.change).and_then(|moved| {
        named(matcher, git, &moved)?;
        if moved.has_paths() {
            paths(matcher, &git.paths)?;
        }
        Ok(moved)
    });
    match judged {
        Ok(moved) => Verdict::Start(start(matcher, git, &moved)),
        Err(because) => Verdict::No(because),
    }
}

impl Moved<'_> {
    /// Whether it matters which files were changed.
    pub(super) fn has_paths(&self) -> bool {
        match self.event {
            EventWord::Push | EventWord::Merge => true,
            EventWord::Tag => false,
        }
    }
}

/// All but which files were changed.
pub(super) fn named(matcher: &Matcher, git: &Git, moved: &Moved<'_>) -> Result<(), Because> {
    event(matcher, git, moved)?;
    whole(git, moved.commit)?;
    match moved.event {
        EventWord::Push | EventWord::Merge => {
            name("branches", matcher.branches.as_ref(), moved.branch)
        }
        EventWord::Tag => name("tags", matcher.tags.as_ref(), moved.tag),
    }
}

fn no(filter: &str, value: String) -> Because {
    let value = match value.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value,
    };
    Because { filter: filter.to_owned(), value }
}

pub(super) fn moved(change: &Change) -> Result<Moved<'_>, Because> {
    let on_branch = |event, branch, commit| {
        let ref_name = format!("refs/heads/{branch}");
        Ok(Moved { event, ref_name, branch, tag: "", commit })
    };
    match change {
        Change::Push { branch, after, before: _ } => on_branch(EventWord::Push, branch, after),
        Change::Merge { branch, commit, .. } => on_branch(EventWord::Merge, branch, commit),
        Change::Tag { tag, commit } => {
            let (event, ref_name) = (EventWord::Tag, format!("refs/tags/{tag}"));
            let commit = commit.as_deref().unwrap_or_default();
            Ok(Moved { event, ref_name, branch: "", tag, commit })
        }
        Change::BranchDeleted { .. } | Change::TagDeleted { .. } => {
            Err(no("events", change.words()))
        }
    }
}

fn event(matcher: &Matcher, git: &Git, moved: &Moved<'_>) -> Result<(), Because> {
    let asked = matcher.events.contains(&moved.event);
    if asked { Ok(()) } else { Err(no("events", git.change.words())) }
}

/// A commit that nobody has looked up in the repository starts nothing.
fn whole(git: &Git, commit: &str) -> Result<(), Because> {
    let whole = [40, 64].contains(&commit.len()) && commit.bytes().all(|it| it.is_ascii_hexdigit());
    match whole {
        true => Ok(()),
        false => Err(no("commit", format!("{}: its commit was not found", git.change.words()))),
    }
}

fn name(key: &str, globs: Option<&crate::globs::Globs>, name: &str) -> Result<(), Because> {
    match globs {
        Some(globs) if !globs.admit(name) => Err(no(key, name.to_owned())),
        Some(_) | None => Ok(()),
    }
}

/// Whether one of the changed files counts. Where nobody could tell what has changed, none does.
fn paths(matcher: &Matcher, changed: &ChangedPaths) -> Result<(), Because> {
    let Some(filter) = path_filter(matcher) else { return Ok(()) };
    let fits = |path: &String| {
        matcher.paths.as_ref().is_none_or(|globs| globs.admit(path))
            && !matcher.paths_ignore.as_ref().is_some_and(|globs| globs.admit(path))
    };
    match changed {
        ChangedPaths::Everything => Ok(()),
        ChangedPaths::Those(paths) if paths.iter().any(fits) => Ok(()),
        ChangedPaths::Unread | ChangedPaths::Those(_) => Err(unchanged(filter, changed)),
    }
}

/// The filter that is named if no changed file counts.
pub(super) fn path_filter(matcher: &Matcher) -> Option<&'static str> {
    match (&matcher.paths, &matcher.paths_ignore) {
        (None, None) => None,
        (Some(_), _) => Some("paths"),
        (None, Some(_)) => Some("pathsIgnore"),
    }
}

/// Why a filter over files says no.
pub(super) fn unchanged(filter: &str, changed: &ChangedPaths) -> Because {
    match changed {
        ChangedPaths::Unread => no(filter, "nobody has read what was changed".to_owned()),
        ChangedPaths::Everything => no(filter, "everything".to_owned()),
        ChangedPaths::Those(paths) => no(filter, shown(paths)),
    }
}

fn shown(paths: &[String]) -> String {
    let first: Vec<&str> = paths.iter().take(SHOWN_PATHS).map(String::as_str).collect();
    match paths.len() {
        0 => "no file was changed".to_owned(),
        count if count > SHOWN_PATHS => {
            format!("{} and {} more", first.join(", "), count - SHOWN_PATHS)
        }
        _ => first.join(", "),
    }
}

fn start(matcher: &Matcher, git: &Git, moved: &Moved<'_>) -> TriggerEvent {
    let text = |text: &Option<String>| bounded(text.as_deref().unwrap_or_default()).to_owned();
    let fields = [
        ("repository", matcher.repository.as_ref().unwrap_or(&git.repository).clone()),
        ("ref", moved.ref_name.clone()),
        ("branch", moved.branch.to_owned()),
        ("tag", moved.tag.to_owned()),
        ("commit", moved.commit.to_owned()),
        ("author", text(&git.author)),
        ("message", text(&git.message)),
    ];
    let fields = fields.map(|(key, value)| (key.to_owned(), Value::from(value)));
    let (reference, commit) = (moved.ref_name.clone(), moved.commit.to_owned());
    TriggerEvent {
        fields: Map::from_iter(fields),
        meaning: Meaning::Of { subject: reference.clone(), value: commit.clone() },
        commit: match matcher.whose {
            Whose::Own => Commit::Of { reference, commit },
            Whose::Other => Commit::Default,
        },
        actor: git.actor.clone(),
    }
}

fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_MESSAGE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
