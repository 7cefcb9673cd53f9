//! Where the platform's file has runs kept: a file, as it is written.

use super::Platform;

/// The one kind of database that there is.
const SCHEME: &str = "sqlite";
/// No path is longer, in bytes.
const LONGEST: usize = 1_024;

/// Why what is written is no place for runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoDatabase<'a> {
    /// A database of another kind, by its scheme.
    Server(&'a str),
    /// Not the path of a file.
    Path,
}

/// The path in `sqlite:PATH`. What is to SQLite more than a path (options, a database in memory, a URL)
/// is none.
pub(super) fn database_path(written: &str) -> Result<&str, NoDatabase<'_>> {
    let (scheme, path) = written.split_once(':').ok_or(NoDatabase::Path)?;
    if scheme != SCHEME {
        let is_scheme = !scheme.is_empty() && scheme.bytes().all(|it| it.is_ascii_alphanumeric());
        return Err(if is_scheme { NoDatabase::Server(scheme) } else { NoDatabase::Path });
    }
    let is_strange = |it: char| it.is_control() || matches!(it, '?' | '#' | '%' | ':');
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
    let is_path = parts.all(|part| !matches!(part, "" | "." | ".."));
    match is_path && path.len() <= LONGEST && !path.contains(is_strange) {
        true => Ok(path),
        false => Err(NoDatabase::Path),
    }
}

impl Platform {
    /// The file in which runs are kept, as it is written: relative to the state directory unless it is
    /// absolute.
    pub fn database(&self) -> Option<&str> {
        database_path(self.file()?.database.as_deref()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_after_sqlite_is_a_place_and_nothing_else_is() {
        for (written, path) in [
            ("sqlite:gennaker.db", "gennaker.db"),
            ("sqlite:a/b.db", "a/b.db"),
            ("sqlite:/srv/g n.db", "/srv/g n.db"),
        ] {
            assert_eq!(database_path(written), Ok(path));
        }
        for written in [
            "",
            "gennaker.db",
            "sqlite",
            "sqlite:",
            "sqlite:.",
            "sqlite:a/",
            "sqlite:a/..",
            "sqlite:../a",
            "sqlite:./a",
            "sqlite://a",
            "sqlite:///a",
            "sqlite::memory:",
            "sqlite:a?mode=ro",
            "sqlite:a#b",
            "sqlite:a%41",
            "sqlite:a\0b",
            ":a",
            "./a:b",
        ] {
            assert_eq!(database_path(written), Err(NoDatabase::Path), "{written}");
        }
        for (written, scheme) in
            [("postgres://h/d", "postgres"), ("mysql:x", "mysql"), ("SQLITE:a", "SQLITE")]
        {
            assert_eq!(database_path(written), Err(NoDatabase::Server(scheme)));
        }
    }
}
