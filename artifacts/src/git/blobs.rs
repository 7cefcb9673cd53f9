//! The content of files, by its name: from git's objects, all in one call.

use super::{
    error::{GitError, Limited},
    mirror::{Mirror, machine, whole},
    name::ObjectId,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What stands around each object: its name, kind and size.
const HEADER_BYTES: usize = 128;

/// What is known of each that was asked for.
pub type Blobs = BTreeMap<ObjectId, Blob>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    Content(Arc<[u8]>),
    TooLarge {
        bytes: u64,
    },
    /// It did not come, or never was there.
    Missing,
}

/// An object as git tells of it.
pub(super) struct About {
    pub(super) kind: String,
    pub(super) bytes: u64,
}

impl Mirror {
    /// Reads files by the names that [`Mirror::tree`] has told.
    pub async fn blobs(&self, ids: &[ObjectId]) -> Result<Blobs, GitError> {
        let sizes = self.sizes(ids.iter()).await?;
        let limit = self.limits.file_bytes;
        let mut blobs = Blobs::new();
        let mut wanted = Vec::new();
        for id in ids {
            match sizes.get(id) {
                None => drop(blobs.insert(id.clone(), Blob::Missing)),
                Some(bytes) if *bytes > limit => {
                    blobs.insert(id.clone(), Blob::TooLarge { bytes: *bytes });
                }
                Some(bytes) => wanted.push((id, *bytes)),
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let total = wanted.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        if total > self.limits.total_bytes {
            let limited = Limited::Total { limit: self.limits.total_bytes };
            return Err(GitError::TooLarge { limited });
        }
        blobs.extend(self.contents(&wanted, total).await?);
        Ok(blobs)
    }

    async fn contents(&self, wanted: &[(&ObjectId, u64)], total: u64) -> Result<Blobs, GitError> {
        if wanted.is_empty() {
            return Ok(Blobs::new());
        }
        let mut call = self.call("cat-file", ["--batch", "--buffer"]);
        call.input = wanted.iter().map(|(id, _)| format!("{id}\n")).collect::<String>().into();
        let bytes = usize::try_from(total).unwrap_or(usize::MAX);
        call.output_bytes = bytes.saturating_add(wanted.len().saturating_mul(HEADER_BYTES));
        let said = self.run(call).await?;
        whole(&said)?;
        let mut rest = said.stdout.as_slice();
        let mut blobs = Blobs::new();
        while !rest.is_empty() {
            let (id, content, after) =
                object(rest).ok_or_else(|| machine(&"git's answer is cut"))?;
            blobs.insert(id, Blob::Content(content.into()));
            rest = after;
        }
        Ok(blobs)
    }

    /// The sizes of those that are here and are files.
    pub(super) async fn sizes(
        &self,
        ids: impl IntoIterator<Item = &ObjectId>,
    ) -> Result<BTreeMap<ObjectId, u64>, GitError> {
        let about = self.about(ids).await?;
        let files = about.into_iter().filter(|(_, it)| it.kind == "blob");
        Ok(files.map(|(id, it)| (id, it.bytes)).collect())
    }

    /// What kind of objects these are; those that are not here are left out.
    pub(super) async fn about(
        &self,
        ids: impl IntoIterator<Item = &ObjectId>,
    ) -> Result<BTreeMap<ObjectId, About>, GitError> {
        let ids: BTreeSet<&ObjectId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut call = self.call("cat-file", ["--batch-check", "--buffer"]);
        call.input = ids.iter().map(|id| format!("{id}\n")).collect::<String>().into_bytes();
        call.output_bytes = ids.len().saturating_mul(HEADER_BYTES);
        let said = self.run(call).await?;
        whole(&said)?;
        let parsed = said.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let id = ObjectId::parse(words.next()?).ok()?;
            let kind = words.next()?.to_owned();
            Some((id, About { kind, bytes: words.next()?.parse().ok()? }))
        });
        Ok(parsed.collect())
    }

    pub(super) async fn expect_commit(&self, id: &ObjectId) -> Result<(), GitError> {
        let about = self.about([id]).await?;
        match about.get(id).map(|it| it.kind.as_str()) {
            Some("commit") => Ok(()),
            None => Err(GitError::NoSuchObject { id: id.to_string() }),
            Some(kind) => {
                let (what, found) = (format!("{id}, which is to be a commit,"), kind.to_owned());
                Err(GitError::NotOfThisKind { what, found })
            }
        }
    }
}

/// The first object of `name kind size LF content LF`, and what comes after it.
fn object(bytes: &[u8]) -> Option<(ObjectId, &[u8], &[u8])> {
    let end = bytes.iter().position(|it| *it == b'\n')?;
    let header = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut words = header.split(' ');
    let id = ObjectId::parse(words.next()?).ok()?;
    let size: usize = words.nth(1)?.parse().ok()?;
    let content = bytes.get(end + 1..)?.get(..size)?;
    Some((id, content, bytes.get(end + 1 + size + 1..)?))
}
