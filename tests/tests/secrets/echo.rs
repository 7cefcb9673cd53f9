//! A server that gives away whatever it hears.

use super::values::forms;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A server that says whatever it is told, in every way that servers have.
pub(super) struct Echo {
    pub(super) address: String,
    pub(super) heard: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    pub(super) fn start() -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let remembered = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let remembered = remembered.clone();
                std::thread::spawn(move || answer(stream, &remembered));
            }
        });
        Echo { address, heard }
    }
}

fn answer(mut stream: TcpStream, heard: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line, mut length) = (Vec::new(), Vec::new(), 0);
    while reader.read_until(b'\n', &mut line).unwrap_or(0) > 2 {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Some((name, value)) = text.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().unwrap();
        }
        head.push(text);
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    heard.lock().unwrap().push(format!("{}\n\n{body}", head.join("\n")));
    let path = head.first().map(|it| it.split(' ').nth(1).unwrap().to_owned()).unwrap_or_default();
    let said = serde_json::from_str::<Value>(&body).ok();
    let secret = said.as_ref().and_then(|it| it["token"].as_str()).unwrap_or(&body).to_owned();
    let (status, answered) = match path.as_str() {
        "/json" => (200, everything(&head, &body, &secret).to_string()),
        "/fail" => (500, format!("refused {secret}")),
        "/cut" => (500, format!("{} {secret}", "x".repeat(180))),
        "/form" => (500, format!("a={}", forms(&secret).join("&"))),
        // Nothing is said.
        _ => return,
    };
    let length = answered.len();
    let head = format!("HTTP/1.1 {status} x\r\nx-seen: 1\r\ncontent-length: {length}");
    drop(stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{answered}").as_bytes()));
}

fn everything(head: &[String], body: &str, secret: &str) -> Value {
    let inner = json!({ "token": secret }).to_string();
    let number: Value = secret.parse::<u64>().map_or(Value::Null, Value::from);
    json!({
        "head": head, "body": body, "secret": secret, "nested": {"deep": [{"it": secret}]},
        "number": number, "inner": inner, "forms": forms(secret), "keys": {secret: 1},
        "lines": secret.lines().collect::<Vec<_>>(),
    })
}
