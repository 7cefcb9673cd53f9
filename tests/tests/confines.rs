//! What gennaker.yaml lets be done in an environment holds when it is done, on a real cluster.

use crate::{
    cluster::{Audit, Room, Told, is_write, kubeconfig, kubectl, web},
    program::Talking,
};
use serde_json::Value;
use std::process::Stdio;

const DEPLOY: &str = "version: 1
name: web
stages:
  web: {environment: prod, timeout: 60s, deploy: {manifests: [k8s/]}}
";

/// A room whose environment `prod` is confined as `more` says.
fn room(name: &str, more: &str) -> Room {
    let room = Room::new(name);
    room.write("web.yaml", DEPLOY);
    confine(&room, more);
    room
}

fn confine(room: &Room, more: &str) {
    let text = format!(
        "version: 1\nclusters: {{real: {{kubeconfig: \"{}\"}}}}\nenvironments:\n  prod: {{cluster: real, namespace: ENV{more}}}\n  other: {{cluster: real}}\n",
        kubeconfig()
    );
    room.write("gennaker.yaml", &text);
}

impl Room {
    fn confined(&self, file: &str) -> Told {
        let config = self.path().join("gennaker.yaml");
        let file = self.path().join(file);
        self.gennaker(&["run", file.to_str().unwrap(), "--config", config.to_str().unwrap()])
    }

    /// Runs it, which must be refused with these words.
    fn refused(&self, file: &str, words: &[&str]) {
        let told = self.confined(file);
        assert_eq!(told.code, Some(5), "{}", told.stderr);
        let latest = self.latest();
        let stage = latest["stages"].as_object().unwrap().values().next().unwrap();
        let reason = stage["reason"].to_string();
        for word in words {
            assert!(reason.contains(word), "{word} is missing: {reason}");
        }
    }

    fn allowed(&self, file: &str) {
        let told = self.confined(file);
        assert_eq!(told.code, Some(0), "{} {}", told.stderr, self.latest());
    }

    fn make_namespace(&self, name: &str) {
        let made = kubectl(&["create", "namespace", name]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

/// Deletes what a test has made outside of its room.
struct Tidy(Vec<String>);

impl Drop for Tidy {
    fn drop(&mut self) {
        for object in &self.0 {
            drop(kubectl(&["delete", object, "--wait=false", "--ignore-not-found"]));
        }
    }
}

#[test]
fn an_object_goes_to_no_namespace_that_its_environment_does_not_list() {
    let room = room("within", "");
    let other = format!("{}-b", room.environment);
    let _tidy = Tidy(vec![format!("namespace/{other}")]);
    room.make_namespace(&other);
    let maps = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: here}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: there, namespace: {other}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: deep, namespace: kube-system}}\n"
    );
    room.write("k8s/maps.yaml", &maps);
    let namespace = format!("namespace {other} is not open to environment `prod`");
    let system = "configmap deep: namespace kube-system is not open to environment `prod`";
    room.refused("web.yaml", &[&namespace, system, "nothing was written"]);
    assert!(!kubectl(&["get", "namespace", &room.environment]).status.success(), "not even that");
    room.write("k8s/maps.yaml", maps.rsplit_once("---\n").unwrap().0);
    confine(&room, &format!(", namespaces: [{other}]"));
    room.allowed("web.yaml");
    assert!(kubectl(&["-n", &other, "get", "configmap", "there"]).status.success());
}

#[test]
fn a_kind_outside_of_namespaces_is_applied_only_if_it_is_listed() {
    let room = room("kinds", "");
    let name = format!("role-{}", room.environment);
    let _tidy = Tidy(vec![format!("clusterrole/{name}")]);
    let role = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\nrules: []\n"
    );
    room.write("k8s/role.yaml", &role);
    let words = format!("clusterrole {name}: ClusterRole is a kind outside of namespaces");
    room.refused("web.yaml", &[&words, "`clusterKinds` in gennaker.yaml would have it"]);
    assert!(!kubectl(&["get", "clusterrole", &name]).status.success());
    confine(&room, ", clusterKinds: [ClusterRole.rbac.authorization.k8s.io]");
    room.allowed("web.yaml");
    assert!(kubectl(&["get", "clusterrole", &name]).status.success());
}

#[test]
fn jobs_and_pods_run_as_no_account_that_is_not_listed() {
    let room = room("accounts", "");
    let job = "version: 1\nname: job\nstages:\n  run: {environment: prod, timeout: 60s, job: {image: fate.test/script, serviceAccount: migrator}}\n";
    room.write("job.yaml", job);
    let as_account = |account: &str| {
        web("nginx:1", 1).replace(
            "spec: {containers",
            &format!("spec: {{serviceAccountName: {account}, containers"),
        )
    };
    room.write("k8s/web.yaml", &as_account("migrator"));
    let words = "service account migrator is not open to environment `prod`";
    room.refused("job.yaml", &[words, "nothing was written"]);
    room.refused("web.yaml", &["deployment web: service account migrator", "nothing was written"]);
    room.make_namespace(&room.environment);
    room.kubectl(&["create", "serviceaccount", "migrator"]);
    confine(&room, ", serviceAccounts: [migrator]");
    room.allowed("job.yaml");
    room.allowed("web.yaml");
    assert_eq!(
        room.get(&["deployment", "web"])["spec"]["template"]["spec"]["serviceAccountName"],
        "migrator"
    );
    room.write("k8s/web.yaml", &as_account("default"));
    confine(&room, "");
    room.allowed("web.yaml");
}

#[test]
fn every_call_for_an_environment_is_made_in_the_name_of_its_account_and_its_rights_count() {
    let room = room("as", "");
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    room.make_namespace(&room.environment);
    room.kubectl(&["create", "serviceaccount", "deployer"]);
    let user = format!("system:serviceaccount:{}:deployer", room.environment);
    confine(&room, &format!(", impersonate: \"{user}\""));
    room.refused("web.yaml", &["forbidden", &user, "cannot get resource", "namespaces"]);
    room.kubectl(&["create", "role", "deployer", "--verb=get,list,watch", "--resource=*.*"]);
    let subject = format!("--serviceaccount={}:deployer", room.environment);
    room.kubectl(&["create", "rolebinding", "deployer", "--role=deployer", &subject]);
    room.refused("web.yaml", &["deployment web", "forbidden", &user, "cannot patch resource"]);
    assert!(!room.has("deployment/web"));
    room.kubectl(&["delete", "role", "deployer"]);
    room.kubectl(&["create", "role", "deployer", "--verb=*", "--resource=*.*"]);
    let audit = Audit::open();
    room.allowed("web.yaml");
    let requests = audit.of(&room.environment);
    let ours = |request: &&Value| {
        !request["userAgent"].as_str().unwrap_or_default().starts_with("kubectl")
    };
    let ours: Vec<&Value> = requests.iter().filter(ours).collect();
    assert!(ours.iter().filter(|request| is_write(request)).count() >= 3, "{ours:#?}");
    for request in ours {
        assert_eq!(request["impersonatedUser"]["username"], user.as_str(), "{request:#}");
    }
}

#[test]
fn an_environment_that_is_closed_while_a_run_waits_is_closed_to_it() {
    let room = room("closed", "");
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    let asking = "version: 1\nname: ask\nstages:\n  go: {approval: {excludeTriggerer: false}}\n  web: {needs: [go], environment: prod, timeout: 60s, deploy: {manifests: [k8s/]}}\n";
    let file = room.write("ask.yaml", asking);
    let config = room.path().join("gennaker.yaml");
    let config_text = config.to_str().unwrap();
    let mut engine =
        Talking::start(room.command(&["serve", "--config", config_text]).stdout(Stdio::null()));
    engine.until("listening on");
    let mut begun = room.command(&["run", &file, "--watch", "--config", config_text]);
    let mut run = Talking::start(begun.stdout(Stdio::null()));
    run.until("0 of 1 approvals");
    let text = std::fs::read_to_string(&config).unwrap();
    room.write("gennaker.yaml", &text.replace("  prod:", "  gone:"));
    engine.until("was read again and is in force");
    assert_eq!(room.gennaker(&["approve", "latest", "go"]).code, Some(0));
    run.until("ended: failed");
    let reason = room.latest()["stages"]["web"]["reason"].to_string();
    assert!(reason.contains("gennaker.yaml has no environment `prod` any more"), "{reason}");
    assert!(!kubectl(&["get", "namespace", &room.environment]).status.success());
}
