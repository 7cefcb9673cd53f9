//! What is deployed, and by which pipeline: whether that is still in some source.

use super::{Check, Finding};
use crate::{
    arguments::Common,
    client::{self, Client},
    platform::Found,
    state,
};
use engine_core::{
    plan::ROLLBACK_PIPELINE,
    platform::{Owner, SourcePlace, repository_key},
    revision::{Revision, Target},
    trigger::IndexKey,
    view::CatalogueItem,
};
use engine_runtime::reader::Reader;
use std::collections::BTreeMap;

const CHECK: &str = "deployed";

pub(super) fn check<'a>(common: &'a Common, found: &'a Found) -> Check<'a> {
    (CHECK.to_owned(), Box::pin(async move { looked(common, found).await }))
}

async fn looked(common: &Common, found: &Found) -> Vec<Finding> {
    if found.platform.sources().is_empty() {
        return Vec::new();
    }
    let Ok(reader) = state::reader(common).await else { return Vec::new() };
    let Ok(Some(client)) = client::engine(common).await else {
        let told =
            "which pipelines there are is known to an engine that serves, and none does here";
        return vec![Finding::ok(CHECK, told)];
    };
    match unowned(&reader, &client, found).await {
        Ok(findings) if findings.is_empty() => {
            vec![Finding::ok(CHECK, "each by a pipeline that is in some source")]
        }
        Ok(findings) => findings,
        Err(error) => vec![Finding::warning(CHECK, (format!("{error:#}"), "ask again"))],
    }
}

/// What has no owner any more. Nothing is touched by that: somebody has to take it over or away.
async fn unowned(reader: &Reader, client: &Client, found: &Found) -> anyhow::Result<Vec<Finding>> {
    let served = client.catalogue().await?;
    let mut findings = Vec::new();
    for target in reader.targets().await? {
        if let Reading::NotYet = reading(reader, &target, found).await? {
            continue;
        }
        for (component, newest) in components(reader, &target).await? {
            let pipeline = reader.summary(newest.run).await?.pipeline;
            let is_it = |it: &&CatalogueItem| {
                it.application == target.application && it.pipeline == pipeline
            };
            if served.iter().find(is_it).is_none() {
                findings.push(finding(&target, &component, (&pipeline, newest.number)));
            }
        }
    }
    Ok(findings)
}

/// Whether the source of an application was read: before that nothing can be told of it.
enum Reading {
    Done,
    NotYet,
}

async fn reading(reader: &Reader, target: &Target, found: &Found) -> anyhow::Result<Reading> {
    let Owner::One(number) = found.platform.owner(&target.application) else {
        return Ok(Reading::Done);
    };
    let sources = found.platform.sources();
    match sources.get(number).map(|source| (&source.place, source.name())) {
        Some((SourcePlace::Git { .. }, name)) => {
            let place = IndexKey::Git { repository: repository_key(name) };
            Ok(if reader.was_asked(&place).await? { Reading::Done } else { Reading::NotYet })
        }
        Some((SourcePlace::Directory { .. }, _)) | None => Ok(Reading::Done),
    }
}

/// The newest revision of each component that was not a person's way back.
async fn components(
    reader: &Reader,
    target: &Target,
) -> anyhow::Result<BTreeMap<String, Revision>> {
    let mut newest = BTreeMap::new();
    for revision in reader.revisions(target).await? {
        if reader.summary(revision.run).await?.pipeline != ROLLBACK_PIPELINE {
            newest.insert(revision.set.component.clone(), revision);
        }
    }
    Ok(newest)
}

fn finding(target: &Target, component: &str, (pipeline, number): (&str, u64)) -> Finding {
    let Target { application, environment, .. } = target;
    let part = match component {
        "main" => String::new(),
        component => format!(" ({component})"),
    };
    let check = format!("{CHECK} {application}/{environment}");
    let detail = format!(
        "revision {number}{part} is of pipeline `{pipeline}`, which is in no source any more"
    );
    let remedy = format!(
        "give `{application}` to a source that has such a pipeline, or remove what is deployed"
    );
    Finding::warning(check, (detail, remedy))
}
