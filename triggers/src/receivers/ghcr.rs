//! `ghcr`: images in GitHub's registry, by its webhooks for packages.

use super::{
    github::event,
    images, json, note, starts_nothing,
    text::{Word, quoted},
    unreadable,
};
use crate::verify::{self, Scheme};
use engine_core::receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified};
use serde::Deserialize;

pub(super) struct Ghcr;

impl Receiver for Ghcr {
    const PROVIDER: &'static str = "ghcr";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Github.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let name = event(request)?;
        if !["package", "registry_package"].contains(&name) {
            return Ok(starts_nothing(name));
        }
        let told: Event = json::read(&json::of_form(request)?)?;
        if !["published", "updated"].contains(&told.action.0.as_str()) {
            return Ok(note(format!(
                "a package that is {} starts nothing",
                quoted(&told.action.0)
            )));
        }
        match told.package.or(told.registry_package) {
            Some(package) => package.image(),
            None => Err(unreadable("it does not say which package")),
        }
    }
}

#[derive(Deserialize)]
struct Event {
    action: Word,
    package: Option<Package>,
    registry_package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    package_type: Word,
    package_version: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    /// `ghcr.io/owner/name:tag`; nothing after the colon for what has no tag.
    #[serde(default)]
    package_url: String,
    container_metadata: Option<Container>,
}

#[derive(Deserialize)]
struct Container {
    tag: Option<Tag>,
    manifest: Option<Manifest>,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    name: String,
    #[serde(default)]
    digest: String,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    digest: String,
}

impl Package {
    /// The type is written in small letters, in capitals, or wrongly; metadata of containers has no other.
    fn image(self) -> Result<Heard, Unreadable> {
        let Word(kind) = &self.package_type;
        let Some(version) = self.package_version else {
            return Ok(note("a package without a version starts nothing"));
        };
        if !kind.eq_ignore_ascii_case("container") && version.container_metadata.is_none() {
            return Ok(note(format!("a package of type {} starts nothing", quoted(kind))));
        }
        let image = version.image().map_err(unreadable)?;
        Ok(Heard { happenings: vec![image], notes: Vec::new() })
    }
}

impl Version {
    fn image(&self) -> Result<engine_core::happening::Happening, String> {
        let url = self.package_url.as_str();
        let (name, by_url) = match url.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            Some(_) | None => (url, ""),
        };
        let container = self.container_metadata.as_ref();
        let tag = container.and_then(|it| it.tag.as_ref());
        let by_tag = tag.map(|tag| tag.name.as_str()).filter(|name| !name.is_empty());
        let manifest = container.and_then(|it| it.manifest.as_ref()).map(|it| it.digest.as_str());
        let digest = tag.map(|tag| tag.digest.as_str()).filter(|it| !it.is_empty()).or(manifest);
        // Names of owners may have capitals; those of images may not.
        images::pushed(&name.to_ascii_lowercase(), Some(by_tag.unwrap_or(by_url)), digest)
    }
}
