//! Images as registries tell of them: hints, until the registry was asked.

use super::text::quoted;
use artifacts::{Reference, Repository};
use engine_core::happening::{Chart, Confirmation, Happening, Image, Platforms};

/// More than a thousand tags in one call lose nothing.
pub(super) const MAX_EVENTS: usize = 10_000;
/// What the configuration of a chart of Helm is of.
pub(super) const HELM: &str = "application/vnd.cncf.helm.config.v1+json";

/// `name` is `host/path`. A digest that is none is left out, as it would be asked for anyway.
pub(super) fn pushed(
    name: &str,
    tag: Option<&str>,
    digest: Option<&str>,
) -> Result<Happening, String> {
    let repository = repository(name)?;
    let tag = tag.filter(|tag| !tag.is_empty());
    if let Some(tag) = tag {
        let parsed = Reference::parse(&format!("{repository}:{tag}")).ok();
        if parsed.and_then(|it| it.tag).as_deref() != Some(tag) {
            return Err(format!("{} is not a tag of {repository}", quoted(tag)));
        }
    }
    Ok(Happening::Image(Image {
        repository,
        tag: tag.map(str::to_owned),
        digest: digest.and_then(known_digest),
        platforms: Platforms::Unread,
        confirmation: Confirmation::No,
    }))
}

/// `host/path` as references name it, its host in lower case and without a default port.
pub(super) fn repository(name: &str) -> Result<String, String> {
    let (host, path) = name.split_once('/').unwrap_or((name, ""));
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(":443").or(host.strip_suffix(":80")).unwrap_or(&host);
    let parsed = Repository::parse(&format!("{host}/{path}"))
        .map_err(|error| format!("{} is not a repository of images: {error}", quoted(name)))?;
    match parsed.registry {
        Some(_) => Ok(parsed.normal().to_string()),
        None => Err(format!("{} does not say on which host it is", quoted(name))),
    }
}

fn known_digest(text: &str) -> Option<String> {
    let parsed = Reference::parse(&format!("x@{text}")).ok()?;
    parsed.digest.filter(|digest| digest.starts_with("sha256:") || digest.starts_with("sha512:"))
}

/// A chart that lies where images lie: `host/path/name`, its version as a tag.
pub(super) fn chart(name: &str, tag: &str, digest: Option<&str>) -> Result<Happening, String> {
    let whole = repository(name)?;
    let Some((place, name)) = whole.rsplit_once('/') else {
        return Err(format!("{} is not a chart", quoted(&whole)));
    };
    // Tags have no plus, and versions may.
    let version = tag.replace('_', "+");
    if version.is_empty() || version.len() > 128 || version.contains(char::is_control) {
        return Err(format!("{} is not the version of a chart", quoted(tag)));
    }
    Ok(Happening::Chart(Chart {
        repository: format!("oci://{place}"),
        name: name.to_owned(),
        version,
        digest: digest.and_then(known_digest),
        confirmation: Confirmation::No,
    }))
}
