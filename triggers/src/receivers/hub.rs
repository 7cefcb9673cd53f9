//! What GitHub says, and Gitea and Forgejo in the same words.

use super::{
    address::Place,
    json, note,
    refs::{About, Move, Ref, heard},
    starts_nothing,
    text::{ObjectId, Prose, Word, author},
    unreadable,
};
use engine_core::{
    happening::{Change, Origin},
    receiver::{Heard, Unreadable},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: Word,
    before: Option<ObjectId>,
    after: ObjectId,
    head_commit: Option<Commit>,
    repository: Repository,
    sender: Option<Person>,
    pusher: Option<Person>,
}

#[derive(Deserialize)]
struct Deletion {
    #[serde(rename = "ref")]
    reference: Word,
    ref_type: Word,
    repository: Repository,
    sender: Option<Person>,
}

#[derive(Deserialize)]
struct Commit {
    id: ObjectId,
    message: Option<Prose>,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<Prose>,
    email: Option<Prose>,
}

#[derive(Deserialize)]
struct Repository {
    id: Option<u64>,
    clone_url: Option<Word>,
    html_url: Option<Word>,
    ssh_url: Option<Word>,
}

#[derive(Deserialize)]
struct Person {
    login: Option<Prose>,
    name: Option<Prose>,
}

#[derive(Deserialize)]
struct Action {
    action: Word,
    number: u64,
}

#[derive(Deserialize)]
struct Closed {
    number: u64,
    pull_request: Request,
    repository: Repository,
    sender: Option<Person>,
}

#[derive(Deserialize)]
struct Request {
    merged: Option<bool>,
    merge_commit_sha: Option<ObjectId>,
    base: Side,
    head: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    reference: Word,
    /// None once a fork is gone.
    repo: Option<Repository>,
}

/// What an event of this name says.
pub(super) fn hear(event: &str, body: &[u8]) -> Result<Heard, Unreadable> {
    match event {
        "push" => push(json::read(body)?),
        "delete" => deletion(json::read(body)?),
        "pull_request" => request(body),
        "create" => Ok(note("event create starts nothing: a push says the same")),
        other => Ok(starts_nothing(other)),
    }
}

fn push(push: Push) -> Result<Heard, Unreadable> {
    let reference = Ref::parse(&push.reference.0)?;
    let actor = push.sender.or(push.pusher).and_then(Person::known);
    let (peeled, about) = match push.head_commit {
        Some(commit) => (Some(commit.id.clone()), commit.about(actor)),
        None => (None, About { actor, ..About::default() }),
    };
    let change = reference.moved(Move { before: push.before, after: push.after, peeled });
    Ok(heard(push.repository.place()?, change, about))
}

fn deletion(gone: Deletion) -> Result<Heard, Unreadable> {
    let change = Ref::of_kind(&gone.ref_type.0, &gone.reference.0)?.deleted();
    let actor = gone.sender.and_then(Person::known);
    Ok(heard(gone.repository.place()?, change, About { actor, ..About::default() }))
}

fn request(body: &[u8]) -> Result<Heard, Unreadable> {
    let Action { action: Word(action), number } = json::read(body)?;
    if action != "closed" {
        return Ok(note(format!("request {number}: {action} starts nothing")));
    }
    let closed: Closed = json::read(body)?;
    if closed.pull_request.merged != Some(true) {
        return Ok(note(format!("request {number} was closed and not merged")));
    }
    let origin = closed.pull_request.origin();
    let Some(ObjectId(Some(commit))) = closed.pull_request.merge_commit_sha else {
        return Err(unreadable(format!("request {number} was merged, and it says no commit")));
    };
    let Ref::Branch(branch) = Ref::of_kind("branch", &closed.pull_request.base.reference.0)? else {
        return Err(unreadable(format!("request {number} was merged into no branch")));
    };
    let change = Change::Merge { branch, commit, number: closed.number, origin };
    let actor = closed.sender.and_then(Person::known);
    Ok(heard(closed.repository.place()?, Ok(change), About { actor, ..About::default() }))
}

impl Request {
    /// What is not surely the repository itself is a fork.
    fn origin(&self) -> Origin {
        let id = |side: &Side| side.repo.as_ref().and_then(|repository| repository.id);
        match (id(&self.base), id(&self.head)) {
            (Some(base), Some(head)) if base == head => Origin::Repository,
            (Some(_) | None, Some(_) | None) => Origin::Fork,
        }
    }
}

impl Commit {
    fn about(self, actor: Option<String>) -> About {
        let author = self.author.and_then(|it| author(it.name, it.email));
        About { actor, author, message: self.message.and_then(Prose::said) }
    }
}

impl Person {
    fn known(self) -> Option<String> {
        self.login.or(self.name).and_then(Prose::said)
    }
}

impl Repository {
    fn place(&self) -> Result<Place, Unreadable> {
        Place::of([self.clone_url.as_ref(), self.html_url.as_ref(), self.ssh_url.as_ref()])
    }
}
