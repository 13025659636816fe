//! Notices on their way: what a receiver gets, signed as it checks it, what is tried again and what is
//! not, that one which hangs holds up no other, and that no URL is told to anybody.

pub(crate) mod listener;
mod mail;
mod proxied;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use kubemate::adapters::notify::{Notifier, Patience, Target, hosts};
use kubemate::report::notify::body::{Facts, Notice};
use kubemate::report::notify::{NotifyError, Service, Topic};
use kubemate::source::address::{AllowList, RemoteAddress};
use serde_json::{Value, json};
use sha2::Sha256;

use self::listener::{Heard, Listener, Mood};
use crate::forge::hooks::{SECRET, mac};

/// Stands in every URL, and nowhere else.
const CANARY: &str = "AbCd-canary-42";
/// Quick, so that tests are.
const QUICK: Patience = Patience {
    attempts: 3,
    total: Duration::from_secs(15),
    first_wait: Duration::from_millis(50),
};

fn notice() -> Notice {
    Notice {
        id: "msg_7".to_owned(),
        topic: Topic::Stalled,
        facts: Facts {
            sync: "shop".to_owned(),
            environment: "prod".to_owned(),
            cluster: "hq".to_owned(),
            story: "tenants/shop/web.kdl:2:3: unknown field `imagine`".to_owned(),
            ..Facts::default()
        },
        changes: 0,
        since: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

fn allowed(listener: &Listener) -> AllowList {
    hosts([format!("{}/*", listener.address).as_str()]).unwrap()
}

/// Sends one notice to a listener, and returns how that ended and what the listener heard.
fn send(
    listener: &Listener,
    service: Service,
    (key, patience): (Option<&str>, Patience),
) -> (Result<(), NotifyError>, Vec<Heard>) {
    let allowed = allowed(listener);
    let url = format!("{}/hook/{CANARY}?token={CANARY}", listener.address);
    let target = Target::new(&url, key, &allowed).unwrap_or_else(|error| panic!("{error}"));
    let notifier = Notifier::new(allowed, patience, Vec::new()).unwrap();
    let notice = notice();
    let sent = notifier.send(service, &target, &notice);
    let ended = listener.runtime.block_on(sent);
    if let Err(error) = &ended {
        let said = format!("{error} {error:?}");
        assert!(!said.contains(CANARY) && !said.contains("/hook"), "{said}");
    }
    (ended, listener.heard())
}

fn once(heard: &[Heard]) -> &Heard {
    assert_eq!(heard.len(), 1, "{heard:?}");
    &heard[0]
}

#[test]
fn a_webhook_can_check_who_calls() {
    let listener = Listener::start();
    let key = String::from_utf8(SECRET.to_vec()).unwrap();
    let (ended, heard) = send(&listener, Service::Webhook, (Some(&key), QUICK));
    assert_eq!(ended, Ok(()));
    let call = once(&heard);
    let (id, at) = (call.header("webhook-id"), call.header("webhook-timestamp"));
    let sum = mac(&[id.as_bytes(), b".", at.as_bytes(), b".", &call.body]);
    let expected = format!("v1,{}", STANDARD.encode(sum));
    assert_eq!(call.header("webhook-signature"), expected);
    let seconds: i64 = at.parse().unwrap();
    assert!(Timestamp::now().as_second().abs_diff(seconds) < 60);
    let told = call.json();
    assert_eq!(
        (&told["id"], &told["topic"]),
        (&json!("msg_7"), &json!("stalled"))
    );
    assert_eq!(
        told["story"],
        "tenants/shop/web.kdl:2:3: unknown field `imagine`"
    );
    assert!(call.header("content-type").starts_with("application/json"));
    // Without a key nothing is signed.
    let (_, heard) = send(&listener, Service::Webhook, (None, QUICK));
    assert_eq!(heard.last().unwrap().header("webhook-signature"), "");
}

/// HMAC-SHA256 in base64.
fn sum(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[test]
fn robots_can_check_who_calls() {
    let listener = Listener::start();
    listener.answers(Mood::Body(json!({ "errcode": 0, "errmsg": "ok" })));
    let (ended, heard) = send(&listener, Service::Dingtalk, (Some("SECx"), QUICK));
    assert_eq!(ended, Ok(()));
    let call = once(&heard);
    let at = call.query("timestamp");
    assert_eq!(call.query("sign"), sum("SECx", &format!("{at}\nSECx")));
    assert_eq!(call.query("token"), CANARY, "what stood there stays");

    let listener = Listener::start();
    listener.answers(Mood::Body(json!({ "code": 0, "msg": "success" })));
    let (ended, heard) = send(&listener, Service::Feishu, (Some("SECx"), QUICK));
    assert_eq!(ended, Ok(()));
    let told = once(&heard).json();
    let at = told["timestamp"].as_str().unwrap();
    assert_eq!(told["sign"], sum(&format!("{at}\nSECx"), ""));
    assert_eq!(told["msg_type"], "text");
}

#[test]
fn r_96_a_receiver_that_limits_us_is_told_later_or_given_up() {
    let listener = Listener::start();
    listener.meets(Mood::Status(429, Some("1")));
    let began = Instant::now();
    let (ended, heard) = send(&listener, Service::Slack, (None, QUICK));
    assert_eq!(ended, Ok(()));
    assert_eq!(heard.len(), 2);
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "it was asked to wait"
    );

    for (mood, calls) in [
        (Mood::Status(429, Some("3600")), 1),
        (Mood::Status(503, None), 3),
        (Mood::Status(400, None), 1),
        (Mood::Body(json!({ "errcode": 45_009 })), 3),
        (
            Mood::Body(json!({ "errcode": 93_000, "errmsg": "invalid webhook url" })),
            1,
        ),
        (Mood::Text("<html>"), 1),
    ] {
        let listener = Listener::start();
        listener.answers(mood.clone());
        let (ended, heard) = send(&listener, Service::Wecom, (None, QUICK));
        assert!(ended.is_err(), "{mood:?}");
        assert_eq!(heard.len(), calls, "{mood:?}: {ended:?}");
    }
}

#[test]
fn success_with_an_error_in_the_body_is_a_failure() {
    for (service, answer, words) in [
        (
            Service::Wecom,
            json!({ "errcode": 93_000, "errmsg": "bad key" }),
            "93000 bad key",
        ),
        (
            Service::Dingtalk,
            json!({ "errcode": 310_000, "errmsg": "sign not match" }),
            "310000 sign",
        ),
        (
            Service::Feishu,
            json!({ "code": 19_021, "msg": "sign match fail" }),
            "19021 sign",
        ),
    ] {
        let listener = Listener::start();
        listener.answers(Mood::Body(answer));
        let (ended, heard) = send(&listener, service, (None, QUICK));
        let said = ended.unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
        assert_eq!(heard.len(), 1);
    }
}

#[test]
fn s_14_a_redirect_is_not_followed() {
    let (listener, other) = (Listener::start(), Listener::start());
    for status in [301, 302, 307, 308] {
        listener.answers(Mood::Redirect(status, other.address.clone()));
        let (ended, _) = send(
            &listener,
            Service::Webhook,
            (Some("a key of a test"), QUICK),
        );
        assert!(ended.unwrap_err().to_string().contains("it moved"));
    }
    assert!(other.heard().is_empty());
}

#[test]
fn s_11_what_lies_inside_is_not_called_unless_it_is_named() {
    let listener = Listener::start();
    let port = listener.address.rsplit(':').next().unwrap();
    let url = format!("{}/hook/{CANARY}", listener.address);
    for other in [
        AllowList::default(),
        hosts(["https://hooks.slack.com/*"]).unwrap(),
        hosts(["http://127.0.0.1:1/*"]).unwrap(),
    ] {
        for url in [
            url.clone(),
            format!("https://localhost:{port}/{CANARY}"),
            format!("https://127.1:{port}/{CANARY}"),
            format!("http://[::1]:{port}/{CANARY}"),
        ] {
            match Target::new(&url, None, &other) {
                Ok(_) => panic!("{url} may be called"),
                Err(error) => assert!(!error.to_string().contains(CANARY), "{error}"),
            }
        }
    }
    assert!(listener.heard().is_empty());
}

#[test]
fn s_11_a_repository_and_a_receiver_are_judged_alike() {
    let open = AllowList::default();
    let repository = |url: &str| {
        let address = RemoteAddress::parse(url);
        address.is_ok_and(|address| open.check(&address).is_ok())
    };
    let receiver = |url: &str| Target::new(url, None, &open).is_ok();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "0.0.0.0",
        "0",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "100.100.100.200",
        "metadata.google.internal",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ] {
        for url in [
            format!("https://{host}/r"),
            format!("https://{host}:8443/r"),
        ] {
            // A name of two parts is as good as any on the internet: what it leads to is judged then.
            let leads = host == "kubernetes.default";
            assert_eq!((repository(&url), receiver(&url)), (leads, leads), "{url}");
        }
    }
    for host in ["git.example.com", "203.0.113.7", "[2001:db8::1]"] {
        let url = format!("https://{host}/r");
        assert!(repository(&url) && receiver(&url), "{url}");
    }
}

#[test]
fn what_a_receiver_says_is_shown_without_its_address() {
    let listener = Listener::start();
    listener.answers(Mood::Echo(400));
    let (ended, _) = send(&listener, Service::Slack, (None, QUICK));
    let said = ended.unwrap_err().to_string();
    assert!(said.contains("HTTP 400") && said.contains("***"), "{said}");
    listener.answers(Mood::Endless);
    let (ended, _) = send(&listener, Service::Slack, (None, QUICK));
    assert!(ended.unwrap_err().to_string().contains("too large"));
    listener.answers(Mood::Drop);
    let (ended, _) = send(&listener, Service::Slack, (None, QUICK));
    assert_eq!(ended.unwrap_err().class(), "unreachable");
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other() {
    let (hangs, lives) = (Listener::start(), Listener::start());
    hangs.answers(Mood::Hang);
    let once = Patience {
        attempts: 1,
        ..QUICK
    };
    let rules = [&hangs, &lives].map(|listener| format!("{}/*", listener.address));
    let allowed = hosts(rules.iter().map(String::as_str)).unwrap();
    let notifier = Notifier::new(allowed.clone(), once, Vec::new()).unwrap();
    let [bad, good] = [&hangs, &lives].map(|listener| {
        let target = Target::new(&format!("{}/x", listener.address), None, &allowed);
        target.unwrap_or_else(|error| panic!("{error}"))
    });
    let notice = notice();
    lives.runtime.block_on(async {
        let began = Instant::now();
        let all = (0..16).map(|_| notifier.send(Service::Slack, &bad, &notice));
        let all = futures::future::join_all(all);
        let one = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let ended = notifier.send(Service::Slack, &good, &notice).await;
            (ended, began.elapsed())
        };
        let (stuck, (ended, took)) = futures::future::join(all, one).await;
        assert_eq!(ended, Ok(()));
        assert!(took < QUICK.total, "{took:?}");
        assert!(stuck.iter().all(Result::is_err));
        assert!(began.elapsed() < QUICK.total * 10, "each call has an end");
    });
    assert!(hangs.heard().len() <= 16);
    assert_eq!(lives.heard().len(), 1);
}

#[test]
fn a_notice_says_nothing_but_what_it_is_made_of() {
    let listener = Listener::start();
    let (ended, heard) = send(&listener, Service::Slack, (None, QUICK));
    assert_eq!(ended, Ok(()));
    let call = once(&heard);
    let text = call.json()["text"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("kubemate: shop: only a person can help\n"),
        "{text}"
    );
    assert!(text.ends_with("next: kubemate why sync/shop"), "{text}");
    assert!(!String::from_utf8_lossy(&call.body).contains(CANARY));
    assert_eq!(call.json()["link_names"], Value::Bool(false));
}
