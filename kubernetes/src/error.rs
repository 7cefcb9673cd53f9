//! What a call to a cluster can come to, sorted by what its caller does next.

use kube::core::Status;
use std::time::Duration;

/// Why a call brought nothing. Each variant is a decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// Surely not carried out; wait and try again.
    #[error("cluster `{cluster}` cannot be reached: {reason}")]
    Unreachable { cluster: String, reason: String },
    /// It may have been carried out: read before trying again.
    #[error("cluster `{cluster}` did not say whether it carried a change out: {reason}")]
    OutcomeUnknown { cluster: String, reason: String },
    /// The credentials are not accepted.
    #[error("cluster `{cluster}` does not accept the credentials of its context: {message}")]
    Unauthorized { cluster: String, message: String },
    /// Other field managers own fields that we would change.
    #[error("{}", conflicts(.0))]
    Conflict(Vec<FieldConflict>),
    /// The object is not as it was when it was read: read again, and decide anew.
    #[error("the object was changed meanwhile: {0}")]
    Changed(String),
    #[error("{0}")]
    NotFound(String),
    /// The server understood and said no: policy, quota, validation, rights. Trying again the same
    /// does not help.
    #[error("{0}")]
    Refused(String),
}

/// One field that somebody else manages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldConflict {
    pub manager: String,
    /// As in `.spec.replicas`.
    pub field: String,
}

/// Whether a call changes something: then a lost answer leaves it open what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    Write,
}

impl Intent {
    pub(crate) fn deadline(self) -> Duration {
        match self {
            Intent::Read => Duration::from_secs(10),
            Intent::Write => Duration::from_secs(30),
        }
    }
}

/// Sorts what kube says.
pub(crate) fn sorted(cluster: &str, intent: Intent, error: kube::Error) -> ClusterError {
    match error {
        kube::Error::Api(status) => answered(cluster, intent, *status),
        kube::Error::Auth(error) => {
            ClusterError::Unauthorized { cluster: cluster.to_owned(), message: error.to_string() }
        }
        error => lost(cluster, intent, &chain(&error)),
    }
}

/// No answer in time.
pub(crate) fn late(cluster: &str, intent: Intent) -> ClusterError {
    lost(cluster, intent, &format!("no answer within {} s", intent.deadline().as_secs()))
}

/// A refused connection was never sent; everything else may have been.
fn lost(cluster: &str, intent: Intent, reason: &str) -> ClusterError {
    let (cluster, reason) = (cluster.to_owned(), reason.to_owned());
    let was_sent = !["refused", "dns error", "tls handshake", "certificate"]
        .iter()
        .any(|sign| reason.to_lowercase().contains(sign));
    match intent {
        Intent::Write if was_sent => ClusterError::OutcomeUnknown { cluster, reason },
        Intent::Write | Intent::Read => ClusterError::Unreachable { cluster, reason },
    }
}

fn answered(cluster: &str, intent: Intent, status: Status) -> ClusterError {
    let cluster = cluster.to_owned();
    let message = words(&status);
    match (status.code, status.reason.as_str()) {
        (401, _) => ClusterError::Unauthorized { cluster, message },
        (404, _) => ClusterError::NotFound(message),
        (409, "Conflict") => conflict(&status, message),
        (409, "AlreadyExists") => ClusterError::Changed(message),
        // Throttled, or not ready: the server says that it did nothing.
        (429 | 503, _) => ClusterError::Unreachable { cluster, reason: message },
        // Server-side apply says of unknown fields that it is itself at fault.
        (500, _) if message.starts_with("failed to create typed patch object") => {
            ClusterError::Refused(message)
        }
        (500..=599, _) => lost(&cluster, intent, &message),
        (_, _) => ClusterError::Refused(message),
    }
}

fn words(status: &Status) -> String {
    match (status.message.as_str(), status.reason.as_str()) {
        ("", "") => format!("HTTP {}", status.code),
        ("", reason) => format!("HTTP {}: {reason}", status.code),
        (message, _) => message.to_owned(),
    }
}

fn conflict(status: &Status, message: String) -> ClusterError {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts: Vec<FieldConflict> = causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| FieldConflict {
            manager: manager(&cause.message).to_owned(),
            field: cause.field.clone(),
        })
        .collect();
    if conflicts.is_empty() {
        ClusterError::Changed(message)
    } else {
        ClusterError::Conflict(conflicts)
    }
}

/// The server writes `conflict with "kubectl-client-side-apply" using apps/v1`.
fn manager(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or(message)
}

/// `manager `kubectl` owns .data.a, .data.b`, one manager after the other.
fn conflicts(conflicts: &[FieldConflict]) -> String {
    let mut managers: Vec<&str> = conflicts.iter().map(|conflict| &*conflict.manager).collect();
    managers.sort_unstable();
    managers.dedup();
    let owned = managers.into_iter().map(|manager| {
        let of = conflicts.iter().filter(|conflict| conflict.manager == manager);
        let fields: Vec<&str> = of.map(|conflict| &*conflict.field).collect();
        format!("field manager `{manager}` owns {}", fields.join(", "))
    });
    owned.collect::<Vec<_>>().join("; ")
}

/// An error with everything that caused it, each told once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !told.contains(&words) {
            told = format!("{told}: {words}");
        }
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(intent: Intent, status: serde_json::Value) -> ClusterError {
        answered("prod", intent, serde_json::from_value(status).unwrap())
    }

    #[test]
    fn a_conflict_names_each_manager_once_with_its_fields() {
        let cause = |manager: &str, field: &str| {
            json!({"reason": "FieldManagerConflict", "field": field,
                   "message": format!("conflict with \"{manager}\" using v1")})
        };
        let error = told(
            Intent::Write,
            json!({"code": 409, "reason": "Conflict", "message": "Apply failed", "details":
                {"causes": [cause("kubectl", ".data.a"), cause("helm", ".data.b"), cause("kubectl", ".data.c")]}}),
        );
        assert_eq!(
            error.to_string(),
            "field manager `helm` owns .data.b; field manager `kubectl` owns .data.a, .data.c"
        );
    }

    #[test]
    fn an_answer_is_sorted_by_what_to_do_next() {
        let status =
            |code: u16, reason: &str| json!({"code": code, "reason": reason, "message": "m"});
        let message = || "m".to_owned();
        let cluster = || "prod".to_owned();
        for (code, reason, error) in [
            (
                401,
                "Unauthorized",
                ClusterError::Unauthorized { cluster: cluster(), message: message() },
            ),
            (403, "Forbidden", ClusterError::Refused(message())),
            (404, "NotFound", ClusterError::NotFound(message())),
            (409, "Conflict", ClusterError::Changed(message())),
            (409, "AlreadyExists", ClusterError::Changed(message())),
            (422, "Invalid", ClusterError::Refused(message())),
            (
                429,
                "TooManyRequests",
                ClusterError::Unreachable { cluster: cluster(), reason: message() },
            ),
            (
                500,
                "InternalError",
                ClusterError::OutcomeUnknown { cluster: cluster(), reason: message() },
            ),
            (
                503,
                "ServiceUnavailable",
                ClusterError::Unreachable { cluster: cluster(), reason: message() },
            ),
        ] {
            assert_eq!(told(Intent::Write, status(code, reason)), error, "{code}");
        }
        let typo = json!({"code": 500, "message":
            "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replcas: \
             field not declared in schema"});
        let typo = told(Intent::Write, typo);
        assert!(matches!(typo, ClusterError::Refused(_)), "{typo:?}");
        let read = told(Intent::Read, status(500, "InternalError"));
        assert!(matches!(read, ClusterError::Unreachable { .. }), "{read:?}");
    }

    #[test]
    fn a_refused_connection_was_never_sent_and_a_broken_one_may_have_been() {
        let lost = |reason| lost("prod", Intent::Write, reason);
        assert!(matches!(
            lost("tcp connect error: Connection refused"),
            ClusterError::Unreachable { .. }
        ));
        assert!(matches!(lost("connection reset by peer"), ClusterError::OutcomeUnknown { .. }));
    }
}
