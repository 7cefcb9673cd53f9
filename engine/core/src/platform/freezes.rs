//! Freezes as the platform's files have them: which of them concern a stage that is about to act, and
//! whether they hold it.

use super::{
    Case, Platform, Verdict,
    text::{FreezeText, SelectorText},
};
use crate::{
    clock::Civil,
    freeze::{Answer, Instant, Kind, Ruling, Times, Window, decide},
    glob::matches,
    schedule::Zones,
    stage::Fault,
};
use jiff::{Timestamp, tz::TimeZone};
use std::{collections::BTreeMap, sync::Arc};

/// So long after a freeze was looked at it is looked at again, for it may have been changed.
pub(crate) const LOOK_AGAIN_MS: u64 = 5 * 60 * 1_000;

/// All freezes of a platform, in the order of their files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Freezes(Vec<Arc<Freeze>>);

/// A freeze, ready to be asked.
#[derive(Debug)]
pub(crate) struct Freeze {
    text: FreezeText,
    of: SelectorText,
    times: Times,
    /// In which its times are told.
    zone: TimeZone,
}

/// Where a stage is about to act.
struct Place<'a> {
    environment: (&'a str, BTreeMap<String, String>),
    application: (&'a str, BTreeMap<String, String>),
}

impl Freezes {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|freeze| freeze.text.name == name)
    }

    pub(crate) fn push(&mut self, freeze: Freeze) {
        self.0.push(Arc::new(freeze));
    }
}

impl Freeze {
    /// Reads its windows; or every fault of them, each with its number.
    pub(crate) fn read(text: FreezeText, zones: &Zones) -> Result<Freeze, Vec<(usize, Fault)>> {
        let (mut windows, mut faults) = (Vec::new(), Vec::new());
        for (at, window) in text.windows.iter().enumerate() {
            match Window::read(window, zones) {
                Ok(window) => windows.push(window),
                Err(told) => faults.extend(told.into_iter().map(|fault| (at, fault))),
            }
        }
        let zone = windows.first().map_or(TimeZone::UTC, |window| window.zone().clone());
        match faults.is_empty() {
            true => {
                let (of, times) = (text.scope.of(), Times::new(windows));
                Ok(Freeze { text, of, times, zone })
            }
            false => Err(faults),
        }
    }

    fn concerns(&self, place: &Place<'_>, stage_type: &str) -> bool {
        let exclude = &self.text.scope.exclude;
        self.text.applies_to.iter().any(|held| held.word() == stage_type)
            && self.of.fits(place)
            && (exclude.is_empty() || !exclude.fits(place))
    }

    /// `2027-01-04 06:00 in Europe/Berlin`.
    fn shown(&self, at: Civil) -> String {
        let at = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let Some(at) = at else { return "the end of time".to_owned() };
        let shown = at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        format!("{shown} in {}", self.zone.iana_name().unwrap_or("UTC"))
    }

    fn detail(&self, opens: Instant) -> String {
        let name = &self.text.name;
        let held = match (self.text.effect, opens) {
            (Kind::Deny, Instant::At(at)) => {
                format!("held by freeze `{name}` until {}", self.shown(at))
            }
            (Kind::Deny, Instant::Unknown) => {
                format!("held by freeze `{name}`, which has no end that can be told")
            }
            (Kind::Allow, Instant::At(at)) => format!(
                "held until {}: freeze `{name}` allows changes only in its windows",
                self.shown(at)
            ),
            (Kind::Allow, Instant::Unknown) => format!(
                "held: freeze `{name}` allows changes only in its windows, and none is to come that \
                 can be told"
            ),
        };
        match &self.text.message {
            Some(message) => format!("{held}: {message}"),
            None => held,
        }
    }
}

impl SelectorText {
    fn is_empty(&self) -> bool {
        let SelectorText { environments, applications, environment_labels, application_labels } =
            self;
        environments.is_none()
            && applications.is_none()
            && environment_labels.is_empty()
            && application_labels.is_empty()
    }

    fn fits(&self, place: &Place<'_>) -> bool {
        let named = |patterns: &Option<Vec<String>>, name: &str| match patterns {
            Some(patterns) => patterns.iter().any(|pattern| matches(pattern, name)),
            None => true,
        };
        let labelled = |wanted: &BTreeMap<String, String>, has: &BTreeMap<String, String>| {
            wanted.iter().all(|(key, value)| has.get(key) == Some(value))
        };
        named(&self.environments, place.environment.0)
            && named(&self.applications, place.application.0)
            && labelled(&self.environment_labels, &place.environment.1)
            && labelled(&self.application_labels, &place.application.1)
    }
}

impl Platform {
    /// Whether freezes hold a stage of this type: why, and when it is to be asked again.
    fn holds(&self, case: &Case, now: Civil) -> Option<(String, Option<Civil>)> {
        let file = self.file()?;
        if file.frozen.is_empty() {
            return None;
        }
        let environment = file.environments.get(&case.environment);
        let labels = environment.map(|it| it.labels.clone()).unwrap_or_default();
        let place = Place {
            environment: (&case.environment, labels),
            application: (&case.application, self.application_labels(&case.application)),
        };
        let concerned = file.frozen.0.iter().filter(|it| it.concerns(&place, &case.stage_type));
        let concerned: Vec<&Arc<Freeze>> = concerned.collect();
        let rulings = concerned.iter().map(|it| Ruling { kind: it.text.effect, times: &it.times });
        let rulings: Vec<Ruling<'_>> = rulings.collect();
        match decide(&rulings, now) {
            Answer::Open { .. } => None,
            Answer::Closed { by, opens } => {
                let opening = match opens {
                    Instant::At(at) => Some(at),
                    Instant::Unknown => None,
                };
                Some((concerned[by].detail(opens), opening))
            }
        }
    }

    /// Those of the one source that has the application; nobody else can give it any.
    fn application_labels(&self, application: &str) -> BTreeMap<String, String> {
        let sources = self.sources();
        let mut owners = sources.iter().filter(|source| source.owns(application));
        match (owners.next(), owners.next()) {
            (Some(one), None) => one.labels.clone(),
            (_, _) => BTreeMap::new(),
        }
    }
}

impl Case {
    /// The one decision over freezes and rules, by the platform's file of now.
    pub fn admit(&self, platform: &Platform, now: Civil) -> Verdict {
        match platform.holds(self, now) {
            Some((detail, opens)) => Verdict::Frozen { detail, opens },
            None => self.judge(platform),
        }
    }
}

#[cfg(test)]
mod tests;
