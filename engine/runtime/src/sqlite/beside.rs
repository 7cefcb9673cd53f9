//! The rows of an append that stand beside its events: decided inputs, blobs, and what ends with
//! the run.

use super::{bulk::Bulk, failure::Failure, session::Session};
use engine_core::{
    id::RunId,
    store::{Append, Blob},
};

/// Adds the statements of all but blobs, each with its end.
pub(super) fn write<'a>(
    bulk: &mut Bulk,
    items: impl Iterator<Item = &'a Append> + Clone,
) -> Result<(), Failure> {
    let decided: Vec<u64> =
        items.clone().flat_map(|item| &item.inputs).map(|input| input.0).collect();
    if !decided.is_empty() {
        bulk.push("DELETE FROM input WHERE id IN (SELECT value FROM json_each(?)); ");
        bulk.bind(serde_json::to_string(&decided)?);
    }
    let ended = items.filter(|item| item.summary.status.has_ended());
    finish(bulk, ended.map(|item| item.run.0.simple().to_string()).collect())
}

/// Any number of any size: each is sent by itself.
pub(super) async fn blobs<'a>(
    session: &mut Session,
    items: impl Iterator<Item = &'a Append>,
) -> Result<(), Failure> {
    for (run, Blob { name, sealed }) in items.flat_map(of) {
        let text = "INSERT INTO blob (name, sealed) VALUES (?1, ?2) ON CONFLICT DO NOTHING; \
            INSERT INTO blob_use (name, user) VALUES (?1, ?3) ON CONFLICT DO NOTHING";
        let run = run.0.as_bytes().to_vec();
        session.execute(sqlx::query(text).bind(&name.0).bind(sealed).bind(run)).await?;
    }
    Ok(())
}

fn of(item: &Append) -> impl Iterator<Item = (RunId, &Blob)> {
    item.blobs.iter().map(|blob| (item.run, blob))
}

fn finish(bulk: &mut Bulk, ended: Vec<String>) -> Result<(), Failure> {
    if ended.is_empty() {
        return Ok(());
    }
    let ended = serde_json::to_string(&ended)?;
    bulk.push(
        "UPDATE run SET finished = 1 WHERE id IN (SELECT unhex(value) FROM json_each(?)); \
        DELETE FROM detail WHERE run IN (SELECT unhex(value) FROM json_each(?)); ",
    );
    bulk.bind(ended.clone());
    bulk.bind(ended);
    Ok(())
}
