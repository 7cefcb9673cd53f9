//! What `init` makes of the usual layouts of a repository.

use super::*;
use engine_core::{diagnostic::SourceFile, platform::Platform};
use tempfile::TempDir;

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: 'registry.example.com:5000/shop/web:v1'}]}}}\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";
const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {restartPolicy: Never}}}\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The stages in a word each: `id@environment manifests`, jobs as `id!path`.
fn made(files: &[(&str, &str)], platform: &Platform) -> (Vec<String>, Vec<String>) {
    let folder = folder(files);
    let found = Found::in_folder(folder.path()).unwrap();
    let mut notes = set_aside(&found);
    let Some(layout) = layout::layout(&found, ("shop", platform)) else {
        return (Vec::new(), notes);
    };
    let stages = layout.deploys.iter().flat_map(|deploy| {
        let jobs = deploy.jobs.iter().map(|(job, path)| format!("{job}!{path}"));
        let manifests = deploy.manifests.join(" ");
        let set = format!("{}@{} {manifests}", deploy.stage, deploy.environment);
        jobs.chain([set]).collect::<Vec<_>>()
    });
    notes.extend(layout.notes.clone());
    (stages.collect(), notes)
}

fn stages(files: &[(&str, &str)]) -> Vec<String> {
    made(files, &Platform::Open).0
}

#[test]
fn one_set_goes_to_staging_and_then_to_production() {
    let expected = ["staging@shop-staging k8s/", "production@shop-production k8s/"];
    assert_eq!(stages(&[("k8s/web.yaml", DEPLOYMENT), ("k8s/service.yaml", SERVICE)]), expected);
    let others = [("web/deployment.yaml", DEPLOYMENT), ("README.md", "x"), ("package.json", "{}")];
    assert_eq!(stages(&others), ["staging@shop-staging web/", "production@shop-production web/"]);
}

#[test]
fn each_environment_that_has_a_folder_gets_what_is_in_it_and_what_all_share() {
    let files = [
        ("k8s/base/service.yaml", SERVICE),
        ("k8s/prod/web.yaml", DEPLOYMENT),
        ("k8s/staging/web.yaml", DEPLOYMENT),
        ("k8s/dev/web.yaml", DEPLOYMENT),
        ("k8s/dev/service.yaml", SERVICE),
    ];
    let expected = [
        "dev@shop-dev k8s/dev/",
        "staging@shop-staging k8s/base/ k8s/staging/",
        "prod@shop-prod k8s/base/ k8s/prod/",
    ];
    assert_eq!(stages(&files), expected);
    let files = [("deploy/prod-us/a.yaml", DEPLOYMENT), ("deploy/prod-eu/a.yaml", DEPLOYMENT)];
    let expected = ["prod-eu@shop-prod-eu deploy/prod-eu/", "prod-us@shop-prod-us deploy/prod-us/"];
    assert_eq!(stages(&files), expected);
}

#[test]
fn what_is_no_manifest_is_not_deployed() {
    let files = [
        ("deploy/docker-compose.yaml", "services: {}\n"),
        ("deploy/kind.yaml", "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n"),
        ("deploy/web.yaml", DEPLOYMENT),
        ("node_modules/x/k8s/web.yaml", DEPLOYMENT),
        (".github/workflows/ci.yaml", "on: push\n"),
    ];
    let expected =
        ["staging@shop-staging deploy/web.yaml", "production@shop-production deploy/web.yaml"];
    assert_eq!(stages(&files), expected);
    assert_eq!(stages(&[("values.yaml", "a: 1\n")]), Vec::<String>::new());
}

#[test]
fn a_job_that_runs_once_is_run_before_what_needs_it() {
    let files = [("k8s/web.yaml", DEPLOYMENT), ("k8s/migrate.yaml", JOB)];
    let expected = [
        "migrate!k8s/migrate.yaml",
        "staging@shop-staging k8s/web.yaml",
        "migrate!k8s/migrate.yaml",
        "production@shop-production k8s/web.yaml",
    ];
    assert_eq!(stages(&files), expected);
    let often = JOB.replace("spec: {", "spec: {backoffLimit: 3, ");
    let files = [("k8s/web.yaml", DEPLOYMENT), ("k8s/migrate.yaml", &often)];
    assert_eq!(stages(&files)[0], "staging@shop-staging k8s/");
}

#[test]
fn what_is_there_once_in_a_cluster_goes_to_one_environment() {
    let named = SERVICE.replace("{name: web}", "{name: web, namespace: shop-eu}");
    let (stages, notes) = made(&[("k8s/web.yaml", &named)], &Platform::Open);
    assert_eq!(stages, ["deploy@shop-eu k8s/"]);
    assert!(notes[0].contains("`shop-eu`"), "{notes:?}");
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n";
    let (stages, notes) = made(&[("k8s/web.yaml", role)], &Platform::Open);
    assert_eq!(stages, ["deploy@shop k8s/"]);
    assert!(notes[0].contains("a ClusterRole is there once"), "{notes:?}");
}

#[test]
fn what_another_program_renders_is_set_aside_with_a_way_out() {
    let files = [
        ("k8s/base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("k8s/base/web.yaml", DEPLOYMENT),
        ("k8s/overlays/prod/kustomization.yaml", "resources: [../../base]\n"),
        ("chart/Chart.yaml", "apiVersion: v2\nname: x\n"),
        ("chart/templates/web.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: {{ x }}}\n"),
    ];
    let (stages, notes) = made(&files, &Platform::Open);
    assert_eq!(stages, Vec::<String>::new());
    assert!(notes[0].contains("kubectl kustomize k8s/base/ > manifests/"), "{notes:?}");
    assert!(notes[1].starts_with("k8s/overlays/prod/ is for kustomize"), "{notes:?}");
    assert!(notes[2].contains("helm template chart/ >"), "{notes:?}");
    let (stages, _) =
        made(&[&files[..], &[("manifests/a.yaml", SERVICE)]].concat(), &Platform::Open);
    assert_eq!(stages[0], "staging@shop-staging manifests/");
}

#[test]
fn the_environments_of_the_platforms_file_are_those_that_are_named() {
    let text = "version: 1\nenvironments:\n  live: {cluster: c, production: true}\n  uat: {cluster: c}\n  dev: {cluster: c}\n";
    let platform =
        Platform::read(&SourceFile::new("gennaker.yaml".to_owned(), text.as_bytes())).unwrap();
    let (stages, _) = made(&[("k8s/web.yaml", DEPLOYMENT)], &platform);
    assert_eq!(stages, ["dev@dev k8s/", "uat@uat k8s/", "live@live k8s/"]);
    let files = [("k8s/staging/web.yaml", DEPLOYMENT), ("k8s/prod/web.yaml", DEPLOYMENT)];
    let (stages, _) = made(&files, &platform);
    assert_eq!(stages, ["staging@uat k8s/staging/", "prod@live k8s/prod/"]);
}

#[test]
fn what_is_written_is_a_pipeline_that_somebody_can_read() {
    let folder = folder(&[("k8s/web.yaml", DEPLOYMENT), ("k8s/migrate.yaml", JOB)]);
    let found = Found::in_folder(folder.path()).unwrap();
    let layout = layout::layout(&found, ("shop", &Platform::Open)).unwrap();
    let expected = "# yaml-language-server: $schema=https://gennaker.dev/schema/pipeline/v1.json
version: 1
name: shop
# Another version than the manifests name (gennaker run ... -p version=v7):
# parameters: {version: {type: string, required: true}}
# images: {web: \"registry.example.com:5000/shop/web:${{ parameters.version }}\"}
stages:
  staging-migrate:
    environment: shop-staging
    job: {manifest: k8s/migrate.yaml}
  staging:
    needs: [staging-migrate]
    environment: shop-staging
    deploy: {manifests: [k8s/web.yaml]}
  goLive:
    needs: [staging]
    approval:
      message: Does staging look right?
      excludeTriggerer: false             # leave this out where two people must look
  production-migrate:
    needs: [goLive]
    environment: shop-production
    job: {manifest: k8s/migrate.yaml}
  production:
    needs: [production-migrate]
    environment: shop-production
    onFailure: hold                       # a person says what is to become of it
    deploy: {manifests: [k8s/web.yaml]}
";
    assert_eq!(text::pipeline("shop", &layout, &found), expected);
    let told = "staging-migrate -> staging (to shop-staging) -> goLive (a person says yes) -> production-migrate -> production (to shop-production)";
    assert_eq!(text::stages(&layout), told);
    assert_eq!(text::inventory(&found), ["k8s/ has Job migrate, Deployment web"]);
}
