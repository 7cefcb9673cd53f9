//! `cron`: a schedule, in the civil time of a zone.

use engine_core::{
    clock::Civil,
    expression::Kind,
    files::Step,
    happening::{Happening, Lateness, Time},
    schedule::{Schedule, ZoneFault, Zones, zone},
    stage::{Fault, FaultCode},
    trigger::{
        Because, Commit, Home, IndexKey, Meaning, Missed, Next, Trigger, TriggerEvent, Verdict,
    },
};
use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

pub struct Cron;

/// A schedule.
///
/// Each time of day that it names comes once a day: at the first instant after it, where the clock
/// is put forward past it, and the first of both times, where the clock is put back. A schedule that
/// names every hour follows real time instead: it fires whenever the clock shows what it names.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CronTrigger {
    /// Minute, hour, day of the month, month, day of the week, as cron has them: numbers, `*`, `a-b`,
    /// `*/n`, `a-b/n`, joined by `,`; months and days of the week also by the first three letters
    /// of their English names; Sunday is 0 or 7. If both days are named, either will do.
    #[schemars(example = &"30 2 * * 1-5")]
    schedule: String,
    /// Whose clock it is, by its IANA name.
    #[schemars(example = &"Europe/Berlin")]
    timezone: String,
    /// What becomes of moments at which Gennaker did not run: nothing, or one run for all of them.
    #[serde(default)]
    #[schemars(extend("default" = "skip"), example = &"run")]
    missed: MissedWord,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum MissedWord {
    #[default]
    Skip,
    Run,
}

/// When it fires, and whose moments are its own.
pub struct Matcher {
    key: IndexKey,
    schedule: Schedule,
    zone: TimeZone,
    /// `30 2 * * 1-5 Europe/Berlin`.
    written: String,
    missed: Missed,
}

impl Trigger for Cron {
    const TYPE: &'static str = "cron";
    const FIELDS: &'static [(&'static str, Kind)] = &[("scheduledAt", Kind::Text)];
    type Config = CronTrigger;
    type Matcher = Matcher;

    fn compile(config: CronTrigger, home: &Home) -> Result<Matcher, Vec<Fault>> {
        let CronTrigger { schedule, timezone, missed } = config;
        let written = format!("{schedule} {timezone}");
        let schedule = Schedule::parse(&schedule).map_err(|fault| {
            let message = format!("`schedule` is not one: {}", fault.message);
            format_fault("schedule", message, fault.help)
        });
        let zone = zones().find(&timezone).map_err(|fault| zone_fault(&timezone, fault));
        let missed = match missed {
            MissedWord::Skip => Missed::Skip,
            MissedWord::Run => Missed::Run,
        };
        let key = IndexKey::Time {
            application: home.application.clone(),
            pipeline: home.pipeline.clone(),
            trigger: home.trigger,
        };
        match (schedule, zone) {
            (Ok(schedule), Ok(zone)) => Ok(Matcher { key, schedule, zone, written, missed }),
            (schedule, zone) => Err(schedule.err().into_iter().chain(zone.err()).collect()),
        }
    }

    fn keys(matcher: &Matcher) -> Vec<IndexKey> {
        vec![matcher.key.clone()]
    }

    fn accept(matcher: &Matcher, happening: &Happening) -> Verdict {
        let no =
            |filter: &str, value: String| Verdict::No(Because { filter: filter.to_owned(), value });
        let Happening::Time(time) = happening else {
            return no("type", Cron::TYPE.to_owned());
        };
        match (time.lateness, matcher.missed) {
            _ if time.schedule != matcher.written => no("schedule", time.schedule.clone()),
            (Lateness::Missed { moments }, Missed::Skip) => no("missed", in_words(moments)),
            (Lateness::InTime, _) | (Lateness::Missed { .. }, Missed::Run) => {
                Verdict::Start(event(matcher, time))
            }
        }
    }

    fn next(matcher: &Matcher, after: Civil) -> Next {
        let found =
            timestamp(after).and_then(|it| zone::next(&matcher.schedule, &matcher.zone, it));
        match found.and_then(|at| u64::try_from(at.as_millisecond()).ok()) {
            Some(at) => {
                let (missed, schedule) = (matcher.missed, matcher.written.clone());
                Next::At { at: Civil(at), missed, schedule }
            }
            None => Next::Never,
        }
    }
}

fn event(matcher: &Matcher, time: &Time) -> TriggerEvent {
    let scheduled_at = match timestamp(time.scheduled_at) {
        Some(at) => at.to_zoned(matcher.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        None => time.scheduled_at.0.to_string(),
    };
    let value = Value::from(scheduled_at);
    TriggerEvent {
        fields: Map::from_iter([("scheduledAt".to_owned(), value)]),
        meaning: Meaning::Of {
            subject: matcher.written.clone(),
            value: time.scheduled_at.0.to_string(),
        },
        commit: Commit::Default,
        actor: None,
    }
}

fn timestamp(civil: Civil) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(civil.0).ok()?).ok()
}

fn in_words(moments: u32) -> String {
    match moments {
        1 => "1 moment went by while Gennaker did not run".to_owned(),
        many => format!("{many} moments went by while Gennaker did not run"),
    }
}

/// The system's own rules, or else those that are built in.
pub fn zones() -> Zones {
    Zones::new([jiff::tz::db().clone(), TimeZoneDatabase::bundled()])
}

fn zone_fault(name: &str, fault: ZoneFault) -> Fault {
    let help = fault.help();
    format_fault("timezone", format!("`timezone`: `{name}` is not a time zone"), help)
}

fn format_fault(key: &str, message: String, help: String) -> Fault {
    let place = vec![Step::Key(key.to_owned())];
    Fault { code: FaultCode::Format, place, message, help: Some(help) }
}

#[cfg(test)]
mod tests;
