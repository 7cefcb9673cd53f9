//! Asks registries what was pushed, where they do not tell us, and whether what was told is so.

use crate::registries::{in_time, poll_error, read, written};
use artifacts::{
    Reference, Repository,
    registry::{Found, Pace, Registries, RegistryError, TagCursor, TagFilter},
};
use engine_core::{
    BoxFuture,
    happening::{Confirmation, Happening, Image, Platforms},
    trigger::{IndexKey, PollError, Polled, Poller, Rest},
};
use futures::stream::{self, StreamExt};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Images that one poll tells of; the others follow at once.
const PAGE: usize = 100;
const AT_ONCE: usize = 8;

/// Polls repositories of images. Every tag that is new, or stands for another image, is found;
/// versions in their order, after all others.
pub struct ImagePoller(pub Registries);

/// What is remembered of a repository.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cursor {
    tags: TagCursor,
    /// Found, and not told of yet.
    #[serde(default)]
    pending: Vec<String>,
}

/// What came of looking at some images.
#[derive(Default)]
struct Looked {
    happenings: Vec<Happening>,
    /// How many of the tags were looked at.
    done: usize,
    stopped: Option<RegistryError>,
}

impl Poller for ImagePoller {
    fn poll<'a>(
        &'a self,
        subject: &'a IndexKey,
        cursor: Option<Value>,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(in_time(self.page(subject, cursor)))
    }
}

impl ImagePoller {
    async fn page(&self, subject: &IndexKey, cursor: Option<Value>) -> Result<Polled, PollError> {
        let repository = repository(subject)?;
        let last: Option<Cursor> = read(cursor)?;
        let (cursor, pace) = match last {
            // The list itself may have more: it is asked for again after what was found.
            Some(cursor) if !cursor.pending.is_empty() => {
                (cursor, Pace::Again { after: Duration::ZERO })
            }
            other => self.listed(&repository, other.map(|cursor| cursor.tags)).await?,
        };
        let looked = self.look(&repository, &cursor.pending).await;
        let pending = cursor.pending.get(looked.done..).unwrap_or_default().to_vec();
        let rest = match (looked.stopped, pace) {
            (Some(error), _) if looked.done == 0 => return Err(poll_error(&error)),
            (None, Pace::Again { after }) if looked.done == 0 && !after.is_zero() => {
                let reason = format!("the registry of {repository} wants to be left alone");
                return Err(PollError::Later { reason, after: Some(after) });
            }
            (Some(_), _) | (None, Pace::Again { .. }) => Rest::More,
            (None, Pace::Usual) if pending.is_empty() => Rest::None,
            (None, Pace::Usual) => Rest::More,
        };
        let cursor = written(&Cursor { tags: cursor.tags, pending })?;
        Ok(Polled { happenings: looked.happenings, cursor, rest })
    }

    /// What is new. A repository that is not there has nothing: its first image will be new.
    async fn listed(
        &self,
        repository: &Repository,
        last: Option<TagCursor>,
    ) -> Result<(Cursor, Pace), PollError> {
        match self.0.poll((repository, None), &[TagFilter::Any], last.as_ref()).await {
            Ok(polled) => {
                let Found { findings, cursor: tags } = polled.found;
                let mut pending: Vec<String> = findings.into_iter().map(|it| it.tag).collect();
                pending.sort_by_cached_key(|tag| (version(tag), tag.clone()));
                Ok((Cursor { tags, pending }, polled.pace))
            }
            Err(RegistryError::Missing { .. }) => {
                let tags = last.unwrap_or_default();
                Ok((Cursor { tags, pending: Vec::new() }, Pace::Usual))
            }
            Err(error) => Err(poll_error(&error)),
        }
    }

    async fn look(&self, repository: &Repository, tags: &[String]) -> Looked {
        let describe = |tag: &String| {
            let repository = repository.clone();
            let reference = Reference { repository, tag: Some(tag.clone()), digest: None };
            async move { described(&self.0, &reference).await }
        };
        let mut looked = Looked::default();
        let mut answers = stream::iter(tags.iter().take(PAGE)).map(describe).buffered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(image) => looked.happenings.push(Happening::Image(image)),
                // It is gone again, or stands for nothing that could be deployed.
                Err(
                    RegistryError::Missing { .. }
                    | RegistryError::Refused { .. }
                    | RegistryError::TooLarge { .. },
                ) => {}
                Err(
                    error
                    @ (RegistryError::Unreachable { .. } | RegistryError::Unauthorised { .. }),
                ) => {
                    looked.stopped = Some(error);
                    break;
                }
            }
            looked.done += 1;
        }
        looked
    }
}

/// The image that was told of, as its registry has it now. A notification that nothing stands behind
/// is [`PollError::Refused`].
pub async fn confirm(registries: &Registries, hint: &Image) -> Result<Image, PollError> {
    let written = Repository::parse(&hint.repository);
    let repository = written.map_err(|error| PollError::Refused { reason: error.to_string() })?;
    let digest = if hint.tag.is_some() { None } else { hint.digest.clone() };
    let reference = Reference { repository, tag: hint.tag.clone(), digest };
    let asked = async { described(registries, &reference).await.map_err(|it| poll_error(&it)) };
    in_time(asked).await
}

async fn described(registries: &Registries, reference: &Reference) -> Result<Image, RegistryError> {
    let (digest, platforms) = registries.described(reference).await?;
    Ok(Image {
        repository: reference.repository.normal().to_string(),
        tag: reference.tag.clone(),
        digest: Some(digest),
        platforms: Platforms::Those(platforms.iter().map(ToString::to_string).collect()),
        confirmation: Confirmation::Yes,
    })
}

fn repository(subject: &IndexKey) -> Result<Repository, PollError> {
    let refused = |reason: String| PollError::Refused { reason };
    match subject {
        IndexKey::Image { repository } => {
            Repository::parse(repository).map_err(|error| refused(error.to_string()))
        }
        IndexKey::Git { .. }
        | IndexKey::Chart { .. }
        | IndexKey::Hook { .. }
        | IndexKey::Time { .. }
        | IndexKey::Ended { .. } => Err(refused(format!("{subject} is no repository of images"))),
    }
}

fn version(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}
