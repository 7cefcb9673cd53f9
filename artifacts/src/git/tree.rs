//! Which files a commit has: names and sizes, nothing else is read. What is no plain file is refused.

use super::{
    error::{GitError, Limited},
    mirror::{Mirror, whole},
    name::ObjectId,
    path::{MAX_DEPTH, MAX_PATH_BYTES, PathPattern},
};
use std::collections::BTreeSet;

/// What a line has besides its path, and a usual path.
const LINE_BYTES: usize = 256;

/// The files that were asked for, in the order of their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    pub files: Vec<Entry>,
    pub refused: Vec<Refused>,
}

/// A file that may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root, with `/`.
    pub path: String,
    /// The name of its content: the same wherever the same content stands.
    pub blob: ObjectId,
    pub bytes: u64,
}

/// Something that was asked for and is not handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Cut, and with marks for what is not text.
    pub path: String,
    pub why: Refusal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it is a symbolic link, which is never followed: put the file itself there")]
    Symlink,
    #[error("it is a submodule, which is never fetched")]
    Submodule,
    #[error("it is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("it lies more than {MAX_DEPTH} folders deep")]
    TooDeep,
    #[error("its path is longer than {MAX_PATH_BYTES} bytes")]
    PathTooLong,
    #[error("its path is not plain UTF-8 text, or leads elsewhere")]
    PathNotPlain,
    #[error("git knows no such kind of entry")]
    Unknown,
}

impl Mirror {
    /// The files of `commit` that one of `patterns` asks for.
    pub async fn tree(
        &self,
        commit: &ObjectId,
        patterns: &[PathPattern],
    ) -> Result<Tree, GitError> {
        if patterns.is_empty() {
            return Ok(Tree::default());
        }
        self.expect_commit(commit).await?;
        let limit = self.limits.files;
        let mut call = self.call("ls-tree", ["-r", "-z", "--full-tree"]);
        call.arguments.push(commit.to_string());
        call.arguments.extend(prefixes(patterns));
        call.output_bytes = limit.saturating_mul(LINE_BYTES);
        let said = self.run(call).await?;
        let lines: Vec<&[u8]> = said.records().take(limit.saturating_add(1)).collect();
        if said.is_cut() || lines.len() > limit {
            return Err(GitError::TooLarge { limited: Limited::Files { limit } });
        }
        whole(&said)?;
        let mut tree = Tree::default();
        for line in lines {
            add(&mut tree, line, patterns);
        }
        self.measure(tree).await
    }

    /// Finds out how large the files are. A file that did not come was larger than files may be.
    async fn measure(&self, tree: Tree) -> Result<Tree, GitError> {
        let ids: BTreeSet<&ObjectId> = tree.files.iter().map(|it| &it.blob).collect();
        let sizes = self.sizes(ids).await?;
        let limit = self.limits.file_bytes;
        let mut measured = Tree { files: Vec::new(), refused: tree.refused };
        for file in tree.files {
            match sizes.get(&file.blob) {
                Some(bytes) if *bytes <= limit => {
                    measured.files.push(Entry { bytes: *bytes, ..file });
                }
                Some(_) | None => {
                    let why = Refusal::TooLarge { limit };
                    measured.refused.push(Refused { path: file.path, why });
                }
            }
        }
        Ok(measured)
    }
}

/// What git has to list; nothing means everything.
fn prefixes(patterns: &[PathPattern]) -> Vec<String> {
    let prefixes: BTreeSet<&str> = patterns.iter().map(PathPattern::prefix).collect();
    let everything = prefixes.contains("");
    let separator = (!everything).then(|| "--".to_owned());
    let named = prefixes.into_iter().filter(|_| !everything).map(str::to_owned);
    separator.into_iter().chain(named).collect()
}

/// Of a line `mode kind object TAB path`.
fn add(tree: &mut Tree, line: &[u8], patterns: &[PathPattern]) {
    let Some(tab) = line.iter().position(|it| *it == b'\t') else { return };
    let (about, path) = (String::from_utf8_lossy(&line[..tab]), &line[tab + 1..]);
    let shown = String::from_utf8_lossy(&path[..path.len().min(MAX_PATH_BYTES)]).into_owned();
    if !patterns.iter().any(|it| it.matches(&shown) || it.prefix() == shown) {
        return;
    }
    let mut words = about.split(' ');
    let (mode, id) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
    match (refusal(mode, path), ObjectId::parse(id)) {
        (None, Ok(blob)) => tree.files.push(Entry { path: shown, blob, bytes: 0 }),
        (None, Err(_)) => tree.refused.push(Refused { path: shown, why: Refusal::Unknown }),
        (Some(why), _) => tree.refused.push(Refused { path: shown, why }),
    }
}

fn refusal(mode: &str, path: &[u8]) -> Option<Refusal> {
    let depth = path.iter().filter(|it| **it == b'/').count();
    let is_plain = std::str::from_utf8(path).is_ok_and(|text| {
        let leads = |part: &str| matches!(part, "" | "." | "..");
        !text.contains(|it: char| it.is_control() || it == '\\') && !text.split('/').any(leads)
    });
    match mode {
        _ if path.len() > MAX_PATH_BYTES => Some(Refusal::PathTooLong),
        _ if depth > MAX_DEPTH => Some(Refusal::TooDeep),
        _ if !is_plain => Some(Refusal::PathNotPlain),
        "100644" | "100755" | "100664" => None,
        "120000" => Some(Refusal::Symlink),
        "160000" => Some(Refusal::Submodule),
        _ => Some(Refusal::Unknown),
    }
}
