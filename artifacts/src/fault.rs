//! What can be wrong with manifests and images, and where.

use crate::reference::ReferenceError;
use std::fmt;

/// One thing wrong. Rendering tells all of them at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file, or an object in it, is not what it should be.
    #[error("{file}: {place}{message}")]
    Manifest { file: String, place: Place, message: String },
    /// The value of an `images` entry is not an image reference.
    #[error("`{value}` is not an image reference: {reason}")]
    ImageValue { key: String, value: String, reason: ReferenceError },
    /// An `images` entry stands for no container of the set.
    #[error("`{key}` matches no image of the manifests, which use {}", listed(.used))]
    ImageUnmatched { key: String, used: Vec<String> },
}

/// Where in a file. Documents and lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    File,
    Document { document: usize },
    Line { document: usize, line: usize },
}

impl Fault {
    pub(crate) fn manifest(file: &str, place: Place, message: impl Into<String>) -> Fault {
        Fault::Manifest { file: file.to_owned(), place, message: message.into() }
    }
}

/// Ends in `: `, or says nothing of the whole file.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File => Ok(()),
            Place::Document { document } => write!(formatter, "document {document}: "),
            Place::Line { document, line } => {
                write!(formatter, "document {document}, line {line}: ")
            }
        }
    }
}

fn listed(used: &[String]) -> String {
    match used {
        [] => "none".to_owned(),
        used => used.iter().map(|image| format!("`{image}`")).collect::<Vec<_>>().join(", "),
    }
}
