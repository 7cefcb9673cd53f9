//! Images by digest: what a reference with a tag stands for is asked once in a run, recorded, and
//! holds for every stage of it from then on.

use crate::site::Trouble;
use artifacts::{
    Reference,
    registry::{Registries, RegistryError, Standing},
};
use engine_core::stage::{Record, StageError, StepContext};
use std::collections::{BTreeMap, BTreeSet};

/// What became of references.
pub(crate) enum Pinned {
    /// By the reference as it was written: those that stand for something else than themselves.
    All(BTreeMap<String, String>),
    /// These are to be recorded before any is used.
    First(Vec<Record>),
}

/// Asks the registries that have settings what references with tags stand for. Those of others, and
/// those that have a digest, stay as they are.
pub(crate) async fn pin(
    registries: &Registries,
    context: &StepContext,
    references: impl IntoIterator<Item = &String>,
) -> Result<Pinned, Trouble> {
    let wanted: BTreeSet<&String> = references.into_iter().collect();
    let (mut known, mut records) = (BTreeMap::new(), Vec::new());
    for text in wanted {
        // What is no reference is told by whoever uses it.
        let Ok(reference) = Reference::parse(text) else { continue };
        if reference.digest.is_some() {
            continue;
        }
        match (context.images.get(text), registries.standing(&reference.repository)) {
            (Some(resolved), _) => drop(known.insert(text.clone(), resolved.clone())),
            (None, Standing::Other) => {}
            (None, Standing::Declared) => {
                let resolved = registries.pinned(&reference).await?.to_string();
                records.push(Record::Image { reference: text.clone(), resolved });
            }
        }
    }
    Ok(if records.is_empty() { Pinned::All(known) } else { Pinned::First(records) })
}

impl From<RegistryError> for Trouble {
    fn from(error: RegistryError) -> Trouble {
        let words = error.to_string();
        match error {
            RegistryError::Unreachable { .. } => Trouble::Away(words),
            RegistryError::Unauthorised { .. } => StageError::Error(words).into(),
            RegistryError::Missing { .. }
            | RegistryError::TooLarge { .. }
            | RegistryError::Refused { .. } => StageError::Failure(words).into(),
        }
    }
}
