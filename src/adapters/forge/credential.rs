//! Credentials of forges. Nothing here has a `Debug`, and what holds one is wiped when dropped.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::app::AppKey;

/// A credential. It has no `Debug` and is wiped when dropped.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// The credential, if it can stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        plain.then(|| Self(text.to_owned().into()))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// How a forge knows us.
#[derive(Clone)]
pub enum Auth {
    /// `Authorization: Bearer …`.
    Bearer(Token),
    /// `Authorization: token …`, as Gitea and Forgejo want it.
    TokenWord(Token),
    /// `PRIVATE-TOKEN`, as GitLab wants it.
    PrivateToken(Token),
    /// An installation of a GitHub App.
    App(Arc<AppKey>),
}
