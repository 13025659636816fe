//! Tells numbers from words, and sound numbers from broken ones, as KDL 2 defines them.

/// How a word that looks like a number fails to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is something else, such as a quantity, a version or a time.
    NotANumber,
    /// A digit does not belong to the base, or is missing.
    BadDigit,
    /// It does not fit.
    TooLarge,
    /// A digit is missing before the point.
    BarePoint,
    /// A digit is missing behind the point.
    OpenPoint,
    /// `0X`, `0O` or `0B` in upper case.
    UpperBase,
}

/// Whether KDL takes a word as a number, sound or not.
pub(super) fn looks_like(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let digits = digits.strip_prefix('.').unwrap_or(digits);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// Checks a word that [`looks_like`] a number.
pub(super) fn check(word: &str) -> Result<(), Fault> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let based = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| {
            let start = digits.get(..2)?;
            start
                .eq_ignore_ascii_case(prefix)
                .then(|| (start == prefix, &digits[2..], radix))
        });
    if let Some((lower, body, radix)) = based {
        based_integer(body, radix)?;
        return if lower { Ok(()) } else { Err(Fault::UpperBase) };
    }
    decimal(digits)
}

fn based_integer(body: &str, radix: u32) -> Result<(), Fault> {
    let sound = body.starts_with(|c: char| c.is_digit(radix))
        && body.chars().all(|c| c == '_' || c.is_digit(radix));
    if !sound {
        return Err(Fault::BadDigit);
    }
    i128::from_str_radix(&body.replace('_', ""), radix)
        .map(drop)
        .map_err(|_| Fault::TooLarge)
}

fn decimal(text: &str) -> Result<(), Fault> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    if let Some(exponent) = exponent {
        digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?;
    }
    match mantissa.split_once('.') {
        None => digits(mantissa)?,
        Some(("", fraction)) if digits(fraction).is_ok() => return Err(Fault::BarePoint),
        Some((whole, "")) if digits(whole).is_ok() => return Err(Fault::OpenPoint),
        Some((whole, fraction)) => {
            digits(whole)?;
            digits(fraction)?;
        }
    }
    let value: f64 = text
        .replace('_', "")
        .parse()
        .map_err(|_| Fault::NotANumber)?;
    if value.is_finite() {
        Ok(())
    } else {
        Err(Fault::TooLarge)
    }
}

fn digits(text: &str) -> Result<(), Fault> {
    let sound = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c == '_' || c.is_ascii_digit());
    if !sound {
        return Err(Fault::NotANumber);
    }
    text.replace('_', "")
        .parse::<i128>()
        .map(drop)
        .map_err(|_| Fault::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kdl_takes_as_a_number_passes() {
        for word in [
            "0", "+1", "-1", "1_000", "1__0_", "007", "1.5", "-0.5e-3", "1e10", "1E+10", "0xff",
            "-0xDE_AD", "0o17", "0b1_0", "12_34_.5",
        ] {
            assert!(looks_like(word), "{word}");
            assert_eq!(check(word), Ok(()), "{word}");
        }
    }

    #[test]
    fn each_fault_is_named() {
        for (word, fault) in [
            ("512Mi", Fault::NotANumber),
            ("22:00", Fault::NotANumber),
            ("1.2.3", Fault::NotANumber),
            ("1e", Fault::NotANumber),
            ("0x", Fault::BadDigit),
            ("0x_1", Fault::BadDigit),
            ("0b12", Fault::BadDigit),
            (".5", Fault::BarePoint),
            ("+.5", Fault::BarePoint),
            ("5.", Fault::OpenPoint),
            ("0XFF", Fault::UpperBase),
            ("340282366920938463463374607431768211456", Fault::TooLarge),
        ] {
            assert!(looks_like(word), "{word}");
            assert_eq!(check(word), Err(fault), "{word}");
        }
    }

    #[test]
    fn words_with_signs_and_points_are_words() {
        for word in ["-", "+", "--x", "-a", ".", ".a", "-.a", "_1", "a1"] {
            assert!(!looks_like(word), "{word}");
        }
    }
}
