//! The places outside that gennaker.yaml names: repositories, who sends what happens there, registries.

use super::{Check, Finding};
use crate::{
    arguments::Common, client, clusters::Reach, platform::Found, secrets, sources::way, state,
};
use artifacts::git::{Capacity, Git, GitError, Limits, Mirror, Origin};
use engine_core::{
    platform::{KnownRegistry, Receiver, Source, SourcePlace},
    view::CatalogueItem,
};
use engine_runtime::secrets::{Kept, SecretSource, Wanted};
use std::{fs, path::Path, sync::Arc, time::SystemTime};
use tokio::sync::OnceCell;

/// What all sources are looked at with.
struct Looking<'a> {
    common: &'a Common,
    found: &'a Found,
    kept: Kept,
    git: OnceCell<Git>,
    /// What an engine serves, if one answers.
    served: OnceCell<Vec<CatalogueItem>>,
}

pub(super) fn checks<'a>(
    common: &'a Common,
    found: &'a Found,
    reach: Option<&'a Reach>,
) -> Vec<Check<'a>> {
    let kept = secrets::kept(common, found);
    let (git, served) = (OnceCell::new(), OnceCell::new());
    let looking = Arc::new(Looking { common, found, kept, git, served });
    let source = |source: Source| -> Check<'a> {
        let looking = looking.clone();
        let check = format!("source {}", source.name());
        (check.clone(), Box::pin(async move { looking.source(&check, &source).await }))
    };
    let mut checks: Vec<Check<'a>> = found.platform.sources().into_iter().map(source).collect();
    for receiver in found.platform.receivers() {
        let finding = looking.receiver(&receiver);
        checks.push((finding.check.clone(), Box::pin(std::future::ready(vec![finding]))));
    }
    for known in reach.into_iter().flat_map(|_| found.platform.registries()) {
        let check = format!("registry {}", known.host);
        checks.push((check, Box::pin(async move { registry(reach, &known).await })));
    }
    checks
}

impl Looking<'_> {
    async fn source(&self, check: &str, source: &Source) -> Vec<Finding> {
        let reached = match &source.place {
            SourcePlace::Directory { path } => {
                let path = self.found.path(path);
                match path.is_dir() {
                    true => Finding::ok(check, "it is there"),
                    false => {
                        let detail = format!("{} is no folder", path.display());
                        Finding::failure(check, (detail, "make it, or name another one"))
                    }
                }
            }
            SourcePlace::Git { .. } => self.reached(check, source).await,
        };
        let broken = self.served().await.iter().filter(|it| it.source == source.name());
        let broken = broken.filter(|it| it.standing != "good");
        let told = broken.map(|it| {
            let first = it.faults.first().map_or("", String::as_str);
            let detail = format!("{} is {}: {first}", it.path, it.standing);
            Finding::warning(check, (detail, "mend the file; `gennaker get pipelines` tells all"))
        });
        std::iter::once(reached).chain(told).collect()
    }

    /// Asked beside whatever mirror an engine has of it.
    async fn reached(&self, check: &str, source: &Source) -> Finding {
        let origin = match way(source, &self.kept) {
            Ok(origin) => origin,
            Err(error) => {
                let remedy = "see `sources` in gennaker.yaml, and where its secrets are";
                return Finding::failure(check, (format!("{error:#}"), remedy));
            }
        };
        let fetched = self.fetched(&origin);
        match self.branches(origin).await {
            Ok(0) => Finding::warning(check, ("it has no branch yet", "push one")),
            Ok(branches) => {
                Finding::ok(check, format!("it answers, with {branches} branches; {fetched}"))
            }
            Err(error) => {
                let remedy =
                    "see `sources` in gennaker.yaml, and whether this machine may go there";
                Finding::failure(check, (format!("{error:#}; {fetched}"), remedy))
            }
        }
    }

    async fn branches(&self, origin: Origin) -> anyhow::Result<usize> {
        let git = self.git.get_or_try_init(|| Git::find(Capacity::default())).await?;
        let folder = tempfile::tempdir()?;
        let with = (origin, Limits::default());
        let mirror = Mirror::open(git, &folder.path().join("looking"), with).await?;
        let refs: Result<_, GitError> = mirror.remote_refs().await;
        Ok(refs?.names().filter(|name| name.as_str().starts_with("refs/heads/")).count())
    }

    /// When something of it was fetched last.
    fn fetched(&self, origin: &Origin) -> String {
        let Ok(state) = state::directory(self.common) else { return "never fetched".to_owned() };
        let mirror = state.join("repositories").join(origin.url.identity().folder());
        match age(&mirror) {
            Some(seconds) => format!("last fetched {} ago", span(seconds)),
            None => "never fetched".to_owned(),
        }
    }

    async fn served(&self) -> &[CatalogueItem] {
        let asked = async {
            let client = client::engine(self.common).await.ok().flatten()?;
            let items = client.catalogue().await.ok()?;
            Some(items)
        };
        self.served.get_or_init(|| async { asked.await.unwrap_or_default() }).await
    }

    /// Without a secret it does not exist.
    fn receiver(&self, receiver: &Receiver) -> Finding {
        let check = format!("receiver {}", receiver.name);
        let lacks = |name: &&String| {
            let (name, application) = ((*name).clone(), String::new());
            self.kept.find(&Wanted { name, application, environment: None }).is_err()
        };
        let lacking: Vec<&str> =
            receiver.secrets.iter().filter(lacks).map(String::as_str).collect();
        let remedy = "write each into `secrets.directory`, or set GENNAKER_SECRET_<NAME>";
        match (lacking.len(), receiver.secrets.len()) {
            (0, _) => Finding::ok(check, "each of its secrets has a value"),
            (some, all) if some < all => {
                let detail = format!("{} has no value; the other one counts", lacking.join(", "));
                Finding::warning(check, (detail, remedy))
            }
            _ => {
                let detail = format!("{} has no value: it listens to nobody", lacking.join(", "));
                Finding::failure(check, (detail, remedy))
            }
        }
    }
}

async fn registry(reach: Option<&Reach>, known: &KnownRegistry) -> Vec<Finding> {
    let check = format!("registry {}", known.host);
    let Some(reach) = reach else { return Vec::new() };
    vec![match reach.registries.greet(&known.host).await {
        Ok(()) => Finding::ok(check, "it answers"),
        Err(error) => {
            let remedy = "see `registries` in gennaker.yaml, and whether this machine may go there";
            Finding::failure(check, (error.to_string(), remedy))
        }
    }]
}

fn age(path: &Path) -> Option<u64> {
    let changed = fs::metadata(path).ok()?.modified().ok()?;
    Some(SystemTime::now().duration_since(changed).unwrap_or_default().as_secs())
}

fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
