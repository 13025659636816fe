//! Which passes say what of a commit, and what is never said twice.

use super::*;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn sync(mode: &str) -> Sync {
    let spec = serde_json::from_value(serde_json::json!({
        "repository": "https://git.bank.example/p.git", "environment": "dev", "cluster": "hq", "mode": mode
    }));
    Sync::new("dev", spec.unwrap())
}

fn set() -> SetResult {
    SetResult {
        name: "hq/dev/shop".to_owned(),
        objects: 3,
        message: "tenants/shop/web.kdl:1:1: why".to_owned(),
        ..SetResult::default()
    }
}

fn seen(commit: &str, set: SetResult) -> Seen {
    Seen {
        attempted: Some(commit.to_owned()),
        in_force: Some(commit.to_owned()),
        sets: vec![set],
        ..Seen::default()
    }
}

fn broken(sort: Sort) -> Seen {
    Seen {
        trouble: Some(Trouble::new(sort, "a.kdl:2:3: unknown field")),
        ..seen(ONE, set())
    }
}

fn verdict(mode: &str, seen: &Seen) -> Verdict {
    Verdict::of("dev", &sync(mode), seen).unwrap()
}

fn state(mode: &str, set: SetResult) -> State {
    verdict(mode, &seen(ONE, set)).status.state
}

#[test]
fn a_commit_succeeds_only_when_all_of_it_is_in_force_and_healthy() {
    let with = |change: fn(&mut SetResult)| {
        let mut set = set();
        change(&mut set);
        set
    };
    for (mode, set, expected) in [
        ("auto", set(), State::Success),
        ("observe", set(), State::Success),
        ("observe", with(|s| s.pending = 1), State::Pending),
        ("manual", with(|s| s.pending = 1), State::Pending),
        ("auto", with(|s| s.pending = 1), State::Pending),
        ("auto", with(|s| s.held = 1), State::Pending),
        ("auto", with(|s| s.on_its_way = 1), State::Pending),
        (
            "auto",
            with(|s| (s.unhealthy, s.on_its_way) = (1, 1)),
            State::Pending,
        ),
        ("auto", with(|s| s.unhealthy = 1), State::Failure),
        ("auto", with(|s| s.failed = true), State::Failure),
        (
            "auto",
            with(|s| (s.failed, s.passes) = (true, true)),
            State::Pending,
        ),
    ] {
        assert_eq!(state(mode, set.clone()), expected, "{mode} {set:?}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_blames_the_commit_only_for_its_own_faults() {
    for (sort, expected) in [
        (Sort::InvalidCommit, State::Failure),
        (Sort::Unsigned, State::Failure),
        (Sort::Rewritten, State::Pending),
        (Sort::WrongCluster, State::Error),
        (Sort::UpgradePending, State::Pending),
        (Sort::Source, State::Pending),
        (Sort::Cluster, State::Pending),
    ] {
        let found = verdict("auto", &broken(sort));
        assert_eq!(found.status.state, expected, "{sort:?}");
        assert!(found.status.text.as_str().starts_with("a.kdl:2:3: "));
        assert_eq!(found.deployment(), None, "what is not valid goes nowhere");
    }
    let mut failed = set();
    failed.failed = true;
    let found = verdict("auto", &seen(ONE, failed));
    assert!(
        found
            .status
            .text
            .as_str()
            .contains("tenants/shop/web.kdl:1:1")
    );
    assert_eq!(found.deployment().unwrap().environment, "dev/hq");
    let called_off = Seen {
        called_off: true,
        ..seen(ONE, set())
    };
    assert_eq!(Verdict::of("dev", &sync("auto"), &called_off), None);
    assert_eq!(Verdict::of("dev", &sync("auto"), &Seen::default()), None);
}

#[test]
fn the_same_is_told_once_and_nothing_decided_is_taken_back() {
    let good = verdict("auto", &seen(ONE, set()));
    let mut way = set();
    way.on_its_way = 1;
    let pending = verdict("auto", &seen(ONE, way.clone()));
    let bad = verdict("auto", &broken(Sort::InvalidCommit));
    let next = verdict("auto", &seen(TWO, way));
    let told = |v: &Verdict| Told::after(None, v.clone());

    for (before, after, news) in [
        (&good, &good, false),
        (&good, &pending, false),
        (&good, &bad, true),
        (&bad, &pending, false),
        (&bad, &good, true),
        (&pending, &pending, false),
        (&pending, &good, true),
        (&good, &next, true),
    ] {
        assert_eq!(told(before).is_news(after), news, "{before:?} {after:?}");
    }
    assert_eq!(told(&good).overtaken(&next), None);
    let last = told(&pending).overtaken(&next).unwrap();
    assert_eq!(
        (last.status.commit.as_str(), last.status.state),
        (ONE, State::Error)
    );
}

#[test]
fn words_that_never_stop_changing_are_told_a_few_times_only() {
    let mut told = None;
    let mut count = 0;
    for n in 0..1_000 {
        let mut failed = set();
        failed.failed = true;
        failed.message = format!("try {n}");
        let verdict = verdict("auto", &seen(ONE, failed));
        if told
            .as_ref()
            .is_none_or(|told: &Told| told.is_news(&verdict))
        {
            count += 1;
            told = Some(Told::after(told, verdict));
        }
    }
    assert_eq!(count, MOST_TOLD);
    assert!(told.unwrap().is_news(&verdict("auto", &seen(ONE, set()))));
}

#[test]
fn after_a_restart_the_forge_is_asked_once_and_a_success_stays() {
    let condition = |kind: &str| {
        serde_json::from_value(serde_json::json!({
            "type": kind, "status": "True", "reason": "Applied", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    };
    let left = SyncStatus {
        last_applied: Some(ONE.to_owned()),
        conditions: vec![condition("Ready"), condition("Healthy")],
        ..SyncStatus::default()
    };
    let told = Told::earlier("dev", &sync("auto"), &left).unwrap();
    let good = verdict("auto", &seen(ONE, set()));
    let mut way = set();
    way.on_its_way = 1;
    assert!(!told.is_news(&verdict("auto", &seen(ONE, way))));
    assert!(told.is_news(&good));
    assert!(!Told::after(Some(told), good.clone()).is_news(&good));
    let unhealthy = SyncStatus {
        conditions: vec![condition("Ready")],
        ..left
    };
    assert_eq!(Told::earlier("dev", &sync("auto"), &unhealthy), None);
}

#[test]
fn every_sync_has_a_context_of_its_own() {
    let of = |cluster: &str, name: &str| instance(cluster, name).unwrap().as_str().to_owned();
    assert_eq!(of("hq", "dev"), "hq-dev");
    let long = "a".repeat(200);
    let names = [
        of("hq", "a.b"),
        of("hq", "a--b"),
        of("hq", &long),
        of("hq", &format!("{long}b")),
    ];
    let all: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(all.len(), names.len(), "{names:?}");
}
