//! Classic repositories of Helm charts, which are a file on a web server. Those in registries are
//! repositories as others, whose tags are the versions.

use super::{
    Registries, RegistryError, TagFilter,
    host::Call,
    index,
    poll::{Digests, TagCursor, TagPoll, Told},
    polling::{Pace, Polled},
    tags::{Validators, validators},
};
use reqwest::{Method, Url};
use std::collections::BTreeMap;

const INDEX_BYTES: usize = 24 * 1024 * 1024;

/// One version of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartVersion {
    pub version: String,
    /// Of the package, with its algorithm.
    pub digest: String,
}

/// The versions of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charts {
    Unchanged,
    Listed { versions: Vec<ChartVersion>, validators: Option<Validators> },
}

impl Registries {
    /// The versions of a chart in the repository at a URL, unless its index is as it was. The
    /// settings are those of the URL's host.
    pub async fn charts(
        &self,
        (repository, chart): (&str, &str),
        known: Option<&Validators>,
    ) -> Result<Charts, RegistryError> {
        let refused = |reason: &str| RegistryError::Refused {
            host: repository.to_owned(),
            reason: reason.to_owned(),
        };
        let url = Url::parse(repository).map_err(|_| refused("it is not a URL"))?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let name = url.host_str().filter(|_| plain && matches!(url.scheme(), "http" | "https"));
        let name =
            name.ok_or_else(|| refused("it must be http(s)://HOST/PATH and nothing else"))?;
        let name = url.port().map_or(name.to_owned(), |port| format!("{name}:{port}"));
        let host = self.host(&name)?;
        if url.scheme() == "http" && host.is_encrypted() {
            return Err(refused("it is not encrypted: write https"));
        }
        let path = format!("{}/index.yaml", url.path().trim_matches('/'));
        let what = format!("index of charts at {repository}");
        let call = Call {
            method: Method::GET,
            path: path.trim_start_matches('/'),
            what: &what,
            repository: chart,
            accept: "*/*",
            limit: INDEX_BYTES,
            known,
        };
        let answer = host.ask(&call).await?;
        if answer.status.as_u16() == 304 {
            return Ok(Charts::Unchanged);
        }
        let validators = validators(&answer);
        let wanted = chart.to_owned();
        let read = move || {
            let text =
                String::from_utf8(answer.body).map_err(|_| "its index is not text".to_owned())?;
            index::versions(&text, &wanted)
        };
        // It may be large.
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.map_err(|error| host.refused(error.to_string()))?;
        let missing = || RegistryError::Missing {
            host: host.name.clone(),
            what: format!("chart {chart} in the {what}"),
        };
        let versions = read.map_err(|reason| host.refused(reason))?.ok_or_else(missing)?;
        Ok(Charts::Listed { versions, validators })
    }

    /// Looks at a chart in a classic repository, as [`poll`](Registries::poll) looks at tags.
    pub async fn poll_charts(
        &self,
        (repository, chart): (&str, &str),
        filters: &[TagFilter],
        last: Option<&TagCursor>,
    ) -> Result<Polled, RegistryError> {
        let known = last.and_then(|cursor| cursor.validators.as_ref());
        let pace = Pace::Usual;
        let mut poll = TagPoll::new(filters, last);
        let (versions, validators) = match (self.charts((repository, chart), known).await?, last) {
            (Charts::Listed { versions, validators }, _) => (versions, validators),
            (Charts::Unchanged, Some(cursor)) => {
                let (none, validators) = (Digests::new(), cursor.validators.clone());
                let found = poll.unchanged(cursor).finish(&none, &BTreeMap::new(), validators);
                return Ok(Polled { found, pace });
            }
            (Charts::Unchanged, None) => (Vec::new(), None),
        };
        let names = versions.iter().map(|it| it.version.clone()).collect();
        poll.page(names).map_err(|error| RegistryError::Refused {
            host: repository.to_owned(),
            reason: error.to_string(),
        })?;
        let told = versions.into_iter().map(|it| (it.version, Told::Digest(it.digest)));
        Ok(Polled { found: poll.finish(&told.collect(), &BTreeMap::new(), validators), pace })
    }
}
