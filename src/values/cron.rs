//! Schedules in the five fields of cron, exactly as a CronJob of Kubernetes reads them.
//!
//! What other crons know besides (seconds, `@daily`, `L`, `W`, `#`, Sunday as 7) is refused, because
//! the API server would refuse it or do something else.
//!
//! ```
//! use kubemate::values::{cron::CronExpr, time::TimeZone};
//! let nightly: CronExpr = "30 2 * * 1-5".parse().unwrap();
//! let friday_noon = "2026-01-02T12:00:00Z".parse().unwrap();
//! let runs = nightly.runs_after(friday_noon, &TimeZone::utc(), 1);
//! assert_eq!(runs[0].to_string(), "2026-01-05T02:30:00Z");
//! ```

use std::fmt;
use std::hash::{Hash, Hasher};

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;

use super::time::TimeZone;
use crate::names::grammar::{Grammar, ValueError};

/// A schedule.
#[derive(Debug, Clone)]
pub struct CronExpr {
    text: String,
    cron: Box<Cron>,
}

struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
    },
    Field {
        name: "day of the month",
        least: 1,
        most: 31,
        names: &[],
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &MONTHS,
    },
    Field {
        name: "day of the week",
        least: 0,
        most: 6,
        names: &DAYS,
    },
];
/// The most days that the months have, January first.
const LENGTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// The most runs that are worked out at once.
const MAX_RUNS: usize = 1000;

impl Field {
    fn refuse(&self, reason: &str) -> String {
        format!("in the field for the {}, {reason}", self.name)
    }

    fn number(&self, text: &str) -> Result<u8, String> {
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        if let Some(index) = named.and_then(|index| u8::try_from(index).ok()) {
            return Ok(self.least + index);
        }
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u8>() {
            Ok(number) if plain && (self.least..=self.most).contains(&number) => Ok(number),
            _ if plain => {
                let text: String = text.chars().take(8).collect();
                let (least, most) = (self.least, self.most);
                Err(self.refuse(&format!("{text} is outside {least} to {most}")))
            }
            _ if text.is_empty() => Err(self.refuse("a number is missing")),
            _ => Err(self.refuse("something is neither a number nor a name")),
        }
    }

    /// The values that a field names.
    fn values(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut values = Vec::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" || range == "?" => (self.least, self.most),
                Some((first, last)) => (self.number(first)?, self.number(last)?),
                None if step.is_some() => {
                    return Err(self.refuse("a step needs a range or `*` in front"));
                }
                None => (self.number(range)?, self.number(range)?),
            };
            if first > last {
                return Err(self.refuse("a range ends before it starts"));
            }
            let step = match step.map(str::parse::<u8>) {
                None => 1,
                Some(Ok(step @ 1..)) if step <= self.most => step,
                Some(_) => return Err(self.refuse("a step is not a number from 1 up")),
            };
            values.extend((first..=last).step_by(step.into()));
        }
        Ok(values)
    }
}

impl CronExpr {
    /// The text, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The next runs after a moment by the clocks of a zone, at most `count` and at most 1000.
    pub fn runs_after(&self, after: Timestamp, zone: &TimeZone, count: usize) -> Vec<Timestamp> {
        let start = after.to_zoned(zone.rules().clone());
        let runs = self.cron.iter_after(start);
        runs.take(count.min(MAX_RUNS))
            .map(|run| run.timestamp())
            .collect()
    }

    fn exact(text: &str) -> Result<Self, String> {
        if text.len() > 256 {
            return Err("it is too long".to_owned());
        }
        if text.starts_with('@') {
            return Err("a name with `@` is not allowed".to_owned());
        }
        let fields: Vec<_> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(format!("it has {} fields, not 5", fields.len()));
        }
        let read = |(field, text): (&Field, &&str)| field.values(text);
        let values = FIELDS
            .iter()
            .zip(&fields)
            .map(read)
            .collect::<Result<Vec<_>, _>>()?;
        let any_weekday = matches!(fields[4], "*" | "?");
        let exists = |month: &u8| {
            let length = LENGTHS.get(usize::from(month - 1)).copied().unwrap_or(31);
            values[2].iter().any(|day| *day <= length)
        };
        if any_weekday && !values[3].iter().any(exists) {
            return Err("it never runs, no such month has such a day".to_owned());
        }
        let text = fields.join(" ");
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed);
        let cron = parser
            .build()
            .parse(&text)
            .map_err(|_| "it cannot be understood".to_owned())?;
        Ok(Self {
            text,
            cron: Box::new(cron),
        })
    }
}

impl Grammar for CronExpr {
    const FORMAT: &'static str = "cron";
    const WHAT: &'static str = "a schedule";
    const ALLOWED: &'static str =
        "write minute, hour, day of the month, month and day of the week, 0 is Sunday";
    const EXAMPLE: &'static str = "30 2 * * 1-5";

    fn read(text: &str) -> Result<Self, ValueError> {
        Self::exact(text).map_err(ValueError::refuse::<Self>)
    }

    fn guess(text: &str) -> Vec<String> {
        let named = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            _ => "",
        };
        if !named.is_empty() {
            return vec![named.to_owned()];
        }
        let fields: Vec<_> = text.split_whitespace().take(8).collect();
        match fields[..] {
            // Seconds in front that only say "once a minute".
            ["0", ref rest @ ..] if rest.len() == 5 => vec![rest.join(" ")],
            [ref front @ .., weekday] if front.len() == 4 => {
                let starred = |field: &&str| match field.split_once('/') {
                    Some(("0", step)) => format!("*/{step}"),
                    _ => (*field).to_owned(),
                };
                let front: Vec<_> = front.iter().map(starred).collect();
                let weekday = weekday.replace("1-7", "*").replace('7', "0");
                vec![format!("{} {weekday}", front.join(" "))]
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for CronExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for CronExpr {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CronExpr {}

impl Ord for CronExpr {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for CronExpr {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for CronExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
