//! Pods, alone and behind a workload: what keeps one from being ready, in its own words.

use super::{Case, Fault, Source, Verdict, fields::Fields};
use serde_json::Value;

/// A pod that no node takes fails after this time; the scheduler may still find one before
/// (kstatus' `ScheduleWindow`).
const SCHEDULE_WINDOW_MS: u64 = 15_000;

/// Words of registries and runtimes that no later pull can change.
const FINAL_PULL_WORDS: [&str; 6] =
    ["not found", "manifest unknown", "unauthorized", "denied", "invalid reference", "not exist"];

/// What is wrong with a pod.
pub(super) enum Trouble {
    None,
    Fault(Fault),
    /// It becomes a fault at this civil millisecond, if nothing changes.
    Soon {
        at_ms: u64,
    },
}

/// A container as its status tells it, and whether it is an init container.
#[derive(Clone, Copy)]
struct Container<'a> {
    fields: Fields<'a>,
    is_init: bool,
}

/// A pod that was applied by itself. Stricter than kstatus: a failed one has failed.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let fields = &case.fields;
    match fields.text("/status/phase") {
        Some("Succeeded") => return Verdict::Ready,
        Some("Failed") => {
            let reason = fields.text("/status/reason").unwrap_or("Failed");
            let words = fields.text("/status/message").map(str::to_owned);
            let words = words.unwrap_or_else(|| exits(fields));
            return Verdict::Fails { faults: vec![case.fault(reason, words)] };
        }
        Some(_) | None => {}
    }
    let ready = fields.condition("Ready").is_some_and(|condition| condition.is_true());
    if ready {
        return Verdict::Ready;
    }
    let words = fields.condition("Ready").map(|condition| condition.message.to_owned());
    let words = words.filter(|words| !words.is_empty());
    case.waits_for_pods(std::iter::once(fields.0), words.unwrap_or_else(|| "not ready yet".into()))
}

/// What keeps `pod` from being ready for `object`. Pods that are going, or that a node threw out,
/// are replaced by their workload and never fail it.
pub(super) fn trouble(object: &str, pod: &Value, now_ms: u64) -> Trouble {
    let fields = Fields(pod);
    let leaving = fields.text("/metadata/deletionTimestamp").is_some();
    if leaving || fields.text("/status/phase") == Some("Failed") {
        return Trouble::None;
    }
    if let Some(trouble) = unscheduled(object, &fields, now_ms) {
        return trouble;
    }
    let of = |pointer, is_init| {
        fields.list(pointer).iter().map(move |it| Container { fields: Fields(it), is_init })
    };
    let containers = of("/status/initContainerStatuses", true);
    let mut containers = containers.chain(of("/status/containerStatuses", false));
    let fault = containers.find_map(|container| container.fault(object, &fields));
    fault.map_or(Trouble::None, Trouble::Fault)
}

fn unscheduled(object: &str, pod: &Fields<'_>, now_ms: u64) -> Option<Trouble> {
    let scheduled = pod.condition("PodScheduled").filter(|condition| condition.is_false())?;
    if scheduled.reason != "Unschedulable" {
        return None;
    }
    let at_ms = scheduled.since_ms.unwrap_or(now_ms) + SCHEDULE_WINDOW_MS;
    if now_ms < at_ms {
        return Some(Trouble::Soon { at_ms });
    }
    Some(Trouble::Fault(Fault {
        object: object.to_owned(),
        source: Source::Pod { pod: pod.text("/metadata/name").unwrap_or_default().to_owned() },
        reason: scheduled.reason.to_owned(),
        message: scheduled.message.to_owned(),
    }))
}

impl Container<'_> {
    fn fault(&self, object: &str, pod: &Fields<'_>) -> Option<Fault> {
        let reason = self.fields.text("/state/waiting/reason").unwrap_or_default();
        let message = self.fields.text("/state/waiting/message").unwrap_or_default();
        let words = match reason {
            "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => message.to_owned(),
            "ErrImagePull" | "RegistryUnavailable" | "ImageInspectError" => {
                // Whatever may pass by itself is tried once more by the kubelet first.
                let lower = message.to_lowercase();
                let is_final = FINAL_PULL_WORDS.iter().any(|words| lower.contains(words));
                is_final.then(|| message.to_owned())?
            }
            "CrashLoopBackOff" => format!("{message}; {}", self.last_exit()),
            "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "InvalidConfiguration"
            | "PostStartHookError" => message.to_owned(),
            _ if self.was_killed_for_memory() => {
                return Some(self.told(object, pod, ("OOMKilled", self.last_exit())));
            }
            _ => return None,
        };
        Some(self.told(object, pod, (reason, words)))
    }

    fn was_killed_for_memory(&self) -> bool {
        let states = ["/lastState/terminated/reason", "/state/terminated/reason"];
        let killed = states.iter().any(|state| self.fields.text(state) == Some("OOMKilled"));
        killed && !self.fields.flag("/ready")
    }

    fn last_exit(&self) -> String {
        let last = ["/lastState/terminated", "/state/terminated"];
        let exit = last.iter().find_map(|place| self.fields.0.pointer(place)).map(Fields);
        match exit {
            None => "its last exit is not known".to_owned(),
            Some(exit) => exit_words(&exit),
        }
    }

    fn told(&self, object: &str, pod: &Fields<'_>, (reason, message): (&str, String)) -> Fault {
        let pod = pod.text("/metadata/name").unwrap_or_default().to_owned();
        let container = self.fields.text("/name").unwrap_or_default().to_owned();
        let image = self.fields.text("/image").unwrap_or_default().to_owned();
        let source = if self.is_init {
            Source::InitContainer { pod, container, image }
        } else {
            Source::Container { pod, container, image }
        };
        Fault { object: object.to_owned(), source, reason: reason.to_owned(), message }
    }
}

/// `last exit 1 (Error): words`.
fn exit_words(exit: &Fields<'_>) -> String {
    let code = exit.number("/exitCode").unwrap_or_default();
    let reason = exit.text("/reason").unwrap_or("no reason given");
    match exit.text("/message").map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => format!("last exit {code} ({reason}): {message}"),
        None => format!("last exit {code} ({reason})"),
    }
}

/// How the containers of a failed pod ended.
fn exits(pod: &Fields<'_>) -> String {
    let places = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = places.into_iter().flat_map(|place| pod.list(place)).map(Fields);
    let ended = statuses.filter_map(|status| {
        let exit = Fields(status.0.pointer("/state/terminated")?);
        let failed = exit.number("/exitCode") != Some(0);
        let name = status.text("/name").unwrap_or_default();
        failed.then(|| format!("container {name}: {}", exit_words(&exit)))
    });
    let words: Vec<String> = ended.collect();
    if words.is_empty() { "the pod has failed".to_owned() } else { words.join("; ") }
}
