//! Where the values of secrets come from: environment variables, files that such variables name, and
//! a directory with one file each.

use crate::mask::{Mask, SHORTEST_BYTES};
use engine_core::{
    expression::is_secret_name,
    stage::{Secret, SecretError},
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

/// Of one value, in bytes.
pub const LARGEST_BYTES: usize = 64 * 1024;
/// Before the name of a secret, in the name of an environment variable.
pub const VARIABLE_PREFIX: &str = "GENNAKER_SECRET_";
/// After it, if the variable is the path of a file with the value.
const FILE_SUFFIX: &str = "_FILE";

/// Who wants which secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub application: String,
    /// Of the stage that uses it, if it names one.
    pub environment: Option<String>,
}

/// Finds secrets.
///
/// # Contract
///
/// Asked again, it answers with the present value. It may block as long as a disk does. No error
/// holds a value, or a part of one.
pub trait SecretSource: Send + Sync + 'static {
    fn find(&self, wanted: &Wanted) -> Result<Secret, SecretError>;
}

/// What an engine needs for secrets.
#[derive(Clone)]
pub struct Secrets {
    pub source: Arc<dyn SecretSource>,
    pub mask: Arc<Mask>,
}

impl Secrets {
    /// Without any.
    pub fn none() -> Secrets {
        Secrets { source: Arc::new(Kept::default()), mask: Arc::default() }
    }

    /// The value, which is masked from here on.
    pub(crate) fn find(&self, wanted: &Wanted) -> Result<Secret, SecretError> {
        let secret = self.source.find(wanted)?;
        self.mask.learn(&secret);
        Ok(secret)
    }
}

/// The values that were in the environment, and the directory.
#[derive(Default)]
pub struct Kept {
    variables: BTreeMap<String, Secret>,
    directory: Option<PathBuf>,
}

impl Kept {
    /// `variables` are those of the process; others than secrets are left alone.
    pub fn new(
        variables: impl Iterator<Item = (String, String)>,
        directory: Option<PathBuf>,
    ) -> Kept {
        let secret = |(variable, value): (String, String)| {
            let name = variable.strip_prefix(VARIABLE_PREFIX)?;
            Some((name.to_owned(), Secret::new(value)))
        };
        Kept { variables: variables.filter_map(secret).collect(), directory }
    }

    fn value(&self, name: &str) -> Result<Secret, SecretError> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        let unknown = |also: String| SecretError::Unknown {
            name: name.to_owned(),
            looked: format!("{VARIABLE_PREFIX}{name} is not set, and {also}"),
        };
        if let Some(path) = self.variables.get(&format!("{name}{FILE_SUFFIX}")) {
            return self.of_variable(name, Path::new(path.expose()));
        }
        let Some(directory) = self.directory.as_deref().filter(|_| is_secret_name(name)) else {
            return Err(unknown("there is no directory of secrets".to_owned()));
        };
        let path = directory.join(name);
        read_within(directory, name).map_err(|unread| match unread {
            Unread::Absent => unknown(format!("{} does not exist", path.display())),
            unread => unread.of((name, &path)),
        })
    }

    /// The value in the file that a variable names, wherever it is.
    fn of_variable(&self, name: &str, path: &Path) -> Result<Secret, SecretError> {
        read(path).map_err(|unread| match unread {
            Unread::Absent => SecretError::Unknown {
                name: name.to_owned(),
                looked: format!(
                    "{VARIABLE_PREFIX}{name}{FILE_SUFFIX} names a file that does not exist"
                ),
            },
            unread => unread.of((name, path)),
        })
    }
}

impl SecretSource for Kept {
    fn find(&self, wanted: &Wanted) -> Result<Secret, SecretError> {
        let secret = self.value(&wanted.name)?;
        match secret.expose().len() {
            SHORTEST_BYTES..=LARGEST_BYTES => Ok(secret),
            length => {
                let why = if length < SHORTEST_BYTES {
                    format!("it has fewer than {SHORTEST_BYTES} bytes, too few to be masked")
                } else {
                    format!("it has more than {LARGEST_BYTES} bytes")
                };
                Err(SecretError::Unusable { name: wanted.name.clone(), why })
            }
        }
    }
}

enum Unread {
    Absent,
    Unusable(String),
    Failed(io::Error),
}

impl Unread {
    fn of(self, (name, path): (&str, &Path)) -> SecretError {
        let name = name.to_owned();
        let place = path.display();
        match self {
            Unread::Absent => SecretError::Unreadable { name, why: format!("{place} is gone") },
            Unread::Unusable(why) => SecretError::Unusable { name, why },
            Unread::Failed(error) => {
                SecretError::Unreadable { name, why: format!("{place}: {error}") }
            }
        }
    }
}

fn failed(error: io::Error) -> Unread {
    match error.kind() {
        io::ErrorKind::NotFound => Unread::Absent,
        _other => Unread::Failed(error),
    }
}

/// Links are followed within the directory, for that is how Kubernetes mounts secrets, and not out
/// of it.
fn read_within(directory: &Path, name: &str) -> Result<Secret, Unread> {
    let real = directory.join(name).canonicalize().map_err(failed)?;
    if !real.starts_with(directory.canonicalize().map_err(failed)?) {
        return Err(Unread::Unusable("its file is a link out of the directory".to_owned()));
    }
    read(&real)
}

fn read(path: &Path) -> Result<Secret, Unread> {
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Unread::Unusable("it is no file".to_owned()));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(LARGEST_BYTES + 3));
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LARGEST_BYTES as u64 + 3).read_to_end(&mut content).map_err(failed)?;
    let text = std::str::from_utf8(&content).map_err(|_| {
        Unread::Unusable("it is not UTF-8 text: keep it in base64, as it is to be sent".to_owned())
    })?;
    let cut = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::new(cut.strip_suffix('\r').unwrap_or(cut).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn found(kept: &Kept, name: &str) -> String {
        let (name, application) = (name.to_owned(), "web".to_owned());
        match kept.find(&Wanted { name, application, environment: None }) {
            Ok(secret) => secret.expose().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_secret_comes_from_a_variable_or_a_file_and_else_it_is_said_where_it_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("secrets");
        fs::create_dir_all(directory.join("..data")).unwrap();
        let write = |name: &str, content: &[u8]| fs::write(directory.join(name), content).unwrap();
        write("FILE", b"from file\n");
        write("BOTH", b"from file");
        write("TWO_LINES", b"one\r\ntwo\r\n");
        write("SHORT", b"abc\n");
        write("LARGE", &vec![b'a'; LARGEST_BYTES + 1]);
        write("BINARY", &[0xff, 0xfe, 0, 1]);
        write("..data/MOUNTED", b"mounted");
        symlink("..data/MOUNTED", directory.join("MOUNTED")).unwrap();
        fs::write(folder.path().join("outside"), "outside").unwrap();
        symlink("../outside", directory.join("ESCAPE")).unwrap();
        fs::create_dir(directory.join("FOLDER")).unwrap();
        fs::write(folder.path().join("elsewhere"), "from elsewhere\n").unwrap();
        let elsewhere = folder.path().join("elsewhere").display().to_string();
        let variables = [
            ("GENNAKER_SECRET_BOTH", "from variable"),
            ("GENNAKER_SECRET_BOTH_FILE", &elsewhere),
            ("GENNAKER_SECRET_NAMED_FILE", &elsewhere),
            ("GENNAKER_SECRET_GONE_FILE", "/nowhere/at/all"),
            ("HOME", "/root"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept = Kept::new(variables.into_iter(), Some(directory.clone()));
        let unknown = format!(
            "there is no secret `NONE`: GENNAKER_SECRET_NONE is not set, and {}/NONE does not exist",
            directory.display()
        );
        for (name, value) in [
            ("FILE", "from file"),
            ("BOTH", "from variable"),
            ("NAMED", "from elsewhere"),
            (
                "GONE",
                "there is no secret `GONE`: GENNAKER_SECRET_GONE_FILE names a file that does not exist",
            ),
            ("TWO_LINES", "one\r\ntwo"),
            ("MOUNTED", "mounted"),
            ("NONE", unknown.as_str()),
            (
                "SHORT",
                "secret `SHORT` cannot be used: it has fewer than 4 bytes, too few to be masked",
            ),
            ("LARGE", "secret `LARGE` cannot be used: it has more than 65536 bytes"),
            (
                "BINARY",
                "secret `BINARY` cannot be used: it is not UTF-8 text: keep it in base64, as it is \
                to be sent",
            ),
            ("ESCAPE", "secret `ESCAPE` cannot be used: its file is a link out of the directory"),
            ("FOLDER", "secret `FOLDER` cannot be used: it is no file"),
        ] {
            assert_eq!(found(&kept, name), value, "{name}");
        }
        assert!(found(&kept, "../outside").ends_with("there is no directory of secrets"));
    }
}
