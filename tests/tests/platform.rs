//! What the platform's file, gennaker.yaml, says is what holds.

use crate::{
    program::{PROGRAM, Talking, gennaker, pipeline},
    server::{Reaction, Server},
};
use serde_json::Value;
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A folder with a platform's file and a state directory.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(platform: &str) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        pipeline(folder.path(), "gennaker.yaml", platform);
        Desk { folder }
    }

    fn file(&self, stages: &str) -> String {
        let text = format!("version: 1\nname: web\nstages:\n{stages}");
        pipeline(self.folder.path(), "web.yaml", &text)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gennaker(&self.folder.path().join("state"), arguments);
        command.current_dir(self.folder.path()).env_remove("KUBECONFIG").env("HOME", "/nowhere");
        command
    }

    fn told(&self, arguments: &[&str]) -> (Option<i32>, String) {
        told(&mut self.command(arguments))
    }
}

fn told(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), said)
}

pub(crate) fn own_name() -> String {
    String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

const PLATFORM: &str = "version: 1
environments: {prod: {cluster: eu, production: true}, dev: {cluster: kind, namespace: \"${{ application.name }}-dev\"}}
people: {users: {mo: {unix: OWN}, kit: {unix: nobody}}, groups: {sre: [kit]}}
roles:
  - {role: run, to: [\"user:mo\"], environments: [dev]}
  - {role: approve, to: [\"group:sre\"]}
http: {allow: [\"GET https://status.example.com/api/\"]}
secrets: {grants: [{names: [\"WEB_*\"], applications: [web], environments: [prod]}]}
";

#[test]
fn what_a_pipeline_names_must_be_known_allowed_and_granted() {
    let desk = Desk::new(PLATFORM);
    let file = desk.file(
        "  a: {environment: prd, waitForReady: {}}\n  \
           b: {environment: dev, waitForReady: {}}\n  \
           c: {http: {url: \"https://status.example.com/api/v1\"}}\n  \
           d: {http: {url: \"https://status.example.com/other\"}}\n  \
           e: {http: {url: \"https://status.example.com/api/../admin\"}}\n  \
           f: {http: {url: \"https://status.example.com.evil.test/api/\"}}\n  \
           g: {environment: prod, http: {url: \"https://status.example.com/api/x\", headers: {x: \"${{ secrets.WEB_A }}\"}}}\n  \
           h: {environment: dev, http: {url: \"https://status.example.com/api/x\", headers: {x: \"${{ secrets.WEB_A }}\"}}}\n  \
           i: {approval: {approvers: [\"group:sra\", \"user:kit\"]}}\n  \
           j: {http: {url: \"https://status.example.com/api/x\", method: HEAD}}\n",
    );
    let (code, said) = desk.told(&["validate", &file, "--format", "json"]);
    assert_eq!(code, Some(3), "{said}");
    let faults: Vec<Value> = serde_json::from_str(&said).unwrap();
    let lines: Vec<String> = faults
        .iter()
        .map(|it| format!("{} {}", it["code"].as_str().unwrap(), it["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            "E007 `prd` is no environment",
            "E007 GET of status.example.com is not allowed there",
            "E007 GET of status.example.com is not allowed there",
            "E007 GET of status.example.com.evil.test is not allowed there",
            "E019 secret `WEB_A` is not granted to web in dev",
            "E007 there is no group `sra`",
            "E007 HEAD of status.example.com is not allowed there",
        ]
    );
    let file = desk.file("  b: {environment: dev, when: environment.production == false && environment.namespace == 'web-dev', waitForReady: {}}\n");
    let (code, said) = desk.told(&["plan", &file]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("namespace web-dev") && !said.contains("nothing is restricted"),
        "{said}"
    );
}

#[test]
fn a_file_at_fault_stops_every_command_and_tells_all_that_is_wrong() {
    let desk = Desk::new("version: 1\nenvironmnts: {}\nnotifiers: []\nroles: []\n");
    let file = desk.file("  a: {wait: {duration: 1s}}\n");
    for arguments in [vec!["run", &file], vec!["validate", &file], vec!["serve"]] {
        let (code, said) = desk.told(&arguments);
        assert_eq!(code, Some(3), "{arguments:?}: {said}");
        for words in
            ["did you mean `environments`?", "not in this version", "`roles` is an empty list"]
        {
            assert!(said.contains(words), "{words} is missing: {said}");
        }
    }
    let (code, said) = desk.told(&["validate", &file, "--config", "/nowhere/gennaker.yaml"]);
    assert!(code == Some(1) && said.contains("cannot be read"), "{said}");
    let (_, schema) = desk.told(&["schema", "--kind", "config"]);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let config: Value = serde_saphyr::from_str(PLATFORM).unwrap();
    assert!(validator.is_valid(&config));
    assert!(!validator.is_valid(&serde_json::json!({"version": 1, "environmnts": {}})));
}

#[test]
fn without_a_file_groups_are_nobody_and_the_plan_says_that_nothing_is_restricted() {
    let desk = Desk::new("version: 1\n");
    std::fs::remove_file(desk.folder.path().join("gennaker.yaml")).unwrap();
    let file = desk.file("  a: {approval: {approvers: [\"group:sre\"]}}\n");
    let (code, said) = desk.told(&["validate", &file]);
    assert!(
        code == Some(3) && said.contains("groups are named in gennaker.yaml, and there is none"),
        "{said}"
    );
    let file = desk.file("  a: {wait: {duration: 1s}}\n");
    assert!(desk.told(&["plan", &file]).1.contains("nothing is restricted"));
}

#[test]
fn who_lacks_a_role_starts_nothing_and_whoever_holds_it_answers() {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let desk = Desk::new(&PLATFORM.replace("OWN", &own_name()));
    let prod = desk.file("  go: {approval: {}}\n  ask: {needs: [go], environment: prod, http: {url: \"https://status.example.com/api/\"}}\n");
    let (code, said) = desk.told(&["validate", &prod]);
    assert_eq!(code, Some(0), "{said}");
    let file = desk.file(
        "  go: {approval: {approvers: [\"group:sre\", \"user:mo\"], excludeTriggerer: false}}\n",
    );
    let mut engine = desk.command(&["run", &file, "--watch", "--socket-group", "nogroup"]);
    let mut run = Talking::start(engine.stdout(Stdio::null()));
    run.until("go: 0 of 1 approvals; group:sre or mo may answer");
    let (code, said) = desk.told(&["approve", "latest"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("mo does not hold the role `approve` for web"), "{said}");
    if !is_root {
        eprintln!("NOT RUN: only root can become a second user of this machine");
        return;
    }
    let program = desk.folder.path().join("gennaker");
    std::fs::copy(&*PROGRAM, &program).unwrap();
    let mut second = Command::new("setpriv");
    second.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    second.arg("--state").arg(desk.folder.path().join("state")).args(["cancel", "latest"]);
    let (code, said) = told(&mut second);
    assert!(code == Some(1) && said.contains("kit does not hold the role `run` for web"), "{said}");
    let mut second = Command::new("setpriv");
    second.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    second.arg("--state").arg(desk.folder.path().join("state")).args(["approve", "latest"]);
    assert_eq!(told(&mut second).0, Some(0));
    run.until("ended: succeeded");
    assert_eq!(run.code(), Some(0));
}

#[test]
fn a_host_that_is_not_allowed_is_not_asked_and_one_that_is_allowed_is() {
    let server = Server::start(&[
        ("/ok/x", &[Reaction::Answer(200, "{}")]),
        ("/nope", &[Reaction::Answer(200, "{}")]),
    ]);
    let address = &server.address;
    let desk = Desk::new(&format!("version: 1\nhttp: {{allow: [\"GET {address}/ok\"]}}\n"));
    let file = desk.file(&format!(
        "  a: {{setVariables: {{path: nope}}}}\n  b: {{http: {{url: \"{address}/ok/x\"}}}}\n  c: {{needs: [a], http: {{url: \"{address}/${{{{ stages.a.outputs.path }}}}\"}}}}\n"
    ));
    let (code, said) = desk.told(&["run", &file]);
    assert_eq!(code, Some(5), "{said}");
    let heard: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(heard, ["GET /ok/x HTTP/1.1"], "only what is allowed was asked");
    let (_, why) = desk.told(&["why", "latest", "c"]);
    assert!(why.contains("GET of 127.0.0.1 is not allowed there"), "{why}");
}
