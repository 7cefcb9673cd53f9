//! From a reference to the digest of what it stands for.

use super::{
    Registries, RegistryError, digest,
    host::{Call, Host},
    manifest::{self, ImageConfig, Kind, MANIFESTS, Manifest, Platform},
};
use crate::reference::Reference;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName},
};
use std::sync::Arc;

/// As the specification of registries has it, for what clients push.
const MANIFEST_BYTES: usize = 4 * 1024 * 1024;
const CONFIG_BYTES: usize = 4 * 1024 * 1024;
const LATEST: &str = "latest";
const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");

/// A repository at its registry, and what of it is asked about.
struct Asked<'a> {
    host: Arc<Host>,
    repository: String,
    reference: &'a str,
    what: String,
}

impl Registries {
    /// The digest, with its algorithm, of what a reference stands for: of an index whole, unless the
    /// image for a platform is wanted. A reference that has a digest is not asked about otherwise.
    pub async fn resolve(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<String, RegistryError> {
        let Some(platform) = platform else {
            return match &reference.digest {
                Some(digest) => Ok(digest.clone()),
                None => self.asked(reference)?.digest().await,
            };
        };
        let asked = self.asked(reference)?;
        let manifest = asked.manifest().await?;
        match &manifest.kind {
            Kind::Index { .. } => {
                let image = manifest.image_for(platform).map(str::to_owned);
                image.ok_or_else(|| {
                    asked.host.refused(format!("{} has no image for {platform}", asked.what))
                })
            }
            Kind::Image { config, .. } => {
                let config = asked.config(config).await?;
                config.serves(platform).map_err(|reason| asked.host.refused(reason))?;
                Ok(manifest.digest)
            }
        }
    }

    /// The same repository with the digest of what a reference stands for, in the place of its tag.
    pub async fn pinned(&self, reference: &Reference) -> Result<Reference, RegistryError> {
        let digest = Some(self.resolve(reference, None).await?);
        Ok(Reference { repository: reference.repository.clone(), tag: None, digest })
    }

    /// What a reference stands for; its digest is that of what was read.
    pub async fn manifest(&self, reference: &Reference) -> Result<Manifest, RegistryError> {
        self.asked(reference)?.manifest().await
    }

    /// The digest of what a reference stands for, and the platforms that it has images for.
    pub async fn described(
        &self,
        reference: &Reference,
    ) -> Result<(String, Vec<Platform>), RegistryError> {
        let asked = self.asked(reference)?;
        let manifest = asked.manifest().await?;
        let platforms = match manifest.kind {
            Kind::Index { images } => images.into_iter().map(|(platform, _)| platform).collect(),
            // A chart or a signature is kept as an image is, and runs on nothing.
            Kind::Image { config_type, .. } if !is_image(&config_type) => Vec::new(),
            Kind::Image { config, .. } => {
                asked.config(&config).await?.platform().into_iter().collect()
            }
        };
        Ok((manifest.digest, platforms))
    }

    /// When an image was built, as its configuration says; of an index, that of the platform, or of
    /// the first. Builds that are to be the same each time say a time long past.
    pub async fn created(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<jiff::Timestamp, RegistryError> {
        let asked = self.asked(reference)?;
        let mut manifest = asked.manifest().await?;
        if let Kind::Index { images } = &manifest.kind {
            let first = || images.first().map(|(_, digest)| digest.as_str());
            let image = platform.map_or_else(first, |platform| manifest.image_for(platform));
            let none = || asked.host.refused(format!("{} has no such image", asked.what));
            manifest = asked.image(image.ok_or_else(none)?).await?;
        }
        let Kind::Image { config, .. } = &manifest.kind else {
            return Err(asked.host.refused(format!("{} is an index of indexes", asked.what)));
        };
        let created = asked.config(config).await?.created.and_then(|text| text.parse().ok());
        created.ok_or_else(|| {
            asked.host.refused(format!("{} does not say when it was built", asked.what))
        })
    }

    fn asked<'a>(&self, reference: &'a Reference) -> Result<Asked<'a>, RegistryError> {
        let host = self.host_of(&reference.repository)?;
        let repository = reference.repository.normal().path;
        let tag = reference.tag.as_deref().unwrap_or(LATEST);
        let what = reference.to_string();
        Ok(Asked { host, repository, reference: reference.digest.as_deref().unwrap_or(tag), what })
    }
}

impl Asked<'_> {
    /// Asks for the headers, and for the body only if they do not say enough.
    async fn digest(&self) -> Result<String, RegistryError> {
        let answer =
            self.host.ask(&self.call(&self.manifest_path(self.reference), Method::HEAD)).await;
        let headers = match answer {
            Ok(answer) => answer.headers,
            // Some registries and what stands before them know nothing but GET.
            Err(RegistryError::Refused { .. }) => return Ok(self.manifest().await?.digest),
            Err(error) => return Err(error),
        };
        self.check_type(&headers)?;
        match self.told_digest(&headers)? {
            Some(digest) => Ok(digest),
            None => Ok(self.manifest().await?.digest),
        }
    }

    async fn manifest(&self) -> Result<Manifest, RegistryError> {
        self.image(self.reference).await
    }

    async fn image(&self, reference: &str) -> Result<Manifest, RegistryError> {
        let answer = self.host.ask(&self.call(&self.manifest_path(reference), Method::GET)).await?;
        self.check_type(&answer.headers)?;
        let refused = |reason| self.host.refused(reason);
        let told = self.told_digest(&answer.headers)?;
        for digest in told.iter().map(String::as_str).chain(digest_of(reference)) {
            digest::check(&answer.body, digest).map_err(refused)?;
        }
        let digest = digest_of(reference).map(str::to_owned).or(told);
        let digest = digest.unwrap_or_else(|| digest::of(&answer.body));
        Manifest::read(&answer.body, digest).map_err(refused)
    }

    async fn config(&self, digest: &str) -> Result<ImageConfig, RegistryError> {
        let refused = |reason: String| self.host.refused(reason);
        self.check_digest(digest)?;
        let path = format!("v2/{}/blobs/{digest}", self.repository);
        let call = Call { accept: "*/*", limit: CONFIG_BYTES, ..self.call(&path, Method::GET) };
        let answer = self.host.ask(&call).await?;
        digest::check(&answer.body, digest).map_err(refused)?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| refused(format!("its configuration is not one: {error}")))
    }

    fn manifest_path(&self, reference: &str) -> String {
        format!("v2/{}/manifests/{reference}", self.repository)
    }

    fn call<'a>(&'a self, path: &'a str, method: Method) -> Call<'a> {
        let (what, repository, accept) = (&self.what, &self.repository, MANIFESTS);
        Call { method, path, what, repository, accept, limit: MANIFEST_BYTES, known: None }
    }

    fn check_type(&self, headers: &HeaderMap) -> Result<(), RegistryError> {
        let told = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        manifest::check_type(told.unwrap_or_default()).map_err(|reason| self.host.refused(reason))
    }

    /// The digest that the registry tells, which must be one.
    fn told_digest(&self, headers: &HeaderMap) -> Result<Option<String>, RegistryError> {
        let Some(value) = headers.get(DIGEST_HEADER) else { return Ok(None) };
        let digest = value.to_str().unwrap_or_default();
        self.check_digest(digest)?;
        Ok(Some(digest.to_owned()))
    }

    fn check_digest(&self, digest: &str) -> Result<(), RegistryError> {
        let judged = crate::reference::digest(digest).map(drop);
        judged.map_err(|error| self.host.refused(error.to_string()))
    }
}

fn is_image(config_type: &str) -> bool {
    config_type.starts_with("application/vnd.oci.image.")
        || config_type.starts_with("application/vnd.docker.container.image.")
}

/// A tag has no colon.
fn digest_of(reference: &str) -> Option<&str> {
    reference.contains(':').then_some(reference)
}
