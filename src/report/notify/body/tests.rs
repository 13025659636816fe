//! Golden bodies of each service, and that no text breaks a budget or mentions anybody.

use proptest::prelude::*;

use super::*;

const COMMIT: &str = "4f1c0a2b9e77d0c1b2a3f4e5d6c7b8a990817263";

fn notice() -> Notice {
    Notice {
        id: "msg_1".to_owned(),
        topic: Topic::Stalled,
        facts: Facts {
            sync: "shop".to_owned(),
            project: Some("bank".to_owned()),
            environment: "prod".to_owned(),
            cluster: "hq".to_owned(),
            commit: Some(COMMIT.to_owned()),
            story:
                "4f1c0a2b9e77: tenants/shop/web.kdl:2:3: unknown field `imagine` <!channel> @all"
                    .to_owned(),
        },
        changes: 0,
        since: None,
        at: "2026-05-04T10:00:00Z".parse().unwrap(),
    }
}

fn told(topic: Topic, changes: u32) -> Told {
    Told {
        topic,
        digest: "0123456789abcdef".to_owned(),
        commit: None,
        at: "2026-05-04T09:30:00Z".parse().unwrap(),
        changes,
        streak: 1,
    }
}

#[test]
fn a_webhook_is_told_every_fact() {
    let expected = json!({
        "id": "msg_1",
        "at": "2026-05-04T10:00:00Z",
        "topic": "stalled",
        "title": "shop: only a person can help",
        "sync": "shop",
        "project": "bank",
        "environment": "prod",
        "cluster": "hq",
        "commit": COMMIT,
        "story": "4f1c0a2b9e77: tenants/shop/web.kdl:2:3: unknown field `imagine` <!channel> @all",
        "changes": 0,
        "next": "kubemate why sync/shop",
    });
    assert_eq!(body(Service::Webhook, &notice()), expected);
}

#[test]
fn slack_is_told_in_plain_text() {
    let expected = json!({
        "text": format!(
            "kubemate: shop: only a person can help\nproject bank · environment prod · cluster hq\n\
             4f1c0a2b9e77: tenants/shop/web.kdl:2:3: unknown field `imagine` &lt;!channel&gt; @\u{200b}all\n\
             commit {COMMIT}\nnext: kubemate why sync/shop"
        ),
        "mrkdwn": false,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    });
    assert_eq!(body(Service::Slack, &notice()), expected);
}

#[test]
fn wecom_is_told_in_its_markdown() {
    let expected = json!({
        "msgtype": "markdown",
        "markdown": { "content": format!(
            "**kubemate: shop: only a person can help**\nproject bank · environment prod · cluster hq\n\
             4f1c0a2b9e77: tenants/shop/web.kdl:2:3: unknown field 'imagine' ＜!channel＞ ＠all\n\
             commit {COMMIT}\nnext: kubemate why sync/shop"
        ) },
    });
    assert_eq!(body(Service::Wecom, &notice()), expected);
}

#[test]
fn dingtalk_is_told_in_its_markdown() {
    let expected = json!({
        "msgtype": "markdown",
        "markdown": {
            "title": "kubemate: shop: only a person can help",
            "text": format!(
                "**kubemate: shop: only a person can help**\n\nproject bank · environment prod · cluster hq\n\n\
                 4f1c0a2b9e77: tenants/shop/web.kdl:2:3: unknown field 'imagine' ＜!channel＞ ＠all\n\n\
                 commit {COMMIT}\n\nnext: kubemate why sync/shop"
            ),
        },
        "at": { "isAtAll": false },
    });
    assert_eq!(body(Service::Dingtalk, &notice()), expected);
}

#[test]
fn feishu_is_told_in_plain_text() {
    let recovered = Notice {
        changes: 4,
        since: Some("2026-05-04T09:30:00Z".parse().unwrap()),
        topic: Topic::Recovered,
        facts: Facts {
            project: None,
            commit: None,
            story: "4f1c0a2b9e77: 7 sets with 112 objects as wanted".to_owned(),
            ..notice().facts
        },
        ..notice()
    };
    let expected = json!({
        "msg_type": "text",
        "content": { "text":
            "kubemate: shop: all is well again\nenvironment prod · cluster hq\n\
             4f1c0a2b9e77: 7 sets with 112 objects as wanted\n\
             it came and went since 2026-05-04T09:30:00Z: 4 changes not told"
        },
    });
    assert_eq!(body(Service::Feishu, &recovered), expected);
}

#[test]
fn a_letter_is_plain_text() {
    let (subject, text) = letter(&notice());
    assert_eq!(subject, "kubemate: shop: only a person can help");
    let expected = format!(
        "kubemate: shop: only a person can help\nproject bank · environment prod · cluster hq\n\
         4f1c0a2b9e77: tenants/shop/web.kdl:2:3: unknown field `imagine` <!channel> @all\n\
         commit {COMMIT}\nnext: kubemate why sync/shop"
    );
    assert_eq!(text, expected);
}

#[test]
fn each_try_of_a_notice_has_the_same_identity_and_no_other_notice_has() {
    let (facts, now) = (notice().facts, notice().at);
    let before = told(Topic::Recovered, 0);
    let one = Notice::new(&facts, &told(Topic::Held, 3), Some(&before), now);
    assert_eq!(one.since, Some(before.at));
    let later = now.checked_add(std::time::Duration::from_secs(90)).unwrap();
    let again = Notice::new(&facts, &told(Topic::Held, 3), Some(&before), later);
    assert_eq!(one.id, again.id);
    assert!(
        one.id.len() == 36 && one.id.starts_with("msg_"),
        "{}",
        one.id
    );
    let first = Notice::new(&facts, &told(Topic::Held, 0), None, now);
    let end = Notice::new(&facts, &told(Topic::Recovered, 0), Some(&before), now);
    assert!(one.id != first.id && one.id != end.id);
    assert_eq!(first.since, None);
}

/// Any text, much of it signs that mean something somewhere.
fn nasty() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        any::<char>().prop_map(String::from),
        Just("<!channel>".to_owned()),
        Just("@all".to_owned()),
        Just("<@all>".to_owned()),
        Just("<at user_id=\"all\">x</at>".to_owned()),
        Just("https://e.example/?a=b".to_owned()),
        Just("\"\\".repeat(40)),
        Just("中文".repeat(50)),
    ];
    proptest::collection::vec(word, 0..300).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every body fits its service, and mentions nobody.
    #[test]
    fn s_65_every_body_fits_and_mentions_nobody(name in nasty(), story in nasty(), changes in 0_u32..3) {
        let notice = Notice {
            changes,
            since: Some(notice().at),
            facts: Facts {
                sync: name.clone(),
                project: Some(name.clone()),
                environment: name.clone(),
                cluster: name.clone(),
                commit: Some(name),
                story,
            },
            ..notice()
        };
        for service in Service::ALL {
            let value = body(service, &notice);
            let size = serde_json::to_vec(&value).unwrap().len();
            let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
            match service {
                Service::Webhook => prop_assert!(size < 64 * 1024),
                Service::Slack => {
                    let said = text("/text");
                    prop_assert!(said.chars().count() <= SLACK);
                    prop_assert!(!said.contains(['<', '>']) && !said.contains("@all"));
                }
                Service::Wecom => {
                    let said = text("/markdown/content");
                    prop_assert!(said.len() <= WECOM);
                    prop_assert!(!said.contains(['<', '>', '@', '[', '`']));
                }
                Service::Dingtalk => {
                    let said = text("/markdown/text") + &text("/markdown/title");
                    prop_assert!(size < 20_000);
                    prop_assert!(!said.contains(['<', '>', '@', '[', '`']));
                }
                Service::Feishu => {
                    prop_assert!(size < 20 * 1024);
                    prop_assert!(!text("/content/text").contains(['<', '>', '@']));
                }
                Service::Email => {
                    let said = text("/text");
                    prop_assert!(said.len() <= EMAIL && !said.contains('\r'));
                    prop_assert!(said.lines().count() <= 6, "nobody adds a line");
                    prop_assert!(!text("/subject").contains(char::is_control));
                }
            }
        }
    }
}
