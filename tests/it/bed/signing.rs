//! Commits and tags that people sign with keys of SSH, written as Git writes them. Each key is made from a
//! number.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::{ObjectType, Oid, Repository};
use kubemate::source::signed::wire;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha512};

/// Somebody with a key.
pub(crate) struct Pen(Ed25519KeyPair);

impl Pen {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn key(&self) -> Vec<u8> {
        wire(&[b"ssh-ed25519", self.0.public_key().as_ref()])
    }

    /// The line that allows this key, with these options.
    pub(crate) fn line(&self, options: &str) -> String {
        let key = STANDARD.encode(self.key());
        format!("ana@bank.example {options} ssh-ed25519 {key}")
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        let digest = Sha512::digest(text).to_vec();
        let mut told = b"SSHSIG".to_vec();
        told.extend(wire(&[b"git", b"", b"sha512", &digest]));
        let signature = self.0.sign(&told);
        let signature = wire(&[b"ssh-ed25519", signature.as_ref()]);
        let mut all = b"SSHSIG\0\0\0\x01".to_vec();
        all.extend(wire(&[&self.key(), b"git", b"", b"sha512", &signature]));
        let digits = STANDARD.encode(all);
        format!("-----BEGIN SSH SIGNATURE-----\n{digits}\n-----END SSH SIGNATURE-----")
    }

    /// The same commit with a signature.
    pub(crate) fn commit(&self, git: &Repository, commit: &str) -> String {
        let text = text(git, commit);
        with_headers(git, &text, &[self.sign(&text)])
    }

    /// A tag of a commit, with a signature.
    pub(crate) fn tag(&self, git: &Repository, name: &str, commit: &str) -> Oid {
        let text = format!(
            "object {commit}\ntype commit\ntag {name}\ntagger Ada <ada@bank.example> 1 +0000\n\nt\n"
        );
        let signed = format!("{text}{}\n", self.sign(&text));
        let odb = git.odb().unwrap();
        odb.write(ObjectType::Tag, signed.as_bytes()).unwrap()
    }
}

/// A commit as Git keeps it.
pub(crate) fn text(git: &Repository, commit: &str) -> String {
    let odb = git.odb().unwrap();
    let object = odb.read(Oid::from_str(commit).unwrap()).unwrap();
    String::from_utf8(object.data().to_vec()).unwrap()
}

/// Writes a commit with these signatures in its headers.
pub(crate) fn with_headers(git: &Repository, text: &str, signatures: &[String]) -> String {
    let (headers, rest) = text.split_once("\n\n").unwrap();
    let mut all = headers.to_owned();
    for signature in signatures {
        all.push_str(&format!("\ngpgsig {}", signature.replace('\n', "\n ")));
    }
    all.push_str(&format!("\n\n{rest}"));
    let odb = git.odb().unwrap();
    let id = odb.write(ObjectType::Commit, all.as_bytes()).unwrap();
    id.to_string()
}
