//! What became of the tags of a repository since it was last looked at: a pure function of what was
//! seen then and of what is there now.
//!
//! At first sight nothing is found. Every tag that was not there is found once, and again if it was
//! gone in between. Of the tags that a filter takes, a few are watched, and found when they stand for
//! another digest: those that look as if they could, like `latest`, and those that came last. Whoever asks stores the cursor after what was found, and not before.

use super::{
    filter::{TagFilter, lasts},
    tags::Validators,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Tags of one repository that are remembered.
const MAX_TAGS: usize = 100_000;
/// Tags that are watched for each filter.
const WATCHED: usize = 32;

/// What is remembered of a repository between two looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagCursor {
    /// A part of a hash of every tag that was there, in order.
    known: Vec<u64>,
    /// For each filter the digests of the tags that it watches.
    watched: BTreeMap<String, Vec<(String, String)>>,
    /// For each filter that wants the newest image, when that was built.
    #[serde(default)]
    newest: BTreeMap<String, jiff::Timestamp>,
    /// What the registry said of the list.
    #[serde(default)]
    pub validators: Option<Validators>,
}

/// What the registry told of tags, one by one. A tag of which nothing is told here is asked about the
/// next time.
pub type Digests = BTreeMap<String, Told>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Digest(String),
    /// It stands for nothing that could be deployed.
    Nothing,
}

/// One look, in the making.
#[derive(Debug)]
pub struct TagPoll<'a> {
    filters: &'a [TagFilter],
    last: Option<&'a TagCursor>,
    listed: BTreeSet<String>,
    list: List,
}

#[derive(Debug)]
enum List {
    Read,
    /// Only what is watched was taken from what was read before.
    Unchanged,
}

/// A tag that is new or stands for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub tag: String,
    pub digest: String,
    pub change: Change,
    /// Those of the filters that take it, by their place.
    pub filters: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    New,
    Moved { from: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub findings: Vec<Finding>,
    pub cursor: TagCursor,
}

/// More tags than are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has more than {MAX_TAGS} tags: delete some, or let the registry notify us")]
pub struct TooMany;

impl<'a> TagPoll<'a> {
    pub fn new(filters: &'a [TagFilter], last: Option<&'a TagCursor>) -> TagPoll<'a> {
        TagPoll { filters, last, listed: BTreeSet::new(), list: List::Read }
    }

    /// Takes in a page of the list.
    pub fn page(&mut self, tags: Vec<String>) -> Result<(), TooMany> {
        self.listed.extend(tags);
        if self.listed.len() > MAX_TAGS { Err(TooMany) } else { Ok(()) }
    }

    /// The list is as it was: only what is watched may have moved.
    pub fn unchanged(mut self, cursor: &'a TagCursor) -> TagPoll<'a> {
        (self.last, self.list) = (Some(cursor), List::Unchanged);
        self.listed = cursor.watched.values().flatten().map(|(tag, _)| tag.clone()).collect();
        self
    }

    /// The tags that are new to somebody, in the order of a filter that takes them.
    pub fn fresh(&self) -> Vec<String> {
        let Some(last) = self.last else { return Vec::new() };
        let fresh = self.listed.iter().filter(|tag| !last.knows(tag) && self.taken(tag));
        let mut fresh: Vec<String> = fresh.cloned().collect();
        if let Some(filter) = self.filters.first() {
            filter.sort(&mut fresh);
        }
        fresh
    }

    /// The tags that are watched, whose digest is wanted too.
    pub fn watched(&self) -> BTreeSet<String> {
        self.filters.iter().flat_map(|filter| self.watched_by(filter)).collect()
    }

    /// The tags of which it is wanted, too, when their images were built: for filters that want the
    /// newest, what is new or has moved; at first sight, what is watched.
    pub fn dated(&self, digests: &Digests) -> BTreeSet<String> {
        let fresh = self.fresh();
        let mut dated = BTreeSet::new();
        for filter in self.filters.iter().filter(|it| matches!(it, TagFilter::Newest(_))) {
            let before = self.last.and_then(|last| last.watched.get(&filter.key()));
            let as_before = |tag: &String| match (before, digests.get(tag)) {
                (Some(before), Some(Told::Digest(digest))) => {
                    before.iter().any(|(known, was)| known == tag && was == digest)
                }
                (None, Some(Told::Digest(_))) => false,
                (_, Some(Told::Nothing) | None) => true,
            };
            dated.extend(self.watched_by(filter).into_iter().filter(|tag| !as_before(tag)));
            dated
                .extend(fresh.iter().filter(|tag| filter.matches(tag) && !as_before(tag)).cloned());
        }
        dated
    }

    /// What was found, and what is to be remembered. A tag that is new and of which nothing was told
    /// is new the next time, too; one that is watched stays as it was. `built` says when images were
    /// built, for those that are [`dated`](TagPoll::dated).
    pub fn finish(
        self,
        digests: &Digests,
        built: &BTreeMap<String, jiff::Timestamp>,
        validators: Option<Validators>,
    ) -> Found {
        let fresh = self.fresh();
        let lacking: BTreeSet<&String> =
            fresh.iter().filter(|it| !digests.contains_key(*it)).collect();
        // A list that is not asked for again must not hide what is still to be looked at.
        let validators = validators.filter(|_| lacking.is_empty());
        let mut cursor = TagCursor { validators, ..TagCursor::default() };
        cursor.known = match (&self.list, self.last) {
            (List::Unchanged, Some(last)) => last.known.clone(),
            (List::Read | List::Unchanged, _) => self
                .listed
                .iter()
                .filter(|tag| !lacking.contains(tag))
                .map(|tag| mark(tag))
                .collect(),
        };
        cursor.known.sort_unstable();
        let mut findings: BTreeMap<String, Finding> = BTreeMap::new();
        for (place, filter) in self.filters.iter().enumerate() {
            let look = Look { poll: &self, filter, fresh: &fresh, digests, built };
            for (tag, digest, change) in look.found(&mut cursor) {
                let finding = Finding { tag: tag.clone(), digest, change, filters: Vec::new() };
                findings.entry(tag).or_insert(finding).filters.push(place);
            }
        }
        let mut ordered = Vec::new();
        for tag in &fresh {
            ordered.extend(findings.remove(tag));
        }
        ordered.extend(findings.into_values());
        Found { findings: ordered, cursor }
    }

    fn taken(&self, tag: &str) -> bool {
        self.filters.iter().any(|filter| filter.matches(tag))
    }

    /// Those that were watched and still are there, and the fresh ones; at first sight, those that
    /// look latest.
    fn watched_by(&self, filter: &TagFilter) -> Vec<String> {
        let before = self.last.and_then(|last| last.watched.get(&filter.key()));
        let mut watched: Vec<String> = match before {
            Some(before) => {
                let there = before.iter().filter(|(tag, _)| self.listed.contains(tag));
                there.map(|(tag, _)| tag.clone()).collect()
            }
            None => {
                let taken = self.listed.iter().filter(|tag| filter.matches(tag));
                let mut taken: Vec<String> = taken.cloned().collect();
                filter.sort(&mut taken);
                taken
            }
        };
        watched.sort_by_key(|tag| !lasts(tag));
        watched.drain(..watched.len().saturating_sub(WATCHED));
        watched
    }
}

/// What one filter makes of a look.
struct Look<'a> {
    poll: &'a TagPoll<'a>,
    filter: &'a TagFilter,
    fresh: &'a [String],
    digests: &'a Digests,
    built: &'a BTreeMap<String, jiff::Timestamp>,
}

impl Look<'_> {
    fn found(&self, cursor: &mut TagCursor) -> Vec<(String, String, Change)> {
        let key = self.filter.key();
        let before = self.poll.last.and_then(|last| last.watched.get(&key));
        let before = |tag: &str| {
            before.into_iter().flatten().find(|(known, _)| known == tag).map(|(_, digest)| digest)
        };
        let (mut found, mut watched) = (Vec::new(), Vec::new());
        for tag in self.poll.watched_by(self.filter) {
            let digest = match self.digests.get(&tag) {
                Some(Told::Digest(digest)) => digest.clone(),
                Some(Told::Nothing) => continue,
                None => match before(&tag) {
                    Some(digest) => digest.clone(),
                    None => continue,
                },
            };
            if let Some(from) = before(&tag).filter(|from| **from != digest) {
                let change = Change::Moved { from: from.clone() };
                found.push((tag.clone(), digest.clone(), change));
            }
            watched.push((tag, digest));
        }
        for tag in self.fresh.iter().filter(|tag| self.filter.matches(tag)) {
            let Some(Told::Digest(digest)) = self.digests.get(tag) else { continue };
            watched.retain(|(known, _)| known != tag);
            watched.push((tag.clone(), digest.clone()));
            found.retain(|(known, ..)| known != tag);
            found.push((tag.clone(), digest.clone(), Change::New));
        }
        watched.sort_by_key(|(tag, _)| !lasts(tag));
        watched.drain(..watched.len().saturating_sub(WATCHED));
        cursor.watched.insert(key.clone(), watched);
        self.newest(found, (&key, cursor))
    }

    /// All of it, unless the filter wants the newest: then that, if it is newer than what was.
    fn newest(
        &self,
        found: Vec<(String, String, Change)>,
        (key, cursor): (&str, &mut TagCursor),
    ) -> Vec<(String, String, Change)> {
        let TagFilter::Newest(_) = self.filter else { return found };
        let before = self.poll.last.and_then(|last| last.newest.get(key)).copied();
        let of_interest = self.built.iter().filter(|(tag, _)| self.filter.matches(tag));
        let latest = of_interest.map(|(_, built)| *built).chain(before).max();
        if let Some(latest) = latest {
            cursor.newest.insert(key.to_owned(), latest);
        }
        let time = |tag: &str| self.built.get(tag).copied();
        let later = |(tag, ..): &(String, String, Change)| {
            time(tag).is_some_and(|built| before.is_none_or(|before| built > before))
        };
        let newest = found.into_iter().filter(later).max_by_key(|(tag, ..)| time(tag));
        newest.into_iter().collect()
    }
}

impl TagCursor {
    fn knows(&self, tag: &str) -> bool {
        self.known.binary_search(&mark(tag)).is_ok()
    }
}

/// Of a tag what is remembered: two tags have the same one in 2^64.
fn mark(tag: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&Sha256::digest(tag)[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
