//! Versions that are compared: of components that must be installed, and of Kubernetes.

use std::cmp::Ordering;
use std::fmt;

use crate::names::grammar::{Grammar, ValueError};

/// The version of a component: "1.3", "1.3.2", "1.4.0-rc.1".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ComponentVersion {
    numbers: Vec<u32>,
    pre_release: Option<String>,
}

impl ComponentVersion {
    fn number(&self, index: usize) -> u32 {
        self.numbers.get(index).copied().unwrap_or(0)
    }

    /// Whether `found` is this version where this one is written: "1.3" stands for every 1.3.x.
    pub fn matches(&self, found: &Self) -> bool {
        let full = self.numbers.len() == 3;
        let numbers = (0..self.numbers.len()).all(|i| self.number(i) == found.number(i));
        numbers && (!full || self.pre_release == found.pre_release)
    }

    /// Whether `found` is this version or a later one with the same promises.
    pub fn compatible(&self, found: &Self) -> bool {
        let same = match self.number(0) {
            0 => found.number(0) == 0 && self.number(1) == found.number(1),
            major => found.number(0) == major,
        };
        same && self.precedence(found) != Ordering::Greater
    }

    fn is_pre_release_of(&self, other: &Self) -> bool {
        let same = (0..3).all(|i| self.number(i) == other.number(i));
        same && self.pre_release.is_some() && other.pre_release.is_none()
    }

    /// Order by meaning: "1.3" and "1.3.0" are equal, a pre-release is before its release.
    pub fn precedence(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| [0, 1, 2].map(|i| version.number(i));
        let pre = match (&self.pre_release, &other.pre_release) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => compare_pre_release(a, b),
        };
        numbers(self).cmp(&numbers(other)).then(pre)
    }
}

fn compare_pre_release(a: &str, b: &str) -> Ordering {
    let key = |part: &str| match part.parse::<u64>() {
        Ok(number) => (0, number, String::new()),
        Err(_) => (1, 0, part.to_owned()),
    };
    a.split('.').map(key).cmp(b.split('.').map(key))
}

impl Ord for ComponentVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let written =
            || (&self.numbers, &self.pre_release).cmp(&(&other.numbers, &other.pre_release));
        self.precedence(other).then_with(written)
    }
}

impl PartialOrd for ComponentVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn numbers(text: &str) -> Result<Vec<u32>, String> {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match part.parse::<u32>() {
            Ok(_) if part.len() > 1 && part.starts_with('0') => {
                Err("a number in it starts with 0".to_owned())
            }
            Ok(number) if digits => Ok(number),
            _ if part.is_empty() => Err("a number in it is missing".to_owned()),
            _ => Err("a part of it is not a number".to_owned()),
        }
    };
    match text.split('.').count() {
        1..=3 => text.split('.').map(number).collect(),
        n => Err(format!("it has {n} numbers, 3 are allowed")),
    }
}

impl Grammar for ComponentVersion {
    const FORMAT: &'static str = "component-version";
    const WHAT: &'static str = "the version of a component";
    const ALLOWED: &'static str = "write one to three numbers with points between them";
    const EXAMPLE: &'static str = "1.3";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: String| ValueError::refuse::<Self>(reason);
        if text.starts_with('v') {
            return Err(refuse("it starts with a `v`".to_owned()));
        }
        let (plain, pre_release) = match text.split_once('-') {
            Some((plain, pre)) => (plain, Some(pre.to_owned())),
            None => (text, None),
        };
        let numbers = numbers(plain).map_err(refuse)?;
        let word = |part: &str| {
            let inner = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            !part.is_empty() && inner
        };
        match &pre_release {
            Some(pre) if pre.len() > 64 || !pre.split('.').all(word) => Err(refuse(
                "what follows the `-` is not a pre-release".to_owned(),
            )),
            Some(_) if numbers.len() < 3 => Err(refuse(
                "a pre-release needs three numbers in front".to_owned(),
            )),
            _ => Ok(Self {
                numbers,
                pre_release,
            }),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text
            .trim()
            .trim_start_matches(['v', 'V', '^', '~', '='])
            .trim();
        let start = text.split_once('+').map_or(text, |(start, _)| start);
        vec![
            start.to_owned(),
            start
                .trim_end_matches(".x")
                .trim_end_matches(".*")
                .to_owned(),
        ]
    }
}

impl fmt::Display for ComponentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.numbers.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))?;
        match &self.pre_release {
            Some(pre) => write!(f, "-{pre}"),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Bound {
    AtLeast,
    Above,
    AtMost,
    Below,
}

const BOUNDS: [(&str, Bound); 4] = [
    (">=", Bound::AtLeast),
    ("<=", Bound::AtMost),
    (">", Bound::Above),
    ("<", Bound::Below),
];

/// A range of versions of a component: ">=1.2 <2". All bounds must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionRange {
    bounds: Vec<(Bound, ComponentVersion)>,
}

impl VersionRange {
    /// Whether a version lies inside.
    pub fn contains(&self, version: &ComponentVersion) -> bool {
        self.bounds.iter().all(|(bound, limit)| {
            let order = version.precedence(limit);
            match bound {
                Bound::AtLeast => order != Ordering::Less,
                Bound::Above => order == Ordering::Greater,
                Bound::AtMost => order != Ordering::Greater || limit.matches(version),
                // A pre-release of the limit is before it and still not wanted.
                Bound::Below => order == Ordering::Less && !version.is_pre_release_of(limit),
            }
        })
    }
}

impl Grammar for VersionRange {
    const FORMAT: &'static str = "version-range";
    const WHAT: &'static str = "a range of versions";
    const ALLOWED: &'static str = "write bounds with >=, >, <= or < and spaces between them";
    const EXAMPLE: &'static str = ">=1.2 <2";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| ValueError::refuse::<Self>(reason);
        if text.len() > 256 {
            return Err(refuse("it is too long"));
        }
        let bound = |part: &str| {
            let sign = BOUNDS.iter().find(|(sign, _)| part.starts_with(sign));
            let (sign, bound) = sign.ok_or_else(|| refuse("a bound has no sign in front"))?;
            let version = ComponentVersion::read(&part[sign.len()..]);
            Ok((
                *bound,
                version.map_err(|_| refuse("a bound has no version after its sign"))?,
            ))
        };
        let bounds = text
            .split_whitespace()
            .map(bound)
            .collect::<Result<Vec<_>, ValueError>>()?;
        if bounds.is_empty() {
            return Err(refuse("it is empty"));
        }
        Ok(Self { bounds })
    }

    fn guess(text: &str) -> Vec<String> {
        let spaced = text
            .replace(',', " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let joined = BOUNDS.iter().fold(spaced, |text, (sign, _)| {
            text.replace(&format!("{sign} "), sign)
        });
        vec![joined, format!(">={}", text.trim())]
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (bound, version)) in self.bounds.iter().enumerate() {
            let sign = BOUNDS
                .iter()
                .find(|(_, b)| b == bound)
                .map_or("", |(sign, _)| sign);
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{sign}{version}")?;
        }
        Ok(())
    }
}

/// A minor version of Kubernetes: "1.30".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubernetesVersion {
    minor: u16,
}

impl KubernetesVersion {
    /// The number after `1.`.
    pub const fn minor(self) -> u16 {
        self.minor
    }
}

impl Grammar for KubernetesVersion {
    const FORMAT: &'static str = "kubernetes-version";
    const WHAT: &'static str = "a version of Kubernetes";
    const ALLOWED: &'static str = "write `1.` and the minor version in quotes";
    const EXAMPLE: &'static str = "1.30";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| Err(ValueError::refuse::<Self>(reason));
        match numbers(text).as_ref().map(Vec::as_slice) {
            Ok([1, minor]) => match u16::try_from(*minor) {
                Ok(minor @ ..=999) => Ok(Self { minor }),
                _ => refuse("there is no such version"),
            },
            Ok([1, _, _]) => refuse("it has a patch version"),
            Ok([_]) => refuse("the minor version is missing"),
            Ok(_) => refuse("it does not start with `1.`"),
            Err(_) if text.starts_with('v') => refuse("it starts with a `v`"),
            Err(reason) => refuse(reason),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let bare = text.trim().trim_start_matches(['v', 'V']);
        let short = bare.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        vec![bare.to_owned(), short]
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}
