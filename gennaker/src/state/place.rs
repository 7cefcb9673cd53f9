//! In which file the runs of a state directory are: where gennaker.yaml has them, and where they were
//! before. An engine never begins anew beside runs that are somewhere else.

use anyhow::{Context, bail};
use engine_core::platform::Platform;
use engine_runtime::sqlite::FILE_NAME;
use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// The file of a state directory that says where its database is, if it is not the usual one.
const POINTER: &str = "database";

/// A state directory, and the file that its runs are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) database: PathBuf,
    /// As it is said, relative to the directory unless it is absolute.
    said: PathBuf,
}

/// A file that the runs may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known<'a> {
    path: &'a Path,
    is_there: bool,
}

/// What a state directory tells of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before<'a> {
    /// There were none.
    Nothing,
    /// They are in the file that has the usual name.
    Usual,
    /// They are where the pointer says, unless that file is gone.
    Pointed(Known<'a>),
}

/// Why it cannot be told where the runs are.
#[derive(Debug, PartialEq, Eq)]
enum Astray<'a> {
    /// They are elsewhere than where they are to be.
    Elsewhere { said: &'a Path, known: &'a Path },
    /// They were there, and the file is gone.
    Gone(&'a Path),
}

/// The one file that the runs are in, or shall be.
fn choose<'a>(said: Option<Known<'a>>, before: Before<'a>) -> Result<&'a Path, Astray<'a>> {
    let usual = Path::new(FILE_NAME);
    match (said, before) {
        (None, Before::Nothing | Before::Usual) => Ok(usual),
        (None, Before::Pointed(known)) if known.is_there => Ok(known.path),
        (None, Before::Pointed(known)) => Err(Astray::Gone(known.path)),
        (Some(said), Before::Nothing) => Ok(said.path),
        (Some(said), Before::Usual) if said.path == usual => Ok(usual),
        (Some(said), Before::Usual) => Err(Astray::Elsewhere { said: said.path, known: usual }),
        (Some(said), Before::Pointed(known)) => match (said.is_there, known.is_there) {
            (true, _) if said.path == known.path => Ok(said.path),
            // Somebody has moved it.
            (true, false) => Ok(said.path),
            (_, true) => Err(Astray::Elsewhere { said: said.path, known: known.path }),
            (false, false) => Err(Astray::Gone(known.path)),
        },
    }
}

impl Place {
    /// Where an engine with this platform's file keeps the runs of a state directory.
    pub(crate) fn of(directory: &Path, platform: &Platform) -> anyhow::Result<Place> {
        Place::found(directory, platform.database())
    }

    /// Where the runs of a state directory are, for whoever only reads them.
    pub(crate) fn now(directory: &Path) -> anyhow::Result<Place> {
        Place::found(directory, None)
    }

    fn found(directory: &Path, said: Option<&str>) -> anyhow::Result<Place> {
        let pointed = pointed(directory)?;
        let known = |path| Known { path, is_there: directory.join(path).exists() };
        let before = match &pointed {
            Some(path) => Before::Pointed(known(path)),
            None if directory.join(FILE_NAME).exists() => Before::Usual,
            None => Before::Nothing,
        };
        match choose(said.map(|it| known(Path::new(it))), before) {
            Ok(said) => Ok(Place {
                directory: directory.to_owned(),
                database: directory.join(said),
                said: said.to_owned(),
            }),
            Err(Astray::Elsewhere { said, known }) => bail!(
                "gennaker.yaml has runs kept in {}, but those of the state directory {} are in {}: \
                 stop the engine and move them there with `mv`, or name another state directory \
                 with --state",
                directory.join(said).display(),
                directory.display(),
                directory.join(known).display(),
            ),
            Err(Astray::Gone(known)) => bail!(
                "the runs of the state directory {} are in {}, which is gone: bring it back \
                 (mount its disk), or remove {} to begin anew without them",
                directory.display(),
                directory.join(known).display(),
                directory.join(POINTER).display(),
            ),
        }
    }

    /// Has the state directory say where its runs are, once they are there.
    pub(crate) fn keep(&self) -> anyhow::Result<()> {
        let pointer = self.directory.join(POINTER);
        let kept = match pointed(&self.directory)? {
            Some(before) if before == self.said => return Ok(()),
            Some(_) if self.said == Path::new(FILE_NAME) => fs::remove_file(&pointer),
            None if self.said == Path::new(FILE_NAME) => return Ok(()),
            Some(_) | None => self.write(&pointer),
        };
        kept.with_context(|| format!("{} cannot be written", pointer.display()))
    }

    /// Who says so, where gennaker.yaml does not.
    pub(crate) fn origin(&self) -> String {
        match self.said == Path::new(FILE_NAME) {
            true => "default".to_owned(),
            false => self.directory.join(POINTER).display().to_string(),
        }
    }

    /// Whole, or not at all.
    fn write(&self, pointer: &Path) -> io::Result<()> {
        let mut draft = tempfile::NamedTempFile::new_in(&self.directory)?;
        writeln!(draft, "{}", self.said.display())?;
        draft.as_file().sync_all()?;
        draft.persist(pointer).map_err(|error| error.error)?;
        fs::File::open(&self.directory)?.sync_all()
    }
}

fn pointed(directory: &Path) -> anyhow::Result<Option<PathBuf>> {
    let pointer = directory.join(POINTER);
    match fs::read_to_string(&pointer) {
        Ok(text) => match text.trim_end_matches('\n') {
            "" => bail!("{} is empty: write the path of the database into it", pointer.display()),
            path => Ok(Some(PathBuf::from(path))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", pointer.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_where_they_are_said_and_never_begun_anew_beside_others() {
        let known = |path: &'static str, is_there| Known { path: Path::new(path), is_there };
        let (there, gone) = (|path| known(path, true), |path| known(path, false));
        let elsewhere =
            |said, known| Err(Astray::Elsewhere { said: Path::new(said), known: Path::new(known) });
        let rows: [(Option<Known<'_>>, Before<'_>, Result<&str, Astray<'_>>); 14] = [
            (None, Before::Nothing, Ok(FILE_NAME)),
            (None, Before::Usual, Ok(FILE_NAME)),
            (None, Before::Pointed(there("a")), Ok("a")),
            (None, Before::Pointed(gone("a")), Err(Astray::Gone(Path::new("a")))),
            (Some(gone("a")), Before::Nothing, Ok("a")),
            (Some(there("a")), Before::Nothing, Ok("a")),
            (Some(there(FILE_NAME)), Before::Usual, Ok(FILE_NAME)),
            (Some(gone("a")), Before::Usual, elsewhere("a", FILE_NAME)),
            (Some(there("a")), Before::Usual, elsewhere("a", FILE_NAME)),
            (Some(there("a")), Before::Pointed(there("a")), Ok("a")),
            (Some(gone("a")), Before::Pointed(gone("a")), Err(Astray::Gone(Path::new("a")))),
            (Some(there("b")), Before::Pointed(gone("a")), Ok("b")),
            (Some(there("b")), Before::Pointed(there("a")), elsewhere("b", "a")),
            (Some(gone("b")), Before::Pointed(gone("a")), Err(Astray::Gone(Path::new("a")))),
        ];
        for (said, before, expected) in rows {
            assert_eq!(choose(said, before), expected.map(Path::new), "{said:?} {before:?}");
        }
    }

    #[test]
    fn a_state_directory_remembers_where_its_runs_are() {
        let directory = tempfile::tempdir().unwrap();
        let found = |said| Place::found(directory.path(), said);
        found(Some("a.db")).unwrap().keep().unwrap();
        assert!(found(None).unwrap_err().to_string().contains("which is gone"));
        fs::write(directory.path().join("a.db"), "").unwrap();
        assert_eq!(found(None).unwrap().database, directory.path().join("a.db"));
        assert!(found(Some("b.db")).unwrap_err().to_string().contains("move them there"));
        fs::rename(directory.path().join("a.db"), directory.path().join(FILE_NAME)).unwrap();
        let place = found(Some(FILE_NAME)).unwrap();
        place.keep().unwrap();
        assert!(!directory.path().join(POINTER).exists());
    }
}
