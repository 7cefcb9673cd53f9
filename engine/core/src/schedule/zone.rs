//! Civil time to instants, in a zone whose clocks are put forward and back.
//!
//! A time of day that is left out comes at the first instant after the gap; one that comes twice is
//! the first of the two. A schedule that names every hour fires whenever the clock shows what it
//! names: after the gap as if nothing had been, and in both hours of the same name.

use super::{Rhythm, Schedule};
use jiff::{
    Timestamp,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};

/// Changes of the clock that one search looks past: those of more than forty years.
const MAX_CHANGES: usize = 400;
/// Minutes that one search looks past because they were there already: those of two days.
const MAX_REPEATED: usize = 2 * 24 * 60;
/// Folders of the system's database that hold the same zones by other rules.
const FOLDERS: [&str; 2] = ["posix/", "right/"];

/// Why a text is not a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneFault {
    /// It is written otherwise.
    Spelled(String),
    Unknown,
}

/// Where the rules of zones are looked up.
#[derive(Clone, Debug)]
pub struct Zones(Vec<TimeZoneDatabase>);

impl Zones {
    /// Databases that the edge has opened, the one to ask first first.
    pub fn new(databases: impl IntoIterator<Item = TimeZoneDatabase>) -> Zones {
        Zones(databases.into_iter().collect())
    }

    /// Those that are built in.
    pub fn bundled() -> Zones {
        Zones::new([TimeZoneDatabase::bundled()])
    }

    /// The zone of an IANA name.
    pub fn find(&self, name: &str) -> Result<TimeZone, ZoneFault> {
        let found = self.0.iter().find_map(|database| database.get(name).ok());
        let zone = found.ok_or(ZoneFault::Unknown)?;
        match zone.iana_name() {
            Some(known) if FOLDERS.iter().any(|folder| known.starts_with(folder)) => {
                Err(ZoneFault::Unknown)
            }
            Some(known) if known == name => Ok(zone),
            Some(known) => Err(ZoneFault::Spelled(known.to_owned())),
            None => Err(ZoneFault::Unknown),
        }
    }
}

impl ZoneFault {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            ZoneFault::Spelled(known) => format!("write `{known}`"),
            ZoneFault::Unknown => "write an IANA name, such as `Europe/Berlin` or `UTC`".to_owned(),
        }
    }
}

/// The first firing after an instant; none before the year 2101 is none.
pub fn next(schedule: &Schedule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let after = after.as_second();
    let found = match schedule.rhythm {
        Rhythm::EveryHour => shown(schedule, zone, after),
        Rhythm::TimesOfDay => come(schedule, zone, after),
    };
    Timestamp::from_second(found?).ok()
}

/// When the clock next shows what the schedule names.
fn shown(schedule: &Schedule, zone: &TimeZone, after: i64) -> Option<i64> {
    let start = Timestamp::from_second(after).ok()?;
    let mut offset = seconds(zone.to_offset(start));
    let mut civil = after + offset;
    for change in zone.following(start).take(MAX_CHANGES) {
        let at = schedule.next(civil)? - offset;
        let changes = change.timestamp().as_second();
        if at < changes {
            return Some(at);
        }
        offset = seconds(change.offset());
        civil = changes + offset - 1;
    }
    schedule.next(civil).map(|civil| civil - offset)
}

/// When the next time of day comes.
fn come(schedule: &Schedule, zone: &TimeZone, after: i64) -> Option<i64> {
    let mut civil = after + seconds(zone.to_offset(Timestamp::from_second(after).ok()?));
    for _ in 0..MAX_REPEATED {
        civil = schedule.next(civil)?;
        let at = first_instant(zone, civil)?;
        if at > after {
            return Some(at);
        }
    }
    None
}

/// The first instant at which a clock shows a time, or has gone past it.
fn first_instant(zone: &TimeZone, civil: i64) -> Option<i64> {
    let shown = Offset::UTC.to_datetime(Timestamp::from_second(civil).ok()?);
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            Some(civil - seconds(offset))
        }
        AmbiguousOffset::Gap { after, .. } => {
            let before_change = Timestamp::from_second(civil - seconds(after)).ok()?;
            zone.following(before_change)
                .map(|change| (change.timestamp().as_second(), seconds(change.offset())))
                .take(MAX_CHANGES)
                .find(|(at, offset)| at + offset > civil)
                .map(|(at, _)| at)
        }
    }
}

fn seconds(offset: Offset) -> i64 {
    i64::from(offset.seconds())
}
