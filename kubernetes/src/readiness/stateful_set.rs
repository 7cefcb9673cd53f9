//! StatefulSets: kstatus, and the new pods' own words.

use super::{Case, Verdict, fields::Fields};

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    if fields.text("/spec/updateStrategy/type") == Some("OnDelete") {
        let warning = "its pods change only when somebody deletes them (OnDelete)".to_owned();
        return Verdict::ReadyBut { warning };
    }
    match shortage(fields) {
        None => Verdict::Ready,
        Some(words) => {
            let revision = fields.text("/status/updateRevision");
            let pods = case.world.owned(("", "Pod"), &case.expectation.uid);
            let new = pods.filter(|pod| {
                revision.is_some()
                    && Fields(pod).text("/metadata/labels/controller-revision-hash") == revision
            });
            match case.waits_for_pods(new, words) {
                waits @ Verdict::Waits { .. } => refused(case).unwrap_or(waits),
                verdict => verdict,
            }
        }
    }
}

fn shortage(fields: &Fields<'_>) -> Option<String> {
    let count = |pointer| fields.number(pointer).unwrap_or(0);
    let wanted = fields.number("/spec/replicas").unwrap_or(1);
    let (all, ready) = (count("/status/replicas"), count("/status/readyReplicas"));
    let partition = fields.number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let updated = count("/status/updatedReplicas");
    if all > wanted {
        return Some(format!("{} pods too many are still going", all - wanted));
    }
    if all < wanted || ready < wanted {
        return Some(format!("{} of {wanted} ready", ready.min(wanted)));
    }
    if partition > 0 {
        let due = (wanted - partition).max(0);
        return (updated < due)
            .then(|| format!("{updated} of {due} updated (partition {partition})"));
    }
    let revisions = (fields.text("/status/currentRevision"), fields.text("/status/updateRevision"));
    (revisions.0 != revisions.1).then(|| format!("{} of {wanted} updated", updated.min(wanted)))
}

/// A controller that may not create pods says so only in events.
pub(super) fn refused(case: &Case<'_>) -> Option<Verdict> {
    let message = case.world.failed_creation(case.expectation)?;
    Some(Verdict::Fails { faults: vec![case.fault("FailedCreate", message)] })
}
