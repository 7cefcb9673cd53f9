//! `bitbucket`: pushes, tags and merged pull requests of Bitbucket Cloud. A push tells of several refs.

use super::{
    address::Place,
    github::named,
    json, note,
    refs::{About, Move, Ref, happening, heard},
    starts_nothing,
    text::{List, ObjectId, Prose, Word},
    unreadable,
};
use crate::verify::{self, Scheme};
use engine_core::{
    happening::{Change, Origin},
    receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified},
};
use serde::Deserialize;

pub(super) struct Bitbucket;

impl Receiver for Bitbucket {
    const PROVIDER: &'static str = "bitbucket";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Bitbucket.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        match named(request, "x-event-key")? {
            "repo:push" => push(json::read(request.body)?),
            "pullrequest:fulfilled" => merged(json::read(request.body)?),
            other => Ok(starts_nothing(other)),
        }
    }
}

#[derive(Deserialize)]
struct Pushed {
    push: Push,
    repository: Repository,
    actor: Option<Person>,
}

#[derive(Deserialize)]
struct Push {
    #[serde(default)]
    changes: List<Changed, 1_000>,
}

#[derive(Deserialize)]
struct Changed {
    old: Option<State>,
    new: Option<State>,
}

/// Where a ref stands.
#[derive(Deserialize)]
struct State {
    #[serde(rename = "type")]
    kind: Word,
    name: Word,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    hash: ObjectId,
    message: Option<Prose>,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    raw: Option<Prose>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: Word,
}

#[derive(Deserialize)]
struct Person {
    nickname: Option<Prose>,
    username: Option<Prose>,
    display_name: Option<Prose>,
}

#[derive(Deserialize)]
struct Merged {
    pullrequest: Request,
    repository: Repository,
    actor: Option<Person>,
}

#[derive(Deserialize)]
struct Request {
    id: u64,
    merge_commit: Option<MergeCommit>,
    source: Side,
    destination: Side,
}

#[derive(Deserialize)]
struct MergeCommit {
    hash: Word,
}

#[derive(Deserialize)]
struct Side {
    branch: Branch,
    /// None once a fork is gone.
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Branch {
    name: Word,
}

fn push(pushed: Pushed) -> Result<Heard, Unreadable> {
    let place = pushed.repository.place()?;
    let actor = pushed.actor.and_then(Person::known);
    let mut told = Heard::default();
    for changed in pushed.push.changes.0 {
        let (change, mut about) = changed.read()?;
        about.actor = actor.clone();
        match change {
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
    fn read(self) -> Result<(Result<Change, String>, About), Unreadable> {
        let before = self.old.as_ref().and_then(|old| old.target.as_ref());
        let before = before.map(|target| target.hash.clone());
        let Some(new) = self.new else {
            let Some(old) = self.old else {
                return Ok((
                    Err("a change of nothing starts nothing".to_owned()),
                    About::default(),
                ));
            };
            return Ok((Ref::of_kind(&old.kind.0, &old.name.0)?.deleted(), About::default()));
        };
        let reference = Ref::of_kind(&new.kind.0, &new.name.0)?;
        let Some(target) = new.target else {
            return Err(unreadable("a ref was pushed, and it says no commit"));
        };
        let author = target.author.and_then(|author| author.raw).and_then(Prose::said);
        let about = About { actor: None, author, message: target.message.and_then(Prose::said) };
        let peeled = Some(target.hash.clone());
        Ok((reference.moved(Move { before, after: target.hash, peeled }), about))
    }
}

fn merged(merged: Merged) -> Result<Heard, Unreadable> {
    let Request { id: number, merge_commit, source, destination } = merged.pullrequest;
    let Some(MergeCommit { hash: Word(commit) }) = merge_commit else {
        return Err(unreadable(format!("request {number} was merged, and it says no commit")));
    };
    let is_start =
        (12..=64).contains(&commit.len()) && commit.bytes().all(|it| it.is_ascii_hexdigit());
    if !is_start {
        return Err(unreadable(format!("request {number} was merged, and its commit is none")));
    }
    let Ref::Branch(branch) = Ref::of_kind("branch", &destination.branch.name.0)? else {
        return Err(unreadable(format!("request {number} was merged into no branch")));
    };
    let origin = match (&source.repository, &destination.repository) {
        (Some(source), Some(own)) if source.full_name == own.full_name => Origin::Repository,
        (Some(_) | None, Some(_) | None) => Origin::Fork,
    };
    let commit = commit.to_ascii_lowercase();
    let change = Change::Merge { branch, commit, number, origin };
    let actor = merged.actor.and_then(Person::known);
    Ok(heard(merged.repository.place()?, Ok(change), About { actor, ..About::default() }))
}

impl Person {
    fn known(self) -> Option<String> {
        self.nickname.or(self.username).or(self.display_name).and_then(Prose::said)
    }
}

impl Repository {
    fn place(&self) -> Result<Place, Unreadable> {
        let address = Word(format!("https://bitbucket.org/{}", self.full_name.0));
        Place::of([Some(&address)])
    }
}
