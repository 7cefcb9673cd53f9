//! Asks repositories of charts what was published there, and whether what was told is so.

use super::OCI;
use crate::registries::{in_time, poll_error, read, written};
use artifacts::{
    Reference, Repository,
    registry::{Charts, Pace, Registries, RegistryError, TagCursor, TagFilter},
};
use engine_core::{
    BoxFuture,
    happening::{Chart, Confirmation, Happening},
    trigger::{IndexKey, PollError, Polled, Poller, Rest},
};
use serde_json::Value;

/// Polls charts, in repositories with an index and in registries.
pub struct ChartPoller(pub Registries);

impl Poller for ChartPoller {
    fn poll<'a>(
        &'a self,
        subject: &'a IndexKey,
        cursor: Option<Value>,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(in_time(self.found(subject, cursor)))
    }
}

impl ChartPoller {
    async fn found(&self, subject: &IndexKey, cursor: Option<Value>) -> Result<Polled, PollError> {
        let (repository, name) = place(subject)?;
        let last: Option<TagCursor> = read(cursor)?;
        let filters = [TagFilter::Any];
        let polled = match repository.strip_prefix(OCI) {
            Some(registry) => {
                let images = in_registry(registry, name)?;
                self.0.poll((&images, None), &filters, last.as_ref()).await
            }
            None => self.0.poll_charts((repository, name), &filters, last.as_ref()).await,
        };
        let polled = match polled {
            Ok(polled) => polled,
            // Its first version will be new.
            Err(RegistryError::Missing { .. }) => {
                let cursor = written(&last.unwrap_or_default())?;
                return Ok(Polled { happenings: Vec::new(), cursor, rest: Rest::None });
            }
            Err(error) => return Err(poll_error(&error)),
        };
        let chart = |tag: &str, digest: String| Chart {
            repository: repository.to_owned(),
            name: name.to_owned(),
            version: version(repository, tag),
            digest: Some(digest),
            confirmation: Confirmation::Yes,
        };
        let findings = polled.found.findings.into_iter();
        let happenings: Vec<Happening> =
            findings.map(|it| Happening::Chart(chart(&it.tag, it.digest))).collect();
        let rest = match polled.pace {
            Pace::Usual => Rest::None,
            Pace::Again { after } if happenings.is_empty() && !after.is_zero() => {
                let reason = format!("{repository} wants to be left alone");
                return Err(PollError::Later { reason, after: Some(after) });
            }
            Pace::Again { .. } => Rest::More,
        };
        Ok(Polled { happenings, cursor: written(&polled.found.cursor)?, rest })
    }
}

/// The version that was told of, as its repository has it now. A notification that nothing stands
/// behind is [`PollError::Refused`].
pub async fn confirm(registries: &Registries, hint: &Chart) -> Result<Chart, PollError> {
    in_time(async {
        let digest = match hint.repository.strip_prefix(OCI) {
            Some(registry) => {
                let repository = in_registry(registry, &hint.name)?;
                let tag = Some(hint.version.replacen('+', "_", 1));
                let reference = Reference { repository, tag, digest: None };
                registries.resolve(&reference, None).await.map_err(|it| poll_error(&it))?
            }
            None => listed(registries, hint).await?,
        };
        Ok(Chart { digest: Some(digest), confirmation: Confirmation::Yes, ..hint.clone() })
    })
    .await
}

async fn listed(registries: &Registries, hint: &Chart) -> Result<String, PollError> {
    let asked = registries.charts((&hint.repository, &hint.name), None).await;
    let versions = match asked.map_err(|error| poll_error(&error))? {
        Charts::Listed { versions, .. } => versions,
        Charts::Unchanged => Vec::new(),
    };
    let found = versions.into_iter().find(|it| it.version == hint.version);
    found.map(|it| it.digest).ok_or_else(|| PollError::Refused {
        reason: format!("{} has no {} {}", hint.repository, hint.name, hint.version),
    })
}

fn place(subject: &IndexKey) -> Result<(&str, &str), PollError> {
    match subject {
        IndexKey::Chart { repository, name } => Ok((repository, name)),
        IndexKey::Git { .. }
        | IndexKey::Image { .. }
        | IndexKey::Hook { .. }
        | IndexKey::Time { .. }
        | IndexKey::Ended { .. } => {
            Err(PollError::Refused { reason: format!("{subject} is no chart") })
        }
    }
}

fn in_registry(registry: &str, name: &str) -> Result<Repository, PollError> {
    Repository::parse(&format!("{registry}/{name}"))
        .map_err(|error| PollError::Refused { reason: error.to_string() })
}

/// Tags have no plus, and versions may.
fn version(repository: &str, tag: &str) -> String {
    match repository.starts_with(OCI) {
        true => tag.replacen('_', "+", 1),
        false => tag.to_owned(),
    }
}
