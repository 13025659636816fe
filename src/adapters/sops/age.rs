//! Reads what age wrote for an X25519 recipient: enough to unwrap the data key of a file, and no more.
//!
//! Nothing that holds a key has a `Debug`, and all of it is wiped when dropped.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use hmac::Mac as _;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const INTRO: &[u8] = b"age-encryption.org/v1\n";
/// Largest encrypted data key that is looked at, in bytes of armor.
const MAX_ARMOR: usize = 64 * 1024;
/// Most recipients in one file of age.
const MAX_STANZAS: usize = 32;
/// Longest line of a stanza's body.
const COLUMNS: usize = 64;

/// Why a data key could not be unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AgeError {
    /// It was encrypted for other keys.
    NotForUs,
    /// It is damaged, or no file of age.
    Damaged,
}

/// A private key.
pub(super) struct Identity {
    secret: StaticSecret,
    public: PublicKey,
}

impl Identity {
    /// Reads one line of a file of keys.
    pub(super) fn read(line: &str) -> Option<Self> {
        let bytes = bech32(line, "age-secret-key-")?;
        let secret = StaticSecret::from(*bytes);
        let public = PublicKey::from(&secret);
        Some(Self { secret, public })
    }

    /// The recipient that encrypts for it, as in `age1…`.
    pub(super) fn recipient(&self) -> String {
        let hrp = Hrp::parse("age").ok();
        let text = hrp.and_then(|hrp| bech32::encode::<Bech32>(hrp, self.public.as_bytes()).ok());
        text.unwrap_or_default()
    }

    /// The key of a file out of one stanza for it.
    fn unwrap(&self, stanza: &Stanza) -> Option<Zeroizing<[u8; 16]>> {
        let [kind, share] = stanza.arguments.as_slice() else {
            return None;
        };
        if kind != "X25519" {
            return None;
        }
        let share: [u8; 32] = STANDARD_NO_PAD.decode(share).ok()?.try_into().ok()?;
        let shared = self.secret.diffie_hellman(&PublicKey::from(share));
        if !shared.was_contributory() {
            return None;
        }
        let mut salt = [0_u8; 64];
        salt[..32].copy_from_slice(&share);
        salt[32..].copy_from_slice(self.public.as_bytes());
        let key = derive(shared.as_bytes(), &salt, b"age-encryption.org/v1/X25519")?;
        let plain = Zeroizing::new(open(&key, [0; 12], &stanza.body)?);
        Some(Zeroizing::new(plain.as_slice().try_into().ok()?))
    }
}

/// The content of an armored file, which must be short, with any of these keys. Each key costs a
/// multiplication for each recipient: no more than `tries` of them are done.
pub(super) fn decrypt(
    armored: &str,
    with: &[Identity],
    tries: &mut usize,
) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let bytes = dearmor(armored).ok_or(AgeError::Damaged)?;
    let file = File::read(&bytes).ok_or(AgeError::Damaged)?;
    let pairs = with
        .iter()
        .flat_map(|key| file.stanzas.iter().map(move |stanza| (key, stanza)));
    let key = pairs
        .take(*tries)
        .inspect(|_| *tries -= 1)
        .find_map(|(key, stanza)| key.unwrap(stanza));
    let key = key.ok_or(AgeError::NotForUs)?;
    file.content(&key).ok_or(AgeError::Damaged)
}

/// Bytes that stand behind a prefix, in whichever case.
fn bech32(text: &str, prefix: &str) -> Option<Zeroizing<[u8; 32]>> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    if checked.hrp().to_lowercase() != prefix {
        return None;
    }
    let bytes = Zeroizing::new(checked.byte_iter().collect::<Vec<u8>>());
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

fn derive(key: &[u8], salt: &[u8], about: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut out = Zeroizing::new([0_u8; 32]);
    Hkdf::<Sha256>::new(Some(salt), key)
        .expand(about, out.as_mut())
        .ok()?;
    Some(out)
}

fn open(key: &[u8; 32], nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = ChaCha20Poly1305::new(&Key::from(*key));
    cipher.decrypt(&Nonce::from(nonce), sealed).ok()
}

fn dearmor(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_ARMOR {
        return None;
    }
    let inner = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = inner.lines().map(str::trim).collect();
    STANDARD.decode(base64).ok()
}

struct Stanza {
    arguments: Vec<String>,
    body: Vec<u8>,
}

struct File<'a> {
    stanzas: Vec<Stanza>,
    /// The header up to its MAC.
    header: &'a [u8],
    mac: Vec<u8>,
    payload: &'a [u8],
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(INTRO)?;
        let mut stanzas = Vec::new();
        loop {
            let (line, after) = line(rest)?;
            if let Some(mac) = line.strip_prefix("--- ") {
                let header = &bytes[..bytes.len() - rest.len() + "---".len()];
                let mac = STANDARD_NO_PAD.decode(mac).ok()?;
                return Some(Self {
                    stanzas,
                    header,
                    mac,
                    payload: after,
                });
            }
            let arguments = line
                .strip_prefix("-> ")?
                .split(' ')
                .map(str::to_owned)
                .collect();
            let (body, after) = body(after)?;
            if stanzas.len() == MAX_STANZAS {
                return None;
            }
            stanzas.push(Stanza { arguments, body });
            rest = after;
        }
    }

    /// What is in it, if header and content are what was written with this key.
    fn content(&self, key: &[u8; 16]) -> Option<Zeroizing<Vec<u8>>> {
        let mac_key = derive(key, b"", b"header")?;
        let mut mac = hmac::Hmac::<Sha256>::new_from_slice(mac_key.as_ref()).ok()?;
        mac.update(self.header);
        mac.verify_slice(&self.mac).ok()?;
        let (nonce, sealed) = self.payload.split_at_checked(16)?;
        let key = derive(key, nonce, b"payload")?;
        // One chunk, the first and the last: a data key is short.
        let mut counter = [0_u8; 12];
        counter[11] = 1;
        open(&key, counter, sealed).map(Zeroizing::new)
    }
}

/// One line and what comes after it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// The body of a stanza: full lines, and one that is not full.
fn body(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut base64 = String::new();
    loop {
        let (text, after) = line(rest)?;
        base64.push_str(text);
        rest = after;
        match text.len() {
            COLUMNS => {}
            0..COLUMNS => return Some((STANDARD_NO_PAD.decode(base64).ok()?, rest)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_many_costs_no_more_than_is_allowed() {
        let secret = StaticSecret::from([7_u8; 32]);
        let public = PublicKey::from(&secret);
        let ours = [Identity { secret, public }];
        let share = STANDARD_NO_PAD.encode([9_u8; 32]);
        let stanzas = format!("-> X25519 {share}\n{share}\n").repeat(8);
        let text = format!("age-encryption.org/v1\n{stanzas}--- {share}\n");
        let armored = format!("{BEGIN}\n{}\n{END}", STANDARD.encode(text));
        for (allowed, left) in [(5, 0), (20, 12)] {
            let mut tries = allowed;
            let opened = decrypt(&armored, &ours, &mut tries);
            assert_eq!(opened.err(), Some(AgeError::NotForUs));
            assert_eq!(tries, left);
        }
    }
}
