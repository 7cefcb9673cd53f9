//! Finds the files that the platform's file includes, and those of its freezes: few, small, and never beyond its folder.

use super::read as read_file;
use crate::read::Search;
use engine_core::{
    diagnostic::{Diagnostic, SourceFile},
    glob,
    platform::{Include, Platform, Wanted},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Files that are included.
const FILES: usize = 100;
/// All of them.
const BYTES: usize = 2 * 1024 * 1024;

/// The included files in the order in which they are named, and what is wrong, by the number of the
/// file: those of the platform's file itself come first.
pub(super) fn read(
    main: &SourceFile,
    folder: &Path,
) -> (Vec<SourceFile>, Vec<(usize, Vec<Diagnostic>)>) {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut reading = Reading {
        folder,
        search: Search::below(folder),
        seen: BTreeSet::from_iter(Path::new(main.path()).canonicalize()),
        bytes: 0,
        files: Vec::new(),
    };
    let includes = Platform::includes(main);
    let faults: Vec<Diagnostic> = includes
        .iter()
        .filter_map(|include| Some(include.fault(reading.add(include).err()?)))
        .collect();
    (reading.files, if faults.is_empty() { Vec::new() } else { vec![(0, faults)] })
}

struct Reading<'a> {
    folder: &'a Path,
    search: Search<'a>,
    /// Where the files are that were read.
    seen: BTreeSet<PathBuf>,
    bytes: usize,
    files: Vec<SourceFile>,
}

impl Reading<'_> {
    fn add(&mut self, include: &Include) -> Result<(), String> {
        let pattern = &include.pattern;
        // Two stars at the end stand for files at any depth, as they do in names.
        let ends_open = pattern == "**" || pattern.ends_with("/**");
        let wanted = if ends_open { format!("{pattern}/*") } else { pattern.clone() };
        let found = self.search.files(&wanted)?;
        let must_be_there = match include.wanted {
            Wanted::AtLeastOne => true,
            Wanted::IfThere => glob::is_literal(pattern),
        };
        if found.is_empty() && must_be_there {
            return Err(format!("there is no file `{pattern}` in {}", self.folder.display()));
        }
        found.iter().try_for_each(|path| self.file(path))
    }

    fn file(&mut self, path: &Path) -> Result<(), String> {
        let unreadable = |error| format!("{} cannot be read: {error}", path.display());
        let folder = self.folder.canonicalize().map_err(unreadable)?;
        let real = path.canonicalize().map_err(unreadable)?;
        if !real.starts_with(&folder) {
            return Err(format!("{} leads out of {}", path.display(), folder.display()));
        }
        if !self.seen.insert(real) {
            return Ok(());
        }
        if self.files.len() == FILES {
            return Err(format!("at most {FILES} files can be included"));
        }
        let file = read_file(path.strip_prefix(".").unwrap_or(path)).map_err(unreadable)?;
        self.bytes += file.text().len();
        if self.bytes > BYTES {
            return Err(format!("included files have at most {BYTES} bytes together"));
        }
        self.files.push(file);
        Ok(())
    }
}
