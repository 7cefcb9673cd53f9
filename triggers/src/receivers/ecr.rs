//! `ecr`: pushes to Amazon's registry, as EventBridge hands on `ECR Image Action`.
//!
//! EventBridge signs nothing. Its API destination sends the header that its connection is given, which is
//! `Authorization`; or the secret stands in the path.

use super::{
    images, json, note, starts_nothing,
    text::{Word, quoted},
    unreadable,
};
use crate::verify::{AuthorizationOrPath, Scheme};
use engine_core::receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified};
use serde::Deserialize;

pub(super) struct Ecr;

impl Receiver for Ecr {
    const PROVIDER: &'static str = "ecr";

    /// Its id and time are in the body, so equal ones are the same.
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        AuthorizationOrPath.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let Kind { detail_type: Word(kind) } = json::read(request.body)?;
        if kind != "ECR Image Action" {
            return Ok(starts_nothing(&kind));
        }
        json::read::<Event>(request.body)?.image()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kind {
    detail_type: Word,
}

#[derive(Deserialize)]
struct Event {
    account: Word,
    region: Word,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    action_type: Word,
    result: Word,
    repository_name: Word,
    image_digest: Option<Word>,
    /// Empty for what has no tag.
    #[serde(default)]
    image_tag: String,
    artifact_media_type: Option<Word>,
}

impl Event {
    fn image(&self) -> Result<Heard, Unreadable> {
        let detail = &self.detail;
        let (Word(action), Word(result)) = (&detail.action_type, &detail.result);
        if (action.as_str(), result.as_str()) != ("PUSH", "SUCCESS") {
            let words = format!("{} {}", quoted(action), quoted(result));
            return Ok(note(format!("an action {words} starts nothing")));
        }
        let host = self.host().ok_or_else(|| unreadable("its account or region is none"))?;
        let Word(path) = &detail.repository_name;
        let digest = detail.image_digest.as_ref().map(|digest| digest.0.as_str());
        let media_type = detail.artifact_media_type.as_ref().map(|it| it.0.as_str());
        let told = match media_type == Some(images::HELM) {
            true => images::chart(&format!("{host}/{path}"), &detail.image_tag, digest),
            false => images::pushed(&format!("{host}/{path}"), Some(&detail.image_tag), digest),
        };
        Ok(Heard { happenings: vec![told.map_err(unreadable)?], notes: Vec::new() })
    }

    fn host(&self) -> Option<String> {
        let (Word(account), Word(region)) = (&self.account, &self.region);
        let is_account = account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
        let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
        let is_region = region.len() <= 32 && region.bytes().all(plain);
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        (is_account && is_region)
            .then(|| format!("{account}.dkr.ecr.{region}.amazonaws.com{suffix}"))
    }
}
