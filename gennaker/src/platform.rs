//! Finds and reads the platform's file, `gennaker.yaml`, and the files that it includes.

mod included;

use crate::{arguments::Common, screen::Paint};
use anyhow::{Context, bail};
use engine_core::{
    diagnostic::{self, Colour, Diagnostic, SourceFile},
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
}

/// The platform's file has faults, which were not told yet.
#[derive(Debug, thiserror::Error)]
#[error("{told}nothing is done while the platform's file is at fault")]
pub(crate) struct Invalid {
    told: String,
}

/// The file that `--config` or `GENNAKER_CONFIG` names, else the one in the current folder, if there
/// is one.
pub(crate) fn file(common: &Common) -> Option<PathBuf> {
    let named = common.config.clone();
    named.or_else(|| Some(PathBuf::from(NAME)).filter(|path| path.exists()))
}

pub(crate) fn find(common: &Common) -> anyhow::Result<Found> {
    let Some(path) = file(common) else { return Ok(Found::default()) };
    let source = read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let (further, mut faults) = included::read(&source, &folder);
    let files: Vec<SourceFile> = std::iter::once(source).chain(further).collect();
    let read = Platform::read_all(&files).map_err(|told| {
        for of in told {
            faults.push((of.file, of.faults));
        }
    });
    match read {
        Ok(platform) if faults.is_empty() => Ok(Found { platform: Arc::new(platform), folder }),
        Ok(_) | Err(()) => bail!(Invalid { told: told(&files, faults) }),
    }
}

fn read(path: &Path) -> io::Result<SourceFile> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SourceFile::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(SourceFile::new(path.display().to_string(), &bytes))
}

/// What is wrong with each of the files, in their order.
fn told(files: &[SourceFile], faults: Vec<(usize, Vec<Diagnostic>)>) -> String {
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
