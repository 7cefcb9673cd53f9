//! What a person can say to a run that waits for one, as commands to copy.

use engine_core::{
    event::Signal,
    status::{RunStatus, WaitKind},
    view::{RunView, StageView},
};

pub(super) fn of_run(view: &RunView) -> Option<String> {
    let label = view.label();
    if view.status == RunStatus::Paused {
        return Some(format!("→ gennaker resume {label}"));
    }
    let asks = view.waiting.as_ref().is_some_and(|it| it.kind == WaitKind::Question);
    asks.then(|| format!("→ gennaker answer yes {label}   (or answer no)"))
}

pub(super) fn of_stage(view: &RunView, (id, stage): (&str, &StageView)) -> Option<String> {
    let waiting = stage.waiting.as_ref()?;
    let (first, others) = match waiting.kind {
        WaitKind::Rules if waiting.takes.contains(&Signal::Approve) => ("approve", "reject"),
        WaitKind::Approval => ("approve", "reject"),
        WaitKind::Hold => ("retry", "continue, roll-back, abort"),
        WaitKind::Question => ("answer yes", "answer no"),
        WaitKind::Target
        | WaitKind::Timer
        | WaitKind::Readiness
        | WaitKind::Cluster
        | WaitKind::Retry
        | WaitKind::Paused
        | WaitKind::Concurrency
        | WaitKind::Rules
        | WaitKind::Freeze
        | WaitKind::Child => return None,
    };
    // A shell would look for files of such a name.
    let id = if id.contains('[') { format!("'{id}'") } else { id.to_owned() };
    Some(format!("→ gennaker {first} {} {id}   (or {others})", view.label()))
}
