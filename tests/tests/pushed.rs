//! A push into a real registry starts runs of its digest: told by the registry, or found by asking it.

use crate::{
    cluster::{Room, web},
    program::{Talking, gennaker},
    wire::{Reply, exchange, get, post, tcp},
};
use registry_server::{Image, Options, Registry};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const SECRET: &str = "of-the-registry-in-this-test";
const PATIENCE: Duration = Duration::from_secs(60);
/// `HOST` stands for the registry. No cluster is needed.
const NOTE: &str = "version: 1
name: web
parameters: {image: {type: string, required: true}}
triggers:
  - image: {repository: HOST/shop/web, tags: {semver: \">=1\"}}
    parameters: {image: \"${{ trigger.image }}\"}
  - image: {repository: elsewhere.example.com/shop/web, tags: {semver: \">=1\"}}
    parameters: {image: \"${{ trigger.image }}\"}
stages:
  note: {checks: [{assert: \"parameters.image == ''\", message: \"is ${{ parameters.image }}\"}]}
";

/// Whether the registry tells by itself what was pushed.
#[derive(Clone, Copy, PartialEq)]
enum Notifies {
    Yes,
    No,
}

/// An engine, a registry, and a folder of pipelines that it serves.
struct Shop {
    folder: PathBuf,
    platform: String,
    registry: Registry,
    address: String,
    _engine: Talking,
}

impl Shop {
    /// The engine is there first, and hears of the registry by its file being changed.
    fn open(folder: &Path, mut serve: Command, (notifies, more): (Notifies, &str)) -> Shop {
        let platform = format!(
            "version: 1\n{more}sources:\n  - {{directory: shop, applications: [web], environments: [\"*\"]}}\n\
             receivers:\n  registry: {{provider: distribution, secrets: [HOOK]}}\n"
        );
        std::fs::create_dir_all(folder.join("shop/.gennaker")).unwrap();
        let config = folder.join("gennaker.yaml");
        std::fs::write(&config, &platform).unwrap();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
        serve.env("GENNAKER_SECRET_HOOK", SECRET).stdout(Stdio::null());
        let mut engine = Talking::start(&mut serve);
        let said = engine.until("listening on");
        let address = said.iter().find_map(|line| line.strip_prefix("for reading: http://"));
        let address = address.unwrap().to_owned();
        let endpoint = || {
            let headers = vec![("Authorization".to_owned(), format!("Bearer {SECRET}"))];
            (format!("http://{address}/receivers/registry"), headers)
        };
        let notifications = (notifies == Notifies::Yes).then(endpoint);
        let registry = Registry::with(Options { notifications, ..Options::default() });
        let folder = folder.to_owned();
        Shop { folder, platform, registry, address, _engine: engine }
    }

    /// The platform knows the registry, and the folder has a pipeline.
    fn serve(&self, pipeline: &str, poll: &str) {
        let host = &self.registry.host;
        let known = format!("{}registries:\n  \"{host}\": {{poll: {poll}}}\n", self.platform);
        std::fs::write(self.folder.join("gennaker.yaml"), known).unwrap();
        let file = self.folder.join("shop/.gennaker/web.yaml");
        std::fs::write(file, pipeline.replace("HOST", host)).unwrap();
    }

    fn push(&self, words: &str, tag: &str) -> String {
        let digest = self.registry.push(&Image::new(words), &format!("shop/web:{tag}"));
        format!("{}/shop/web:{tag}@{digest}", self.registry.host)
    }

    fn get(&self, path: &str) -> Value {
        let headers = format!("host: {}\r\n", self.address);
        exchange(tcp(&self.address), get(path, &headers).as_bytes()).json()
    }

    /// What has arrived and was decided, the oldest first.
    fn decided(&self) -> Vec<Value> {
        let page = self.get("/api/v1/deliveries?limit=200");
        let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}")).iter().rev();
        items.filter(|it| it["state"] == "decided").cloned().collect()
    }

    /// The first delivery that is as it should be.
    fn once(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let decided = self.decided();
            if let Some(found) = decided.iter().find(|it| is_so(it)) {
                return found.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{decided:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Says, with the secret, that something was pushed.
    fn tell(&self, (host, tag, digest): (&str, &str, &str), id: &str) -> Reply {
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let url = format!("http://{host}/v2/shop/web/manifests/{digest}");
        let target = json!({"mediaType": kind, "repository": "shop/web", "tag": tag, "digest": digest, "url": url});
        let event = json!({"id": id, "action": "push", "target": target});
        let body = json!({"events": [event]}).to_string();
        let headers = format!("host: {}\r\nauthorization: Bearer {SECRET}\r\n", self.address);
        exchange(tcp(&self.address), post("/receivers/registry", &headers, &body).as_bytes())
    }

    /// The image of each run, as its stage says by failing, the oldest first.
    fn noted(&self) -> Vec<String> {
        let runs = self.get("/api/v1/runs");
        let runs = runs["items"].as_array().unwrap_or_else(|| panic!("{runs}")).iter().rev();
        let ids: Vec<String> = runs.map(|run| run["id"].as_str().unwrap().to_owned()).collect();
        let image = |id: &String| {
            let view = self.ended(id, "failed");
            let reason = view["stages"]["note"]["reason"].as_str();
            let told = reason.and_then(|reason| reason.split_once("is "));
            told.unwrap_or_else(|| panic!("{view:#}")).1.split(' ').next().unwrap().to_owned()
        };
        ids.iter().map(image).collect()
    }

    fn ended(&self, run: &str, status: &str) -> Value {
        let begun = Instant::now();
        loop {
            let view = self.get(&format!("/api/v1/runs/{run}"));
            if view["status"] == status {
                return view;
            }
            assert!(begun.elapsed() < PATIENCE, "{view:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn started(delivery: &Value) -> Option<String> {
    let outcomes = delivery["outcomes"].as_array().unwrap().iter();
    let mut runs = outcomes.filter_map(|it| it["runId"].as_str().map(str::to_owned));
    runs.next()
}

fn tells_of(delivery: &Value, words: &str) -> bool {
    delivery["happenings"].to_string().contains(words)
}

fn alone(notifies: Notifies) -> (tempfile::TempDir, Shop) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = gennaker(&folder.path().join("state"), &[]);
    command.env_remove("KUBECONFIG");
    let shop = Shop::open(folder.path(), command, (notifies, ""));
    (folder, shop)
}

/// Pushes new versions until one has started a run: the first may be there at first sight.
fn until_one_starts(shop: &Shop) -> (Value, String, String) {
    let begun = Instant::now();
    for number in 1.. {
        let tag = format!("1.0.{number}");
        let image = shop.push(&tag, &tag);
        let tried = Instant::now();
        while tried.elapsed() < Duration::from_secs(5) {
            let decided = shop.decided();
            if let Some(found) = decided.iter().find(|it| started(it).is_some()) {
                return (found.clone(), tag, image);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(begun.elapsed() < PATIENCE, "{:#?}", shop.decided());
    }
    unreachable!()
}

#[test]
fn what_a_registry_tells_starts_a_run_of_its_digest_and_a_forgery_starts_nothing() {
    let (_folder, shop) = alone(Notifies::Yes);
    shop.push("old", "1.0.0");
    shop.serve(NOTE, "1h");
    let (delivery, tag, first) = until_one_starts(&shop);
    assert_eq!(delivery["door"], "receiver registry");
    assert_eq!(shop.noted().join(" "), first);

    // The same again is known; another image of the same tag is new; another tag is not waited for.
    shop.push(&tag, &tag);
    let known = shop.once(|it| it["outcomes"][0]["end"] == "known");
    assert!(tells_of(&known, &tag), "{known:#}");
    let moved = shop.push("moved", &tag);
    assert_ne!(moved, first);
    let unlike = |it: &Value| started(it).is_some() && it["id"] != delivery["id"];
    shop.once(unlike);
    assert_eq!(shop.noted(), [first.clone(), moved.clone()]);
    shop.push("other", "nightly");
    let filtered = shop.once(|it| tells_of(it, ":nightly"));
    let why = filtered["outcomes"][0]["why"].as_str().unwrap_or_else(|| panic!("{filtered:#}"));
    assert!(why.contains("tags") && why.contains("nightly"), "{filtered:#}");

    // With the right secret, of what is not there.
    let host = shop.registry.host.clone();
    let (_, real) = moved.split_once('@').unwrap();
    let forged = format!("sha256:{}", "0".repeat(64));
    for (place, told, digest, reason) in [
        (host.as_str(), "6.6.6", forged.as_str(), "has no "),
        (host.as_str(), tag.as_str(), forged.as_str(), "and not sha256:0000"),
        ("elsewhere.example.com", "7.7.7", real, "elsewhere.example.com is not under `registries`"),
    ] {
        let reply = shop.tell((place, told, digest), reason);
        assert_eq!(reply.status, 202, "{reply:?}");
        let id = reply.json()["delivery"].clone();
        let decided = shop.once(|it| it["id"] == id);
        assert_eq!(decided["outcomes"], json!([]), "{decided:#}");
        assert!(decided["notes"].to_string().contains(reason), "{decided:#}");
        assert!(decided["why"].as_str().unwrap().contains(reason), "{decided:#}");
    }
    assert_eq!(shop.noted(), [first, moved]);
}

#[test]
fn a_registry_that_tells_nothing_is_asked_and_what_was_there_before_starts_nothing() {
    let (_folder, shop) = alone(Notifies::No);
    shop.push("old", "1.0.0");
    shop.serve(NOTE, "1s");
    let (delivery, tag, first) = until_one_starts(&shop);
    assert_eq!(delivery["door"], format!("poll image:{}/shop/web", shop.registry.host));
    assert_eq!(shop.noted().join(" "), first);
    let moved = shop.push("moved", &tag);
    shop.once(|it| started(it).is_some() && it["id"] != delivery["id"]);
    assert_eq!(shop.noted(), [first, moved]);

    // Nothing of what it had at first sight, and nothing twice.
    let decided = shop.decided();
    assert!(!decided.iter().any(|it| tells_of(it, ":1.0.0")), "{decided:#?}");
    let keys: BTreeSet<String> =
        decided.iter().map(|it| format!("{} {}", it["happenings"], it["id"])).collect();
    assert_eq!(keys.len(), 2, "{decided:#?}");
}

#[test]
fn a_push_is_deployed_by_its_digest_from_a_folder_of_pipelines() {
    let room = Room::new("pushed");
    let environment = &room.environment;
    let more = format!(
        "clusters: {{here: {{}}}}\nenvironments:\n  {environment}: {{cluster: here, namespace: {environment}}}\n"
    );
    let shop = Shop::open(room.path(), room.command(&[]), (Notifies::Yes, &more));
    room.write("shop/k8s/web.yaml", &web("web:unset", 1));
    let (head, _) = NOTE.split_once("stages:").unwrap();
    let deploys = format!("{head}images: {{web: \"${{{{ parameters.image }}}}\"}}\nstages:\n")
        + &format!("  live: {{environment: {environment}, deploy: {{manifests: [k8s/]}}}}\n");
    shop.serve(&deploys, "1h");
    let (delivery, _, image) = until_one_starts(&shop);
    let view = shop.ended(&started(&delivery).unwrap(), "succeeded");
    assert_eq!(view["stages"]["live"]["status"], "succeeded");
    let deployment = room.get(&["deployment/web"]);
    let containers = &deployment["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], image);
}

/// Pushed by the registry's own client and found by asking; there is no cluster.
#[test]
fn a_new_version_of_a_chart_starts_a_run_and_an_image_beside_it_does_not() {
    let (_folder, shop) = alone(Notifies::No);
    let host = shop.registry.host.clone();
    shop.registry.push(&Image::chart("1.0.0"), "charts/web:1.0.0");
    let chart = "version: 1
name: web
parameters: {chart: {type: string, required: true}}
triggers:
  - chart: {repository: \"oci://HOST/charts\", name: web, semver: \">=1, <2\"}
    parameters: {chart: \"${{ trigger.chart }} ${{ trigger.version }}\"}
stages:
  note: {checks: [{assert: \"parameters.chart == ''\", message: \"is ${{ parameters.chart }}\"}]}
";
    shop.serve(chart, "1s");
    let begun = Instant::now();
    let mut found = None;
    for number in 1.. {
        let version = format!("1.{number}.0");
        shop.registry.push(&Image::new(&version), &format!("charts/web:0.{number}.0"));
        shop.registry.push(&Image::chart(&version), &format!("charts/web:{version}"));
        let tried = Instant::now();
        while found.is_none() && tried.elapsed() < Duration::from_secs(5) {
            found = shop.decided().into_iter().find(|it| started(it).is_some());
            std::thread::sleep(Duration::from_millis(50));
        }
        if found.is_some() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{:#?}", shop.decided());
    }
    let found = found.unwrap();
    assert_eq!(found["door"], format!("poll chart:oci://{host}/charts/web"));
    let view = shop.ended(&started(&found).unwrap(), "failed");
    let reason = view["stages"]["note"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("is web 1."), "{reason}");

    shop.registry.push(&Image::chart("2.0.0"), "charts/web:2.0.0");
    let filtered = shop.once(|it| tells_of(it, "2.0.0"));
    let why = filtered["outcomes"][0]["why"].as_str().unwrap_or_else(|| panic!("{filtered:#}"));
    assert!(why.contains("`semver` said no to 2.0.0"), "{why}");
    let told = shop.decided();
    assert!(!told.iter().any(|it| tells_of(it, ":0.")), "{told:#?}");
    assert!(!told.iter().any(|it| started(it).is_some() && tells_of(it, "1.0.0")), "{told:#?}");
}
