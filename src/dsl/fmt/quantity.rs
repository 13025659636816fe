//! `(Mi)512` is the same as `"512Mi"`; the formatter writes the second.

use super::super::lex::{Kind, Token};

/// The suffixes of quantities, durations and percentages.
const SUFFIXES: [&str; 21] = [
    "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "k", "M", "G", "T", "P", "E", "m", "ms", "s", "h", "d",
    "w", "us", "ns", "%",
];

/// The quoted form of a number with a unit as its type, and how many tokens it replaces.
pub(super) fn quoted(source: &str, tokens: &[Token]) -> Option<(String, usize)> {
    let mut significant = tokens
        .iter()
        .enumerate()
        .filter(|(_, t)| t.kind != Kind::Space);
    let mut next = |kind: Kind| significant.next().filter(|(_, t)| t.kind == kind);
    next(Kind::ParenOpen)?;
    let (_, unit) = next(Kind::Word)?;
    next(Kind::ParenClose)?;
    let (last, number) = next(Kind::Word)?;
    let (unit, number) = (unit.text(source), number.text(source));
    let plain = number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let sound = plain && SUFFIXES.contains(&unit);
    sound.then(|| (format!("\"{number}{unit}\""), last + 1))
}
