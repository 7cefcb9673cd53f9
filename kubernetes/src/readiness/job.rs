//! A Job that runs once: how it stands, in its pods' own words, and what its containers are at.

use super::{Case, Expectation, Verdict, World, fields::Fields, stateful_set};
use serde_json::Value;

/// What the watches know of a Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    pub standing: Standing,
    /// Of all its pods, init containers first.
    pub containers: Vec<ContainerView>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Waits {
        words: String,
        /// Civil milliseconds at which to look again although nothing changed.
        recheck_at_ms: Option<u64>,
    },
    /// The watch has no such Job: not yet, or not any more.
    Unseen,
    /// Somebody takes it away, or has put another one in its place.
    Gone(String),
    Complete,
    /// Its program said no.
    Failed(String),
    /// It did not come to an end of its own.
    Lost(String),
    /// It cannot run, and would go on trying.
    Stuck(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerView {
    pub pod: String,
    pub container: String,
    pub is_init: bool,
    pub state: ContainerState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    Waits,
    Runs,
    Ended { code: i64, message: String },
}

/// Judges a Job whose Kubernetes itself never tries it again.
pub fn view(expectation: &Expectation, world: &World, now_ms: u64) -> JobView {
    let pods: Vec<&Value> = world.owned(("", "Pod"), &expectation.uid).collect();
    let containers = pods.iter().flat_map(|pod| containers(pod)).collect();
    let is_current =
        ["Job", "Pod"].iter().zip(["batch", ""]).all(|(kind, group)| world.is_current(group, kind));
    let standing = match world.find(expectation) {
        _ if !is_current => waits("the cluster's state is being read"),
        None => Standing::Unseen,
        Some(job) => {
            let case = Case { expectation, fields: Fields(job), world, now_ms };
            standing(&case, &pods)
        }
    };
    JobView { standing, containers }
}

fn standing(case: &Case<'_>, pods: &[&Value]) -> Standing {
    let job = &case.fields;
    if job.text("/metadata/uid") != Some(&case.expectation.uid) {
        return Standing::Gone("somebody deleted it and created it anew".to_owned());
    }
    if job.condition("Complete").is_some_and(|condition| condition.is_true()) {
        return Standing::Complete;
    }
    if let Some(failed) = job.condition("Failed").filter(|condition| condition.is_true()) {
        return failure(pods, (failed.reason, failed.message));
    }
    if job.text("/metadata/deletionTimestamp").is_some() {
        return Standing::Gone("somebody deleted it".to_owned());
    }
    let words = progress(pods);
    match case.waits_for_pods(pods.iter().copied(), words) {
        Verdict::Fails { faults } => Standing::Stuck(told(faults)),
        Verdict::Ready | Verdict::ReadyBut { .. } => waits("it has ended"),
        Verdict::Waits { words, recheck_at_ms } => match refused(case, pods) {
            Some(refusal) => Standing::Stuck(refusal),
            None => Standing::Waits { words, recheck_at_ms },
        },
    }
}

fn waits(words: &str) -> Standing {
    Standing::Waits { words: words.to_owned(), recheck_at_ms: None }
}

fn told(faults: Vec<super::Fault>) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why no pod could be made.
fn refused(case: &Case<'_>, pods: &[&Value]) -> Option<String> {
    match stateful_set::refused(case).filter(|_| pods.is_empty())? {
        Verdict::Fails { faults } => Some(told(faults)),
        Verdict::Ready | Verdict::ReadyBut { .. } | Verdict::Waits { .. } => None,
    }
}

/// What its pods are doing.
fn progress(pods: &[&Value]) -> String {
    let Some(pod) = pods.last().map(|pod| Fields(pod)) else {
        return "it has no pod yet".to_owned();
    };
    let name = pod.text("/metadata/name").unwrap_or_default();
    let waiting = containers(pod.0).into_iter().find(|it| it.state == ContainerState::Waits);
    match (pod.text("/status/phase"), waiting) {
        (Some("Running"), _) => format!("pod {name} runs"),
        (Some("Succeeded" | "Failed"), _) => format!("pod {name} has ended"),
        (_, Some(waiting)) => format!("pod {name} waits for its container {}", waiting.container),
        (_, None) => format!("pod {name} is not on a node yet"),
    }
}

/// How a failed Job came to its end: in the words of its containers if one of them has failed.
fn failure(pods: &[&Value], (reason, message): (&str, &str)) -> Standing {
    let exits: Vec<String> = pods.iter().flat_map(|pod| exits(pod)).collect();
    if !exits.is_empty() {
        return Standing::Failed(exits.join("; "));
    }
    if reason == "DeadlineExceeded" {
        return Standing::Failed("its activeDeadlineSeconds have passed".to_owned());
    }
    let thrown_out = pods.iter().map(|pod| Fields(pod)).find_map(|pod| {
        let reason = pod.text("/status/reason")?;
        let name = pod.text("/metadata/name").unwrap_or_default();
        Some(format!("pod {name}: {reason}: {}", pod.text("/status/message").unwrap_or_default()))
    });
    let gone = || {
        format!("its pod is gone: somebody deleted it, or its node was lost ({reason}: {message})")
    };
    Standing::Lost(thrown_out.unwrap_or_else(gone))
}

fn exits(pod: &Value) -> Vec<String> {
    let name = Fields(pod).text("/metadata/name").unwrap_or_default();
    let statuses = statuses(pod).into_iter().filter_map(|(status, is_init)| {
        let exit = Fields(status.0.pointer("/state/terminated")?);
        let code = exit.number("/exitCode").filter(|code| *code != 0)?;
        let kind = if is_init { "init container" } else { "container" };
        let container = status.text("/name").unwrap_or_default();
        let how = match exit.text("/reason") {
            Some("OOMKilled") => "was killed for its memory".to_owned(),
            Some(_) | None => format!("exited with {code}"),
        };
        let message = exit.text("/message").map(str::trim).filter(|words| !words.is_empty());
        let message = message.map(|words| format!(": {words}")).unwrap_or_default();
        Some(format!("pod {name}, {kind} {container} {how}{message}"))
    });
    statuses.collect()
}

fn containers(pod: &Value) -> Vec<ContainerView> {
    let name = Fields(pod).text("/metadata/name").unwrap_or_default();
    let viewed = statuses(pod).into_iter().map(|(status, is_init)| ContainerView {
        pod: name.to_owned(),
        container: status.text("/name").unwrap_or_default().to_owned(),
        is_init,
        state: state(&status),
    });
    viewed.collect()
}

fn statuses(pod: &Value) -> Vec<(Fields<'_>, bool)> {
    let fields = Fields(pod);
    let inits = fields.list("/status/initContainerStatuses").iter().map(|it| (Fields(it), true));
    let mains = fields.list("/status/containerStatuses").iter().map(|it| (Fields(it), false));
    inits.chain(mains).collect()
}

fn state(status: &Fields<'_>) -> ContainerState {
    if let Some(exit) = status.0.pointer("/state/terminated").map(Fields) {
        let message = exit.text("/message").unwrap_or_default().to_owned();
        return ContainerState::Ended { code: exit.number("/exitCode").unwrap_or(-1), message };
    }
    match status.0.pointer("/state/running") {
        Some(_) => ContainerState::Runs,
        None => ContainerState::Waits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn expectation() -> Expectation {
        let owned = str::to_owned;
        Expectation {
            group: owned("batch"),
            version: owned("v1"),
            kind: owned("Job"),
            plural: owned("jobs"),
            namespace: Some(owned("shop")),
            name: owned("migrate"),
            uid: owned("u1"),
            generation: Some(1),
            applied_at_ms: 0,
        }
    }

    fn world(job: Value, pods: &[Value]) -> World {
        let mut world = World::default();
        world.insert("batch", "Job", vec![Arc::new(job)]);
        world.insert("", "Pod", pods.iter().cloned().map(Arc::new).collect());
        world.insert("", "Event", Vec::new());
        world
    }

    fn job(status: Value) -> Value {
        json!({"metadata": {"name": "migrate", "namespace": "shop", "uid": "u1"}, "status": status})
    }

    fn condition(kind: &str, reason: &str) -> Value {
        job(json!({"conditions": [{"type": kind, "status": "True", "reason": reason}]}))
    }

    fn pod(phase: &str, state: Value) -> Value {
        json!({
            "metadata": {"name": "migrate-x", "namespace": "shop",
                         "ownerReferences": [{"controller": true, "uid": "u1"}]},
            "status": {"phase": phase, "containerStatuses": [{"name": "main", "state": state}]},
        })
    }

    fn standing_of(job: Value, pods: &[Value]) -> Standing {
        view(&expectation(), &world(job, pods), 1_000).standing
    }

    #[test]
    fn an_end_is_told_in_the_words_of_the_container() {
        let exit = |code: i64, reason: &str, message: &str| {
            let end = json!({"exitCode": code, "reason": reason, "message": message});
            pod("Failed", json!({"terminated": end}))
        };
        let failed = || condition("Failed", "BackoffLimitExceeded");
        for (job, pods, expected) in [
            (condition("Complete", ""), vec![], Standing::Complete),
            (
                failed(),
                vec![exit(3, "Error", "no such column\n")],
                Standing::Failed(
                    "pod migrate-x, container main exited with 3: no such column".to_owned(),
                ),
            ),
            (
                failed(),
                vec![exit(137, "OOMKilled", "")],
                Standing::Failed(
                    "pod migrate-x, container main was killed for its memory".to_owned(),
                ),
            ),
            (
                condition("Failed", "DeadlineExceeded"),
                vec![],
                Standing::Failed("its activeDeadlineSeconds have passed".to_owned()),
            ),
            (
                failed(),
                vec![],
                Standing::Lost(
                    "its pod is gone: somebody deleted it, or its node was lost \
                     (BackoffLimitExceeded: )"
                        .to_owned(),
                ),
            ),
        ] {
            assert_eq!(standing_of(job, &pods), expected);
        }
    }

    #[test]
    fn what_cannot_run_is_told_before_kubernetes_gives_up() {
        let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "not there"}});
        let stuck = standing_of(job(json!({})), &[pod("Pending", waiting)]);
        let words =
            "job migrate: pod migrate-x, container main, image : ImagePullBackOff: not there";
        assert_eq!(stuck, Standing::Stuck(words.to_owned()));
    }

    #[test]
    fn a_job_that_is_not_the_one_that_was_made_is_gone() {
        let mut other = job(json!({}));
        other["metadata"]["uid"] = json!("u2");
        assert!(matches!(standing_of(other, &[]), Standing::Gone(_)));
        let mut going = job(json!({}));
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(matches!(standing_of(going, &[]), Standing::Gone(_)));
        let mut empty = world(job(json!({})), &[]);
        empty.insert_outdated("", "Pod");
        let unread = view(&expectation(), &empty, 0).standing;
        assert!(matches!(unread, Standing::Waits { .. }), "{unread:?}");
    }

    #[test]
    fn a_job_that_runs_is_waited_for() {
        for (pods, words) in [
            (vec![], "it has no pod yet"),
            (vec![pod("Running", json!({"running": {}}))], "pod migrate-x runs"),
            (
                vec![pod("Pending", json!({"waiting": {"reason": "ContainerCreating"}}))],
                "pod migrate-x waits for its container main",
            ),
        ] {
            assert_eq!(standing_of(job(json!({})), &pods), waits(words));
        }
    }
}
