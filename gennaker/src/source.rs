//! Whoever can be asked about runs: an engine that listens, else the store itself. Commands that
//! read have no other door.

use crate::{
    arguments::Common,
    client::{self, Client, Events, Refusal, Told, segment},
    state,
};
use engine_api::{PipelinePage, RunPage};
use engine_core::{
    clock::Civil,
    id::{Position, RunId},
    store::FeedRow,
    view::{CatalogueItem, PipelineItem, RowView, RunItem, RunView},
    wording,
};
use engine_runtime::reader::{Feed, Listing, News, Reader, Wanted};
use std::{collections::BTreeSet, path::PathBuf, time::Duration};

/// How often, and how long, is looked for an engine that has gone away.
const LOOK: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) enum Source {
    Engine { client: Client, home: Home },
    Store(Reader),
}

/// Where another engine is looked for when one has left.
#[derive(Clone)]
pub(crate) enum Home {
    /// It was named: no other will do.
    Server,
    /// It works on this state directory; any other one there, or the store itself, will do.
    Directory(PathBuf),
}

/// The page of a list that was asked for.
pub(crate) struct Listed {
    pub(crate) runs: Vec<RunItem>,
    pub(crate) next: Option<RunId>,
}

impl Source {
    pub(crate) async fn find(common: &Common) -> anyhow::Result<Source> {
        Ok(match client::engine(common).await? {
            Some(client) => Source::of(common, client)?,
            None => Source::Store(state::reader(common).await?),
        })
    }

    /// An engine that was found.
    pub(crate) fn of(common: &Common, client: Client) -> anyhow::Result<Source> {
        let home = match common.server {
            Some(_) => Home::Server,
            None => Home::Directory(state::directory(common)?),
        };
        Ok(Source::Engine { client, home })
    }

    /// Whoever can be asked now that this one no longer answers; its error, if that was no going
    /// away.
    pub(crate) async fn again(self, gone: anyhow::Error) -> anyhow::Result<Source> {
        let (client, home) = match self {
            Source::Engine { client, home } if !gone.is::<Refusal>() => (client, home),
            Source::Engine { .. } | Source::Store(_) => return Err(gone),
        };
        tracing::debug!(%gone, "looking for another engine");
        let look = async {
            loop {
                tokio::time::sleep(LOOK).await;
                if client.is_there().await {
                    return Source::Engine { client, home };
                }
                let Home::Directory(directory) = &home else { continue };
                if let Ok(reader) = state::reader_in(directory).await {
                    return Source::Store(reader);
                }
            }
        };
        tokio::time::timeout(PATIENCE, look).await.map_err(|_| gone)
    }

    /// The run of this name, whole, from whoever can be asked by now.
    pub(crate) async fn seen(&mut self, named: &str) -> anyhow::Result<RunView> {
        match self.view(named).await {
            Ok(view) => Ok(view),
            Err(gone) => {
                *self = self.clone().again(gone).await?;
                self.view(named).await
            }
        }
    }

    /// The run of this name, whole.
    pub(crate) async fn view(&self, named: &str) -> anyhow::Result<RunView> {
        match self {
            Source::Engine { client, .. } => {
                client.get(&format!("/api/v1/runs/{}", segment(named))).await
            }
            Source::Store(reader) => {
                let summary = reader.named(named).await?;
                Ok(reader.view(summary.run).await?)
            }
        }
    }

    pub(crate) async fn list(&self, listing: &Listing) -> anyhow::Result<Listed> {
        match self {
            Source::Engine { client, .. } => {
                let page: RunPage = client.get(&format!("/api/v1/runs?{}", query(listing))).await?;
                let next = page.next.map(|next| next.parse()).transpose()?;
                Ok(Listed { runs: page.items, next })
            }
            Source::Store(reader) => {
                let listed = reader.listed(listing).await?;
                let runs = listed.runs.iter().map(RunItem::from).collect();
                Ok(Listed { runs, next: listed.next })
            }
        }
    }

    /// The last run of each pipeline.
    pub(crate) async fn pipelines(&self) -> anyhow::Result<Vec<PipelineItem>> {
        match self {
            Source::Engine { client, .. } => {
                let page: PipelinePage = client.get("/api/v1/pipelines").await?;
                Ok(page.items)
            }
            Source::Store(reader) => {
                Ok(reader.pipelines().await?.iter().map(PipelineItem::from).collect())
            }
        }
    }

    /// The pipeline files that an engine serves; without one, none is served.
    pub(crate) async fn catalogue(&self) -> anyhow::Result<Vec<CatalogueItem>> {
        match self {
            Source::Engine { client, .. } => client.catalogue().await,
            Source::Store(_) => Ok(Vec::new()),
        }
    }

    /// What happens to all runs from now on.
    pub(crate) async fn follow_all(&self) -> anyhow::Result<Following> {
        Ok(match self {
            Source::Engine { client, .. } => {
                Following::Engine(client.events("/api/v1/events").await?)
            }
            Source::Store(reader) => Following::Store(reader.feed(Wanted::All, None).await?),
        })
    }

    /// What happens to these runs after a position; without one, from now on.
    pub(crate) async fn follow(
        &self,
        runs: BTreeSet<RunId>,
        after: Option<Position>,
    ) -> anyhow::Result<Following> {
        Ok(match self {
            Source::Engine { client, .. } => {
                let names: Vec<String> = runs.iter().map(RunId::to_string).collect();
                let after = after.map(|after| format!("&after={}", after.0)).unwrap_or_default();
                let path = format!("/api/v1/events?run={}{after}", names.join(","));
                Following::Engine(client.events(&path).await?)
            }
            Source::Store(reader) => {
                Following::Store(reader.feed(Wanted::Runs(runs), after).await?)
            }
        })
    }
}

fn query(listing: &Listing) -> String {
    let Listing { application, pipeline, statuses, started_after, started_before, before, limit } =
        listing;
    let statuses: Vec<&str> = statuses.iter().map(|status| status.word()).collect();
    let at = |at: &Option<Civil>| at.map(wording::instant);
    let parts = [
        ("application", application.clone()),
        ("pipeline", pipeline.clone()),
        ("status", (!statuses.is_empty()).then(|| statuses.join(","))),
        ("startedAfter", at(started_after)),
        ("startedBefore", at(started_before)),
        ("cursor", before.map(|run| run.to_string())),
        ("limit", Some(limit.to_string())),
    ];
    let given = parts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.map(|(name, value)| format!("{name}={}", segment(&value))).collect::<Vec<_>>().join("&")
}

/// A place in what happens.
pub(crate) enum Following {
    Engine(Events),
    Store(Feed),
}

impl Following {
    /// The next rows of runs; none after a cursor that meant nothing. An error is the end of this way.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Vec<RowView>> {
        match self {
            Following::Engine(events) => match events.next().await? {
                Some(Told::Row(row)) => Ok(vec![*row]),
                Some(Told::Reset(_)) => Ok(Vec::new()),
                None => Err(anyhow::anyhow!("the engine has left")),
            },
            Following::Store(feed) => loop {
                let News::Rows(rows) = feed.next().await? else { return Ok(Vec::new()) };
                let rows = rows.into_iter().filter_map(FeedRow::of_run);
                let rows: Vec<RowView> = rows.map(RowView::from).collect();
                if !rows.is_empty() {
                    return Ok(rows);
                }
            },
        }
    }
}
