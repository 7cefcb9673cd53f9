//! The rows of an append that stand beside its events: decided inputs, blobs, and what ends with
//! the run.

use super::{failure::Failure, session::Session};
use engine_core::{
    id::RunId,
    store::{Append, Blob},
};

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
    for (run, Blob { name, sealed }) in items.clone().flat_map(blobs) {
        let text = "INSERT INTO blob (name, sealed) VALUES (?1, ?2) ON CONFLICT DO NOTHING; \
            INSERT INTO blob_use (name, user) VALUES (?1, ?3) ON CONFLICT DO NOTHING";
        let run = run.0.as_bytes().to_vec();
        session.execute(sqlx::query(text).bind(&name.0).bind(sealed).bind(run)).await?;
    }
    let ended = items.filter(|item| item.summary.status.has_ended());
    finish(session, ended.map(|item| item.run.0.simple().to_string()).collect()).await
}

fn blobs(item: &Append) -> impl Iterator<Item = (RunId, &Blob)> {
    item.blobs.iter().map(|blob| (item.run, blob))
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
