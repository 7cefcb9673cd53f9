//! A run asks for a resource: it is admitted, waits, or is turned away.

use super::{columns, consequences::Consequences, failure::Failure};
use engine_core::{
    admission::{Arrival, Claimant, Holding, Link, Waiting, arrive, ring},
    event::Message,
    id::{Resource, RunId, Ticket},
    store::Ask,
};
use sqlx::sqlite::SqliteRow;

/// Asking again keeps the place in the queue and renews what the waiter keeps.
pub(super) async fn ask(
    consequences: &mut Consequences<'_>,
    (run, ask): (RunId, &Ask<'_>),
) -> Result<(), Failure> {
    let mut queue = consequences.queue(&ask.resource).await?;
    if queue.holders.iter().any(|holder| holder.run == run) {
        return Ok(());
    }
    let before = queue.waiters.iter().find(|waiter| waiter.run == run).cloned();
    let is_new = before.is_none();
    let newcomer = before.unwrap_or_else(|| {
        let ticket = consequences.batch.ticket();
        let newcomer = Claimant { ticket, run, standing: ask.standing.clone() };
        queue.waiters.push(newcomer.clone());
        newcomer
    });
    match arrive(&queue, &newcomer, ask.strategy) {
        Arrival::Admitted => consequences.admit(&queue, (&ask.resource, ask.claimed)).await,
        Arrival::TurnedAway { holders } => {
            let by = labels(consequences, &holders).await?;
            consequences.tell(run, Some(&ask.resource), &ask.claimed.full(by)).await
        }
        Arrival::Waits { told } => {
            let ring = closes(consequences, (ask, &newcomer)).await?;
            if !ring.is_empty() {
                withdraw(consequences, (run, &ask.resource)).await?;
                let refused = ask.claimed.refused(ring);
                return consequences.tell(run, Some(&ask.resource), &refused).await;
            }
            write(consequences, ask, &newcomer).await?;
            if is_new {
                announce(consequences, ask, &told).await?;
            }
            Ok(())
        }
    }
}

async fn write(
    consequences: &mut Consequences<'_>,
    ask: &Ask<'_>,
    newcomer: &Claimant,
) -> Result<(), Failure> {
    let text = "INSERT INTO waiter (resource, ticket, run, keeps, standing) VALUES (?, ?, ?, ?, ?) \
        ON CONFLICT (resource, ticket) DO UPDATE SET keeps = excluded.keeps";
    let statement = sqlx::query(text)
        .bind(&ask.resource.0)
        .bind(columns::integer(newcomer.ticket.0))
        .bind(newcomer.run.0.as_bytes().to_vec())
        .bind(serde_json::to_string(&ask.keeps)?)
        .bind(serde_json::to_string(&newcomer.standing)?);
    consequences.session.execute(statement).await
}

async fn withdraw(
    consequences: &mut Consequences<'_>,
    (run, resource): (RunId, &Resource),
) -> Result<(), Failure> {
    let run = run.0.as_bytes().to_vec();
    let text = "DELETE FROM waiter WHERE resource = ?1 AND run = ?2";
    consequences.session.execute(sqlx::query(text).bind(&resource.0).bind(run)).await
}

/// Tells those who were there before that somebody has come, and the newcomer who makes way.
async fn announce(
    consequences: &mut Consequences<'_>,
    ask: &Ask<'_>,
    told: &[RunId],
) -> Result<(), Failure> {
    let label = consequences.item.summary.label();
    let message: Message = ask.claimed.come(label, ask.strategy);
    for run in told {
        consequences.tell(*run, None, &message).await?;
    }
    let from = labels(consequences, told).await?;
    if let Some(message) = ask.claimed.makes_way(from) {
        consequences.tell(consequences.item.run, None, &message).await?;
    }
    Ok(())
}

/// The ring that waiting would close. Whoever keeps nothing closes none.
async fn closes(
    consequences: &mut Consequences<'_>,
    (ask, newcomer): (&Ask<'_>, &Claimant),
) -> Result<Vec<Link<String>>, Failure> {
    if ask.keeps.is_empty() {
        return Ok(Vec::new());
    }
    let newcomer = Waiting {
        claimant: newcomer.clone(),
        wanted: ask.resource.clone(),
        keeps: ask.keeps.clone(),
    };
    let mut waiting = others(consequences, &newcomer).await?;
    waiting.push(newcomer.clone());
    let text = "SELECT resource, ticket, run, standing FROM claim";
    let rows = consequences.session.rows(sqlx::query(text)).await?;
    let mut holding = Vec::with_capacity(rows.len());
    for row in rows {
        let resource = Resource(columns::text(&row, 0)?);
        holding.push(Holding { claimant: claimant(&row)?, resource });
    }
    let mut links = Vec::new();
    for Link { run, keeps, wanted } in ring(&newcomer, &waiting, &holding) {
        let label = labels(consequences, &[run]).await?.concat();
        links.push(Link { run: label, keeps, wanted });
    }
    Ok(links)
}

async fn others(
    consequences: &mut Consequences<'_>,
    newcomer: &Waiting,
) -> Result<Vec<Waiting>, Failure> {
    let text = "SELECT resource, ticket, run, standing, keeps FROM waiter";
    let rows = consequences.session.rows(sqlx::query(text)).await?;
    let mut waiting = Vec::with_capacity(rows.len() + 1);
    for row in rows {
        let other = Waiting {
            claimant: claimant(&row)?,
            wanted: Resource(columns::text(&row, 0)?),
            keeps: columns::json(&row, 4)?,
        };
        // What it said before is what it says again now.
        let (run, ours) = (other.claimant.run, newcomer.claimant.run);
        if (run, &other.wanted) != (ours, &newcomer.wanted) {
            waiting.push(other);
        }
    }
    Ok(waiting)
}

/// Of a row that begins with the resource.
fn claimant(row: &SqliteRow) -> Result<Claimant, Failure> {
    Ok(Claimant {
        ticket: Ticket(columns::count(row, 1)?),
        run: columns::run(row, 2)?,
        standing: columns::json(row, 3)?,
    })
}

/// How people name runs: `checkout#12`. The asking run's own row may not be written yet.
async fn labels(
    consequences: &mut Consequences<'_>,
    runs: &[RunId],
) -> Result<Vec<String>, Failure> {
    let mut labels = Vec::with_capacity(runs.len());
    for run in runs {
        if *run == consequences.item.run {
            labels.push(consequences.item.summary.label());
            continue;
        }
        let text = "SELECT pipeline || '#' || number FROM run WHERE id = ?";
        let statement = sqlx::query(text).bind(run.0.as_bytes().to_vec());
        let rows = consequences.session.rows(statement).await?;
        labels.push(rows.first().map_or(Ok(run.to_string()), |row| columns::text(row, 0))?);
    }
    Ok(labels)
}
