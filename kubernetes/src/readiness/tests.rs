//! Every rule as a row: what the cluster says, and the verdict it must come to.

mod pods;

use super::{Assessment, Expectation, World, assess};
use serde_json::{Value, json};
use std::sync::Arc;

const NOW_MS: u64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn expectation(group: &str, kind: &str) -> Expectation {
    Expectation {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        namespace: Some("shop".to_owned()),
        name: "web".to_owned(),
        uid: "uid-web".to_owned(),
        generation: Some(2),
        applied_at_ms: NOW_MS - 5_000,
    }
}

fn object(rest: Value) -> Value {
    let mut object = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "uid-web", "generation": 2,
            "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "status": {"observedGeneration": 2},
    });
    merge(&mut object, rest);
    object
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A pod of the new ReplicaSet, StatefulSet revision or DaemonSet generation.
fn pod(owner: &str, rest: Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "uid-pod",
            "labels": {"controller-revision-hash": "new"},
            "ownerReferences": [{"uid": owner, "controller": true}]},
        "status": {"phase": "Pending"},
    });
    merge(&mut pod, rest);
    pod
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"name": "app", "image": "registry.example.com/shop/web:2", "ready": false,
        "state": {"waiting": {"reason": reason, "message": message}}})
}

fn replica_set() -> Value {
    json!({"metadata": {"name": "web-abc", "namespace": "shop", "uid": "uid-set",
        "annotations": {"deployment.kubernetes.io/revision": "2"},
        "ownerReferences": [{"uid": "uid-web", "controller": true}]}})
}

fn world(group: &str, kind: &str, object: Value) -> World {
    let mut world = World::default();
    world.insert(group, kind, vec![Arc::new(object)]);
    if (group, kind) != ("", "Pod") {
        world.insert("", "Pod", Vec::new());
    }
    world.insert("", "Event", Vec::new());
    world.insert(
        "apps",
        "ReplicaSet",
        if kind == "Deployment" { vec![Arc::new(replica_set())] } else { Vec::new() },
    );
    world
}

fn told(assessment: Assessment) -> String {
    match assessment {
        Assessment::Ready { warnings } if warnings.is_empty() => "ready".to_owned(),
        Assessment::Ready { warnings } => format!("ready, {}", warnings.join("; ")),
        Assessment::Progressing { detail, recheck_at_ms: None } => format!("waits, {detail}"),
        Assessment::Progressing { detail, recheck_at_ms: Some(at) } => {
            format!("waits {} ms, {detail}", at - NOW_MS)
        }
        Assessment::Failed { faults } => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            format!("fails, {}", faults.join("; "))
        }
    }
}

fn check(group: &str, kind: &str, rows: Vec<(Value, &str)>) {
    for (rest, expected) in rows {
        let world = world(group, kind, object(rest.clone()));
        let verdict = told(assess(&[expectation(group, kind)], &world, NOW_MS));
        assert_eq!(verdict, expected, "{kind} {rest}");
    }
}

fn rolled_out() -> Value {
    json!({"spec": {"replicas": 3, "progressDeadlineSeconds": 600},
        "status": {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [{"type": "Available", "status": "True"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}})
}

fn rolled_out_but(rest: Value) -> Value {
    let mut object = rolled_out();
    merge(&mut object, rest);
    object
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row a rule")]
fn a_deployment_is_judged_by_its_new_replicas() {
    check(
        "apps",
        "Deployment",
        vec![
            (rolled_out(), "ready"),
            (
                rolled_out_but(json!({"status": {"observedGeneration": 1}})),
                "waits, its controller has not seen our change yet",
            ),
            (
                rolled_out_but(json!({"status": {"observedGeneration": 3}})),
                "waits, its controller has not seen our change yet",
            ),
            (
                rolled_out_but(json!({"status": {"observedGeneration": null}})),
                "waits, its controller has not seen our change yet",
            ),
            (
                rolled_out_but(
                    json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}),
                ),
                "waits, the watch has not seen our change yet",
            ),
            (
                rolled_out_but(json!({"metadata": {"uid": "other"}})),
                "fails, deployment web: Replaced: somebody deleted it and created it anew",
            ),
            (
                rolled_out_but(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})),
                "fails, deployment web: Terminating: somebody deleted it",
            ),
            (
                rolled_out_but(json!({"spec": {"paused": true}})),
                "fails, deployment web: Paused: it is paused and will not roll out; unpause it",
            ),
            (
                rolled_out_but(json!({"status": {"updatedReplicas": 1}})),
                "waits, 1 of 3 updated, 1 ready",
            ),
            (
                rolled_out_but(json!({"status": {"replicas": 4}})),
                "waits, 1 old pods are still going",
            ),
            (rolled_out_but(json!({"status": {"availableReplicas": 2}})), "waits, 2 of 3 ready"),
            (
                rolled_out_but(
                    json!({"status": {"conditions": [{"type": "Available", "status": "True"}]}}),
                ),
                "waits, 3 of 3 ready, its controller has yet to say so",
            ),
            (
                rolled_out_but(
                    json!({"status": {"replicas": 0, "updatedReplicas": 0, "readyReplicas": 0, "availableReplicas": 0,
            "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]}}),
                ),
                "fails, deployment web: FailedCreate: exceeded quota",
            ),
            (
                rolled_out_but(json!({"status": {"readyReplicas": 0, "availableReplicas": 0,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too late"}]}})),
                "fails, deployment web: ProgressDeadlineExceeded: too late",
            ),
            (
                late("web-abc"),
                "fails, deployment web: ProgressDeadlineExceeded: ReplicaSet \"web-abc\" has timed out progressing.",
            ),
            // The rollout before this one was late.
            (late("web-old"), "waits, 0 of 3 ready"),
        ],
    );
}

/// A Deployment whose controller says that the rollout of a ReplicaSet took too long.
fn late(set: &str) -> Value {
    let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
    rolled_out_but(json!({"status": {"readyReplicas": 0, "availableReplicas": 0, "conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": message}]}}))
}

#[test]
fn a_stateful_set_is_judged_by_its_revision() {
    let done = json!({"spec": {"replicas": 2}, "status": {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2,
        "currentRevision": "new", "updateRevision": "new"}});
    let but = |rest| {
        let mut object = done.clone();
        merge(&mut object, rest);
        object
    };
    check(
        "apps",
        "StatefulSet",
        vec![
            (done.clone(), "ready"),
            (
                but(json!({"spec": {"updateStrategy": {"type": "OnDelete"}}})),
                "ready, statefulset web: its pods change only when somebody deletes them (OnDelete)",
            ),
            (but(json!({"status": {"readyReplicas": 1}})), "waits, 1 of 2 ready"),
            (but(json!({"status": {"replicas": 3}})), "waits, 1 pods too many are still going"),
            (
                but(json!({"status": {"currentRevision": "old", "updatedReplicas": 1}})),
                "waits, 1 of 2 updated",
            ),
            (
                but(
                    json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, "status": {"currentRevision": "old", "updatedReplicas": 1}}),
                ),
                "ready",
            ),
            (
                but(
                    json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, "status": {"currentRevision": "old", "updatedReplicas": 0}}),
                ),
                "waits, 0 of 1 updated (partition 1)",
            ),
        ],
    );
}

#[test]
fn a_daemon_set_is_judged_by_its_least_count() {
    let done = json!({"status": {"desiredNumberScheduled": 3, "currentNumberScheduled": 3,
        "updatedNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3}});
    let but = |rest| {
        let mut object = done.clone();
        merge(&mut object, rest);
        object
    };
    check(
        "apps",
        "DaemonSet",
        vec![
            (done.clone(), "ready"),
            (json!({}), "waits, its controller has not counted the nodes yet"),
            (but(json!({"status": {"updatedNumberScheduled": 1}})), "waits, 1 of 3 ready"),
            (
                but(json!({"spec": {"updateStrategy": {"type": "OnDelete"}}})),
                "ready, daemonset web: its pods change only when somebody deletes them (OnDelete)",
            ),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row a rule")]
fn other_kinds_have_their_own_rules() {
    let condition = |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "reason": "Because", "message": "words"}]}});
    check(
        "batch",
        "Job",
        vec![
            (json!({"status": {"startTime": "2026-01-01T00:00:00Z"}}), "waits, 0 of 1 completed"),
            (condition("Complete", "True"), "ready"),
            (condition("Complete", "False"), "waits, 0 of 1 completed"),
            (condition("Failed", "True"), "fails, job web: Because: words"),
            (
                json!({"spec": {"suspend": true}}),
                "ready, job web: it is suspended and will not run",
            ),
        ],
    );
    check(
        "",
        "Service",
        vec![
            (json!({"spec": {"type": "ClusterIP"}}), "ready"),
            (
                json!({"spec": {"type": "LoadBalancer"}}),
                "waits, its load balancer has no address yet",
            ),
            (
                json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}),
                "ready",
            ),
        ],
    );
    check(
        "",
        "PersistentVolumeClaim",
        vec![
            (json!({"status": {"phase": "Bound"}}), "ready"),
            (json!({"status": {"phase": "Pending"}}), "waits, not bound yet"),
            (
                json!({"status": {"phase": "Lost"}}),
                "fails, persistentvolumeclaim web: Lost: its volume is gone",
            ),
        ],
    );
    check(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        vec![
            (condition("Established", "True"), "ready"),
            (
                condition("Established", "False"),
                "fails, customresourcedefinition web: Because: words",
            ),
            (
                condition("NamesAccepted", "False"),
                "fails, customresourcedefinition web: Because: words",
            ),
            (json!({}), "waits, not established yet"),
        ],
    );
    check(
        "example.com",
        "Widget",
        vec![
            (condition("Ready", "True"), "ready"),
            (condition("Ready", "False"), "waits, Because: words"),
            (condition("Ready", "Unknown"), "waits, Because: words"),
            (condition("Reconciling", "True"), "waits, Because: words"),
            (condition("Stalled", "True"), "fails, widget web: Because: words"),
            (json!({"status": null}), "ready"),
        ],
    );
    check("", "ConfigMap", vec![(json!({}), "ready")]);
}

#[test]
fn a_kind_that_is_not_current_is_never_ready() {
    let mut world = world("apps", "Deployment", object(rolled_out()));
    world.insert_outdated("apps", "Deployment");
    let verdict = told(assess(&[expectation("apps", "Deployment")], &world, NOW_MS));
    assert_eq!(verdict, "waits, the cluster's state is being read");
}

#[test]
fn a_custom_resource_without_a_status_is_given_ten_seconds() {
    let mut fresh = expectation("example.com", "Widget");
    fresh.applied_at_ms = NOW_MS;
    let world = world("example.com", "Widget", object(json!({"status": null})));
    let mut silent = world.clone();
    silent.insert("example.com", "Widget", Vec::new());
    let object = json!({"metadata": {"name": "web", "namespace": "shop", "uid": "uid-web", "generation": 2}});
    let mut bare = World::default();
    bare.insert("example.com", "Widget", vec![Arc::new(object)]);
    let soon = told(assess(std::slice::from_ref(&fresh), &bare, NOW_MS));
    assert_eq!(soon, "waits 10000 ms, no controller has said anything of it yet");
    assert_eq!(told(assess(&[fresh], &bare, NOW_MS + 10_000)), "ready");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_status_from_before_our_change_is_neither_ready_nor_failed(
            expected in 2i64..9, observed in 0i64..9, ready in 0i64..5, failed in any::<bool>()
        ) {
            prop_assume!(observed < expected);
            let reason = if failed { "ProgressDeadlineExceeded" } else { "NewReplicaSetAvailable" };
            let object = object(json!({
                "metadata": {"generation": expected}, "spec": {"replicas": ready},
                "status": {"observedGeneration": observed, "replicas": ready, "updatedReplicas": ready,
                    "readyReplicas": ready, "availableReplicas": ready,
                    "conditions": [{"type": "Available", "status": "True"},
                        {"type": "Progressing", "status": "True", "reason": reason}]}}));
            let mut wanted = expectation("apps", "Deployment");
            wanted.generation = Some(expected);
            let verdict = assess(&[wanted], &world("apps", "Deployment", object), NOW_MS);
            prop_assert!(matches!(verdict, Assessment::Progressing { .. }), "{:?}", verdict);
        }
    }
}
