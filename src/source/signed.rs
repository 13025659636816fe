//! Who signed a commit or a tag, judged on the bytes that Git keeps of it.
//!
//! What is demanded is data: lines of allowed signers, as OpenSSH writes them. Nothing of an object is
//! believed before its signature is, neither its author nor its tree. Signatures of SSH keys are
//! understood; every other one is refused, and none is ever passed over.

mod signers;
mod sshsig;

use jiff::Timestamp;

use super::repository::CommitId;
use sshsig::SshSig;

pub use signers::{Signers, SignersError};
pub use sshsig::wire;

/// What every signature begins with.
const BEGIN: &[u8] = b"-----BEGIN ";
/// Most characters of a foreign word in a sentence.
const MAX_WORD: usize = 80;

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The names in the line of the key.
    pub name: String,
    /// The key, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
}

/// Why a commit or a tag does not count as signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// The place of the signature holds nothing.
    #[error("its signature is empty")]
    Empty,
    /// There are several.
    #[error("it holds more than one signature, and it cannot be told which one counts")]
    Several,
    /// A signature of OpenPGP.
    #[error("it is signed with OpenPGP, and only signatures of SSH keys are understood")]
    OpenPgp,
    /// A signature with a certificate.
    #[error(
        "it is signed with an X.509 certificate, and only signatures of SSH keys are understood"
    )]
    Certificate,
    /// Something that is no signature, or an object that Git would not write.
    #[error("its signature cannot be read: {0}")]
    Unreadable(&'static str),
    /// A signature that was made for something else.
    #[error("its signature is for `{0}`, not for Git")]
    Elsewhere(String),
    /// Other bytes were signed.
    #[error("its signature is of other bytes: it was changed after it was signed")]
    Altered,
    /// Nobody said that this key counts.
    #[error("it is signed with the key {fingerprint}, which nobody named")]
    Unknown {
        /// The key.
        fingerprint: String,
    },
    /// The key counted once.
    #[error("it is signed with a key of {name}, which counts until {until} only")]
    Expired {
        /// Whose key it is.
        name: String,
        /// Its end.
        until: Timestamp,
    },
    /// The key will count.
    #[error("it is signed with a key of {name}, which counts from {from} on only")]
    NotYet {
        /// Whose key it is.
        name: String,
        /// Its beginning.
        from: Timestamp,
    },
    /// There is no tag that could be signed.
    #[error("the ref is no annotated tag")]
    NoTag,
    /// What was signed has another name.
    #[error("what was signed is a tag with the name `{0}`")]
    OtherName(String),
    /// What was signed is about something else.
    #[error("what was signed names another commit")]
    OtherCommit,
}

impl Refusal {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unsigned
            | Self::Empty
            | Self::Several
            | Self::OpenPgp
            | Self::Certificate
            | Self::Unreadable(_)
            | Self::Elsewhere(_) => {
                "sign it with an SSH key that `verify.signers` names (`git config gpg.format ssh`, then \
                 `git commit -S` or `git tag -s`)"
            }
            Self::Altered => "find out who changed it, and push what was signed",
            Self::Unknown { .. } => {
                "let somebody sign it whom `verify.signers` names, or add that key there if it is to count"
            }
            Self::Expired { .. } | Self::NotYet { .. } => {
                "let somebody sign it whose key counts now, or change the dates in `verify.signers`"
            }
            Self::NoTag => "with `signed: tag`, `ref` names a tag that `git tag -s` made",
            Self::OtherName(_) | Self::OtherCommit => "make the tag anew with `git tag -s`",
        }
    }
}

/// Who signed a commit, by its bytes. Without a time, when a key counts is not asked.
pub fn commit(object: &[u8], signers: &Signers, at: Option<Timestamp>) -> Result<Signer, Refusal> {
    let (signed, signature) = taken_out(object)?;
    judge(&signed, &signature, signers, at)
}

/// Who signed a tag, by its bytes, that has this name and is of this commit.
pub fn tag(
    object: &[u8],
    (name, commit): (&str, &CommitId),
    signers: &Signers,
    at: Option<Timestamp>,
) -> Result<Signer, Refusal> {
    let (signed, signature) = cut_off(object)?;
    let signer = judge(signed, signature, signers, at)?;
    let (headers, _) = parts(signed)?;
    let mut lines = headers.split(|byte| *byte == b'\n');
    let mut field = |start: &[u8]| lines.next().and_then(|line| line.strip_prefix(start));
    let (Some(target), Some(kind), Some(named)) =
        (field(b"object "), field(b"type "), field(b"tag "))
    else {
        return Err(Refusal::Unreadable("it is no tag as Git writes one"));
    };
    if kind != b"commit" || target != commit.as_str().as_bytes() {
        return Err(Refusal::OtherCommit);
    }
    if named != name.as_bytes() {
        return Err(Refusal::OtherName(word(named)));
    }
    Ok(signer)
}

fn judge(
    signed: &[u8],
    signature: &[u8],
    signers: &Signers,
    at: Option<Timestamp>,
) -> Result<Signer, Refusal> {
    let signature = SshSig::read(signature)?;
    let signer = signers.find(signature.key(), at)?;
    signature.verify(signed)?;
    Ok(signer)
}

/// The headers of an object with the end of their last line, and what comes after.
fn parts(object: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let end = object.windows(2).position(|two| two == b"\n\n");
    let end = end.ok_or(Refusal::Unreadable("its headers have no end"))?;
    let (headers, rest) = object.split_at(end + 1);
    match headers.contains(&0) {
        // Readers differ in where such a header ends.
        true => Err(Refusal::Unreadable("there is a zero byte in its headers")),
        false => Ok((headers, rest)),
    }
}

/// What was signed of a commit, and the signature, which stands in a header of its own.
fn taken_out(object: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let (headers, rest) = parts(object)?;
    let mut signed = Vec::with_capacity(object.len());
    let mut signature: Option<Vec<u8>> = None;
    let mut inside = false;
    for line in headers.split_inclusive(|byte| *byte == b'\n') {
        if let Some(known) = signature.as_mut().filter(|_| inside)
            && let Some(more) = line.strip_prefix(b" ")
        {
            known.extend_from_slice(more);
            continue;
        }
        inside = line.starts_with(b"gpgsig");
        if !inside {
            signed.extend_from_slice(line);
            continue;
        }
        let first = line.strip_prefix(b"gpgsig").unwrap_or_default();
        // `gpgsig-sha256` is for repositories with other ids; beside ours it would be a second one.
        let plain = first == b"\n" || first.starts_with(b" ");
        if signature.is_some() || !plain {
            return Err(Refusal::Several);
        }
        signature = Some(first.trim_ascii_start().to_vec());
    }
    let trees = signed.split(|byte| *byte == b'\n');
    let trees = trees.filter(|line| line.starts_with(b"tree ")).count();
    if trees != 1 || !signed.starts_with(b"tree ") {
        return Err(Refusal::Unreadable("it is no commit as Git writes one"));
    }
    signed.extend_from_slice(rest);
    Ok((signed, signature.ok_or(Refusal::Unsigned)?))
}

/// What was signed of a tag, and the signature, which stands at its end.
fn cut_off(object: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let (headers, _) = parts(object)?;
    let mut lines = headers.split(|byte| *byte == b'\n');
    if lines.any(|line| line.starts_with(b"gpgsig")) {
        return Err(Refusal::Several);
    }
    let mut begins = Vec::new();
    let mut at = 0;
    for line in object.split_inclusive(|byte| *byte == b'\n') {
        if sshsig::begins(line) {
            begins.push(at);
        }
        at += line.len();
    }
    match begins.as_slice() {
        [] => Err(Refusal::Unsigned),
        [one] => Ok(object.split_at(*one)),
        _ => Err(Refusal::Several),
    }
}

/// A foreign word, fit to be shown.
fn word(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .take(MAX_WORD)
        .flat_map(char::escape_debug)
        .collect()
}

#[cfg(test)]
mod tests;
