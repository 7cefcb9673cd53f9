//! The secrets of this process, and the mask over all that it says.

use crate::{arguments::Common, clusters::Reach, platform::Found};
use engine_core::{
    Pipeline,
    latest::Latest,
    plan::Environments,
    platform::{Leave, Platform},
    stage::{Secret, SecretError},
};
use engine_runtime::{
    mask::Mask,
    secrets::{Kept, SecretSource, Secrets, Wanted},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, LazyLock},
};

/// Every secret that this process has seen; its log is written through it.
pub(crate) static MASK: LazyLock<Arc<Mask>> = LazyLock::new(Arc::default);

/// What the engine itself goes by is masked too: of `user:password` also the password alone.
pub(crate) fn learn(secret: &Secret) {
    MASK.learn(secret);
    if let Some((_, password)) = secret.expose().split_once(':') {
        MASK.learn(&Secret::new(password.to_owned()));
    }
}

/// Where this process finds secrets: those that the platform grants when they are asked for.
pub(crate) fn of(reach: &Reach) -> Secrets {
    let source = Granted { kept: reach.kept.clone(), platform: reach.in_force.clone() };
    Secrets { source: Arc::new(source), mask: MASK.clone() }
}

/// All of them, granted or not.
pub(crate) fn kept(common: &Common, found: &Found) -> Kept {
    let variables = std::env::vars_os();
    let text = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Kept::new(text, directory(common, found))
}

/// The folder with one file for each, if there is one.
pub(crate) fn directory(common: &Common, found: &Found) -> Option<PathBuf> {
    let written = found.platform.secrets_directory().map(|written| found.path(written));
    common.secrets_directory.clone().or(written)
}

struct Granted {
    kept: Latest<Kept>,
    platform: Latest<Platform>,
}

impl SecretSource for Granted {
    fn find(&self, wanted: &Wanted) -> Result<Secret, SecretError> {
        let Wanted { name, application, environment } = wanted;
        match self.platform.now().secret(name, (application, environment.as_deref())) {
            Leave::Granted => self.kept.now().find(wanted),
            Leave::Refused => {
                let place = environment.iter().map(|it| format!(" in {it}")).collect::<String>();
                let (name, by) = (name.clone(), format!("{application}{place}"));
                Err(SecretError::NotGranted { name, by })
            }
        }
    }
}

/// The environments for a pipeline that is about to start: its secrets must have values.
pub(crate) fn checked(
    environments: &Environments,
    (pipeline, secrets): (&Pipeline, &Secrets),
) -> Environments {
    let application = pipeline.application().unwrap_or_default();
    let lacking = pipeline.secrets().into_iter().filter_map(|name| {
        let application = application.to_owned();
        let wanted = Wanted { name: name.clone(), application, environment: None };
        Some((name, words(secrets.source.find(&wanted).err()?)?))
    });
    let lacking: BTreeMap<String, String> = lacking.collect();
    environments.clone().lacking_secrets(lacking)
}

/// Whether it is granted depends on the stage, and is told by compiling.
fn words(error: SecretError) -> Option<String> {
    match error {
        SecretError::Unknown { looked: words, .. }
        | SecretError::Unusable { why: words, .. }
        | SecretError::Unreadable { why: words, .. } => Some(words),
        SecretError::NotGranted { .. } => None,
    }
}
