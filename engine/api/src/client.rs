//! Where an engine's socket lies, and how it is reached.

use std::{
    ffi::OsStr,
    fs, io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};
use tokio::net::UnixStream;

/// The socket's name in its state directory.
const NAME: &str = "engine.sock";

/// A path to a socket that fits into an address, however deep its directory lies: addresses have
/// 107 bytes.
pub(crate) struct Short {
    pub(crate) path: PathBuf,
    /// Keeps the path valid.
    _directory: fs::File,
}

impl Short {
    pub(crate) fn of(socket: &Path) -> io::Result<Short> {
        let directory = fs::File::open(socket.parent().unwrap_or(Path::new(".")))?;
        let mut path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        path.push(socket.file_name().unwrap_or(OsStr::new(NAME)));
        Ok(Short { path, _directory: directory })
    }
}

/// Where the engine of a state directory listens.
pub fn socket_in(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

/// A connection to the engine of a state directory.
pub async fn connect(directory: &Path) -> io::Result<UnixStream> {
    connect_to(&socket_in(directory)).await
}

/// A connection to the engine that listens at a socket.
pub async fn connect_to(socket: &Path) -> io::Result<UnixStream> {
    match UnixStream::connect(socket).await {
        // Another user may pass through the directory, but not open it: then it must be short.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            UnixStream::connect(&Short::of(socket)?.path).await
        }
        connected => connected,
    }
}
