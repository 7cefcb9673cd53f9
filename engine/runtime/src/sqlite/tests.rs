//! The contract of all stores, and what is true of the file alone.

use super::{
    FILE_NAME, OpenError, Sqlite,
    failure::Failure,
    session::Session,
    writer::{Work, Workshop, Writer},
};
use crate::conformance::{
    Checked,
    sample::{World, attempt, begin, end, next, run, summary, written},
};
use engine_core::{
    BoxFuture,
    admission::Limit,
    id::{PlanHash, Position},
    status::RunStatus,
    store::{
        Append, Beginning, Counts, FeedRow, LogReader, LogRow, Page, Store, StoreError, Summary,
    },
};
use futures::FutureExt;
use sqlx::{ConnectOptions, Connection, Executor, Row};
use std::{error::Error, fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::sync::watch;

async fn fresh() -> Result<(Arc<dyn Store>, TempDir), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    Ok((Arc::new(Sqlite::open(directory.path()).await?), directory))
}

crate::hold_to_the_contract!(fresh);

async fn world(directory: &Path) -> Result<(World, Sqlite), Box<dyn Error>> {
    let store = Sqlite::open(directory).await?;
    Ok((World::on(Arc::new(store.clone())).await?, store))
}

/// A look at the file itself.
async fn query(directory: &Path, text: &'static str) -> Result<String, sqlx::Error> {
    let options = super::open::options(&directory.join(FILE_NAME));
    let mut connection = options.connect().await?;
    let rows = sqlx::query(text).fetch_all(&mut connection).await?;
    connection.close().await?;
    let last = |row: &sqlx::sqlite::SqliteRow| row.try_get::<String, _>(row.len() - 1);
    Ok(rows.iter().map(last).collect::<Result<Vec<_>, _>>()?.join("\n"))
}

#[tokio::test]
async fn what_was_answered_is_found_by_the_next_process() -> Checked {
    let directory = tempfile::tempdir()?;
    let (world, store) = world(directory.path()).await?;
    let run = world.start(1).await?;
    written(&world.append(next(run, 1, vec![attempt("build")])).await?);
    let log = world.store.log(run, 0).await?;
    drop((world, store));
    let reopened = Sqlite::open(directory.path()).await?;
    assert_eq!(reopened.log(run, 0).await?, log);
    assert_eq!(reopened.head().await?, Position(2));
    assert_eq!(reopened.unfinished().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn reading_where_nothing_is_creates_nothing() -> Checked {
    let directory = tempfile::tempdir()?;
    let missing = Sqlite::open_for_reading(directory.path()).await;
    assert!(matches!(missing, Err(OpenError::Missing(_))));
    assert_eq!(fs::read_dir(directory.path())?.count(), 0);
    fs::write(directory.path().join(FILE_NAME), [])?;
    let empty = Sqlite::open_for_reading(directory.path()).await;
    assert!(matches!(empty, Err(OpenError::Missing(_))));
    Ok(())
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() -> Checked {
    let directory = tempfile::tempdir()?;
    Sqlite::open(directory.path()).await?.close().await?;
    let options = super::open::options(&directory.path().join(FILE_NAME));
    options.connect().await?.execute("PRAGMA user_version = 99").await?;
    let refused = Sqlite::open(directory.path()).await.err().ok_or("it was opened")?;
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused}");
    let refused = Sqlite::open_for_reading(directory.path()).await;
    assert!(matches!(refused, Err(OpenError::Newer { found: 99, .. })));
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() -> Checked {
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join(FILE_NAME), "stages: []\n".repeat(100))?;
    let refused = Sqlite::open(directory.path()).await;
    assert!(matches!(refused, Err(OpenError::Open { .. })));
    Ok(())
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() -> Checked {
    let parent = tempfile::tempdir()?;
    let directory = parent.path().join("state");
    let (world, _store) = world(&directory).await?;
    world.start(1).await?;
    let mode = |path: &Path| fs::metadata(path).map(|data| data.permissions().mode() & 0o777);
    assert_eq!(mode(&directory)?, 0o700);
    let mut files = 0;
    for file in fs::read_dir(&directory)? {
        let path = file?.path();
        assert_eq!(mode(&path)?, 0o600, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and the log's index");
    Ok(())
}

#[tokio::test]
async fn an_append_whose_caller_goes_away_leaves_no_transaction_open() -> Checked {
    let directory = tempfile::tempdir()?;
    let (world, store) = world(directory.path()).await?;
    world.start(1).await?;
    for n in 1..50 {
        let item = next(run(1), n, vec![attempt("build")]);
        let mut abandoned = Box::pin(world.append(item));
        for _ in 0..n % 7 {
            // On a busy machine the answer may be there already.
            if abandoned.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(abandoned);
        // Whatever became of it, the next one begins on clean ground.
        written(&world.append(begin(run(100 + u128::from(n)))).await?);
        if store.gate(run(1)).await?.map(|gate| gate.next) != Some(n + 1) {
            written(&world.append(next(run(1), n, vec![attempt("build")])).await?);
        }
    }
    assert_eq!(store.head().await?, Position(99));
    Ok(())
}

#[tokio::test]
async fn a_reader_in_another_process_follows() -> Checked {
    let directory = tempfile::tempdir()?;
    let (world, _store) = world(directory.path()).await?;
    let reader = Sqlite::open_for_reading(directory.path()).await?;
    assert_eq!(reader.head().await?, Position(0));
    world.start(1).await?;
    let Page::Rows(rows) = reader.after(Position(0), 10).await? else { panic!("reset") };
    let rows: Vec<LogRow> = rows.into_iter().filter_map(FeedRow::of_run).collect();
    assert_eq!(rows, world.store.log(run(1), 0).await?);
    assert_eq!(reader.lease().await?, world.store.lease().await?);
    Ok(())
}

#[tokio::test]
async fn a_checkpoint_moves_all_that_was_written() -> Checked {
    let directory = tempfile::tempdir()?;
    let (world, store) = world(directory.path()).await?;
    world.start(1).await?;
    let checkpoint = store.checkpoint().await?;
    assert!(checkpoint.log_pages > 0);
    assert_eq!(checkpoint.log_pages, checkpoint.moved_pages);
    Ok(())
}

#[tokio::test]
async fn a_closed_store_leaves_one_file_and_refuses_everything() -> Checked {
    let directory = tempfile::tempdir()?;
    let (world, store) = world(directory.path()).await?;
    let run = world.start(1).await?;
    store.checkpoint().await?;
    store.close().await?;
    assert_eq!(fs::read_dir(directory.path())?.count(), 1);
    let refused = world.append(next(run, 1, vec![attempt("build")])).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(matches!(store.gate(run).await, Err(StoreError::Unavailable(_))));
    let reader = Sqlite::open_for_reading(directory.path()).await?;
    assert_eq!(reader.head().await?, Position(1));
    Ok(())
}

#[tokio::test]
async fn a_summary_row_with_the_longest_names_fits_512_bytes() -> Checked {
    let directory = tempfile::tempdir()?;
    let (world, _store) = world(directory.path()).await?;
    let large = Summary {
        number: u64::MAX,
        application: "a".repeat(63),
        pipeline: "p".repeat(63),
        plan: PlanHash("f".repeat(64)),
        stages: Counts { all: u32::MAX, ended: u32::MAX, failed: u32::MAX },
        ..summary(run(1), RunStatus::Succeeded)
    };
    let (plan, queue) = (large.plan.clone(), Limit::Unlimited);
    let (stored_plan, files, admitted) = (String::new(), Vec::new(), None);
    let beginning = Beginning::Run { plan, stored_plan, files, key: None, queue, admitted };
    written(&world.append(Append { summary: large, beginning, ..end(run(1), 0) }).await?);
    // The id, fourteen numbers, a header of a byte or two for each column, and the words.
    let columns = "SELECT CAST(16 + 14 * 8 + 2 * 21 + length(application) + length(pipeline) \
        + length(plan) + length(status) AS TEXT) FROM run";
    let size: u64 = query(directory.path(), columns).await?.parse()?;
    assert!(size <= 512, "{size} bytes");
    Ok(())
}

#[tokio::test]
async fn unfinished_runs_are_found_without_reading_the_finished() -> Checked {
    let directory = tempfile::tempdir()?;
    Sqlite::open(directory.path()).await?.close().await?;
    let plan = query(
        directory.path(),
        "EXPLAIN QUERY PLAN SELECT * FROM run WHERE finished = 0 AND format <= 1 ORDER BY id",
    );
    assert_eq!(plan.await?, "SCAN run USING INDEX run_unfinished");
    Ok(())
}

/// Does as it is told, after writing a number that must not stay if it fails.
enum Told {
    Succeed,
    BeRefused,
    LoseTheDisk,
}

impl Work for Told {
    type Answer = ();

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let text = "INSERT INTO number VALUES ('drawn', 1) \
                ON CONFLICT DO UPDATE SET value = value + 1";
            session.execute(sqlx::query(text)).await?;
            match self {
                Told::Succeed => Ok(()),
                Told::BeRefused => session.execute(sqlx::query("SELECT * FROM nowhere")).await,
                Told::LoseTheDisk => {
                    Err(Failure::from(sqlx::Error::Io(std::io::Error::other("unplugged"))))
                }
            }
        })
    }
}

async fn writer(directory: &Path) -> Result<Writer, OpenError> {
    let session = super::open::writer(&directory.join(FILE_NAME)).await?;
    let (head, commits) = (watch::Sender::new(Position(0)), watch::Sender::new(0));
    Ok(Writer::spawn(Workshop { session, head, commits }))
}

const DRAWN: &str = "SELECT CAST(value AS TEXT) FROM number WHERE subject = 'drawn'";

#[tokio::test]
async fn a_unit_that_is_refused_leaves_its_neighbours_alone() -> Checked {
    let directory = tempfile::tempdir()?;
    let writer = writer(directory.path()).await?;
    let ask = |told| writer.ask(told);
    let (first, refused, last) =
        futures::join!(ask(Told::Succeed), ask(Told::BeRefused), ask(Told::Succeed));
    assert_eq!((first, last), (Ok(()), Ok(())));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(query(directory.path(), DRAWN).await?, "2");
    Ok(())
}

#[tokio::test]
async fn after_an_error_of_the_disk_nothing_is_written_any_more() -> Checked {
    let directory = tempfile::tempdir()?;
    let writer = writer(directory.path()).await?;
    writer.ask(Told::Succeed).await?;
    let lost = writer.ask(Told::LoseTheDisk).await;
    assert!(matches!(lost, Err(StoreError::Unknown(_))), "{lost:?}");
    for _ in 0..2 {
        let refused = writer.ask(Told::Succeed).await;
        let says =
            matches!(&refused, Err(StoreError::Damaged(fault)) if fault.contains("unplugged"));
        assert!(says, "{refused:?}");
    }
    assert_eq!(query(directory.path(), DRAWN).await?, "1");
    Ok(())
}
