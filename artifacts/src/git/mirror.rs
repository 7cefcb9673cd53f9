//! A mirror: where it lies, what it is of, and how it is opened after whatever happened to it.

use super::{
    credentials::Credentials,
    environment,
    error::{GitError, Limited, of_local},
    leftovers,
    limits::Limits,
    name::ObjectId,
    output::{Ending, Said},
    process::{Call, Git, Reach},
    upkeep,
    url::RemoteUrl,
};
use std::{
    fs,
    future::pending,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Mutex, task::spawn_blocking, time::interval};

/// Room for what is not data: a few lines.
const SHORT: usize = 64 * 1024;
/// How often the size of a mirror is looked at while it grows.
const LOOK: Duration = Duration::from_millis(100);

/// Where a repository is, and how we show ourselves to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub url: RemoteUrl,
    pub credentials: Credentials,
    /// A PEM file; without it, the authorities that this machine trusts.
    pub certificate_authority: Option<PathBuf>,
}

/// A bare copy of one repository. At most one for a directory at a time; its methods may be called
/// at once. It is a cache: all that is in it can be fetched again.
#[derive(Debug)]
pub struct Mirror {
    pub(super) git: Git,
    pub(super) directory: PathBuf,
    pub(super) origin: Origin,
    pub(super) limits: Limits,
    /// Held by whoever changes refs or objects.
    pub(super) writing: Arc<Mutex<()>>,
}

impl Mirror {
    /// Opens what is there, or makes an empty one; speaks to no server. What an engine that was killed
    /// left over is removed, and what is no repository is made anew.
    pub async fn open(
        git: &Git,
        directory: &Path,
        (origin, limits): (Origin, Limits),
    ) -> Result<Mirror, GitError> {
        environment::remote(directory, &origin, "")?;
        let directory = std::path::absolute(directory).map_err(|error| machine(&error))?;
        let mirror =
            Mirror { git: git.clone(), directory, origin, limits, writing: Arc::default() };
        let path = mirror.directory.clone();
        let state = spawn_blocking(move || tidy(&path)).await;
        match state.map_err(|error| machine(&error))?.map_err(|error| machine(&error))? {
            Found::Repository => {}
            Found::Nothing => mirror.make(Format::Sha1).await?,
        }
        Ok(mirror)
    }

    /// The same copy, by another way to its server: to be used beside this one while calls of it are
    /// under way.
    ///
    /// # Errors
    ///
    /// When the server cannot be shown such credentials.
    pub fn through(&self, origin: Origin) -> Result<Mirror, GitError> {
        environment::remote(&self.directory, &origin, "")?;
        let (git, directory) = (self.git.clone(), self.directory.clone());
        let (limits, writing) = (self.limits.clone(), self.writing.clone());
        Ok(Mirror { git, directory, origin, limits, writing })
    }

    /// Made beside its place and then moved there, so that half of one never stands in it.
    async fn make(&self, format: Format) -> Result<(), GitError> {
        let fresh = beside(&self.directory, "new");
        remove(&fresh).map_err(|error| machine(&error))?;
        fs::create_dir_all(&fresh).map_err(|error| machine(&error))?;
        let format = format!("--object-format={}", format.name());
        let mut call = self.call("init", ["--bare", "--quiet", "--template=", &format]);
        call.directory = &fresh;
        let said = self.git.run(call, pending()).await?;
        whole(&said)?;
        fs::rename(&fresh, &self.directory).map_err(|error| machine(&error))
    }

    /// Makes an empty mirror anew if the server names its objects in another way than it does.
    pub(super) async fn suit(&self, format: Format) -> Result<(), GitError> {
        let written = fs::read_to_string(self.directory.join("config"));
        let is_long = written.map_err(|error| machine(&error))?.contains("sha256");
        match (format, is_long) {
            (Format::Sha1, false) | (Format::Sha256, true) => Ok(()),
            (Format::Sha1, true) | (Format::Sha256, false) if self.refs().await?.is_empty() => {
                discard(&self.directory).map_err(|error| machine(&error))?;
                self.make(format).await
            }
            (Format::Sha1, true) | (Format::Sha256, false) => Err(GitError::Damaged {
                message: "the server names its objects in another way now".to_owned(),
            }),
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// A call that reads; what it may print and what it is given can be changed.
    pub(super) fn call<'a>(
        &'a self,
        doing: &'static str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Call<'a> {
        Call {
            doing,
            arguments: arguments.into_iter().map(str::to_owned).collect(),
            environment: environment::local(&self.directory),
            directory: &self.directory,
            input: Vec::new(),
            reach: Reach::Local,
            output_bytes: SHORT,
            memory_bytes: self.limits.memory_bytes,
            deadline: self.limits.read_deadline,
        }
    }

    pub(super) async fn run(&self, call: Call<'_>) -> Result<Said, GitError> {
        self.git.run(call, pending()).await
    }

    /// Ends with an error as soon as the mirror is larger than it may be.
    pub(super) async fn too_large(&self) -> GitError {
        let limit = self.limits.disk_bytes;
        let mut looks = interval(LOOK);
        loop {
            looks.tick().await;
            let directory = self.directory.clone();
            let size = spawn_blocking(move || leftovers::size(&directory)).await;
            if size.is_ok_and(|size| size > limit) {
                return GitError::TooLarge { limited: Limited::Disk { limit } };
            }
        }
    }
}

/// Removes a mirror that is damaged, or belongs to a source that is gone. Nobody may have it open.
pub fn discard(directory: &Path) -> io::Result<()> {
    let aside = beside(directory, "old");
    remove(&aside)?;
    match fs::rename(directory, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => remove(&aside),
    }
}

/// How a repository names its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Sha1,
    Sha256,
}

impl Format {
    pub(super) fn of(id: &ObjectId) -> Format {
        if id.as_str().len() == 40 { Format::Sha1 } else { Format::Sha256 }
    }

    fn name(self) -> &'static str {
        match self {
            Format::Sha1 => "sha1",
            Format::Sha256 => "sha256",
        }
    }
}

enum Found {
    Repository,
    Nothing,
}

fn tidy(directory: &Path) -> io::Result<Found> {
    remove(&beside(directory, "new"))?;
    remove(&beside(directory, "old"))?;
    let is_repository = ["HEAD", "config"].iter().all(|it| directory.join(it).is_file())
        && ["objects", "refs"].iter().all(|it| directory.join(it).is_dir());
    if !is_repository {
        discard(directory)?;
        return Ok(Found::Nothing);
    }
    upkeep::recover(directory)?;
    Ok(Found::Repository)
}

/// `directory.suffix`.
fn beside(directory: &Path, suffix: &str) -> PathBuf {
    let mut name = directory.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    directory.with_file_name(name)
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

pub(super) fn machine(error: &dyn std::fmt::Display) -> GitError {
    GitError::Machine { message: error.to_string() }
}

/// That a call which reads the mirror did so.
pub(super) fn whole(said: &Said) -> Result<(), GitError> {
    match said.ending {
        Ending::Code(0) => Ok(()),
        Ending::Code(_) => Err(of_local(&said.stderr)),
        Ending::Signal => Err(GitError::Damaged { message: "git crashed".to_owned() }),
        Ending::Cut => {
            Err(GitError::TooLarge { limited: Limited::Output { limit: said.stdout.len() } })
        }
    }
}
