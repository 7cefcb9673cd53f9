//! Facts about which image ends up where.

use crate::{Fault, Rendered, Source, render};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn wanted(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn rendered(object: &Value, images: &[(&str, &str)]) -> Result<Rendered, Vec<Fault>> {
    let content = object.to_string();
    render(&[Source { path: "a.json", content: content.as_bytes() }], &wanted(images))
}

fn deployment(images: &[&str]) -> Value {
    let containers: Vec<Value> =
        images.iter().map(|image| json!({"name": "c", "image": image})).collect();
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": containers}}}})
}

#[test]
fn every_kind_of_pod_spec_is_found() {
    let pod = json!({"containers": [{"image": "a/app:1"}], "initContainers": [{"image": "a/app:1"}],
        "ephemeralContainers": [{"image": "a/app:1"}]});
    let table = [
        ("v1", "Pod", json!({"spec": pod})),
        ("v1", "ReplicationController", json!({"spec": {"template": {"spec": pod}}})),
        ("v1", "PodTemplate", json!({"template": {"spec": pod}})),
        ("apps/v1", "Deployment", json!({"spec": {"template": {"spec": pod}}})),
        ("apps/v1", "StatefulSet", json!({"spec": {"template": {"spec": pod}}})),
        ("apps/v1", "DaemonSet", json!({"spec": {"template": {"spec": pod}}})),
        ("apps/v1", "ReplicaSet", json!({"spec": {"template": {"spec": pod}}})),
        ("batch/v1", "Job", json!({"spec": {"template": {"spec": pod}}})),
        (
            "batch/v1",
            "CronJob",
            json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}),
        ),
        ("example.com/v1", "Rollout", json!({"spec": {"template": {"spec": pod}}})),
    ];
    for (api_version, kind, mut object) in table {
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        object["metadata"] = json!({"name": "x"});
        let found = rendered(&object, &[("app", "b/app:2")]).expect(kind);
        let text = found.objects[0].to_string();
        assert_eq!(text.matches("b/app:2").count(), 3, "{kind}: {text}");
        assert_eq!(found.images, wanted(&[("app", "b/app:2")]), "{kind}");
    }
}

#[test]
fn a_key_matches_a_full_name_or_a_last_part() {
    let table = [
        ("registry.example.com/shop/web:1", "web", true),
        ("registry.example.com/shop/web:1", "registry.example.com/shop/web", true),
        ("registry.example.com/shop/web:1", "shop/web", false),
        ("registry.example.com/shop/web:1", "shop", false),
        ("registry.example.com/shop/web:1", "we", false),
        ("nginx", "docker.io/library/nginx", true),
        (
            "docker.io/library/nginx@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "library/nginx",
            true,
        ),
        ("localhost:5000/nginx", "library/nginx", false),
    ];
    for (image, key, matches) in table {
        let outcome = rendered(&deployment(&[image]), &[(key, "x.example.com/y:2")]);
        assert_eq!(outcome.is_ok(), matches, "{image} {key}: {outcome:?}");
    }
}

#[test]
fn the_key_that_says_more_wins() {
    let object = deployment(&["a.example.com/web:1", "b.example.com/web:1"]);
    let found = rendered(&object, &[("web", "c/web:2"), ("b.example.com/web", "d/web:3")]).unwrap();
    let containers = &found.objects[0]["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], json!("c/web:2"));
    assert_eq!(containers[1]["image"], json!("d/web:3"));
}

#[test]
fn a_key_that_matches_nothing_is_told_with_what_there_is() {
    let faults = rendered(&deployment(&["shop/web:1"]), &[("wbe", "shop/web:2")]).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "`wbe` matches no image of the manifests, which use `shop/web:1`"
    );
}

#[test]
fn images_that_are_no_references_are_told() {
    let faults = rendered(&deployment(&["Shop/Web:1"]), &[]).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "a.json: document 1, line 1: Deployment `web`: image `Shop/Web:1` is not an image \
         reference: repository names are lower case; write `web`"
    );
    let faults = rendered(&deployment(&["web"]), &[("web", "web:"), ("web:1", "a")]).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn images_that_nobody_asked_for_are_reported_by_repository() {
    let object = deployment(&["shop/web:1", "proxy:7", "proxy:8", "proxy:7"]);
    let found = rendered(&object, &[("web", "shop/web:2")]).unwrap();
    let expected = wanted(&[("web", "shop/web:2"), ("proxy", "proxy:7"), ("proxy:8", "proxy:8")]);
    assert_eq!(found.images, expected);
}
