//! The way from nothing to a first push, as its page tells it: each block of commands is run as it stands.

use crate::{
    cluster::{Room, kubeconfig},
    program::PROGRAM,
};
use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/triggers.md");
const PATIENCE: Duration = Duration::from_secs(60);

/// A person's shell, in an empty folder.
struct Shell {
    room: Room,
    child: Child,
    types: ChildStdin,
    done: u32,
}

impl Shell {
    fn open(room: Room) -> Shell {
        let path = room.path().join("bin");
        fs::create_dir(&path).unwrap();
        std::os::unix::fs::symlink(&*PROGRAM, path.join("gennaker")).unwrap();
        let search = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["--norc", "-eu"]).current_dir(room.path()).env("PATH", search);
        command.env("GENNAKER_STATE", room.state()).env("HOME", room.path());
        command.env("KUBECONFIG", kubeconfig());
        command.stdin(Stdio::piped()).stdout(fs::File::create(room.path().join("said")).unwrap());
        let mut child = command.spawn().unwrap();
        let types = child.stdin.take().unwrap();
        Shell { room, child, types, done: 0 }
    }

    /// Types what stands there, and gives what was said when it was through.
    fn run(&mut self, text: &str) -> String {
        let before = self.said().len();
        self.done += 1;
        let mark = format!("through {}", self.done);
        writeln!(self.types, "{text}\necho {mark}").unwrap();
        let begun = Instant::now();
        loop {
            let said = self.said();
            if said.ends_with(&format!("{mark}\n")) {
                return said[before..].to_owned();
            }
            let left = self.child.try_wait().unwrap();
            assert!(left.is_none() && begun.elapsed() < PATIENCE, "{text}\n{said}\n{left:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The same until `words` are said.
    fn until(&mut self, text: &str, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let said = self.run(text);
            if said.contains(words) {
                return said;
            }
            assert!(begun.elapsed() < PATIENCE, "{text}: never {words:?}: {said}");
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.room.path().join("said")).unwrap()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(writeln!(self.types, "kill %1 %2; wait; exit 0"));
        drop(self.child.wait());
    }
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// The blocks of commands of the section, with ports and a namespace that nobody else uses.
fn blocks(environment: &str) -> Vec<String> {
    let page = fs::read_to_string(PAGE).unwrap();
    let section = page.split("# Try it on this machine\n").nth(1).unwrap();
    let section = section.split("\n# ").next().unwrap();
    let (host, engine) = (free_port(), free_port());
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let block = block.replace("8123", &host).replace("7080", &engine);
            block.replace("shop-dev", environment)
        })
        .collect()
}

#[test]
fn who_follows_the_page_sees_a_push_deployed_and_another_one_explained() {
    let room = Room::new("newcomer");
    let environment = room.environment.clone();
    let blocks = blocks(&environment);
    let [repository, engine, push, hook] = blocks.as_slice() else { panic!("{blocks:#?}") };
    let mut shell = Shell::open(room);
    shell.run(repository);
    let said = shell.run(engine);
    assert!(said.contains("gennaker.yaml is valid"), "{said}");
    shell.until("gennaker get pipelines 2>&1 || true", "good");
    assert!(!shell.run("gennaker get deliveries").contains("push to main"));

    shell.run(push);
    let why = "gennaker why \"$(git -C shop rev-parse HEAD)\"";
    shell.until(why, "started shop#1");
    shell.run("gennaker wait shop#1 --timeout 60s");
    let image = "jsonpath={.spec.template.spec.containers[0].image}";
    let get =
        format!("kubectl --namespace {environment} get deployment web -o '{image}{{\"\\n\"}}'");
    assert!(shell.run(&get).contains("nginx:1.29\n"));

    let said = shell.run(hook);
    assert!(said.contains("\"delivery\""), "{said}");
    shell.until(why, "`paths` said no to README");
    let listed = shell.run("gennaker get deliveries");
    assert!(listed.contains("receiver github"), "{listed}");
}
