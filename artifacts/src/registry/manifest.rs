//! Manifests: one image, or an index of one for each platform.

use serde::Deserialize;
use std::fmt;

/// Media types of manifests, all of which registries are asked for.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const FIRST_FORMAT: &str = "application/vnd.docker.distribution.manifest.v1+";
/// Of an index, how many images are looked at.
const MAX_PLATFORMS: usize = 1_000;

/// What a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// With its algorithm: `sha256:…`.
    pub digest: String,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One image, or whatever else is kept as one; its configuration by media type and digest.
    Image { config_type: String, config: String },
    /// The digest of the image for each platform.
    Index { images: Vec<(Platform, String)> },
}

/// An operating system and a processor, written `linux/arm64` or `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform: write it as `linux/amd64` or `linux/arm/v7`")]
pub struct PlatformError(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    media_type: Option<String>,
    config: Option<Descriptor>,
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    platform: Option<WrittenPlatform>,
}

#[derive(Deserialize)]
struct WrittenPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// What an image's configuration says of it.
#[derive(Deserialize)]
pub(super) struct ImageConfig {
    pub(super) created: Option<String>,
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

impl Platform {
    pub fn parse(text: &str) -> Result<Platform, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_word = |part: &&str| {
            !part.is_empty()
                && part.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
        };
        match (parts.as_slice(), parts.iter().all(is_word)) {
            ([os, architecture], true) => Ok(Platform::of(os, architecture, None)),
            ([os, architecture, variant], true) => {
                Ok(Platform::of(os, architecture, Some((*variant).to_owned())))
            }
            _ => Err(PlatformError(text.to_owned())),
        }
    }

    fn of(os: &str, architecture: &str, variant: Option<String>) -> Platform {
        Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant }
    }

    /// Whether an image of this platform runs where `wanted` is asked for.
    pub fn serves(&self, wanted: &Platform) -> bool {
        let usual = if wanted.architecture == "arm64" { Some("v8") } else { None };
        let variant = |platform: &Platform| platform.variant.clone().or(usual.map(str::to_owned));
        (&self.os, &self.architecture) == (&wanted.os, &wanted.architecture)
            && (wanted.variant.is_none() || variant(self) == variant(wanted))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(formatter, "/{variant}"))
    }
}

/// Whether something with this media type has a digest that can be deployed.
pub(super) fn check_type(media_type: &str) -> Result<(), String> {
    match media_type.starts_with(FIRST_FORMAT) {
        true => Err("the image is kept in the first format, which has no lasting digest: push it \
            again with a tool of this decade"
            .to_owned()),
        false => Ok(()),
    }
}

impl Manifest {
    pub(super) fn read(body: &[u8], digest: String) -> Result<Manifest, String> {
        let written: Written = serde_json::from_slice(body)
            .map_err(|error| format!("its manifest is not one: {error}"))?;
        let media_type = written.media_type.unwrap_or_default();
        let kind = match (written.config, written.manifests) {
            (_, Some(manifests)) if written_as_index(&media_type) => {
                let all = manifests.into_iter().take(MAX_PLATFORMS).filter_map(listed);
                Kind::Index { images: all.collect() }
            }
            (Some(config), _) if !written_only_as_index(&media_type) => {
                Kind::Image { config_type: config.media_type, config: config.digest }
            }
            _ => return Err("its manifest is neither that of an image nor an index".to_owned()),
        };
        Ok(Manifest { digest, kind })
    }

    /// The digest of the image for a platform, if this is an index that has one.
    pub(super) fn image_for(&self, wanted: &Platform) -> Option<&str> {
        let Kind::Index { images } = &self.kind else { return None };
        let mut serving: Vec<_> = images.iter().filter(|(has, _)| has.serves(wanted)).collect();
        // Without a wish the plainest one is meant.
        serving.sort_by_key(|(has, _)| has.variant.is_some());
        serving.first().map(|(_, digest)| digest.as_str())
    }
}

/// A manifest that does not say what it is, is what it looks like.
fn written_as_index(media_type: &str) -> bool {
    media_type.is_empty() || INDEXES.contains(&media_type)
}

fn written_only_as_index(media_type: &str) -> bool {
    INDEXES.contains(&media_type)
}

/// Attestations beside the images have a platform that is `unknown`.
fn listed(descriptor: Descriptor) -> Option<(Platform, String)> {
    let WrittenPlatform { os, architecture, variant } = descriptor.platform?;
    if os == "unknown" {
        return None;
    }
    Some((Platform { os, architecture, variant }, descriptor.digest))
}

impl ImageConfig {
    pub(super) fn platform(self) -> Option<Platform> {
        Some(Platform { os: self.os?, architecture: self.architecture?, variant: self.variant })
    }

    pub(super) fn serves(self, wanted: &Platform) -> Result<(), String> {
        match self.platform() {
            Some(has) if has.serves(wanted) => Ok(()),
            Some(has) => Err(format!("the image is for {has}, and not for {wanted}")),
            None => Err(format!("the image does not say that it is for {wanted}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn index() -> Manifest {
        let entry = |platform: serde_json::Value, digest: &str| json!({"digest": digest, "platform": platform});
        let text = json!({"schemaVersion": 2, "manifests": [
            entry(json!({"os": "unknown", "architecture": "unknown"}), "attestation"),
            entry(json!({"os": "linux", "architecture": "arm", "variant": "v6"}), "arm6"),
            entry(json!({"os": "linux", "architecture": "arm", "variant": "v7"}), "arm7"),
            entry(json!({"os": "linux", "architecture": "arm64", "variant": "v8"}), "arm64"),
            entry(json!({"os": "linux", "architecture": "amd64", "variant": "v3"}), "amd64v3"),
            entry(json!({"os": "linux", "architecture": "amd64"}), "amd64"),
            entry(json!({"os": "windows", "architecture": "amd64"}), "windows"),
            json!({"digest": "none"}),
        ]});
        Manifest::read(text.to_string().as_bytes(), "d".to_owned()).unwrap()
    }

    #[test]
    fn an_index_is_asked_for_the_platform_that_is_meant() {
        let index = index();
        for (wanted, digest) in [
            ("linux/amd64", Some("amd64")),
            ("linux/amd64/v3", Some("amd64v3")),
            ("linux/arm64", Some("arm64")),
            ("linux/arm64/v8", Some("arm64")),
            ("linux/arm64/v9", None),
            ("linux/arm/v7", Some("arm7")),
            ("linux/s390x", None),
            ("unknown/unknown", None),
        ] {
            assert_eq!(index.image_for(&Platform::parse(wanted).unwrap()), digest, "{wanted}");
        }
        for wrong in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/ amd64"] {
            assert!(Platform::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_manifest_that_could_be_read_as_two_things_is_read_as_what_it_says() {
        let both = |media_type: &str| {
            let text = json!({"mediaType": media_type, "config": {"digest": "c"}, "manifests": []});
            Manifest::read(text.to_string().as_bytes(), "d".to_owned()).map(|it| it.kind)
        };
        assert!(matches!(both(INDEXES[0]), Ok(Kind::Index { .. })));
        let image = "application/vnd.oci.image.manifest.v1+json";
        assert!(matches!(both(image), Ok(Kind::Image { .. })));
        for wrong in ["", "[]", "{}", r#"{"config": {}}"#, "\u{0}"] {
            assert!(Manifest::read(wrong.as_bytes(), String::new()).is_err(), "{wrong}");
        }
        assert!(check_type("application/vnd.docker.distribution.manifest.v1+prettyjws").is_err());
    }
}
