//! What git prints: read up to a bound, and taken apart.

use super::error::GitError;
use std::{io, process::ExitStatus};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Child,
};

/// Of what git says to people only the end is kept; that is where the reason stands.
const STDERR_BYTES: usize = 8 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// The first version that takes its configuration from the environment, refspecs from standard input,
/// and fetches atomically.
pub(super) const OLDEST: (u32, u32) = (2, 34);

/// What a call printed, and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    pub(super) ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Code(i32),
    Signal,
    /// It printed more than it may, and was stopped.
    Cut,
}

impl Said {
    pub(super) fn is_cut(&self) -> bool {
        self.ending == Ending::Cut
    }

    pub(super) fn ended(&mut self, status: ExitStatus) {
        self.ending = status.code().map_or(Ending::Signal, Ending::Code);
    }

    /// Records that end in NUL; what was cut in the middle is left out.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.stdout.split_inclusive(|it| *it == 0);
        whole.filter_map(|it| it.strip_suffix(&[0]))
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let lines = self.stdout.split(|it| *it == b'\n').filter(|it| !it.is_empty());
        lines.map(String::from_utf8_lossy)
    }
}

/// Why listening ends before everything is said.
enum Stop {
    Cut(Vec<u8>),
    Broken(io::Error),
}

/// Feeds and reads a child until it has closed both streams, or has printed more than `limit` bytes.
pub(super) async fn listen(
    child: &mut Child,
    input: Vec<u8>,
    limit: usize,
) -> Result<Said, GitError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // Who ends before it has read all says why on its own.
            drop(stdin.write_all(&input).await);
        }
        Ok(())
    };
    let listened = tokio::try_join!(feed, head(stdout, limit), tail(stderr));
    let said = |stdout, stderr, ending| Ok(Said { stdout, stderr, ending });
    match listened {
        Ok(((), stdout, stderr)) => said(stdout, stderr, Ending::Code(0)),
        Err(Stop::Cut(stdout)) => said(stdout, String::new(), Ending::Cut),
        Err(Stop::Broken(error)) => Err(GitError::Machine { message: error.to_string() }),
    }
}

async fn head(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        stream.take(bound).read_to_end(&mut bytes).await.map_err(Stop::Broken)?;
    }
    if bytes.len() > limit {
        bytes.truncate(limit);
        return Err(Stop::Cut(bytes));
    }
    Ok(bytes)
}

async fn tail(stream: Option<impl AsyncRead + Unpin>) -> Result<String, Stop> {
    let Some(mut stream) = stream else { return Ok(String::new()) };
    let (mut kept, mut chunk) = (Vec::new(), vec![0; CHUNK_BYTES]);
    loop {
        let read = stream.read(&mut chunk).await.map_err(Stop::Broken)?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        kept.extend_from_slice(&chunk[..read]);
        let surplus = kept.len().saturating_sub(STDERR_BYTES);
        kept.drain(..surplus);
    }
}

/// Whether git ended because it was to hold more than it may: at once, or in all.
pub(super) fn lacked_memory(stderr: &str) -> bool {
    let said = |it: &str| stderr.contains(it);
    said("ut of memory") || (said("attempting to allocate") && said("over limit"))
}

/// The first two numbers of `2.39.5 (Apple Git-154)`.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(['.', ' ']).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}
