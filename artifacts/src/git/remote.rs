//! What the server has: its refs, and fetching what is new of them.

mod refs;

pub use refs::{RefChange, Refs};

use super::{
    environment,
    error::{GitError, Limited, of_remote},
    history::Ancestry,
    mirror::{Format, Mirror, machine, whole},
    name::{ObjectId, RefName},
    output::{Ending, Said},
    process::{Call, Reach},
};
use std::{collections::BTreeMap, future::pending};

/// A line of a ref: its object, a tab, its name; both bounded.
const REF_LINE_BYTES: usize = 400;

/// What a fetch has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What was asked for, as it is in the mirror now.
    pub refs: Refs,
    /// Against what the mirror had before; in the order of names.
    pub changes: Vec<RefChange>,
}

impl Mirror {
    /// Branches and tags of the server, cheaply: nothing is fetched.
    pub async fn remote_refs(&self) -> Result<Refs, GitError> {
        let limit = self.limits.refs;
        let mut call = self.remote_call("ls-remote", ["--heads", "--tags", "--", "origin"])?;
        call.output_bytes = limit.saturating_mul(2 * REF_LINE_BYTES);
        let said = self.git.run(call, pending()).await?;
        spoken(&said)?;
        let refs = Refs::of_lines(said.lines());
        if said.is_cut() || refs.len() > limit {
            return Err(GitError::TooLarge { limited: Limited::Refs { limit } });
        }
        Ok(refs)
    }

    /// The branch that the server takes for its main one; none while the repository is empty.
    pub async fn default_branch(&self) -> Result<Option<RefName>, GitError> {
        let call = self.remote_call("ls-remote", ["--symref", "--", "origin", "HEAD"])?;
        let said = self.git.run(call, pending()).await?;
        spoken(&said)?;
        let named = |line: &str| {
            let name = line.strip_prefix("ref: ")?.strip_suffix("\tHEAD")?;
            RefName::parse(name).ok()
        };
        Ok(said.lines().find_map(|line| named(&line)))
    }

    /// Makes the mirror have what the server has of what is wanted, and no other ref. All refs change, or
    /// none; only refs that are gone from the server may go first. What fails leaves what was there.
    pub async fn fetch(
        &self,
        is_wanted: &(dyn Fn(&RefName) -> bool + Sync),
    ) -> Result<Fetched, GitError> {
        self.changing(async || {
            let there = self.remote_refs().await?.matching(is_wanted);
            self.follow(&there).await
        })
        .await
    }

    /// As [`Mirror::fetch`], for those who have just asked the server for its refs: `there` is what they
    /// want of them. A branch that has moved since is fetched as it is now.
    pub async fn catch_up(&self, there: &Refs) -> Result<Fetched, GitError> {
        self.changing(async || self.follow(there).await).await
    }

    async fn follow(&self, there: &Refs) -> Result<Fetched, GitError> {
        if let Some((_, target)) = there.iter().next() {
            self.suit(Format::of(&target.object)).await?;
        }
        self.pack_if_it_must_be().await?;
        let before = self.refs().await?;
        let gone: Vec<&RefName> = before.names().filter(|it| there.get(it).is_none()).collect();
        let new: Vec<&RefName> =
            there.names().filter(|it| there.get(it) != before.get(it)).collect();
        let (in_the_way, others): (Vec<&RefName>, Vec<&RefName>) =
            gone.into_iter().partition(|old| new.iter().any(|new| are_in_conflict(old, new)));
        self.delete(&in_the_way, &before).await?;
        if !new.is_empty() {
            self.bring(&new).await?;
        }
        self.delete(&others, &before).await?;
        let refs = self.refs().await?;
        let changes = self.changes(&before.objects(), &refs).await?;
        Ok(Fetched { refs, changes })
    }

    /// Branches and tags as they were at the last fetch.
    pub async fn refs(&self) -> Result<Refs, GitError> {
        let limit = self.limits.refs;
        let mut call = self.call("show-ref", ["--dereference"]);
        call.output_bytes = limit.saturating_mul(2 * REF_LINE_BYTES);
        let said = self.run(call).await?;
        match said.ending {
            Ending::Code(1) if said.stderr.is_empty() => Ok(Refs::default()),
            Ending::Code(_) | Ending::Signal | Ending::Cut => {
                whole(&said)?;
                Ok(Refs::of_lines(said.lines()))
            }
        }
    }

    /// How `now` differs from what somebody knew. What was known is not in the mirror any more if the
    /// mirror was made anew; that counts as forced.
    pub async fn changes(
        &self,
        known: &BTreeMap<RefName, ObjectId>,
        now: &Refs,
    ) -> Result<Vec<RefChange>, GitError> {
        let mut changes = Vec::new();
        for (name, was) in known.iter().filter(|(name, _)| now.get(name).is_none()) {
            changes.push(RefChange::Deleted { name: name.clone(), was: was.clone() });
        }
        for (name, target) in now.iter() {
            let (name, to) = (name.clone(), target.object.clone());
            match known.get(&name) {
                None => changes.push(RefChange::Created { name, at: to }),
                Some(from) if *from == to => {}
                Some(from) => {
                    let (from, leads) = (from.clone(), self.ancestry(from, &to).await);
                    changes.push(match leads {
                        Ok(Ancestry::Ancestor | Ancestry::Same) => {
                            RefChange::Advanced { name, from, to }
                        }
                        Ok(Ancestry::NotAncestor) | Err(GitError::NoSuchObject { .. }) => {
                            RefChange::Forced { name, from, to }
                        }
                        Err(error) => return Err(error),
                    });
                }
            }
        }
        changes.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(changes)
    }

    async fn bring(&self, names: &[&RefName]) -> Result<(), GitError> {
        let arguments = [
            "--quiet",
            "--atomic",
            "--force",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--stdin",
            "origin",
        ];
        let mut call = self.remote_call("fetch", arguments)?;
        call.deadline = self.limits.fetch_deadline;
        let lines = names.iter().map(|name| format!("+{name}:{name}\n"));
        call.input = lines.collect::<String>().into_bytes();
        spoken(&self.git.run(call, self.too_large()).await?)
    }

    async fn delete(&self, names: &[&RefName], before: &Refs) -> Result<(), GitError> {
        if names.is_empty() {
            return Ok(());
        }
        let line = |name: &&RefName| {
            let was = before.get(name).map_or("", |target| target.object.as_str());
            format!("delete {name}\0{was}\0")
        };
        let mut call = self.call("update-ref", ["--stdin", "-z"]);
        call.input = names.iter().map(line).collect::<String>().into_bytes();
        whole(&self.run(call).await?)
    }

    /// Files larger than what is ever read do not come, where the server can leave them out.
    fn remote_call<'a>(
        &'a self,
        doing: &'static str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Call<'a>, GitError> {
        let filter = format!("blob:limit={}", self.limits.file_bytes.saturating_add(1));
        let mut call = self.call(doing, arguments);
        call.environment = environment::remote(&self.directory, &self.origin, &filter)?;
        call.reach = Reach::Remote;
        call.deadline = self.limits.refs_deadline;
        Ok(call)
    }

    /// A call that writes objects, and so must know that some may be left out. It speaks to nobody.
    pub(super) fn writing_call<'a>(
        &'a self,
        doing: &'static str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Call<'a> {
        let mut call = self.call(doing, arguments);
        call.environment = environment::writing(&self.directory);
        call
    }
}

/// `refs/heads/a` and `refs/heads/a/b` cannot both be.
fn are_in_conflict(one: &RefName, other: &RefName) -> bool {
    let leads =
        |one: &str, other: &str| other.strip_prefix(one).is_some_and(|it| it.starts_with('/'));
    leads(one.as_str(), other.as_str()) || leads(other.as_str(), one.as_str())
}

/// That a call which speaks to the server was answered. What was cut is the caller's to judge.
fn spoken(said: &Said) -> Result<(), GitError> {
    match said.ending {
        Ending::Code(0) | Ending::Cut => Ok(()),
        Ending::Code(_) => Err(of_remote(&said.stderr)),
        Ending::Signal => Err(machine(&"git crashed while it spoke to the server")),
    }
}
