//! Every published payload is verified and becomes happenings, notes, or a reason: what it becomes is
//! written down beside it in `payloads/`. `UPDATE=1` writes it again.

use crate::published::{Published, SECRET, octokit, playground};
use engine_core::receiver::{AnyReceiver, Heard, Unreadable};
use std::{fmt::Write, fs, path::Path};

fn hear(published: &Published) -> Result<Heard, Unreadable> {
    let receivers = triggers::receivers();
    let receiver: &dyn AnyReceiver = receivers.get(published.provider).unwrap();
    let raw = published.request.raw();
    receiver.verify(&raw, &[SECRET.as_bytes()]).expect(&published.name);
    receiver.happenings(&raw)
}

/// A line for each happening and note.
fn written(published: &Published) -> String {
    let mut text = String::new();
    match hear(published) {
        Ok(heard) => {
            assert!(!heard.happenings.is_empty() || !heard.notes.is_empty(), "{}", published.name);
            for happening in heard.happenings {
                let happening = serde_json::to_string(&happening).unwrap();
                writeln!(text, "{} -> {happening}", published.name).unwrap();
            }
            for note in heard.notes {
                writeln!(text, "{} -- {note}", published.name).unwrap();
            }
        }
        Err(Unreadable(why)) => writeln!(text, "{} !! {why}", published.name).unwrap(),
    }
    text
}

fn hold(file: &str, all: &[Published]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads").join(file);
    let found: String = all.iter().map(written).collect();
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "{file} says otherwise; UPDATE=1 writes it again");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{file} has other lines");
}

#[test]
fn every_example_that_github_publishes_starts_something_or_says_why_not() {
    let all = octokit();
    let (current, earlier): (Vec<Published>, Vec<Published>) =
        all.into_iter().partition(|published| published.name.starts_with("api.github.com/"));
    assert_eq!((current.len(), earlier.len()), (329, 397));
    hold("octokit.txt", &current);
    for published in &earlier {
        assert!(!written(published).contains(" !! "), "{}", written(published));
    }
}

#[test]
fn every_payload_of_the_playground_starts_something_or_says_why_not() {
    let all = playground();
    assert_eq!(all.len(), 154);
    hold("playground.txt", &all);
}
