//! Deploys, failures and ways back, on a real cluster.

use crate::cluster::{Audit, Room, is_write, kubectl, web};
use serde_json::Value;
use std::time::Instant;

const DEPLOY: &str = "version: 1
name: web
stages:
  web: {environment: ENV, timeout: 60s, deploy: {manifests: [k8s/]}}
";

#[test]
fn a_set_is_deployed_and_ready_and_the_same_again_restarts_no_pod() {
    let room = Room::new("same");
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 3));
    let run = room.succeed(&file);
    assert_eq!(run["stages"]["web"]["status"], "succeeded");
    let deployment = room.get(&["deployment", "web"]);
    assert_eq!(deployment["status"]["readyReplicas"], 3);
    assert_eq!(deployment["metadata"]["labels"]["gennaker.dev/application"], "web");
    let template = &deployment["spec"]["template"]["metadata"];
    assert!(!template.to_string().contains("gennaker"), "{template}");
    let pods = room.pods();
    room.succeed(&file);
    assert_eq!(room.pods(), pods);
}

#[test]
fn an_image_that_cannot_be_pulled_fails_in_the_pods_words_and_the_old_set_comes_back() {
    let room = Room::new("pull");
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 3));
    room.succeed(&file);
    let pods = room.pods();
    room.write("k8s/web.yaml", &web("fate.test/pull-error:v2", 3));
    let began = Instant::now();
    let told = room.gennaker(&["run", &file, "--watch"]);
    println!("a failing pull was told after {:?}", began.elapsed());
    assert_eq!(told.code, Some(5), "{}", told.stderr);
    let reason = room.latest()["stages"]["web"]["reason"].to_string();
    for word in ["pod web-", "container web", "fate.test/pull-error:v2", "ImagePull"] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    assert!(pods.iter().filter(|pod| room.pods().contains(pod)).count() >= 2, "old pods serve on");
    let undo = room.write(
        "undo.yaml",
        "version: 1\nname: undo\napplication: web\nstages:\n  undo: {environment: ENV, rollback: {}}\n",
    );
    room.succeed(&undo);
    let deployment = room.get(&["deployment", "web"]);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:1");
    assert_eq!(deployment["status"]["readyReplicas"], 3);
}

#[test]
fn what_a_set_has_no_longer_is_deleted_and_a_rollback_brings_it_back() {
    let room = Room::new("prune");
    let file = room.write("web.yaml", DEPLOY);
    let extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {gennaker.dev/prune: \"false\"}}\n";
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    room.write("k8s/extra.yaml", extra);
    room.succeed(&file);
    std::fs::remove_file(room.path().join("k8s/extra.yaml")).unwrap();
    room.write("k8s/new.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n");
    room.succeed(&file);
    assert!(
        !room.has("configmap/extra") && room.has("configmap/kept") && room.has("configmap/new")
    );
    let undo = room.write(
        "undo.yaml",
        "version: 1\nname: undo\napplication: web\nstages:\n  undo: {environment: ENV, rollback: {to: previous}}\n",
    );
    room.succeed(&undo);
    assert!(room.has("configmap/extra") && !room.has("configmap/new"));
}

#[test]
fn objects_of_another_manager_are_refused_by_manager_and_fields_and_nothing_is_written() {
    let room = Room::new("theirs");
    assert!(kubectl(&["create", "namespace", &room.environment]).status.success());
    for name in ["one", "two"] {
        let theirs = room.write(
            "theirs.yaml",
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{size: \"1\"}}\n"),
        );
        room.kubectl(&["apply", "--server-side", "--field-manager=them", "-f", &theirs]);
    }
    let file = room.write("web.yaml", DEPLOY);
    let map = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{size: \"2\"}}\n---\n"
        )
    };
    room.write("k8s/maps.yaml", &["free", "one", "two"].map(map).concat());
    let audit = Audit::open();
    let told = room.gennaker(&["run", &file]);
    assert_eq!(told.code, Some(5), "{}", told.stderr);
    let reason = room.latest()["stages"]["web"]["reason"].to_string();
    for word in ["configmap one", "configmap two", "`them`", ".data.size"] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    assert!(!room.has("configmap/free"));
    let requests = audit.of(&room.environment);
    let written: Vec<&Value> = requests.iter().filter(|request| is_write(request)).collect();
    assert!(written.is_empty(), "{written:?}");
}

#[test]
fn an_object_of_another_application_is_not_taken_over() {
    let room = Room::new("other");
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    room.succeed(&file);
    let other = room.write("bank.yaml", &DEPLOY.replace("name: web", "name: bank"));
    let told = room.gennaker(&["run", &other]);
    assert_eq!(told.code, Some(5));
    let reason = room.latest()["stages"]["web"]["reason"].to_string();
    for word in ["configmap web", "service web", "deployment web", "application `web`"] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
}

#[test]
fn a_set_may_bring_the_kinds_of_its_own_objects() {
    let room = Room::new("kinds");
    let kind = room.environment.replace('-', "");
    room.write("k8s/own.yaml", &format!(
        "apiVersion: example.test/v1
kind: X{kind}
metadata: {{name: mine}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: x{kind}s.example.test}}
spec:
  group: example.test
  scope: Namespaced
  names: {{kind: X{kind}, plural: x{kind}s, singular: x{kind}}}
  versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}]
"
    ));
    let file = room
        .write("web.yaml", &DEPLOY.replace("manifests: [k8s/]", "manifests: [k8s/], wait: false"));
    room.succeed(&file);
    assert!(room.has(&format!("x{kind}s.example.test/mine")));
    assert!(kubectl(&["delete", "crd", &format!("x{kind}s.example.test")]).status.success());
}

#[test]
fn replicas_that_somebody_scaled_are_left_alone() {
    let room = Room::new("scaled");
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    room.succeed(&file);
    room.kubectl(&["scale", "deployment/web", "--replicas=3"]);
    room.write("k8s/web.yaml", &web("nginx:2", 1));
    room.succeed(&file);
    let deployment = room.get(&["deployment", "web"]);
    assert_eq!(deployment["spec"]["replicas"], 3);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:2");
}

/// The autoscaler looks every 15 s, and raises to its least without any metrics.
#[test]
fn replicas_that_an_autoscaler_set_are_left_alone() {
    let room = Room::new("autoscaled");
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    room.write(
        "k8s/autoscaler.yaml",
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 3
  maxReplicas: 5
",
    );
    room.succeed(&file);
    room.kubectl(&["wait", "deployment/web", "--for=jsonpath={.spec.replicas}=3", "--timeout=60s"]);
    room.write("k8s/web.yaml", &web("nginx:2", 1));
    let audit = Audit::open();
    room.succeed(&file);
    let deployment = room.get(&["deployment", "web"]);
    assert_eq!(deployment["spec"]["replicas"], 3);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:2");
    let writes = audit.of(&room.environment);
    let lowered = |request: &&Value| {
        request["objectRef"]["resource"] == "deployments"
            && request["requestObject"]["spec"]["replicas"] == 1
    };
    assert_eq!(writes.iter().find(lowered), None);
}

#[test]
fn a_misspelt_field_is_refused_before_anything_is_written() {
    let room = Room::new("typo");
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 1).replace("replicas:", "replcas:"));
    let told = room.gennaker(&["run", &file]);
    assert_eq!(told.code, Some(5));
    let reason = room.latest()["stages"]["web"]["reason"].to_string();
    assert!(reason.contains("replcas") && reason.contains("deployment web"), "{reason}");
    assert!(!room.has("configmap/web"));
}

#[test]
fn nothing_starts_on_a_cluster_that_does_not_answer() {
    let room = Room::new("away");
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    let nowhere = room.write("nowhere.yaml", NOWHERE);
    let told = room.gennaker(&["run", &file, "--kubeconfig", &nowhere]);
    // Which cluster it is cannot be told, so nothing is started at all.
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("cannot be reached"), "{}", told.stderr);
}

const NOWHERE: &str = "apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: \"https://127.0.0.1:1\"}}]
users: [{name: nobody, user: {token: none}}]
";

#[test]
fn a_rollout_after_one_that_took_too_long_is_judged_by_its_own_time() {
    let room = Room::new("late");
    let file = room.write(
        "web.yaml",
        "version: 1\nname: web\nstages:\n  go: {environment: ENV, deploy: {manifests: [k8s/]}}\n",
    );
    let put = |image: &str| {
        let text =
            web(image, 2).replace("  replicas:", "  progressDeadlineSeconds: 2\n  replicas:");
        room.write("k8s/web.yaml", &text);
    };
    put("nginx:1");
    room.succeed(&file);
    put("fate.test/never-ready");
    let told = room.gennaker(&["run", &file]);
    assert_eq!(told.code, Some(5), "{}", told.stderr);
    let reason = room.latest()["stages"]["go"]["reason"].to_string();
    assert!(reason.contains("ProgressDeadlineExceeded"), "{reason}");
    // Its ReplicaSet is there, so that the controller has nothing new to say at first.
    put("nginx:1");
    room.succeed(&file);
}
