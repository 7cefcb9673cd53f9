//! Images of a real registry are deployed by the digest that their tag had first.

use crate::{
    cluster::{Room, web},
    program::Talking,
};
use registry_server::{Door, Image, Options, Registry};
use serde_json::Value;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const PAIR: &str = "deployer:of-the-test";

/// A room whose platform knows a registry, which wants a password.
struct Shop {
    room: Room,
    registry: Registry,
}

impl Shop {
    fn open(name: &str) -> Shop {
        let door = Door::Password { pair: PAIR.to_owned() };
        let registry = Registry::with(Options { door, ..Options::default() });
        let room = Room::new(name);
        room.write(
            "gennaker.yaml",
            &format!(
                "version: 1\nclusters: {{here: {{}}}}\nenvironments:\n  ENV: {{cluster: here, namespace: ENV}}\n  \
                 second: {{cluster: here, namespace: ENV}}\nregistries:\n  \"{}\": {{credentials: REGISTRY}}\n",
                registry.host
            ),
        );
        room.write("k8s/web.yaml", &web("web:unset", 1));
        Shop { room, registry }
    }

    /// A pipeline; `HOST` in it stands for the registry.
    fn file(&self, text: &str) -> String {
        self.room.write("web.yaml", &text.replace("HOST", &self.registry.host))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.room.command(arguments);
        command.env("GENNAKER_CONFIG", self.room.path().join("gennaker.yaml"));
        command.env("GENNAKER_SECRET_REGISTRY", PAIR);
        command
    }

    fn spawn(&self, file: &str) -> Talking {
        let mut command = self.command(&["run", file, "--watch"]);
        Talking::start(command.stdout(Stdio::null()))
    }

    fn told(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn latest(&self) -> Value {
        let output = self.command(&["describe", "run", "latest", "-o", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The run as soon as it is as it should be.
    fn once(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let view = self.latest();
            if is_so(&view) {
                return view;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{view:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn push(&self, words: &str) -> String {
        let digest = self.registry.push(&Image::new(words), "shop/web:v1");
        format!("{}/shop/web@{digest}", self.registry.host)
    }

    fn image_of(&self, object: &str) -> String {
        let deployment = self.room.get(&[object]);
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        image.as_str().unwrap().to_owned()
    }
}

/// CVE-2025-30066.
#[test]
fn a_tag_that_moves_after_it_was_resolved_is_ignored_by_every_later_stage() {
    let shop = Shop::open("moved");
    let first = shop.push("one");
    shop.room.write("other/web.yaml", &web("web:unset", 1).replace("name: web}", "name: other}"));
    let file = shop.file(
        "version: 1
name: web
images: {web: \"HOST/shop/web:v1\"}
stages:
  one: {environment: ENV, deploy: {manifests: [k8s/]}}
  wait: {needs: [one], approval: {message: go on?, excludeTriggerer: false}}
  two: {needs: [wait], environment: second, deploy: {component: two, manifests: [other/], images: {web: \"HOST/shop/web:v1\"}}}
  job: {needs: [wait], environment: ENV, job: {image: \"HOST/shop/web:v1\"}}
  say: {needs: [wait], checks: [{assert: \"images.web == stages.one.outputs.images.web && images.web.contains('@sha256:')\", message: not a digest}]}
",
    );
    let (code, planned) = shop.told(&["plan", &file]);
    let asks = format!("image {0}/shop/web:v1: the run asks {0} once", shop.registry.host);
    assert!(code == Some(0) && planned.contains(&asks), "{planned}");

    let mut run = shop.spawn(&file);
    run.until("go on?");
    let moved = shop.push("two");
    assert_ne!(moved, first);
    assert_eq!(shop.told(&["approve", "latest"]).0, Some(0));
    // The program of the job runs until it is told to end.
    let view = shop.once(|view| {
        let status = |stage: &str| view["stages"][stage]["status"].as_str();
        let at = ["two", "say", "job"].map(status);
        at == [Some("succeeded"), Some("succeeded"), Some("running")]
    });
    let jobs = shop.room.get(&["jobs"]);
    let image = &jobs["items"][0]["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, &Value::from(first.clone()));
    assert_eq!(shop.told(&["cancel", "latest"]).0, Some(0));
    assert_eq!(run.code(), Some(5));
    assert_eq!(shop.image_of("deployment/web"), first);
    assert_eq!(shop.image_of("deployment/other"), first);
    assert_eq!(view["images"][format!("{}/shop/web:v1", shop.registry.host)], first);
    let (_, described) = shop.told(&["describe", "run", "latest"]);
    assert!(described.contains("shop/web@sha256:"), "{described}");

    // Another run asks anew.
    let mut again = shop.spawn(&file);
    again.until("go on?");
    assert_eq!(shop.image_of("deployment/web"), moved);
    assert_eq!(shop.told(&["reject", "latest"]).0, Some(0));
    assert_eq!(again.code(), Some(5));
}

#[test]
fn a_registry_that_is_down_is_waited_for_and_the_tag_is_never_deployed() {
    let mut shop = Shop::open("down");
    let first = shop.push("one");
    shop.registry.stop();
    let file = shop.file(
        "version: 1
name: web
images: {web: \"HOST/shop/web:v1\"}
stages:
  one: {environment: ENV, deploy: {manifests: [k8s/]}}
",
    );
    let mut run = shop.spawn(&file);
    run.until("cannot be asked");
    let waiting = &shop.latest()["stages"]["one"]["waiting"];
    assert_eq!(waiting["kind"], "cluster", "{waiting}");
    assert!(waiting["detail"].as_str().unwrap().starts_with(&shop.registry.host), "{waiting}");
    assert!(!shop.room.has("deployment/web"), "nothing is deployed by its tag");
    shop.registry.restart();
    assert_eq!(run.code(), Some(0));
    assert_eq!(shop.image_of("deployment/web"), first);
    let key = format!("{}/shop/web:v1", shop.registry.host);
    assert_eq!(shop.latest()["images"][key], first);

    shop.registry.stop();
    let hasty = shop.file(
        "version: 1
name: web
images: {web: \"HOST/shop/web:v2\"}
stages:
  one: {environment: ENV, timeout: 3s, deploy: {manifests: [k8s/]}}
",
    );
    let (code, said) = shop.told(&["run", &hasty]);
    assert_eq!(code, Some(5), "{said}");
    let reason = shop.latest()["stages"]["one"]["reason"].to_string();
    assert!(reason.contains("given up after 3s") && reason.contains("cannot be asked"), "{reason}");
    assert_eq!(shop.image_of("deployment/web"), first);
}

#[test]
fn a_retry_deploys_what_the_earlier_run_had_resolved() {
    let shop = Shop::open("retry");
    let first = shop.push("one");
    let file = shop.file(
        "version: 1
name: web
images: {web: \"HOST/shop/web:v1\"}
stages:
  staging: {environment: ENV, deploy: {manifests: [k8s/], images: {web: \"HOST/shop/web:v1\"}}}
  gate: {needs: [staging], approval: {message: go on?, excludeTriggerer: false}}
  prod: {needs: [gate], environment: second, deploy: {component: two, manifests: [other/]}}
",
    );
    shop.room.write("other/web.yaml", &web("web:unset", 1).replace("name: web}", "name: other}"));
    let mut run = shop.spawn(&file);
    run.until("go on?");
    assert_eq!(shop.told(&["reject", "latest"]).0, Some(0));
    assert_eq!(run.code(), Some(5));
    shop.push("two");
    let mut command = shop.command(&["retry", "latest", "--watch"]);
    let mut again = Talking::start(command.stdout(Stdio::null()));
    again.until("go on?");
    assert_eq!(shop.told(&["approve", "latest"]).0, Some(0));
    assert_eq!(again.code(), Some(0));
    assert_eq!(shop.image_of("deployment/web"), first);
    assert_eq!(shop.image_of("deployment/other"), first, "the tag has moved since");
}

#[test]
fn an_image_that_is_not_there_fails_its_stage_and_one_of_another_registry_keeps_its_tag() {
    let shop = Shop::open("tags");
    let file = shop.file(
        "version: 1
name: web
images: {web: \"HOST/shop/none:v1\"}
stages:
  one: {environment: ENV, deploy: {manifests: [k8s/]}}
",
    );
    assert_eq!(shop.told(&["run", &file]).0, Some(5));
    let reason = shop.latest()["stages"]["one"]["reason"].to_string();
    assert!(reason.contains("has no") && reason.contains("shop/none:v1"), "{reason}");
    assert!(!shop.room.has("deployment/web"));
    let file = shop.file(
        "version: 1
name: web
images: {web: \"registry.example.com/shop/web:v1\"}
stages:
  one: {environment: ENV, deploy: {manifests: [k8s/]}}
",
    );
    let (_, planned) = shop.told(&["plan", &file]);
    let tag = "image registry.example.com/shop/web:v1: deployed by its tag, as registry.example.com is not";
    assert!(planned.contains(tag), "{planned}");
    let (code, said) = shop.told(&["run", &file]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(shop.image_of("deployment/web"), "registry.example.com/shop/web:v1");
}
