//! Deployments and ReplicaSets. Stricter than kstatus: a paused Deployment and one that may not
//! create its pods fail at once, and the new pods' own words fail it before any deadline does.

use super::{Case, Verdict, fields::Fields};
use serde_json::Value;

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    if fields.flag("/spec/paused") {
        let message = "it is paused and will not roll out; unpause it";
        return Verdict::Fails { faults: vec![case.fault("Paused", message)] };
    }
    let refused = fields.condition("ReplicaFailure").filter(|condition| condition.is_true());
    if let Some(refused) = refused {
        return Verdict::Fails { faults: vec![case.fault(refused.reason, refused.message)] };
    }
    match shortage(fields) {
        None => Verdict::Ready,
        Some(words) => {
            let waits = case.waits_for_pods(new_pods(case).into_iter(), words);
            match (waits, deadline(case)) {
                (Verdict::Waits { .. }, Some(late)) => late,
                (waits, _) => waits,
            }
        }
    }
}

/// What is still missing, as kstatus asks for it, in its order.
fn shortage(fields: &Fields<'_>) -> Option<String> {
    let count = |pointer| fields.number(pointer).unwrap_or(0);
    let wanted = fields.number("/spec/replicas").unwrap_or(1);
    let (all, updated) = (count("/status/replicas"), count("/status/updatedReplicas"));
    let (ready, available) = (count("/status/readyReplicas"), count("/status/availableReplicas"));
    let new_ready = ready.min(updated);
    if all < wanted || updated < wanted {
        return Some(format!("{} of {wanted} updated, {new_ready} ready", updated.min(wanted)));
    }
    if all > wanted {
        return Some(format!("{} old pods are still going", all - wanted));
    }
    if ready < wanted || available < updated {
        return Some(format!("{} of {wanted} ready", available.min(ready).min(wanted)));
    }
    let progressing = fields.condition("Progressing");
    let counts = fields.number("/spec/progressDeadlineSeconds").is_some_and(|s| s != 2_147_483_647);
    let complete =
        progressing.is_some_and(|it| it.is_true() && it.reason == "NewReplicaSetAvailable");
    if counts && !complete {
        return Some(format!("{wanted} of {wanted} ready, its controller has yet to say so"));
    }
    let available = fields.condition("Available").is_some_and(|it| it.is_true());
    (!available).then(|| format!("{ready} of {wanted} ready, not available yet"))
}

fn deadline(case: &Case<'_>) -> Option<Verdict> {
    let progressing = case.fields.condition("Progressing")?;
    let is_late = progressing.reason == "ProgressDeadlineExceeded"
        && is_about(progressing.message, newest_set(case));
    is_late.then(|| Verdict::Fails {
        faults: vec![case.fault(progressing.reason, progressing.message)],
    })
}

/// Whether a deadline that was missed is that of the present rollout. The controller lets the word
/// about the one before it stand until the new one moves, and names the ReplicaSet in it.
fn is_about(message: &str, newest: Option<Fields<'_>>) -> bool {
    let Some(rest) = message.strip_prefix("ReplicaSet \"") else { return true };
    let named = rest.split('"').next();
    newest.is_some_and(|set| set.text("/metadata/name") == named)
}

/// The ReplicaSet that carries the Deployment's own revision.
fn newest_set<'w>(case: &Case<'w>) -> Option<Fields<'w>> {
    let revision = case.fields.text(REVISION)?;
    let mut sets = case.world.owned(("apps", "ReplicaSet"), &case.expectation.uid).map(Fields);
    sets.find(|set| set.text(REVISION) == Some(revision))
}

/// The pods of the newest ReplicaSet; old pods never fail the Deployment.
fn new_pods<'w>(case: &Case<'w>) -> Vec<&'w Value> {
    let newest = newest_set(case);
    let uid = newest.as_ref().and_then(|set| set.text("/metadata/uid"));
    uid.map(|uid| case.world.owned(("", "Pod"), uid).collect()).unwrap_or_default()
}

/// ReplicaSets on their own. Stricter than kstatus: a quota fails one at once.
pub(super) fn judge_replica_set(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    if let Some(refused) = fields.condition("ReplicaFailure").filter(|it| it.is_true()) {
        return Verdict::Fails { faults: vec![case.fault(refused.reason, refused.message)] };
    }
    let count = |pointer| fields.number(pointer).unwrap_or(0);
    let wanted = fields.number("/spec/replicas").unwrap_or(1);
    let labelled = count("/status/fullyLabeledReplicas");
    let ready = count("/status/readyReplicas").min(count("/status/availableReplicas"));
    let all = count("/status/replicas");
    if labelled >= wanted && ready >= wanted && all <= wanted {
        return Verdict::Ready;
    }
    let pods = case.world.owned(("", "Pod"), &case.expectation.uid);
    case.waits_for_pods(pods, format!("{} of {wanted} ready", ready.min(wanted)))
}
