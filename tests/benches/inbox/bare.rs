//! The raw limit: a handler that inserts what is posted as one row, and answers when it is durable.
//! It is a process of its own, as the program is.

use crate::server::Server;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use engine_runtime::sqlite::writer_options;
use sqlx::{ConnectOptions, Executor, SqliteConnection};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::sync::Mutex;

pub(crate) const ARGUMENT: &str = "--bare";

pub(crate) fn serve(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = writer_options(&directory.join("bare.sqlite")).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)").await.unwrap();
        let connection = Arc::new(Mutex::new(connection));
        let router = Router::new().route("/", post(insert)).with_state(connection);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

async fn insert(State(connection): State<Arc<Mutex<SqliteConnection>>>, body: Bytes) -> StatusCode {
    let statement = sqlx::query("INSERT INTO t (body) VALUES (?)").bind(body.to_vec());
    statement.execute(&mut *connection.lock().await).await.unwrap();
    StatusCode::ACCEPTED
}

pub(crate) struct Bare {
    _folder: TempDir,
    address: String,
    server: Child,
}

impl Bare {
    pub(crate) fn start() -> Bare {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Command::new(std::env::current_exe().unwrap())
            .arg(ARGUMENT)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Bare { _folder: folder, address: address.trim().to_owned(), server }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Server for Bare {
    fn address(&self) -> &str {
        &self.address
    }

    fn request(&self, body: &str) -> Vec<u8> {
        let length = body.len();
        format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}")
            .into()
    }
}
