//! What registries say, by the shapes that their makers document, and what it becomes.

use crate::{
    published::{SECRET, signed},
    request::Request,
};
use engine_core::{
    happening::Happening,
    platform::Provider,
    receiver::{Heard, Unreadable},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DIGEST: &str = "sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf";

fn hear(provider: &str, event: &str, body: &Value) -> Result<Heard, Unreadable> {
    let request = signed(provider, event, serde_json::to_vec(body).unwrap());
    let receivers = triggers::receivers();
    let receiver = receivers.get(provider).unwrap();
    receiver.verify(&request.raw(), &[SECRET.as_bytes()]).expect(provider);
    receiver.happenings(&request.raw())
}

/// `repository:tag@digest` of every image, and every note.
fn heard(provider: &str, event: &str, body: &Value) -> Vec<String> {
    let heard = match hear(provider, event, body) {
        Ok(heard) => heard,
        Err(Unreadable(why)) => return vec![format!("!! {why}")],
    };
    let images = heard.happenings.into_iter().map(|happening| match happening {
        Happening::Image(it) => {
            let tag = it.tag.map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = it.digest.map(|digest| format!("@{}", &digest[..11])).unwrap_or_default();
            format!("{}{tag}{digest}", it.repository)
        }
        Happening::Chart(it) => format!("chart {} {} {}", it.repository, it.name, it.version),
        other => panic!("{other:?}"),
    });
    images.chain(heard.notes).collect()
}

#[test]
fn providers_have_the_words_that_the_platforms_file_has() {
    let schema = schemars::schema_for!(Provider).to_value();
    let mut words = BTreeSet::new();
    constants(&schema, &mut words);
    let names: BTreeSet<String> = triggers::receivers().names().map(str::to_owned).collect();
    assert_eq!(names, words);
    assert_eq!(names.len(), 15);
}

fn constants(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            let listed = map.get("enum").and_then(Value::as_array).into_iter().flatten();
            words.extend(
                listed.chain(map.get("const")).filter_map(Value::as_str).map(str::to_owned),
            );
            map.values().for_each(|it| constants(it, words));
        }
        Value::Array(list) => list.iter().for_each(|it| constants(it, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn distribution(action: &str, media_type: &str, tag: Option<&str>) -> Value {
    let kind = if media_type.contains("manifest") { "manifests" } else { "blobs" };
    let mut target = json!({
        "mediaType": media_type, "size": 708, "length": 708, "digest": DIGEST,
        "repository": "shop/checkout",
        "url": format!("https://Registry.example.com:443/v2/shop/checkout/{kind}/{DIGEST}"),
    });
    if let Some(tag) = tag {
        target["tag"] = json!(tag);
    }
    json!({
        "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7", "timestamp": "2016-03-09T14:44:26.402973972-08:00",
        "action": action, "target": target, "actor": {},
        "request": {"id": "1", "addr": "127.0.0.1:1", "host": "localhost:5000", "method": "PUT"},
        "source": {"addr": "hostname:5000"},
    })
}

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LAYER: &str = "application/octet-stream";

#[test]
fn distribution_tells_of_many_things_in_one_call_and_only_pushed_manifests_count() {
    let body = json!({"events": [
        distribution("pull", MANIFEST, Some("1")),
        distribution("push", LAYER, None),
        distribution("push", LAYER, None),
        distribution("push", MANIFEST, Some("1.2")),
        distribution("push", "application/vnd.oci.image.index.v1+json", None),
        distribution("mount", LAYER, None),
        distribution("delete", MANIFEST, None),
        distribution("burn", MANIFEST, None),
        distribution("push", MANIFEST, Some("not a tag")),
    ]});
    assert_eq!(
        heard("distribution", "", &body),
        [
            "registry.example.com/shop/checkout:1.2@sha256:fea8",
            "registry.example.com/shop/checkout@sha256:fea8",
            "`not a tag` is not a tag of registry.example.com/shop/checkout",
            "an action that is not known starts nothing",
            "delete starts nothing",
            "mount starts nothing",
            "pull starts nothing",
            "push of a layer starts nothing (2 times)",
        ]
    );
    assert_eq!(heard("distribution", "", &json!({"events": []})), ["a call without events"]);
    let thousands = json!({"events": vec![distribution("push", MANIFEST, Some("1")); 2_000]});
    assert_eq!(heard("distribution", "", &thousands).len(), 2_000);
}

#[test]
fn distribution_is_known_by_the_host_of_the_request_where_it_tells_no_address() {
    let mut event = distribution("push", MANIFEST, Some("1"));
    event["target"]["url"] = json!("");
    let body = json!({"events": [event]});
    assert_eq!(heard("distribution", "", &body), ["localhost:5000/shop/checkout:1@sha256:fea8"]);
}

/// A provider, its event, what it sends and what that becomes.
type Row = (&'static str, &'static str, Value, &'static [&'static str]);

fn hold(rows: impl IntoIterator<Item = Row>) {
    for (provider, event, body, expected) in rows {
        assert_eq!(heard(provider, event, &body), expected, "{provider}: {body}");
    }
}

#[test]
fn who_tells_no_digest_tells_a_tag() {
    let docker = |name: &str| {
        json!({"callback_url": "https://x/", "push_data": {"pushed_at": 1, "tag": "1"},
               "repository": {"repo_name": name, "is_official": false}})
    };
    let quay = |tags: Value| {
        json!({"name": "checkout", "repository": "shop/checkout", "namespace": "shop",
               "docker_url": "quay.io/shop/checkout", "updated_tags": tags})
    };
    let two = quay(json!(["1", "latest"]));
    hold([
        ("dockerHub", "", docker("shop/checkout"), &["docker.io/shop/checkout:1"][..]),
        ("dockerHub", "", docker("nginx"), &["docker.io/library/nginx:1"]),
        ("quay", "", two, &["quay.io/shop/checkout:1", "quay.io/shop/checkout:latest"]),
        ("quay", "", quay(json!({"latest": "b750fe79269d"})), &["quay.io/shop/checkout:latest"]),
        ("quay", "", quay(json!([])), &["an event without `updated_tags` starts nothing"]),
    ]);
}

#[test]
fn harbor_and_ghcr_tell_of_images_in_each_of_their_ways() {
    let image = &["hub.example.com/shop/checkout:1@sha256:fea8"];
    let package = &["ghcr.io/acme/checkout:1@sha256:fea8"];
    hold([
        ("harbor", "", harbor("PUSH_ARTIFACT"), &image[..]),
        ("harbor", "", harbor("PULL_ARTIFACT"), &["event PULL_ARTIFACT starts nothing"]),
        ("harbor", "", harbor_cloud_event(), &["hub.example.com/shop/checkout@sha256:fea8"]),
        ("ghcr", "package", ghcr("CONTAINER", "published"), package),
        ("ghcr", "package", ghcr("Container", "updated"), package),
        ("ghcr", "package", ghcr("npm", "published"), &["a package of type `npm` starts nothing"]),
        (
            "ghcr",
            "package",
            ghcr("container", "deleted"),
            &["a package that is `deleted` starts nothing"],
        ),
        ("ghcr", "push", json!({}), &["event push starts nothing"]),
    ]);
}

#[test]
fn ecr_and_jfrog_tell_of_images_whose_host_follows_from_what_they_say() {
    hold([
        (
            "ecr",
            "",
            ecr("PUSH", "eu-central-1"),
            &["123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/checkout:1@sha256:fea8"][..],
        ),
        (
            "ecr",
            "",
            ecr("PUSH", "cn-north-1"),
            &["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop/checkout:1@sha256:fea8"],
        ),
        (
            "ecr",
            "",
            ecr("DELETE", "eu-central-1"),
            &["an action `DELETE` `SUCCESS` starts nothing"],
        ),
        ("ecr", "", ecr("PUSH", "evil.example.com/"), &["!! its account or region is none"]),
        (
            "jfrog",
            "",
            jfrog("docker"),
            &["example.jfrog.io/docker-local/shop/checkout:1@sha256:fea8"],
        ),
        ("jfrog", "", jfrog("artifact"), &["event `artifact` `pushed` starts nothing"]),
    ]);
}

fn harbor(kind: &str) -> Value {
    json!({
        "type": kind, "occur_at": 1_586_922_308, "operator": "admin",
        "event_data": {
            "resources": [{"digest": DIGEST, "tag": "1",
                           "resource_url": "hub.example.com/shop/checkout:1"}],
            "repository": {"name": "checkout", "namespace": "shop",
                           "repo_full_name": "shop/checkout", "repo_type": "private"},
        },
    })
}

fn harbor_cloud_event() -> Value {
    let at = format!("hub.example.com/shop/checkout@{DIGEST}");
    json!({
        "specversion": "1.0", "id": "4b2f89a6-548d-4c12-9993-a1f5790b97d2",
        "type": "harbor.artifact.pushed", "source": "/projects/1/webhook/policies/3",
        "data": {"resources": [{"digest": DIGEST, "tag": DIGEST, "resource_url": at}]},
    })
}

fn ghcr(kind: &str, action: &str) -> Value {
    json!({
        "action": action,
        "package": {
            "name": "checkout", "namespace": "Acme", "package_type": kind,
            "package_version": {
                "version": DIGEST, "package_url": "ghcr.io/Acme/checkout:1",
                "container_metadata": (kind != "npm").then(|| json!({
                    "tag": {"name": "1", "digest": DIGEST}, "manifest": {"digest": DIGEST},
                })),
            },
        },
    })
}

fn ecr(action: &str, region: &str) -> Value {
    json!({
        "version": "0", "id": "13cde686-328b-6117-af20-0e5566167482",
        "detail-type": "ECR Image Action", "source": "aws.ecr", "account": "123456789012",
        "time": "2019-11-16T01:54:34Z", "region": region, "resources": [],
        "detail": {"result": "SUCCESS", "repository-name": "shop/checkout", "image-digest": DIGEST,
                   "action-type": action, "image-tag": "1"},
    })
}

fn jfrog(domain: &str) -> Value {
    json!({
        "domain": domain, "event_type": "pushed", "jpd_origin": "https://example.jfrog.io",
        "subscription_key": "s", "source": "jfrog/user",
        "data": {"repo_key": "docker-local", "path": "shop/checkout/1/manifest.json",
                 "name": "manifest.json", "sha256": &DIGEST["sha256:".len()..],
                 "image_name": "shop/checkout", "tag": "1", "platforms": []},
    })
}

#[test]
fn a_chart_that_is_told_as_one_is_one() {
    let mut body = ecr("PUSH", "eu-central-1");
    body["detail"]["artifact-media-type"] = json!("application/vnd.cncf.helm.config.v1+json");
    body["detail"]["image-tag"] = json!("1.2.0_build.5");
    let place = "oci://123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop";
    assert_eq!(heard("ecr", "", &body), [format!("chart {place} checkout 1.2.0+build.5")]);
}

fn acr(action: &str) -> Value {
    json!({
        "id": "cb8c3971-9adc-488b-xxxx-43cbb4974ff5", "timestamp": "2017-11-17T16:52:01.343145347Z",
        "action": action,
        "target": {"mediaType": MANIFEST, "size": 524, "digest": DIGEST, "length": 524,
                   "repository": "checkout", "tag": "1"},
        "request": {"id": "3cbb6949", "host": "acme.azurecr.io", "method": "PUT"},
    })
}

#[test]
fn acr_tells_by_its_own_webhook_and_by_both_schemas_of_event_grid() {
    let image = ["acme.azurecr.io/checkout:1@sha256:fea8"];
    assert_eq!(heard("acr", "", &acr("push")), image);
    let data = acr("push");
    let grid = json!([{"eventType": "Microsoft.ContainerRegistry.ImagePushed", "data": data}]);
    assert_eq!(heard("acr", "", &grid), image);
    let cloud = json!({"type": "Microsoft.ContainerRegistry.ImagePushed", "specversion": "1.0",
                       "data": data});
    assert_eq!(heard("acr", "", &cloud), image);
    assert_eq!(heard("acr", "", &acr("delete")), ["event `delete` starts nothing"]);
    assert_eq!(heard("acr", "", &acr("ping")), ["event `ping` starts nothing"]);
    assert_eq!(heard("acr", "", &json!([])), ["no event starts nothing"]);
    let validation = json!([{
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "1", "validationUrl": "https://rp.example.com/validate?id=1"},
    }]);
    assert!(heard("acr", "", &validation)[0].ends_with("https://rp.example.com/validate?id=1"));
}

#[test]
fn artifact_registry_tells_wrapped_and_bare() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let place = "europe-docker.pkg.dev/acme/shop/checkout";
    let pushed = json!({"action": "INSERT", "digest": format!("{place}@{DIGEST}"),
                        "tag": format!("{place}:1")});
    let untagged = json!({"action": "INSERT", "digest": format!("{place}@{DIGEST}")});
    let deleted = json!({"action": "DELETE", "tag": format!("{place}:1")});
    let wrapped = |told: &Value| {
        json!({"message": {"data": STANDARD.encode(told.to_string()), "messageId": "1"},
               "subscription": "projects/acme/subscriptions/s"})
    };
    for (told, expected) in [
        (&pushed, format!("{place}:1@sha256:fea8")),
        (&untagged, format!("{place}@sha256:fea8")),
        (&deleted, "action `DELETE` starts nothing".to_owned()),
    ] {
        assert_eq!(heard("artifactRegistry", "", told), [expected.as_str()]);
        assert_eq!(heard("artifactRegistry", "", &wrapped(told)), [expected.as_str()]);
    }
    let bad = json!({"message": {"data": "%%%"}});
    assert_eq!(heard("artifactRegistry", "", &bad), ["!! `message.data` is not base64"]);
    // Of another repository, a digest says nothing of this one.
    let mixed = json!({"action": "INSERT", "digest": format!("x.example.com/y@{DIGEST}"),
                       "tag": format!("{place}:1")});
    assert_eq!(heard("artifactRegistry", "", &mixed), [format!("{place}:1")]);
}

#[test]
fn a_named_message_of_pub_sub_is_known_again() {
    let body = json!({"action": "INSERT"}).to_string();
    let request: Request = signed("artifactRegistry", "", body.into_bytes());
    let request = request.with("X-Goog-Pubsub-Message-Id", "2070443601311540");
    let receivers = triggers::receivers();
    let receiver = receivers.get("artifactRegistry").unwrap();
    let verified = receiver.verify(&request.raw(), &[SECRET.as_bytes()]).unwrap();
    let name = "2070443601311540".to_owned();
    assert_eq!(verified.key, engine_core::receiver::Key::Named(name));
}
