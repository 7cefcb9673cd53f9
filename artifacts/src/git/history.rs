//! How commits follow each other, and who made them.

use super::{
    error::GitError,
    mirror::{Mirror, whole},
    name::{ObjectId, RefName},
    output::{Ending, Said},
};

/// All that is read of messages.
const MESSAGE_BYTES: usize = 64 * 1024;
/// One commit of a range: names, mails and times.
const COMMIT_BYTES: usize = 2 * 1024;
const MAX_FIELD: usize = 255;

/// What one commit is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ancestry {
    Same,
    Ancestor,
    NotAncestor,
}

/// Which commit a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    Commit(ObjectId),
    /// Of the first digits of a name: more than one begins so.
    Ambiguous,
    Nothing,
}

/// Names are cut to no fewer digits than this, or they would mean too much.
const MIN_DIGITS: usize = 7;

/// One commit. Texts are what its author wrote there; nobody has checked them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: ObjectId,
    pub parents: Vec<ObjectId>,
    pub author: Person,
    pub committer: Person,
    /// In seconds since 1970.
    pub committed_at: i64,
    pub subject: String,
    /// With its subject, cut at 64 KiB; not read for the commits of a range.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    pub name: String,
    pub email: String,
}

/// Commits that one has and another has not, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitRange {
    All(Vec<Commit>),
    /// There are more.
    Newest(Vec<Commit>),
}

impl Mirror {
    /// The commit whose name begins with `digits`, as people and some hosts write it; also that to which
    /// an annotated tag of this name leads. That it is here does not say that a branch leads to it.
    pub async fn resolve(&self, digits: &str) -> Result<Resolved, GitError> {
        let is_name = digits.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_name || !(MIN_DIGITS..=64).contains(&digits.len()) {
            return Ok(Resolved::Nothing);
        }
        let mut call = self.call("cat-file", ["--batch-check"]);
        call.input = format!("{digits}^{{commit}}\n").into_bytes();
        let said = self.run(call).await?;
        whole(&said)?;
        let answer = said.lines().next().unwrap_or_default().into_owned();
        Ok(match answer.split_once(' ') {
            Some((_, "ambiguous")) => Resolved::Ambiguous,
            Some((id, kind)) if kind.starts_with("commit ") => {
                ObjectId::parse(id).map_or(Resolved::Nothing, Resolved::Commit)
            }
            Some(_) | None => Resolved::Nothing,
        })
    }

    /// What `one` is to `other`.
    pub async fn ancestry(&self, one: &ObjectId, other: &ObjectId) -> Result<Ancestry, GitError> {
        if one == other {
            self.expect_commit(one).await?;
            return Ok(Ancestry::Same);
        }
        let call = self.call("merge-base", ["--is-ancestor", one.as_str(), other.as_str()]);
        let said = self.run(call).await?;
        match said.ending {
            Ending::Code(0) => Ok(Ancestry::Ancestor),
            Ending::Code(1) => Ok(Ancestry::NotAncestor),
            Ending::Code(_) | Ending::Signal | Ending::Cut => {
                Err(self.why(&said, [one, other]).await)
            }
        }
    }

    /// The newest commit that both have; none if they have nothing in common.
    pub async fn merge_base(
        &self,
        one: &ObjectId,
        other: &ObjectId,
    ) -> Result<Option<ObjectId>, GitError> {
        let said = self.run(self.call("merge-base", [one.as_str(), other.as_str()])).await?;
        match said.ending {
            Ending::Code(0) => Ok(said.lines().find_map(|line| ObjectId::parse(line.trim()).ok())),
            Ending::Code(1) => Ok(None),
            Ending::Code(_) | Ending::Signal | Ending::Cut => {
                Err(self.why(&said, [one, other]).await)
            }
        }
    }

    /// Branches and tags of the mirror that lead to `commit`. None: nothing does, any more.
    pub async fn containing(&self, commit: &ObjectId) -> Result<Vec<RefName>, GitError> {
        self.expect_commit(commit).await?;
        let contains = format!("--contains={commit}");
        let names = ["--format=%(refname)", contains.as_str(), "refs/heads", "refs/tags"];
        let mut call = self.call("for-each-ref", names);
        call.output_bytes = self.limits.refs.saturating_mul(MAX_FIELD + 16);
        let said = self.run(call).await?;
        whole(&said)?;
        Ok(said.lines().filter_map(|name| RefName::parse(&name).ok()).collect())
    }

    pub async fn commit(&self, id: &ObjectId) -> Result<Commit, GitError> {
        self.expect_commit(id).await?;
        let mut call = self.call("log", ["-z", "--max-count=1"]);
        call.arguments.extend([format("%B"), id.to_string(), "--".to_owned()]);
        call.output_bytes = MESSAGE_BYTES;
        let mut said = self.run(call).await?;
        if said.is_cut() {
            said.stdout.push(0);
        } else {
            whole(&said)?;
        }
        let unreadable = || GitError::Damaged { message: format!("{id} cannot be read") };
        commits(&said).pop().ok_or_else(unreadable)
    }

    /// The newest commit that leads to `id`, itself included, and changed what is at `path`; a removal is
    /// a change.
    pub async fn last_to_change(
        &self,
        path: &str,
        id: &ObjectId,
    ) -> Result<Option<ObjectId>, GitError> {
        self.expect_commit(id).await?;
        let mut call = self.call("log", ["--max-count=1", "--format=tformat:%H"]);
        call.arguments.extend([id.to_string(), "--".to_owned(), path.to_owned()]);
        let said = self.run(call).await?;
        whole(&said)?;
        Ok(said.lines().find_map(|line| ObjectId::parse(line.trim()).ok()))
    }

    /// The commits that `to` has and `from` has not, the newest `limit` of them.
    pub async fn between(
        &self,
        (from, to): (&ObjectId, &ObjectId),
        limit: usize,
    ) -> Result<CommitRange, GitError> {
        self.expect_commit(from).await?;
        self.expect_commit(to).await?;
        let mut call = self.call("log", ["-z"]);
        let count = format!("--max-count={}", limit.saturating_add(1));
        call.arguments.extend([count, format(""), to.to_string(), format!("^{from}")]);
        call.arguments.push("--".to_owned());
        call.output_bytes = limit.saturating_add(1).saturating_mul(COMMIT_BYTES);
        let said = self.run(call).await?;
        let mut found = commits(&said);
        if said.is_cut() || found.len() > limit {
            found.truncate(limit);
            return Ok(CommitRange::Newest(found));
        }
        whole(&said)?;
        Ok(CommitRange::All(found))
    }

    /// Why a call about commits failed: most often one of them is not here.
    async fn why(&self, said: &Said, ids: [&ObjectId; 2]) -> GitError {
        for id in ids {
            if let Err(error) = self.expect_commit(id).await {
                return error;
            }
        }
        whole(said).err().unwrap_or(GitError::Damaged { message: "no answer".to_owned() })
    }
}

const FIELDS: usize = 9;

/// What git is to print of each commit; the last field may have lines.
fn format(message: &str) -> String {
    format!("--format=tformat:%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%ct%x00%s%x00{message}")
}

fn commits(said: &Said) -> Vec<Commit> {
    let fields: Vec<&[u8]> = said.records().collect();
    fields.chunks_exact(FIELDS).filter_map(commit).collect()
}

fn commit(fields: &[&[u8]]) -> Option<Commit> {
    let text = |index: usize| fields.get(index).map(|it| String::from_utf8_lossy(it));
    let short = |index: usize| -> Option<String> {
        Some(text(index)?.chars().filter(|it| !it.is_control()).take(MAX_FIELD).collect())
    };
    let parents = text(1)?.split(' ').filter_map(|it| ObjectId::parse(it).ok()).collect();
    Some(Commit {
        id: ObjectId::parse(&text(0)?).ok()?,
        parents,
        author: Person { name: short(2)?, email: short(3)? },
        committer: Person { name: short(4)?, email: short(5)? },
        committed_at: text(6)?.parse().ok()?,
        subject: short(7)?,
        message: text(8)?.trim_end().to_owned(),
    })
}
