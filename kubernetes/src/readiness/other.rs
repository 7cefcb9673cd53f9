//! Every kind that is not a workload.

use super::{Case, Verdict, stateful_set::refused};

/// A custom resource that has no status yet is given this time before it counts as one that never
/// has any (kstatus has no such grace).
const STATUS_GRACE_MS: u64 = 10_000;

/// Stricter than kstatus: a job that runs is not done.
pub(super) fn job(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    if fields.condition("Complete").is_some_and(|condition| condition.is_true()) {
        return Verdict::Ready;
    }
    if let Some(failed) = fields.condition("Failed").filter(|condition| condition.is_true()) {
        return Verdict::Fails { faults: vec![case.fault(failed.reason, failed.message)] };
    }
    if fields.flag("/spec/suspend") {
        let warning = "it is suspended and will not run".to_owned();
        return Verdict::ReadyBut { warning };
    }
    let done = fields.number("/status/succeeded").unwrap_or(0);
    let wanted = fields.number("/spec/completions").unwrap_or(1);
    let words = format!("{done} of {wanted} completed");
    match case.waits_for_pods(case.world.owned(("", "Pod"), &case.expectation.uid), words) {
        waits @ Verdict::Waits { .. } => refused(case).unwrap_or(waits),
        verdict => verdict,
    }
}

/// Stricter than kstatus: a load balancer has an address.
pub(super) fn service(case: &Case<'_>) -> Verdict {
    let is_balancer = case.fields.text("/spec/type") == Some("LoadBalancer");
    if is_balancer && case.fields.list("/status/loadBalancer/ingress").is_empty() {
        return Verdict::waits("its load balancer has no address yet");
    }
    Verdict::Ready
}

/// A claim whose class binds only with its first pod is as ready as it can be.
pub(super) fn claim(case: &Case<'_>) -> Verdict {
    match case.fields.text("/status/phase") {
        Some("Bound") => Verdict::Ready,
        Some("Lost") => {
            let fault = case.fault("Lost", "its volume is gone");
            Verdict::Fails { faults: vec![fault] }
        }
        Some(_) | None if binds_late(case) => {
            Verdict::ReadyBut { warning: "it is bound when its first pod is scheduled".to_owned() }
        }
        Some(_) | None => Verdict::waits("not bound yet"),
    }
}

fn binds_late(case: &Case<'_>) -> bool {
    let Some(class) = case.fields.text("/spec/storageClassName") else { return false };
    let mut classes = case.world.of_kind("storage.k8s.io", "StorageClass").map(super::Fields);
    classes.any(|known| {
        known.text("/metadata/name") == Some(class)
            && known.text("/volumeBindingMode") == Some("WaitForFirstConsumer")
    })
}

pub(super) fn definition(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    if let Some(names) = fields.condition("NamesAccepted").filter(|condition| condition.is_false())
    {
        return Verdict::Fails { faults: vec![case.fault(names.reason, names.message)] };
    }
    match fields.condition("Established") {
        Some(established) if established.is_true() => Verdict::Ready,
        Some(refused) if refused.is_false() && refused.reason != "Installing" => {
            Verdict::Fails { faults: vec![case.fault(refused.reason, refused.message)] }
        }
        Some(_) | None => Verdict::waits("not established yet"),
    }
}

/// kstatus' rules for kinds that it does not know: `Reconciling`, `Stalled`, `Ready`.
pub(super) fn generic(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    if let Some(busy) = fields.condition("Reconciling").filter(|condition| condition.is_true()) {
        return Verdict::waits(words(busy.reason, busy.message));
    }
    if let Some(stalled) = fields.condition("Stalled").filter(|condition| condition.is_true()) {
        return Verdict::Fails { faults: vec![case.fault(stalled.reason, stalled.message)] };
    }
    match fields.condition("Ready") {
        Some(ready) if ready.is_true() => Verdict::Ready,
        Some(not_ready) => Verdict::waits(words(not_ready.reason, not_ready.message)),
        None => fresh(case),
    }
}

/// Nobody has said anything about a custom resource: that may be because nobody has looked yet.
fn fresh(case: &Case<'_>) -> Verdict {
    let said_nothing = case.fields.0.get("status").is_none();
    if is_built_in(&case.expectation.group) || !said_nothing {
        return Verdict::Ready;
    }
    let at_ms = case.expectation.applied_at_ms + STATUS_GRACE_MS;
    if case.now_ms < at_ms {
        let words = "no controller has said anything of it yet".to_owned();
        return Verdict::Waits { words, recheck_at_ms: Some(at_ms) };
    }
    Verdict::Ready
}

/// The groups of Kubernetes itself have no dot, or end in its own domain.
fn is_built_in(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

fn words(reason: &str, message: &str) -> String {
    match (reason, message) {
        ("", "") => "not ready yet".to_owned(),
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}
