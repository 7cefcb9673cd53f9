//! Finds and reads the platform's file, `gennaker.yaml`, and the files that it includes.

mod included;
mod variables;

use crate::{arguments::Common, screen::Paint};
use anyhow::{Context, bail};
use engine_core::{
    diagnostic::{self, Colour, Diagnostic, Position, SourceFile},
    platform::Platform,
};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the file is called that is looked for where the program starts.
const NAME: &str = "gennaker.yaml";

/// The platform of this process.
#[derive(Clone, Default)]
pub(crate) struct Found {
    pub(crate) platform: Arc<Platform>,
    /// What paths within the file are relative to.
    folder: PathBuf,
    /// What it was read from, if there is a file.
    pub(crate) gathered: Option<Arc<Gathered>>,
}

/// The platform's file and those that it includes, as they are on the disk.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Gathered {
    path: PathBuf,
    /// The platform's own file first.
    pub(crate) files: Vec<SourceFile>,
    /// How many of them, the last ones, are variables of the environment.
    variables: usize,
    /// What was in the way of reading them, by the number of the file.
    faults: Vec<(usize, Vec<Diagnostic>)>,
}

/// The platform's file has faults, which were not told yet.
#[derive(Debug, thiserror::Error)]
#[error("nothing is done while the platform's file is at fault:{}", .told.trim_end())]
pub(crate) struct Invalid {
    pub(crate) told: String,
    /// The first of them in one line, and how many more there are.
    pub(crate) first: String,
}

/// The file that `--config` or `GENNAKER_CONFIG` names, else the one in the current folder, if there
/// is one.
pub(crate) fn file(common: &Common) -> Option<PathBuf> {
    let named = common.config.clone();
    named.or_else(|| Some(PathBuf::from(NAME)).filter(|path| path.exists()))
}

pub(crate) fn find(common: &Common) -> anyhow::Result<Found> {
    let Some(path) = file(common) else {
        let (variables, _) = variables::read();
        if let Some(variable) = variables.first() {
            bail!(
                "{} comes before a key of gennaker.yaml, and there is none: write one, even if it \
                 says only `version: 1`, or name one by --config",
                variable.path()
            );
        }
        return Ok(Found::default());
    };
    let gathered = gather(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(gathered.judged()?)
}

/// Reads the file and those that it includes.
pub(crate) fn gather(path: &Path) -> io::Result<Gathered> {
    let main = read(path)?;
    let (further, faults) = included::read(&main, path.parent().unwrap_or(Path::new("")));
    let mut files: Vec<SourceFile> = std::iter::once(main).chain(further).collect();
    let (said, unknown) = variables::read();
    let (variables, first) = (said.len(), files.len());
    let unknown = unknown.into_iter().map(|(at, fault)| (first + at, vec![fault]));
    let faults = faults.into_iter().chain(unknown).collect();
    files.extend(said);
    Ok(Gathered { path: path.to_owned(), files, variables, faults })
}

impl Gathered {
    /// What the files say together, unless something is wrong with any of them.
    pub(crate) fn judged(self) -> Result<Found, Invalid> {
        let mut faults = self.faults.clone();
        match Platform::read_over((&self.files, self.variables), &triggers::cron::zones()) {
            Ok(platform) if faults.is_empty() => Ok(Found {
                platform: Arc::new(platform),
                folder: self.path.parent().unwrap_or(Path::new("")).to_owned(),
                gathered: Some(Arc::new(self)),
            }),
            Ok(_) => Err(self.invalid(&faults)),
            Err(told) => {
                faults.extend(told.into_iter().map(|of| (of.file, of.faults)));
                Err(self.invalid(&faults))
            }
        }
    }

    /// The files that say something: variables of the environment are none.
    pub(crate) fn on_disk(&self) -> &[SourceFile] {
        &self.files[..self.files.len() - self.variables]
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn invalid(&self, faults: &[(usize, Vec<Diagnostic>)]) -> Invalid {
        let count = faults.iter().map(|(_, faults)| faults.len()).sum::<usize>();
        let first = faults.iter().find_map(|(file, faults)| {
            let (file, first) = (&self.files[*file], faults.first()?);
            let Position { line, column } = file.position(first.primary.span.start);
            Some(format!("{}:{line}:{column}: {} {}", file.path(), first.code, first.message))
        });
        let more = match count {
            0 | 1 => String::new(),
            several => format!(" (and {} more)", several - 1),
        };
        let first = format!("{}{more}", first.unwrap_or_default());
        Invalid { told: told(&self.files, faults), first }
    }
}

fn read(path: &Path) -> io::Result<SourceFile> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SourceFile::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(SourceFile::new(path.display().to_string(), &bytes))
}

/// What is wrong with each of the files, in their order.
fn told(files: &[SourceFile], faults: &[(usize, Vec<Diagnostic>)]) -> String {
    let colour = match Paint::of(&io::stderr()) {
        Paint::Plain => Colour::Never,
        Paint::Coloured => Colour::Always,
    };
    let of = |(at, file): (usize, &SourceFile)| {
        let own = faults.iter().filter(|(file, _)| *file == at);
        let own: Vec<Diagnostic> = own.flat_map(|(_, faults)| faults.clone()).collect();
        let own = diagnostic::in_file_order(own);
        match own.is_empty() {
            true => String::new(),
            false => format!("\n{}", diagnostic::human(file, &own, colour)),
        }
    };
    files.iter().enumerate().map(of).collect()
}

impl Found {
    /// A path as the file has it, from here.
    pub(crate) fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }
}
