//! `get deliveries`, `describe delivery` and `describe receiver`: what has arrived, what became of it,
//! and what was refused.

mod about;
mod replay;
mod shown;

pub(crate) use about::tell as tell_about;
pub(crate) use replay::replay;

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    print::print,
    source::Source,
};
use anyhow::Context;
use engine_api::Page;
use engine_core::{
    delivery::DeliveryFilter,
    id::DeliveryId,
    view::{DeliveryView, RefusalView},
};
use serde::{Deserialize, Serialize};

/// An engine's largest page.
const PAGE: usize = 200;

/// Deliveries among which those of a receiver are looked for, and those that are shown.
const LOOKED_AT: usize = 1_000;
const NEWEST: usize = 10;

/// What has arrived, and what has not.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Listed {
    pub(crate) deliveries: Vec<DeliveryView>,
    /// For people; programs ask for them by `describe receiver` or the API.
    #[serde(skip)]
    pub(crate) refusals: Vec<RefusalView>,
}

/// What came by one door of late.
#[derive(Serialize)]
pub(crate) struct Receiver {
    pub(crate) name: String,
    pub(crate) refusals: Vec<RefusalView>,
    /// The newest.
    pub(crate) deliveries: Vec<DeliveryView>,
}

/// A delivery with what was posted.
#[derive(Serialize, Deserialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) delivery: DeliveryView,
    /// Cut, and without secrets; only an engine that serves can open it.
    pub(crate) body: Option<String>,
}

pub(crate) async fn list(common: &Common, limit: usize, output: Output) -> anyhow::Result<Exit> {
    let source = Source::find(common).await?;
    let (deliveries, refusals) = (source.deliveries(limit).await?, source.refusals().await?);
    print(output, &Listed { deliveries, refusals })?;
    Ok(Exit::Success)
}

/// `receiver github`, or a pipeline's own address, `hook shop/built`, by its name alone.
pub(crate) async fn describe_receiver(
    common: &Common,
    name: &str,
    output: Output,
) -> anyhow::Result<Exit> {
    let source = Source::find(common).await?;
    let doors = [format!("receiver {name}"), format!("hook {name}")];
    let is_it = |door: &String| doors.contains(door);
    let mut refusals = source.refusals().await?;
    refusals.retain(|refusal| is_it(&refusal.door));
    let mut deliveries = source.deliveries(LOOKED_AT).await?;
    deliveries.retain(|delivery| is_it(&delivery.door));
    deliveries.truncate(NEWEST);
    print(output, &Receiver { name: name.to_owned(), refusals, deliveries })?;
    Ok(Exit::Success)
}

pub(crate) async fn describe(common: &Common, id: u64, output: Output) -> anyhow::Result<Exit> {
    print(output, &Source::find(common).await?.delivery(id).await?)?;
    Ok(Exit::Success)
}

impl Source {
    /// At most so many of what has arrived, newest first.
    pub(crate) async fn deliveries(&self, limit: usize) -> anyhow::Result<Vec<DeliveryView>> {
        let mut found: Vec<DeliveryView> = Vec::new();
        while found.len() < limit {
            let wanted = (limit - found.len()).min(PAGE);
            let page = self.page(wanted, found.last().map(|it| it.id)).await?;
            let is_last = page.len() < wanted;
            found.extend(page);
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    async fn page(&self, limit: usize, before: Option<u64>) -> anyhow::Result<Vec<DeliveryView>> {
        match self {
            Source::Engine { client, .. } => {
                let cursor = before.map(|id| format!("&cursor={id}")).unwrap_or_default();
                let path = format!("/api/v1/deliveries?limit={limit}{cursor}");
                let page: Page<DeliveryView> = client.get(&path).await?;
                Ok(page.items)
            }
            Source::Store(reader) => {
                let (limit, before) = (u32::try_from(limit).ok(), before.map(DeliveryId));
                let found = reader.deliveries(DeliveryFilter { limit, before }).await?;
                Ok(found.iter().map(DeliveryView::new).collect())
            }
        }
    }

    /// What was refused at the doors.
    pub(crate) async fn refusals(&self) -> anyhow::Result<Vec<RefusalView>> {
        match self {
            Source::Engine { client, .. } => {
                let page: Page<RefusalView> = client.get("/api/v1/refusals").await?;
                Ok(page.items)
            }
            Source::Store(reader) => {
                Ok(reader.refusals().await?.iter().map(RefusalView::from).collect())
            }
        }
    }

    pub(crate) async fn delivery(&self, id: u64) -> anyhow::Result<Whole> {
        match self {
            Source::Engine { client, .. } => client.get(&format!("/api/v1/deliveries/{id}")).await,
            Source::Store(reader) => {
                let found = reader.delivery(DeliveryId(id)).await?;
                let none =
                    || format!("there is no delivery {id}: it may be older than what is kept");
                Ok(Whole { delivery: DeliveryView::new(&found.with_context(none)?), body: None })
            }
        }
    }
}
