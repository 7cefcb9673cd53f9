//! The one place that starts processes: bounded in time, output and memory, and ended as a whole group.

mod group;

use super::{
    environment::{self, Environment},
    error::{GitError, Limited},
    mirror::machine,
    output::{self, Said},
};
use group::Group;
use std::{
    future::{Future, pending},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    sync::Semaphore,
    time::{sleep, timeout},
};

/// After a kill the system needs this long at most; what does not end then is left to the runtime.
const REAP: Duration = Duration::from_secs(2);

/// git on this machine, and how many of it may run at once. Clones share the count.
#[derive(Clone, Debug)]
pub struct Git {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    program: PathBuf,
    version: String,
    remote: Semaphore,
    local: Semaphore,
}

/// How many processes may speak to servers, and how many may read mirrors. Servers that hang hold
/// nobody up who only reads.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    pub remote: usize,
    pub local: usize,
}

impl Default for Capacity {
    fn default() -> Capacity {
        Capacity { remote: 8, local: 4 }
    }
}

/// Whom a call speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Remote,
    Local,
}

/// One call of git.
pub(super) struct Call<'a> {
    /// The subcommand, for messages.
    pub(super) doing: &'static str,
    /// What follows the subcommand.
    pub(super) arguments: Vec<String>,
    pub(super) environment: Environment,
    pub(super) directory: &'a Path,
    pub(super) input: Vec<u8>,
    pub(super) reach: Reach,
    pub(super) output_bytes: usize,
    pub(super) memory_bytes: u64,
    pub(super) deadline: Duration,
}

impl Git {
    /// Looks for a git that knows all that is needed, as `$PATH` has it.
    pub async fn find(capacity: Capacity) -> Result<Git, GitError> {
        let program = PathBuf::from("git");
        let git = Git::new(program, String::new(), capacity);
        let call = Call {
            doing: "version",
            arguments: Vec::new(),
            environment: environment::bare().into(),
            directory: Path::new("/"),
            input: Vec::new(),
            reach: Reach::Local,
            output_bytes: 4_096,
            memory_bytes: 1 << 30,
            deadline: Duration::from_secs(10),
        };
        let said = git.run(call, pending()).await?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let version = text.trim().trim_start_matches("git version ").to_owned();
        match output::version(&version) {
            Some(found) if found >= output::OLDEST => {
                Ok(Git::new(PathBuf::from("git"), version, capacity))
            }
            Some(_) | None => {
                let (major, minor) = output::OLDEST;
                Err(machine(&format!(
                    "git {version} is too old: {major}.{minor} or newer is needed"
                )))
            }
        }
    }

    fn new(program: PathBuf, version: String, Capacity { remote, local }: Capacity) -> Git {
        let (remote, local) = (Semaphore::new(remote.max(1)), Semaphore::new(local.max(1)));
        Git { inner: Arc::new(Inner { program, version, remote, local }) }
    }

    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// Runs git to its end, or until a bound or `stop` ends it with everything that it started. The
    /// deadline counts from when there was room for it. If this is dropped, git is killed too.
    pub(super) async fn run(
        &self,
        call: Call<'_>,
        stop: impl Future<Output = GitError>,
    ) -> Result<Said, GitError> {
        let room = match call.reach {
            Reach::Remote => &self.inner.remote,
            Reach::Local => &self.inner.local,
        };
        let _permit = room.acquire().await.map_err(|error| machine(&error))?;
        let mut child = spawn(&self.inner.program, &call)
            .map_err(|error| machine(&format!("git cannot be started: {error}")))?;
        let mut group = Group::of(&child);
        group.limit(call.memory_bytes);
        let deadline = GitError::Deadline { seconds: call.deadline.as_secs(), doing: call.doing };
        let told = tokio::select! {
            said = output::listen(&mut child, call.input, call.output_bytes) => said,
            error = stop => Err(error),
            () = sleep(call.deadline) => Err(deadline),
        };
        let mut said = match told {
            Ok(said) if !said.is_cut() => said,
            other => {
                group.kill();
                drop(timeout(REAP, child.wait()).await);
                return other;
            }
        };
        let status = ended(&mut child).await?;
        group.has_ended();
        drop(call.environment.held); // what it was to read, it has read
        said.ended(status);
        if output::lacked_memory(&said.stderr) {
            let limited = Limited::Memory { limit: call.memory_bytes };
            return Err(GitError::TooLarge { limited });
        }
        Ok(said)
    }
}

/// Both pipes are closed, so it is about to end.
async fn ended(child: &mut Child) -> Result<ExitStatus, GitError> {
    let status = timeout(REAP, child.wait()).await;
    let status = status.map_err(|_| machine(&"git closed its output and did not end"))?;
    status.map_err(|error| machine(&error))
}

#[expect(clippy::disallowed_methods, reason = "the one place that starts processes")]
fn spawn(program: &Path, call: &Call<'_>) -> std::io::Result<Child> {
    let input = if call.input.is_empty() { Stdio::null() } else { Stdio::piped() };
    Command::new(program)
        .arg("--no-optional-locks")
        .arg(call.doing)
        .args(&call.arguments)
        .env_clear()
        .envs(call.environment.variables.iter().map(|(name, value)| (name, value)))
        .current_dir(call.directory)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}
