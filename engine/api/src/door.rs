//! The doors: the socket in the state directory, and a port of this machine for reading.

use crate::{
    Api,
    client::{Short, socket_in},
    connection::serve,
    peer,
    routes::routes,
    service::Service,
};
use std::{
    fs::{self, Permissions},
    io,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
};
use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
    task::JoinHandle,
};

/// Who may come in, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Who may open the socket beside its owner.
    pub group: Group,
    /// A port for reading.
    pub loopback: Option<SocketAddr>,
}

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
    #[error("{address} cannot be listened on: {error}")]
    Address { address: SocketAddr, error: io::Error },
    #[error(
        "{0} is no loopback address: whoever comes by a network cannot be told apart yet, so this \
         listens on 127.0.0.1 or [::1] alone"
    )]
    NotLoopback(SocketAddr),
}

/// Open doors; they are served until they are closed.
pub struct Doors {
    socket: PathBuf,
    address: Option<SocketAddr>,
    leave: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
    counting: JoinHandle<()>,
}

impl Doors {
    /// Opens the socket in `directory`, and the port. Whoever calls holds the lease, so a socket
    /// that is there is one that a dead engine has left.
    pub async fn open(directory: &Path, ways: &Ways, api: Api) -> Result<Doors, DoorError> {
        // Before anything is there that would have to be taken back.
        let port = match ways.loopback {
            Some(address) => Some(port(address).await?),
            None => None,
        };
        let socket = socket_in(directory);
        let listener = socket_at(directory, &socket, &ways.group)?;
        let (leave, left) = watch::channel(false);
        let service = Service::new(api, socket.clone(), left.clone());
        let (metrics, reader) = (service.metrics.clone(), service.reader.clone());
        let steps = service.engine.steps();
        let counting = tokio::spawn(async move {
            tokio::join!(metrics.follow(reader), metrics.time(steps));
        });
        let router = routes(service);
        let mut serving = vec![tokio::spawn(serve(listener, router.clone(), left.clone()))];
        let address = port.as_ref().and_then(|port| port.local_addr().ok());
        serving.extend(port.map(|port| tokio::spawn(serve(port, router, left))));
        Ok(Doors { socket, address, leave, serving, counting })
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The port that is open, if one is.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Takes no further request, and waits a little for those under way.
    pub async fn close(self) {
        self.leave.send_replace(true);
        for serving in self.serving {
            if serving.await.is_err() {
                tracing::error!("a door died");
            }
        }
        self.counting.abort();
        // The next engine removes what is left.
        drop(fs::remove_file(&self.socket));
    }
}

async fn port(address: SocketAddr) -> Result<TcpListener, DoorError> {
    if !address.ip().is_loopback() {
        return Err(DoorError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|error| DoorError::Address { address, error })
}

fn socket_at(directory: &Path, path: &Path, group: &Group) -> Result<UnixListener, DoorError> {
    let failed = |error| DoorError::Socket { path: path.to_owned(), error };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let short = Short::of(path).map_err(failed)?;
    let listener = UnixListener::bind(&short.path).map_err(failed)?;
    share(directory, path, group)?;
    Ok(listener)
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
