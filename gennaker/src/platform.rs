//! Finds and reads the platform's file, `gennaker.yaml`.

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
    match Platform::read(&source) {
        Ok(platform) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            Ok(Found { platform: Arc::new(platform), folder })
        }
        Err(faults) => bail!(Invalid { told: told(&source, &faults) }),
    }
}

fn read(path: &Path) -> io::Result<SourceFile> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SourceFile::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(SourceFile::new(path.display().to_string(), &bytes))
}

fn told(source: &SourceFile, faults: &[Diagnostic]) -> String {
    let colour = match Paint::of(&io::stderr()) {
        Paint::Plain => Colour::Never,
        Paint::Coloured => Colour::Always,
    };
    format!("\n{}", diagnostic::human(source, faults, colour))
}

impl Found {
    /// A path as the file has it, from here.
    pub(crate) fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }
}
