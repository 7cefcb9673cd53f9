//! Which secrets a plan uses, and where.

use super::{Node, Plan};
use std::collections::BTreeSet;

/// A secret, and the environment of a stage that uses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretUse {
    pub name: String,
    pub environment: Option<String>,
}

impl Plan {
    /// The secrets that its stages use.
    pub fn secrets(&self) -> &BTreeSet<SecretUse> {
        &self.secrets
    }
}

pub(super) fn of(nodes: &[Node]) -> BTreeSet<SecretUse> {
    let of = |node: &Node| -> Vec<SecretUse> {
        let used = node.config.secrets().into_iter();
        used.map(|it| SecretUse { name: it.name.to_owned(), environment: node.environment.clone() })
            .collect()
    };
    nodes.iter().flat_map(of).collect()
}
