//! The secrets of this process, and the mask over all that it says.

use crate::arguments::Common;
use engine_core::{Pipeline, plan::Environments, stage::SecretError};
use engine_runtime::{
    mask::Mask,
    secrets::{Kept, Secrets, Wanted},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

/// Every secret that this process has seen; its log is written through it.
pub(crate) static MASK: LazyLock<Arc<Mask>> = LazyLock::new(Arc::default);

/// Where this process finds secrets.
pub(crate) fn of(common: &Common) -> Secrets {
    let variables = std::env::vars_os();
    let text = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let kept = Kept::new(text, common.secrets_directory.clone());
    Secrets { source: Arc::new(kept), mask: MASK.clone() }
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
        Some((name, words(secrets.source.find(&wanted).err()?)))
    });
    let lacking: BTreeMap<String, String> = lacking.collect();
    environments.clone().lacking_secrets(lacking)
}

fn words(error: SecretError) -> String {
    match error {
        SecretError::Unknown { looked: words, .. }
        | SecretError::Unusable { why: words, .. }
        | SecretError::Unreadable { why: words, .. } => words,
        SecretError::NotGranted { by, .. } => format!("it may not be used by {by}"),
    }
}
