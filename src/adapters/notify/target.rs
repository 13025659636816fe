//! Where a notice goes. The URL is a credential, so nothing here has a `Debug`, and what others say is
//! shown without any part of it.

use std::cmp::Reverse;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::adapters::text::printable;
use crate::report::notify::NotifyError;
use crate::source::address::{AllowList, RemoteAddress};
use crate::source::repository::AddressError;

/// Longest URL.
const MAX_URL: usize = 2048;
/// Most characters of a service's words in an error.
const MAX_WORDS: usize = 200;
/// Parts of a URL that are hidden are at least this long.
const SHORTEST: usize = 6;
/// Parts of paths that everybody knows.
const KNOWN: [&str; 7] = [
    "cgi-bin",
    "open-apis",
    "services",
    "webhook",
    "webhooks",
    "workflows",
    "triggers",
];

/// Which hosts may be called: `https://HOST/*`, or `http://127.0.0.1:PORT/*` on this machine; for mail
/// `smtps://HOST/*` or `smtp://HOST/*`. Paths are credentials, so no rule has one.
pub fn hosts<'a>(rules: impl IntoIterator<Item = &'a str>) -> Result<AllowList, AddressError> {
    let rules: Option<Vec<String>> = rules.into_iter().map(rule).collect();
    let rules = rules.ok_or_else(|| AddressError {
        reason: "a host that may be told is written https://HOST/*, or smtps://HOST/* for mail"
            .to_owned(),
    })?;
    AllowList::parse(rules.iter().map(String::as_str))
}

/// A rule as it is judged; that of a mail server has its port.
fn rule(text: &str) -> Option<String> {
    let (scheme, host) = text.strip_suffix("/*")?.split_once("://")?;
    if host.contains('/') {
        return None;
    }
    let at = |usual: u16| match host.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|b| b.is_ascii_digit()) => format!("https://{host}/*"),
        _ => format!("https://{host}:{usual}/*"),
    };
    match scheme.to_ascii_lowercase().as_str() {
        "https" | "http" => Some(text.to_owned()),
        "smtps" => Some(at(465)),
        "smtp" => Some(at(587)),
        _ => None,
    }
}

pub(super) fn refuse(reason: &str) -> NotifyError {
    let reason = reason.to_owned();
    NotifyError::Address { reason }
}

/// A URL of bounded length; `held` is why one is refused that holds a user, a password or a fragment.
pub(super) fn read(url: &str, held: &str) -> Result<Url, NotifyError> {
    if url.len() > MAX_URL {
        return Err(refuse("it is longer than 2048 bytes"));
    }
    let url = Url::parse(url).map_err(|_| refuse("it is not a URL"))?;
    let user = !url.username().is_empty() || url.password().is_some();
    match user || url.fragment().is_some() {
        true => Err(refuse(held)),
        false => Ok(url),
    }
}

/// An address that may be called, and the key that calls are signed with.
pub struct Target {
    url: Url,
    host: String,
    key: Option<SecretString>,
}

impl Target {
    /// The target of a URL, if it may be called.
    pub fn new(url: &str, key: Option<&str>, allowed: &AllowList) -> Result<Self, NotifyError> {
        let url = read(url, "it holds a user, a password or a fragment")?;
        let host = url.host_str().ok_or_else(|| refuse("it has no host"))?;
        let port = url
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        // The host is judged as a repository's is; a path would not be shown by a rule anyway.
        let place = match url.scheme() {
            "https" | "http" => format!("{}://{host}{port}/x", url.scheme()),
            _ => return Err(refuse("only https:// is called")),
        };
        let judged = RemoteAddress::parse(&place).and_then(|place| allowed.check(&place));
        judged.map_err(|error| refuse(&error.reason))?;
        Ok(Self {
            host: printable(host),
            url,
            key: key.map(|key| key.to_owned().into()),
        })
    }

    pub(super) fn host(&self) -> String {
        self.host.clone()
    }

    /// Its host and port, for whatever is bounded by them.
    pub(super) fn place(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", self.host)
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.expose_secret())
    }

    pub(super) fn unreachable(&self, reason: &str) -> NotifyError {
        NotifyError::Unreachable {
            host: self.host(),
            reason: shown(reason, &self.hidden()),
        }
    }

    pub(super) fn refused(&self, reason: &str) -> NotifyError {
        NotifyError::Refused {
            host: self.host(),
            reason: shown(reason, &self.hidden()),
        }
    }

    pub(super) fn no_key(&self) -> NotifyError {
        self.refused("its key `secret` can sign nothing: after `whsec_` comes base64")
    }

    /// Everything that may be shown to nobody.
    fn hidden(&self) -> Vec<String> {
        let url = &self.url;
        let segments = url.path_segments().into_iter().flatten();
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        let raw = url
            .query()
            .into_iter()
            .flat_map(|query| query.split(['&', '=']));
        let mut all: Vec<String> = [url.as_str(), url.path()].map(str::to_owned).into();
        all.extend(segments.map(str::to_owned));
        all.extend(url.query().map(str::to_owned));
        all.extend(raw.map(str::to_owned));
        all.extend(values);
        all.extend(self.key().map(str::to_owned));
        all.retain(|part| part.len() >= SHORTEST && !KNOWN.contains(&part.as_str()));
        all
    }
}

/// What somebody said, short and without any of what is hidden.
pub(super) fn shown(words: &str, hidden: &[String]) -> String {
    let mut hidden: Vec<&String> = hidden.iter().collect();
    hidden.sort_by_key(|part| Reverse(part.len()));
    let hide = |text: String, part: &String| text.replace(part.as_str(), "***");
    let words = hidden.into_iter().fold(words.to_owned(), hide);
    let words = printable(words.trim());
    words.chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, allowed: &AllowList) -> String {
        match Target::new(url, None, allowed) {
            Err(error) => error.to_string(),
            Ok(_) => String::new(),
        }
    }

    #[test]
    fn s_11_addresses_are_judged_as_those_of_repositories() {
        let open = AllowList::default();
        for (url, inside) in [
            ("https://hooks.slack.com/services/T0/B0/CANARY", false),
            (
                "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=CANARY",
                false,
            ),
            ("https://127.0.0.1/CANARY", true),
            ("https://localhost/CANARY", true),
            ("https://[::1]/CANARY", true),
            ("https://2130706433/CANARY", true),
            ("https://0x7f.1/CANARY", true),
            ("https://169.254.169.254/CANARY", true),
            ("https://10.0.0.1/CANARY", true),
            ("https://kubernetes.default.svc/CANARY", true),
            ("http://127.0.0.1:8080/CANARY", true),
            ("http://hooks.slack.com/CANARY", true),
            ("ftp://hooks.slack.com/CANARY", true),
            ("https://u:p@hooks.slack.com/CANARY", true),
            ("https://hooks.slack.com/CANARY#x", true),
            ("CANARY", true),
        ] {
            let said = refused(url, &open);
            assert_eq!(!said.is_empty(), inside, "{url}: {said}");
            assert!(!said.contains("CANARY"), "{said}");
        }
        let named = hosts(["http://127.0.0.1:8080/*", "https://hooks.slack.com/*"]).unwrap();
        assert_eq!(refused("http://127.0.0.1:8080/a/CANARY?b=c", &named), "");
        assert_eq!(refused("https://hooks.slack.com/a", &named), "");
        for other in [
            "http://127.0.0.1:8081/a",
            "https://hooks.slack.com.evil.example/a",
            "https://example.com/a",
        ] {
            assert!(!refused(other, &named).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_rule_is_a_host() {
        for bad in [
            "https://a.example",
            "https://a.example/x/*",
            "ssh://a.example/*",
            "http://a.example/*",
            "*",
        ] {
            assert!(hosts([bad]).is_err(), "{bad}");
        }
        assert!(hosts([]).unwrap().is_empty());
        for (mail, same) in [
            ("smtps://mail.example/*", "https://mail.example:465/*"),
            ("smtp://mail.example/*", "https://mail.example:587/*"),
            ("SMTP://[2001:db8::1]/*", "https://[2001:db8::1]:587/*"),
            ("smtp://127.0.0.1:2525/*", "https://127.0.0.1:2525/*"),
        ] {
            assert_eq!(hosts([mail]).unwrap(), hosts([same]).unwrap(), "{mail}");
        }
    }

    #[test]
    fn what_others_say_is_shown_without_the_address() {
        let url = "https://open.example/open-apis/hook/AbCdEf-123456?access_token=s%2Fecret77&x=1";
        let target = Target::new(url, Some("the key"), &AllowList::default());
        let target = target.unwrap_or_else(|error| panic!("{error}"));
        let said =
            format!("no {url} AbCdEf-123456 s%2Fecret77 s/ecret77 the key\u{1b}[0m open-apis");
        let said = shown(&said, &target.hidden());
        assert_eq!(said, "no *** *** *** *** ***\\u{1b}[0m open-apis");
        assert!(shown(&"x".repeat(1_000), &[]).len() <= MAX_WORDS);
    }
}
