//! Times of the week that come back: "Mon-Fri 09:00-17:00", "22:00-07:00".
//!
//! A window is a matter of the wall clock. Whether a moment lies in it is asked with the zone, so that
//! it opens at the same time of day in summer and in winter.
//!
//! ```
//! use kubemate::values::window::CalendarWindow;
//! let night: CalendarWindow = "22:00-07:00".parse().unwrap();
//! assert!(night.contains(jiff::civil::date(2026, 3, 1).at(6, 59, 0, 0)));
//! assert!(!night.contains(jiff::civil::date(2026, 3, 1).at(7, 0, 0, 0)));
//! ```

use std::fmt;

use jiff::civil::{self, Weekday};
use jiff::{Timestamp, ToSpan};

use super::time::TimeZone;
use crate::names::grammar::{Grammar, ValueError};

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// Days of the week: "Mon-Fri", "Tue,Thu".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weekdays {
    /// One bit a day, Monday lowest.
    days: u8,
}

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self { days: 0b111_1111 };

    /// Whether a day is among them.
    pub fn contains(self, day: Weekday) -> bool {
        DAYS.iter()
            .position(|(_, known)| *known == day)
            .is_some_and(|index| self.has(index))
    }

    const fn has(self, index: usize) -> bool {
        self.days >> (index % 7) & 1 == 1
    }

    fn exact(text: &str) -> Result<Self, String> {
        let day = |name: &str| {
            let index = DAYS.iter().position(|(known, _)| *known == name);
            let missing = || match name {
                "" => "a day is missing".to_owned(),
                name => {
                    let name: String = name.trim().chars().take(16).collect();
                    format!("`{name}` is not a day")
                }
            };
            index.ok_or_else(missing)
        };
        let mut days = 0;
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (day(first)?, day(last)?),
                None => (day(part)?, day(part)?),
            };
            let length = (last + 7 - first) % 7;
            for index in first..=first + length {
                days |= 1 << (index % 7);
            }
        }
        Ok(Self { days })
    }
}

impl Grammar for Weekdays {
    const FORMAT: &'static str = "weekdays";
    const WHAT: &'static str = "a set of weekdays";
    const ALLOWED: &'static str = "write Mon, Tue, Wed, Thu, Fri, Sat, Sun with `,` and `-`";
    const EXAMPLE: &'static str = "Mon-Fri";

    fn read(text: &str) -> Result<Self, ValueError> {
        Self::exact(text).map_err(ValueError::refuse::<Self>)
    }

    fn guess(text: &str) -> Vec<String> {
        vec![short_days(text)]
    }
}

/// Days in a person's own writing with their short names: "monday - friday" as "Mon-Fri".
fn short_days(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(128)
        .collect();
    let lower = text
        .to_ascii_lowercase()
        .replace(['–', '—'], "-")
        .replace(';', ",");
    let name = |word: &str| match word {
        "daily" | "everyday" => "Mon-Sun".to_owned(),
        "weekdays" | "workdays" => "Mon-Fri".to_owned(),
        "weekends" | "weekend" => "Sat,Sun".to_owned(),
        word => {
            let like = |day: &str| {
                let day = day.to_ascii_lowercase();
                word.starts_with(&day) || word.len() == 2 && day.starts_with(word)
            };
            let known = DAYS.iter().find(|(day, _)| like(day));
            known.map_or_else(|| word.to_owned(), |(day, _)| (*day).to_owned())
        }
    };
    let list = |part: &str| part.split('-').map(name).collect::<Vec<_>>().join("-");
    lower.split(',').map(list).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("Mon-Sun");
        }
        // A run starts after a day that is not in the set, so that Sat-Mon stays one run.
        let starts = (0..7).filter(|&day| self.has(day) && !self.has(day + 6));
        for (count, first) in starts.enumerate() {
            let length = (0..7).take_while(|offset| self.has(first + offset)).count();
            let last = DAYS[(first + length - 1) % 7].0;
            let (comma, first) = (if count == 0 { "" } else { "," }, DAYS[first].0);
            match length {
                1 => write!(f, "{comma}{first}")?,
                2 => write!(f, "{comma}{first},{last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// A time of day on some days of the week; past midnight it belongs to the day on which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarWindow {
    days: Weekdays,
    /// Minutes after midnight, below 1440.
    from: u16,
    /// Minutes after the midnight before `from`: above `from`, at most a day later.
    to: u16,
}

const DAY: u16 = 24 * 60;

impl CalendarWindow {
    /// The days on which it opens.
    pub const fn days(self) -> Weekdays {
        self.days
    }

    /// Whether the wall clock shows a time inside. The end is outside.
    pub fn contains(self, now: civil::DateTime) -> bool {
        let minute =
            u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs());
        let today = self.days.contains(now.weekday());
        let yesterday = self.days.contains(now.weekday().previous());
        (today && (self.from..self.to).contains(&minute)) || (yesterday && minute + DAY < self.to)
    }

    /// Whether a moment lies inside, by the clocks of a zone.
    pub fn contains_at(self, now: Timestamp, zone: &TimeZone) -> bool {
        self.contains(zone.rules().to_datetime(now))
    }

    /// When it opens next after a moment, by the clocks of a zone.
    pub fn next_open(self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.next(after, zone, self.from)
    }

    /// When it closes next after a moment, by the clocks of a zone.
    pub fn next_close(self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.next(after, zone, self.to)
    }

    fn next(self, after: Timestamp, zone: &TimeZone, minute: u16) -> Option<Timestamp> {
        let today = zone.rules().to_datetime(after).date();
        // From yesterday, whose window may still be open, to the same day a week on.
        (-1_i32..=8).find_map(|offset| {
            let day = today.checked_add(offset.days()).ok()?;
            if !self.days.contains(day.weekday()) {
                return None;
            }
            let at = day.to_datetime(civil::Time::midnight());
            let at = at.checked_add(i64::from(minute).minutes()).ok()?;
            let moment = zone.rules().to_ambiguous_timestamp(at).compatible().ok()?;
            (moment > after).then_some(moment)
        })
    }

    fn exact(text: &str) -> Result<Self, String> {
        if !text.contains(|c: char| c.is_ascii_digit()) {
            return Err("the times are missing".to_owned());
        }
        let (days, times) = match text.split_once(' ') {
            Some((days, times)) => (Weekdays::exact(days)?, times),
            None => (Weekdays::ALL, text),
        };
        let (from, to) = times.split_once('-').ok_or("the times are missing")?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        match (from, to) {
            (DAY, _) => Err("it starts at 24:00".to_owned()),
            (from, to) if from == to => Err("it ends when it starts".to_owned()),
            (from, to) if to < from => Ok(Self {
                days,
                from,
                to: to + DAY,
            }),
            (from, to) => Ok(Self { days, from, to }),
        }
    }
}

/// Minutes after midnight; 24:00 is the end of the day.
fn minutes(text: &str) -> Result<u16, String> {
    let number = |part: &str| {
        let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse::<u16>().ok()).flatten()
    };
    let parts = text
        .split_once(':')
        .map(|(hour, minute)| (number(hour), number(minute)));
    match parts {
        Some((Some(hour @ 0..24), Some(minute @ 0..60))) => Ok(hour * 60 + minute),
        Some((Some(24), Some(0))) => Ok(DAY),
        Some((Some(_), Some(_))) => Err("there is no such time of day".to_owned()),
        _ => Err("a time is not written as HOUR:MINUTE".to_owned()),
    }
}

impl Grammar for CalendarWindow {
    const FORMAT: &'static str = "calendar-window";
    const WHAT: &'static str = "a calendar window";
    const ALLOWED: &'static str =
        "write the days if not all, a space, and two times with `-` between";
    const EXAMPLE: &'static str = "Mon-Fri 09:00-17:00";

    fn read(text: &str) -> Result<Self, ValueError> {
        Self::exact(text).map_err(ValueError::refuse::<Self>)
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim().replace(['–', '—'], "-");
        let split = text
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(text.len());
        let (days, times) = text.split_at(split);
        let time = |part: &str| {
            let (hour, minute) = part.split_once([':', '.']).unwrap_or((part, "00"));
            format!("{:0>2}:{:0>2}", hour.trim(), minute.trim())
        };
        let times = times.splitn(2, '-').map(time).collect::<Vec<_>>().join("-");
        match days.trim().trim_end_matches(',') {
            "" => vec![times],
            days => vec![format!("{} {times}", short_days(days))],
        }
    }
}

impl fmt::Display for CalendarWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != Weekdays::ALL {
            write!(f, "{} ", self.days)?;
        }
        // A window that ends at midnight is written with 24:00, as it was read.
        let to = if self.to > DAY {
            self.to - DAY
        } else {
            self.to
        };
        let (from, to) = ((self.from / 60, self.from % 60), (to / 60, to % 60));
        write!(f, "{:02}:{:02}-{:02}:{:02}", from.0, from.1, to.0, to.1)
    }
}
