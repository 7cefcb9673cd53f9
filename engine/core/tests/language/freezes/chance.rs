//! Windows by chance, the same in every run.

use serde_json::{Value, json};

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/// A sequence of numbers that looks like chance (splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    /// Often at the times at which clocks change.
    fn hour(&mut self) -> u64 {
        match self.below(2) {
            0 => self.below(4),
            _ => self.below(24),
        }
    }

    fn time(&mut self) -> String {
        format!("{:02}:{}", self.hour(), self.one_of(&["00", "15", "30", "59"]))
    }

    pub(super) fn window(&mut self, zone: &str) -> Value {
        let mut window = match self.below(5) {
            0 => self.once(),
            1 | 2 => json!({"schedule": self.schedule()}),
            _ => self.rule(),
        };
        window["timezone"] = zone.into();
        if window.get("end").is_none() {
            match self.below(3) {
                0 => window["until"] = self.time().into(),
                1 => {
                    window["until"] = format!("{} {}", self.one_of(&WEEKDAYS), self.time()).into();
                }
                _ => {
                    let durations = ["1m", "30m", "1h", "90m", "8h", "24h", "62h", "9d"];
                    window["duration"] = self.one_of(&durations).into();
                }
            }
        }
        window
    }

    fn once(&mut self) -> Value {
        let month = self.below(12) + 1;
        let day = self.below(28) + 1;
        let start = format!("2026-{month:02}-{day:02}T{}", self.time());
        json!({"start": start, "end": format!("2027-{month:02}-{day:02}T{}", self.time())})
    }

    fn schedule(&mut self) -> String {
        let minute = self.one_of(&["0", "15", "30", "59", "0,30"]);
        let hour = match self.below(6) {
            0 => "*".to_owned(),
            1 => "1-3".to_owned(),
            _ => self.hour().to_string(),
        };
        let (day, weekday) = match self.below(6) {
            0 => ((self.below(28) + 1).to_string(), "*"),
            1 => ("13".to_owned(), self.one_of(&WEEKDAYS)),
            2 => ("*".to_owned(), self.one_of(&["1-5", "6,0", "SUN", "SAT"])),
            _ => ("*".to_owned(), "*"),
        };
        format!("{minute} {hour} {day} * {weekday}")
    }

    fn rule(&mut self) -> Value {
        let frequency = self.one_of(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
        let mut rule = format!("FREQ={frequency}");
        let nth = frequency == "MONTHLY" || frequency == "YEARLY";
        if self.below(4) == 0 {
            rule += &format!(";INTERVAL={}", self.below(4) + 1);
        }
        if self.below(4) == 0 {
            rule += &format!(";WKST={}", self.one_of(&DAYS));
        }
        if self.below(3) == 0 {
            rule += ";BYMONTH=1,3,4,9,10,11";
        }
        let days = match self.below(4) {
            0 if nth => {
                format!(";BYDAY={}{}", self.one_of(&["1", "2", "-1", "-2"]), self.one_of(&DAYS))
            }
            1 if frequency != "WEEKLY" => {
                format!(";BYMONTHDAY={}", self.one_of(&["1", "-1", "29,30,31", "8,9,-5"]))
            }
            2 => format!(";BYDAY={},{}", self.one_of(&DAYS), self.one_of(&DAYS)),
            3 if frequency == "YEARLY" => {
                format!(";BYYEARDAY={}", self.one_of(&["1,-1", "60,300,-60"]))
            }
            _ => String::new(),
        };
        if !days.is_empty() && nth && self.below(3) == 0 {
            rule += &format!(";BYSETPOS={}", self.one_of(&["1", "-1", "1,-1"]));
        }
        rule += &days;
        match self.below(6) {
            0 => rule += &format!(";COUNT={}", 1 + self.below(400)),
            1 => rule += ";UNTIL=20270601",
            _ => {}
        }
        json!({"rrule": rule, "start": self.first_day(), "at": self.time()})
    }

    fn first_day(&mut self) -> String {
        let (year, month, day) = (20 + self.below(7), self.below(12) + 1, self.below(28) + 1);
        format!("20{year}-{month:02}-{day:02}")
    }
}
