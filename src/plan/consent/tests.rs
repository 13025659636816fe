//! Who counts, and who does not.

use serde_json::json;

use super::*;

fn rule(more: serde_json::Value) -> Approval {
    let mut value = json!({
        "name": "prod-change",
        "approver": [{ "user": "cid" }, { "group": "leads" }],
    });
    value
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn yes(user: &str, groups: &[&str], at: &str) -> Yes {
    Yes {
        user: user.to_owned(),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        at: Some(at.parse().unwrap()),
        in_cluster: false,
    }
}

fn in_cluster(user: &str, groups: &[&str], at: &str) -> Yes {
    Yes {
        in_cluster: true,
        ..yes(user, groups, at)
    }
}

fn people(yeses: &[Yes]) -> People {
    People {
        author: "ann".to_owned(),
        writers: vec![Some("ann".to_owned()), Some("ben".to_owned())],
        yeses: yeses.to_vec(),
        ..People::default()
    }
}

const NOW: &str = "2026-05-04T12:00:00Z";

fn judged(rule: &Approval, people: &People) -> Consent {
    Consent::of(rule, people, NOW.parse().unwrap())
}

#[test]
fn who_has_a_part_in_a_change_does_not_agree_to_it() {
    let at = "2026-05-04T11:00:00Z";
    for (user, groups, counts) in [
        ("cid", &[][..], true),
        ("CID", &[], true),
        ("dan", &["leads"], true),
        ("dan", &["other"], false),
        ("dan", &[], false),
        ("ann", &["leads"], false),
        ("Ann", &["leads"], false),
        ("ben", &["leads"], false),
    ] {
        let consent = judged(&rule(json!({})), &people(&[yes(user, groups, at)]));
        assert_eq!(consent.is_given(), counts, "{user} {groups:?}: {consent}");
        assert_eq!(consent.refused.is_empty(), counts, "{consent}");
    }
    let mut merged = people(&[yes("cid", &[], at)]);
    merged.merger = Some("cid".to_owned());
    assert!(judged(&rule(json!({})), &merged).is_given());
    let strict = rule(json!({ "exclude": ["merger"] }));
    assert!(!judged(&strict, &merged).is_given());
    // What the forge does not know is no yes.
    let mut unknown = people(&[yes("cid", &[], at)]);
    unknown.writers.push(None);
    assert!(!judged(&rule(json!({})), &unknown).is_given());
    assert!(
        judged(&strict, &unknown).is_given(),
        "only the merger is asked about"
    );
    // Not even a rule that excludes nobody lets somebody agree with himself.
    let loose = rule(json!({ "exclude": [] }));
    assert!(!judged(&loose, &people(&[yes("ann", &["leads"], at)])).is_given());
}

#[test]
fn who_pushed_it_in_another_ones_name_does_not_agree_to_it() {
    let at = "2026-05-04T11:00:00Z";
    let mut pushed = people(&[yes("cid", &[], at)]);
    pushed.pushers = vec![Some("ann".to_owned())];
    assert!(judged(&rule(json!({})), &pushed).is_given());
    for (pusher, why) in [
        (Some("Cid".to_owned()), "cid pushed a part of it"),
        (None, "cid may have pushed a part of it"),
    ] {
        pushed.pushers.push(pusher);
        let consent = judged(&rule(json!({})), &pushed);
        assert!(!consent.is_given(), "{consent}");
        assert!(consent.to_string().contains(why), "{consent}");
        let loose = rule(json!({ "exclude": [] }));
        assert!(judged(&loose, &pushed).is_given(), "nobody is asked about");
        pushed.pushers.pop();
    }
}

#[test]
fn what_was_said_of_it_on_its_way_to_another_branch_does_not_count() {
    let at = "2026-05-04T11:00:00Z";
    for (turned, counts) in [
        (None, true),
        (Some("2026-05-04T10:59:59Z"), true),
        (Some(at), false),
        (Some("2026-05-04T11:30:00Z"), false),
    ] {
        let mut turning = people(&[yes("cid", &[], at)]);
        turning.turned = turned.map(|time| time.parse().unwrap());
        let consent = judged(&rule(json!({})), &turning);
        assert_eq!(consent.is_given(), counts, "{turned:?}: {consent}");
        turning.yeses[0].at = None;
        let given = judged(&rule(json!({})), &turning).is_given();
        assert_eq!(given, turned.is_none(), "{turned:?}: who knows when");
        turning.yeses = vec![in_cluster("cid", &[], at)];
        let consent = judged(&rule(json!({})), &turning);
        assert!(consent.is_given(), "it is bound to what changes: {consent}");
    }
}

#[test]
fn names_of_a_cluster_are_compared_with_those_of_the_forge() {
    let at = "2026-05-04T11:00:00Z";
    for (user, counts) in [
        ("oidc:dan@bank.example", true),
        ("oidc:ann@bank.example", false),
        ("https://login.bank.example#ann", false),
        ("BANK\\Ben", false),
        ("ben@elsewhere.example", false),
        ("oidc:ANN_bank@bank.example", false),
        ("ann+ops@bank.example", false),
        ("ann:dan", false),
        ("annette", true),
        ("@", true),
    ] {
        let yes = in_cluster(user, &["leads"], at);
        let consent = judged(&rule(json!({})), &people(&[yes]));
        assert_eq!(consent.is_given(), counts, "{user}: {consent}");
    }
    for (user, counts) in [("cid", true), ("CID", false), ("oidc:cid", false)] {
        let consent = judged(&rule(json!({})), &people(&[in_cluster(user, &[], at)]));
        assert_eq!(consent.is_given(), counts, "{user}: {consent}");
    }
    // A forge's names are compared with each other as they are.
    for (user, counts) in [("ann_ops", true), ("ANN", false)] {
        let consent = judged(&rule(json!({})), &people(&[yes(user, &["leads"], at)]));
        assert_eq!(consent.is_given(), counts, "{user}: {consent}");
    }
    let mut managed = people(&[in_cluster("oidc:ann@bank", &["leads"], at)]);
    managed.author = "ann_bank".to_owned();
    managed.writers = vec![Some("ann_bank".to_owned())];
    assert!(!judged(&rule(json!({})), &managed).is_given());
    let merged = People {
        merger: Some("may".to_owned()),
        ..people(&[in_cluster("oidc:may@bank", &["leads"], at)])
    };
    assert!(!judged(&rule(json!({ "exclude": ["merger"] })), &merged).is_given());
    assert!(judged(&rule(json!({})), &merged).is_given());
}

#[test]
fn who_agrees_at_the_forge_and_in_the_cluster_counts_once() {
    let at = "2026-05-04T11:00:00Z";
    let two = rule(json!({ "count": 2 }));
    let (forge, leads) = (yes("cid", &[], at), &["leads"][..]);
    for (other, missing) in [
        (in_cluster("oidc:cid@bank", leads, at), 1),
        (in_cluster("oidc:dan@bank", leads, at), 0),
        (yes("cid_ops", leads, at), 0),
    ] {
        for both in [
            [forge.clone(), other.clone()],
            [other.clone(), forge.clone()],
        ] {
            assert_eq!(judged(&two, &people(&both)).missing, missing, "{both:?}");
        }
    }
    let cluster = |user: &str| in_cluster(user, leads, at);
    let both = [cluster("oidc:cid@bank"), cluster("oidc:dan@bank")];
    assert_eq!(judged(&two, &people(&both)).missing, 0);
    for other in ["cid@bank", "oidc:cid+ops@bank"] {
        let both = [cluster("oidc:cid@bank"), cluster(other)];
        assert_eq!(judged(&two, &people(&both)).missing, 1, "{other}");
    }
}

#[test]
fn s_81_where_roles_of_a_tenant_say_who_agrees_nobody_else_does() {
    let at = "2026-05-04T11:00:00Z";
    let member = |kind: MemberKind, name: &str, until: Option<&str>| Entitled {
        tenant: "web".to_owned(),
        kind,
        name: name.to_owned(),
        may: vec![crate::kinds::role::Action::Approve],
        until: until.map(|text| text.parse().unwrap()),
    };
    let (user, group) = (MemberKind::User, MemberKind::Group);
    let (over, later) = ("2026-05-04T12:00+00:00", "2026-05-04T12:01+00:00");
    let cid = || yes("cid", &[], at);
    let dan = || yes("dan", &["leads", "web-leads"], at);
    let eve = || yes("eve", &["web-leads"], at);
    for (who, only, counts) in [
        (cid(), vec![member(user, "cid", None)], true),
        (cid(), vec![member(user, "dan", None)], false),
        (cid(), vec![member(user, "cid", Some(over))], false),
        (cid(), vec![member(user, "cid", Some(later))], true),
        (dan(), vec![member(group, "web-leads", None)], true),
        (cid(), vec![member(group, "web-leads", None)], false),
        // A role alone does not make somebody whom the rule names.
        (eve(), vec![member(group, "web-leads", None)], false),
    ] {
        let mut people = people(std::slice::from_ref(&who));
        people.only = vec![only.clone()];
        let consent = judged(&rule(json!({})), &people);
        assert_eq!(consent.is_given(), counts, "{who:?} {only:?}: {consent}");
        // Each tenant that is changed is asked about.
        people.only.push(vec![member(user, "mia", None)]);
        assert!(!judged(&rule(json!({})), &people).is_given());
    }
    assert_eq!(
        member_groups(&[member(user, "cid", None), member(group, "ops", None)]),
        BTreeSet::from(["ops".to_owned()])
    );
}

#[test]
fn people_count_once_and_not_for_ever() {
    let two = rule(json!({ "count": 2, "valid-for": "1h" }));
    let fresh = "2026-05-04T11:30:00Z";
    let twice = [yes("cid", &[], fresh), yes("Cid", &["leads"], fresh)];
    let consent = judged(&two, &people(&twice));
    assert_eq!((consent.missing, consent.by.len()), (1, 1), "{consent}");
    assert!(
        consent
            .to_string()
            .contains("waits for 1 of cid, group leads")
    );
    let both = [yes("cid", &[], fresh), yes("dan", &["leads"], fresh)];
    assert!(judged(&two, &people(&both)).is_given());
    let old = [yes("cid", &[], "2026-05-04T10:59:59Z"), both[1].clone()];
    let consent = judged(&two, &people(&old));
    assert!(
        consent.to_string().contains("more than 1h ago"),
        "{consent}"
    );
    let timeless = [
        Yes {
            at: None,
            ..both[0].clone()
        },
        both[1].clone(),
    ];
    assert!(!judged(&two, &people(&timeless)).is_given());
}
