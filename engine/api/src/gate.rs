//! What is refused before anything is looked at: requests that a foreign page made a browser send,
//! and changes by a way that does not tell who asks.

use crate::{peer::Peer, problem::Problem, service::Service};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Names by which this machine calls itself. A page of another name that resolves to it is not one.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

pub(crate) async fn gate(State(service): State<Service>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let answer = match refusal(&service, &request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    service.metrics.answered(&method, answer.status());
    answer
}

fn refusal(service: &Service, request: &Request) -> Option<Problem> {
    // What is posted there proves by itself whose it is, whoever hands it over.
    if *request.method() == Method::POST && is_for_others(request.uri().path()) {
        return None;
    }
    let peer = request.extensions().get::<Peer>().unwrap_or(&Peer::Unknown);
    foreign(peer, request.uri(), request.headers())
        .or_else(|| unknown(peer, request.method(), service))
}

fn is_for_others(path: &str) -> bool {
    ["/receivers/", "/hooks/"].iter().any(|door| path.starts_with(door))
}

/// Names a page or a host that this engine is not.
fn foreign(peer: &Peer, uri: &Uri, headers: &HeaderMap) -> Option<Problem> {
    let forbidden = |words: String| Some(Problem::new(StatusCode::FORBIDDEN, words));
    let port = match peer {
        // Nobody is led to a socket by a name.
        Peer::User { .. } | Peer::Unknown => None,
        Peer::Loopback { port, .. } => Some(*port),
    };
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        if !origin.strip_prefix("http://").is_some_and(|authority| is_ours(authority, port)) {
            return forbidden(format!("a page of `{origin}` may not ask this engine"));
        }
    }
    let port = port?;
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_one = hosts.next().is_none();
    let named = uri.authority().map_or(host, |authority| authority.as_str());
    if !is_one || !is_ours(host, Some(port)) || !is_ours(named, Some(port)) {
        return forbidden(format!(
            "this engine is not `{named}`: ask for http://127.0.0.1:{port} or http://localhost:{port}"
        ));
    }
    None
}

fn is_ours(authority: &str, port: Option<u16>) -> bool {
    NAMES.iter().any(|name| {
        let rest = authority.get(..name.len()).filter(|it| it.eq_ignore_ascii_case(name));
        match (rest.map(|_| &authority[name.len()..]), port) {
            (None, _) => false,
            (Some(""), port) => port.is_none_or(|port| port == 80),
            (Some(rest), Some(port)) => rest == format!(":{port}"),
            (Some(rest), None) => {
                rest.strip_prefix(':').is_some_and(|it| it.parse::<u16>().is_ok())
            }
        }
    })
}

/// Over loopback one may read, and nothing else.
fn unknown(peer: &Peer, method: &Method, service: &Service) -> Option<Problem> {
    let reads = [Method::GET, Method::HEAD].contains(method);
    match peer {
        Peer::User { .. } | Peer::Unknown => None,
        Peer::Loopback { .. } if reads => None,
        Peer::Loopback { .. } => Some(Problem::new(
            StatusCode::FORBIDDEN,
            format!(
                "over TCP nobody can tell who asks, so one may read and nothing else: ask by the \
                 socket, with GENNAKER_SERVER=unix:{}",
                service.socket.display()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_this_machine_and_this_port_are_ours() {
        for ours in ["localhost:7080", "LOCALHOST:7080", "127.0.0.1:7080", "[::1]:7080"] {
            assert!(is_ours(ours, Some(7080)), "{ours}");
        }
        for foreign in [
            "",
            "localhost",
            "localhost:7081",
            "localhost:07080",
            "localhost.evil.example:7080",
            "evil.example:7080",
            "127.0.0.1.evil.example:7080",
            "127.0.0.2:7080",
            "user@localhost:7080",
            "localhost:7080@evil.example",
            "[::1]",
            "0.0.0.0:7080",
            "é:7080",
        ] {
            assert!(!is_ours(foreign, Some(7080)), "{foreign}");
        }
        assert!(is_ours("localhost", Some(80)) && is_ours("localhost:3000", None));
        assert!(!is_ours("localhost:x", None) && !is_ours("evil.example", None));
    }
}
