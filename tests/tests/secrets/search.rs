//! Gathers all that the program leaves behind or says to anybody, and looks for secrets in it.

use super::values::traces;
use crate::{
    program::gennaker,
    wire::{Events, exchange, get, socket},
};
use engine_core::id::BlobName;
use engine_runtime::seal::Sealer;
use sqlx::{
    Column, Connection, Row, SqliteConnection, TypeInfo, ValueRef, sqlite::SqliteConnectOptions,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(super) struct Search {
    state: PathBuf,
    /// What the program is told besides.
    variables: Vec<(String, String)>,
    places: Vec<(String, Vec<u8>)>,
}

impl Search {
    pub(super) fn new(state: &Path, variables: &[(&str, &str)]) -> Search {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = variables.iter().map(owned).collect();
        Search { state: state.to_owned(), variables, places: Vec::new() }
    }

    pub(super) fn add(&mut self, place: &str, text: impl Into<Vec<u8>>) {
        self.places.push((place.to_owned(), text.into()));
    }

    /// Every answer of the API about the latest run, and all that happened as a stream.
    pub(super) fn ask_the_engine(&mut self, stages: &[&str]) {
        let run = "/api/v1/runs/latest";
        let mut paths: Vec<String> =
            ["", "/events", "/plan"].iter().map(|rest| format!("{run}{rest}")).collect();
        paths.extend(["/api/v1/runs", "/metrics", "/readyz"].map(str::to_owned));
        paths.extend(stages.iter().map(|stage| format!("{run}/stages/{stage}/logs")));
        let engine = self.state.join("engine.sock");
        for path in paths {
            let reply = exchange(socket(&engine), get(&path, "host: x\r\n").as_bytes());
            assert!(reply.status == 200 || path.ends_with("logs"), "{path}: {reply:?}");
            self.add(&path, reply.body);
        }
        let mut events = Events::follow(&engine, "?after=0", "");
        let told =
            exchange(socket(&engine), get(&format!("{run}/events"), "host: x\r\n").as_bytes());
        let last = told.json()["items"].as_array().unwrap().last().unwrap()["position"].clone();
        while let Some(heard) = events.next() {
            self.add("the stream", heard.data.to_string());
            if heard.data["position"].as_u64() >= last.as_u64() {
                break;
            }
        }
    }

    /// Every command that tells something.
    pub(super) fn ask_the_program(&mut self, file: &str) {
        let mut commands: Vec<Vec<&str>> = vec![
            vec!["why", "latest"],
            vec!["logs", "latest"],
            vec!["graph", file],
            vec!["validate", file, "--format", "json"],
            vec!["wait", "latest", "--timeout", "1s"],
        ];
        for form in ["table", "json", "yaml"] {
            commands.push(vec!["plan", file, "-o", form]);
        }
        for form in ["table", "wide", "json", "yaml"] {
            commands.push(vec!["describe", "run", "latest", "-o", form]);
            commands.push(vec!["get", "runs", "-o", form]);
        }
        for arguments in commands {
            let mut command = gennaker(&self.state, &arguments);
            let variables = self.variables.iter().map(|(name, value)| (name, value));
            let output = command.envs(variables).env("GENNAKER_LOG", "debug").output().unwrap();
            self.add(&arguments.join(" "), [output.stdout, output.stderr].concat());
        }
    }

    /// The files of the state directory, each cell of the database, and what its blobs hold.
    pub(super) fn look_into_the_state(&mut self) {
        for path in files(&self.state) {
            self.add(&path.display().to_string(), fs::read(&path).unwrap());
        }
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let cells = runtime.block_on(cells(&self.state.join("engine.sqlite")));
        let sealer = Sealer::in_directory(&self.state).unwrap();
        let mut opened = 0;
        for (table, row) in cells {
            if let ("blob", [name, sealed]) = (table.as_str(), row.as_slice()) {
                let name = BlobName(String::from_utf8(name.clone()).unwrap());
                self.add(&format!("blob {name}"), sealer.open(&name, sealed).unwrap());
                opened += 1;
            }
            row.into_iter().for_each(|cell| self.add(&format!("table {table}"), cell));
        }
        assert!(opened > 0, "the state has no blob");
    }

    pub(super) fn finds_none_of(&self, values: &[String]) {
        let bytes: usize = self.places.iter().map(|(_, text)| text.len()).sum();
        println!("{} places, {bytes} bytes, {} values", self.places.len(), values.len());
        let traces = values.iter().flat_map(|value| traces(value));
        let finder = aho_corasick::AhoCorasick::new(traces).unwrap();
        let mut hits = Vec::new();
        for (place, text) in &self.places {
            for found in finder.find_overlapping_iter(text) {
                let (from, to) = (found.start().saturating_sub(60), found.end() + 20);
                let around = String::from_utf8_lossy(&text[from..to.min(text.len())]);
                hits.push(format!("{place}: {around}"));
            }
        }
        assert!(hits.is_empty(), "{} hits: {:#?}", hits.len(), &hits[..hits.len().min(10)]);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.filter(|path| !path.to_string_lossy().ends_with(".sock")).flat_map(of).collect()
}

/// Every row of every table, each cell as its bytes.
async fn cells(database: &Path) -> Vec<(String, Vec<Vec<u8>>)> {
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    let mut cells = Vec::new();
    for table in tables {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM {table}")));
        for row in rows.fetch_all(&mut connection).await.unwrap() {
            let columns = row.columns().iter().map(|column| {
                let at = column.ordinal();
                match row.try_get_raw(at).unwrap().type_info().name() {
                    "TEXT" => row.get::<String, _>(at).into_bytes(),
                    "BLOB" => row.get::<Vec<u8>, _>(at),
                    "INTEGER" => row.get::<i64, _>(at).to_string().into_bytes(),
                    _ => Vec::new(),
                }
            });
            cells.push((table.clone(), columns.collect()));
        }
    }
    cells
}
