//! Which objects may be deleted when a set has them no longer.

use crate::{Live, Location, Ownership, marks::Marks};

/// Kinds that hold what cannot be brought back.
const NEVER: [(&str, &str); 4] = [
    ("", "Namespace"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
];

/// Whether an object of an earlier set is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruning {
    Delete,
    Keep,
}

/// Only what is ours, nobody asked to keep, holds no data, and is not going already.
pub fn pruning(location: &Location, live: &Live, marks: &Marks) -> Pruning {
    let kind = (location.group.as_str(), location.kind.as_str());
    if NEVER.contains(&kind) || live.is_kept() || live.is_going() {
        return Pruning::Keep;
    }
    match live.ownership(marks) {
        Ownership::Ours => Pruning::Delete,
        Ownership::Unmarked | Ownership::Other(_) => Pruning::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::{Owner, Writer};
    use serde_json::{Value, json};

    fn marks() -> Marks {
        let owned = str::to_owned;
        Marks {
            owner: Owner {
                application: owned("shop"),
                environment: owned("prod"),
                component: owned("main"),
            },
            writer: Writer { run: owned("r"), stage: owned("s"), attempt: 1, epoch: 1 },
        }
    }

    fn live(change: impl FnOnce(&mut Value)) -> Live {
        let mut value = json!({"metadata": {"name": "x"}});
        marks().put_on(&mut value);
        change(&mut value);
        Live { value }
    }

    fn location(group: &str, kind: &str) -> Location {
        let owned = str::to_owned;
        Location {
            group: owned(group),
            version: owned("v1"),
            kind: owned(kind),
            plural: owned("x"),
            namespace: None,
            name: owned("x"),
        }
    }

    #[test]
    fn only_our_own_objects_without_data_are_deleted() {
        let ours = || live(|_| {});
        let map = location("", "ConfigMap");
        assert_eq!(pruning(&map, &ours(), &marks()), Pruning::Delete);
        for (group, kind) in NEVER {
            assert_eq!(pruning(&location(group, kind), &ours(), &marks()), Pruning::Keep, "{kind}");
        }
        for kept in [
            live(|live| live["metadata"]["annotations"]["gennaker.dev/prune"] = json!("false")),
            live(|live| live["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z")),
            live(|live| live["metadata"]["labels"]["gennaker.dev/component"] = json!("api")),
            live(|live| live["metadata"]["labels"] = json!({})),
        ] {
            assert_eq!(pruning(&map, &kept, &marks()), Pruning::Keep, "{:?}", kept.value);
        }
    }
}
