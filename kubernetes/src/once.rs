//! Objects that are made once and taken away whole: Jobs, and the Secrets that go with them.

use crate::{
    Cluster, Deletion, FIELD_MANAGER, Live, Location,
    error::{ClusterError, Intent},
    marks::Marks,
};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

impl Cluster {
    /// Creates `object` with our marks. [`ClusterError::Changed`] if its name is taken: read whose it
    /// is.
    pub async fn create(
        &self,
        location: &Location,
        (object, marks): (&Value, &Marks),
    ) -> Result<Live, ClusterError> {
        let mut sent = object.clone();
        marks.put_on(&mut sent);
        let sent: DynamicObject = serde_json::from_value(sent)
            .map_err(|error| ClusterError::Refused(format!("{location}: {error}")))?;
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let api = self.api(location);
        self.call(Intent::Write, api.create(&parameters, &sent)).await.map(Live::new)
    }

    /// Changes some fields of just the object that has this uid.
    pub async fn amend(
        &self,
        location: &Location,
        (uid, change): (&str, Value),
    ) -> Result<Live, ClusterError> {
        let mut change = change;
        change["metadata"] = json!({ "uid": uid });
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let (api, patch) = (self.api(location), Patch::Merge(&change));
        let call = api.patch(&location.name, &parameters, &patch);
        self.call(Intent::Write, call).await.map(Live::new)
    }

    /// Deletes just the object that has this uid, after everything that depends on it: it is gone
    /// when that is.
    pub async fn delete_whole(
        &self,
        location: &Location,
        uid: &str,
    ) -> Result<Deletion, ClusterError> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let parameters =
            DeleteParams { preconditions: Some(preconditions), ..DeleteParams::foreground() };
        let api = self.api(location);
        match self.call(Intent::Write, api.delete(&location.name, &parameters)).await {
            Ok(_) => Ok(Deletion::Asked),
            // Another object has the name by now.
            Err(ClusterError::NotFound(_) | ClusterError::Changed(_)) => Ok(Deletion::Gone),
            Err(error) => Err(error),
        }
    }
}
