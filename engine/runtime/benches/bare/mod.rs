//! The bare loop: what the same driver and pragmas give without an engine. Per step one row of 200
//! bytes is inserted and one summary row is updated, in group commits of whatever is in flight.

use engine_runtime::sqlite::writer_options;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection,
    query::Query,
    sqlite::{Sqlite, SqliteArguments},
};
use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

const SCHEMA: &str = "\
    CREATE TABLE log (position INTEGER PRIMARY KEY, run INTEGER NOT NULL, n INTEGER NOT NULL, \
        body TEXT NOT NULL, UNIQUE (run, n)); \
    CREATE TABLE summary (run INTEGER PRIMARY KEY, next INTEGER NOT NULL, wake INTEGER NOT NULL)";

/// A step of run `run`, its row number, and whom to tell that it is durable.
struct Step {
    run: i64,
    n: i64,
    durable: oneshot::Sender<()>,
}

/// Steps per second with `in_flight` runs, each of which begins its next step when the last one is
/// durable.
pub(crate) async fn steps_per_second(
    directory: &Path,
    in_flight: i64,
    time: Duration,
) -> Result<f64, Box<dyn Error>> {
    let path = directory.join(format!("bare-{in_flight}.sqlite"));
    let mut connection = writer_options(&path).create_if_missing(true).connect().await?;
    connection.execute(SCHEMA).await?;
    for run in 0..in_flight {
        connection.execute(sqlx::query("INSERT INTO summary VALUES (?, 0, 0)").bind(run)).await?;
    }
    let (steps, line) = mpsc::channel(1_024);
    let writer = tokio::spawn(write(connection, line));
    let begin = Instant::now();
    let runs: Vec<_> =
        (0..in_flight).map(|run| tokio::spawn(drive(run, steps.clone(), begin + time))).collect();
    drop(steps);
    let mut done = 0;
    for run in runs {
        done += run.await?;
    }
    let took = begin.elapsed();
    writer.await??;
    Ok(done as f64 / took.as_secs_f64())
}

async fn drive(run: i64, steps: mpsc::Sender<Step>, end: Instant) -> i64 {
    let mut n = 0;
    while Instant::now() < end {
        let (durable, answer) = oneshot::channel();
        if steps.send(Step { run, n, durable }).await.is_err() || answer.await.is_err() {
            return n;
        }
        n += 1;
    }
    n
}

async fn write(
    mut connection: SqliteConnection,
    mut line: mpsc::Receiver<Step>,
) -> Result<(), sqlx::Error> {
    let body = "x".repeat(200);
    let mut position = 0;
    let mut steps = Vec::new();
    while line.recv_many(&mut steps, 64).await > 0 {
        connection.execute(statement(&steps, &mut position, &body)).await?;
        for step in steps.drain(..) {
            // A run that has ended does not wait for its last answer.
            step.durable.send(()).ok();
        }
    }
    connection.close().await
}

/// The whole transaction in one round trip to the driver's thread.
fn statement<'a>(
    steps: &[Step],
    position: &mut i64,
    body: &'a str,
) -> Query<'a, Sqlite, SqliteArguments> {
    let rows = |columns: &str| vec![columns; steps.len()].join(",");
    let text = format!(
        "BEGIN IMMEDIATE; INSERT INTO log VALUES {}; UPDATE summary SET next = v.column2, \
         wake = v.column3 FROM (VALUES {}) AS v WHERE summary.run = v.column1; COMMIT",
        rows("(?,?,?,?)"),
        rows("(?,?,?)"),
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for Step { run, n, .. } in steps {
        *position += 1;
        query = query.bind(*position).bind(*run).bind(*n).bind(body);
    }
    for Step { run, n, .. } in steps {
        query = query.bind(*run).bind(*n + 1).bind(*n * 10);
    }
    query
}
