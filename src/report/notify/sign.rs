//! How calls are signed: what each service wants, from a key, a time and a body. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

/// How keys of Standard Webhooks begin; the rest is base64.
const ENCODED: &str = "whsec_";

/// The header `webhook-signature` of Standard Webhooks: over the identity, the time and the body.
pub fn webhook(key: &str, id: &str, at: Timestamp, body: &[u8]) -> Option<String> {
    let key = match key.strip_prefix(ENCODED) {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => key.as_bytes().to_vec(),
    };
    let at = at.as_second().to_string();
    let sum = mac(&key, &[id.as_bytes(), b".", at.as_bytes(), b".", body])?;
    Some(format!("v1,{sum}"))
}

/// DingTalk's `timestamp` in milliseconds and its `sign`, both for the query.
pub fn dingtalk(key: &str, at: Timestamp) -> Option<(String, String)> {
    let at = at.as_millisecond().to_string();
    let sum = mac(key.as_bytes(), &[at.as_bytes(), b"\n", key.as_bytes()])?;
    Some((at, sum))
}

/// Feishu's `timestamp` in seconds and its `sign`, both for the body. There the key is part of what is
/// usually the key, and nothing is signed.
pub fn feishu(key: &str, at: Timestamp) -> Option<(String, String)> {
    let at = at.as_second().to_string();
    let sum = mac(format!("{at}\n{key}").as_bytes(), &[])?;
    Some((at, sum))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_614_265_330;

    fn at() -> Timestamp {
        Timestamp::from_second(AT).unwrap()
    }

    #[test]
    fn each_signature_is_that_of_another_implementation() {
        // The example of the Standard Webhooks specification.
        let body = br#"{"test": 2432232314}"#;
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            webhook(key, id, at(), body).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(
            dingtalk("SEC-of-a-test", at()).unwrap(),
            ("1614265330000".to_owned(), DING.to_owned())
        );
        assert_eq!(
            feishu("SEC-of-a-test", at()).unwrap(),
            ("1614265330".to_owned(), LARK.to_owned())
        );
        assert_eq!(webhook("whsec_%", id, at(), body), None);
    }

    /// Made with Python's `hmac`.
    const DING: &str = "/DZYKBgvqNI+qMMd1wXmyryt+jWuo1gr9kqVnOiKJYo=";
    const LARK: &str = "5ghPPe81YOcHrdHDC282lGTE5cyP+R++2jUFMANFGIo=";
}
