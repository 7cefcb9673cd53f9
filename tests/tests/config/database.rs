//! The file that runs are kept in: where gennaker.yaml says, and never begun anew beside others.

use super::{folder, told};
use crate::program::pipeline;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const SHORT: &str = "version: 1\nname: web\nstages:\n  a: {setVariables: {x: 1}}\n";

/// Says another place for what is kept.
fn say(folder: &Path, database: &str) {
    pipeline(folder, "gennaker.yaml", &format!("version: 1\ndatabase: \"{database}\"\n"));
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let (code, said) = told(folder, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    said
}

fn fails(folder: &Path, arguments: &[&str], words: &str) {
    let (code, said) = told(folder, arguments);
    assert!(code == Some(1) && said.contains(words), "{words} is missing: {code:?} {said}");
}

#[test]
fn runs_are_kept_in_the_file_that_is_named_and_are_found_without_it_being_named_again() {
    let folder = folder(&[("web.yaml", SHORT)]);
    let (folder, state) = (folder.path(), folder.path().join("state"));
    say(folder, "sqlite:gennaker.db");
    succeeds(folder, &["run", "web.yaml"]);
    let mode = |name: &str| fs::metadata(state.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["gennaker.db", "seal.key", "database"].map(mode), [0o600; 3]);
    assert!(!state.join("engine.sqlite").exists());
    let said = succeeds(folder, &["config", "view", "--show-origin"]);
    assert!(said.contains("sqlite:gennaker.db") && said.contains("gennaker.yaml:2:11"), "{said}");
    let (_, said) = told(folder, &["doctor"]);
    assert!(said.contains("state/gennaker.db: sound"), "{said}");

    // Who reads, or runs, with no platform's file finds them as well.
    fs::remove_file(folder.join("gennaker.yaml")).unwrap();
    assert!(succeeds(folder, &["get", "runs"]).contains("web#1"));
    succeeds(folder, &["run", "web.yaml"]);
    assert!(succeeds(folder, &["get", "runs"]).contains("web#2"));
    let said = succeeds(folder, &["config", "view", "--show-origin"]);
    assert!(said.contains("gennaker.db") && said.contains("state/database"), "{said}");
}

#[test]
fn an_engine_never_begins_anew_beside_runs_that_are_elsewhere() {
    let folder = folder(&[("web.yaml", SHORT)]);
    let (folder, state) = (folder.path(), folder.path().join("state"));
    let kept = folder.join("kept");
    fs::create_dir(&kept).unwrap();
    succeeds(folder, &["run", "web.yaml"]);
    let absolute = format!("sqlite:{}", kept.join("runs.db").display());
    say(folder, &absolute);
    fails(folder, &["run", "web.yaml"], "engine.sqlite: stop the engine and move them there");
    fails(folder, &["doctor"], "move them there");
    assert!(!kept.join("runs.db").exists());
    fs::rename(state.join("engine.sqlite"), kept.join("runs.db")).unwrap();
    succeeds(folder, &["run", "web.yaml"]);
    assert!(succeeds(folder, &["get", "runs"]).contains("web#2"));

    // The disk that they are on is not there.
    fs::rename(&kept, folder.join("unmounted")).unwrap();
    fails(folder, &["run", "web.yaml"], "kept/runs.db, which is gone");
    fails(folder, &["get", "runs"], "kept/runs.db, which is gone");
    fs::rename(folder.join("unmounted"), &kept).unwrap();

    // Another state directory has another key.
    fs::rename(&state, folder.join("before")).unwrap();
    fails(folder, &["run", "web.yaml"], "sealed with another key");
    fs::copy(folder.join("before/seal.key"), state.join("seal.key")).unwrap();
    succeeds(folder, &["run", "web.yaml"]);
    assert!(succeeds(folder, &["get", "runs"]).contains("web#3"));
}

#[test]
fn a_place_where_nothing_can_be_kept_is_told_before_anything_is_done() {
    let folder = folder(&[("web.yaml", SHORT), ("file", "")]);
    let folder = folder.path();
    for (database, words) in [
        ("sqlite:nowhere/runs.db", "state/nowhere"),
        ("sqlite:/nowhere/at/all/runs.db", "/nowhere/at/all"),
        ("sqlite:../file/runs.db", "`database` names no file"),
        ("postgres://db.example.com/runs", "a database of `postgres` in this version"),
    ] {
        say(folder, database);
        let (code, said) = told(folder, &["run", "web.yaml"]);
        assert!(code != Some(0) && said.contains(words), "{database}: {said}");
    }
    say(folder, &format!("sqlite:{}", folder.join("file/runs.db").display()));
    fails(folder, &["run", "web.yaml"], "let this user write in it");
    say(folder, "sqlite:web.yaml");
    fs::create_dir_all(folder.join("state")).unwrap();
    fs::write(folder.join("state/web.yaml"), SHORT.repeat(50)).unwrap();
    fails(folder, &["run", "web.yaml"], "web.yaml");
    assert_eq!(fs::read_to_string(folder.join("state/web.yaml")).unwrap(), SHORT.repeat(50));
}
