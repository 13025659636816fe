//! A GitHub App: the JWT is signed as documented, its token is narrow, kept, and made anew in time.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use kubemate::adapters::forge::{AppKey, Auth, GitHub, Link};
use kubemate::report::forge::{Forge, Permission, Put};
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::github_sim;
use super::sim::{Ask, Reply, Store, made, no};
use super::suite::{PATIENCE, SEVEN, said};

/// Made for these tests, and known to everybody.
const KEY: &[u8] = include_bytes!("app-key.pem");

/// The exchange of a JWT for a token, with the rules of the documentation.
pub(super) fn exchange(store: &mut Store, ask: &Ask<'_>) -> Reply {
    let jwt = ask.user.strip_prefix("Bearer ").unwrap_or_default();
    let parts: Vec<&str> = jwt.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        return no(401, "A JSON web token could not be decoded");
    };
    // The signature is a function of key and text, so making it again checks it.
    let der = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&der).unwrap();
    let signer = key
        .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
        .unwrap();
    let expected = signer.sign(format!("{head}.{claims}").as_bytes()).unwrap();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap_or_default())
            .unwrap_or_default()
    };
    let (head, claims, now) = (json(head), json(claims), Timestamp::now().as_second());
    let fresh = claims["iat"].as_i64().is_some_and(|iat| iat <= now);
    let short = claims["exp"]
        .as_i64()
        .is_some_and(|exp| (now..=now + 600).contains(&exp));
    let right = URL_SAFE_NO_PAD
        .decode(signature)
        .is_ok_and(|given| given == expected);
    if !right || !fresh || !short || head["alg"] != "RS256" || claims["iss"] != "12" {
        return no(401, "A JSON web token could not be decoded");
    }
    if ask.path[2] != "34" || ask.body["repositories"] != json!(["platform"]) {
        return no(422, "There is at least one repository that does not exist");
    }
    let token = format!("ghs_installation{}", store.id());
    store
        .tokens
        .insert(token.clone(), ("kubemate[bot]".into(), Permission::Write));
    // The first one ends at once, so that it has to be made anew.
    let minutes = if store.last_id == 1 { 1 } else { 60 };
    let until = Timestamp::now() + SignedDuration::from_mins(minutes);
    made(json!({ "token": token, "expires_at": until.to_string() }))
}

#[test]
fn an_app_gets_a_narrow_token_and_keeps_it_while_it_lasts() {
    let sim = github_sim::start();
    let key = Arc::new(AppKey::new(12, 34, "platform", KEY).unwrap());
    let link = Link::new(&sim.address, Auth::App(key), PATIENCE, Vec::new()).unwrap();
    let forge = GitHub::new(link, "team/platform", None);
    sim.runtime.block_on(async {
        assert_eq!(
            forge.put_comment(SEVEN(), &said("eu", "a")).await,
            Ok(Put::Created)
        );
        assert_eq!(
            forge.put_comment(SEVEN(), &said("eu", "a")).await,
            Ok(Put::Same)
        );
    });
    assert_eq!(sim.store().comments[0].author, "kubemate[bot]");
    let exchanged = sim
        .store()
        .requests
        .iter()
        .filter(|r| r.contains("access_tokens"))
        .count();
    assert_eq!(exchanged, 2, "one that ended at once, one that lasts");
}

#[test]
fn a_token_that_was_taken_back_is_made_anew() {
    let sim = github_sim::start();
    let key = Arc::new(AppKey::new(12, 34, "platform", KEY).unwrap());
    let link = Link::new(&sim.address, Auth::App(key), PATIENCE, Vec::new()).unwrap();
    let forge = GitHub::new(link, "team/platform", None);
    let pull = || sim.runtime.block_on(forge.pull(SEVEN()));
    assert!(pull().is_ok() && pull().is_ok());
    sim.store()
        .tokens
        .retain(|token, _| !token.starts_with("ghs_"));
    assert_eq!(pull().unwrap_err().class(), "denied");
    assert!(pull().is_ok());
}

#[test]
fn another_key_is_refused_and_no_key_is_said_to_be_none() {
    let sim = github_sim::start();
    let key = Arc::new(AppKey::new(13, 34, "platform", KEY).unwrap());
    let link = Link::new(&sim.address, Auth::App(key), PATIENCE, Vec::new()).unwrap();
    let error = sim
        .runtime
        .block_on(GitHub::new(link, "team/platform", None).pull(SEVEN()))
        .unwrap_err();
    assert_eq!(error.class(), "denied", "{error}");
    for pem in [
        &b""[..],
        b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ] {
        assert!(AppKey::new(1, 2, "x", pem).is_err());
    }
}
