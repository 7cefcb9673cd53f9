//! Keeps what a Job's containers print, each line once: the places up to which it is kept are kept
//! with the lines.

use super::LOG_PATIENCE;
use crate::site::{Site, Trouble};
use engine_core::{
    clock::{Civil, Elapsed},
    stage::{Printed as Lines, ServiceError, StageError},
    store::{Line, LogAppended},
};
use kubernetes::{
    logs::{Cursor, End, Printing, Source},
    readiness::job::{ContainerState, ContainerView},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// After this long a step hands back, so that a stop is noticed.
const BUDGET: Duration = Duration::from_secs(2);
/// Whose lines the engine's own are.
const OURSELVES: &str = "gennaker";

/// What was kept, and what wakes whoever wants more.
pub(super) struct Printed {
    pub(super) keys: Vec<(String, u64)>,
    pub(super) rest: Rest,
    /// How many lines were kept just now.
    pub(super) lines: usize,
}

/// What of the logs is not kept yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    None,
    MoreComes,
    Unreadable(String),
}

impl Printed {
    /// Until when the rest is waited for; without an end while lines come.
    pub(super) fn patience(&self, now: Elapsed, before: Option<Elapsed>) -> Option<Elapsed> {
        match (self.lines, before) {
            (1.., _) => None,
            (0, Some(until)) => Some(until),
            (0, None) => Some(now.plus(LOG_PATIENCE)),
        }
    }
}

/// How far each container's log is kept, and what we have said ourselves. A stored format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Places {
    containers: BTreeMap<String, Cursor>,
    said: BTreeSet<String>,
}

/// Where the attempt's log is.
struct Log {
    next: u64,
    places: Places,
}

/// Keeps what is there now.
pub(super) async fn keep(
    site: &Site<'_>,
    containers: &[ContainerView],
) -> Result<Printed, Trouble> {
    let mut log = Log::read(site).await?;
    let (began, mut kept) = (Instant::now(), 0);
    loop {
        let (lines, printed) = log.gather(site, containers);
        if lines.is_empty() {
            return Ok(Printed { lines: kept, ..printed });
        }
        kept += lines.len();
        if !log.append(site, lines).await? || began.elapsed() > BUDGET {
            // Whatever is there still is a change after the positions that were read.
            return Ok(Printed { rest: Rest::MoreComes, lines: kept, ..printed });
        }
    }
}

/// Says something in the log, once.
pub(super) async fn say(site: &Site<'_>, words: &str) -> Result<(), Trouble> {
    let mut log = Log::read(site).await?;
    if !log.places.said.insert(words.to_owned()) {
        return Ok(());
    }
    let at = Civil(site.now_ms());
    let line = Line { at, source: OURSELVES.to_owned(), text: words.to_owned() };
    log.append(site, vec![line]).await?;
    Ok(())
}

impl Log {
    async fn read(site: &Site<'_>) -> Result<Log, Trouble> {
        let extent = site.context.services.log_extent().await.map_err(away)?;
        let places = match extent.cursor.as_str() {
            "" => Places::default(),
            cursor => serde_json::from_str(cursor).map_err(|error| {
                StageError::Defect(format!("the places in the log cannot be read: {error}"))
            })?,
        };
        Ok(Log { next: extent.next, places })
    }

    /// What came behind the places, which are moved there.
    fn gather(&mut self, site: &Site<'_>, containers: &[ContainerView]) -> (Vec<Line>, Printed) {
        let (mut lines, mut keys, mut rest) = (Vec::new(), Vec::new(), Rest::None);
        for container in containers {
            let printing = match container.state {
                ContainerState::Waits => continue,
                ContainerState::Runs => Printing::Runs,
                ContainerState::Ended { .. } => Printing::Ended,
            };
            let name = format!("{}/{}", container.pod, container.container);
            let source = Source {
                namespace: site.place.namespace.clone(),
                pod: container.pod.clone(),
                container: container.container.clone(),
            };
            let place = self.places.containers.entry(name.clone()).or_default();
            let excerpt = site.cluster.watches().log(&source, place, printing);
            *place = excerpt.cursor;
            lines.extend(excerpt.lines.into_iter().map(|line| Line {
                at: Civil(line.at_ms),
                source: name.clone(),
                text: line.text,
            }));
            keys.push((excerpt.key, excerpt.position));
            match excerpt.end {
                End::Over => {}
                End::Open if rest == Rest::None => rest = Rest::MoreComes,
                End::Open => {}
                End::Unreadable(why) => rest = Rest::Unreadable(why),
            }
        }
        lines.sort_by_key(|line| line.at);
        (lines, Printed { keys, rest, lines: 0 })
    }

    /// Whether the lines were kept; if not, somebody else has kept some meanwhile.
    async fn append(&mut self, site: &Site<'_>, lines: Vec<Line>) -> Result<bool, Trouble> {
        let cursor = serde_json::to_string(&self.places)
            .map_err(|error| StageError::Defect(format!("places cannot be stored: {error}")))?;
        let lines = Lines { chunk: self.next, lines, cursor };
        match site.context.services.log(lines).await.map_err(away)? {
            LogAppended::Written => {
                self.next += 1;
                Ok(true)
            }
            LogAppended::Elsewhere { .. } => Ok(false),
        }
    }
}

/// Whether something was kept is read by the next step.
fn away(error: ServiceError) -> Trouble {
    Trouble::Away(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_log_is_waited_for_as_long_as_lines_come() {
        let printed = |lines| Printed { keys: Vec::new(), rest: Rest::MoreComes, lines };
        let (now, earlier) = (Elapsed(1_000), Elapsed(900));
        assert_eq!(printed(3).patience(now, Some(earlier)), None);
        assert_eq!(printed(0).patience(now, None), Some(now.plus(LOG_PATIENCE)));
        assert_eq!(printed(0).patience(now, Some(earlier)), Some(earlier));
    }
}
