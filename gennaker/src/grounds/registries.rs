//! What is asked of registries: whether what was told of an image or a chart is so, and what is new.

use super::Places;
use artifacts::{Repository, registry::Registries};
use engine_core::{
    BoxFuture,
    happening::{Chart, Confirmation, Happening, Image},
    platform::KnownRegistry,
    trigger::{IndexKey, PollError, Polled, Poller},
};
use engine_runtime::inbox::{Confirmed, Interval, Later, Own, Subject};
use serde_json::Value;
use std::time::Duration;
use triggers::{
    chart::{self, ChartPoller},
    image::{self, ImagePoller},
};

/// The pauses before looking again at what is not as it was told: distribution tells of a push a moment
/// before the tag stands for it.
const LOOKS_AGAIN: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_millis(1_500)];

/// Whether a registry is to be asked.
enum Asked {
    Yes,
    /// Nothing hangs on its answer, or it has been asked: it stays as it is.
    Needless,
    /// It is none of ours, for this reason.
    Unknown(String),
}

impl Places {
    pub(super) async fn confirm_image(&self, image: &Image) -> Result<Confirmed, Later> {
        let told = Happening::Image(image.clone());
        match self.asked(&told, image.confirmation) {
            Asked::Yes => {}
            Asked::Needless => return Ok(yes(told)),
            Asked::Unknown(reason) => return Ok(Confirmed::No { reason }),
        }
        if (&image.tag, &image.digest) == (&None, &None) {
            let reason = "neither a tag nor a digest was told".to_owned();
            return Ok(Confirmed::No { reason });
        }
        self.settled(&told).await
    }

    pub(super) async fn confirm_chart(&self, chart: &Chart) -> Result<Confirmed, Later> {
        let told = Happening::Chart(chart.clone());
        match self.asked(&told, chart.confirmation) {
            Asked::Yes => {}
            Asked::Needless => return Ok(yes(told)),
            Asked::Unknown(reason) => return Ok(Confirmed::No { reason }),
        }
        self.settled(&told).await
    }

    /// What is there, once what is told has had time to come to be so.
    async fn settled(&self, told: &Happening) -> Result<Confirmed, Later> {
        for pause in LOOKS_AGAIN {
            match self.seen(told).await? {
                yes @ Confirmed::Yes { .. } => return Ok(yes),
                Confirmed::No { .. } => tokio::time::sleep(pause).await,
            }
        }
        self.seen(told).await
    }

    async fn seen(&self, told: &Happening) -> Result<Confirmed, Later> {
        let asking = self.asking();
        judged(match told {
            Happening::Image(told) => {
                let seen = image::confirm(&asking, told).await;
                seen.map(|seen| (same(&told.digest, &seen.digest), Happening::Image(seen)))
            }
            Happening::Chart(told) => {
                let seen = chart::confirm(&asking, told).await;
                seen.map(|seen| (same(&told.digest, &seen.digest), Happening::Chart(seen)))
            }
            Happening::Git(_) | Happening::Hook(_) | Happening::Time(_) | Happening::Ended(_) => {
                Ok((Ok(()), told.clone()))
            }
        })
    }

    fn asked(&self, told: &Happening, confirmation: Confirmation) -> Asked {
        let key = IndexKey::of(told);
        let is_looked_at = self.shelf.read().listening(&key).next().is_some();
        match (confirmation, is_looked_at) {
            (Confirmation::Yes, _) | (Confirmation::No, false) => return Asked::Needless,
            (Confirmation::No, true) => {}
        }
        let known = self.known();
        match host(&key) {
            Some(host) if registry(&known, &host).is_some() => Asked::Yes,
            Some(host) => {
                Asked::Unknown(format!("{host} is not under `registries` in gennaker.yaml"))
            }
            None => Asked::Unknown("it does not say on which host it is".to_owned()),
        }
    }

    /// Everything in a registry that triggers look at, as often as the platform says for each; what
    /// lies elsewhere is asked by nobody.
    pub(super) fn in_registries(&self) -> Vec<Subject> {
        let known = self.known();
        let edition = self.sources.edition_of_registries(&known);
        let shelf = self.shelf.read();
        let subject = |key: &IndexKey| {
            let interval = registry(&known, &host(key)?)?.poll.milliseconds();
            let interval = Interval(Duration::from_millis(interval));
            Some(Subject { key: key.clone(), interval, edition })
        };
        shelf.keys().filter_map(subject).collect()
    }

    pub(super) fn poll_registry<'a>(
        &self,
        key: &'a IndexKey,
        cursor: Option<Value>,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        let asking = self.asking();
        match key {
            IndexKey::Chart { .. } => {
                Box::pin(async move { ChartPoller(asking).poll(key, cursor).await })
            }
            IndexKey::Image { .. }
            | IndexKey::Git { .. }
            | IndexKey::Hook { .. }
            | IndexKey::Time { .. }
            | IndexKey::Ended { .. } => {
                Box::pin(async move { ImagePoller(asking).poll(key, cursor).await })
            }
        }
    }

    fn asking(&self) -> Registries {
        self.submitted.reach.now().registries.clone()
    }

    fn known(&self) -> Vec<KnownRegistry> {
        self.submitted.reach.now().found.platform.registries()
    }
}

fn yes(happening: Happening) -> Confirmed {
    Confirmed::Yes { happening: Box::new(happening), own: Own::None }
}

fn judged(seen: Result<(Result<(), String>, Happening), PollError>) -> Result<Confirmed, Later> {
    match seen {
        Ok((Ok(()), happening)) => Ok(yes(happening)),
        Ok((Err(reason), _)) | Err(PollError::Refused { reason }) => Ok(Confirmed::No { reason }),
        Err(PollError::Later { reason, after }) => Err(Later { reason, after }),
    }
}

/// Another digest than was told is news of its own, and comes by its own way.
fn same(told: &Option<String>, seen: &Option<String>) -> Result<(), String> {
    let (Some(told), Some(seen)) = (told, seen) else { return Ok(()) };
    let algorithm = |digest: &str| digest.split_once(':').map(|(name, _)| name.to_owned());
    match told == seen || algorithm(told) != algorithm(seen) {
        true => Ok(()),
        false => Err(format!("its registry has {seen} there, and not {told}")),
    }
}

/// The host on which it lies, with a port that is not the usual one.
fn host(key: &IndexKey) -> Option<String> {
    match key {
        IndexKey::Image { repository } => of_image(repository),
        IndexKey::Chart { repository, .. } => match repository.split_once("://") {
            Some(("oci", rest)) => of_image(&format!("{rest}/chart")),
            Some((scheme, rest)) => {
                let host = rest.split('/').next().unwrap_or_default();
                let usual = if scheme == "https" { ":443" } else { ":80" };
                Some(host.strip_suffix(usual).unwrap_or(host).to_owned())
            }
            None => None,
        },
        IndexKey::Git { .. }
        | IndexKey::Hook { .. }
        | IndexKey::Time { .. }
        | IndexKey::Ended { .. } => None,
    }
}

fn of_image(repository: &str) -> Option<String> {
    Repository::parse(repository).ok()?.normal().registry
}

fn registry<'a>(known: &'a [KnownRegistry], host: &str) -> Option<&'a KnownRegistry> {
    // Docker Hub has several names.
    let name = |host: &str| of_image(&format!("{host}/x/y")).unwrap_or(host.to_owned());
    known.iter().find(|it| name(&it.host).eq_ignore_ascii_case(&name(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(host: &str) -> KnownRegistry {
        let poll = engine_core::language::Duration::of_seconds(60);
        let (credentials, certificate_authority) = (None, None);
        KnownRegistry { host: host.to_owned(), credentials, certificate_authority, poll }
    }

    #[test]
    fn what_lies_in_a_registry_is_found_by_its_host_and_nothing_else() {
        let image = |repository: &str| IndexKey::Image { repository: repository.to_owned() };
        let chart = |repository: &str| {
            let (repository, name) = (repository.to_owned(), "web".to_owned());
            IndexKey::Chart { repository, name }
        };
        for (key, wanted) in [
            (image("r.example.com/shop/web"), Some("R.example.com")),
            (image("r.example.com:5000/shop/web"), Some("r.example.com:5000")),
            (image("docker.io/library/nginx"), Some("index.docker.io")),
            (image("evil.example/r.example.com/web"), None),
            (chart("oci://r.example.com"), Some("R.example.com")),
            (chart("oci://r.example.com:5000/charts"), Some("r.example.com:5000")),
            (chart("https://r.example.com:443/charts"), Some("R.example.com")),
            (chart("https://r.example.com:5000"), Some("r.example.com:5000")),
            (chart("https://evil.example/r.example.com"), None),
            (IndexKey::Git { repository: "r.example.com/shop/web".to_owned() }, None),
        ] {
            let all = ["R.example.com", "r.example.com:5000", "index.docker.io"].map(known);
            let found = host(&key).and_then(|host| Some(registry(&all, &host)?.host.as_str()));
            assert_eq!(found, wanted, "{key}");
        }
    }

    #[test]
    fn another_digest_than_was_told_is_not_so_and_none_or_another_algorithm_says_nothing() {
        let (seen, told) = (Some("sha256:aa".to_owned()), |it: &str| Some(it.to_owned()));
        for (told, is_so) in [
            (None, true),
            (told("sha256:aa"), true),
            (told("sha512:bb"), true),
            (told("sha256:bb"), false),
        ] {
            assert_eq!(same(&told, &seen).is_ok(), is_so, "{told:?}");
        }
    }
}
