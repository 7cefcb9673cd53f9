//! `gennaker doctor` on installations that lack something: each fault is told with what to do.

use crate::{
    cluster::{Room, kubectl},
    program::{Talking, gennaker, pipeline},
    server::{Reaction, Script, Server},
};
use serde_json::Value;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};
use tempfile::TempDir;

const SHORT: &str = "version: 1\nname: short\nstages:\n  a: {setVariables: {done: true}}\n";
const ASK: &str = "version: 1\nname: ask\nstages:\n  go: {approval: {excludeTriggerer: false}}\n";

/// A folder of a user who has run something.
struct Patient {
    folder: TempDir,
}

/// What is said of one check.
#[derive(Debug)]
struct Said {
    check: String,
    result: String,
    detail: String,
    remedy: String,
}

impl Patient {
    fn new() -> Patient {
        let patient = Patient { folder: tempfile::tempdir().unwrap() };
        let file = patient.write(".gennaker/short.yaml", SHORT);
        let output = patient.command(&["run", &file]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        patient
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        pipeline(path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap(), text)
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = gennaker(&self.path("state"), arguments);
        command.current_dir(self.folder.path()).env_remove("KUBECONFIG").env("HOME", "/nowhere");
        command
    }

    /// The exit code, and what is said that is not ok.
    fn doctor(&self, more: &[&str]) -> (Option<i32>, Vec<Said>) {
        let all = self.all(more);
        (all.0, all.1.into_iter().filter(|said| said.result != "ok").collect())
    }

    fn all(&self, more: &[&str]) -> (Option<i32>, Vec<Said>) {
        let arguments = [&["doctor", "-o", "json"], more].concat();
        let output = self.command(&arguments).output().unwrap();
        let value: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
        let said = value.as_array().unwrap().iter().map(|of| Said {
            check: text(of, "check"),
            result: text(of, "result"),
            detail: text(of, "detail"),
            remedy: text(of, "remedy"),
        });
        (output.status.code(), said.collect())
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The one thing that is said beside that no cluster is known.
#[track_caller]
fn only(said: Vec<Said>) -> Said {
    let mut others: Vec<Said> = said.into_iter().filter(|it| it.check != "cluster").collect();
    assert_eq!(others.len(), 1, "{others:#?}");
    others.remove(0)
}

#[test]
fn whoever_has_all_that_is_needed_is_told_so() {
    let patient = Patient::new();
    let (code, all) = patient.all(&[]);
    assert_eq!(code, Some(0), "{all:#?}");
    let checks: Vec<&str> = all.iter().map(|said| said.check.as_str()).collect();
    for check in
        ["state directory", "free space", "database", "lease", "engine", "gennaker.yaml", "secrets"]
    {
        assert!(checks.contains(&check), "{checks:?}");
    }
    let ill: Vec<&Said> = all.iter().filter(|said| said.result != "ok").collect();
    assert!(ill.len() == 1 && ill[0].detail.contains("no cluster is known"), "{ill:#?}");
    let pipelines = all.iter().find(|said| said.check == "pipelines").unwrap();
    assert_eq!(pipelines.detail, "1 in .gennaker, all valid");
    let output = patient.command(&["doctor"]).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("warning   cluster"), "{table}");
    assert!(table.contains("-> pipelines that touch no cluster run all the same"), "{table}");
}

#[test]
fn a_state_directory_that_others_read_or_that_is_damaged_is_told() {
    let patient = Patient::new();
    let database = patient.path("state/engine.sqlite");
    mode(&database, 0o644);
    let (code, said) = patient.doctor(&[]);
    let said = only(said);
    assert_eq!((code, said.result.as_str()), (Some(1), "failure"));
    assert_eq!(said.remedy, format!("chmod 0600 {}", database.display()));
    mode(&database, 0o600);
    mode(&patient.path("state"), 0o755);
    let (code, said) = patient.doctor(&[]);
    assert_eq!((code, only(said).result.as_str()), (Some(0), "warning"));
    mode(&patient.path("state"), 0o700);
    let sound = fs::read(&database).unwrap();
    // The version of a file's format stands in its header.
    let mut newer = sound.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&database, newer).unwrap();
    let said = patient.doctor(&[]).1;
    let said = said.iter().find(|said| said.check == "database").unwrap();
    assert!(said.result == "failure" && said.detail.starts_with("format 99"), "{said:?}");
    let mut broken = sound.clone();
    let middle = broken.len() / 2;
    broken[middle..].fill(0xa5);
    fs::write(&database, broken).unwrap();
    let (code, said) = patient.doctor(&[]);
    let said = said.iter().find(|said| said.check == "database").unwrap();
    assert_eq!((code, said.result.as_str()), (Some(1), "failure"), "{said:?}");
    assert!(said.remedy.contains("bring back a backup"), "{said:?}");
}

#[test]
fn an_engine_that_lives_died_or_is_not_there_is_told() {
    let patient = Patient::new();
    let file = patient.write("ask.yaml", ASK);
    let mut engine = patient.command(&["run", &file, "--watch"]);
    let mut engine = Talking::start(engine.stdout(Stdio::null()));
    engine.until("approval");
    let (code, all) = patient.all(&[]);
    assert_eq!(code, Some(0), "{all:#?}");
    let detail = |check: &str| all.iter().find(|it| it.check == check).unwrap().detail.clone();
    assert!(detail("lease").ends_with("drives what runs here"), "{all:#?}");
    assert!(detail("engine").contains("answers, version "), "{all:#?}");
    engine.child.kill().unwrap();
    engine.child.wait().unwrap();
    let (code, said) = patient.doctor(&[]);
    let said = only(said);
    assert_eq!((code, said.check.as_str(), said.result.as_str()), (Some(0), "lease", "warning"));
    assert!(said.remedy.contains("gennaker recover"), "{said:?}");
    let (code, said) = patient.doctor(&["--server", "unix:/nowhere/engine.sock"]);
    let said: Vec<Said> = said.into_iter().filter(|said| said.check == "engine").collect();
    assert!(code == Some(1) && said[0].detail.contains("does not answer"), "{said:?}");
}

#[test]
fn a_file_of_the_platform_at_fault_hides_no_other_fault() {
    let patient = Patient::new();
    patient.write("gennaker.yaml", "version: 1\nenvironmnts: {}\n");
    patient.write(".gennaker/broken.yaml", "version: 1\nname: broken\nstages: {a: {wait: {}}}\n");
    let (code, said) = patient.doctor(&[]);
    assert_eq!(code, Some(1));
    let detail = |check: &str| said.iter().find(|it| it.check == check).unwrap().detail.clone();
    assert!(detail("gennaker.yaml").contains("did you mean `environments`?"), "{said:#?}");
    let pipeline = said.iter().find(|it| it.check.starts_with("pipeline ")).unwrap();
    assert_eq!(pipeline.detail, "E016: `wait` needs `duration` or `until`");
    assert_eq!(pipeline.remedy, "gennaker validate .gennaker/broken.yaml");
}

#[test]
fn secrets_that_are_missing_or_open_are_told_and_no_value_is() {
    let patient = Patient::new();
    let secrets = "secrets: {directory: secrets, grants: [{names: [TOKEN, MISSING, \"X_*\"], applications: [short]}]}";
    patient.write("gennaker.yaml", &format!("version: 1\n{secrets}\n"));
    let token = patient.write("secrets/TOKEN", "planted-value-of-a-secret\n");
    mode(Path::new(&token), 0o604);
    mode(&patient.path("secrets"), 0o700);
    let (code, said) = patient.doctor(&[]);
    assert_eq!(code, Some(1));
    let told: Vec<&Said> = said.iter().filter(|it| it.check == "secrets").collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].detail.contains("TOKEN can be read by others"), "{told:#?}");
    assert!(told[1].detail.contains("there is no secret `MISSING`"), "{told:#?}");
    assert!(!format!("{said:?}").contains("planted-value"));
}

fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Config, current-context: dev, \
         contexts: [{{name: dev, context: {{cluster: c, user: u}}}}], \
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}], users: [{{name: u, user: {user}}}]}}"
    )
}

#[test]
fn a_kubeconfig_that_runs_programs_or_leads_nowhere_is_told() {
    let patient = Patient::new();
    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: rm, interactiveMode: Never}}";
    for (text, words, remedy) in [
        (kubeconfig("https://127.0.0.1:1", exec), "`rm`", "--allow-exec-plugins"),
        (kubeconfig("https://127.0.0.1:1", "{token: t}"), "cannot be reached", "may reach it"),
        ("{".to_owned(), "cannot be read", "mend the kubeconfig"),
    ] {
        let file = patient.write("kubeconfig", &text);
        let (code, said) = patient.doctor(&["--kubeconfig", &file]);
        let said = said.iter().find(|it| it.check.starts_with("cluster")).unwrap();
        assert_eq!((code, said.result.as_str()), (Some(1), "failure"), "{said:?}");
        assert!(said.detail.contains(words) && said.remedy.contains(remedy), "{said:?}");
    }
}

/// A server that knows us, lets us do nothing, and whose clock stands still.
const STRICT: Script = &[
    (
        "/version",
        &[Reaction::Answer(
            200,
            "{\"major\": \"1\", \"minor\": \"37\", \"gitVersion\": \"v1.37.0\", \"gitCommit\": \"\", \
             \"gitTreeState\": \"\", \"buildDate\": \"\", \"goVersion\": \"\", \"compiler\": \"\", \
             \"platform\": \"\"}",
        )],
    ),
    (
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        &[Reaction::Answer(
            201,
            "{\"apiVersion\": \"authentication.k8s.io/v1\", \"kind\": \"SelfSubjectReview\", \
             \"metadata\": {}, \"status\": {\"userInfo\": {\"username\": \"mo\"}}}",
        )],
    ),
    (
        "/api/v1/namespaces/kube-system",
        &[Reaction::Answer(
            200,
            "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \
             \"metadata\": {\"name\": \"kube-system\", \"uid\": \"u\"}}",
        )],
    ),
    (
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        &[Reaction::Answer(
            201,
            "{\"apiVersion\": \"authorization.k8s.io/v1\", \"kind\": \"SelfSubjectAccessReview\", \
             \"metadata\": {}, \"spec\": {}, \"status\": {\"allowed\": false}}",
        )],
    ),
];

#[test]
fn a_cluster_whose_clock_goes_wrong_is_told() {
    let (patient, server) = (Patient::new(), Server::start(STRICT));
    let file = patient.write("kubeconfig", &kubeconfig(&server.address, "{token: t}"));
    let (code, all) = patient.all(&["--kubeconfig", &file]);
    assert_eq!(code, Some(0), "{all:#?}");
    let of = |check: &str| all.iter().find(|it| it.check == check).unwrap();
    assert!(of("cluster dev").detail.ends_with("v1.37.0, as mo"), "{all:#?}");
    let clock = of("cluster dev: clock");
    assert!(
        clock.result == "warning" && clock.detail.ends_with("behind this machine's"),
        "{clock:?}"
    );
    // Without a platform's file nobody knows which namespaces are meant.
    assert_eq!(of("cluster dev: rights").result, "warning");
}

#[test]
fn rights_that_a_deploy_would_lack_are_told_by_the_real_server() {
    let room = Room::new("doctor");
    assert!(kubectl(&["create", "namespace", &room.environment]).status.success());
    let platform = "version: 1\nenvironments: {ENV: {cluster: CONTEXT}}\n";
    let context = kubectl(&["config", "current-context"]);
    let context = String::from_utf8(context.stdout).unwrap();
    let config = room.write("gennaker.yaml", &platform.replace("CONTEXT", context.trim()));
    let told = room.gennaker(&["doctor", "-o", "json", "--config", &config]);
    assert_eq!(told.code, Some(0), "{}{}", told.stdout, told.stderr);
    assert!(
        told.stdout.contains(&format!("all that deploys need in namespace {}", room.environment))
    );
    assert!(told.stdout.contains("goes as this machine's does"), "{}", told.stdout);
    room.kubectl(&["create", "serviceaccount", "weak"]);
    let token = room.kubectl(&["create", "token", "weak"]);
    let view = kubectl(&["config", "view", "--raw", "--minify", "-o", "json"]);
    let mut view: Value = serde_json::from_slice(&view.stdout).unwrap();
    view["users"][0]["user"] = serde_json::json!({ "token": token.trim() });
    let weak = room.write_as_it_is("weak.json", &view.to_string());
    let mut command = room.command(&["doctor", "-o", "json", "--config", &config]);
    let output = command.env("KUBECONFIG", weak).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    // Who may not even read which cluster it is is told that.
    assert!(
        said.contains("is forbidden") || said.contains("it may not: get deployments"),
        "{said}"
    );
}
