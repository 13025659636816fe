//! What comes of one pull request with what people said of it in both ways.

use serde_json::json;

use super::*;
use crate::object::{GroupKind, ObjectKey, Owner, SetId};
use crate::plan::Verb;
use crate::plan::consent::Yes;
use crate::plan::intent::Announced;
use crate::report::forge::{Pull, PullNumber};
use crate::source::repository::CommitId;

mod freed;

const NOW: &str = "2026-05-04T12:00:00Z";
const MADE: &str = "2026-05-04T11:30:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn commit(digit: char) -> CommitId {
    CommitId::new(&digit.to_string().repeat(40)).unwrap()
}

fn set(tenant: &str) -> SetId {
    SetId {
        project: "bank".to_owned(),
        cluster: "hq".to_owned(),
        owner: Owner::Tenant(tenant.to_owned()),
        environment: "prod".to_owned(),
    }
}

/// What changes one object of a tenant.
fn intent(tenant: &str) -> Intent {
    let key = ObjectKey {
        group_kind: GroupKind::new("apps", "Deployment"),
        namespace: Some(tenant.to_owned()),
        name: "web".to_owned(),
    };
    let change = Announced {
        key,
        verb: Verb::Update,
        before: Some("b3:old".to_owned()),
        after: Some("b3:new".to_owned()),
        dangers: [].into(),
    };
    Intent {
        set: set(tenant),
        changes: vec![change],
        digest: format!("b3:{tenant}"),
    }
}

/// Number 7 of Ann, with a review of Ben, who may not agree.
fn brought(tenants: &[&str]) -> Brought {
    let pull = Pull {
        number: PullNumber::parse("7").unwrap(),
        head: commit('1'),
        base: None,
        target: "main".to_owned(),
        author: "ann".to_owned(),
        fork: false,
        draft: false,
        open: false,
        merger: None,
    };
    let review = Yes {
        user: "ben".to_owned(),
        at: Some(time(MADE)),
        ..Yes::default()
    };
    Brought {
        merged: Merged {
            pull,
            reference: "refs/pull/7/head".to_owned(),
            base: Some(commit('0')),
            people: People {
                author: "ann".to_owned(),
                writers: vec![Some("ann".to_owned())],
                yeses: vec![review],
                ..People::default()
            },
        },
        offer: Ok(Arc::new(Offer {
            intents: tenants.iter().map(|name| intent(name)).collect(),
            ..Offer::default()
        })),
        more: None,
    }
}

fn found(brought: Brought) -> Found {
    let rule = json!({ "name": "prod-change", "approver": [{ "user": "cid" }] });
    Found {
        rule: serde_json::from_value(rule).unwrap(),
        parts: vec![Part::Pull(Box::new(brought))],
        ..Found::default()
    }
}

fn given(tenant: &str) -> Given {
    Given {
        pull: "7".to_owned(),
        commit: commit('1').to_string(),
        intent: format!("b3:{tenant}"),
        user: "cid".to_owned(),
        at: Some(time(MADE)),
        ..Given::default()
    }
}

fn judged(found: &Found, given: Option<&[Given]>) -> Bound {
    let vouched: Vouched = Ok(time("2026-05-04T10:00:00Z"));
    let leave = found.judge(Said {
        given,
        vouched: &vouched,
        now: time(NOW),
    });
    leave.bound.unwrap()
}

/// Why nobody agreed to what changes in the set of a tenant.
fn missing(bound: &Bound, tenant: &str) -> String {
    let of = bound.missing.iter().filter(|m| m.is_of(&set(tenant)));
    of.map(|m| m.why.as_str()).collect::<Vec<_>>().join("; ")
}

#[test]
fn without_a_rule_everything_goes() {
    let free = Found {
        rule: None,
        ..found(brought(&["shop"]))
    };
    let vouched = Err("no".to_owned());
    let leave = free.judge(Said {
        given: None,
        vouched: &vouched,
        now: time(NOW),
    });
    assert!(leave.bound.is_none() && leave.is_settled());
}

#[test]
fn each_set_needs_its_own_approval_and_withdrawn_ones_are_none() {
    let found = found(brought(&["shop", "pay"]));
    let none = judged(&found, Some(&[]));
    assert_eq!((none.waiting.len(), none.intents.len()), (2, 0));
    for tenant in ["shop", "pay", "other"] {
        let why = missing(&none, tenant);
        assert!(why.contains("ben may not agree to this"), "{tenant}: {why}");
    }
    let unknown = judged(&found, None);
    let why = missing(&unknown, "shop");
    assert!(why.contains("is not known"), "{why}");

    let one = judged(&found, Some(&[given("shop")]));
    assert_eq!(one.intents, [intent("shop")]);
    assert_eq!(missing(&one, "shop"), "");
    assert!(!missing(&one, "pay").is_empty() && !missing(&one, "other").is_empty());

    let both = judged(&found, Some(&[given("shop"), given("pay")]));
    assert!(both.missing.is_empty());
    let by = both.agreements.iter().map(|agreement| &agreement.approvers);
    assert!(by.clone().all(|by| *by == ["cid"]) && by.count() == 2);
    let leave = Leave {
        bound: Some(both),
        ..Leave::default()
    };
    assert!(!leave.is_settled(), "it can be taken back");
    assert!(judged(&found, Some(&[])).intents.is_empty());
}

#[test]
fn what_still_waits_is_shown_before_what_was_approved() {
    let names: Vec<String> = (0..=MAX_WAITING).map(|n| format!("t{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (last, rest) = names.split_last().unwrap();
    let all: Vec<Given> = rest.iter().map(|name| given(name)).collect();
    let bound = judged(&found(brought(&names)), Some(&all));
    assert_eq!(bound.waiting.len(), MAX_WAITING);
    assert_eq!(bound.waiting[0].set, set(last).to_string());
}

#[test]
fn who_merged_it_is_to_be_known_where_that_matters() {
    for (merger, goes) in [(Some("may"), true), (None, false), (Some("cid"), false)] {
        let mut agreed = brought(&["shop"]);
        agreed.merged.people.merger = merger.map(str::to_owned);
        agreed.merged.people.yeses = vec![Yes {
            user: "cid".to_owned(),
            at: Some(time(MADE)),
            ..Yes::default()
        }];
        let mut found = found(agreed);
        let rule = json!({
            "name": "prod-change", "approver": [{ "user": "cid" }], "exclude": ["merger"],
        });
        found.rule = serde_json::from_value(rule).unwrap();
        let bound = judged(&found, Some(&[]));
        assert_eq!(missing(&bound, "shop").is_empty(), goes, "{merger:?}");
    }
}

#[test]
fn what_was_agreed_to_for_some_time_ends_although_nothing_else_happens() {
    let mut agreed = brought(&["shop"]);
    agreed.merged.people.yeses = vec![Yes {
        user: "cid".to_owned(),
        at: Some(time(MADE)),
        ..Yes::default()
    }];
    let mut found = found(agreed);
    let rule = json!({ "name": "prod-change", "approver": [{ "user": "cid" }], "valid-for": "1h" });
    found.rule = serde_json::from_value(rule).unwrap();
    let vouched = Err("no".to_owned());
    for (now, goes) in [(NOW, true), ("2026-05-04T12:31:00Z", false)] {
        let leave = found.judge(Said {
            given: Some(&[]),
            vouched: &vouched,
            now: time(now),
        });
        assert_eq!(leave.is_settled(), goes, "{now}");
    }
}

#[test]
fn approvals_of_something_else_or_by_somebody_else_do_not_count() {
    let found = found(brought(&["shop"]));
    for (other, why) in [
        (
            Given {
                user: "oidc:ann@bank".to_owned(),
                ..given("shop")
            },
            "oidc:ann@bank may not agree",
        ),
        (
            Given {
                pull: "8".to_owned(),
                ..given("shop")
            },
            "cid approved another pull request",
        ),
        (
            Given {
                changed: true,
                ..given("shop")
            },
            "cid approved with an Approval that was changed",
        ),
    ] {
        let bound = judged(&found, Some(&[other]));
        assert!(bound.intents.is_empty(), "{why}");
        let said = bound.waiting[0].refused.join(", ");
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn what_a_merge_holds_beside_its_pull_request_was_agreed_to_by_nobody() {
    let agreed = || {
        let mut brought = brought(&["shop"]);
        brought.merged.people.yeses = vec![Yes {
            user: "cid".to_owned(),
            at: Some(time(MADE)),
            ..Yes::default()
        }];
        brought
    };
    let plain = judged(&found(agreed()), Some(&[]));
    assert!(plain.missing.is_empty() && plain.waiting.is_empty());
    let evil = judged(
        &found(Brought {
            more: Some("it holds more".to_owned()),
            ..agreed()
        }),
        Some(&[]),
    );
    assert_eq!(evil.intents, [intent("shop")], "what was shown still goes");
    assert_eq!(missing(&evil, "shop"), "#7: it holds more");
    assert_eq!(missing(&evil, "other"), "#7: it holds more");
    let approved = judged(
        &found(Brought {
            more: Some("it holds more".to_owned()),
            ..brought(&["shop"])
        }),
        Some(&[given("shop")]),
    );
    assert_eq!(missing(&approved, "shop"), "#7: it holds more");
}

#[test]
fn what_was_not_shown_cannot_be_approved() {
    let found = found(Brought {
        offer: Err("its commits are gone".to_owned()),
        ..brought(&["shop"])
    });
    let bound = judged(&found, Some(&[given("shop")]));
    assert!(bound.waiting.is_empty() && bound.intents.is_empty());
    let why = missing(&bound, "shop");
    assert!(why.contains("waits for 1 of cid") && why.contains("its commits are gone"));
    let direct = Found {
        parts: vec![Part::Unknown(
            "c0ffee came without a pull request".to_owned(),
        )],
        ..found
    };
    let bound = judged(&direct, Some(&[given("shop")]));
    assert!(missing(&bound, "shop").contains("without a pull request"));
}

/// Number 7 of Ann, to which Cid agreed at the forge.
fn agreed(offer: Offer) -> Brought {
    let mut brought = brought(&[]);
    brought.offer = Ok(Arc::new(offer));
    brought.merged.people.yeses = vec![Yes {
        user: "cid".to_owned(),
        at: Some(time(MADE)),
        ..Yes::default()
    }];
    brought
}

#[test]
fn a_rule_is_replaced_only_by_the_leave_that_it_asks_for() {
    let turns = |brought: Brought| Found {
        turns: true,
        ..found(brought)
    };
    let eased = || Offer {
        intents: vec![intent("shop")],
        turns: true,
        ..Offer::default()
    };
    let by_nobody = Brought {
        offer: Ok(Arc::new(eased())),
        ..brought(&[])
    };
    // What is approved in the cluster is what changes in a set, and that is no rule.
    let bound = judged(&turns(by_nobody), Some(&[given("shop")]));
    assert_eq!(missing(&bound, "shop"), "");
    assert!(bound.unruled[0].contains("#7: `prod-change` waits for 1 of cid"));
    assert!(
        judged(&turns(agreed(eased())), Some(&[]))
            .unruled
            .is_empty()
    );
    let evil = Brought {
        more: Some("it holds more".to_owned()),
        ..agreed(Offer::default())
    };
    let unseen = Brought {
        offer: Err("its commits are gone".to_owned()),
        ..agreed(Offer::default())
    };
    for (part, why) in [
        (evil, "#7: it holds more"),
        (unseen, "#7: its commits are gone"),
    ] {
        assert_eq!(judged(&turns(part), Some(&[])).unruled, [why]);
    }
    let mut past = turns(brought(&["shop"]));
    past.parts.push(Part::Unknown("past all".to_owned()));
    assert_eq!(judged(&past, Some(&[])).unruled, ["past all"]);
    // Nobody asks where the rule stays, or where another pull request brought the other one.
    assert!(
        judged(&found(brought(&["shop"])), Some(&[]))
            .unruled
            .is_empty()
    );
    assert!(
        judged(&turns(brought(&["shop"])), Some(&[]))
            .unruled
            .is_empty()
    );
}

#[test]
fn files_of_one_tenant_that_are_not_valid_are_in_nobody_elses_way() {
    let offer = || Offer {
        intents: vec![intent("shop")],
        dark: [(set("pay").owner, "tenants/pay/web.kdl:1:1: odd".to_owned())].into(),
        turns: false,
    };
    let both_ways = [
        judged(&found(agreed(offer())), Some(&[])),
        judged(
            &found(Brought {
                offer: Ok(Arc::new(offer())),
                ..brought(&[])
            }),
            Some(&[given("shop")]),
        ),
    ];
    for bound in both_ways {
        assert_eq!(bound.intents, [intent("shop")]);
        assert_eq!(missing(&bound, "shop"), "");
        assert_eq!(missing(&bound, "other"), "");
        let why = missing(&bound, "pay");
        assert!(why.contains("was shown to nobody: tenants/pay"), "{why}");
    }
}

#[test]
fn who_agreed_is_asked_again_before_long() {
    let free = Found::default();
    let open = found(brought(&["shop"]));
    let given = found(agreed(Offer::default()));
    let vouched = Err("no".to_owned());
    for (found, time_to_ask) in [
        (free, None),
        (open, Some(crate::controller::decide::AGAIN)),
        (given, Some(crate::controller::leave::STILL)),
    ] {
        let leave = found.judge(Said {
            given: Some(&[]),
            vouched: &vouched,
            now: time(NOW),
        });
        assert_eq!(leave.good_for(), time_to_ask);
    }
}
