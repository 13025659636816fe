//! Amounts as Kubernetes writes them: "250m", "512Mi", "1e3". Exact, in billionths, compared by value.
//!
//! Reading, rounding and printing agree with the API server, so that a rendered amount and an observed
//! one are equal exactly when the server says so; only an amount too large for it is refused, where
//! the server would cut it down. Nothing here may print an amount that the server
//! would print differently.
//!
//! ```
//! use kubemate::values::quantity::Quantity;
//! let half: Quantity = "0.5Gi".parse().unwrap();
//! assert_eq!(half.to_string(), "512Mi");
//! assert_eq!(half, "536870912".parse().unwrap());
//! ```

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};

use crate::names::grammar::{Grammar, Numbers, ValueError};

#[cfg(test)]
mod tests;

const NANO: i128 = 1_000_000_000;
/// The largest whole number that the server holds.
const MAX_WHOLE: i128 = i64::MAX as i128;
/// As many digits as the arithmetic holds; the largest amount in billionths has 28.
const MAX_DIGITS: usize = 37;

/// How an amount is printed; it has no part in its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Decimal,
    Binary,
    Exponent,
}

/// An exact amount, a whole number of billionths.
#[derive(Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    style: Style,
}

const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self {
        nanos: 0,
        style: Style::Decimal,
    };

    /// A whole number, printed with decimal suffixes.
    pub const fn whole(number: i64) -> Self {
        Self {
            nanos: number as i128 * NANO,
            style: Style::Decimal,
        }
    }

    /// A number of bytes, printed with binary suffixes.
    pub const fn bytes(number: i64) -> Self {
        Self {
            nanos: number as i128 * NANO,
            style: Style::Binary,
        }
    }

    /// Thousandths, as CPU is counted.
    pub const fn millis(number: i64) -> Self {
        Self {
            nanos: number as i128 * (NANO / 1000),
            style: Style::Decimal,
        }
    }

    /// The exact amount in billionths.
    pub const fn as_nanos(self) -> i128 {
        self.nanos
    }

    /// The amount as a whole number, rounded up.
    pub fn ceil(self) -> i64 {
        clamp(div_up(self.nanos, NANO))
    }

    /// The amount in thousandths, rounded up.
    pub fn ceil_millis(self) -> i64 {
        clamp(div_up(self.nanos, NANO / 1000))
    }

    /// Whether it is a whole number.
    pub const fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// The amount so many times, as for the replicas of an app.
    #[must_use]
    pub const fn times(self, count: u32) -> Self {
        Self {
            nanos: self.nanos.saturating_mul(count as i128),
            style: self.style,
        }
    }

    /// Reads an amount; a refusal is only the reason, for types that are narrower.
    pub(super) fn exact(text: &str) -> Result<Self, String> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let split = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, suffix) = unsigned.split_at(split.unwrap_or(unsigned.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        match number {
            "" if text.is_empty() => return Err("it is empty".to_owned()),
            "" | "." => return Err("it has no number".to_owned()),
            _ if fraction.contains('.') => return Err("it has two points".to_owned()),
            _ => (),
        }
        let suffix = Suffix::read(suffix).ok_or_else(|| unknown_suffix(suffix))?;
        let (whole, fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        let nanos = Self::nanos(whole, fraction, suffix).filter(|nanos| *nanos <= MAX_WHOLE * NANO);
        let nanos =
            nanos.ok_or("it is larger than Kubernetes can count, or has too many digits")?;
        let sign = if text.starts_with('-') { -1 } else { 1 };
        Ok(Self {
            nanos: sign * nanos,
            style: suffix.style(),
        })
    }

    fn nanos(whole: &str, fraction: &str, suffix: Suffix) -> Option<i128> {
        if whole.len() + fraction.len() > MAX_DIGITS {
            return None;
        }
        let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let places = i32::try_from(fraction.len()).ok()?;
        Self::scale(digits, places, suffix)
    }

    fn scale(digits: i128, fraction: i32, suffix: Suffix) -> Option<i128> {
        let (digits, exponent) = match suffix {
            Suffix::Binary(bits) => (digits.checked_mul(1 << bits)?, 9 - fraction),
            Suffix::Decimal(exponent) | Suffix::Exponent(exponent) => {
                (digits, exponent.checked_add(9 - fraction)?)
            }
        };
        if digits == 0 {
            return Some(0);
        }
        let power = 10_i128.checked_pow(exponent.unsigned_abs());
        match (exponent >= 0, power) {
            (true, power) => digits.checked_mul(power?),
            // Finer than a billionth: the server rounds away from zero.
            (false, Some(power)) => Some(div_up(digits, power)),
            (false, None) => Some(1),
        }
    }
}

#[derive(Clone, Copy)]
enum Suffix {
    Binary(u32),
    Decimal(i32),
    Exponent(i32),
}

impl Suffix {
    fn read(text: &str) -> Option<Self> {
        if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == text) {
            return Some(Self::Binary(*bits));
        }
        if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == text) {
            return Some(Self::Decimal(*exponent));
        }
        let digits = text.strip_prefix(['e', 'E'])?;
        let bare = digits.strip_prefix(['-', '+']).unwrap_or(digits);
        let valid = !bare.is_empty() && bare.len() <= 4 && bare.bytes().all(|b| b.is_ascii_digit());
        valid
            .then(|| digits.parse().ok())
            .flatten()
            .map(Self::Exponent)
    }

    const fn style(self) -> Style {
        match self {
            Self::Binary(_) => Style::Binary,
            Self::Decimal(_) => Style::Decimal,
            Self::Exponent(_) => Style::Exponent,
        }
    }
}

impl Grammar for Quantity {
    const FORMAT: &'static str = "quantity";
    const WHAT: &'static str = "an amount";
    const ALLOWED: &'static str =
        "write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei)";
    const EXAMPLE: &'static str = "512Mi";
    const NUMBERS: Numbers = Numbers::Any;

    fn read(text: &str) -> Result<Self, ValueError> {
        Self::exact(text).map_err(ValueError::refuse::<Self>)
    }

    fn guess(text: &str) -> Vec<String> {
        let text: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '_')
            .take(64)
            .collect();
        let text = text.replace(',', ".");
        let split = text
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(split);
        let known = match suffix.to_ascii_lowercase().as_str() {
            "k" | "kb" | "ki" | "kib" => "Ki",
            "mb" | "mi" | "mib" | "meg" => "Mi",
            "g" | "gb" | "gi" | "gib" => "Gi",
            "t" | "tb" | "ti" | "tib" => "Ti",
            "p" | "pb" | "pi" | "pib" => "Pi",
            "milli" | "mcpu" | "millicores" => "m",
            "b" | "bytes" | "core" | "cores" | "cpu" => "",
            _ => suffix,
        };
        vec![format!("{number}{suffix}"), format!("{number}{known}")]
    }
}

fn unknown_suffix(suffix: &str) -> String {
    match suffix.chars().next() {
        Some(' ') => "there must be no space in it".to_owned(),
        Some(',') => "it has a `,` where a point belongs".to_owned(),
        _ if suffix.chars().count() > 12 || suffix.chars().any(char::is_control) => {
            "its suffix is unknown".to_owned()
        }
        _ => format!("the suffix `{suffix}` is unknown"),
    }
}

fn div_up(number: i128, by: i128) -> i128 {
    number.div_euclid(by) + i128::from(number.rem_euclid(by) != 0)
}

fn clamp(number: i128) -> i64 {
    let least = i128::from(i64::MIN);
    i64::try_from(number.clamp(least, MAX_WHOLE)).unwrap_or(i64::MAX)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        // The server prints small amounts and fractions of a byte with decimal suffixes.
        let binary =
            self.style == Style::Binary && self.nanos.abs() >= 1024 * NANO && self.is_whole();
        if binary {
            let mut number = self.nanos / NANO;
            let mut suffix = "";
            for (name, _) in BINARY {
                if number % 1024 != 0 {
                    break;
                }
                (number, suffix) = (number / 1024, name);
            }
            return write!(f, "{number}{suffix}");
        }
        let (mut number, mut exponent) = (self.nanos, -9);
        while number % 1000 == 0 && exponent < 18 {
            (number, exponent) = (number / 1000, exponent + 3);
        }
        if self.style == Style::Exponent && exponent != 0 {
            return write!(f, "{number}e{exponent}");
        }
        let suffix = DECIMAL
            .iter()
            .find(|(_, e)| *e == exponent)
            .map_or("", |(name, _)| name);
        write!(f, "{number}{suffix}")
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quantity({self})")
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

/// The style of a sum is that of its first part that is not zero.
impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let style = if self.is_zero() {
            other.style
        } else {
            self.style
        };
        Self {
            nanos: self.nanos.saturating_add(other.nanos),
            style,
        }
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let style = if self.is_zero() {
            other.style
        } else {
            self.style
        };
        Self {
            nanos: self.nanos.saturating_sub(other.nanos),
            style,
        }
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}
