//! What applying a whole set would come to, found out before the first write.

use crate::{
    Cluster, Found, Located, Location, Ownership, error::ClusterError, location::Named,
    marks::Marks,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde_json::Value;
use std::{collections::BTreeSet, fmt};

/// Objects that are tried at once.
const AT_ONCE: usize = 8;

/// One object of a set with its place and marks.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub object: &'a Value,
    pub marks: &'a Marks,
    /// Where it goes if it names no namespace.
    pub namespace: &'a str,
}

/// Why a set cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RehearsalError {
    /// Could not be told; try again.
    #[error(transparent)]
    Cluster(ClusterError),
    /// Every object that would be refused.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
}

/// One object that would be refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub object: String,
    pub reason: String,
}

/// One object's answer.
enum Answer {
    Accepted,
    /// Its kind, or its namespace, is made by the set itself: it cannot be tried yet.
    TooEarly,
    Refused(Refusal),
}

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    Whole,
    /// Some objects wait for what the set itself defines; rehearse again when that is there.
    Partly,
}

impl Cluster {
    /// Tries every object and tells every refusal at once. Writes nothing.
    pub async fn rehearse(
        &self,
        candidates: &[Candidate<'_>],
    ) -> Result<Rehearsed, RehearsalError> {
        let own = Own::of(candidates.iter().map(|candidate| candidate.object));
        let tries: Vec<BoxFuture<'_, _>> = candidates
            .iter()
            .map(|candidate| self.try_candidate(candidate, &own).boxed())
            .collect();
        // In order, so that the same set is refused in the same words.
        let mut answers = stream::iter(tries).buffered(AT_ONCE);
        let (mut refusals, mut rehearsed) = (Vec::new(), Rehearsed::Whole);
        while let Some(answer) = answers.next().await {
            match answer.map_err(RehearsalError::Cluster)? {
                Answer::Accepted => {}
                Answer::TooEarly => rehearsed = Rehearsed::Partly,
                Answer::Refused(refusal) => refusals.push(refusal),
            }
        }
        if refusals.is_empty() { Ok(rehearsed) } else { Err(RehearsalError::Refused(refusals)) }
    }

    async fn try_candidate(
        &self,
        candidate: &Candidate<'_>,
        own: &Own,
    ) -> Result<Answer, ClusterError> {
        let Candidate { object, marks, namespace } = *candidate;
        let location = match self.locate(object, namespace).await? {
            Located::At(location) => location,
            Located::UnknownKind if own.defines(object) => return Ok(Answer::TooEarly),
            Located::UnknownKind => return Ok(Answer::Refused(unknown_kind(object))),
        };
        let found = self.read(&location).await?;
        if let Some(reason) = objection(&found, marks) {
            return Ok(Answer::Refused(Refusal { object: location.to_string(), reason }));
        }
        match self.try_apply(&location, (object, marks), &found).await {
            Ok(_) => Ok(Answer::Accepted),
            Err(ClusterError::NotFound(_)) if own.makes_namespace_of(&location) => {
                Ok(Answer::TooEarly)
            }
            Err(
                error @ (ClusterError::Conflict(_)
                | ClusterError::Refused(_)
                | ClusterError::NotFound(_)),
            ) => Ok(Answer::Refused(Refusal {
                object: location.to_string(),
                reason: error.to_string(),
            })),
            // It comes and goes at this moment: the apply itself reads again.
            Err(ClusterError::Changed(_)) => Ok(Answer::Accepted),
            Err(
                error @ (ClusterError::Unreachable { .. }
                | ClusterError::OutcomeUnknown { .. }
                | ClusterError::Unauthorized { .. }),
            ) => Err(error),
        }
    }
}

/// Why what is there must not be written over.
pub fn objection(found: &Found, marks: &Marks) -> Option<String> {
    let Found::There(live) = found else { return None };
    match live.ownership(marks) {
        Ownership::Other(owner) => Some(format!("it belongs to {owner}")),
        Ownership::Unmarked | Ownership::Ours => None,
    }
}

fn unknown_kind(object: &Value) -> Refusal {
    let named = Named::of(object);
    Refusal {
        object: format!("{} {}", named.kind.to_lowercase(), named.name),
        reason: format!(
            "the cluster serves no kind `{}` in `{}`, and the set does not define it",
            named.kind, named.version
        ),
    }
}

/// What a set brings along itself.
struct Own {
    /// Group and kind.
    kinds: BTreeSet<(String, String)>,
    namespaces: BTreeSet<String>,
}

impl Own {
    fn of<'a>(objects: impl Iterator<Item = &'a Value>) -> Own {
        let mut own = Own { kinds: BTreeSet::new(), namespaces: BTreeSet::new() };
        for object in objects {
            let named = Named::of(object);
            let text = |place: &str| object.pointer(place).and_then(Value::as_str);
            match (named.kind, text("/spec/group"), text("/spec/names/kind")) {
                ("CustomResourceDefinition", Some(group), Some(kind)) => {
                    own.kinds.insert((group.to_owned(), kind.to_owned()));
                }
                ("Namespace", _, _) => {
                    own.namespaces.insert(named.name.to_owned());
                }
                (_, _, _) => {}
            }
        }
        own
    }

    fn defines(&self, object: &Value) -> bool {
        let named = Named::of(object);
        self.kinds.contains(&(named.group().to_owned(), named.kind.to_owned()))
    }

    fn makes_namespace_of(&self, location: &Location) -> bool {
        location.namespace.as_ref().is_some_and(|namespace| self.namespaces.contains(namespace))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.object, self.reason)
    }
}
