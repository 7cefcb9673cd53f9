//! `chart`: a version of a Helm chart was published.

mod poll;

use crate::image::{fault, place};
use artifacts::registry::TagFilter;
use engine_core::{
    expression::Kind,
    happening::{self, Confirmation, Happening},
    stage::{Fault, FaultCode},
    trigger::{Because, Commit, Home, IndexKey, Meaning, Trigger, TriggerEvent, Verdict},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use poll::{ChartPoller, confirm};

const OCI: &str = "oci://";
const MAX_BYTES: usize = 2_048;
const PLACES: &str = "write `https://…` or `oci://…`, without a user and a query";

pub struct Chart;

/// A version of a Helm chart was published.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChartTrigger {
    /// Where charts lie: `https://…` of a repository with an index, or `oci://…` of a registry.
    #[schemars(example = &"oci://registry.example.com/charts")]
    repository: String,
    /// What the chart is called.
    #[schemars(example = &"checkout")]
    name: String,
    /// Versions within a range: comparisons that must all hold; pre-releases are within a range that
    /// names one of the same version.
    #[serde(default = "every_release")]
    #[schemars(extend("default" = "*"), example = &">=1.4, <2")]
    semver: String,
}

fn every_release() -> String {
    "*".to_owned()
}

/// What it looks at, and which versions.
pub struct Matcher {
    repository: String,
    name: String,
    versions: TagFilter,
}

impl Trigger for Chart {
    const TYPE: &'static str = "chart";
    const FIELDS: &'static [(&'static str, Kind)] =
        &[("chart", Kind::Text), ("version", Kind::Text)];
    type Config = ChartTrigger;
    type Matcher = Matcher;

    fn compile(config: ChartTrigger, _home: &Home) -> Result<Matcher, Vec<Fault>> {
        let ChartTrigger { repository, name, semver } = config;
        let repository = self::repository(&repository).map_err(|reason| Fault {
            help: Some(PLACES.to_owned()),
            ..fault("repository", (FaultCode::Value, reason))
        });
        let name = chart_name(name).map_err(|reason| fault("name", (FaultCode::Value, reason)));
        let versions = TagFilter::semver(&semver)
            .map_err(|error| fault("semver", (FaultCode::Format, error.to_string())));
        match (repository, name, versions) {
            (Ok(repository), Ok(name), Ok(versions)) => Ok(Matcher { repository, name, versions }),
            (repository, name, versions) => {
                let faults = [repository.err(), name.err(), versions.err()];
                Err(faults.into_iter().flatten().collect())
            }
        }
    }

    fn keys(matcher: &Matcher) -> Vec<IndexKey> {
        let (repository, name) = (matcher.repository.clone(), matcher.name.clone());
        vec![IndexKey::Chart { repository, name }]
    }

    fn accept(matcher: &Matcher, happening: &Happening) -> Verdict {
        let no =
            |filter: &str, value: String| Verdict::No(Because { filter: filter.to_owned(), value });
        let Happening::Chart(chart) = happening else {
            return no("type", Chart::TYPE.to_owned());
        };
        match (matcher.versions.matches(&chart.version), chart.confirmation) {
            (false, _) => no("semver", chart.version.clone()),
            (true, Confirmation::No) => {
                no("registry", format!("{} {} was not confirmed", chart.name, chart.version))
            }
            (true, Confirmation::Yes) => Verdict::Start(event(chart)),
        }
    }
}

fn event(chart: &happening::Chart) -> TriggerEvent {
    let fields = [("chart", &chart.name), ("version", &chart.version)];
    let fields = fields.map(|(key, value)| (key.to_owned(), Value::from(value.as_str())));
    let subject = format!("{}/{}:{}", chart.repository, chart.name, chart.version);
    let value = chart.digest.clone().unwrap_or_else(|| chart.version.clone());
    TriggerEvent {
        fields: Map::from_iter(fields),
        meaning: Meaning::Of { subject, value },
        commit: Commit::Default,
        actor: None,
    }
}

/// The repository in the one form in which happenings name it.
fn repository(written: &str) -> Result<String, String> {
    let written = written.trim_end_matches('/');
    if let Some(rest) = written.strip_prefix(OCI) {
        return place(rest).map(|place| format!("{OCI}{place}"));
    }
    let wrong = || format!("`{written}` is not where charts lie");
    let (scheme, rest) = ["https://", "http://"]
        .iter()
        .find_map(|scheme| Some((*scheme, written.strip_prefix(scheme)?)))
        .ok_or_else(wrong)?;
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\"'<>\\^`{|}".contains(&byte);
    if host.is_empty() || written.len() > MAX_BYTES || !rest.bytes().all(plain) {
        return Err(wrong());
    }
    let host = host.to_ascii_lowercase();
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    Ok(format!("{scheme}{host}{path}"))
}

fn chart_name(name: String) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let right = (1..=128).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('.');
    if right { Ok(name) } else { Err(format!("`{name}` is not the name of a chart")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compiled(config: Value) -> Result<Matcher, Vec<Fault>> {
        let home = Home {
            application: "shop".to_owned(),
            pipeline: "checkout".to_owned(),
            trigger: 0,
            repository: None,
        };
        Chart::compile(serde_json::from_value(config).unwrap(), &home)
    }

    fn published(version: &str, confirmation: Confirmation) -> Happening {
        Happening::Chart(happening::Chart {
            repository: "oci://registry.example.com/charts".to_owned(),
            name: "checkout".to_owned(),
            version: version.to_owned(),
            digest: None,
            confirmation,
        })
    }

    #[test]
    fn confirmed_versions_within_the_range_start_it() {
        let config = json!({"repository": "oci://Registry.example.com/charts/", "name": "checkout", "semver": ">=1"});
        let matcher = compiled(config).unwrap();
        assert_eq!(Chart::keys(&matcher), [IndexKey::of(&published("1.0.0", Confirmation::Yes))]);
        let said = |happening| match Chart::accept(&matcher, &happening) {
            Verdict::Start(event) => event.fields["version"].as_str().unwrap().to_owned(),
            Verdict::No(because) => format!("{}: {}", because.filter, because.value),
        };
        assert_eq!(said(published("1.4.0", Confirmation::Yes)), "1.4.0");
        assert_eq!(said(published("1.4.0+build.7", Confirmation::Yes)), "1.4.0+build.7");
        assert_eq!(said(published("0.9.0", Confirmation::Yes)), "semver: 0.9.0");
        assert_eq!(said(published("1.4.0-rc1", Confirmation::Yes)), "semver: 1.4.0-rc1");
        assert_eq!(
            said(published("1.4.0", Confirmation::No)),
            "registry: checkout 1.4.0 was not confirmed"
        );
    }

    #[test]
    fn places_of_charts_have_one_name_and_others_are_refused() {
        for (written, named) in [
            ("https://Charts.example.com/stable/", "https://charts.example.com/stable"),
            ("https://charts.example.com", "https://charts.example.com"),
            ("http://localhost:8080/charts", "http://localhost:8080/charts"),
        ] {
            assert_eq!(repository(written).as_deref(), Ok(named));
        }
        for wrong in [
            "",
            "charts",
            "ftp://x/y",
            "https://",
            "https://user:pw@x/y",
            "https://x/y?z",
            "oci://",
            "oci://x y/z",
        ] {
            assert!(repository(wrong).is_err(), "{wrong}");
        }
        let all = json!({"repository": "x", "name": "../x", "semver": "one"});
        assert_eq!(compiled(all).map(drop).unwrap_err().len(), 3);
    }
}
