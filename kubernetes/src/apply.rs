//! Reading and writing single objects: server-side apply under our own field manager.

use crate::{
    Cluster, FIELD_MANAGER, Live, Location,
    error::{ClusterError, Intent},
    marks::Marks,
};
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions, ValidationDirective};
use serde_json::{Value, json};

/// What is at a location.
#[derive(Clone, Debug)]
pub enum Found {
    There(Live),
    Absent,
}

/// What became of an object that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    Asked,
    /// It is not there, or another object is by now.
    Gone,
}

impl Cluster {
    pub async fn read(&self, location: &Location) -> Result<Found, ClusterError> {
        let api = self.api(location);
        match self.call(Intent::Read, api.get_opt(&location.name)).await? {
            Some(object) => Ok(Found::There(Live::new(object))),
            None => Ok(Found::Absent),
        }
    }

    /// Writes `object` with our marks over what was `found` there. If it is not so any more, nothing
    /// is written ([`ClusterError::Changed`]). May be repeated; fields of other managers are not
    /// taken over ([`ClusterError::Conflict`]).
    pub async fn apply(
        &self,
        location: &Location,
        (object, marks): (&Value, &Marks),
        found: &Found,
    ) -> Result<Live, ClusterError> {
        let mut sent = self.prepared(location, (object, marks), found).await?;
        match found {
            // With neither, an object that is there is written over unseen.
            Found::There(live) => {
                sent["metadata"]["uid"] = json!(live.uid());
                sent["metadata"]["resourceVersion"] = json!(live.version());
            }
            Found::Absent => {}
        }
        self.patch(location, &sent, Intent::Write).await
    }

    /// What an apply would come to, without writing anything.
    pub(crate) async fn try_apply(
        &self,
        location: &Location,
        (object, marks): (&Value, &Marks),
        found: &Found,
    ) -> Result<Live, ClusterError> {
        let sent = self.prepared(location, (object, marks), found).await?;
        self.patch(location, &sent, Intent::Read).await
    }

    /// Deletes just the object that was read, and lets its dependents go after it.
    pub async fn delete(&self, location: &Location, live: &Live) -> Result<Deletion, ClusterError> {
        let preconditions = Preconditions {
            uid: Some(live.uid().to_owned()),
            resource_version: Some(live.version().to_owned()),
        };
        let parameters =
            DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        let api = self.api(location);
        match self.call(Intent::Write, api.delete(&location.name, &parameters)).await {
            Ok(_) => Ok(Deletion::Asked),
            Err(ClusterError::NotFound(_)) => Ok(Deletion::Gone),
            Err(error) => Err(error),
        }
    }

    async fn prepared(
        &self,
        location: &Location,
        (object, marks): (&Value, &Marks),
        found: &Found,
    ) -> Result<Value, ClusterError> {
        let mut sent = object.clone();
        marks.put_on(&mut sent);
        if let Found::There(live) = found {
            self.settle_replicas(location, live, &mut sent).await?;
        }
        Ok(sent)
    }

    /// With the intent to read alone it is a dry run.
    async fn patch(
        &self,
        location: &Location,
        sent: &Value,
        intent: Intent,
    ) -> Result<Live, ClusterError> {
        let api: Api<_> = self.api(location);
        let (parameters, patch) = (parameters(intent), Patch::Apply(sent));
        let call = api.patch(&location.name, &parameters, &patch);
        self.call(intent, call).await.map(Live::new)
    }
}

/// Unknown fields are refused, as kubectl refuses them: a misspelt probe must not vanish.
fn parameters(intent: Intent) -> PatchParams {
    PatchParams {
        dry_run: intent == Intent::Read,
        field_manager: Some(FIELD_MANAGER.to_owned()),
        field_validation: Some(ValidationDirective::Strict),
        force: false,
    }
}
