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
        let mut bulk = Bulk::new("");
        runs(&mut bulk, (epoch, chunk));
        plans(&mut bulk, chunk)?;
        super::numbers::write(&mut bulk, chunk)?;
        keys(&mut bulk, chunk);
        session.send(bulk).await?;
    }
    Ok(())
}

fn runs(bulk: &mut Bulk, (epoch, items): (Epoch, &[&Append])) {
    let shape = Shape { columns: RUN_COLUMNS, rows: items.len() };
    bulk.push(
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
        changing(bulk, summary);
    }
    bulk.fill(shape);
    bulk.push(" WHERE column1 IS NOT NULL");
}

fn plans(bulk: &mut Bulk, items: &[&Append]) -> Result<(), Failure> {
    let mut plans = BTreeMap::new();
    for item in items {
        if let Beginning::Run { plan, stored_plan, files, .. } = &item.beginning {
            plans.insert(plan.0.as_str(), (stored_plan.as_str(), files));
        }
    }
    let shape = Shape { columns: 2, rows: plans.len() };
    bulk.push("; INSERT INTO plan (hash, body) SELECT * FROM ");
    bulk.values(shape);
    let mut uses = Vec::new();
    for (hash, (body, files)) in plans {
        bulk.bind(hash);
        bulk.bind(body);
        uses.extend(files.iter().map(|name| (hash, name.0.as_str())));
    }
    bulk.fill(shape);
    bulk.push(" WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING");
    if !uses.is_empty() {
        bulk.push(
            "; INSERT INTO blob_use (name, user) SELECT value ->> 1, CAST(value ->> 0 AS BLOB) \
             FROM json_each(?) WHERE TRUE ON CONFLICT DO NOTHING",
        );
        bulk.bind(serde_json::to_string(&uses)?);
    }
    Ok(())
}

fn keys(bulk: &mut Bulk, items: &[&Append]) {
    let keyed: Vec<_> = items.iter().filter_map(|it| Some((start_key(it)?, it))).collect();
    if keyed.is_empty() {
        return;
    }
    let shape = Shape { columns: 3, rows: keyed.len() };
    bulk.push("; INSERT INTO dedup (key, run, at) SELECT * FROM ");
    bulk.values(shape);
    for (key, item) in keyed {
        bulk.bind(key);
        bulk.bind(item.run.0.as_bytes().to_vec());
        bulk.bind(integer(item.now.civil.0));
    }
    bulk.fill(shape);
    bulk.push(" WHERE column1 IS NOT NULL");
}
