//! The envelope of a file encrypted by SOPS: what stands in clear text in it. Nothing is decrypted here.
//!
//! Names and structure of such a file are in clear text, so which keys there are, which of them are
//! encrypted, and for whom, is known without any key. What cannot be decrypted everywhere alike is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::bytes::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

/// Deepest nesting of maps and lists.
const MAX_DEPTH: usize = 32;
/// Most recipients of a file.
const MAX_RECIPIENTS: usize = 64;
/// Where SOPS keeps what it needs.
const PART: &str = "sops";
/// Services that may keep a data key, and what they are called.
const SERVICES: [(&str, &str); 6] = [
    ("pgp", "PGP"),
    ("kms", "AWS KMS"),
    ("gcp_kms", "Google Cloud KMS"),
    ("azure_kv", "Azure Key Vault"),
    ("hc_vault", "Vault"),
    ("hckms", "Huawei Cloud KMS"),
];

/// Why a file is not one that can be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Neither YAML nor JSON by its name.
    #[error("its name ends neither in `.yaml` nor in `.json`")]
    Name,
    /// Not YAML or JSON, or more than one document.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It was never encrypted.
    #[error("it has no `sops` part, so it is not encrypted")]
    NotEncrypted,
    /// A field of the `sops` part is missing or is not what SOPS writes.
    #[error("`sops.{0}` is missing or is not what SOPS writes")]
    Part(&'static str),
    /// The data key is kept by a service only.
    #[error("its data key is kept by {0} and for no age recipient, and kubemate asks no such service")]
    Service(String),
    /// The data key is split between groups of keys.
    #[error("its data key is split between groups of keys")]
    Groups,
    /// What is encrypted depends on comments.
    #[error("comments decide what is encrypted in it")]
    Comments,
    /// A regular expression that is not understood.
    #[error("`sops.{0}` is not a regular expression that is understood")]
    Pattern(&'static str),
    /// A value that should be ciphertext and is not.
    #[error("`{0}` is in clear text though it should be encrypted")]
    Clear(String),
    /// A value that looks like ciphertext and is damaged.
    #[error("the ciphertext of `{0}` is damaged")]
    Damaged(String),
    /// Nested too deeply.
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    Deep,
}

impl EnvelopeError {
    /// What to do about it, one sentence without full stop.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Name => "name it `NAME.enc.yaml` or `NAME.enc.json`, with keys and values on its first level",
            Self::NotEncrypted => "take it out of Git, change what is in it, and commit only what `sops encrypt --age RECIPIENT` writes",
            Self::Service(_) => "add an age recipient: `sops rotate --add-age RECIPIENT -i FILE`",
            Self::Groups => "encrypt it for one group of keys, without `shamir_threshold`",
            Self::Comments => "use `encrypted_regex` or `encrypted_suffix` instead",
            Self::Pattern(_) => "write a simpler one",
            Self::Clear(_) => "change that value, for it was in Git, and encrypt the file again",
            Self::Unreadable(_) | Self::Part(_) | Self::Damaged(_) | Self::Deep => {
                "restore the file from Git, or encrypt it again with `sops`"
            }
        }
    }
}

/// An encrypted file.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// What is encrypted, in the order of the file, without the part of SOPS.
    pub values: Map<String, Value>,
    /// For whom the data key is encrypted.
    pub recipients: Vec<Recipient>,
    /// When it was changed, as SOPS wrote it: the MAC is bound to it.
    pub modified: String,
    /// The encrypted MAC over the values.
    pub mac: Cipher,
    /// Whether the MAC is over encrypted values alone.
    pub mac_only_encrypted: bool,
    rule: Rule,
}

/// One age recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// As in `age1…`.
    pub name: String,
    /// The data key, encrypted for it, in armor.
    pub enc: String,
}

/// One ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cipher {
    /// The encrypted bytes.
    pub data: Vec<u8>,
    /// The nonce.
    pub iv: [u8; 32],
    /// The tag.
    pub tag: [u8; 16],
    /// What the bytes mean.
    pub form: Form,
}

/// What a value was before it was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// True or false.
    Bool,
    /// Bytes.
    Bytes,
    /// A point in time.
    Time,
    /// A comment, which is no value.
    Comment,
}

/// One value of the tree.
#[derive(Debug, Clone)]
pub struct Leaf<'a> {
    /// Names of the maps that it lies in; places in lists do not count.
    pub path: Vec<&'a str>,
    /// The value as it stands in the file.
    pub value: &'a Value,
    /// Whether it should be encrypted.
    pub sealed: bool,
}

impl Leaf<'_> {
    /// What the ciphertext is bound to.
    pub fn bound_to(&self) -> String {
        format!("{}:", self.path.join(":"))
    }

    /// Its place for people.
    pub fn place(&self) -> String {
        self.path.join(".")
    }
}

/// What decides which values are encrypted.
#[derive(Debug, Clone)]
enum Rule {
    All,
    But(Match),
    Only(Match),
}

#[derive(Debug, Clone)]
enum Match {
    Suffix(String),
    Pattern(Regex),
}

impl Match {
    fn fits(&self, path: &[&str]) -> bool {
        path.iter().any(|name| match self {
            Self::Suffix(suffix) => name.ends_with(suffix),
            Self::Pattern(pattern) => pattern.is_match(name.as_bytes()),
        })
    }
}

impl Envelope {
    /// Reads a file by its name and text.
    pub fn read(path: &str, text: &str) -> Result<Self, EnvelopeError> {
        let mut values = tree(path, text)?;
        let Some(Value::Object(part)) = values.shift_remove(PART) else {
            return Err(EnvelopeError::NotEncrypted);
        };
        let mac = text_of(&part, "mac")?;
        let envelope = Self {
            recipients: recipients(&part)?,
            modified: text_of(&part, "lastmodified")?.to_owned(),
            mac: Cipher::read(mac).ok_or(EnvelopeError::Part("mac"))?,
            mac_only_encrypted: part.get("mac_only_encrypted") == Some(&Value::Bool(true)),
            rule: rule(&part)?,
            values,
        };
        for leaf in envelope.leaves()? {
            if leaf.sealed {
                sealed(&leaf)?;
            }
        }
        Ok(envelope)
    }

    /// All values in the order of the file; a null is none.
    pub fn leaves(&self) -> Result<Vec<Leaf<'_>>, EnvelopeError> {
        let mut out = Vec::new();
        for (name, value) in &self.values {
            self.walk(value, &mut vec![name], 0, &mut out)?;
        }
        Ok(out)
    }

    /// Whether the value of a key on the first level is encrypted.
    pub fn seals(&self, key: &str) -> bool {
        self.rule.seals(&[key])
    }

    fn walk<'a>(
        &self,
        value: &'a Value,
        path: &mut Vec<&'a str>,
        depth: usize,
        out: &mut Vec<Leaf<'a>>,
    ) -> Result<(), EnvelopeError> {
        if depth > MAX_DEPTH {
            return Err(EnvelopeError::Deep);
        }
        match value {
            Value::Null => {}
            Value::Object(map) => {
                for (name, below) in map {
                    path.push(name);
                    self.walk(below, path, depth + 1, out)?;
                    path.pop();
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.walk(item, path, depth + 1, out)?;
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push(Leaf {
                sealed: self.rule.seals(path),
                path: path.clone(),
                value,
            }),
        }
        Ok(())
    }
}

impl Rule {
    fn seals(&self, path: &[&str]) -> bool {
        match self {
            Self::All => true,
            Self::But(what) => !what.fits(path),
            Self::Only(what) => what.fits(path),
        }
    }
}

impl Cipher {
    /// Reads `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.
    pub fn read(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("ENC[AES256_GCM,")?.strip_suffix(']')?;
        let mut parts = inner.split(',');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix(':');
        let decoded = |text: &str| STANDARD.decode(text).ok();
        let cipher = Self {
            data: decoded(part("data")?)?,
            iv: decoded(part("iv")?)?.try_into().ok()?,
            tag: decoded(part("tag")?)?.try_into().ok()?,
            form: match part("type")? {
                "str" => Form::Text,
                "int" => Form::Int,
                "float" => Form::Float,
                "bool" => Form::Bool,
                "bytes" => Form::Bytes,
                "time" => Form::Time,
                "comment" => Form::Comment,
                _ => return None,
            },
        };
        parts.next().is_none().then_some(cipher)
    }
}

/// Whether a text looks like ciphertext.
pub fn is_ciphertext(text: &str) -> bool {
    text.starts_with("ENC[")
}

/// A value that should be encrypted is; an empty text is left empty by SOPS.
fn sealed(leaf: &Leaf<'_>) -> Result<(), EnvelopeError> {
    match leaf.value.as_str() {
        Some("") => Ok(()),
        Some(text) if Cipher::read(text).is_some() => Ok(()),
        Some(text) if is_ciphertext(text) => Err(EnvelopeError::Damaged(leaf.place())),
        Some(_) | None => Err(EnvelopeError::Clear(leaf.place())),
    }
}

fn tree(path: &str, text: &str) -> Result<Map<String, Value>, EnvelopeError> {
    let end = path.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    let read: Result<Value, String> = match end.as_deref() {
        Some("json") => json(text),
        Some("yaml" | "yml") => yaml(text),
        _ => return Err(EnvelopeError::Name),
    };
    match read {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(EnvelopeError::Unreadable("it is not a map of keys and values".into())),
        Err(why) => Err(EnvelopeError::Unreadable(why)),
    }
}

/// JSON is YAML, and only the reader of YAML refuses keys that are there twice. Its place tells enough; its
/// words may quote a value.
fn json(text: &str) -> Result<Value, String> {
    let plain: Value = serde_json::from_str(text)
        .map_err(|error| format!("line {} is not JSON", error.line()))?;
    yaml(text).map(|_| plain)
}

fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        legacy_octal_numbers: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: MAX_DEPTH * 2,
            max_aliases: 0,
            max_anchors: 0,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| match error.location() {
        Some(at) => format!("line {} is not YAML that is read here", at.line()),
        None => "it is not one document of YAML".to_owned(),
    })
}

fn text_of<'a>(part: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, EnvelopeError> {
    let text = part.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or(EnvelopeError::Part(name))
}

fn is_set(part: &Map<String, Value>, name: &str) -> bool {
    part.get(name).is_some_and(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Number(number) => number.as_u64() != Some(0),
        Value::Bool(_) | Value::Object(_) => true,
    })
}

fn recipients(part: &Map<String, Value>) -> Result<Vec<Recipient>, EnvelopeError> {
    if is_set(part, "key_groups") || is_set(part, "shamir_threshold") {
        return Err(EnvelopeError::Groups);
    }
    let listed = part.get("age").and_then(Value::as_array);
    let of = |item: &Value| {
        let text = |name| item.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = text("recipient").filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric()))?;
        Some(Recipient { name, enc: text("enc")? })
    };
    let found: Option<Vec<Recipient>> = listed.into_iter().flatten().map(of).collect();
    match found {
        Some(found) if found.len() > MAX_RECIPIENTS => Err(EnvelopeError::Part("age")),
        None => Err(EnvelopeError::Part("age")),
        Some(found) if !found.is_empty() => Ok(found),
        Some(_) => {
            let services = SERVICES.iter().filter(|(name, _)| is_set(part, name));
            let names: Vec<&str> = services.map(|(_, name)| *name).collect();
            Err(match names.as_slice() {
                [] => EnvelopeError::Part("age"),
                names => EnvelopeError::Service(names.join(" and ")),
            })
        }
    }
}

fn rule(part: &Map<String, Value>) -> Result<Rule, EnvelopeError> {
    if is_set(part, "encrypted_comment_regex") || is_set(part, "unencrypted_comment_regex") {
        return Err(EnvelopeError::Comments);
    }
    let text = |name| part.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let pattern = |name: &'static str, text: &str| {
        let built = RegexBuilder::new(text).unicode(false).size_limit(1 << 20).build();
        built.map(Match::Pattern).map_err(|_| EnvelopeError::Pattern(name))
    };
    // One of them at most is ever written.
    if let Some(suffix) = text("encrypted_suffix") {
        return Ok(Rule::Only(Match::Suffix(suffix.to_owned())));
    }
    if let Some(regex) = text("encrypted_regex") {
        return Ok(Rule::Only(pattern("encrypted_regex", regex)?));
    }
    if let Some(regex) = text("unencrypted_regex") {
        return Ok(Rule::But(pattern("unencrypted_regex", regex)?));
    }
    match text("unencrypted_suffix") {
        Some(suffix) => Ok(Rule::But(Match::Suffix(suffix.to_owned()))),
        None => Ok(Rule::All),
    }
}
