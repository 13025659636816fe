//! What comes of one pull request with what people said of it in both ways.

use serde_json::json;

use super::*;
use crate::kinds::role::Action;
use crate::kinds::tenant::member::MemberKind;
use crate::object::{GroupKind, ObjectKey, Owner, SetId};
use crate::plan::Verb;
use crate::plan::consent::Yes;
use crate::plan::intent::Announced;
use crate::plan::season::Season;
use crate::report::forge::{Pull, PullNumber};
use crate::source::repository::CommitId;

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
        intents: Ok(Arc::new(tenants.iter().map(|name| intent(name)).collect())),
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
        intents: Err("its commits are gone".to_owned()),
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

/// The same where nobody's leave is asked for, and the shop is in a freeze that Cid or Ann may let changes through.
fn frozen(brought: Brought) -> Found {
    let rule = json!({ "name": "cto", "approver": [{ "user": "cid" }, { "user": "ann" }] });
    let exception = Exception {
        freeze: "year-end".to_owned(),
        ticket: true,
        rule: serde_json::from_value(rule).unwrap(),
    };
    Found {
        rule: None,
        exceptions: [(set("shop"), exception)].into(),
        ..found(brought)
    }
}

fn through(user: &str, ticket: &str) -> Given {
    Given {
        user: user.to_owned(),
        freeze: Some("year-end".to_owned()),
        ticket: Some(ticket.to_owned()),
        reason: Some("the disk is full".to_owned()),
        ..given("shop")
    }
}

fn said(found: &Found, given: &[Given]) -> Leave {
    let vouched: Vouched = Ok(time("2026-05-04T10:00:00Z"));
    found.judge(Said {
        given: Some(given),
        vouched: &vouched,
        now: time(NOW),
    })
}

#[test]
fn who_the_freeze_names_lets_one_change_through_with_a_ticket_and_a_reason() {
    let found = frozen(brought(&["shop", "pay"]));
    let leave = said(&found, &[through("cid", "CHG-1")]);
    assert!(leave.bound.is_none(), "nobody's leave is asked for");
    let freed = leave.freed.sets.get(&set("shop")).unwrap();
    assert_eq!(freed.agreed().intents, [intent("shop")]);
    assert!(freed.agreed().whole && leave.freed.sets.len() == 1);
    let agreements = leave.agreements(&set("shop"));
    assert_eq!(
        agreements[0].exception.as_deref(),
        Some("#7 is let through freeze `year-end` by cid: CHG-1, the disk is full")
    );
    assert!(leave.agreements(&set("pay")).is_empty());
    let season = |name: &str| Season::Frozen {
        freeze: format!("`{name}`"),
        next: None,
        exception: None,
    };
    assert!(freed.is_through(&season("year-end")));
    assert!(!freed.is_through(&season("audit")) && !freed.is_through(&Season::Open));
    assert!(!leave.is_settled(), "it can be taken back");
}

#[test]
fn nobody_else_lets_a_change_through_a_freeze() {
    let found = frozen(brought(&["shop"]));
    for (other, why) in [
        (given("shop"), ""),
        (through("cid", ""), "cid named no ticket"),
        (through("eve", "CHG-1"), "eve may not agree to this"),
        (through("ann", "CHG-1"), "ann opened it"),
    ] {
        let leave = said(&found, &[other]);
        assert!(leave.freed.sets.is_empty(), "{why}");
        let waiting = leave.waiting();
        assert_eq!(waiting.len(), 1, "{why}");
        let waiting = &waiting[0];
        assert!(waiting.refused.join(", ").contains(why), "{waiting:?}");
        assert_eq!(
            (waiting.freeze.as_deref(), waiting.ticket, waiting.missing),
            (Some("year-end"), true, 1)
        );
        assert!(
            waiting.rule.contains("to get through freeze `year-end`"),
            "{waiting:?}"
        );
    }
}

#[test]
fn what_is_not_known_does_not_get_through_a_freeze() {
    let mut found = frozen(brought(&["shop"]));
    let direct = "c0ffee came without a pull request".to_owned();
    found.parts.push(Part::Unknown(direct));
    let leave = said(&found, &[through("cid", "CHG-1")]);
    let freed = leave.freed.sets.get(&set("shop")).unwrap();
    assert!(!freed.agreed().whole, "what was shown goes, and no more");
    let hidden = frozen(Brought {
        intents: Err("its commits are gone".to_owned()),
        ..brought(&["shop"])
    });
    let leave = said(&hidden, &[through("cid", "CHG-1")]);
    assert!(leave.freed.sets.is_empty() && leave.waiting().is_empty());
    let strict = json!({ "name": "cto", "approver": [{ "user": "cid" }], "exclude": ["merger"] });
    let mut found = frozen(brought(&["shop"]));
    for exception in found.exceptions.values_mut() {
        exception.rule = serde_json::from_value(strict.clone()).unwrap();
    }
    let leave = said(&found, &[through("cid", "CHG-1")]);
    assert!(leave.freed.sets.is_empty(), "Cid may have merged it");
}

#[test]
fn s_81_where_roles_of_a_tenant_say_who_agrees_nobody_else_does() {
    let mia = Entitled {
        tenant: "shop".to_owned(),
        kind: MemberKind::User,
        name: "mia".to_owned(),
        may: vec![Action::Approve],
        until: None,
    };
    let leads = Entitled {
        kind: MemberKind::Group,
        name: "shop-leads".to_owned(),
        ..mia.clone()
    };
    let mut found = found(brought(&["shop", "pay"]));
    found.agreeing = [(set("shop"), vec![mia, leads])].into();
    let both = judged(&found, Some(&[given("shop"), given("pay")]));
    assert_eq!(both.intents, [intent("pay")]);
    let why = missing(&both, "shop");
    assert!(why.contains("cid may not agree for a tenant"), "{why}");
    let waits = both.waiting.iter().find(|w| w.set == set("shop").to_string());
    assert_eq!(waits.unwrap().groups, ["shop-leads"]);
    let leader = Given {
        groups: ["shop-leads".to_owned()].into(),
        ..given("shop")
    };
    let both = judged(&found, Some(&[leader, given("pay")]));
    assert!(both.missing.is_empty(), "{:?}", both.missing);
    // A review is of all that the pull request changes.
    let Part::Pull(pull) = &mut found.parts[0] else {
        panic!("a pull request");
    };
    pull.merged.people.yeses = vec![Yes {
        user: "cid".to_owned(),
        at: Some(time(MADE)),
        ..Yes::default()
    }];
    assert!(!judged(&found, Some(&[])).missing.is_empty());
    found.agreeing.clear();
    assert!(judged(&found, Some(&[])).missing.is_empty());
}
