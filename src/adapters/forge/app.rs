//! A GitHub App: a short-lived JWT signed with its key, exchanged for a token of one installation that
//! may do no more than reporting needs.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use serde_json::json;

use super::client::{Ask, Link};
use super::credential::Token;
use crate::report::forge::ForgeError;

/// How long a JWT lives, in seconds; GitHub takes ten minutes.
const JWT_SECONDS: i64 = 540;
/// How far our clock may run ahead of GitHub's.
const SKEW_SECONDS: i64 = 60;
/// How long before its end a token is not used any more.
const SPARE_SECONDS: i64 = 300;

/// The identity of an App with one installation. It has no `Debug`.
pub struct AppKey {
    app: u64,
    installation: u64,
    repository: String,
    key: std::sync::Arc<dyn SigningKey>,
    token: Mutex<Option<(Token, Timestamp)>>,
}

impl AppKey {
    /// An App by its number, the number of its installation, its key in PEM, and the one repository
    /// (without its owner) that tokens are for.
    pub fn new(
        app: u64,
        installation: u64,
        repository: &str,
        pem: &[u8],
    ) -> Result<Self, ForgeError> {
        let setup = |reason: &str| ForgeError::Setup {
            reason: reason.to_owned(),
        };
        let der = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| setup("the key of the GitHub App is not a private key in PEM"))?;
        let key = rustls::crypto::ring::sign::any_supported_type(&der)
            .map_err(|_| setup("the key of the GitHub App is not one that can sign"))?;
        if key
            .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
            .is_none()
        {
            return Err(setup("the key of the GitHub App is not an RSA key"));
        }
        let repository = repository.to_owned();
        Ok(Self {
            app,
            installation,
            repository,
            key,
            token: Mutex::default(),
        })
    }

    /// Proves who we are, for ten minutes.
    pub(super) fn jwt(&self, now: Timestamp) -> Result<Token, ForgeError> {
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        let seconds = now.as_second();
        let head = encode(json!({ "alg": "RS256", "typ": "JWT" }).to_string());
        let claims = json!({
            "iat": seconds - SKEW_SECONDS,
            "exp": seconds + JWT_SECONDS,
            "iss": self.app.to_string(),
        });
        let signed = format!("{head}.{}", encode(claims.to_string()));
        let failed = || ForgeError::Setup {
            reason: "the GitHub App's key cannot sign".to_owned(),
        };
        let signer = self
            .key
            .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
            .ok_or_else(failed)?;
        let signature = signer.sign(signed.as_bytes()).map_err(|_| failed())?;
        let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        Token::new(&text).ok_or_else(failed)
    }

    /// The token of the installation, made anew shortly before it ends.
    pub(super) async fn installation(&self, link: &Link) -> Result<Token, ForgeError> {
        let now = Timestamp::now();
        let known = self
            .token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((token, until)) = known
            && until.as_second() - SPARE_SECONDS > now.as_second()
        {
            return Ok(token);
        }
        let body = json!({
            "repositories": [self.repository],
            "permissions": {
                "checks": "write", "statuses": "write", "pull_requests": "write",
                "deployments": "write", "contents": "read", "metadata": "read",
            },
        });
        let path = format!("/app/installations/{}/access_tokens", self.installation);
        let ask = Ask::send(Method::POST, path, &body, "get a token for the App").repeatable();
        let jwt = link.header(
            AUTHORIZATION,
            &format!("Bearer {}", self.jwt(now)?.expose()),
        )?;
        let answer = link.call_as(&ask, jwt).await?.body;
        let token = answer["token"].as_str().and_then(Token::new);
        let until = answer["expires_at"]
            .as_str()
            .and_then(|t| t.parse::<Timestamp>().ok());
        let (Some(token), Some(until)) = (token, until) else {
            let (host, what) = (link.host(), "get a token for the App");
            return Err(ForgeError::Unreachable {
                host,
                what,
                reason: "its answer holds none".to_owned(),
            });
        };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.clone(), until));
        Ok(token)
    }

    /// The token was refused: it may have been taken back, or be one of older rights.
    pub(super) fn forget(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The name under which the App writes.
    pub(super) async fn login(&self, link: &Link) -> Result<String, ForgeError> {
        let jwt = self.jwt(Timestamp::now())?;
        let jwt = link.header(AUTHORIZATION, &format!("Bearer {}", jwt.expose()))?;
        let ask = Ask::get("/app", "ask for the App's name");
        let answer = link.call_as(&ask, jwt).await?.body;
        let slug = answer["slug"].as_str().unwrap_or_default();
        Ok(format!("{slug}[bot]"))
    }

    pub(super) fn redacted(&self, text: &str) -> String {
        match &*self.token.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((token, _)) => text.replace(token.expose(), "***"),
            None => text.to_owned(),
        }
    }
}
