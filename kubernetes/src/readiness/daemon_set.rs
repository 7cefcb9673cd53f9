//! DaemonSets: kstatus, and the new pods' own words.

use super::{Case, Verdict, fields::Fields, stateful_set::refused};

const GENERATION: &str = "/metadata/annotations/deprecated.daemonset.template.generation";

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    if fields.text("/spec/updateStrategy/type") == Some("OnDelete") {
        let warning = "its pods change only when somebody deletes them (OnDelete)".to_owned();
        return Verdict::ReadyBut { warning };
    }
    let Some(wanted) = fields.number("/status/desiredNumberScheduled") else {
        return Verdict::waits("its controller has not counted the nodes yet");
    };
    let count = |pointer| fields.number(pointer).unwrap_or(0);
    let counts = [
        "/status/currentNumberScheduled",
        "/status/updatedNumberScheduled",
        "/status/numberAvailable",
        "/status/numberReady",
    ];
    let least = counts.into_iter().map(count).min().unwrap_or(0);
    if least >= wanted {
        return Verdict::Ready;
    }
    let generation = fields.text(GENERATION);
    let pods = case.world.owned(("", "Pod"), &case.expectation.uid);
    let new = pods.filter(|pod| {
        generation.is_none()
            || Fields(pod).text("/metadata/labels/pod-template-generation") == generation
    });
    match case.waits_for_pods(new, format!("{least} of {wanted} ready")) {
        waits @ Verdict::Waits { .. } => refused(case).unwrap_or(waits),
        verdict => verdict,
    }
}
