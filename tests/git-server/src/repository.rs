//! A bare repository, and commits that are written into it without a work tree.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A bare repository on disk.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
}

/// What a commit does to one path.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    File(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
    /// A commit of another repository.
    Submodule(&'a str, &'a str),
    Delete(&'a str),
}

impl Repository {
    /// An empty one, whose main branch is `main`.
    pub fn create(folder: &Path) -> Repository {
        Repository::create_as(folder, "sha1")
    }

    /// One that names its objects by another hash.
    pub fn create_as(folder: &Path, format: &str) -> Repository {
        std::fs::create_dir_all(folder).unwrap();
        let repository = Repository { folder: folder.to_owned() };
        let format = format!("--object-format={format}");
        repository.git(&["init", "--bare", "--quiet", "--initial-branch=main", &format, "."]);
        repository
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs git in it, and gives what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, &[])
    }

    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child = git(&self.folder).args(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// One more commit on a branch, which is made if it is not there; gives the commit's name.
    pub fn commit(&self, branch: &str, changes: &[Change<'_>]) -> String {
        self.commit_as(branch, "Mo <mo@example.com>", changes)
    }

    pub fn commit_as(&self, branch: &str, author: &str, changes: &[Change<'_>]) -> String {
        let name = format!("refs/heads/{branch}");
        let parent = self.resolve(&name);
        let message = format!("Change {} paths\n\nof {branch}\n", changes.len());
        let mut input = format!("commit {name}\n").into_bytes();
        for role in ["author", "committer"] {
            writeln!(input, "{role} {author} 1700000000 +0100").unwrap();
        }
        write!(input, "data {}\n{message}\n", message.len()).unwrap();
        if let Some(parent) = parent {
            writeln!(input, "from {parent}").unwrap();
        }
        changes.iter().for_each(|change| change.write(&mut input));
        self.git_with(&["fast-import", "--quiet", "--force"], &input);
        self.resolve(&name).unwrap()
    }

    /// What a ref points to; nothing if it is not there.
    pub fn resolve(&self, name: &str) -> Option<String> {
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", name];
        let output = git(&self.folder).args(arguments).output().unwrap();
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(id)
    }

    /// Lets a branch point to a commit, whatever it was before.
    pub fn force(&self, branch: &str, commit: &str) {
        self.git(&["update-ref", &format!("refs/heads/{branch}"), commit]);
    }

    pub fn delete(&self, branch: &str) {
        self.git(&["update-ref", "-d", &format!("refs/heads/{branch}")]);
    }
}

impl Change<'_> {
    fn write(&self, input: &mut Vec<u8>) {
        let mut entry = |mode: &str, path: &str, content: &[u8]| {
            write!(input, "M {mode} inline {}\ndata {}\n", quoted(path), content.len()).unwrap();
            input.extend_from_slice(content);
            input.push(b'\n');
        };
        match self {
            Change::File(path, content) => entry("100644", path, content),
            Change::Symlink(path, target) => entry("120000", path, target.as_bytes()),
            Change::Submodule(path, commit) => {
                writeln!(input, "M 160000 {commit} {}", quoted(path)).unwrap();
            }
            Change::Delete(path) => writeln!(input, "D {}", quoted(path)).unwrap(),
        }
    }
}

fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' | 0..=31 | 127.. => write!(text, "\\{byte:03o}").unwrap(),
            plain => text.push(char::from(plain)),
        }
    }
    text + "\""
}

/// git with nobody's configuration but its own.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Mo")
        .env("GIT_AUTHOR_EMAIL", "mo@example.com")
        .env("GIT_COMMITTER_NAME", "Mo")
        .env("GIT_COMMITTER_EMAIL", "mo@example.com")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
