//! What git's own words mean.

use super::GitError;

const MAX_MESSAGE: usize = 400;

/// Which error a sentence of git belongs to. The first entry that is found decides.
#[derive(Clone, Copy)]
enum Meaning {
    Unauthorised,
    Untrusted,
    Moved,
    NoSuchRepository,
    NoSuchRef,
    Refused,
    Machine,
    Unreachable,
}

const WORDS: &[(&str, Meaning)] = &[
    ("Authentication failed", Meaning::Unauthorised),
    ("could not read Username", Meaning::Unauthorised),
    ("could not read Password", Meaning::Unauthorised),
    ("terminal prompts disabled", Meaning::Unauthorised),
    ("Permission denied (", Meaning::Unauthorised),
    ("returned error: 401", Meaning::Unauthorised),
    ("returned error: 403", Meaning::Unauthorised),
    ("certificate", Meaning::Untrusted),
    ("Host key verification failed", Meaning::Untrusted),
    ("returned error: 301", Meaning::Moved),
    ("returned error: 302", Meaning::Moved),
    ("returned error: 303", Meaning::Moved),
    ("returned error: 307", Meaning::Moved),
    ("returned error: 308", Meaning::Moved),
    ("redirect", Meaning::Moved),
    ("couldn't find remote ref", Meaning::NoSuchRef),
    ("not our ref", Meaning::NoSuchRef),
    ("returned error: 404", Meaning::NoSuchRepository),
    ("returned error: 410", Meaning::NoSuchRepository),
    ("' not found", Meaning::NoSuchRepository),
    ("Repository not found", Meaning::NoSuchRepository),
    ("does not appear to be a git repository", Meaning::NoSuchRepository),
    ("does not exist", Meaning::NoSuchRepository),
    ("No space left", Meaning::Machine),
    ("Disk quota", Meaning::Machine),
    ("Read-only file system", Meaning::Machine),
    ("unable to create", Meaning::Machine),
    ("cannot update ref", Meaning::Machine),
    ("cannot lock ref", Meaning::Machine),
    ("is not a valid attribute", Meaning::Refused),
    ("error in object", Meaning::Refused),
    ("fsck error", Meaning::Refused),
    ("did not send all necessary objects", Meaning::Refused),
    ("inflate", Meaning::Refused),
    ("pack has", Meaning::Refused),
    ("bad pack", Meaning::Refused),
    ("pack is corrupted", Meaning::Refused),
    ("pack signature mismatch", Meaning::Refused),
    ("protocol error", Meaning::Unreachable),
];

/// Why a call that speaks to a server failed.
pub(in super::super) fn of_remote(said: &str) -> GitError {
    let message = line(said);
    // What the server wants people to read begins so; it decides nothing.
    let own: Vec<&str> = said.lines().filter(|line| !line.starts_with("remote:")).collect();
    let says = |words: &str| own.iter().any(|line| line.contains(words));
    let meaning = WORDS.iter().find(|(words, _)| says(words));
    match meaning.map_or(Meaning::Unreachable, |(_, meaning)| *meaning) {
        Meaning::Unauthorised => GitError::Unauthorised { message },
        Meaning::Untrusted => GitError::Untrusted { message },
        Meaning::Moved => GitError::Moved { message },
        Meaning::NoSuchRepository => GitError::NoSuchRepository { message },
        Meaning::NoSuchRef => GitError::NoSuchRef { message },
        Meaning::Refused => GitError::Refused { message },
        Meaning::Machine => GitError::Machine { message },
        Meaning::Unreachable => GitError::Unreachable { message },
    }
}

/// Why a call that reads the mirror failed.
pub(in super::super) fn of_local(said: &str) -> GitError {
    let message = line(said);
    let here = ["No space left", "Permission denied", "Read-only file system", "Disk quota"];
    if here.iter().any(|words| said.contains(words)) {
        GitError::Machine { message }
    } else {
        GitError::Damaged { message }
    }
}

/// One line of printable text: what servers say may hold anything.
fn line(said: &str) -> String {
    let plain = said.replace(|it: char| it.is_control(), " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    match words.join(" ") {
        text if text.is_empty() => "git said nothing".to_owned(),
        text if text.chars().count() > MAX_MESSAGE => {
            text.chars().take(MAX_MESSAGE).chain(['…']).collect()
        }
        text => text,
    }
}
