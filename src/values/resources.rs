//! Amounts of CPU and memory, with the mistakes refused that are valid amounts of something else.

use std::fmt;

use super::quantity::Quantity;
use crate::names::grammar::{Grammar, Numbers, ValueError};

/// An amount of CPU in cores: "250m" is a quarter of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuQuantity(Quantity);

impl CpuQuantity {
    /// More cores than any cluster has.
    const MAX: Quantity = Quantity::whole(1_000_000);

    /// The amount.
    pub const fn quantity(self) -> Quantity {
        self.0
    }

    /// Thousandths of a core.
    pub fn millicores(self) -> i64 {
        self.0.ceil_millis()
    }
}

impl fmt::Display for CpuQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Grammar for CpuQuantity {
    const FORMAT: &'static str = "cpu-quantity";
    const WHAT: &'static str = "an amount of CPU";
    const ALLOWED: &'static str = "write cores, or thousandths of a core with an `m`";
    const EXAMPLE: &'static str = "250m";
    const NUMBERS: Numbers = Numbers::Any;

    fn read(text: &str) -> Result<Self, ValueError> {
        let amount = Quantity::exact(text).map_err(ValueError::refuse::<Self>)?;
        if amount.is_negative() {
            return Err(ValueError::refuse::<Self>("it is less than 0"));
        }
        if amount > Self::MAX {
            let reason = format!("it would be {} cores", amount.ceil());
            return Err(ValueError::refuse::<Self>(reason));
        }
        if amount.as_nanos() % 1_000_000 != 0 {
            return Err(ValueError::refuse::<Self>(
                "it is finer than a thousandth of a core",
            ));
        }
        Ok(Self(amount))
    }

    fn guess(text: &str) -> Vec<String> {
        Quantity::guess(text)
    }
}

/// An amount of memory or storage in bytes: "512Mi", "10Gi".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryQuantity(Quantity);

impl MemoryQuantity {
    /// Less than this is a forgotten suffix.
    const MIN: Quantity = Quantity::bytes(64 * 1024);

    /// The amount.
    pub const fn quantity(self) -> Quantity {
        self.0
    }

    /// The number of bytes.
    pub fn bytes(self) -> i64 {
        self.0.ceil()
    }
}

impl fmt::Display for MemoryQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Grammar for MemoryQuantity {
    const FORMAT: &'static str = "memory-quantity";
    const WHAT: &'static str = "an amount of memory";
    const ALLOWED: &'static str = "write a number with Ki, Mi, Gi or Ti";
    const EXAMPLE: &'static str = "512Mi";
    const NUMBERS: Numbers = Numbers::Any;

    fn read(text: &str) -> Result<Self, ValueError> {
        let amount = Quantity::exact(text).map_err(ValueError::refuse::<Self>)?;
        if amount.is_negative() {
            return Err(ValueError::refuse::<Self>("it is less than 0"));
        }
        if !amount.is_whole() && text.ends_with('m') {
            let digits = text.trim_end_matches('m');
            let size = match amount.ceil_millis() {
                0..400 => "a small part of a byte".to_owned(),
                400..=600 => "half a byte".to_owned(),
                601..1000 => "less than a byte".to_owned(),
                _ => format!("about {} bytes", amount.ceil()),
            };
            let message = format!("of memory is {size}: did you mean {digits}Mi?");
            return Err(ValueError::plain(message));
        }
        if !amount.is_whole() {
            return Err(ValueError::refuse::<Self>("it has a part of a byte"));
        }
        if !amount.is_zero() && amount < Self::MIN {
            let reason = format!("it is only {} bytes", amount.ceil());
            return Err(ValueError::refuse::<Self>(reason));
        }
        Ok(Self(amount))
    }

    fn guess(text: &str) -> Vec<String> {
        let digits = text.trim_end_matches(['m', 'k', ' ', 'b', 'B']);
        let mut guesses = Quantity::guess(text);
        guesses.push(format!("{digits}Mi"));
        guesses
    }
}
