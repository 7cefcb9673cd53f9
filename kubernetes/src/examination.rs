//! What a cluster says of itself and of us, for people who look for what is wrong.

use crate::{
    Cluster,
    error::{ClusterError, Intent},
};
use k8s_openapi::api::{
    authentication::v1::SelfSubjectReview,
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
};
use kube::{
    Api,
    api::{ListParams, PostParams},
    client::Body,
};

/// Something that somebody may do or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    pub verb: &'a str,
    /// Empty for the core group.
    pub group: &'a str,
    /// `pods`, `pods/log`
    pub resource: &'a str,
    /// In all namespaces without one.
    pub namespace: Option<&'a str>,
}

/// What the server answers to an [`Act`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    Granted,
    Refused,
}

impl Cluster {
    /// The version of its server: `v1.37.0`.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let version = self.call(Intent::Read, self.client.apiserver_version()).await?;
        Ok(version.git_version)
    }

    /// The name for which its server takes us.
    pub async fn whoami(&self) -> Result<String, ClusterError> {
        let reviews: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let (how, asked) = (PostParams::default(), SelfSubjectReview::default());
        let review = self.call(Intent::Read, reviews.create(&how, &asked)).await?;
        let user = review.status.and_then(|status| status.user_info);
        Ok(user.and_then(|user| user.username).unwrap_or_else(|| "nobody".to_owned()))
    }

    /// Whether we may do something.
    pub async fn may(&self, act: &Act<'_>) -> Result<Leave, ClusterError> {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let (resource, part) = match act.resource.split_once('/') {
            Some((resource, part)) => (resource, Some(part.to_owned())),
            None => (act.resource, None),
        };
        let attributes = ResourceAttributes {
            verb: Some(act.verb.to_owned()),
            group: Some(act.group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource: part,
            namespace: act.namespace.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let asked = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let review =
            self.call(Intent::Read, reviews.create(&PostParams::default(), &asked)).await?;
        match review.status {
            Some(status) if status.allowed => Ok(Leave::Granted),
            Some(_) | None => Ok(Leave::Refused),
        }
    }

    /// The time of its server, as HTTP writes it, if it tells: `Wed, 25 Nov 2026 21:34:25 GMT`.
    pub async fn date(&self) -> Result<Option<String>, ClusterError> {
        let request = kube::core::Request::new("/version").list(&ListParams::default());
        let request = request.map_err(|error| ClusterError::Refused(error.to_string()))?;
        let response = self.call(Intent::Read, self.client.send(request.map(Body::from))).await?;
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        Ok(date.map(str::to_owned))
    }
}
