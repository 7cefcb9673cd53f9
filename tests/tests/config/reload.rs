//! An engine that stays goes by the platform's file as it is.

use super::{folder, told};
use crate::{
    platform::own_name,
    program::{Talking, gennaker, pipeline},
    wire::Events,
};
use serde_json::Value;
use std::{
    fs,
    process::{Command, Stdio},
};
use tempfile::TempDir;

const SHORT: &str = "version: 1\nname: web\nstages:\n  a: {setVariables: {x: 1}}\n";

/// An engine in one folder, and people in another, in which there is no platform's file.
struct Served {
    platform: TempDir,
    people: TempDir,
    engine: Talking,
}

impl Served {
    fn start(files: &[(&str, &str)]) -> Served {
        let (platform, people) = (folder(files), folder(&[("web.yaml", SHORT)]));
        let mut command = gennaker(&people.path().join("state"), &["serve"]);
        command.current_dir(platform.path()).env_remove("KUBECONFIG").env("HOME", "/nowhere");
        let mut engine = Talking::start(command.stdout(Stdio::null()));
        engine.until("listening on");
        Served { platform, people, engine }
    }

    /// Puts a file there as a whole, as one should.
    fn put(&self, name: &str, text: &str) {
        let beside = pipeline(self.platform.path(), ".beside", text);
        fs::rename(beside, self.platform.path().join(name)).unwrap();
    }

    fn hang_up(&self) {
        let id = self.engine.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }

    fn ready(&self) -> String {
        let socket = self.people.path().join("state/engine.sock");
        let asked = Command::new("curl")
            .args(["--silent", "--unix-socket"])
            .arg(socket)
            .arg("http://localhost/readyz?verbose")
            .output();
        String::from_utf8(asked.unwrap().stdout).unwrap()
    }

    /// What was told of the configuration, from the beginning.
    fn facts(&self) -> Vec<Value> {
        let socket = self.people.path().join("state/engine.sock");
        let mut events = Events::follow(&socket, "?after=0", "");
        let mut facts = Vec::new();
        // The last one is recorded after it is said.
        while facts.len() < 6 {
            let heard = events.next().unwrap();
            if heard.event == "system" {
                facts.extend(heard.data["facts"].as_array().unwrap().clone());
            }
        }
        facts
    }

    fn run(&self) -> (Option<i32>, String) {
        told(self.people.path(), &["run", "web.yaml"])
    }

    fn may_run(&self) -> bool {
        match self.run() {
            (Some(0), _) => true,
            (Some(1), said) if said.contains("does not hold the role `run`") => false,
            other => panic!("{other:?}"),
        }
    }
}

fn main_file(role: &str) -> String {
    let own = own_name();
    format!(
        "version: 1\ninclude: [\"teams/*.yaml\"]\npeople: {{users: {{me: {{unix: {own}}}, kit: {{}}}}}}\nroles: [{{role: run, to: [\"user:{role}\"]}}]\n"
    )
}

#[test]
fn an_engine_goes_by_the_file_as_it_is_and_keeps_what_it_had_while_that_is_at_fault() {
    let mut served = Served::start(&[("gennaker.yaml", &main_file("me")), ("teams/x.txt", "")]);
    assert!(served.may_run());
    assert!(served.ready().contains("[+]gennaker.yaml is in force"), "{}", served.ready());

    served.put("gennaker.yaml", &main_file("kit"));
    served.engine.until("gennaker.yaml was read again and is in force");
    assert!(!served.may_run());

    served.put("gennaker.yaml", "version: 1\nroels: []\n");
    let said = served.engine.until("is refused, and what it said before stays in force").join("\n");
    assert!(said.contains("gennaker.yaml:2:1") && said.contains("did you mean `roles`?"), "{said}");
    let refused = "[!]gennaker.yaml is refused, what it said before is in force: gennaker.yaml:2:1: E001 unknown key `roels`";
    assert!(served.ready().contains(refused), "{}", served.ready());
    assert!(!served.may_run());
    let (code, doctor) = told(served.people.path(), &["doctor"]);
    assert!(code == Some(1) && doctor.contains("gennaker.yaml is refused, what it"), "{doctor}");

    fs::remove_file(served.platform.path().join("gennaker.yaml")).unwrap();
    served.engine.until("is refused, and what it said before stays in force");
    assert!(!served.may_run(), "a file that is gone opens nothing");

    served.put("gennaker.yaml", &main_file("kit"));
    served.engine.until("was read again and is in force");
    let more = "version: 1\nroles: [{role: admin, to: [\"user:me\"]}]\n";
    served.put("teams/more.yaml", more);
    served.engine.until("was read again and is in force");
    assert!(served.may_run(), "what a new included file says counts");

    served.put("teams/more.yaml", "version: 1\nroles: [{role: admin, to: [\"user:mee\"]}]\n");
    let said = served.engine.until("stays in force").join("\n");
    assert!(said.contains("teams/more.yaml:2:") && said.contains("did you mean `me`?"), "{said}");
    assert!(served.may_run());

    let facts = served.facts();
    let names: Vec<&str> = facts.iter().map(|fact| fact["fact"].as_str().unwrap()).collect();
    let (taken, refused) = ("configurationTaken", "configurationRefused");
    assert_eq!(names, [taken, refused, refused, taken, taken, refused], "{facts:#?}");
    let fault = facts[1]["fault"].as_str().unwrap();
    assert!(fault.contains("gennaker.yaml:2:1: E001 unknown key `roels`"), "{fault}");
}

#[test]
fn a_hangup_has_everything_read_again_at_once() {
    let mut served = Served::start(&[("gennaker.yaml", &main_file("me"))]);
    served.hang_up();
    served.engine.until("was read again and is in force");
    served.put(
        "gennaker.yaml",
        "version: 1\nserver: {listen: \"127.0.0.1:1\"}\ndatabase: sqlite:x.db\n",
    );
    served.hang_up();
    served.engine.until("server.listen has changed, which counts from the next start on");
    served.engine.until("database has changed, which counts from the next start on");
    served.engine.until("was read again and is in force");
    let id = served.engine.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let Served { engine, .. } = served;
    assert_eq!(engine.code(), Some(0));
}

#[test]
fn an_engine_without_a_file_goes_on_without_one() {
    let mut served = Served::start(&[]);
    assert!(served.ready().contains("[+]nothing is restricted: there is no gennaker.yaml"));
    served.hang_up();
    assert!(served.may_run());
    let id = served.engine.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    served.engine.until("leaving");
}
