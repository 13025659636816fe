//! Decrypts an envelope with its data key, and proves by its MAC that nothing in it was exchanged.
//!
//! What comes out has no `Debug` and is wiped when dropped.

use std::collections::BTreeMap;

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Key};
use serde_json::Value;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use crate::kinds::secret::envelope::{Cipher, Envelope, Form, Leaf};

/// What SOPS begins with where its MAC is over encrypted values alone, so that the two never meet.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
    0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Why a file is not what was encrypted. Only places are named, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OpenError {
    /// The data key has another length.
    #[error("its data key is damaged")]
    DataKey,
    /// A value does not fit the key, its place or its tag.
    #[error("`{0}` was changed or moved without the key")]
    Value(String),
    /// The MAC does not fit.
    #[error("its MAC does not fit its values, so it was changed without the key")]
    Mac,
    /// The envelope itself.
    #[error("{0}")]
    Envelope(String),
}

/// Clear text by key. It has no `Debug` and is wiped when dropped.
#[derive(Default)]
pub struct Clear(BTreeMap<String, Zeroizing<Vec<u8>>>);

impl Clear {
    /// The clear text of a key.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(|bytes| bytes.as_slice())
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

type Gcm = AesGcm<Aes256, U32>;

/// The encrypted values on the first level, after all values were decrypted and their MAC was verified.
pub(super) fn open(envelope: &Envelope, data_key: &[u8]) -> Result<Clear, OpenError> {
    let key: [u8; 32] = data_key.try_into().map_err(|_| OpenError::DataKey)?;
    let key = Zeroizing::new(key);
    let gcm = Gcm::new(&Key::<Gcm>::from(*key));
    let mut hash = Sha512::new();
    if envelope.mac_only_encrypted {
        hash.update(ONLY_ENCRYPTED);
    }
    let mut clear = Clear::default();
    let leaves = envelope
        .leaves()
        .map_err(|error| OpenError::Envelope(error.to_string()))?;
    for leaf in leaves {
        let value = if leaf.sealed {
            decrypted(&gcm, &leaf)?
        } else {
            plain(&leaf)?
        };
        if leaf.sealed || !envelope.mac_only_encrypted {
            hash.update(value.hashed.as_slice());
        }
        if let ([key], true, Value::String(_)) = (leaf.path.as_slice(), leaf.sealed, leaf.value)
            && envelope.values.get(*key).is_some_and(Value::is_string)
        {
            clear.0.insert((*key).to_owned(), value.bytes);
        }
    }
    let said = bytes(&gcm, &envelope.mac, &envelope.modified).ok_or(OpenError::Mac)?;
    let found = hash.finalize();
    let same = hex(&found).as_bytes() == said.as_slice();
    if same { Ok(clear) } else { Err(OpenError::Mac) }
}

struct Opened {
    /// What stands in the Secret.
    bytes: Zeroizing<Vec<u8>>,
    /// What the MAC is over.
    hashed: Zeroizing<Vec<u8>>,
}

fn decrypted(gcm: &Gcm, leaf: &Leaf<'_>) -> Result<Opened, OpenError> {
    let wrong = || OpenError::Value(leaf.place());
    let text = leaf.value.as_str().ok_or_else(wrong)?;
    if text.is_empty() {
        return Ok(Opened {
            bytes: Zeroizing::default(),
            hashed: Zeroizing::default(),
        });
    }
    let cipher = Cipher::read(text).ok_or_else(wrong)?;
    let hashed = bytes(gcm, &cipher, &leaf.bound_to()).ok_or_else(wrong)?;
    // The type is not part of what is authenticated, so the bytes must be what SOPS writes for it.
    let text = std::str::from_utf8(&hashed);
    let shown = match cipher.form {
        Form::Text | Form::Bytes | Form::Time => {
            return Ok(Opened {
                bytes: hashed.clone(),
                hashed,
            });
        }
        Form::Int => {
            let number: i64 = text.ok().and_then(|t| t.parse().ok()).ok_or_else(wrong)?;
            (number.to_string().as_bytes() == hashed.as_slice()).then(|| hashed.clone())
        }
        Form::Float => {
            let number: f64 = text.ok().and_then(|t| t.parse().ok()).ok_or_else(wrong)?;
            number.is_finite().then(|| hashed.clone())
        }
        Form::Bool => match text {
            Ok("True") => Some(Zeroizing::new(b"true".to_vec())),
            Ok("False") => Some(Zeroizing::new(b"false".to_vec())),
            _ => None,
        },
        // In lists, comments may stand as items; they are no values.
        Form::Comment if leaf.value.is_string() && leaf.path.len() > 1 => {
            return Ok(Opened {
                bytes: Zeroizing::default(),
                hashed: Zeroizing::default(),
            });
        }
        Form::Comment => None,
    };
    let bytes = shown.ok_or_else(wrong)?;
    Ok(Opened { bytes, hashed })
}

/// A value that stands in clear text counts for the MAC alone.
fn plain(leaf: &Leaf<'_>) -> Result<Opened, OpenError> {
    let hashed = match leaf.value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(float)) => float.to_string(),
            (None, None) => return Err(OpenError::Value(leaf.place())),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    };
    Ok(Opened {
        bytes: Zeroizing::default(),
        hashed: Zeroizing::new(hashed.into_bytes()),
    })
}

fn bytes(gcm: &Gcm, cipher: &Cipher, bound_to: &str) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = [cipher.data.as_slice(), &cipher.tag].concat();
    let payload = Payload {
        msg: &sealed,
        aad: bound_to.as_bytes(),
    };
    gcm.decrypt(&cipher.iv.into(), payload)
        .ok()
        .map(Zeroizing::new)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
