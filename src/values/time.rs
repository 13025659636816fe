//! Moments of the calendar and the zones that give them a place in time.
//!
//! Nothing here knows the present. Zones are those of the bundled database, so that every machine
//! reads the same text the same way.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{Offset, TimeZoneDatabase};

use crate::names::grammar::{Grammar, ValueError};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone by its name: "Asia/Shanghai".
#[derive(Clone)]
pub struct TimeZone {
    name: String,
    zone: jiff::tz::TimeZone,
}

impl TimeZone {
    /// The zone without seasons in which the world counts.
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: jiff::tz::TimeZone::UTC,
        }
    }

    /// The rules of the zone.
    pub const fn rules(&self) -> &jiff::tz::TimeZone {
        &self.zone
    }
}

impl Grammar for TimeZone {
    const FORMAT: &'static str = "time-zone";
    const WHAT: &'static str = "a time zone";
    const ALLOWED: &'static str = "write the name of a region and a city";
    const EXAMPLE: &'static str = "Asia/Shanghai";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| ValueError::refuse::<Self>(reason);
        let zone = ZONES
            .get(text)
            .map_err(|_| refuse("there is no such zone"))?;
        match zone.iana_name() {
            Some(name) if name == text => Ok(Self {
                name: text.to_owned(),
                zone,
            }),
            _ => Err(refuse("capitals are used otherwise in its name")),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        if text.len() > 64 {
            return Vec::new();
        }
        let text = text.trim().replace(' ', "_");
        let exact = ZONES
            .get(&text)
            .ok()
            .and_then(|zone| zone.iana_name().map(str::to_owned));
        let lower = text.to_ascii_lowercase();
        let score = |name: &str| {
            let name = name.to_ascii_lowercase();
            let city = name.rsplit('/').next().unwrap_or(&name);
            strsim::jaro_winkler(&lower, &name).max(strsim::jaro_winkler(&lower, city))
        };
        let names = ZONES.available().map(|name| name.as_str().to_owned());
        let scored = names
            .map(|name| (score(&name), name))
            .filter(|(score, _)| *score > 0.88);
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        exact
            .into_iter()
            .chain(best.map(|(_, name)| name))
            .collect()
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeZone({})", self.name)
    }
}

impl PartialEq for TimeZone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TimeZone {}

impl Ord for TimeZone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl PartialOrd for TimeZone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for TimeZone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// A day: "2026-12-28".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

impl Date {
    /// The day of the calendar.
    pub const fn civil(self) -> civil::Date {
        self.0
    }
}

/// A number of exactly `width` digits.
fn digits(text: &str, width: usize) -> Option<i16> {
    let plain = text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn date(text: &str) -> Result<civil::Date, String> {
    let parts: Vec<_> = text.split('-').collect();
    let numbers = match parts[..] {
        [year, month, day] => (digits(year, 4), digits(month, 2), digits(day, 2)),
        _ => (None, None, None),
    };
    let (Some(year), Some(month), Some(day)) = numbers else {
        return Err("the day is not written as YEAR-MONTH-DAY".to_owned());
    };
    let (month, day) = (
        i8::try_from(month).unwrap_or(0),
        i8::try_from(day).unwrap_or(0),
    );
    civil::Date::new(year, month, day).map_err(|_| "there is no such day".to_owned())
}

/// A time of day with hours and minutes, seconds if there are any; 24:00 is not one.
fn clock(text: &str) -> Result<civil::Time, String> {
    let parts: Vec<_> = text.split(':').map(|part| digits(part, 2)).collect();
    let (hour, minute, second) = match parts[..] {
        [Some(hour), Some(minute)] => (hour, minute, 0),
        [Some(hour), Some(minute), Some(second)] => (hour, minute, second),
        _ => return Err("the time is not written as HOUR:MINUTE".to_owned()),
    };
    let small = |number: i16| i8::try_from(number).unwrap_or(i8::MAX);
    civil::Time::new(small(hour), small(minute), small(second), 0)
        .map_err(|_| "there is no such time of day".to_owned())
}

impl Grammar for Date {
    const FORMAT: &'static str = "date";
    const WHAT: &'static str = "a day";
    const ALLOWED: &'static str = "write year, month and day with `-` between them";
    const EXAMPLE: &'static str = "2026-12-28";

    fn read(text: &str) -> Result<Self, ValueError> {
        date(text).map(Self).map_err(ValueError::refuse::<Self>)
    }

    fn guess(text: &str) -> Vec<String> {
        let day = text.trim().split(['T', ' ']).next().unwrap_or(text);
        vec![padded(day)]
    }
}

/// A day with `-` between its numbers and zeros in front of them, if the year comes first.
fn padded(day: &str) -> String {
    let parts = day.split(['-', '/', '.']).map(|part| format!("{part:0>2}"));
    parts.collect::<Vec<_>>().join("-")
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment: "2026-12-28T00:00" in a zone named elsewhere, or with its own offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    civil: civil::DateTime,
    offset: Option<Offset>,
}

impl DateTime {
    /// What calendar and clock show.
    pub const fn civil(self) -> civil::DateTime {
        self.civil
    }

    /// The offset from UTC, if it is written.
    pub const fn offset(self) -> Option<Offset> {
        self.offset
    }

    /// The moment; a time that the clocks skip is taken as late as it would have been, of one that
    /// comes twice the first. `None` only beyond the year 9999.
    pub fn timestamp(self, zone: &TimeZone) -> Option<Timestamp> {
        let civil = self.civil;
        match self.offset {
            Some(offset) => offset.to_timestamp(civil).ok(),
            None => zone.zone.to_ambiguous_timestamp(civil).compatible().ok(),
        }
    }
}

fn offset(text: &str) -> Result<Option<Offset>, String> {
    let refuse = || "the offset is not written as +HOUR:MINUTE".to_owned();
    let sign = match text.chars().next() {
        None => return Ok(None),
        Some('Z') if text == "Z" => return Ok(Some(Offset::UTC)),
        Some('+') => 1,
        Some('-') => -1,
        Some(_) => return Err(refuse()),
    };
    let (hours, minutes) = text[1..].split_once(':').ok_or_else(refuse)?;
    match (digits(hours, 2), digits(minutes, 2)) {
        (Some(hours @ 0..=14), Some(minutes @ 0..=59)) => {
            let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
            Offset::from_seconds(seconds)
                .map(Some)
                .map_err(|_| refuse())
        }
        _ => Err(refuse()),
    }
}

impl Grammar for DateTime {
    const FORMAT: &'static str = "date-time";
    const WHAT: &'static str = "a moment";
    const ALLOWED: &'static str =
        "write the day, `T` and the time, then an offset such as +08:00 if needed";
    const EXAMPLE: &'static str = "2026-12-28T00:00";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: String| ValueError::refuse::<Self>(reason);
        let Some((day, rest)) = text.split_once('T') else {
            if text.contains(':') {
                return Err(refuse("the `T` before the time is missing".to_owned()));
            }
            return Err(refuse("the time of day is missing".to_owned()));
        };
        let end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
        let (time, zone) = rest.split_at(end);
        let civil = date(day)
            .map_err(refuse)?
            .to_datetime(clock(time).map_err(refuse)?);
        Ok(Self {
            civil,
            offset: offset(zone).map_err(refuse)?,
        })
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim();
        let (day, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00"));
        let time = time.trim().to_ascii_uppercase().replace(' ', "");
        let short = if time.find(':') == Some(1) { "0" } else { "" };
        vec![format!("{}T{short}{time}", padded(day))]
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.civil.time();
        write!(
            f,
            "{}T{:02}:{:02}",
            self.civil.date(),
            time.hour(),
            time.minute()
        )?;
        if time.second() != 0 {
            write!(f, ":{:02}", time.second())?;
        }
        match self.offset {
            None => Ok(()),
            Some(Offset::UTC) => f.write_str("Z"),
            Some(offset) => {
                let (sign, minutes) = match offset.seconds() / 60 {
                    minutes @ ..0 => ('-', -minutes),
                    minutes => ('+', minutes),
                };
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}
