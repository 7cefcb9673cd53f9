//! Serves connections: so many at once, each with its limits of size and time.

use crate::{
    patient::{PATIENCE, Patient},
    peer::Peer,
};
use axum::{Router, extract::Request, serve::Listener};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower::ServiceExt;

/// So many connections are served at once by a door; more wait until one ends.
const CONNECTIONS: usize = 256;
/// A request's head comes in within this time; so an idle connection ends after it, too.
pub(crate) const READ: Duration = Duration::from_secs(10);
/// The head of a request.
const HEAD_BYTES: usize = 16 * 1024;
/// How long requests under way may still take when the engine leaves.
const GRACE: Duration = Duration::from_secs(3);

/// A stream that can say who is at its other end.
pub(crate) trait Known: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn peer(&self) -> Peer;
}

impl Known for UnixStream {
    fn peer(&self) -> Peer {
        Peer::of(self.peer_cred().ok().as_ref())
    }
}

impl Known for TcpStream {
    fn peer(&self) -> Peer {
        let port = self.local_addr().as_ref().map_or(0, SocketAddr::port);
        match self.peer_addr() {
            Ok(address) => Peer::Loopback { port, from: address.ip() },
            // It has gone away already.
            Err(_) => Peer::Unknown,
        }
    }
}

/// Serves until `left` turns true, and then the requests under way, for a little while.
pub(crate) async fn serve<L>(mut listener: L, router: Router, left: watch::Receiver<bool>)
where
    L: Listener,
    L::Io: Known,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut leave = left.clone();
    let leaving = async move { drop(leave.wait_for(|left| *left).await) };
    let mut leaving = std::pin::pin!(leaving);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await.0)
        };
        tokio::select! {
            (place, stream) = accepted => {
                let served = connection(stream, router.clone(), left.clone());
                connections.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Some(_) = connections.join_next() => {}
            () = leaving.as_mut() => break,
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection<S: Known>(stream: S, router: Router, mut left: watch::Receiver<bool>) {
    let peer = stream.peer();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request)
    });
    let stream = TokioIo::new(Patient::new(stream, PATIENCE));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(stream, service);
    let mut served = std::pin::pin!(served);
    let leaving = async move { drop(left.wait_for(|left| *left).await) };
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = leaving => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
