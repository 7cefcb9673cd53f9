//! The registries of images that this process asks, and what images are known by digest before a run
//! starts.

use crate::{arguments::Common, platform::Found, secrets};
use anyhow::Context;
use artifacts::{
    Reference,
    registry::{Credentials, Others, Registries, Reveal, Settings, Standing, Transport},
};
use engine_core::{
    Plan,
    platform::{KnownRegistry, Platform},
};
use engine_runtime::secrets::{SecretSource, Wanted};
use futures::future::join_all;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
    time::Duration,
};

/// How long a start waits for registries; what they did not tell by then is asked by stages.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of a file of certificates.
const LARGEST_BYTES: u64 = 1024 * 1024;

/// Those that gennaker.yaml names, and no others; without one, any other without credentials.
pub(crate) fn of(common: &Common, found: &Found) -> anyhow::Result<Registries> {
    let others = match &*found.platform {
        Platform::Open => Others::Anonymous,
        Platform::File(_) => Others::Refused,
    };
    let known = found.platform.registries();
    let settings = known.into_iter().map(|it| Ok((it.host.clone(), settings(common, found, it)?)));
    let settings: BTreeMap<String, Settings> = settings.collect::<anyhow::Result<_>>()?;
    Registries::new(settings, others).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("registries of gennaker.yaml: {}", told.join("; "))
    })
}

fn settings(common: &Common, found: &Found, known: KnownRegistry) -> anyhow::Result<Settings> {
    let KnownRegistry { host, credentials, certificate_authority, poll: _ } = known;
    let pem = certificate_authority.map(|path| {
        let path = found.path(&path);
        let told = || format!("certificate authority {} of registry {host}", path.display());
        let size = fs::metadata(&path).with_context(told)?.len();
        anyhow::ensure!(size <= LARGEST_BYTES, "{} is larger than {LARGEST_BYTES} bytes", told());
        fs::read_to_string(&path).with_context(told)
    });
    let credentials = credentials.map(|name| Credentials::Secret(reveal(common, found, name)));
    Ok(Settings {
        credentials: credentials.unwrap_or_default(),
        certificate_authority: pem.transpose()?,
        transport: Transport::Usual,
    })
}

/// Secrets that registries want are the platform's own, and granted to nobody.
fn reveal(common: &Common, found: &Found, name: String) -> Reveal {
    let kept = secrets::kept(common, found);
    Arc::new(move || {
        let application = String::new();
        let wanted = Wanted { name: name.clone(), application, environment: None };
        let secret = kept.find(&wanted).map_err(|error| error.to_string())?;
        secrets::learn(&secret);
        Ok(secret.expose().to_owned().into())
    })
}

/// What the pipeline's references stand for, as far as their registries have settings and answer: by
/// the reference as it is written. What is left open is asked by the stages that need it.
pub(crate) async fn digests(registries: &Registries, plan: &Plan) -> BTreeMap<String, String> {
    let references = plan.document().images.values().filter_map(Value::as_str);
    let ask = async |text: &str| {
        let reference = Reference::parse(text).ok().filter(|it| it.digest.is_none())?;
        match registries.standing(&reference.repository) {
            Standing::Other => return None,
            Standing::Declared => {}
        }
        let pinned = tokio::time::timeout(PATIENCE, registries.pinned(&reference)).await;
        match pinned {
            Ok(Ok(pinned)) => Some((text.to_owned(), pinned.to_string())),
            Ok(Err(error)) => {
                tracing::info!(%error, image = text, "not known by digest yet");
                None
            }
            Err(_) => {
                tracing::info!(image = text, "not known by digest yet: no answer in time");
                None
            }
        }
    };
    let distinct: BTreeSet<&str> = references.collect();
    join_all(distinct.into_iter().map(ask)).await.into_iter().flatten().collect()
}

/// What becomes of each image that a pipeline's file names, in a sentence.
pub(crate) fn told(registries: &Registries, plan: &Plan) -> Vec<String> {
    let mut named: BTreeSet<String> = BTreeSet::new();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    named.extend(plan.document().images.values().filter_map(text));
    for node in plan.nodes() {
        let config = node.config.preview();
        let own = config.get("images").and_then(Value::as_object);
        named.extend(own.into_iter().flat_map(|own| own.values().filter_map(text)));
        named.extend(config.get("image").and_then(text));
    }
    named.iter().filter_map(|text| becomes(registries, text)).collect()
}

/// References that hang on what is not known yet are told when the run is there.
fn becomes(registries: &Registries, text: &str) -> Option<String> {
    let reference = Reference::parse(text).ok().filter(|it| it.digest.is_none())?;
    let host = reference.repository.normal().registry.unwrap_or_default();
    Some(match registries.standing(&reference.repository) {
        Standing::Declared => {
            format!("image {text}: the run asks {host} once for its digest, and deploys that")
        }
        Standing::Other => format!(
            "image {text}: deployed by its tag, as {host} is not under `registries` in gennaker.yaml"
        ),
    })
}
