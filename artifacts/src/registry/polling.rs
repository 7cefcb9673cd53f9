//! Looks at a repository, and tells what became of its tags since the last look.

use super::{
    Registries, RegistryError, TagFilter,
    manifest::Platform,
    poll::{Digests, Found, TagCursor, TagPoll, Told},
    tags::{Listing, TagPage, TagsFrom, Validators},
};
use crate::reference::{Reference, Repository};
use futures::stream::{self, StreamExt};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const MAX_PAGES: usize = 1_000;
/// New tags that are asked about in one look; the others are found by the next.
const MAX_ASKED: usize = 500;
const AT_ONCE: usize = 4;

/// What a look brought. The cursor is to be stored after what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    pub found: Found,
    pub pace: Pace,
}

/// When there is more to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When the repository has changed.
    Usual,
    /// There is more already: come again with the cursor after this time.
    Again { after: Duration },
}

/// The answers about single tags, as far as they came.
#[derive(Default)]
struct Asked<T> {
    answers: BTreeMap<String, T>,
    /// Whether the registry wanted to be left alone before the end.
    stopped: Option<Duration>,
}

impl Registries {
    /// Looks at the tags of a repository, for filters that each have an interest in it. Without a
    /// cursor it is the first look, which finds nothing.
    pub async fn poll(
        &self,
        (repository, platform): (&Repository, Option<&Platform>),
        filters: &[TagFilter],
        last: Option<&TagCursor>,
    ) -> Result<Polled, RegistryError> {
        let mut poll = TagPoll::new(filters, last);
        let validators = match self.list(repository, last, &mut poll).await? {
            Listed::Read(validators) => validators,
            Listed::Unchanged(cursor) => {
                poll = poll.unchanged(cursor);
                cursor.validators.clone()
            }
        };
        let fresh = poll.fresh();
        let mut wanted = poll.watched();
        for tag in &fresh {
            wanted.remove(tag);
        }
        wanted.extend(fresh.iter().take(MAX_ASKED).cloned());
        let look = |tag: String| self.look((repository, platform), tag);
        let told = each(wanted, look).await?;
        let mut digests: Digests = told.answers;
        let date = |tag: String| self.date((repository, platform), tag);
        let dated = each(poll.dated(&digests), date).await?;
        for tag in poll.dated(&digests).iter().filter(|tag| !dated.answers.contains_key(*tag)) {
            digests.remove(tag);
        }
        let built =
            dated.answers.into_iter().filter_map(|(tag, built)| Some((tag, built?))).collect();
        let more = fresh.len() > MAX_ASKED;
        let stopped = told.stopped.or(dated.stopped).or(more.then_some(Duration::ZERO));
        let pace = stopped.map_or(Pace::Usual, |after| Pace::Again { after });
        Ok(Polled { found: poll.finish(&digests, &built, validators), pace })
    }

    async fn list<'a>(
        &self,
        repository: &Repository,
        last: Option<&'a TagCursor>,
        poll: &mut TagPoll<'_>,
    ) -> Result<Listed<'a>, RegistryError> {
        let known = last.and_then(|cursor| Some((cursor, cursor.validators.as_ref()?)));
        let from = known.map_or(TagsFrom::Start, |(_, validators)| TagsFrom::Changed(validators));
        let host = repository.normal().registry.unwrap_or_default();
        let refused = |reason: String| RegistryError::Refused { host: host.clone(), reason };
        let mut listing = self.tags(repository, from).await?;
        for page in 0..MAX_PAGES {
            let TagPage { tags, next, validators } = match (listing, known) {
                (Listing::Page(page), _) => page,
                (Listing::Unchanged, Some((cursor, _))) => return Ok(Listed::Unchanged(cursor)),
                (Listing::Unchanged, None) => {
                    return Err(refused(
                        "it says that nothing changed, to a first look".to_owned(),
                    ));
                }
            };
            poll.page(tags).map_err(|error| refused(error.to_string()))?;
            let Some(next) = next else {
                // They are of one page, and so of the list only if that is all of it.
                return Ok(Listed::Read(validators.filter(|_| page == 0)));
            };
            listing = self.tags(repository, TagsFrom::Page(&next)).await?;
        }
        Err(refused(format!("its list of tags has more than {MAX_PAGES} pages")))
    }

    async fn look(
        &self,
        (repository, platform): (&Repository, Option<&Platform>),
        tag: String,
    ) -> Result<(String, Answered<Told>), RegistryError> {
        let answer = match self.resolve(&tagged(repository, &tag), platform).await {
            Ok(digest) => Answered::With(Told::Digest(digest)),
            // Deleted since it was listed: should it come back, it is new.
            Err(RegistryError::Missing { .. }) => Answered::Not,
            Err(RegistryError::Refused { .. } | RegistryError::TooLarge { .. }) => {
                Answered::With(Told::Nothing)
            }
            Err(RegistryError::Unreachable { again, .. }) => Answered::Stop(again),
            Err(error @ RegistryError::Unauthorised { .. }) => return Err(error),
        };
        Ok((tag, answer))
    }

    async fn date(
        &self,
        (repository, platform): (&Repository, Option<&Platform>),
        tag: String,
    ) -> Result<(String, Answered<Option<jiff::Timestamp>>), RegistryError> {
        let answer = match self.created(&tagged(repository, &tag), platform).await {
            Ok(built) => Answered::With(Some(built)),
            Err(RegistryError::Missing { .. }) => Answered::Not,
            Err(RegistryError::Refused { .. } | RegistryError::TooLarge { .. }) => {
                Answered::With(None)
            }
            Err(RegistryError::Unreachable { again, .. }) => Answered::Stop(again),
            Err(error @ RegistryError::Unauthorised { .. }) => return Err(error),
        };
        Ok((tag, answer))
    }
}

/// What the list of tags was.
enum Listed<'a> {
    Read(Option<Validators>),
    Unchanged(&'a TagCursor),
}

/// What became of one question among many.
enum Answered<T> {
    With(T),
    Not,
    Stop(Duration),
}

/// Asks about each, a few at a time, until the registry wants to be left alone.
async fn each<T, F>(
    tags: BTreeSet<String>,
    ask: impl Fn(String) -> F,
) -> Result<Asked<T>, RegistryError>
where
    F: Future<Output = Result<(String, Answered<T>), RegistryError>>,
{
    let mut asked = Asked { answers: BTreeMap::new(), stopped: None };
    let mut answers = stream::iter(tags).map(ask).buffered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        match answer? {
            (tag, Answered::With(answer)) => drop(asked.answers.insert(tag, answer)),
            (_, Answered::Not) => {}
            (_, Answered::Stop(again)) => {
                asked.stopped = Some(again);
                break;
            }
        }
    }
    Ok(asked)
}

fn tagged(repository: &Repository, tag: &str) -> Reference {
    Reference { repository: repository.clone(), tag: Some(tag.to_owned()), digest: None }
}
