//! Spans of time as people write them: "30s", "1h30m", "7d". Exact to the millisecond.
//!
//! A day is 24 hours. Months and years have no fixed length and are refused.
//!
//! ```
//! use kubemate::values::duration::Duration;
//! let day: Duration = "24h".parse().unwrap();
//! assert_eq!((day.to_string().as_str(), day.go_duration().as_str()), ("1d", "24h"));
//! ```

use std::fmt;

use crate::names::grammar::{Grammar, ValueError};

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    millis: u64,
}

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];
/// Ten years.
const MAX_MILLIS: u64 = 3650 * 86_400_000;

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self { millis: 0 };

    /// So many seconds.
    pub const fn from_secs(seconds: u32) -> Self {
        Self {
            millis: seconds as u64 * 1000,
        }
    }

    /// The milliseconds.
    pub const fn to_millis(self) -> u64 {
        self.millis
    }

    /// The seconds, rounded up: a limit never becomes shorter.
    pub const fn to_seconds(self) -> u64 {
        self.millis.div_ceil(1000)
    }

    /// Whether it is a whole number of seconds, as most fields of Kubernetes need.
    pub const fn is_whole_seconds(self) -> bool {
        self.millis.is_multiple_of(1000)
    }

    /// The same as the standard library has it.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.millis)
    }

    /// The text for fields of Kubernetes, which know no days.
    pub fn go_duration(self) -> String {
        Text {
            millis: self.millis,
            units: &UNITS[1..],
        }
        .to_string()
    }

    fn exact(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut millis = 0_u64;
        while !rest.is_empty() {
            let split = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (number, tail) = rest.split_at(split);
            let split = tail
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(split);
            match (number, unit, tail.chars().next()) {
                ("", _, Some('-')) => return Err("it is less than 0".to_owned()),
                (_, _, Some('.' | ',')) => return Err("it has a fraction".to_owned()),
                (_, _, Some(c)) if c.is_whitespace() => {
                    return Err("there must be no space in it".to_owned());
                }
                ("", ..) => return Err("a number is missing".to_owned()),
                (_, "", _) => return Err(format!("the unit of {} is missing", shorten(number))),
                _ => (),
            }
            let size = match units.find(|(name, _)| *name == unit) {
                Some((_, size)) => *size,
                None if UNITS.iter().any(|(name, _)| *name == unit) => {
                    return Err(format!("`{unit}` comes too late or twice"));
                }
                None => return Err(format!("the unit `{}` is unknown", shorten(unit))),
            };
            let part = number
                .parse::<u64>()
                .ok()
                .and_then(|number| number.checked_mul(size));
            let sum = part.and_then(|part| millis.checked_add(part));
            millis = sum
                .filter(|sum| *sum <= MAX_MILLIS)
                .ok_or("it is over ten years")?;
            rest = tail;
        }
        match text {
            "" => Err("it is empty".to_owned()),
            _ => Ok(Self { millis }),
        }
    }
}

fn shorten(text: &str) -> &str {
    text.get(..16).unwrap_or(text)
}

impl Grammar for Duration {
    const FORMAT: &'static str = "duration";
    const WHAT: &'static str = "a duration";
    const ALLOWED: &'static str = "write whole numbers with the units d, h, m, s, ms";
    const EXAMPLE: &'static str = "1h30m";

    fn read(text: &str) -> Result<Self, ValueError> {
        Self::exact(text).map_err(ValueError::refuse::<Self>)
    }

    fn guess(text: &str) -> Vec<String> {
        if text.len() > 64 {
            return Vec::new();
        }
        let lower = text.to_ascii_lowercase();
        let mut parts = Vec::new();
        let mut rest = lower.trim();
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
            let (number, tail) = rest.split_at(start);
            let end = tail
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            parts.push((number.trim().trim_start_matches(',').trim(), unit));
            rest = tail;
        }
        if parts.is_empty() {
            return vec![format!("{rest}s")];
        }
        let millis = parts
            .iter()
            .map(|(number, unit)| guess_part(number, unit))
            .sum::<Option<f64>>();
        let whole = millis.filter(|millis| rest.trim().is_empty() && millis.fract() == 0.0);
        // A text without a fraction is exact in a float far beyond ten years of milliseconds.
        let text = whole
            .map(|millis| format!("{millis:.0}ms"))
            .and_then(|t| Self::exact(&t).ok());
        text.map(|duration| duration.to_string())
            .into_iter()
            .collect()
    }
}

/// A number and a unit in a person's own words, in milliseconds.
fn guess_part(number: &str, unit: &str) -> Option<f64> {
    let size = match unit {
        "ms" | "msec" | "millis" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000.0,
        "d" | "day" | "days" => 86_400_000.0,
        "w" | "week" | "weeks" => 604_800_000.0,
        _ => return None,
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain
        .then(|| number.parse::<f64>().ok())
        .flatten()
        .map(|number| number * size)
}

/// Prints milliseconds with a set of units.
struct Text<'a> {
    millis: u64,
    units: &'a [(&'static str, u64)],
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.millis;
        for (unit, size) in self.units {
            if rest >= *size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text {
            millis: self.millis,
            units: &UNITS,
        }
        .fmt(f)
    }
}
