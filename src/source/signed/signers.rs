//! Whose signatures count: lines as `ssh-keygen` has them in a file of allowed signers.
//!
//! A line that is not understood is an error and never left out: what was meant to narrow who may sign
//! must not be lost. Times without a zone are UTC, because a controller has no other.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::sshsig::{Key, fingerprint};
use super::{Refusal, Signer, word};

/// Most lines.
const MAX_LINES: usize = 256;

/// Whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers(Vec<Allowed>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    names: String,
    key: Vec<u8>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Why nobody can be allowed by these lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignersError {
    /// A line that is not understood.
    #[error("line {line}: {why}")]
    Line {
        /// Its number.
        line: usize,
        /// What is wrong with it, and what to write.
        why: String,
    },
    /// There is none for Git.
    #[error("nobody is named, so nothing could ever be taken")]
    Nobody,
    /// There are too many.
    #[error("there are more than {} lines", MAX_LINES)]
    TooMany,
}

impl Signers {
    /// Reads lines; each text may hold several.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, SignersError> {
        let mut all = Vec::new();
        for (line, text) in (1..).zip(texts.into_iter().flat_map(str::lines)) {
            if line > MAX_LINES {
                return Err(SignersError::TooMany);
            }
            let read = allowed(text).map_err(|why| SignersError::Line { line, why })?;
            all.extend(read);
        }
        match all.is_empty() {
            true => Err(SignersError::Nobody),
            false => Ok(Self(all)),
        }
    }

    /// Whose key this is, if it counts. Without a time, when it counts is not asked.
    pub(super) fn find(&self, key: &[u8], at: Option<Timestamp>) -> Result<Signer, Refusal> {
        let fingerprint = fingerprint(key);
        let mut why = None;
        for allowed in self.0.iter().filter(|allowed| allowed.key == key) {
            match allowed.outside(at) {
                None => {
                    let name = allowed.names.clone();
                    return Ok(Signer { name, fingerprint });
                }
                refusal => why = refusal,
            }
        }
        Err(why.unwrap_or(Refusal::Unknown { fingerprint }))
    }
}

impl Allowed {
    /// Why it does not count at a time.
    fn outside(&self, at: Option<Timestamp>) -> Option<Refusal> {
        let at = at?;
        let name = || self.names.clone();
        match (self.from, self.until) {
            (Some(from), _) if at < from => Some(Refusal::NotYet { name: name(), from }),
            (_, Some(until)) if at >= until => Some(Refusal::Expired {
                name: name(),
                until,
            }),
            _ => None,
        }
    }
}

/// One line; nothing for an empty one, a comment, and a key that is not for Git.
fn allowed(text: &str) -> Result<Option<Allowed>, String> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (names, rest) = first(text);
    let (options, key) = match is_kind(first(rest).0) {
        true => ("", rest),
        false => first(rest),
    };
    let mut allowed = Allowed {
        names: word(names.as_bytes()),
        key: key_of(key)?,
        from: None,
        until: None,
    };
    let mut for_git = true;
    let mut known = BTreeSet::new();
    let mut quoted = false;
    let parts = options.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim_matches('"');
        let option = name.to_ascii_lowercase();
        match option.as_str() {
            "namespaces" => for_git = is_for_git(value)?,
            "valid-after" => allowed.from = Some(moment(name, value)?),
            "valid-before" => allowed.until = Some(moment(name, value)?),
            "cert-authority" => {
                return Err("certificates are not understood; name the keys themselves".to_owned());
            }
            _ => {
                return Err(format!(
                    "the option `{}` is not known; there are `namespaces`, `valid-after` and `valid-before`",
                    word(name.as_bytes())
                ));
            }
        }
        if !known.insert(option) {
            return Err(format!("`{name}` stands there twice; write it once"));
        }
    }
    Ok(for_git.then_some(allowed))
}

/// Whether what a key signs for includes Git. What is taken out again by a `!` is not understood.
fn is_for_git(spaces: &str) -> Result<bool, String> {
    if spaces.contains('!') {
        let said = "`namespaces` with `!` is not understood; name those that the key counts for";
        return Err(said.to_owned());
    }
    let mut spaces = spaces.split(',').map(str::trim);
    Ok(spaces.any(|space| matches!(space, "git" | "*")))
}

/// The first word, which may hold spaces in quotes, and the rest.
fn first(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.trim_start())
}

/// Whether a word is how a kind of keys is called; no option begins so.
fn is_kind(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"]
        .iter()
        .any(|start| word.starts_with(start))
}

/// The key in `KIND BASE64 [COMMENT]`.
fn key_of(text: &str) -> Result<Vec<u8>, String> {
    let mut words = text.split_ascii_whitespace();
    let (Some(kind), Some(digits)) = (words.next(), words.next()) else {
        return Err("write `NAME KIND KEY`, as in `ana@bank.example ssh-ed25519 AAAA…`".to_owned());
    };
    let known = || {
        format!(
            "the key is not understood; keys of ssh-ed25519, ecdsa-sha2-nistp256 and -nistp384, of ssh-rsa with 2048 \
             bits or more, and of security keys are, and not `{}`",
            word(kind.as_bytes())
        )
    };
    let key = STANDARD.decode(digits).map_err(|_| known())?;
    let read = Key::read(&key).ok_or_else(known)?;
    match read.is_called(kind) {
        true => Ok(key),
        false => Err(known()),
    }
}

/// A time as in `20270101`, `202701011200Z` or `20270101120000`.
fn moment(name: &str, text: &str) -> Result<Timestamp, String> {
    let read = || {
        let digits = text.strip_suffix('Z').unwrap_or(text);
        let whole = matches!(digits.len(), 8 | 12 | 14);
        if !whole || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let at = |from: usize| match digits.get(from..from + 2) {
            Some(two) => two.parse::<i8>().ok(),
            None => Some(0),
        };
        let year = digits.get(..4)?.parse::<i16>().ok()?;
        let time = DateTime::new(year, at(4)?, at(6)?, at(8)?, at(10)?, at(12)?, 0).ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    read().ok_or_else(|| format!("`{name}` is no time; write it as in `{name}=\"20270101\"`"))
}
