//! Signatures of SSH keys, as `ssh-keygen -Y sign` writes them: read strictly here, verified by `ring`.
//!
//! The `ssh-key` crate would bring a second generation of the ciphers into the lock file; `ring` is
//! there for TLS.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use sha2::{Digest as _, Sha256, Sha512};

use super::{BEGIN, Refusal, word};

const FIRST: &str = "-----BEGIN SSH SIGNATURE-----";
const LAST: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
/// What `git` signs for.
const NAMESPACE: &[u8] = b"git";
/// Fewest bytes of an RSA modulus.
const RSA_BYTES: usize = 256;
/// The flag of a security key that somebody touched it.
const TOUCHED: u8 = 1;

/// Whether a line is the first one of a signature of any kind.
pub(super) fn begins(line: &[u8]) -> bool {
    let kinds: [&[u8]; 4] = [
        b"SSH SIGNATURE",
        b"PGP SIGNATURE",
        b"PGP MESSAGE",
        b"SIGNED MESSAGE",
    ];
    let kind = line.strip_prefix(BEGIN);
    kind.is_some_and(|kind| kinds.iter().any(|known| kind.starts_with(known)))
}

/// A key, as `ssh-keygen -l` shows it.
pub(super) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// Reads what SSH writes: numbers of four bytes, and strings behind their length.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes: [u8; 4] = self.take(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    /// A positive number, without the zeros before it.
    fn positive(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        let start = bytes.iter().position(|byte| *byte != 0)?;
        let negative = start == 0 && bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        bytes.get(start..).filter(|_| !negative)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// What a key signs with.
enum Lock<'a> {
    Ed25519(&'a [u8]),
    /// A point on a curve of so many bytes.
    Ecdsa(&'a [u8], usize),
    Rsa(RsaPublicKeyComponents<&'a [u8]>),
}

/// A public key.
pub(super) struct Key<'a> {
    kind: &'a [u8],
    lock: Lock<'a>,
    /// For a key that lies in a security key: what it signs for.
    application: Option<&'a [u8]>,
}

impl<'a> Key<'a> {
    /// The key, if it is of a kind that is understood and not too short.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut wire = Wire(bytes);
        let kind = wire.string()?;
        let lock = match kind {
            b"ssh-ed25519" | b"sk-ssh-ed25519@openssh.com" => Lock::Ed25519(wire.string()?),
            b"ecdsa-sha2-nistp256" | b"sk-ecdsa-sha2-nistp256@openssh.com" => {
                let curve = wire.string()?;
                Lock::Ecdsa(wire.string().filter(|_| curve == b"nistp256")?, 32)
            }
            b"ecdsa-sha2-nistp384" => {
                let curve = wire.string()?;
                Lock::Ecdsa(wire.string().filter(|_| curve == b"nistp384")?, 48)
            }
            b"ssh-rsa" => {
                let (e, n) = (wire.positive()?, wire.positive()?);
                if n.len() < RSA_BYTES {
                    return None;
                }
                Lock::Rsa(RsaPublicKeyComponents { n, e })
            }
            _ => return None,
        };
        let application = match kind.starts_with(b"sk-") {
            true => Some(wire.string()?),
            false => None,
        };
        wire.end()?;
        Some(Self {
            kind,
            lock,
            application,
        })
    }

    /// Whether this is what its kind is called.
    pub(super) fn is_called(&self, kind: &str) -> bool {
        self.kind == kind.as_bytes()
    }

    /// Whether a signature of this key is one of these bytes; `None` if it is no signature.
    fn verify(&self, signature: &[u8], signed: &[u8]) -> Option<bool> {
        let mut wire = Wire(signature);
        let (kind, signature) = (wire.string()?, wire.string()?);
        let mut told = Vec::new();
        if let Some(application) = self.application {
            let rest = wire.take(5)?;
            // Somebody has to have been there.
            if rest.first()? & TOUCHED == 0 {
                return None;
            }
            told.extend(Sha256::digest(application));
            told.extend_from_slice(rest);
            told.extend(Sha256::digest(signed));
        } else {
            told.extend_from_slice(signed);
        }
        wire.end()?;
        let same = kind == self.kind;
        Some(match &self.lock {
            Lock::Ed25519(key) if same => opens(&ED25519, key, &told, signature),
            Lock::Ecdsa(key, 32) if same => {
                opens(&ECDSA_P256_SHA256_FIXED, key, &told, &fixed(signature, 32)?)
            }
            Lock::Ecdsa(key, size) if same => opens(
                &ECDSA_P384_SHA384_FIXED,
                key,
                &told,
                &fixed(signature, *size)?,
            ),
            Lock::Rsa(key) => key.verify(rsa(kind)?, &told, signature).is_ok(),
            Lock::Ed25519(_) | Lock::Ecdsa(..) => return None,
        })
    }
}

fn opens(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> bool {
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(signed, signature).is_ok()
}

/// SHA-1, which `ssh-rsa` means, is not taken.
fn rsa(kind: &[u8]) -> Option<&'static RsaParameters> {
    match kind {
        b"rsa-sha2-256" => Some(&RSA_PKCS1_2048_8192_SHA256),
        b"rsa-sha2-512" => Some(&RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}

/// The two numbers of a signature beside each other, each of so many bytes.
fn fixed(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut wire = Wire(signature);
    let numbers = [wire.positive()?, wire.positive()?];
    wire.end()?;
    let mut fixed = Vec::with_capacity(2 * size);
    for number in numbers {
        let zeros = size.checked_sub(number.len())?;
        fixed.resize(fixed.len() + zeros, 0);
        fixed.extend_from_slice(number);
    }
    Some(fixed)
}

/// A signature that was read and not verified yet.
#[derive(Debug)]
pub(super) struct SshSig {
    key: Vec<u8>,
    reserved: Vec<u8>,
    hash: Hash,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Hash {
    Sha256,
    Sha512,
}

impl SshSig {
    /// Takes the armour off; what it holds is not believed yet.
    pub(super) fn read(armour: &[u8]) -> Result<Self, Refusal> {
        let armour = armour.trim_ascii();
        if armour.is_empty() {
            return Err(Refusal::Empty);
        }
        match armour.strip_prefix(BEGIN) {
            Some(kind) if kind.starts_with(b"PGP ") => return Err(Refusal::OpenPgp),
            Some(kind) if kind.starts_with(b"SIGNED ") => return Err(Refusal::Certificate),
            _ => {}
        }
        let text = std::str::from_utf8(armour).ok();
        let body = text.and_then(|text| text.strip_prefix(FIRST)?.strip_suffix(LAST));
        let body = body.ok_or(Refusal::Unreadable("it does not look like one"))?;
        let digits: String = body.split_ascii_whitespace().collect();
        if digits.is_empty() {
            return Err(Refusal::Empty);
        }
        let bytes = STANDARD.decode(digits);
        let bytes = bytes.map_err(|_| Refusal::Unreadable("it is not base64"))?;
        let odd = Refusal::Unreadable("it is cut, or has more than it should");
        let (namespace, read) = Self::unpack(&bytes).ok_or(odd)?;
        match namespace == NAMESPACE {
            true => Ok(read),
            false => Err(Refusal::Elsewhere(word(namespace))),
        }
    }

    fn unpack(bytes: &[u8]) -> Option<(&[u8], Self)> {
        let mut wire = Wire(bytes.strip_prefix(MAGIC)?);
        if wire.number()? != 1 {
            return None;
        }
        let (key, namespace, reserved) = (wire.string()?, wire.string()?, wire.string()?);
        let hash = match wire.string()? {
            b"sha256" => Hash::Sha256,
            b"sha512" => Hash::Sha512,
            _ => return None,
        };
        let signature = wire.string()?.to_vec();
        wire.end()?;
        let (key, reserved) = (key.to_vec(), reserved.to_vec());
        let read = Self {
            key,
            reserved,
            hash,
            signature,
        };
        Some((namespace, read))
    }

    /// The key that is said to have signed.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Whether that key signed this.
    pub(super) fn verify(&self, message: &[u8]) -> Result<(), Refusal> {
        let key = Key::read(&self.key).ok_or(Refusal::Unreadable("its key is not understood"))?;
        match key.verify(&self.signature, &self.told(message)) {
            Some(true) => Ok(()),
            Some(false) => Err(Refusal::Altered),
            None => Err(Refusal::Unreadable("it does not fit its key")),
        }
    }

    /// What is signed of a message.
    fn told(&self, message: &[u8]) -> Vec<u8> {
        let (name, digest) = match self.hash {
            Hash::Sha256 => ("sha256", Sha256::digest(message).to_vec()),
            Hash::Sha512 => ("sha512", Sha512::digest(message).to_vec()),
        };
        let reserved = self.reserved.as_slice();
        let mut told = MAGIC.to_vec();
        told.extend(wire(&[NAMESPACE, reserved, name.as_bytes(), &digest]));
        told
    }
}

/// Strings behind their length, as SSH has them.
pub fn wire(parts: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::new();
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        all.extend_from_slice(&length.to_be_bytes());
        all.extend_from_slice(part);
    }
    all
}
