//! Which files a pattern stands for, by looking at no more of a folder than is bearable.

use super::FILES_LIMIT;
use glob::Pattern;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// So many files and folders are looked at for all patterns of a pipeline.
const LOOKED_AT: usize = 50_000;
/// Folders within each other below the root.
const DEPTH: usize = 64;

/// Looks for files below a root.
pub(crate) struct Search<'a> {
    root: &'a Path,
    left: usize,
}

/// One part of a pattern, between two `/`.
enum Part {
    /// `**`: any number of folders. Links are not followed: they could lead back.
    Folders,
    Named(String),
    Like(Pattern),
}

impl<'a> Search<'a> {
    pub(crate) fn below(root: &'a Path) -> Search<'a> {
        Search { root, left: LOOKED_AT }
    }

    /// The files that a pattern stands for: a file, the manifests of a folder, or a glob's matches.
    pub(super) fn paths(&mut self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let whole = self.root.join(below(pattern)?);
        let paths = if whole.is_dir() {
            files_in(&whole, &["yaml", "yml", "json"]).map_err(|error| error.to_string())?
        } else {
            self.files(pattern)?
        };
        match paths.len() {
            0 => Err(format!("nothing is at `{pattern}` below {}", self.root.display())),
            1..=FILES_LIMIT => Ok(paths),
            _ => Err(format!("these are more than {FILES_LIMIT} files")),
        }
    }

    /// The files that a pattern matches, in order; of too many, one more than are borne.
    pub(crate) fn files(&mut self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let whole = self.root.join(below(pattern)?);
        if whole.is_file() {
            return Ok(vec![whole]);
        }
        let mut found = BTreeSet::new();
        self.matches(self.root, &parts(pattern)?, &mut found)?;
        Ok(found.into_iter().collect())
    }

    fn matches(
        &mut self,
        folder: &Path,
        parts: &[Part],
        found: &mut BTreeSet<PathBuf>,
    ) -> Result<(), String> {
        let Some((first, rest)) = parts.split_first() else { return Ok(()) };
        match first {
            Part::Named(name) => self.step(folder.join(name), rest, found),
            Part::Like(pattern) => {
                for entry in self.entries(folder)? {
                    if pattern.matches(&entry.file_name().to_string_lossy()) {
                        self.step(entry.path(), rest, found)?;
                    }
                }
                Ok(())
            }
            Part::Folders => {
                self.matches(folder, rest, found)?;
                for entry in self.entries(folder)? {
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        self.matches(&entry.path(), parts, found)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Goes on below a path that fits, or takes it if there is nothing further to fit.
    fn step(
        &mut self,
        path: PathBuf,
        rest: &[Part],
        found: &mut BTreeSet<PathBuf>,
    ) -> Result<(), String> {
        match rest.is_empty() {
            false if path.is_dir() => return self.matches(&path, rest, found),
            true if path.is_file() && found.len() <= FILES_LIMIT => drop(found.insert(path)),
            true | false => {}
        }
        Ok(())
    }

    /// What is in a folder, in order; what cannot be read has nothing in it.
    fn entries(&mut self, folder: &Path) -> Result<Vec<fs::DirEntry>, String> {
        if folder.components().count() > self.root.components().count() + DEPTH {
            return Err(format!("folders are more than {DEPTH} levels deep: name the folder"));
        }
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut entries: Vec<fs::DirEntry> = entries.take(self.left + 1).collect();
        self.left = self.left.checked_sub(entries.len() + 1).ok_or_else(|| {
            format!("more than {LOOKED_AT} files and folders would be looked at: name the folder")
        })?;
        entries.sort_by_key(fs::DirEntry::file_name);
        Ok(entries)
    }
}

fn below(pattern: &str) -> Result<&Path, String> {
    let relative = Path::new(pattern);
    let stays = relative.components().all(|part| match part {
        Component::Normal(_) | Component::CurDir => true,
        Component::ParentDir | Component::RootDir | Component::Prefix(_) => false,
    });
    match stays {
        true => Ok(relative),
        false => Err("a path stays below the repository's root, without `..`".to_owned()),
    }
}

fn parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    for part in pattern.split('/').filter(|part| !["", "."].contains(part)) {
        parts.push(match part {
            "**" if matches!(parts.last(), Some(Part::Folders)) => continue,
            "**" => Part::Folders,
            _ if !part.contains(['*', '?', '[']) => Part::Named(part.to_owned()),
            _ => Part::Like(Pattern::new(part).map_err(|error| error.to_string())?),
        });
    }
    Ok(parts)
}

/// The files of a folder that end in one of `extensions`, in order.
pub(super) fn files_in(folder: &Path, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)?.take(FILES_LIMIT * 10) {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_file() && extension.is_some_and(|it| extensions.contains(&it)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
