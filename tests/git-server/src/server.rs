//! The server: where it listens, how it behaves, and what it has seen.

use crate::{bridge, repository::Repository, tls::Tls};
use axum::{Router, extract::Request};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// Repositories in a folder of its own, served over HTTP until it is dropped.
pub struct Server {
    root: TempDir,
    address: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// How a server answers.
#[derive(Clone, Debug, Default)]
pub enum Manners {
    #[default]
    Honest,
    /// Only those get in who show this (`user:secret`).
    Asks(String),
    /// Sends everybody to the same path at another address (`http://host:port`).
    Redirects(String),
    /// Serves files, as a server that knows nothing of git (`git update-server-info` lists the refs).
    Dumb,
    /// Takes requests and never answers.
    Hangs,
    /// Tells the refs, and then sends a pack that never ends.
    Endless,
    /// Tells the refs, and then sends these bytes for a pack.
    Sends(Vec<u8>),
    /// Sends packs in pieces of so many bytes, with pauses between.
    Slow { bytes: usize, pause: Duration },
    /// Answers everything with this status.
    Fails(u16),
}

/// One request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub authorization: Option<String>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) manners: Manners,
    pub(crate) seen: Vec<Seen>,
}

impl Server {
    /// Listens on a free port of loopback.
    pub async fn start() -> Server {
        Server::listen(None).await
    }

    /// The same over HTTPS; both files in PEM.
    pub async fn start_with(certificate: &Path, key: &Path) -> Server {
        Server::listen(Some((certificate, key))).await
    }

    async fn listen(tls: Option<(&Path, &Path)>) -> Server {
        let root = tempfile::tempdir().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (folder, shared) = (root.path().to_owned(), Arc::clone(&state));
        let answer = move |request: Request| {
            let (folder, shared) = (folder.clone(), Arc::clone(&shared));
            async move { bridge::answer(&folder, &shared, request).await }
        };
        let routes = Router::new().fallback(answer);
        let (scheme, task) = match tls {
            None => ("http", tokio::spawn(async { axum::serve(listener, routes).await.unwrap() })),
            Some(files) => {
                let listener = Tls::over(listener, files);
                ("https", tokio::spawn(async { axum::serve(listener, routes).await.unwrap() }))
            }
        };
        Server { root, address: format!("{scheme}://{address}"), state, task }
    }

    /// Makes an empty repository; `name` is its path, as in `shop/checkout`.
    pub fn repository(&self, name: &str) -> Repository {
        Repository::create(&self.root.path().join(format!("{name}.git")))
    }

    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.address())
    }

    /// `http://127.0.0.1:port`
    pub fn address(&self) -> String {
        self.address.clone()
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// How it answers from now on.
    pub fn behave(&self, manners: Manners) {
        self.state.lock().unwrap().manners = manners;
    }

    /// What has come since this was asked last.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
