//! Which paths differ between two commits.

use super::{
    error::GitError,
    mirror::{Mirror, whole},
    name::ObjectId,
    path::MAX_PATH_BYTES,
};
use std::collections::BTreeSet;

/// Folders deeper than this are not looked into.
const MAX_LEVELS: usize = 100;
/// Two names of trees, before their differences.
const HEADER_BYTES: usize = 160;

/// Both names of what was renamed are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedPaths {
    /// With marks for what is not text.
    These(BTreeSet<String>),
    /// So many that each filter is to let it pass.
    TooMany { more_than: usize },
}

/// A folder that differs: its path with a last `/`, and the trees before and after.
struct Folder {
    path: String,
    trees: [String; 2],
}

/// What one folder has told.
#[derive(Default)]
struct Differences {
    paths: BTreeSet<String>,
    folders: Vec<Folder>,
}

impl Mirror {
    /// What is not the same in the trees of two commits, whatever lies between them. Folder by folder:
    /// git would gather all differences before it prints one, and a few trees can unfold into billions.
    pub async fn changed_paths(
        &self,
        before: &ObjectId,
        after: &ObjectId,
    ) -> Result<ChangedPaths, GitError> {
        let limit = self.limits.changed_paths;
        let too_many = Ok(ChangedPaths::TooMany { more_than: limit });
        let root = Folder { path: String::new(), trees: self.trees([before, after]).await? };
        let mut found = Differences { folders: vec![root], ..Differences::default() };
        for _ in 0..MAX_LEVELS {
            if found.paths.len() > limit || found.folders.len() > limit {
                return too_many;
            }
            if found.folders.is_empty() {
                return Ok(ChangedPaths::These(found.paths));
            }
            let folders = std::mem::take(&mut found.folders);
            if self.compare(&folders, &mut found).await? == Compared::InPart {
                return too_many;
            }
        }
        too_many
    }

    /// The trees of two commits.
    async fn trees(&self, commits: [&ObjectId; 2]) -> Result<[String; 2], GitError> {
        self.expect_commit(commits[0]).await?;
        self.expect_commit(commits[1]).await?;
        let names = commits.map(|it| format!("{it}^{{tree}}"));
        let mut call = self.call("rev-parse", ["--revs-only"]);
        call.arguments.extend(names);
        let said = self.run(call).await?;
        whole(&said)?;
        let trees: Vec<String> = said.lines().map(|it| it.trim().to_owned()).collect();
        let damaged = |_| GitError::Damaged { message: "a commit has no tree".to_owned() };
        trees.try_into().map_err(damaged)
    }

    async fn compare(
        &self,
        folders: &[Folder],
        found: &mut Differences,
    ) -> Result<Compared, GitError> {
        let mut call = self.call("diff-tree", ["--stdin", "-z", "--raw", "--no-renames"]);
        call.arguments.extend(["--no-abbrev".to_owned(), "--no-ext-diff".to_owned()]);
        let pairs = folders.iter().map(|it| format!("{}\n", it.trees.join(" ")));
        call.input = pairs.collect::<String>().into_bytes();
        let room = self.limits.changed_paths.saturating_add(folders.len());
        call.output_bytes = room.saturating_mul(MAX_PATH_BYTES + HEADER_BYTES);
        let said = self.run(call).await?;
        if said.is_cut() {
            return Ok(Compared::InPart);
        }
        whole(&said)?;
        let (mut rest, mut folders) = (said.stdout.as_slice(), folders.iter());
        let mut folder = None;
        while !rest.is_empty() {
            let end = if rest[0] == b':' { 0 } else { b'\n' };
            let (line, after) = cut(rest, end);
            rest = after;
            if end == b'\n' {
                folder = folders.next();
            } else if let Some(folder) = folder {
                let (name, after) = cut(rest, 0);
                rest = after;
                found.add(folder, &String::from_utf8_lossy(line), name);
            }
        }
        Ok(Compared::Whole)
    }
}

#[derive(PartialEq, Eq)]
enum Compared {
    Whole,
    InPart,
}

impl Differences {
    /// Of `:mode mode object object status`; a mode of zeros is nothing.
    fn add(&mut self, folder: &Folder, line: &str, name: &[u8]) {
        let path = format!("{}{}", folder.path, String::from_utf8_lossy(name));
        let words: Vec<&str> = line.trim_start_matches(':').split(' ').collect();
        let [mode_before, mode_after, before, after, ..] = words[..] else { return };
        let sides = [(mode_before, before), (mode_after, after)];
        let is_tree = |mode: &str| mode == "040000";
        if sides.iter().any(|(mode, _)| !is_tree(mode) && *mode != "000000") {
            self.paths.insert(path.clone());
        }
        if sides.iter().any(|(mode, _)| is_tree(mode)) {
            let tree = |(mode, object): (&str, &str)| {
                if is_tree(mode) { object.to_owned() } else { empty_tree(object).to_owned() }
            };
            self.folders.push(Folder { path: path + "/", trees: sides.map(tree) });
        }
    }
}

/// git knows the tree without entries by its name, in every repository; an object of the repository
/// tells how long names are there.
fn empty_tree(object: &str) -> &'static str {
    if object.len() > 40 {
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
    } else {
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    }
}

/// What stands before the first `end`, and what after it.
fn cut(bytes: &[u8], end: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|it| *it == end) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}
