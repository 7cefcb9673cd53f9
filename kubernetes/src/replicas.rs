//! Who says how many replicas a workload has: its author, or an autoscaler.

use crate::{
    Cluster, FIELD_MANAGER, Live, Location,
    error::{ClusterError, Intent},
};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use serde_json::Value;

/// Autoscalers of a namespace that are read at once.
const MOST_AUTOSCALERS: u32 = 500;

impl Cluster {
    /// Leaves `spec.replicas` out of `object` once somebody scales the workload; while only we own
    /// the number and an autoscaler targets the workload, the live number is sent, so that
    /// a deploy does not undo what the autoscaler did.
    pub(crate) async fn settle_replicas(
        &self,
        location: &Location,
        live: &Live,
        object: &mut Value,
    ) -> Result<(), ClusterError> {
        let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
            return Ok(());
        };
        let live_replicas = live.value.pointer("/spec/replicas").cloned();
        let (Some(wanted), Some(found)) = (spec.get("replicas"), live_replicas) else {
            return Ok(());
        };
        if is_scaled_by_another(&live.value) {
            spec.remove("replicas");
        } else if *wanted != found && self.has_autoscaler(location).await? {
            spec.insert("replicas".to_owned(), found);
        }
        Ok(())
    }

    async fn has_autoscaler(&self, location: &Location) -> Result<bool, ClusterError> {
        let Some(namespace) = &location.namespace else { return Ok(false) };
        let kind = GroupVersionKind::gvk("autoscaling", "v2", "HorizontalPodAutoscaler");
        let kind = ApiResource::from_gvk_with_plural(&kind, "horizontalpodautoscalers");
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let page = ListParams::default().limit(MOST_AUTOSCALERS);
        match self.call(Intent::Read, api.list(&page)).await {
            Ok(list) => Ok(list.items.iter().any(|scaler| targets(&scaler.data, location))),
            Err(ClusterError::NotFound(_)) => Ok(false),
            Err(ClusterError::Refused(message)) => Err(ClusterError::Refused(format!(
                "whether an autoscaler owns the replicas of {location} cannot be told ({message}): \
                 grant `list` on horizontalpodautoscalers, or leave `replicas` out of the manifest"
            ))),
            Err(error) => Err(error),
        }
    }
}

fn targets(autoscaler: &Value, location: &Location) -> bool {
    let text = |place: &str| autoscaler.pointer(place).and_then(Value::as_str);
    let version = text("/spec/scaleTargetRef/apiVersion").unwrap_or_default();
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    group == location.group
        && text("/spec/scaleTargetRef/kind") == Some(&location.kind)
        && text("/spec/scaleTargetRef/name") == Some(&location.name)
}

/// Autoscalers, and people with `kubectl scale`, write through the `scale` subresource.
fn is_scaled_by_another(live: &Value) -> bool {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        text("subresource") == Some("scale")
            && text("manager") != Some(FIELD_MANAGER)
            && entry.pointer("/fieldsV1/f:spec/f:replicas").is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_who_owns_replicas_through_the_scale_subresource_scales() {
        let live = |manager: &str, subresource: Option<&str>, fields: Value| {
            let mut entry = json!({"manager": manager, "fieldsV1": fields});
            if let Some(subresource) = subresource {
                entry["subresource"] = json!(subresource);
            }
            json!({"metadata": {"managedFields": [entry]}})
        };
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let status = json!({"f:status": {"f:replicas": {}}});
        for (manager, subresource, fields, is_scaled) in [
            ("kube-controller-manager", Some("scale"), replicas.clone(), true),
            ("kubectl", Some("scale"), replicas.clone(), true),
            ("kubectl-client-side-apply", None, replicas.clone(), false),
            (FIELD_MANAGER, Some("scale"), replicas, false),
            ("kube-controller-manager", Some("status"), status, false),
        ] {
            let live = live(manager, subresource, fields);
            assert_eq!(is_scaled_by_another(&live), is_scaled, "{manager} {subresource:?}");
        }
    }
}
