//! Schedules by chance, the same in every run.

const WEEKDAYS: [&str; 7] = ["SUN", "mon", "Tue", "WED", "thu", "FRI", "sat"];

/// A sequence of numbers that looks like chance (splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// A schedule that fires some day, often at the times at which clocks change.
    pub(super) fn schedule(&mut self) -> String {
        loop {
            let schedule = self.any_schedule();
            let fields: Vec<&str> = schedule.split(' ').collect();
            if fields[2] == "*"
                || fields[3] == "*"
                || !(fields[2].starts_with('*') || fields[4].starts_with('*'))
            {
                return schedule;
            }
        }
    }

    fn any_schedule(&mut self) -> String {
        let minute = match self.below(3) {
            0 => ["0", "30", "*", "*/30", "*/15", "0,45"][self.below(6) as usize].to_owned(),
            _ => self.field(0, 59),
        };
        let hour = match self.below(4) {
            0 => "*".to_owned(),
            1 => self.between(0, 4).to_string(),
            2 => format!("0-{}", self.between(1, 4)),
            _ => self.field(0, 23),
        };
        let day = if self.below(3) > 0 { "*".to_owned() } else { self.field(1, 31) };
        let month = if self.below(5) > 0 { "*".to_owned() } else { self.field(1, 12) };
        let weekday = match self.below(4) {
            0 => self.field(0, 7),
            1 => WEEKDAYS[self.below(7) as usize].to_owned(),
            _ => "*".to_owned(),
        };
        format!("{minute} {hour} {day} {month} {weekday}")
    }

    fn field(&mut self, least: u64, most: u64) -> String {
        let first = self.between(least, most);
        let last = self.between(first, most);
        let step = self.between(1, most - least);
        match self.below(5) {
            0 => first.to_string(),
            1 => format!("{first}-{last}"),
            2 => format!("{first}-{last}/{step}"),
            3 => format!("*/{step}"),
            _ => format!("{first},{last},{}", self.between(least, most)),
        }
    }
}
