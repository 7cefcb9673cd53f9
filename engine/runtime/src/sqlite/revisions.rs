//! What targets run, in SQLite.

use super::{columns, consequences::Consequences, failure::Failure, session::Session};
use engine_core::{
    id::{BlobName, RunId},
    revision::{ComponentSet, Origin, Proof, Recording, Revision, Target, recording},
};
use sqlx::{Row, sqlite::SqliteRow};

/// A set that a stage has recorded.
pub(super) struct Recorded<'a> {
    pub(super) stage: &'a str,
    pub(super) target: &'a Target,
    pub(super) set: &'a ComponentSet,
}

/// The columns of a revision, in the order in which [`revision`] reads them.
macro_rules! revision_columns {
    () => {
        "number, component, run, stage, content, images, origin, proof, elapsed, civil, further_images, \
        readiness"
    };
}

pub(super) const OF_TARGET: &str = concat!(
    "SELECT ",
    revision_columns!(),
    " FROM revision WHERE target = ?1 ORDER BY number, component"
);
const OF_STAGE: &str = concat!(
    "SELECT ",
    revision_columns!(),
    " FROM revision WHERE target = ?1 AND run = ?2 AND stage = ?3 ORDER BY number, component"
);

pub(super) fn revision(row: &SqliteRow) -> Result<Revision, Failure> {
    let set = ComponentSet {
        component: columns::text(row, 1)?,
        content: BlobName(columns::text(row, 4)?),
        images: columns::json(row, 5)?,
        further_images: columns::json(row, 10)?,
        origin: columns::json(row, 6)?,
        readiness: columns::word(row, 11)?,
    };
    Ok(Revision {
        number: columns::count(row, 0)?,
        run: columns::run(row, 2)?,
        stage: columns::text(row, 3)?,
        at: columns::now(row, 8)?,
        set,
        proof: columns::word(row, 7)?,
    })
}

pub(super) async fn record(
    consequences: &mut Consequences<'_>,
    recorded: Recorded<'_>,
) -> Result<(), Failure> {
    let Recorded { stage, target, set } = recorded;
    let resource = target.resource().0;
    let run = consequences.item.run.0.as_bytes().to_vec();
    let of_stage = sqlx::query(OF_STAGE).bind(&resource).bind(run).bind(stage);
    let rows = consequences.session.rows(of_stage).await?;
    let earlier: Vec<Revision> = rows.iter().map(revision).collect::<Result<_, _>>()?;
    let number = match recording(&earlier, set) {
        Recording::Reused => return Ok(()),
        Recording::Beside { number } => number,
        Recording::Next => draw(consequences.session, &format!("revision {resource}")).await?,
    };
    let proof = inherit(consequences.session, &resource, set).await?;
    insert(consequences, &recorded, (number, proof)).await
}

async fn insert(
    consequences: &mut Consequences<'_>,
    recorded: &Recorded<'_>,
    (number, proof): (u64, String),
) -> Result<(), Failure> {
    let Recorded { stage, target, set } = recorded;
    let text = "INSERT INTO revision (target, number, component, run, stage, content, images, \
        origin, proof, elapsed, civil, further_images, readiness) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let statement = sqlx::query(text)
        .bind(target.resource().0)
        .bind(columns::integer(number))
        .bind(&set.component)
        .bind(consequences.item.run.0.as_bytes().to_vec())
        .bind(*stage)
        .bind(&set.content.0)
        .bind(serde_json::to_string(&set.images)?)
        .bind(serde_json::to_string(&set.origin)?)
        .bind(proof)
        .bind(columns::integer(consequences.item.now.elapsed.0))
        .bind(columns::integer(consequences.item.now.civil.0))
        .bind(serde_json::to_string(&set.further_images)?)
        .bind(set.readiness.word());
    consequences.session.execute(statement).await
}

/// A rollback marks the revision it left and keeps its origin's mark; a deployment has none yet.
async fn inherit(
    session: &mut Session,
    resource: &str,
    set: &ComponentSet,
) -> Result<String, Failure> {
    let unproven = Proof::Unproven.word().to_owned();
    let Origin::Rollback { of, left } = &set.origin else { return Ok(unproven) };
    let text = "UPDATE revision SET proof = ?3 WHERE target = ?1 AND number = ?4 \
        AND component = ?2; \
        SELECT proof FROM revision WHERE target = ?1 AND number = ?5 AND component = ?2";
    let statement = sqlx::query(text)
        .bind(resource)
        .bind(&set.component)
        .bind(Proof::Bad.word())
        .bind(columns::integer(*left))
        .bind(columns::integer(*of));
    match session.rows(statement).await?.first() {
        Some(row) => Ok(row.try_get(0)?),
        None => Ok(unproven),
    }
}

pub(super) async fn prove(
    session: &mut Session,
    run: RunId,
    (target, proof): (&Target, Proof),
) -> Result<(), Failure> {
    // A set that a later attempt of its stage replaced is not what was proven good.
    let text = "UPDATE revision SET proof = ?1 WHERE run = ?2 AND target = ?3 AND proof = ?4 \
        AND (?1 != ?5 OR NOT EXISTS (SELECT 1 FROM revision AS later \
        WHERE later.target = ?3 AND later.run = ?2 AND later.stage = revision.stage \
        AND later.component = revision.component AND later.number > revision.number))";
    let statement = sqlx::query(text)
        .bind(proof.word())
        .bind(run.0.as_bytes().to_vec())
        .bind(target.resource().0)
        .bind(Proof::Unproven.word())
        .bind(Proof::Good.word());
    session.execute(statement).await
}

/// The next number of a subject; gaps are allowed, repetition is not.
pub(super) async fn draw(session: &mut Session, subject: &str) -> Result<u64, Failure> {
    let text = "INSERT INTO number (subject, value) VALUES (?, 1) \
        ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value";
    let rows = session.rows(sqlx::query(text).bind(subject)).await?;
    let row = rows.first().ok_or_else(|| Failure::Format("no number was drawn".to_owned()))?;
    columns::count(row, 0)
}
