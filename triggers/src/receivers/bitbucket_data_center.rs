//! `bitbucketDataCenter`: pushes, tags and merged pull requests of Bitbucket Data Center.

use super::{
    address::Place,
    github::named,
    json, note,
    refs::{About, Move, Ref, happening, heard},
    starts_nothing,
    text::{List, ObjectId, Prose, Word, author},
    unreadable,
};
use crate::verify::{self, Scheme};
use engine_core::{
    happening::{Change, Origin},
    receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified},
};
use serde::Deserialize;

pub(super) struct BitbucketDataCenter;

impl Receiver for BitbucketDataCenter {
    const PROVIDER: &'static str = "bitbucketDataCenter";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Bitbucket.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        match named(request, "x-event-key")? {
            "repo:refs_changed" => push(json::read(request.body)?),
            "pr:merged" => merged(json::read(request.body)?),
            other => Ok(starts_nothing(other)),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    #[serde(default)]
    changes: List<Changed, 1_000>,
    repository: Repository,
    actor: Option<Person>,
    /// What was pushed, where it was one ref.
    to_commit: Option<Commit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    #[serde(rename = "ref")]
    reference: Reference,
    from_hash: Option<ObjectId>,
    to_hash: ObjectId,
}

#[derive(Deserialize)]
struct Reference {
    id: Word,
}

#[derive(Deserialize)]
struct Commit {
    id: ObjectId,
    message: Option<Prose>,
    author: Option<Person>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    name: Option<Prose>,
    email_address: Option<Prose>,
}

#[derive(Deserialize)]
struct Repository {
    id: Option<u64>,
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    clone: List<Link, 16>,
}

#[derive(Deserialize)]
struct Link {
    href: Word,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merged {
    pull_request: Request,
    actor: Option<Person>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    id: u64,
    from_ref: Side,
    to_ref: Side,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct Side {
    id: Word,
    repository: Repository,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    merge_commit: Option<MergeCommit>,
}

#[derive(Deserialize)]
struct MergeCommit {
    id: ObjectId,
}

fn push(pushed: Pushed) -> Result<Heard, Unreadable> {
    let place = pushed.repository.place()?;
    let actor = pushed.actor.clone().and_then(|person| person.name).and_then(Prose::said);
    let mut told = Heard::default();
    for changed in &pushed.changes.0 {
        let about = changed.about(pushed.to_commit.as_ref(), actor.clone());
        let (before, after) = (changed.from_hash.clone(), changed.to_hash.clone());
        // What an annotated tag comes to is not told.
        let moved =
            Ref::parse(&changed.reference.id.0)?.moved(Move { before, after, peeled: None });
        match moved {
            Ok(change) => told.happenings.push(happening(place.clone(), change, about)),
            Err(words) => told.notes.push(words),
        }
    }
    if told == Heard::default() {
        return Ok(note("a push that changes nothing starts nothing"));
    }
    Ok(told)
}

impl Changed {
    fn about(&self, commit: Option<&Commit>, actor: Option<String>) -> About {
        let Some(commit) = commit.filter(|commit| commit.id == self.to_hash) else {
            return About { actor, ..About::default() };
        };
        let author = commit.author.clone().and_then(|it| author(it.name, it.email_address));
        About { actor, author, message: commit.message.clone().and_then(Prose::said) }
    }
}

fn merged(merged: Merged) -> Result<Heard, Unreadable> {
    let Request { id: number, from_ref, to_ref, properties } = merged.pull_request;
    let commit = properties.and_then(|it| it.merge_commit).and_then(|commit| commit.id.0);
    let Some(commit) = commit else {
        return Err(unreadable(format!("request {number} was merged, and it says no commit")));
    };
    let Ref::Branch(branch) = Ref::parse(&to_ref.id.0)? else {
        return Err(unreadable(format!("request {number} was merged into no branch")));
    };
    let origin = match (from_ref.repository.id, to_ref.repository.id) {
        (Some(source), Some(own)) if source == own => Origin::Repository,
        (Some(_) | None, Some(_) | None) => Origin::Fork,
    };
    let change = Change::Merge { branch, commit, number, origin };
    let actor = merged.actor.and_then(|person| person.name).and_then(Prose::said);
    let about = About { actor, ..About::default() };
    Ok(heard(to_ref.repository.place()?, Ok(change), about))
}

impl Repository {
    /// That of HTTP first, whatever their order.
    fn place(&self) -> Result<Place, Unreadable> {
        let links = self.links.as_ref().map(|links| links.clone.0.as_slice()).unwrap_or_default();
        let is_web = |link: &&Link| link.href.0.starts_with("http");
        let web = links.iter().filter(is_web);
        let others = links.iter().filter(|link| !is_web(link));
        Place::of(web.chain(others).map(|link| Some(&link.href)))
    }
}
