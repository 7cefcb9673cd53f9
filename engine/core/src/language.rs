//! From the text of a file to a tree of values that know their places, and the walk that holds the
//! tree against a schema.

mod alternatives;
mod decode;
mod defaults;
mod duration;
mod events;
mod formats;
mod mapping;
mod publish;
mod scalar;
mod schema;
mod suggest;
mod text;
mod tree;
mod walk;

pub use duration::{Duration, DurationError};
pub use publish::published_schema;

pub(crate) use decode::decode;
pub(crate) use publish::publish;
pub(crate) use schema::Schemas;
pub(crate) use suggest::closest;
pub(crate) use text::{
    ConcurrencyText, DefaultsText, MatrixText, NeedText, PipelineText, RetryText, StageText,
    TriggerText,
};
pub(crate) use tree::{Content, Entry, Node, Tree, read_tree};
pub(crate) use walk::{SECRET_PLACES, Walk};
