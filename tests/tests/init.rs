//! What `init` writes for a folder is valid, and runs.

use crate::{
    cluster::{Room, web},
    program::{Talking, gennaker},
};
use std::process::{Command, Output, Stdio};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: fate.test/script, args: [log done]}]}}}\n";

/// A service's folder, and what is said there.
struct Service {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Service {
    fn with(name: &'static str, files: &[(&str, &str)]) -> Service {
        let service = Service { folder: tempfile::tempdir().unwrap(), name };
        for (path, text) in files {
            let path = service.folder.path().join(name).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        service
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gennaker(&self.folder.path().join("state"), arguments);
        command.current_dir(self.folder.path().join(self.name));
        command
    }

    fn says(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }
}

#[test]
fn in_every_usual_layout_init_writes_what_is_valid() {
    for files in [
        &[("k8s/map.yaml", MAP)][..],
        &[("deploy/map.yaml", MAP), ("deploy/values.json", "{}")],
        &[("manifests/web/map.yaml", MAP), ("manifests/jobs/migrate.yaml", JOB)],
        &[("map.yaml", MAP), ("docker-compose.yaml", "services: {}\n")],
        &[("k8s/staging/map.yaml", MAP), ("k8s/prod/map.yaml", MAP)],
        &[("k8s/common/job.yaml", JOB), ("k8s/dev/a.yaml", MAP), ("k8s/prod-eu/a.yaml", MAP)],
        &[("environments/qa/my app/map.yaml", MAP), ("environments/live/map.yaml", MAP)],
        &[("k8s/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n")],
    ] {
        let service = Service::with("My Service", files);
        let (code, said) = service.says(&["init"]);
        assert_eq!(code, Some(0), "{files:?}: {said}");
        let (code, said) = service.says(&["validate", "--strict", ".gennaker/my-service.yaml"]);
        assert_eq!(code, Some(0), "{files:?}: {said}");
        let (code, said) = service.says(&["init"]);
        assert!(code == Some(1) && said.contains("is left as it is"), "{said}");
    }
}

#[test]
fn where_there_is_nothing_to_deploy_init_writes_nothing_and_says_what_to_do() {
    let kustomization = ("k8s/base/kustomization.yaml", "resources: [map.yaml]\n");
    for (files, words) in [
        (&[("README.md", "x")][..], "kubectl create deployment web"),
        (&[("k8s/base/map.yaml", MAP), kustomization], "kubectl kustomize k8s/base/ >"),
        (&[("chart/Chart.yaml", "apiVersion: v2\nname: x\n")], "helm template chart/ >"),
    ] {
        let service = Service::with("service", files);
        let (code, said) = service.says(&["init"]);
        assert!(code == Some(1) && said.contains(words), "{said}");
        assert!(!service.folder.path().join("service/.gennaker").exists(), "{said}");
    }
}

#[test]
fn manifests_with_faults_are_told_at_once() {
    let broken = MAP.replace("{name: a}", "{}");
    let service = Service::with("service", &[("k8s/a.yaml", MAP), ("k8s/b.yaml", &broken)]);
    let (code, said) = service.says(&["init"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("`metadata.name` of this ConfigMap is missing"), "{said}");
}

#[test]
fn what_init_writes_runs_to_its_end() {
    let room = Room::new("init");
    let name: &'static str = Box::leak(room.environment.clone().into_boxed_str());
    let web = web("nginx:1", 1);
    let files = [
        ("k8s/common/migrate.yaml", JOB),
        ("k8s/staging/web.yaml", web.as_str()),
        ("k8s/prod/web.yaml", &web),
    ];
    let service = Service::with(name, &files);
    assert_eq!(service.says(&["init"]).0, Some(0));
    let kubeconfig = crate::cluster::kubeconfig();
    let file = format!(".gennaker/{name}.yaml");
    let arguments = ["run", &file, "--watch", "--kubeconfig", &kubeconfig];
    let mut run = Talking::start(service.command(&arguments).stdout(Stdio::null()));
    run.until("anybody may answer");
    assert_eq!(service.says(&["approve", "latest"]).0, Some(0));
    assert_eq!(run.code(), Some(0));
    for environment in ["staging", "prod"] {
        let namespace = format!("{name}-{environment}");
        let deployed = crate::cluster::kubectl(&["-n", &namespace, "get", "deployment", "web"]);
        assert!(deployed.status.success());
        crate::cluster::kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
    }
}
