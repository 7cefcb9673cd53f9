//! `gitlab`: pushes, tags and merged merge requests, by hooks of projects, groups and the system.

use super::{
    address::Place,
    json, note,
    refs::{About, Move, Ref, heard},
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

pub(super) struct Gitlab;

impl Receiver for Gitlab {
    const PROVIDER: &'static str = "gitlab";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Gitlab.verify(request, secrets)
    }

    /// The body says what it is; the header is for people.
    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let Kind { object_kind, event_name } = json::read(request.body)?;
        let Some(Word(kind)) = object_kind.or(event_name) else {
            return Err(unreadable("it has neither `object_kind` nor `event_name`"));
        };
        match kind.as_str() {
            "push" | "tag_push" => push(json::read(request.body)?),
            "merge_request" => merge_request(json::read(request.body)?),
            other => Ok(starts_nothing(other)),
        }
    }
}

#[derive(Deserialize)]
struct Kind {
    object_kind: Option<Word>,
    event_name: Option<Word>,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: Word,
    before: Option<ObjectId>,
    after: ObjectId,
    /// The commit that a tag comes to.
    checkout_sha: Option<ObjectId>,
    user_username: Option<Prose>,
    user_name: Option<Prose>,
    project: Option<Project>,
    repository: Option<Project>,
    /// The last twenty.
    #[serde(default)]
    commits: List<Commit, 1_000>,
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
struct Project {
    git_http_url: Option<Word>,
    git_ssh_url: Option<Word>,
}

#[derive(Deserialize)]
struct MergeRequest {
    object_attributes: Attributes,
    project: Option<Project>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    username: Option<Prose>,
}

#[derive(Deserialize)]
struct Attributes {
    iid: u64,
    action: Option<Word>,
    target_branch: Word,
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
    merge_commit_sha: Option<ObjectId>,
    /// Where it was squashed, and no commit of a merge was made.
    squash_commit_sha: Option<ObjectId>,
    /// Where the branch was only moved on.
    last_commit: Option<Head>,
    target: Option<Project>,
}

#[derive(Deserialize)]
struct Head {
    id: ObjectId,
}

fn push(push: Push) -> Result<Heard, Unreadable> {
    let reference = Ref::parse(&push.reference.0)?;
    let actor = push.user_username.or(push.user_name).and_then(Prose::said);
    let head = push.checkout_sha.clone().unwrap_or_else(|| push.after.clone());
    let about = match push.commits.0.into_iter().find(|commit| commit.id == head) {
        Some(Commit { message, author: by, .. }) => About {
            actor,
            author: by.and_then(|it| author(it.name, it.email)),
            message: message.and_then(Prose::said),
        },
        None => About { actor, ..About::default() },
    };
    let (before, after, peeled) = (push.before, push.after, push.checkout_sha);
    let place = place([push.project.as_ref(), push.repository.as_ref()])?;
    Ok(heard(place, reference.moved(Move { before, after, peeled }), about))
}

fn merge_request(request: MergeRequest) -> Result<Heard, Unreadable> {
    let attributes = request.object_attributes;
    let number = attributes.iid;
    match &attributes.action {
        Some(Word(action)) if action == "merge" => {}
        Some(Word(action)) => {
            return Ok(note(format!("request {number}: {action} starts nothing")));
        }
        None => return Ok(note(format!("request {number}: a change starts nothing"))),
    }
    let change = attributes.merged()?;
    let actor = request.user.and_then(|user| user.username).and_then(Prose::said);
    let place = place([attributes.target.as_ref(), request.project.as_ref()])?;
    Ok(heard(place, Ok(change), About { actor, ..About::default() }))
}

impl Attributes {
    fn merged(&self) -> Result<Change, Unreadable> {
        let number = self.iid;
        let last = self.last_commit.as_ref().map(|head| &head.id);
        let told = [self.merge_commit_sha.as_ref(), self.squash_commit_sha.as_ref(), last];
        let Some(commit) = told.into_iter().flatten().find_map(|ObjectId(id)| id.clone()) else {
            return Err(unreadable(format!("request {number} was merged, and it says no commit")));
        };
        let Ref::Branch(branch) = Ref::of_kind("branch", &self.target_branch.0)? else {
            return Err(unreadable(format!("request {number} was merged into no branch")));
        };
        let origin = match (self.source_project_id, self.target_project_id) {
            (Some(source), Some(target)) if source == target => Origin::Repository,
            (Some(_) | None, Some(_) | None) => Origin::Fork,
        };
        Ok(Change::Merge { branch, commit, number, origin })
    }
}

fn place(projects: [Option<&Project>; 2]) -> Result<Place, Unreadable> {
    let project = projects.into_iter().flatten().find(|it| it.git_http_url.is_some());
    let project = project.or(projects.into_iter().flatten().next());
    let http = project.and_then(|it| it.git_http_url.as_ref());
    Place::of([http, project.and_then(|it| it.git_ssh_url.as_ref())])
}
