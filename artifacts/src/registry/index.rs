//! The index of a classic repository of Helm charts, `index.yaml`.

use super::{charts::ChartVersion, digest};
use serde::Deserialize;
use std::collections::HashMap;

/// Versions of one chart that are taken in.
const MAX_VERSIONS: usize = 100_000;

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    entries: HashMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    version: String,
    digest: Option<String>,
    #[serde(default)]
    urls: Vec<String>,
}

/// The versions of a chart, or none if the index has no such chart.
pub(super) fn versions(text: &str, chart: &str) -> Result<Option<Vec<ChartVersion>>, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 5_000_000,
            max_events: 10_000_000,
            max_aliases: 0,
            max_anchors: 0,
        },
        strict_booleans: true,
    };
    let index: Index = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| format!("its index.yaml is not one: {}", first_line(&error)))?;
    let mut entries = index.entries;
    let found =
        entries.remove(chart).map(|found| found.into_iter().take(MAX_VERSIONS).map(told).collect());
    Ok(found)
}

/// An index that has no digest for a version still says where it is.
fn told(entry: Entry) -> ChartVersion {
    let digest = match entry.digest {
        Some(digest) if digest.contains(':') => digest,
        Some(digest) => format!("sha256:{digest}"),
        None => digest::of(entry.urls.join("\n").as_bytes()),
    };
    ChartVersion { version: entry.version, digest }
}

fn first_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "apiVersion: v1\nentries:\n  web:\n  - version: 1.2.0\n    digest: aa\n    \
        created: 2020-01-01T00:00:00Z\n    urls: [web-1.2.0.tgz]\n    maintainers: [{name: x}]\n  - version: \
        \"1.10\"\n    urls: [a]\n  other: []\ngenerated: x\n";

    #[test]
    fn an_index_tells_the_versions_of_a_chart_whatever_else_it_says() {
        let versions = versions(INDEX, "web").unwrap().unwrap();
        let told: Vec<_> =
            versions.iter().map(|it| (it.version.as_str(), &it.digest[..9])).collect();
        assert_eq!(told, [("1.2.0", "sha256:aa"), ("1.10", "sha256:ca")]);
        assert_eq!(super::versions(INDEX, "none"), Ok(None));
        for wrong in ["entries: 7", "entries: {web: [{digest: a}]}", "[", "entries: {web: &a [*a]}"]
        {
            assert!(super::versions(wrong, "web").is_err(), "{wrong}");
        }
    }
}
