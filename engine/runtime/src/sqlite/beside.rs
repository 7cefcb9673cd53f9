//! The rows of an append that stand beside its events: decided inputs, blobs, and what ends with
//! the run.

use super::{failure::Failure, session::Session};
use engine_core::store::{Append, Blob};

pub(super) async fn write<'a>(
    session: &mut Session,
    items: impl Iterator<Item = &'a Append> + Clone,
) -> Result<(), Failure> {
    let decided: Vec<u64> =
        items.clone().flat_map(|item| &item.inputs).map(|input| input.0).collect();
    if !decided.is_empty() {
        let text = "DELETE FROM input WHERE id IN (SELECT value FROM json_each(?))";
        session.execute(sqlx::query(text).bind(serde_json::to_string(&decided)?)).await?;
    }
    for Blob { name, sealed } in items.clone().flat_map(|item| &item.blobs) {
        let text = "INSERT INTO blob (name, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING";
        session.execute(sqlx::query(text).bind(&name.0).bind(sealed)).await?;
    }
    let ended = items.filter(|item| item.summary.status.has_ended());
    finish(session, ended.map(|item| item.run.0.simple().to_string()).collect()).await
}

async fn finish(session: &mut Session, ended: Vec<String>) -> Result<(), Failure> {
    if ended.is_empty() {
        return Ok(());
    }
    let text = "UPDATE run SET finished = 1 \
        WHERE id IN (SELECT unhex(value) FROM json_each(?1)); \
        DELETE FROM detail WHERE run IN (SELECT unhex(value) FROM json_each(?1))";
    session.execute(sqlx::query(text).bind(serde_json::to_string(&ended)?)).await
}
