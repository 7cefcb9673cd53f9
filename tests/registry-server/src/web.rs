//! A web server that answers as a test wants it, and remembers what it heard.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// One request: its first line is `head[0]`.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

/// What is answered.
pub enum Reply {
    /// A status, headers as lines, and a body.
    With { status: u16, headers: Vec<String>, body: Vec<u8> },
    /// Headers, and then bytes without an end.
    Endless,
    /// Nothing at all, and the connection stays.
    Silence,
}

/// The server; it goes with the process.
pub struct Server {
    /// `127.0.0.1:PORT`.
    pub address: String,
    heard: Arc<Mutex<Vec<Request>>>,
}

impl Request {
    /// The method and the path with its query.
    pub fn line(&self) -> &str {
        self.head.first().map_or("", |line| line.trim_end_matches(" HTTP/1.1"))
    }

    pub fn header(&self, wanted: &str) -> Option<&str> {
        let pairs = self.head.iter().skip(1).filter_map(|line| line.split_once(": "));
        pairs
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    }
}

impl Reply {
    pub fn json(status: u16, body: &str) -> Reply {
        let headers = vec!["content-type: application/json".to_owned()];
        Reply::With { status, headers, body: body.as_bytes().to_vec() }
    }

    pub fn headers(status: u16, headers: &[&str]) -> Reply {
        let headers = headers.iter().map(|line| (*line).to_owned()).collect();
        Reply::With { status, headers, body: Vec::new() }
    }
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (remembered, answer) = (heard.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (remembered, answer) = (remembered.clone(), answer.clone());
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let reply = answer(&request);
                    remembered.lock().unwrap().push(request.clone());
                    write(stream, &request, reply);
                });
            }
        });
        Server { address, heard }
    }

    pub fn heard(&self) -> Vec<Request> {
        self.heard.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().ok()?;
        }
        head.push(line.to_owned());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body })
}

fn write(mut stream: TcpStream, request: &Request, reply: Reply) {
    match reply {
        Reply::With { status, headers, body } => {
            let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
            let head = format!(
                "HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let body = if request.line().starts_with("HEAD ") { &[][..] } else { &body[..] };
            drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)));
        }
        Reply::Endless => {
            let head =
                "HTTP/1.1 200 x\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[";
            let mut sent = stream.write_all(head.as_bytes());
            while sent.is_ok() {
                sent = stream.write_all(&[b'1'; 65_536]);
            }
        }
        Reply::Silence => {
            // Until the other side has enough of it.
            drop(stream.read(&mut [0; 1]));
        }
    }
}
