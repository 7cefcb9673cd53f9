//! A freeze on a real cluster, with an engine whose wall clock is moved by libfaketime: what has begun
//! ends, what has not waits, over a restart, and begins once when the freeze is over.

use crate::{
    cluster::{Room, kubeconfig, web},
    program::Talking,
    schedules::library,
};
use serde_json::Value;
use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// An engine looks at its wall clock every ten seconds.
const PATIENCE: Duration = Duration::from_secs(90);
const MINUTE: i64 = 60;

struct Frozen {
    room: Room,
    /// When the freeze begins, in seconds since the Unix epoch, a full minute.
    start: i64,
}

impl Frozen {
    /// A freeze of an hour, half an hour away.
    fn new(name: &str) -> Frozen {
        let (room, start) = (Room::new(name), (now() / MINUTE + 30) * MINUTE);
        let platform = format!(
            "version: 1\nclusters: {{real: {{kubeconfig: \"{}\"}}}}\nenvironments: {{prod: {{cluster: \
             real, namespace: ENV}}}}\nfreezes: [\"freezes/*.yaml\"]\n",
            kubeconfig()
        );
        room.write("gennaker.yaml", &platform);
        let freeze = format!(
            "version: 1\nkind: freeze\nname: lunch\ntype: deny\nscope: {{environments: [prod]}}\n\
             windows: [{{start: \"{}\", end: \"{}\", timezone: UTC}}]\nmessage: \"Ask #sre.\"\n",
            shown(start, "T"),
            shown(start + 60 * MINUTE, "T")
        );
        room.write("freezes/lunch.yaml", &freeze);
        let frozen = Frozen { room, start };
        frozen.clock_shows(now());
        frozen
    }

    /// Moves the engine's wall clock, and nobody else's.
    fn clock_shows(&self, at: i64) {
        let fresh = self.room.path().join("offset.new");
        fs::write(&fresh, format!("{:+}s", at - now())).unwrap();
        fs::rename(fresh, self.room.path().join("offset")).unwrap();
    }

    fn engine(&self, arguments: &[&str]) -> Talking {
        let config = self.room.path().join("gennaker.yaml");
        let config = ["--config", config.to_str().unwrap()];
        let mut command = self.room.command(&[arguments, &config].concat());
        command
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", self.room.path().join("offset"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Talking::start(command.stdout(Stdio::null()))
    }

    fn stage_until(&self, stage: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let told = self.room.gennaker(&["describe", "run", "latest", "-o", "json"]);
            let run: Value = serde_json::from_str(&told.stdout).unwrap_or_default();
            if is_so(&run["stages"][stage]) {
                return run;
            }
            assert!(began.elapsed() < PATIENCE, "{stage}: {run:#} {}", told.stderr);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// What a clock of UTC shows, `2026-12-19T00:00`.
fn shown(at: i64, between: &str) -> String {
    let format = format!("+%Y-%m-%d{between}%H:%M");
    let arguments = ["-u", "-d", &format!("@{at}"), &format];
    let date = Command::new("date").args(arguments).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_freeze_that_begins_mid_deploy_lets_it_end_and_holds_the_next_stage_until_it_is_over() {
    let frozen = Frozen::new("frozen");
    let room = &frozen.room;
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    room.write("after/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n");
    let file = room.write(
        "web.yaml",
        "version: 1\nname: web\nstages:\n  first: {environment: prod, timeout: 5m, deploy: {manifests: \
         [k8s/], wait: {stableFor: 20s}}}\n  second: {environment: prod, needs: [first], timeout: 60s, \
         deploy: {component: more, manifests: [after/]}}\n",
    );
    let mut engine = frozen.engine(&["run", &file, "--watch"]);
    frozen.stage_until("first", |_| room.has("deployment/web"));
    frozen.clock_shows(frozen.start + 5);
    let run = frozen.stage_until("second", |stage| stage["status"] == "waiting");
    let (first, waiting) = (&run["stages"]["first"], &run["stages"]["second"]["waiting"]);
    assert_eq!((&first["status"], &first["attempts"]), (&"succeeded".into(), &1.into()), "{run:#}");
    let opens = shown(frozen.start + 60 * MINUTE, " ");
    let words = format!("held by freeze `lunch` until {opens} in UTC: Ask #sre.");
    assert_eq!((&waiting["kind"], &waiting["detail"]), (&"freeze".into(), &words.into()));
    assert_eq!(run["status"], "waiting");

    engine.child.kill().unwrap();
    engine.child.wait().unwrap();
    let mut engine = frozen.engine(&["recover"]);
    frozen.clock_shows(frozen.start + 59 * MINUTE);
    // Longer than an engine leaves its clock alone.
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(room.latest()["stages"]["second"]["waiting"]["kind"], "freeze");
    assert!(!room.has("configmap/more"), "nothing of it is there while the freeze lasts");

    frozen.clock_shows(frozen.start + 60 * MINUTE + 5);
    engine.until("web#1 succeeded");
    let second = &room.latest()["stages"]["second"];
    assert_eq!((&second["status"], &second["attempts"]), (&"succeeded".into(), &1.into()));
    assert!(room.has("configmap/more"));
}
