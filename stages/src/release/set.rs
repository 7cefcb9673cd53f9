//! The stored form of a component's whole set.

use engine_core::{
    id::BlobName,
    stage::{Services, StageError},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The form that this program writes and reads.
const FORMAT: u32 = 1;

/// Objects as they are to be applied, without our marks. A stored format: only extended, by fields
/// with defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Set {
    format: u32,
    pub(crate) objects: Vec<Value>,
}

impl Set {
    pub(crate) fn new(objects: Vec<Value>) -> Set {
        Set { format: FORMAT, objects }
    }

    /// Equal sets have equal bytes, and so equal names.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, StageError> {
        serde_json::to_vec(self)
            .map_err(|error| StageError::Defect(format!("the set cannot be stored: {error}")))
    }

    /// Reads a recorded set back.
    pub(crate) async fn load(services: &dyn Services, name: &BlobName) -> Result<Set, StageError> {
        let content = services.read(name).await;
        let content = content.map_err(|error| StageError::Error(error.to_string()))?;
        let set: Set = serde_json::from_slice(&content).map_err(|error| {
            StageError::Defect(format!("the recorded set {name} cannot be read: {error}"))
        })?;
        if set.format > FORMAT {
            let found = set.format;
            return Err(StageError::Defect(format!(
                "the recorded set {name} has format {found}, this program reads up to {FORMAT}: \
                 use a newer release"
            )));
        }
        Ok(set)
    }
}
