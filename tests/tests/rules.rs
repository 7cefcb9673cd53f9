//! Rules of an environment hold whatever a pipeline says, on a real cluster: a rule of each kind.

use crate::{
    cluster::{Room, kubeconfig, kubectl, web},
    platform::own_name,
    program::Talking,
};
use serde_json::Value;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);
const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A room with environments `staging` and `prod`, the second one with these rules.
struct Guarded {
    room: Room,
    staging: String,
}

impl Guarded {
    fn new(name: &str, rules: &str) -> Guarded {
        let room = Room::new(name);
        let staging = format!("{}-s", room.environment);
        let guarded = Guarded { room, staging };
        guarded.rule(rules);
        guarded
    }

    fn rule(&self, rules: &str) {
        let text = format!(
            "version: 1\nclusters: {{real: {{kubeconfig: \"{}\"}}}}\nenvironments:\n  staging: {{cluster: real, namespace: ENV-s}}\n  prod: {{cluster: real, namespace: ENV, rules: {rules}}}\npeople: {{users: {{mo: {{unix: {}}}, kit: {{}}}}}}\n",
            kubeconfig(),
            own_name()
        );
        self.room.write("gennaker.yaml", &text);
    }

    fn config(&self) -> String {
        self.room.path().join("gennaker.yaml").to_str().unwrap().to_owned()
    }

    /// A pipeline of application `web`.
    fn pipeline(&self, name: &str, stages: &str) -> String {
        let text = format!("version: 1\nname: {name}\napplication: web\nstages:\n{stages}");
        self.room.write(&format!("{name}.yaml"), &text)
    }

    fn start(&self, file: &str) -> Talking {
        let arguments = ["run", file, "--watch", "--config", &self.config()];
        Talking::start(self.room.command(&arguments).stdout(Stdio::null()))
    }

    fn told(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let told = self.room.gennaker(&[arguments, &["--config", &self.config()]].concat());
        (told.code, told.stdout + &told.stderr)
    }

    fn stage(&self, stage: &str) -> Value {
        self.room.latest()["stages"][stage].clone()
    }

    /// Waits until the newest run's stage waits for what a rule asks, and gives its sentence.
    fn waits(&self, run: &str, stage: &str) -> String {
        let begun = Instant::now();
        loop {
            let told = self.room.gennaker(&["describe", "run", run, "-o", "json"]);
            let view: Value = serde_json::from_str(&told.stdout).unwrap_or_default();
            let waiting = &view["stages"][stage]["waiting"];
            if waiting["kind"] == "rules" {
                return waiting["detail"].as_str().unwrap().to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "{stage} never waits: {view:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn has_namespace(&self) -> bool {
        kubectl(&["get", "namespace", &self.room.environment]).status.success()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(kubectl(&[
            "delete",
            "namespace",
            &self.staging,
            "--wait=false",
            "--ignore-not-found",
        ]));
    }
}

/// Rules that anything here keeps to.
const OPEN: &str = "{images: [\"docker.io/**\"]}";
const DEPLOY: &str = "  prod: {environment: prod, timeout: 60s, deploy: {manifests: [k8s/]}}\n";

#[test]
fn an_approval_is_asked_once_a_run_and_before_anything_is_done() {
    let approval = "{approval: {approvers: [\"user:mo\"], excludeTriggerer: false}}";
    let guarded = Guarded::new("asked", approval);
    guarded.room.write("k8s/web.yaml", &web("nginx:1", 1));
    let job = "  after: {needs: [prod], environment: prod, timeout: 60s, job: {image: \"fate.test/exit:0\", command: [\"true\"]}}\n";
    let file = guarded.pipeline("web", &format!("{DEPLOY}{job}"));
    let (code, plan) = guarded.told(&["plan", &file]);
    assert_eq!(code, Some(0), "{plan}");
    assert!(plan.contains("prod: a stage acts there after: 1 of mo must say yes"), "{plan}");
    let mut run = guarded.start(&file);
    let words = "environment `prod` wants a yes: 0 of 1 approvals; mo may answer";
    assert_eq!(guarded.waits("latest", "prod"), words);
    let (_, why) = guarded.told(&["why", "latest"]);
    assert!(why.contains(&format!("prod: waiting: {words}")), "{why}");
    assert!(!guarded.has_namespace(), "not even its namespace is made");
    assert_eq!(guarded.told(&["approve", "latest"]), (Some(0), "recorded\n".to_owned()));
    run.until("ended: succeeded");
    assert_eq!(run.code(), Some(0));
    let run = guarded.start(&file);
    guarded.waits("latest", "prod");
    assert_eq!(guarded.told(&["reject", "latest", "prod", "-m", "not today"]).0, Some(0));
    assert_eq!(run.code(), Some(5));
    let prod = guarded.stage("prod");
    assert_eq!((&prod["status"], &prod["attempts"]), (&"rejected".into(), &0.into()), "{prod}");
    assert_eq!(prod["reason"], "mo said no: not today");
    assert_eq!(guarded.stage("after")["status"], "omitted");
}

#[test]
fn whoever_started_the_run_does_not_answer_its_rule_and_an_approval_before_is_enough() {
    let guarded = Guarded::new("prior", "{approval: {approvers: [\"user:mo\"]}}");
    guarded.room.write("k8s/web.yaml", &web("nginx:1", 1));
    let file = guarded.pipeline("web", DEPLOY);
    let run = guarded.start(&file);
    guarded.waits("latest", "prod");
    let (code, said) = guarded.told(&["approve", "latest", "prod"]);
    assert!(code == Some(1) && said.contains("mo started the run"), "{said}");
    assert_eq!(guarded.told(&["cancel", "latest"]).0, Some(0));
    assert_eq!(run.code(), Some(5));
    guarded.rule("{approval: {approvers: [\"user:mo\"], excludeTriggerer: false}}");
    let ask = "  go: {approval: {excludeTriggerer: false}}\n";
    let file =
        guarded.pipeline("web", &format!("{ask}{}", DEPLOY.replace("{env", "{needs: [go], env")));
    let mut run = guarded.start(&file);
    run.until("go: 0 of 1 approvals");
    assert_eq!(guarded.told(&["approve", "latest", "go"]).0, Some(0));
    run.until("ended: succeeded");
    assert_eq!(run.code(), Some(0));
}

#[test]
fn only_images_of_the_patterns_are_deployed_and_run() {
    let guarded = Guarded::new("images", "{images: [\"docker.io/library/*\"]}");
    let pod = web("nginx:1", 1).replace(
        "containers:",
        "initContainers: [{name: look, image: \"evil.example.com/miner:2\"}], containers:",
    );
    guarded.room.write("k8s/web.yaml", &pod);
    let job = "  job: {environment: prod, timeout: 60s, job: {image: \"quay.io/evil/miner:1\", command: [\"true\"]}}\n";
    let file = guarded.pipeline("web", &format!("{DEPLOY}{job}"));
    assert_eq!(guarded.told(&["run", &file]).0, Some(5));
    let told = |stage: &str| guarded.stage(stage)["reason"].as_str().unwrap().to_owned();
    let deployed = "environment `prod` takes only images like docker.io/library/*: Deployment web, container look: image evil.example.com/miner:2; nothing was written";
    assert_eq!(told("prod"), deployed);
    let run = told("job");
    assert!(run.contains("container main: image quay.io/evil/miner:1"), "{run}");
    assert!(!guarded.room.has("deployment/web") && !guarded.room.has("job"));
    guarded.room.write("k8s/web.yaml", &web("nginx:1", 1));
    let file = guarded.pipeline("web", DEPLOY);
    assert_eq!(guarded.told(&["run", &file]).0, Some(0));
}

#[test]
fn a_deploy_waits_until_its_images_are_good_where_they_are_to_be_before() {
    let guarded = Guarded::new("after", "{after: [staging]}");
    let config = guarded.config();
    let mut engine = guarded.room.command(&["serve", "--config", &config]);
    let mut engine = Talking::start(engine.stdout(Stdio::null()));
    engine.until("listening on");
    guarded.room.write("k8s/web.yaml", &web("nginx:1", 1));
    let file = guarded.pipeline("promote", DEPLOY);
    assert_eq!(guarded.told(&["run", &file]).0, Some(5));
    let reason = guarded.stage("prod")["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("image nginx:1 was there cannot be told without its digest"),
        "{reason}"
    );
    guarded.room.write("k8s/web.yaml", &web(&format!("nginx@{DIGEST}"), 1));
    let mut promote = guarded.start(&file);
    let detail = guarded.waits("latest", "prod");
    let words =
        format!("environment `prod` comes after staging: not good yet: nginx@{DIGEST} in staging");
    assert_eq!(detail, words);
    assert!(!guarded.has_namespace());
    // What is not good there opens nothing; what is, does.
    guarded.room.write("k8s/web.yaml", &web(&format!("fate.test/crash@{DIGEST}"), 1));
    let stages = "  s: {environment: staging, timeout: 3s, deploy: {manifests: [k8s/]}}\n";
    let staging = guarded.pipeline("staging", stages);
    assert_eq!(guarded.told(&["run", &staging]).0, Some(5));
    assert_eq!(guarded.waits("promote#2", "prod"), words);
    guarded.room.write("k8s/web.yaml", &web(&format!("nginx@{DIGEST}"), 1));
    let unready = stages.replace("[k8s/]", "[k8s/], wait: false");
    let unready = guarded.pipeline("unready", &unready);
    assert_eq!(guarded.told(&["run", &unready]).0, Some(0));
    assert_eq!(guarded.waits("promote#2", "prod"), words);
    // Others act there meanwhile.
    let job = "  job: {environment: prod, timeout: 60s, job: {image: \"fate.test/exit:0\", command: [\"true\"]}}\n";
    let other = guarded.pipeline("other", job);
    assert_eq!(guarded.told(&["run", &other]).0, Some(0));
    assert_eq!(guarded.waits("promote#2", "prod"), words);
    let staging = guarded.pipeline("staging", &stages.replace("3s", "60s"));
    assert_eq!(guarded.told(&["run", &staging]).0, Some(0));
    promote.until("ended: succeeded");
    assert_eq!(promote.code(), Some(0));
    assert!(guarded.room.has("deployment/web"));
}

#[test]
fn a_deploy_does_not_wait_for_its_own_run() {
    let guarded = Guarded::new("own", "{after: [staging]}");
    guarded.room.write("k8s/web.yaml", &web(&format!("nginx@{DIGEST}"), 1));
    let staging = "  first: {environment: staging, timeout: 60s, deploy: {manifests: [k8s/]}}\n";
    let prod = DEPLOY.replace("{env", "{needs: [first], env");
    let smoke = "  smoke: {needs: [prod], environment: staging, timeout: 60s, job: {image: \"fate.test/exit:0\", command: [\"true\"]}}\n";
    let file = guarded.pipeline("web", &format!("{staging}{prod}{smoke}"));
    assert_eq!(guarded.told(&["run", &file]).0, Some(5));
    let reason = guarded.stage("prod")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("cannot become so before this stage has ended"), "{reason}");
    let file = guarded.pipeline("web", &format!("{staging}{prod}"));
    assert_eq!(guarded.told(&["run", &file]).0, Some(0));
}

#[test]
fn a_way_back_that_goes_forward_is_held_against_the_rules_of_a_deploy() {
    let guarded = Guarded::new("forward", OPEN);
    let file = guarded.pipeline("web", DEPLOY);
    for image in ["nginx:1", "nginx:2"] {
        guarded.room.write("k8s/web.yaml", &web(image, 1));
        assert_eq!(guarded.told(&["run", &file]).0, Some(0));
    }
    guarded.rule("{images: [\"quay.io/only/this\"]}");
    let back = ["rollback", "web", "--env", "prod", "--to"];
    let to = |number: &str| guarded.told(&[back.as_slice(), &[number]].concat());
    let (code, said) = to("1");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = to("2");
    assert_eq!(code, Some(5), "{said}");
    let reason = guarded.stage("rollback")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("takes only images like quay.io/only/this"), "{reason}");
    guarded.rule("{branches: [main]}");
    let (code, said) = to("2");
    assert_eq!(code, Some(5), "{said}");
    let reason = guarded.stage("rollback")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("this run is of no commit"), "{reason}");
    guarded.rule(OPEN);
    assert_eq!(to("2").0, Some(0));
}
