//! What gets through a freeze, and what members of tenants agree to.

use super::*;
use crate::kinds::role::Action;
use crate::kinds::tenant::member::MemberKind;
use crate::plan::season::Season;

/// Where nobody's leave is asked for, and the shop is in a freeze that Cid or Ann may let changes through.
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
        exception: Some("cto".to_owned()),
    };
    let closed = Season::Frozen {
        freeze: "`year-end`".to_owned(),
        next: None,
        exception: None,
    };
    assert!(freed.is_through(&season("year-end")));
    assert!(!freed.is_through(&closed), "another freeze came meanwhile");
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
        offer: Err("its commits are gone".to_owned()),
        ..brought(&["shop"])
    });
    let leave = said(&hidden, &[through("cid", "CHG-1")]);
    assert!(leave.freed.sets.is_empty() && leave.waiting().is_empty());
    assert!(leave.good_for().is_some(), "it is searched again");
    let dark = Brought {
        offer: Ok(Arc::new(Offer {
            dark: [(set("shop").owner, "web.kdl:1:1: odd".to_owned())].into(),
            ..Offer::default()
        })),
        ..brought(&[])
    };
    let mut found = frozen(brought(&["shop"]));
    found.parts.push(Part::Pull(Box::new(dark)));
    let leave = said(&found, &[through("cid", "CHG-1")]);
    let freed = leave.freed.sets.get(&set("shop")).unwrap();
    assert!(!freed.agreed().whole, "what nobody was shown came with it");
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
    let waits = both
        .waiting
        .iter()
        .find(|w| w.set == set("shop").to_string());
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
