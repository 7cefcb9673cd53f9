//! Two real clusters: each environment in its own, and one of them away for a while.

use crate::{
    cluster::{Room, kubeconfig, web},
    program::{PROGRAM, Talking},
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(90);

/// A further control plane, of the same program as the one that all tests use.
struct Plane {
    own: Child,
    kubeconfig: String,
    /// The API server that was started in the place of the first one.
    second: Option<Child>,
}

impl Plane {
    fn start() -> Plane {
        let mut own = Command::new(program())
            .args(["with-cluster", "sh", "-c", "echo \"$KUBECONFIG\"; exec cat"])
            .env_remove("GENNAKER_TEST_KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(own.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let kubeconfig = line.trim().to_owned();
        assert!(Path::new(&kubeconfig).exists(), "the second control plane did not start: {line}");
        Plane { own, kubeconfig, second: None }
    }

    /// The process of the API server, and how it was started.
    fn server(&self) -> (u32, Vec<String>) {
        let of_plane = |id: u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()?;
            let line = fs::read_to_string(format!("/proc/{id}/cmdline")).ok()?;
            let words: Vec<String> =
                line.trim_end_matches('\0').split('\0').map(str::to_owned).collect();
            let is_server = words.get(1).is_some_and(|word| word == "kube-apiserver");
            (self.own.id() == parent && is_server).then_some((id, words))
        };
        let ids = fs::read_dir("/proc").unwrap().flatten();
        let mut ids = ids.filter_map(|it| it.file_name().to_str()?.parse().ok());
        ids.find_map(of_plane).expect("the second control plane has an API server")
    }

    /// Kills the API server; how it was started.
    fn falls(&self) -> Vec<String> {
        let (id, words) = self.server();
        let killed = Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
        assert!(killed.success());
        words
    }

    fn comes_back(&mut self, words: &[String]) {
        let folder = Path::new(&self.kubeconfig).parent().unwrap();
        let log = fs::File::create(folder.join("kube-apiserver-2.log")).unwrap();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder).stdout(Stdio::null()).stderr(log);
        self.second = Some(command.spawn().unwrap());
    }

    fn has(&self, namespace: &str, object: &str) -> bool {
        has(&self.kubeconfig, namespace, object)
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(mut second) = self.second.take() {
            drop(second.kill());
            drop(second.wait());
        }
        // Its command ends with its input, and the control plane with its command.
        drop(self.own.stdin.take());
        drop(self.own.wait());
    }
}

/// What `kubectl` on the PATH is a name of, as `with-cluster` has put it there.
fn program() -> PathBuf {
    let path = std::env::var("PATH").unwrap();
    let found = path.split(':').map(|folder| Path::new(folder).join("kubectl"));
    let found = found.filter_map(|it| it.canonicalize().ok());
    found.into_iter().find(|it| it.ends_with("controlplane")).expect(
        "this test starts a second control plane: start the tests by `tests/controlplane/with-cluster`",
    )
}

fn has(kubeconfig: &str, namespace: &str, object: &str) -> bool {
    let arguments = ["-n", namespace, "get", object, "--ignore-not-found", "-o", "name"];
    let asked = Command::new("kubectl").args(arguments).env("KUBECONFIG", kubeconfig).output();
    !asked.unwrap().stdout.is_empty()
}

/// Until the run of this pipeline is as `holds` wants it; then that.
fn until(room: &Room, named: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let told = room.gennaker(&["describe", "run", named, "-o", "json"]);
        let run: Value = serde_json::from_str(&told.stdout).unwrap_or_default();
        if holds(&run) {
            return run;
        }
        assert!(begun.elapsed() < PATIENCE, "{run:#} {}", told.stderr);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether the stage waits so, and tells these words.
fn waits(run: &Value, kind: &str, words: &str) -> bool {
    let waiting = &run["stages"]["two"]["waiting"];
    waiting["kind"] == kind && waiting["detail"].as_str().is_some_and(|it| it.contains(words))
}

/// A folder with pipelines for both environments, for each alone, and a platform's file.
fn desk(plane: &Plane) -> Room {
    let room = Room::new("two");
    let name = &room.environment;
    room.write_as_it_is(
        "gennaker.yaml",
        &format!(
            "version: 1\nclusters:\n  a: {{kubeconfig: {}}}\n  b: {{kubeconfig: {}}}\nenvironments:\n  \
             one: {{cluster: a, namespace: {name}}}\n  two: {{cluster: b, namespace: {name}}}\n",
            kubeconfig(),
            plane.kubeconfig
        ),
    );
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    room.write("one.yml", &map("only-one"));
    let slowly =
        "metadata: {labels: {app: web}, annotations: {fate.gennaker.dev/web: \"ready:4s\"}}";
    let slow = web("nginx:1", 1).replace("metadata: {labels: {app: web}}", slowly);
    room.write("first.yml", &map("only-first"));
    room.write("two.yml", &format!("{}---\n{slow}", map("only-two")));
    let one = "  one: {environment: one, deploy: {manifests: [one.yml]}}\n";
    let two = "  two: {environment: two, timeout: 3m, deploy: {manifests: [two.yml]}}\n";
    let first = one.replace("one.yml", "first.yml");
    for (name, stages) in [("both", format!("{one}{two}")), ("first", first)] {
        let text = format!("version: 1\nname: {name}\napplication: {name}\nstages:\n{stages}");
        room.write(&format!("{name}.yaml"), &text);
    }
    room
}

#[test]
fn each_environment_is_in_its_own_cluster_and_one_that_is_away_holds_up_no_other() {
    let mut plane = Plane::start();
    let room = desk(&plane);
    let file = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    let mut serve = Command::new(&*PROGRAM);
    serve.arg("--state").arg(room.state()).arg("serve").current_dir(room.path());
    let mut engine = Talking::start(serve.stdout(Stdio::null()));
    engine.until("listening on");

    let mut both = room.command(&["run", &file("both.yaml")]);
    let mut both = both.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(&room, "both#1", |run| waits(run, "readiness", "deployment web: "));
    let words = plane.falls();
    let told = "cluster `b` cannot be reached";
    until(&room, "both#1", |run| waits(run, "cluster", told));
    let run = until(&room, "both#1", |run| run["stages"]["one"]["status"] == "succeeded");
    assert!(run["endedAt"].is_null(), "{run:#}");

    // Whoever has nothing to do with it is not held up.
    let begun = Instant::now();
    let told = room.gennaker(&["run", &file("first.yaml"), "--watch"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    plane.comes_back(&words);
    let run = until(&room, "both#1", |run| !run["endedAt"].is_null());
    assert_eq!((&run["status"], both.wait().unwrap().code()), (&"succeeded".into(), Some(0)));
    let name = &room.environment;
    let there = ["configmap/only-one", "configmap/only-two", "deployment/web"];
    assert_eq!(there.map(|object| has(&kubeconfig(), name, object)), [true, false, false]);
    assert_eq!(there.map(|object| plane.has(name, object)), [false, true, true]);
}
