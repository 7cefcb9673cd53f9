//! The files a plan may read: read once, held in memory, known by content.

use crate::id::BlobName;
use std::{collections::BTreeMap, sync::Arc};

/// What a stage's configuration asks to read: a file, a folder or a glob, relative to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRequest {
    /// Where in the configuration it stands, for diagnostics.
    pub place: Vec<Step>,
    pub pattern: String,
}

/// One step into a configuration value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// One file as it was read. Paths are relative to the root, with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub content: Arc<[u8]>,
    pub name: BlobName,
}

/// What was found for each request, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Files {
    found: BTreeMap<String, Found>,
    contents: BTreeMap<String, File>,
}

/// The answer to one pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Paths in the order in which they are applied; never empty.
    Paths(Vec<String>),
    /// Nothing usable; the reason is a fragment that says what to do.
    Nothing { reason: String },
}

impl Files {
    pub fn insert_file(&mut self, path: String, file: File) {
        self.contents.insert(path, file);
    }

    pub fn insert_answer(&mut self, pattern: String, found: Found) {
        self.found.insert(pattern, found);
    }

    /// What was found for `pattern`, or why nothing was.
    pub fn found(&self, pattern: &str) -> Found {
        self.found
            .get(pattern)
            .cloned()
            .unwrap_or_else(|| Found::Nothing { reason: format!("`{pattern}` was not read") })
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.contents.get(path)
    }
}
