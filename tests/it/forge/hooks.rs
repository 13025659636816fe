//! Calls of forges: nothing is read before the signature holds, nothing odd makes us fall over.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use kubemate::report::forge::PullNumber;
use kubemate::report::forge::webhook::{Deliveries, Delivery, Event, MAX_BODY, Refusal, receive};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

pub(crate) const SECRET: &[u8] = b"a secret of the tests";
const NOW: i64 = 1_800_000_000;

type Headers = BTreeMap<String, String>;

pub(crate) fn mac(parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn headers(all: &[(&str, String)]) -> Headers {
    all.iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// How each forge signs this body.
fn dialects(event: &str, body: &[u8]) -> [(&'static str, Headers); 4] {
    let sum = hex(&mac(&[body]));
    let at = NOW.to_string();
    let standard = STANDARD.encode(mac(&[b"m1", b".", at.as_bytes(), b".", body]));
    [
        (
            "github",
            headers(&[
                ("x-github-event", event.into()),
                ("x-github-delivery", "d1".into()),
                ("x-hub-signature-256", format!("sha256={sum}")),
            ]),
        ),
        (
            "gitea",
            headers(&[
                ("x-gitea-event", event.into()),
                ("x-gitea-delivery", "d1".into()),
                ("x-gitea-signature", sum.clone()),
                ("x-github-event", event.into()),
                ("x-hub-signature-256", format!("sha256={sum}")),
            ]),
        ),
        (
            "gitlab",
            headers(&[
                ("webhook-id", "m1".into()),
                ("webhook-timestamp", at),
                ("webhook-signature", format!("v1,{standard}")),
            ]),
        ),
        (
            "gitlab's old one",
            headers(&[
                (
                    "x-gitlab-token",
                    String::from_utf8(SECRET.to_vec()).unwrap(),
                ),
                ("x-gitlab-event-uuid", "u1".into()),
            ]),
        ),
    ]
}

fn call(headers: &Headers, body: &[u8]) -> Result<Delivery, Refusal> {
    receive(headers, body, SECRET, Timestamp::from_second(NOW).unwrap())
}

pub(crate) fn push() -> Value {
    json!({ "ref": "refs/heads/main", "after": "a".repeat(40), "object_kind": "push" })
}

#[test]
fn a_signed_push_is_understood_in_every_dialect() {
    let body = push().to_string();
    for (name, headers) in dialects("push", body.as_bytes()) {
        let Event::Push { reference, after } = call(&headers, body.as_bytes()).unwrap().event
        else {
            panic!("{name}")
        };
        assert_eq!(
            (reference.as_str(), after.is_some()),
            ("refs/heads/main", true),
            "{name}"
        );
    }
}

#[test]
fn s_70_what_is_not_signed_is_not_read() {
    // Not even JSON: whoever parsed it first would say so.
    let body = b"{ not json";
    for (name, signed) in dialects("push", body) {
        assert_eq!(call(&signed, body), Err(Refusal::Malformed), "{name}");
        if name != "gitlab's old one" {
            assert_eq!(call(&signed, b"{ other"), Err(Refusal::Unsigned), "{name}");
        }
        for (header, value) in &signed {
            if !header.contains("signature")
                && !header.contains("token")
                && !header.contains("timestamp")
            {
                continue;
            }
            let mut variants = vec![
                String::new(),
                "sha256=".into(),
                "v1,".into(),
                "00".into(),
                value.to_uppercase() + "x",
            ];
            variants.extend((1..value.len()).map(|n| value[..n].to_owned()));
            for variant in variants {
                // Gitea's own header decides; what stands in GitHub's beside it does not matter.
                if name == "gitea" && header == "x-hub-signature-256" {
                    continue;
                }
                let mut forged = signed.clone();
                forged.insert(header.clone(), variant.clone());
                assert_eq!(
                    call(&forged, body),
                    Err(Refusal::Unsigned),
                    "{name} {header}: {variant}"
                );
            }
        }
    }
    assert_eq!(call(&Headers::new(), body), Err(Refusal::Unsigned));
    let now = Timestamp::from_second(NOW).unwrap();
    for secret in [&b""[..], b"short"] {
        let given = headers(&[(
            "x-gitlab-token",
            String::from_utf8(secret.to_vec()).unwrap(),
        )]);
        assert_eq!(receive(&given, body, secret, now), Err(Refusal::Unsigned));
    }
}

#[test]
fn s_72_s_75_old_and_large_calls_are_refused() {
    let body = push().to_string();
    let [.., (_, gitlab), _] = dialects("push", body.as_bytes());
    for (offset, fits) in [
        (0, true),
        (300, true),
        (301, false),
        (-300, true),
        (-301, false),
    ] {
        let now = Timestamp::from_second(NOW + offset).unwrap();
        let found = receive(&gitlab, body.as_bytes(), SECRET, now);
        assert_eq!(found.is_ok(), fits, "{offset}");
        assert!(fits || found == Err(Refusal::Stale));
    }
    let large = vec![b' '; MAX_BODY + 1];
    let [(_, github), ..] = dialects("push", &large);
    assert_eq!(call(&github, &large), Err(Refusal::TooLarge));
}

#[test]
fn s_65_only_new_comments_are_commands() {
    let comment = |action: &str, pull: Value| {
        json!({
            "action": action, "issue": { "number": 7, "pull_request": pull },
            "comment": { "id": 5, "user": { "login": "ann" }, "body": "/kubemate plan" },
            "repository": { "full_name": "team/platform" },
        })
    };
    let mut nameless = comment("created", json!({}));
    nameless["comment"]["id"] = Value::Null;
    let mut homeless = comment("created", json!({}));
    homeless["repository"] = Value::Null;
    for (body, told) in [
        (comment("created", json!({})), true),
        (nameless, false),
        (homeless, false),
        (comment("edited", json!({})), false),
        (comment("deleted", json!({})), false),
        (comment("created", Value::Null), false),
    ] {
        let text = body.to_string();
        let [(_, github), (_, gitea), ..] = dialects("issue_comment", text.as_bytes());
        for headers in [github, gitea] {
            let event = call(&headers, text.as_bytes()).unwrap().event;
            assert_eq!(matches!(event, Event::Comment { .. }), told, "{text}");
        }
    }
    let note = |action: &str| {
        json!({
            "object_kind": "note", "merge_request": { "iid": 7 }, "user": { "username": "ann" },
            "object_attributes": { "id": 5, "action": action, "note": "/kubemate plan" },
            "project": { "path_with_namespace": "team/platform" },
        })
    };
    for (action, told) in [("create", true), ("update", false)] {
        let text = note(action).to_string();
        let [.., (_, gitlab), _] = dialects("", text.as_bytes());
        let event = call(&gitlab, text.as_bytes()).unwrap().event;
        let expected = Event::Comment {
            repository: "team/platform".into(),
            id: 5,
            pull: PullNumber::parse("7").unwrap(),
            user: "ann".into(),
            text: "/kubemate plan".into(),
        };
        assert_eq!(event == expected, told);
    }
}

#[test]
fn s_75_a_delivery_counts_once() {
    let mut known = Deliveries::default();
    let one = |id: &str| Delivery {
        id: Some(id.into()),
        event: Event::Ping,
    };
    assert!(known.is_new(&one("a")));
    assert!((0..1_000).all(|_| !known.is_new(&one("a"))));
    // Memory is bounded: after thousands of others the first is forgotten.
    assert!((0..5_000).all(|n| known.is_new(&one(&n.to_string()))));
    assert!(known.is_new(&one("a")));
    let nameless = Delivery {
        id: None,
        event: Event::Ping,
    };
    assert!(known.is_new(&nameless) && known.is_new(&nameless));
}

/// A body with some of its fields replaced by what nobody expects.
fn mangled() -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!("")),
        Just(json!(true)),
        Just(json!("refs/../x")),
        Just(json!(0)),
    ];
    let fields = [
        "/ref",
        "/after",
        "/object_kind",
        "/action",
        "/issue",
        "/issue/number",
        "/comment",
        "/comment/body",
        "/pull_request",
        "/pull_request/number",
        "/object_attributes",
        "/object_attributes/iid",
        "/merge_request",
        "/user",
    ];
    let whole = json!({
        "ref": "refs/heads/main", "after": "a".repeat(40), "object_kind": "push", "action": "created",
        "issue": { "number": 7, "pull_request": {} }, "pull_request": { "number": 7 },
        "comment": { "user": { "login": "ann" }, "body": "x" },
        "object_attributes": { "iid": 7, "action": "create", "note": "x" },
        "merge_request": { "iid": 7 }, "user": { "username": "ann" },
    });
    let kinds = prop::sample::select(vec!["push", "merge_request", "note", "tag_push", "?"]);
    (
        prop::collection::vec((prop::sample::select(fields.to_vec()), odd), 0..5),
        kinds,
    )
        .prop_map(move |(changes, kind)| {
            let mut body = whole.clone();
            body["object_kind"] = kind.into();
            for (pointer, value) in changes {
                if let Some(place) = body.pointer_mut(pointer) {
                    *place = value;
                }
            }
            body
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn s_73_odd_fields_are_nothing_for_us(body in mangled(), event in "push|pull_request|issue_comment|ping|x") {
        let text = body.to_string();
        for (name, headers) in dialects(&event, text.as_bytes()) {
            prop_assert!(call(&headers, text.as_bytes()).is_ok(), "{name} {text}");
        }
    }
}

/// Every place in a text, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(list) => (0..).map(|n: usize| n.to_string()).zip(list).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inside {
        let at = format!("{at}/{key}");
        places(value, &at, found);
        found.push(at);
    }
}

/// What a forge sends about an event, as far as it can matter.
fn bodies() -> Vec<(&'static str, Value)> {
    let repository = json!({ "id": 1, "full_name": "team/platform", "owner": { "login": "team" } });
    let commits =
        json!([{ "id": "a".repeat(40), "added": ["a.kdl"], "author": { "name": "ann" } }]);
    vec![
        (
            "push",
            json!({
                "ref": "refs/heads/main", "before": "b".repeat(40), "after": "a".repeat(40),
                "object_kind": "push", "commits": commits, "repository": repository,
            }),
        ),
        (
            "pull_request",
            json!({
                "action": "opened", "number": 7, "object_kind": "merge_request",
                "pull_request": { "number": 7, "head": { "sha": "a".repeat(40) }, "merged": false },
                "object_attributes": { "iid": 7, "action": "open" }, "repository": repository,
            }),
        ),
        (
            "issue_comment",
            json!({
                "action": "created", "object_kind": "note",
                "issue": { "number": 7, "pull_request": {} }, "merge_request": { "iid": 7 },
                "comment": { "id": 5, "user": { "login": "ann" }, "body": "/kubemate plan" },
                "object_attributes": { "id": 5, "action": "create", "note": "x" },
                "user": { "username": "ann" }, "repository": repository,
                "project": { "path_with_namespace": "team/platform" },
            }),
        ),
    ]
}

/// Each field of each event of each forge: null, absent, of another type, an empty list, absurdly deep.
#[test]
fn s_73_no_field_of_any_event_makes_us_fall_over() {
    let deep = (0..100).fold(Value::Null, |inner, _| json!([inner]));
    let odd = [
        Value::Null,
        json!([]),
        json!({}),
        json!(""),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!("x".repeat(10_000)),
        deep,
    ];
    let mut count = 0;
    for (event, body) in bodies() {
        let mut all = vec![String::new()];
        places(&body, "", &mut all);
        for place in all {
            let replaced = odd.iter().map(|value| {
                let mut body = body.clone();
                *body.pointer_mut(&place).unwrap() = value.clone();
                body
            });
            let mut without = body.clone();
            if let Some((parent, key)) = place.rsplit_once('/')
                && let Some(map) = without.pointer_mut(parent).and_then(Value::as_object_mut)
            {
                drop(map.shift_remove(key));
            }
            for body in replaced.chain([without]) {
                let text = body.to_string();
                for (name, headers) in dialects(event, text.as_bytes()) {
                    let heard = call(&headers, text.as_bytes());
                    let known = matches!(heard, Ok(_) | Err(Refusal::Malformed));
                    assert!(known, "{name} {event}{place}: {heard:?}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 1_000, "{count}");
}
