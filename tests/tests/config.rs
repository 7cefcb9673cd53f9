//! How gennaker.yaml is put together: what it includes, and from where.

mod database;
mod reload;

use crate::program::{gennaker, pipeline};
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};
use tempfile::TempDir;

/// A folder with a platform's file and others beside it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        pipeline(folder.path(), name, text);
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = gennaker(&folder.join("state"), arguments);
    command.current_dir(folder).env_remove("KUBECONFIG").env("HOME", "/nowhere");
    command
}

fn told(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(folder, arguments).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), said)
}

const PIPELINE: (&str, &str) = (
    "web.yaml",
    "version: 1\nname: web\nstages:\n  go: {approval: {approvers: [\"group:sre\", \"user:kit\"]}}\n",
);

#[test]
fn included_files_count_as_if_they_stood_in_the_platforms_own() {
    let main = "version: 1\ninclude: [\"teams/*.yaml\", \"./more.yaml\"]\n";
    let folder = folder(&[
        PIPELINE,
        ("conf/gennaker.yaml", main),
        ("conf/teams/a.yaml", "version: 1\npeople: {groups: {sre: [kit]}}\n"),
        ("conf/teams/b.txt", "no YAML: ["),
        ("conf/more.yaml", "version: 1\npeople: {users: {kit: {}}}\n"),
    ]);
    let file = ["validate", "web.yaml", "--config", "conf/gennaker.yaml"];
    assert_eq!(told(folder.path(), &file), (Some(0), "web.yaml is valid\n".to_owned()));
    fs::remove_file(folder.path().join("conf/more.yaml")).unwrap();
    let (code, said) = told(folder.path(), &file);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("conf/gennaker.yaml:2:") && said.contains("there is no file `./more.yaml`"),
        "{said}"
    );
    assert!(
        said.contains("conf/teams/a.yaml:2:") && said.contains("there is no user `kit`"),
        "{said}"
    );
}

#[test]
fn faults_of_all_files_are_told_at_once_each_with_its_file_line_and_column() {
    let folder = folder(&[
        PIPELINE,
        ("gennaker.yaml", "version: 1\ninclude: [\"teams/**\"]\nsorces: []\n"),
        ("teams/a.yaml", "version: 1\nenvironments: {}\n"),
        ("teams/deep/b.yaml", "version: 1\nroles:\n  - {role: rn, to: [\"user:mo\"]}\n"),
        ("teams/deep/c.yaml", "version: 1\npeople: {groups: {g: [mo]}}\n"),
    ]);
    let (code, said) = told(folder.path(), &["validate", "web.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    for words in [
        "gennaker.yaml:3:1",
        "did you mean `sources`?",
        "teams/a.yaml:2:1",
        "unknown key `environments`",
        "teams/deep/b.yaml:3:12",
        "`role` cannot be `rn`",
        "teams/deep/c.yaml:2:23",
        "there is no user `mo`",
    ] {
        assert!(said.contains(words), "{words} is missing: {said}");
    }
}

#[test]
fn nothing_beyond_the_folder_is_included_and_nothing_without_end() {
    let outside = folder(&[("secret.yaml", "version: 1\n")]);
    let many: Vec<(String, String)> =
        (0..101).map(|n| (format!("many/{n}.yaml"), "version: 1\n".to_owned())).collect();
    let large = format!("version: 1\n# {}\n", "x".repeat(500_000));
    let large: Vec<(String, String)> =
        (0..5).map(|n| (format!("large/{n}.yaml"), large.clone())).collect();
    let files: Vec<(&str, &str)> =
        many.iter().chain(&large).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    pipeline(
        folder.path(),
        PIPELINE.0,
        "version: 1\nname: web\nstages: {a: {wait: {duration: 1s}}}\n",
    );
    symlink(outside.path().join("secret.yaml"), folder.path().join("link.yaml")).unwrap();
    symlink(outside.path(), folder.path().join("linked")).unwrap();
    symlink("many/1.yaml", folder.path().join("inside.yaml")).unwrap();
    for (include, expected) in [
        ("../x.yaml", "without `..`"),
        ("/etc/passwd", "without `..`"),
        ("link.yaml", "leads out of"),
        ("linked/*.yaml", "leads out of"),
        ("many/*.yaml", "at most 100 files can be included"),
        ("large/*.yaml", "included files have at most 2097152 bytes"),
    ] {
        pipeline(
            folder.path(),
            "gennaker.yaml",
            &format!("version: 1\ninclude: [\"{include}\"]\n"),
        );
        let (code, said) = told(folder.path(), &["validate", "web.yaml"]);
        assert!(code == Some(3) && said.contains(expected), "{include}: {said}");
        assert!(said.contains("gennaker.yaml:2:11"), "{include}: {said}");
    }
    let both =
        "version: 1\ninclude: [inside.yaml, \"many/1*.yaml\", \"none/*.yaml\", \"gennaker*\"]\n";
    pipeline(folder.path(), "gennaker.yaml", both);
    assert_eq!(told(folder.path(), &["validate", "web.yaml"]).0, Some(0));
}

#[test]
fn each_value_is_shown_with_where_it_is_said_and_no_secret_is() {
    let main = "version: 1\nserver: {listen: \"127.0.0.1:7\"}\ninclude: [more.yaml]\nsecrets: {directory: kept}\nsources: [{directory: a}]\nreceivers: {hub: {provider: github, secrets: [HOOK, GONE]}}\n";
    let more = "version: 1\nsources:\n  - {directory: b, poll: 5s}\n";
    let folder =
        folder(&[("gennaker.yaml", main), ("more.yaml", more), ("kept/HOOK", "s3cr3t-value\n")]);
    let mut view = command(folder.path(), &["config", "view", "--show-origin", "-o", "json"]);
    let output = view.env("GENNAKER_SOCKET_GROUP", "ops").output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!text.contains("s3cr3t"), "{text}");
    let lines: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    for (key, value, origin) in [
        ("server.listen", "\"127.0.0.1:7\"", "gennaker.yaml:2:18"),
        ("server.socketGroup", "\"ops\"", "GENNAKER_SOCKET_GROUP"),
        ("limits.runsPerApplication", "20", "default"),
        ("retention.deliveries", "\"30d\"", "default"),
        ("sources[0].directory", "\"a\"", "gennaker.yaml:5:23"),
        ("sources[1].poll", "\"5s\"", "more.yaml:3:26"),
        ("receivers.hub.secrets", "[\"HOOK\",\"GONE\"]", "gennaker.yaml:6:46"),
        ("secrets[HOOK]", "\"***\"", "kept/HOOK"),
    ] {
        let line = lines.iter().find(|line| line["key"] == key);
        let line = line.unwrap_or_else(|| panic!("{key} is missing: {text}"));
        assert_eq!(
            (line["value"].to_string().as_str(), line["origin"].as_str().unwrap()),
            (value, origin),
            "{key}"
        );
    }
    let gone = lines.iter().find(|line| line["key"] == "secrets[GONE]").unwrap();
    assert!(gone["value"].is_null() && gone["origin"].as_str().unwrap().contains("does not exist"));
    let (code, said) = told(folder.path(), &["config", "view"]);
    assert!(
        code == Some(0) && said.contains("retention.deliveries") && !said.contains("default"),
        "{said}"
    );
    let valid = (Some(0), "gennaker.yaml, more.yaml is valid\n".to_owned());
    assert_eq!(told(folder.path(), &["config", "validate"]), valid);
    pipeline(folder.path(), "more.yaml", "version: 1\nsorces: []\n");
    let (code, said) = told(folder.path(), &["config", "validate"]);
    assert!(code == Some(3) && said.contains("more.yaml:2:1"), "{said}");
}

#[test]
fn a_variable_comes_before_its_key_and_one_that_names_none_is_refused() {
    let main = "version: 1\nserver: {publicUrl: \"https://a.test\", socketGroup: ops}\n";
    let desk = folder(&[PIPELINE, ("gennaker.yaml", main)]);
    let view = ["config", "view", "--show-origin"];
    let with = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = command(desk.path(), arguments);
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), said)
    };
    let (code, said) = with(
        &[
            ("GENNAKER_SERVER__PUBLIC_URL", "https://b.test"),
            ("GENNAKER_LIMITS__RUNS_PER_APPLICATION", "3"),
            ("GENNAKER_SECRET_A__B", "hidden"),
        ],
        &view,
    );
    assert_eq!(code, Some(0), "{said}");
    let words = |key: &str| {
        let line = said.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let url = ["server.publicUrl", "https://b.test", "GENNAKER_SERVER__PUBLIC_URL"];
    assert_eq!(words("server.publicUrl"), url, "{said}");
    assert_eq!(words("limits.runs")[1..], ["3", "GENNAKER_LIMITS__RUNS_PER_APPLICATION"]);
    assert!(words("server.socketGroup")[2].starts_with("gennaker.yaml:2:"), "{said}");
    for (name, value, told) in [
        ("GENNAKER_SERVER__LISTN", "x", "did you mean GENNAKER_SERVER__LISTEN?"),
        ("GENNAKER_SERVER__LISTEN", "0.0.0.0:1", "only addresses of this machine"),
        (
            "GENNAKER_LIMITS__RUNS_PER_APPLICATION",
            "many",
            "GENNAKER_LIMITS__RUNS_PER_APPLICATION:3",
        ),
    ] {
        let (code, said) = with(&[(name, value)], &["config", "validate"]);
        assert!(code == Some(3) && said.contains(told) && said.contains(name), "{name}: {said}");
    }
    fs::remove_file(desk.path().join("gennaker.yaml")).unwrap();
    let (code, said) = with(&[("GENNAKER_SERVER__LISTEN", "127.0.0.1:1")], &["config", "validate"]);
    assert!(
        code == Some(1) && said.contains("a key of gennaker.yaml, and there is none"),
        "{said}"
    );
}
