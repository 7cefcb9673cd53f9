//! From what was found to stages: which folders make a set, and where it goes in which order.

use super::find::{Folder, Found, Manifest};
use engine_core::platform::Platform;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Where manifests are usually kept. The first that has some is taken, and everything if none has.
const USUAL: [&str; 8] = [
    "k8s/",
    "kubernetes/",
    "manifests/",
    "deploy/",
    "deployment/",
    "deployments/",
    "environments/",
    "envs/",
];
/// What environments are called, from the first that a version goes to on to the last.
const CALLED: [(Rank, &[&str]); 4] = [
    (Rank::Development, &["dev", "develop", "development"]),
    (Rank::Test, &["test", "testing", "qa", "integration"]),
    (Rank::Staging, &["staging", "stage", "stg", "uat", "preprod", "canary"]),
    (Rank::Production, &["production", "prod", "prd", "live"]),
];
/// Kinds of which a cluster has one of a name, wherever its environments are.
const CLUSTER_WIDE: [&str; 11] = [
    "Namespace",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "PersistentVolume",
    "StorageClass",
    "PriorityClass",
    "IngressClass",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Development,
    Test,
    Staging,
    Production,
}

/// What is written.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) deploys: Vec<Deploy>,
    /// What people should know about what was found.
    pub(super) notes: Vec<String>,
}

/// A version of the application goes to one environment.
#[derive(Debug)]
pub(super) struct Deploy {
    pub(super) stage: String,
    pub(super) environment: String,
    pub(super) rank: Rank,
    pub(super) manifests: Vec<String>,
    /// Run before, by name.
    pub(super) jobs: Vec<(String, String)>,
}

/// The manifests that go to one environment.
#[derive(Clone, Default)]
struct Set<'a> {
    folders: Vec<(&'a str, &'a Folder)>,
}

/// Nothing, if there are no manifests.
pub(super) fn layout(found: &Found, (name, platform): (&str, &Platform)) -> Option<Layout> {
    let (taken, left) = taken(found);
    if taken.is_empty() {
        return None;
    }
    let mut notes: Vec<String> =
        left.iter().map(|folder| format!("{folder} has manifests too, and is left out")).collect();
    let environments = environments(&taken);
    let deploys = match environments.is_empty() {
        true => of_one(&Set { folders: taken }, (name, platform), &mut notes),
        false => of_several(&taken, &environments, (name, platform)),
    };
    Some(Layout { deploys, notes })
}

type Taken<'a> = Vec<(&'a str, &'a Folder)>;

/// The folders that are taken, and the tops of those that are not.
fn taken(found: &Found) -> (Taken<'_>, BTreeSet<String>) {
    let top = |path: &str| path.split_inclusive('/').next().unwrap_or("./").to_owned();
    let usual =
        USUAL.iter().find(|usual| found.folders.keys().any(|path| path.starts_with(**usual)));
    let is_taken = |path: &&String| usual.is_none_or(|usual| path.starts_with(usual));
    let left = found.folders.keys().filter(|path| !is_taken(path)).map(|path| top(path)).collect();
    let taken = found.folders.iter().filter(|(path, _)| is_taken(path));
    (taken.map(|(path, folder)| (path.as_str(), folder)).collect(), left)
}

/// The parts of paths that are names of environments, in their order.
fn environments(taken: &Taken<'_>) -> Vec<(Rank, String)> {
    let parts = taken.iter().filter_map(|(path, _)| environment_in(path));
    let mut all: Vec<(Rank, String)> = parts.collect();
    all.sort();
    all.dedup();
    all
}

/// `k8s/prod-eu/` is of `prod-eu`.
fn environment_in(path: &str) -> Option<(Rank, String)> {
    path.split('/').find_map(|part| Some((rank(part)?, part.to_owned())))
}

fn rank(name: &str) -> Option<Rank> {
    let word = name.split(['-', '_', '.']).next().unwrap_or(name);
    let called = CALLED.iter().find(|(_, words)| words.contains(&word));
    called.map(|(rank, _)| *rank)
}

/// One set that goes everywhere.
fn of_one(
    set: &Set<'_>,
    (name, platform): (&str, &Platform),
    notes: &mut Vec<String>,
) -> Vec<Deploy> {
    if let Some(namespace) = set.namespace() {
        notes.push(format!(
            "the manifests name the namespace `{namespace}`, so there is one environment; leave \
             `metadata.namespace` out of them to deploy them to several"
        ));
        return vec![set.deploy(("deploy".to_owned(), namespace.to_owned(), Rank::Staging))];
    }
    if let Some(kind) = set.cluster_wide() {
        notes.push(format!(
            "a {kind} is there once in a cluster, so there is one environment; deploy it by a \
             pipeline of its own to deploy the others to several"
        ));
        return vec![set.deploy(("deploy".to_owned(), name.to_owned(), Rank::Staging))];
    }
    let known = known(platform);
    let places = match known.is_empty() {
        true => vec![
            ("staging".to_owned(), format!("{name}-staging"), Rank::Staging),
            ("production".to_owned(), format!("{name}-production"), Rank::Production),
        ],
        false => known
            .into_iter()
            .map(|(rank, environment)| (environment.clone(), environment, rank))
            .collect(),
    };
    places.into_iter().map(|place| set.deploy(place)).collect()
}

/// The environments that `gennaker.yaml` names, in the order in which a version goes through them.
fn known(platform: &Platform) -> Vec<(Rank, String)> {
    let all = platform.environments();
    let ranked = all.map(|(name, is_production)| {
        let usual = rank(name).filter(|rank| *rank != Rank::Production);
        let rank = if is_production { Rank::Production } else { usual.unwrap_or(Rank::Staging) };
        (rank, name.to_owned())
    });
    let mut ranked: Vec<(Rank, String)> = ranked.collect();
    ranked.sort();
    ranked
}

/// A folder for each environment, and what they share.
fn of_several(
    taken: &Taken<'_>,
    environments: &[(Rank, String)],
    (name, platform): (&str, &Platform),
) -> Vec<Deploy> {
    let known = known(platform);
    let deploy = |(rank, part): &(Rank, String)| {
        let mut set = Set::default();
        let of = |path: &str| environment_in(path).map(|(_, part)| part);
        let own = taken.iter().filter(|(path, _)| of(path).as_ref() == Some(part));
        set.folders.extend(own.copied());
        let shared = taken.iter().filter(|(path, _)| of(path).is_none());
        // What the environment has in a version of its own is not taken twice.
        let wanted: Vec<_> = shared.filter(|(_, folder)| !set.repeats(folder)).copied().collect();
        set.folders.splice(0..0, wanted);
        let same = known.iter().find(|(_, known)| known == part);
        let near = known.iter().find(|(known, _)| known == rank);
        let environment = match (set.namespace(), same.or(near)) {
            (Some(namespace), None) => namespace.to_owned(),
            (_, Some((_, environment))) => environment.clone(),
            (None, None) => format!("{name}-{part}").to_lowercase().replace(['_', '.'], "-"),
        };
        let stage = part.to_lowercase().replace(['_', '.'], "-");
        set.deploy((stage, environment, *rank))
    };
    environments.iter().map(deploy).collect()
}

impl Set<'_> {
    fn objects(&self) -> impl Iterator<Item = &Value> {
        self.folders.iter().flat_map(|(_, folder)| folder.objects())
    }

    /// The namespace that objects of the set name.
    fn namespace(&self) -> Option<&str> {
        self.objects().find_map(|object| object.pointer("/metadata/namespace")?.as_str())
    }

    fn cluster_wide(&self) -> Option<&str> {
        let kinds = self.objects().filter_map(|object| object["kind"].as_str());
        kinds.into_iter().find(|kind| CLUSTER_WIDE.contains(kind))
    }

    fn repeats(&self, other: &Folder) -> bool {
        let own: BTreeSet<(&str, &str)> = self.objects().map(named).collect();
        other.objects().any(|object| own.contains(&named(object)))
    }

    fn deploy(&self, (stage, environment, rank): (String, String, Rank)) -> Deploy {
        let (mut manifests, mut jobs) = (Vec::new(), BTreeMap::new());
        for (path, folder) in &self.folders {
            let found: Vec<(&Manifest, &str)> =
                folder.files.iter().filter_map(|file| Some((file, file.job()?))).collect();
            let is_whole = found.is_empty() && folder.others.is_empty() && !path.is_empty();
            match is_whole {
                true => manifests.push((*path).to_owned()),
                false => {
                    let is_deployed =
                        |file: &&Manifest| file.job().is_none() && !file.objects.is_empty();
                    let files = folder.files.iter().filter(is_deployed);
                    manifests.extend(files.map(|file| file.path.clone()));
                }
            }
            jobs.extend(found.into_iter().map(|(file, job)| (job.to_owned(), file.path.clone())));
        }
        Deploy { stage, environment, rank, manifests, jobs: jobs.into_iter().collect() }
    }
}

impl Folder {
    fn objects(&self) -> impl Iterator<Item = &Value> {
        self.files.iter().flat_map(|file| &file.objects)
    }
}

fn named(object: &Value) -> (&str, &str) {
    let kind = object["kind"].as_str().unwrap_or_default();
    (kind, object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default())
}
