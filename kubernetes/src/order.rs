//! In which order kinds are written, so that what others need is there first.

use crate::location::Named;
use serde_json::Value;

/// As Helm installs (`pkg/releaseutil/kind_sorter.go`), with definitions right behind namespaces;
/// other kinds come last but for webhooks and API services, which could refuse everything that
/// follows them.
const KINDS: [&str; 34] = [
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "", // every other kind
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicyBinding",
];

/// Sorts a set for writing; within a kind its own order stays. Deleting goes the other way round.
pub fn sort<T>(items: &mut [T], object: impl Fn(&T) -> &Value) {
    items.sort_by_key(|item| rank(object(item)));
}

/// How many objects at the beginning of a sorted set the others cannot even be tried without:
/// namespaces and definitions of kinds.
pub fn groundwork<T>(items: &[T], object: impl Fn(&T) -> &Value) -> usize {
    let last = rank_of("CustomResourceDefinition");
    items.iter().take_while(|item| rank(object(item)) <= last).count()
}

fn rank(object: &Value) -> usize {
    let named = Named::of(object);
    // A custom kind may be called `Service` too.
    let is_custom = named.group().contains('.') && !named.group().ends_with(".k8s.io");
    rank_of(if is_custom { "" } else { named.kind })
}

fn rank_of(kind: &str) -> usize {
    let at = |kind: &str| KINDS.iter().position(|known| *known == kind);
    at(kind).or_else(|| at("")).unwrap_or(KINDS.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_need_comes_first_and_what_can_refuse_others_comes_last() {
        let object = |version: &str, kind: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
        let mut set = vec![
            object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "w"),
            object("example.com/v1", "Service", "custom"),
            object("apps/v1", "Deployment", "b"),
            object("v1", "Service", "s"),
            object("apps/v1", "Deployment", "a"),
            object("v1", "ConfigMap", "c"),
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "d"),
            object("v1", "Namespace", "n"),
        ];
        sort(&mut set, |object| object);
        let names: Vec<&str> = set.iter().map(|object| Named::of(object).name).collect();
        assert_eq!(names, ["n", "d", "c", "s", "b", "a", "custom", "w"]);
        assert_eq!(groundwork(&set, |object| object), 2);
    }
}
