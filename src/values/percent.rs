//! Shares of a whole: "70%", "0.5%". Exact to a thousandth of a percent.

use std::fmt;

use crate::names::grammar::{Grammar, Numbers, ValueError};

/// A share of a whole, from 0% to 100%.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent {
    thousandths: u32,
}

/// A degree of use, from 1% to 1000%: more than was asked for can be in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utilization {
    percent: u32,
}

impl Percent {
    /// The percents, if they are whole.
    pub const fn whole(self) -> Option<u32> {
        match self.thousandths % 1000 {
            0 => Some(self.thousandths / 1000),
            _ => None,
        }
    }

    /// Thousandths of a percent.
    pub const fn thousandths(self) -> u32 {
        self.thousandths
    }

    /// The share as a number between 0 and 1.
    pub fn ratio(self) -> f64 {
        f64::from(self.thousandths) / 100_000.0
    }
}

impl Utilization {
    /// The percents.
    pub const fn percent(self) -> u32 {
        self.percent
    }
}

/// The number before a single `%`, as its whole part and its fraction.
fn parts(text: &str) -> Result<(u32, &str), String> {
    let Some(number) = text.strip_suffix('%') else {
        return Err("the `%` is missing".to_owned());
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if number.starts_with('-') {
        return Err("it is less than 0%".to_owned());
    }
    if number.contains(char::is_whitespace) {
        return Err("there must be no space in it".to_owned());
    }
    if number.contains(',') {
        return Err("it has a `,` where a point belongs".to_owned());
    }
    if !digits(whole) || !digits(fraction) {
        return Err("a number is missing before the `%`".to_owned());
    }
    Ok((
        whole.parse().unwrap_or(u32::MAX),
        fraction.trim_end_matches('0'),
    ))
}

fn guesses(text: &str) -> Vec<String> {
    let squeezed: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(32)
        .collect();
    let squeezed = squeezed.replace(',', ".");
    let number = squeezed.trim_end_matches(|c: char| c == '%' || c.is_ascii_alphabetic());
    vec![format!("{number}%"), number.to_owned()]
}

impl Grammar for Percent {
    const FORMAT: &'static str = "percent";
    const WHAT: &'static str = "a share";
    const ALLOWED: &'static str = "write a number from 0 to 100 and a `%`";
    const EXAMPLE: &'static str = "70%";

    fn read(text: &str) -> Result<Self, ValueError> {
        let (whole, fraction) = parts(text).map_err(ValueError::refuse::<Self>)?;
        if fraction.len() > 3 {
            let reason = "it is finer than a thousandth of a percent";
            return Err(ValueError::refuse::<Self>(reason));
        }
        let thousandths = format!("{fraction:0<3}").parse::<u32>().unwrap_or(0);
        let sum = whole
            .checked_mul(1000)
            .and_then(|whole| whole.checked_add(thousandths));
        match sum {
            Some(thousandths @ ..=100_000) => Ok(Self { thousandths }),
            _ => Err(ValueError::refuse::<Self>("it is more than 100%")),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        guesses(text)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.thousandths / 1000, self.thousandths % 1000);
        match rest {
            0 => write!(f, "{whole}%"),
            rest => {
                let digits = format!("{rest:03}");
                write!(f, "{whole}.{}%", digits.trim_end_matches('0'))
            }
        }
    }
}

impl Grammar for Utilization {
    const FORMAT: &'static str = "utilization";
    const WHAT: &'static str = "a degree of use";
    const ALLOWED: &'static str = "write a whole number from 1 to 1000 and a `%`";
    const EXAMPLE: &'static str = "70%";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| Err(ValueError::refuse::<Self>(reason));
        match parts(text).map_err(ValueError::refuse::<Self>)? {
            (_, fraction) if !fraction.is_empty() => refuse("it has a fraction"),
            (0, _) => refuse("it is 0%"),
            (1001.., _) => refuse("it is more than 1000%"),
            (percent, _) => Ok(Self { percent }),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        guesses(text)
    }
}

impl fmt::Display for Utilization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent)
    }
}

/// A number of pods, or a share of them: 1 or "25%".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Share {
    /// So many.
    Count(u32),
    /// So many percent.
    Percent(u32),
}

impl Share {
    const MAX: i64 = 100_000;
}

impl Grammar for Share {
    const FORMAT: &'static str = "share";
    const WHAT: &'static str = "a number or a share";
    const ALLOWED: &'static str = "write a whole number, or whole percents up to 100%";
    const EXAMPLE: &'static str = "25%";
    const NUMBERS: Numbers = Numbers::Whole(0, Self::MAX);

    fn read(text: &str) -> Result<Self, ValueError> {
        if text.ends_with('%') {
            let percent = Percent::read(text)?;
            let whole = percent.whole().map(Self::Percent);
            return whole.ok_or_else(|| ValueError::refuse::<Self>("it has a part of a percent"));
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let padded = text.len() > 1 && text.starts_with('0');
        match text.parse::<u32>() {
            Ok(count) if digits && !padded && i64::from(count) <= Self::MAX => {
                Ok(Self::Count(count))
            }
            _ => Err(ValueError::refuse::<Self>("it is neither of them")),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        vec![text.trim().to_owned(), format!("{digits}%")]
    }

    fn number(&self) -> Option<i64> {
        match self {
            Self::Count(count) => Some((*count).into()),
            Self::Percent(_) => None,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}
