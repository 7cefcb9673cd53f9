//! The rows that a run brings along when it begins.

use super::{
    append::changing,
    batch::{next, start_key},
    bulk::{Bulk, Shape},
    columns::{FORMAT, integer},
    failure::Failure,
    session::Session,
};
use engine_core::{
    id::Epoch,
    store::{Append, Beginning},
};
use std::collections::BTreeMap;

const RUN_COLUMNS: usize = 21;
const CHUNK: usize = 1_024;

pub(super) async fn write<'a>(
    session: &mut Session,
    epoch: Epoch,
    items: impl Iterator<Item = &'a Append>,
) -> Result<(), Failure> {
    let items: Vec<&Append> = items.filter(|item| item.beginning != Beginning::No).collect();
    for chunk in items.chunks(CHUNK) {
        session.send(runs(epoch, chunk)).await?;
        plans(session, chunk).await?;
        super::numbers::write(session, chunk).await?;
        keys(session, chunk).await?;
    }
    Ok(())
}

fn runs(epoch: Epoch, items: &[&Append]) -> Bulk {
    let shape = Shape { columns: RUN_COLUMNS, rows: items.len() };
    let mut bulk = Bulk::new(
        "INSERT INTO run (id, epoch, next, unclean_ends, format, finished, number, application, \
         pipeline, plan, started_elapsed, started_civil, status, ended_elapsed, ended_civil, \
         stages, stages_ended, stages_failed, waiting, wake_elapsed, wake_civil) SELECT * FROM ",
    );
    bulk.values(shape);
    for item in items {
        let summary = &item.summary;
        bulk.bind(item.run.0.as_bytes().to_vec());
        bulk.bind(integer(epoch.0));
        bulk.bind(integer(next(item)));
        bulk.bind(0_i64);
        bulk.bind(FORMAT);
        bulk.bind(i64::from(summary.status.has_ended()));
        bulk.bind(integer(summary.number));
        bulk.bind(summary.application.as_str());
        bulk.bind(summary.pipeline.as_str());
        bulk.bind(summary.plan.0.as_str());
        bulk.bind(integer(summary.started_at.elapsed.0));
        bulk.bind(integer(summary.started_at.civil.0));
        changing(&mut bulk, summary);
    }
    bulk.fill(shape);
    bulk.push(" WHERE column1 IS NOT NULL");
    bulk
}

async fn plans(session: &mut Session, items: &[&Append]) -> Result<(), Failure> {
    let mut plans = BTreeMap::new();
    for item in items {
        if let Beginning::Run { plan, stored_plan, .. } = &item.beginning {
            plans.insert(plan.0.as_str(), stored_plan.as_str());
        }
    }
    for (hash, body) in plans {
        let text = "INSERT INTO plan (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING";
        session.execute(sqlx::query(text).bind(hash).bind(body)).await?;
    }
    Ok(())
}

async fn keys(session: &mut Session, items: &[&Append]) -> Result<(), Failure> {
    for item in items {
        let Some(key) = start_key(item) else { continue };
        let text = "INSERT INTO dedup (key, run, at) VALUES (?, ?, ?)";
        let run = item.run.0.as_bytes().to_vec();
        let at = integer(item.now.civil.0);
        session.execute(sqlx::query(text).bind(key).bind(run).bind(at)).await?;
    }
    Ok(())
}
