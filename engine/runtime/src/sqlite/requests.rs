//! The small writes: requests for runs, live text.

use super::{
    columns::{self, integer},
    failure::Failure,
    session::Session,
    writer::Work,
};
use engine_core::{
    BoxFuture,
    id::{InputId, RunId},
    store::{Detail, Request, Submitted},
};

pub(super) struct Submit(pub(super) Request);

impl Work for Submit {
    type Answer = Submitted;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Submitted, Failure>> {
        Box::pin(submit(session, &self.0))
    }
}

async fn submit(session: &mut Session, request: &Request) -> Result<Submitted, Failure> {
    let key = format!("input:{}:{}", request.run, request.key);
    let text = "SELECT dedup.input FROM run LEFT JOIN dedup ON dedup.key = ?2 WHERE run.id = ?1";
    let statement = sqlx::query(text).bind(bytes(request.run)).bind(&key);
    match session.rows(statement).await?.first() {
        None => return Ok(Submitted::NoRun),
        Some(row) => {
            if let Some(first) = columns::count_or_none(row, 0)? {
                return Ok(Submitted::Repeated(InputId(first)));
            }
        }
    }
    let text = "UPDATE counters SET input = input + 1; \
        INSERT INTO input (id, run, message) SELECT input, ?1, ?2 FROM counters; \
        INSERT INTO dedup (key, run, input, at) SELECT ?3, ?1, input, ?4 FROM counters; \
        SELECT input FROM counters";
    let statement = sqlx::query(text)
        .bind(bytes(request.run))
        .bind(serde_json::to_string(&request.message)?)
        .bind(key)
        .bind(integer(request.at.civil.0));
    let rows = session.rows(statement).await?;
    let row = rows.first().ok_or_else(|| Failure::Format("no input was written".to_owned()))?;
    Ok(Submitted::Written(InputId(columns::count(row, 0)?)))
}

pub(super) struct Tell(pub(super) Vec<Detail>);

impl Work for Tell {
    type Answer = ();

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let text = "INSERT INTO detail (run, stage, text, elapsed, civil) \
                SELECT id, ?2, ?3, ?4, ?5 FROM run WHERE id = ?1 AND finished = 0 \
                ON CONFLICT (run, stage) DO UPDATE SET text = excluded.text, \
                elapsed = excluded.elapsed, civil = excluded.civil";
            for Detail { run, stage, text: told, at } in &self.0 {
                let statement = sqlx::query(text).bind(bytes(*run)).bind(stage).bind(told);
                let statement = statement.bind(integer(at.elapsed.0)).bind(integer(at.civil.0));
                session.execute(statement).await?;
            }
            Ok(())
        })
    }
}

fn bytes(run: RunId) -> Vec<u8> {
    run.0.as_bytes().to_vec()
}
