//! Values that Git keeps as ciphertext and nobody but the API server may see in clear text.
//!
//! In everything that is rendered, compared, planned, saved and printed a place-holder stands for each of
//! them: the digest of its ciphertext. It is no base64, so an API server refuses it as the data of a Secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The annotation of a Secret that says which ciphertext its data was decrypted from.
pub const SEALED: &str = "kubemate.dev/sealed";
/// How a place-holder begins. A colon never occurs in base64.
pub const MARK: &str = "sealed:";
/// What stands for a live value that is not known to come from any ciphertext.
pub const OTHER: &str = "sealed:other";

/// The encrypted file that an object's data comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sealed {
    /// The tenant whose keys may open it.
    pub tenant: String,
    /// Its path in the repository.
    pub path: String,
    /// Its text: ciphertext and what is needed to decrypt it.
    pub text: String,
    /// The keys that are taken, with the digest of each one's ciphertext.
    pub keys: BTreeMap<String, String>,
}

impl Sealed {
    /// A file of which these keys with these ciphertexts are taken.
    pub fn new<'a>(
        tenant: &str,
        path: String,
        text: String,
        keys: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let digest = |(key, ciphertext): (&str, &str)| {
            let hash = blake3::hash(ciphertext.as_bytes()).to_hex();
            (key.to_owned(), hash[..32].to_owned())
        };
        Self {
            tenant: tenant.to_owned(),
            path,
            text,
            keys: keys.into_iter().map(digest).collect(),
        }
    }

    /// What stands for the value of a key, if the key is taken.
    pub fn placeholder(&self, key: &str) -> Option<String> {
        self.keys.get(key).map(|digest| placeholder(digest))
    }

    /// The value of the annotation: `KEY=DIGEST,KEY=DIGEST`.
    pub fn note(&self) -> String {
        let each = self
            .keys
            .iter()
            .map(|(key, digest)| format!("{key}={digest}"));
        each.collect::<Vec<_>>().join(",")
    }
}

/// What stands for the value with this digest of its ciphertext.
pub fn placeholder(digest: &str) -> String {
    format!("{MARK}{digest}")
}

/// The digests by key that an annotation speaks of.
pub fn noted(annotation: &str) -> BTreeMap<&str, &str> {
    annotation
        .split(',')
        .filter_map(|part| part.split_once('='))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_which_ciphertext_and_a_placeholder_is_no_base64() {
        let sealed = Sealed::new(
            "a",
            "p".into(),
            "t".into(),
            [("user", "ENC[1]"), ("pass", "ENC[2]")],
        );
        let note = sealed.note();
        let read = noted(&note);
        assert_eq!(read.keys().copied().collect::<Vec<_>>(), ["pass", "user"]);
        for (key, digest) in read {
            let placeholder = placeholder(digest);
            assert_eq!(sealed.placeholder(key), Some(placeholder.clone()));
            assert!(
                !placeholder
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
            );
            assert_ne!(placeholder, OTHER);
        }
        assert_eq!(sealed.placeholder("other"), None);
        let changed = Sealed::new(
            "a",
            "p".into(),
            "t".into(),
            [("user", "ENC[1]"), ("pass", "ENC[3]")],
        );
        assert_eq!(sealed.placeholder("user"), changed.placeholder("user"));
        assert_ne!(sealed.placeholder("pass"), changed.placeholder("pass"));
    }
}
