//! Encrypted secrets, where their keys are: decrypted into what is sent to the API server, and covered again
//! in what it answers.
//!
//! Clear text never leaves this folder but in the body of a write. Keys are read from their files anew for
//! each use, so that a key that was exchanged holds at once, and no key is kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use crate::adapters::sops::age::{AgeError, Identity};
use crate::adapters::sops::open::OpenError;
use crate::apply::problem::{Problem, ProblemKind};
use crate::kinds::secret::envelope::{Envelope, EnvelopeError};
use crate::object::ObjectKey;
use crate::object::sealed::{MARK, OTHER, SEALED, Sealed, noted, placeholder};

mod age;
mod open;

pub use self::open::Clear;

/// Where keys may be named, the first that is set.
const VARIABLES: [&str; 2] = ["KUBEMATE_SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_FILE"];
/// Largest file of keys in bytes.
const MAX_KEYS: u64 = 64 * 1024;
/// How often keys are tried on one file; those that it names come first.
const MAX_TRIES: usize = 64;
/// Longest part of a recipient that is shown.
const MAX_SHOWN: usize = 80;
const DATA: &str = "/data";

/// Where the keys are, if anywhere. It holds no key.
#[derive(Debug, Clone, Default)]
pub struct Keys(Option<PathBuf>);

/// Why an encrypted file is not opened. It names places and recipients, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There are no keys here.
    #[error("no key is here")]
    NoKey,
    /// The keys cannot be read.
    #[error("the keys in `{0}` cannot be read: {1}")]
    Keys(String, String),
    /// There is a directory of keys, and none of this tenant.
    #[error("there is no key of tenant `{0}` here: `{1}` is missing")]
    NoTenant(String, String),
    /// A line is no key that is understood.
    #[error("line {1} of `{0}` is no X25519 key of age, as in `AGE-SECRET-KEY-1…`")]
    NotAKey(String, usize),
    /// It is encrypted for others.
    #[error("it is encrypted for {0}, and the keys that are here are not among them")]
    WrongKey(String),
    /// The data key is damaged.
    #[error("its data key for age is damaged")]
    Damaged,
    /// The envelope cannot be used.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It was changed after it was encrypted.
    #[error("{0}")]
    Changed(String),
}

impl From<OpenError> for SealError {
    fn from(error: OpenError) -> Self {
        Self::Changed(error.to_string())
    }
}

impl SealError {
    /// What to do about it, one sentence without full stop.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoKey => {
                "name the file of the age key: `--sops-key FILE`, or KUBEMATE_SOPS_AGE_KEY_FILE"
            }
            Self::Keys(..) | Self::NotAKey(..) => {
                "put a file there as `age-keygen` writes it, readable for kubemate alone"
            }
            Self::NoTenant(..) => {
                "put the tenant's key into that file; each tenant's files are opened with its own keys only"
            }
            Self::WrongKey(_) => {
                "use the key of one of them, or add a recipient whose key is here: `sops rotate --add-age RECIPIENT -i FILE`"
            }
            Self::Damaged | Self::Changed(_) => {
                "restore the file from Git, and change it with `sops edit` only"
            }
            Self::Envelope(error) => error.help(),
        }
    }
}

impl Keys {
    /// The keys at a path, else at the one that the environment names, else none.
    pub fn find(named: Option<&Path>) -> Self {
        let from = |name| std::env::var_os(name).filter(|path| !path.is_empty());
        let found = named.map(Path::to_owned);
        Self(found.or_else(|| VARIABLES.into_iter().find_map(from).map(PathBuf::from)))
    }

    /// Whether each tenant has keys of its own, as it should where sets of several tenants are written.
    pub fn are_apart(&self) -> bool {
        self.0.as_deref().is_none_or(|path| !path.is_file())
    }

    /// Whether a file can be opened here and is what was encrypted.
    pub fn check(&self, sealed: &Sealed) -> Result<(), SealError> {
        self.open(sealed).map(drop)
    }

    /// Puts clear text in place of the place-holders of a body that is about to be sent.
    pub(super) fn unseal(
        &self,
        key: &ObjectKey,
        body: &mut Value,
        sealed: &Sealed,
    ) -> Result<(), Problem> {
        let refuse = |said: String| Problem::new(ProblemKind::Sealed, format!("write {key}"), said);
        let clear = self.open(sealed).map_err(|error| {
            refuse(format!(
                "its values are encrypted in `{}`: {error}; {}",
                sealed.path,
                error.help()
            ))
        })?;
        for (name, value) in body
            .pointer_mut(DATA)
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
        {
            let stands = value.as_str().unwrap_or_default();
            if sealed.placeholder(name).as_deref() == Some(stands) {
                let bytes = clear.get(name);
                let bytes = bytes
                    .ok_or_else(|| refuse(format!("`{}` has no key `{name}`", sealed.path)))?;
                *value = Value::String(STANDARD.encode(bytes));
            } else if stands.starts_with(MARK) {
                return Err(refuse(format!(
                    "the ciphertext of `{name}` is not the one that was planned"
                )));
            }
        }
        Ok(())
    }

    /// Covers the data of an object that the API server answered: a value that comes from the ciphertext that
    /// its annotation names gets the place-holder of that ciphertext. Where the key is, it is compared; where
    /// it is not, the annotation is believed, and [`Keys::check`] says so.
    pub(super) fn seal(&self, body: &mut Value, sealed: &Sealed) {
        let at = format!("/metadata/annotations/{}", SEALED.replace('/', "~1"));
        let note = body
            .pointer(&at)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let (noted, clear) = (noted(&note), self.open(sealed).ok());
        let wanted =
            |name: &str, digest: &str| sealed.keys.get(name).is_some_and(|own| own == digest);
        for (name, value) in body
            .pointer_mut(DATA)
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
        {
            let known = noted.get(name.as_str()).filter(|digest| match &clear {
                Some(clear) if wanted(name, digest) => is(value, clear.get(name)),
                Some(_) | None => true,
            });
            let cover = known.map_or_else(|| OTHER.to_owned(), |digest| placeholder(digest));
            if let Value::String(text) = std::mem::replace(value, Value::String(cover)) {
                drop(Zeroizing::new(text));
            }
        }
    }

    /// The clear text of a file, after its MAC was verified.
    pub fn open(&self, sealed: &Sealed) -> Result<Clear, SealError> {
        let keys = self.of(&sealed.tenant)?;
        let envelope = Envelope::read(&sealed.path, &sealed.text)?;
        let own: BTreeMap<String, &Identity> =
            keys.iter().map(|key| (key.recipient(), key)).collect();
        let recipients = envelope.recipients.iter();
        let mut recipients: Vec<_> = recipients.map(|r| (own.get(&r.name), r)).collect();
        recipients.sort_by_key(|(own, _)| own.is_none());
        let ours = recipients.iter().any(|(own, _)| own.is_some());
        let (mut damaged, mut tries) = (false, MAX_TRIES);
        for (own, recipient) in recipients {
            let with = own.map_or(keys.as_slice(), |own| std::slice::from_ref(*own));
            match age::decrypt(&recipient.enc, with, &mut tries) {
                Ok(data_key) => return Ok(open::open(&envelope, &data_key)?),
                Err(AgeError::Damaged) => damaged = true,
                Err(AgeError::NotForUs) => {}
            }
        }
        let names: Vec<&str> = envelope
            .recipients
            .iter()
            .map(|r| r.name.as_str())
            .collect();
        if damaged || ours {
            return Err(SealError::Damaged);
        }
        // Recipients for post-quantum keys are very long.
        let short = |name: &&str| name.chars().take(MAX_SHOWN).collect::<String>();
        Err(SealError::WrongKey(
            names.iter().map(short).collect::<Vec<_>>().join(", "),
        ))
    }

    /// The keys that may open files of a tenant.
    fn of(&self, tenant: &str) -> Result<Vec<Identity>, SealError> {
        let path = self.0.as_deref().ok_or(SealError::NoKey)?;
        if !path.is_dir() {
            return read(path);
        }
        let name = format!("{tenant}.agekey");
        let own = path.join(&name);
        if own.is_file() {
            read(&own)
        } else {
            Err(SealError::NoTenant(tenant.to_owned(), name))
        }
    }
}

/// Whether a live value is this clear text.
fn is(value: &Value, clear: Option<&[u8]>) -> bool {
    let live = value
        .as_str()
        .and_then(|text| STANDARD.decode(text).ok())
        .map(Zeroizing::new);
    live.as_ref().map(|bytes| bytes.as_slice()) == clear
}

fn read(path: &Path) -> Result<Vec<Identity>, SealError> {
    let unread = |why: String| SealError::Keys(path.display().to_string(), why);
    let size = std::fs::metadata(path)
        .map_err(|error| unread(error.to_string()))?
        .len();
    if size > MAX_KEYS {
        return Err(unread("it is too large for a file of keys".into()));
    }
    let mut text = std::fs::read_to_string(path).map_err(|error| unread(error.to_string()))?;
    let mut keys = Vec::new();
    let mut wrong = None;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match Identity::read(line) {
            Some(key) => keys.push(key),
            None => wrong = wrong.or(Some(number)),
        }
    }
    text.zeroize();
    match wrong {
        Some(number) => Err(SealError::NotAKey(path.display().to_string(), number)),
        None if keys.is_empty() => Err(unread("there is no key in it".into())),
        None => Ok(keys),
    }
}
