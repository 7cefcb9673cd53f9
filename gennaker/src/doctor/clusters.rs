//! The clusters that pipelines name: the way there, who we are, what we may do, and what time it is.

use super::{Check, Finding, Verdict};
use crate::clusters::Reach;
use engine_core::platform::Platform;
use futures::future::join_all;
use jiff::{Timestamp, fmt::rfc2822};
use kubernetes::{
    Cluster,
    examination::{Act, Leave},
    kubeconfig::KubeconfigError,
};
use std::{collections::BTreeSet, sync::Arc};

/// The answer's time is told in whole seconds.
const SKEW_SECONDS: i64 = 5;

/// What deploys, jobs and waits need in a namespace.
const RIGHTS: [(&str, &str, &[&str]); 9] = [
    ("apps", "deployments", &["get", "list", "watch", "create", "patch", "delete"]),
    ("apps", "replicasets", &["get", "list", "watch"]),
    ("", "pods", &["get", "list", "watch"]),
    ("", "pods/log", &["get"]),
    ("", "services", &["get", "create", "patch", "delete"]),
    ("", "configmaps", &["get", "create", "patch", "delete"]),
    ("", "secrets", &["get", "create", "patch", "delete"]),
    ("batch", "jobs", &["get", "list", "watch", "create", "patch", "delete"]),
    ("", "namespaces", &["get"]),
];

pub(super) fn checks(reach: &Reach) -> Vec<Check<'_>> {
    let ways = reach.ways();
    let check = |(name, way): (&str, Result<(String, String), Arc<KubeconfigError>>)| -> Check<'_> {
        let title = format!("cluster {name}").trim_end().to_owned();
        match (way, reach.clusters.get(name)) {
            (Ok((context, server)), Some(cluster)) => {
                let namespaces = namespaces(&reach.found.platform, name);
                let way = format!("context {context} at {server}");
                (title.clone(), Box::pin(examine((title, way), cluster.clone(), namespaces)))
            }
            (Err(error), _) => {
                let finding = unknown(&title, &error);
                (title, Box::pin(std::future::ready(vec![finding])))
            }
            (Ok(_), None) => (title, Box::pin(std::future::ready(Vec::new()))),
        }
    };
    ways.map(check).collect()
}

fn unknown(title: &str, error: &KubeconfigError) -> Finding {
    let detail = error.to_string();
    match error {
        KubeconfigError::None { .. } => {
            Finding::warning(title, (detail, "pipelines that touch no cluster run all the same"))
        }
        KubeconfigError::Plugin { .. } => {
            let remedy = "use a token or a certificate, or allow it by --allow-exec-plugins";
            Finding::failure(title, (detail, remedy))
        }
        KubeconfigError::Unreadable { .. }
        | KubeconfigError::UnknownContext { .. }
        | KubeconfigError::NoContext { .. } => {
            Finding::failure(title, (detail, "mend the kubeconfig, or name another context"))
        }
    }
}

/// The namespaces of a cluster in which environments lie, as far as they are the same for all
/// applications; without any, all.
fn namespaces(platform: &Platform, cluster: &str) -> BTreeSet<String> {
    platform
        .places()
        .into_iter()
        .filter(|(its, namespace)| its == cluster && !namespace.contains("${{"))
        .map(|(_, namespace)| namespace)
        .collect()
}

async fn examine(
    (title, way): (String, String),
    cluster: Arc<Cluster>,
    namespaces: BTreeSet<String>,
) -> Vec<Finding> {
    let mut findings = match reached(&cluster, (&title, &way)).await {
        Ok(finding) => vec![finding],
        Err(finding) => return vec![finding],
    };
    findings.push(clock(&cluster, &title).await);
    let places: Vec<Option<&str>> = match namespaces.is_empty() {
        true => vec![None],
        false => namespaces.iter().map(|it| Some(it.as_str())).collect(),
    };
    for place in places {
        findings.push(rights(&cluster, (&title, place)).await);
    }
    findings
}

async fn reached(cluster: &Cluster, (title, way): (&str, &str)) -> Result<Finding, Finding> {
    let failed = |error: kubernetes::ClusterError| {
        let remedy = match &error {
            kubernetes::ClusterError::Unauthorized { .. } => {
                "renew the credentials of the kubeconfig's user"
            }
            _other => "look whether the server runs, and whether this machine may reach it",
        };
        Finding::failure(title, (format!("{way}: {error}"), remedy))
    };
    let version = cluster.version().await.map_err(failed)?;
    let user = cluster.whoami().await.map_err(failed)?;
    cluster.uid().await.map_err(failed)?;
    Ok(Finding::ok(title, format!("{way}, {version}, as {user}")))
}

async fn clock(cluster: &Cluster, title: &str) -> Finding {
    let check = format!("{title}: clock");
    let date = match cluster.date().await {
        Ok(date) => date,
        Err(error) => {
            return Finding::warning(check, (error.to_string(), "ask again"));
        }
    };
    let now = Timestamp::now();
    let theirs = date.as_deref().and_then(|date| rfc2822::parse(date).ok());
    match theirs.map(|theirs| now.duration_since(theirs.timestamp()).as_secs()) {
        None => Finding::warning(check, ("the server does not tell its time", "look at its clock")),
        Some(seconds) if seconds.abs() <= SKEW_SECONDS => {
            Finding::ok(check, "goes as this machine's does")
        }
        Some(seconds) => {
            let word = if seconds > 0 { "behind" } else { "before" };
            let detail = format!("is {} s {word} this machine's", seconds.abs());
            Finding::warning(check, (detail, "let both be set by NTP"))
        }
    }
}

/// What we may not do of what deploys need.
async fn rights(cluster: &Cluster, (title, namespace): (&str, Option<&str>)) -> Finding {
    let place =
        namespace.map_or_else(|| "all namespaces".to_owned(), |it| format!("namespace {it}"));
    let check = format!("{title}: rights");
    let acts = RIGHTS.iter().flat_map(|(group, resource, verbs)| {
        verbs.iter().map(move |verb| Act { verb, group, resource, namespace })
    });
    let acts: Vec<Act<'_>> = acts.collect();
    let asked = join_all(acts.iter().map(|act| cluster.may(act))).await;
    let mut refused: Vec<String> = Vec::new();
    for (act, asked) in acts.iter().zip(asked) {
        match asked {
            Ok(Leave::Granted) => {}
            Ok(Leave::Refused) => refused.push(format!("{} {}", act.verb, act.resource)),
            Err(error) => return Finding::warning(check, (error.to_string(), "ask again")),
        }
    }
    if refused.is_empty() {
        return Finding::ok(check, format!("all that deploys need in {place}"));
    }
    let detail = format!("in {place} it may not: {}", refused.join(", "));
    let remedy = "grant them by a Role and a RoleBinding to the user named above";
    match namespace {
        Some(_) => Finding::failure(check, (detail, remedy)),
        // It may still be allowed in the namespaces that pipelines name.
        None => Finding { result: Verdict::Warning, ..Finding::failure(check, (detail, remedy)) },
    }
}
