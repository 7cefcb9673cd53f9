//! What pods say, for themselves and for the workload behind them.

use super::*;

#[test]
fn a_pod_alone_is_judged_by_its_phase_and_its_containers() {
    check(
        "",
        "Pod",
        vec![
            (json!({"status": {"phase": "Succeeded"}}), "ready"),
            (
                json!({"status": {"phase": "Failed", "containerStatuses": [{"name": "app", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}}),
                "fails, pod web: Failed: container app: last exit 3 (Error)",
            ),
            (
                json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}),
                "ready",
            ),
            (
                json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "message": "containers with unready status: [app]"}]}}),
                "waits, containers with unready status: [app]",
            ),
        ],
    );
}

/// What a new pod says, and what the Deployment behind it comes to.
fn behind_deployment(pod: Value, now_ms: u64) -> String {
    let rest = rolled_out_but(json!({"status": {"readyReplicas": 2, "availableReplicas": 2}}));
    let mut world = world("apps", "Deployment", object(rest));
    world.insert("", "Pod", vec![Arc::new(pod)]);
    told(assess(&[expectation("apps", "Deployment")], &world, now_ms))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row a rule")]
fn a_new_pod_fails_its_deployment_in_its_own_words() {
    let image = "pod web-1, container app, image registry.example.com/shop/web:2";
    let status = |status: Value| json!({"status": {"containerStatuses": [status]}});
    let crash = json!({"lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no database\n"}}});
    let mut crashing = waiting("CrashLoopBackOff", "back-off 10s");
    merge(&mut crashing, crash);
    let mut killed = waiting("", "");
    merge(
        &mut killed,
        json!({"state": {"waiting": null}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
    );
    let rows = vec![
        (status(waiting("ContainerCreating", "")), "waits, 2 of 3 ready".to_owned()),
        (
            status(waiting("ImagePullBackOff", "Back-off pulling")),
            format!("fails, deployment web: {image}: ImagePullBackOff: Back-off pulling"),
        ),
        (
            status(waiting("ErrImagePull", "web:2: not found")),
            format!("fails, deployment web: {image}: ErrImagePull: web:2: not found"),
        ),
        (status(waiting("ErrImagePull", "i/o timeout")), "waits, 2 of 3 ready".to_owned()),
        (
            status(waiting("CreateContainerConfigError", "configmap \"x\" not found")),
            format!(
                "fails, deployment web: {image}: CreateContainerConfigError: configmap \"x\" not found"
            ),
        ),
        (
            status(crashing.clone()),
            format!(
                "fails, deployment web: {image}: CrashLoopBackOff: back-off 10s; last exit 1 (Error): no database"
            ),
        ),
        (
            status(killed),
            format!("fails, deployment web: {image}: OOMKilled: last exit 137 (OOMKilled)"),
        ),
        (
            json!({"status": {"initContainerStatuses": [crashing]}}),
            format!(
                "fails, deployment web: {}: CrashLoopBackOff: back-off 10s; last exit 1 (Error): no database",
                image.replace("container", "init container")
            ),
        ),
        (
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"containerStatuses": [waiting("ImagePullBackOff", "x")]}}),
            "waits, 2 of 3 ready".to_owned(),
        ),
        (
            json!({"status": {"phase": "Failed", "reason": "Evicted"}}),
            "waits, 2 of 3 ready".to_owned(),
        ),
    ];
    for (rest, expected) in rows {
        assert_eq!(behind_deployment(pod("uid-set", rest.clone()), NOW_MS), expected, "{rest}");
    }
}

#[test]
fn an_old_pod_never_fails_the_rollout() {
    let old = pod(
        "uid-old-set",
        json!({"status": {"containerStatuses": [waiting("ImagePullBackOff", "x")]}}),
    );
    assert_eq!(behind_deployment(old, NOW_MS), "waits, 2 of 3 ready");
}

#[test]
fn a_pod_that_no_node_takes_is_given_fifteen_seconds() {
    let unschedulable = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "0/3 nodes", "lastTransitionTime": "2025-12-31T23:59:50Z"}]}});
    let pod = pod("uid-set", unschedulable);
    assert_eq!(behind_deployment(pod.clone(), NOW_MS), "waits 5000 ms, 2 of 3 ready");
    let late = behind_deployment(pod, NOW_MS + 5_000);
    assert_eq!(late, "fails, deployment web: pod web-1: Unschedulable: 0/3 nodes");
}

#[test]
fn a_controller_that_may_not_create_pods_fails_by_its_fresh_event() {
    let stateful = object(json!({"spec": {"replicas": 1}}));
    let event = |at: &str| {
        json!({"reason": "FailedCreate", "message": "exceeded quota",
        "involvedObject": {"uid": "uid-web"}, "lastTimestamp": at})
    };
    let judged = |event: Value| {
        let mut world = world("apps", "StatefulSet", stateful.clone());
        world.insert("", "Event", vec![Arc::new(event)]);
        told(assess(&[expectation("apps", "StatefulSet")], &world, NOW_MS))
    };
    assert_eq!(
        judged(event("2025-12-31T23:59:56Z")),
        "fails, statefulset web: FailedCreate: exceeded quota"
    );
    assert_eq!(judged(event("2025-12-31T23:59:00Z")), "waits, 0 of 1 ready");
}
