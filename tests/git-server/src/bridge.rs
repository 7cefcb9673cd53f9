//! Hands requests to `git http-backend`, as a web server does by CGI, and misbehaves if it is told to.

use crate::server::{Manners, Seen, State};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{Response, StatusCode, header, request::Parts},
};
use futures::stream;
use std::{
    future::pending,
    io,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::sleep,
};

const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// How fast an answer is sent.
#[derive(Clone, Copy)]
struct Pace {
    bytes: usize,
    pause: Duration,
}

const AT_ONCE: Pace = Pace { bytes: 64 * 1024, pause: Duration::ZERO };

/// A request that has come whole.
struct Asked {
    parts: Parts,
    body: Bytes,
}

pub(crate) async fn answer(
    root: &Path,
    state: &Arc<Mutex<State>>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES).await.unwrap();
    let asked = Asked { parts, body };
    let authorization = asked.header("authorization");
    let manners = {
        let mut state = state.lock().unwrap();
        let path = asked.parts.uri.path().to_owned();
        state.seen.push(Seen { path, authorization: authorization.clone() });
        state.manners.clone()
    };
    match manners {
        Manners::Asks(pair) if authorization.as_deref().and_then(basic).as_ref() != Some(&pair) => {
            plain(StatusCode::UNAUTHORIZED, (header::WWW_AUTHENTICATE, "Basic realm=\"git\""))
        }
        Manners::Honest | Manners::Asks(_) => backend(root, asked, AT_ONCE).await,
        Manners::Redirects(to) => {
            let target = asked.parts.uri.path_and_query().map_or("/", |it| it.as_str());
            plain(StatusCode::FOUND, (header::LOCATION, &format!("{to}{target}")))
        }
        Manners::Dumb => backend(root, asked.of_a_file(), AT_ONCE).await,
        Manners::Hangs => pending().await,
        Manners::Endless if asked.wants_objects() => endless(),
        Manners::Sends(pack) if asked.wants_objects() => {
            result(Body::from([framed(&pack).as_slice(), b"0000"].concat()))
        }
        Manners::Slow { bytes, pause } if asked.wants_objects() => {
            backend(root, asked, Pace { bytes, pause }).await
        }
        Manners::Endless | Manners::Sends(_) | Manners::Slow { .. } => {
            backend(root, asked, AT_ONCE).await
        }
        Manners::Fails(status) => {
            plain(StatusCode::from_u16(status).unwrap(), (header::CONTENT_TYPE, "text/plain"))
        }
    }
}

impl Asked {
    /// In version 2 of the protocol refs are asked for at the same address.
    fn wants_objects(&self) -> bool {
        let asks_for_refs = self.body.windows(15).any(|it| it == b"command=ls-refs");
        self.parts.uri.path().ends_with("/git-upload-pack") && !asks_for_refs
    }

    /// What is asked for, without the word that git says to servers that know it.
    fn of_a_file(mut self) -> Asked {
        self.parts.uri = self.parts.uri.path().parse().unwrap();
        self
    }

    fn header(&self, name: &str) -> Option<String> {
        Some(self.parts.headers.get(name)?.to_str().ok()?.to_owned())
    }
}

/// `user:secret` of a header.
fn basic(header: &str) -> Option<String> {
    let encoded = header.strip_prefix("Basic ")?.trim_end_matches('=');
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for character in encoded.chars() {
        held = (held << 6) | u32::try_from(alphabet.find(character)?).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

fn plain(status: StatusCode, (name, value): (header::HeaderName, &str)) -> Response<Body> {
    Response::builder().status(status).header(name, value).body(Body::empty()).unwrap()
}

async fn backend(root: &Path, asked: Asked, pace: Pace) -> Response<Body> {
    let Asked { parts, body } = &asked;
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default());
    let passed = [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "HTTP_GIT_PROTOCOL"),
    ];
    for (header, variable) in passed {
        if let Some(value) = asked.header(header) {
            command.env(variable, value);
        }
    }
    command.env("CONTENT_LENGTH", body.len().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = asked.body;
    tokio::spawn(async move { drop(stdin.write_all(&body).await) });
    relay(child, pace).await
}

/// The headers that the backend prints, and then what it prints after them while it does.
async fn relay(mut child: Child, pace: Pace) -> Response<Body> {
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut response = Response::builder();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        match line.trim_end().split_once(": ") {
            Some(("Status", status)) => response = response.status(&status[..3]),
            Some((name, value)) => response = response.header(name, value),
            None => break,
        }
    }
    let chunks = stream::unfold((reader, child, pace), |(mut reader, child, pace)| async move {
        let chunk = read(&mut reader, pace).await?;
        Some((chunk, (reader, child, pace)))
    });
    response.body(Body::from_stream(chunks)).unwrap()
}

async fn read(reader: &mut BufReader<ChildStdout>, pace: Pace) -> Option<io::Result<Bytes>> {
    sleep(pace.pause).await;
    let mut chunk = vec![0; pace.bytes];
    match reader.read(&mut chunk).await {
        Ok(0) => None,
        Ok(read) => Some(Ok(Bytes::copy_from_slice(&chunk[..read]))),
        Err(error) => Some(Err(error)),
    }
}

/// A pack without an end.
fn endless() -> Response<Body> {
    let chunks = stream::unfold(0_u64, move |count| async move {
        let chunk = match count {
            0 => framed(b"PACK\x00\x00\x00\x02\x00\x0f\xff\xff"),
            count => pieces(&stored(count)),
        };
        Some((io::Result::Ok(Bytes::from(chunk)), count + 1))
    });
    result(Body::from_stream(chunks))
}

fn result(body: Body) -> Response<Body> {
    let kind = "application/x-git-upload-pack-result";
    Response::builder().header(header::CONTENT_TYPE, kind).body(body).unwrap()
}

/// A pack as the protocol sends it.
fn framed(pack: &[u8]) -> Vec<u8> {
    [packet(b"packfile\n"), pieces(pack)].concat()
}

/// Packets of the first side band.
fn pieces(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(60_000).flat_map(|it| packet(&[b"\x01", it].concat())).collect()
}

fn packet(data: &[u8]) -> Vec<u8> {
    [format!("{:04x}", data.len() + 4).as_bytes(), data].concat()
}

/// One file of 32 KiB that nothing makes smaller, as an object of a pack.
fn stored(count: u64) -> Vec<u8> {
    const LENGTH: u16 = 32_768;
    let mut content = vec![0; usize::from(LENGTH)];
    let mut state = count.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for byte in &mut content {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_le_bytes()[3];
    }
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in &content {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    // Kind 3 (a file) with its length in 4, 7 and 7 bits; a stream of zlib with one stored block.
    let mut object = vec![0xb0, 0x80, 0x10, 0x78, 0x01, 0x01];
    object.extend(LENGTH.to_le_bytes());
    object.extend((!LENGTH).to_le_bytes());
    object.extend(content);
    object.extend(((high << 16) | low).to_be_bytes());
    object
}
