//! The socket in the state directory.

use crate::{Api, Peer, peer, routes::routes};
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use std::{
    fs::{self, Permissions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{PermissionsExt, chown},
    },
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinHandle,
};

/// The socket's name in its state directory.
const NAME: &str = "engine.sock";
/// How long requests under way may still take when the engine leaves.
const GRACE: Duration = Duration::from_secs(5);

/// Who may open the socket beside its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    Nobody,
    Named(String),
}

#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    #[error("the socket {} cannot be opened: {error}", path.display())]
    Socket { path: PathBuf, error: io::Error },
    #[error("there is no group `{0}` on this machine, so nobody could use the socket")]
    NoGroup(String),
}

/// A path to the socket that fits into an address, however deep the directory lies: addresses have
/// 107 bytes.
struct Way {
    short: PathBuf,
    /// Keeps the path valid.
    _directory: fs::File,
}

impl Way {
    fn to(directory: &Path) -> io::Result<Way> {
        let directory = fs::File::open(directory)?;
        let short = format!("/proc/self/fd/{}/{NAME}", directory.as_raw_fd());
        Ok(Way { short: PathBuf::from(short), _directory: directory })
    }
}

/// Where the engine of a state directory listens.
pub fn socket_in(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

/// A connection to the engine of a state directory.
pub async fn connect(directory: &Path) -> io::Result<UnixStream> {
    match UnixStream::connect(socket_in(directory)).await {
        // Another user may pass through the directory, but not open it: then it must be short.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            UnixStream::connect(&Way::to(directory)?.short).await
        }
        connected => connected,
    }
}

/// An open socket; it is served until it is closed.
pub struct Door {
    path: PathBuf,
    leave: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Door {
    /// Opens the socket in `directory`. Whoever calls holds the lease, so a socket that is there
    /// is one that a dead engine has left.
    pub fn open(directory: &Path, group: &Group, api: Api) -> Result<Door, DoorError> {
        let path = directory.join(NAME);
        let failed = |error| DoorError::Socket { path: path.clone(), error };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let way = Way::to(directory).map_err(failed)?;
        let listener = UnixListener::bind(&way.short).map_err(failed)?;
        share(directory, &path, group)?;
        let (leave, left) = watch::channel(false);
        let service = routes(api).into_make_service_with_connect_info::<Peer>();
        let serving = tokio::spawn(serve(listener, service, left));
        Ok(Door { path, leave, serving })
    }

    /// Takes no further request, and waits for those under way.
    pub async fn close(mut self) {
        self.leave.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
        // The next engine removes what is left.
        drop(fs::remove_file(&self.path));
    }
}

async fn serve(
    listener: UnixListener,
    service: IntoMakeServiceWithConnectInfo<axum::Router, Peer>,
    mut left: watch::Receiver<bool>,
) {
    let leaving = async move { drop(left.wait_for(|left| *left).await) };
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(leaving).await {
        tracing::error!(%error, "the socket is no longer served");
    }
}

/// The owner may do everything; a group, if one is named, may come as far as the socket.
fn share(directory: &Path, socket: &Path, group: &Group) -> Result<(), DoorError> {
    let failed = |error| DoorError::Socket { path: socket.to_owned(), error };
    match group {
        Group::Nobody => fs::set_permissions(socket, Permissions::from_mode(0o600)).map_err(failed),
        Group::Named(name) => {
            let id = peer::group(name).ok_or_else(|| DoorError::NoGroup(name.clone()))?;
            chown(directory, None, Some(id)).map_err(failed)?;
            fs::set_permissions(directory, Permissions::from_mode(0o710)).map_err(failed)?;
            chown(socket, None, Some(id)).map_err(failed)?;
            fs::set_permissions(socket, Permissions::from_mode(0o660)).map_err(failed)
        }
    }
}
