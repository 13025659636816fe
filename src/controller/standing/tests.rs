//! Which passes are trouble of which sort, which troubles are the same, and what is left alone.

use super::*;
use crate::controller::cycle::Trouble as Wrong;
use crate::controller::status;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn spec(mode: &str, drift: &str) -> SyncSpec {
    serde_json::from_value(serde_json::json!({
        "repository": "https://git.bank.example/p.git", "environment": "dev", "cluster": "hq",
        "mode": mode, "drift": drift,
    }))
    .unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn seen(commit: &str, change: fn(&mut SetResult)) -> Seen {
    let mut set = SetResult {
        name: "hq/dev/shop".to_owned(),
        objects: 3,
        ..SetResult::default()
    };
    change(&mut set);
    Seen {
        attempted: Some(commit.to_owned()),
        in_force: Some(commit.to_owned()),
        sets: vec![set],
        ..Seen::default()
    }
}

fn broken(commit: &str, sort: Sort) -> Seen {
    Seen {
        trouble: Some(Wrong::new(sort, "a.kdl:2:3: unknown field")),
        ..seen(commit, |_| {})
    }
}

/// How it stands after one pass at the second 1,000.
fn stands(spec: &SyncSpec, seen: &Seen) -> Standing {
    let status = status::after(&SyncStatus::default(), spec, 1, seen, at(1_000));
    Picture::of("shop", spec, &status, seen).standing.clone()
}

fn topic(standing: &Standing) -> Option<(Topic, i64)> {
    match standing {
        Standing::Trouble(trouble) => Some((trouble.topic, trouble.ripe.as_second())),
        Standing::Well { .. } | Standing::Unclear => None,
    }
}

#[test]
fn each_trouble_has_its_topic_and_its_time() {
    let auto = spec("auto", "revert");
    let upgraded = broken(ONE, Sort::UpgradePending);
    for (spec, seen, expected) in [
        (&auto, broken(ONE, Sort::InvalidCommit), (Topic::Stalled, 0)),
        (&auto, broken(ONE, Sort::Unsigned), (Topic::Stalled, 0)),
        (&auto, broken(ONE, Sort::Rewritten), (Topic::Stalled, 0)),
        (&auto, broken(ONE, Sort::WrongCluster), (Topic::Stalled, 0)),
        (&auto, upgraded, (Topic::Stalled, 0)),
        (&auto, broken(ONE, Sort::Source), (Topic::Failed, 1_120)),
        (&auto, broken(ONE, Sort::Cluster), (Topic::Failed, 1_120)),
        (&auto, broken(ONE, Sort::Internal), (Topic::Failed, 1_120)),
        (
            &auto,
            seen(ONE, |s| s.behind = Some("why".into())),
            (Topic::Stalled, 0),
        ),
        (&auto, seen(ONE, |s| s.failed = true), (Topic::Stalled, 0)),
        (
            &auto,
            seen(ONE, |s| (s.failed, s.passes) = (true, true)),
            (Topic::Failed, 1_120),
        ),
        (
            &auto,
            seen(ONE, |s| (s.pending, s.on_its_way) = (1, 1)),
            (Topic::Failed, 1_600),
        ),
        (
            &auto,
            seen(ONE, |s| (s.pending, s.held) = (1, 1)),
            (Topic::Held, 0),
        ),
        (
            &spec("manual", "revert"),
            seen(ONE, |s| s.pending = 1),
            (Topic::Held, 0),
        ),
        (&auto, seen(ONE, |s| s.unhealthy = 1), (Topic::Unhealthy, 0)),
        (
            &auto,
            seen(ONE, |s| (s.unhealthy, s.on_its_way) = (1, 1)),
            (Topic::Unhealthy, 1_600),
        ),
        (
            &spec("auto", "report"),
            seen(ONE, |s| s.drifted = 1),
            (Topic::Drifted, 0),
        ),
        (
            &spec("observe", "revert"),
            seen(ONE, |s| s.drifted = 1),
            (Topic::Drifted, 0),
        ),
    ] {
        assert_eq!(topic(&stands(spec, &seen)), Some(expected), "{seen:?}");
    }
}

#[test]
fn what_is_well_says_since_when_and_what_is_applied() {
    let well = |mode, seen: &Seen| stands(&spec(mode, "revert"), seen);
    let applied = Standing::Well {
        since: at(1_000),
        applied: Some(ONE.to_owned()),
    };
    assert_eq!(well("auto", &seen(ONE, |_| {})), applied);
    // What is undone, or held by a person, is no trouble.
    assert_eq!(well("auto", &seen(ONE, |s| s.drifted = 1)), applied);
    let observed = Standing::Well {
        since: at(1_000),
        applied: None,
    };
    assert_eq!(well("observe", &seen(ONE, |s| s.pending = 1)), observed);
    let called_off = Seen {
        called_off: true,
        ..seen(ONE, |_| {})
    };
    assert_eq!(well("auto", &called_off), Standing::Unclear);
}

#[test]
fn the_same_trouble_is_the_same_and_another_is_not() {
    let auto = spec("auto", "revert");
    let same = |one: &Seen, other: &Seen| stands(&auto, one) == stands(&auto, other);
    assert!(!same(
        &broken(ONE, Sort::InvalidCommit),
        &broken(TWO, Sort::InvalidCommit)
    ));
    assert!(same(&broken(ONE, Sort::Source), &broken(TWO, Sort::Source)));
    assert!(!same(
        &broken(ONE, Sort::Source),
        &broken(ONE, Sort::Cluster)
    ));
    let held = |commit, message: &str| {
        let mut seen = seen(commit, |s| (s.pending, s.held) = (1, 1));
        seen.sets[0].message = message.to_owned();
        seen
    };
    // A line that moved is the same line.
    assert!(same(
        &held(ONE, "db.kdl:3:1: deleted"),
        &held(TWO, "db.kdl:14:1: deleted")
    ));
    assert!(!same(
        &held(ONE, "db.kdl:3:1: deleted"),
        &held(ONE, "web.kdl:3:1: deleted")
    ));
}

#[test]
fn a_sync_that_rests_is_trouble_only_where_its_spec_makes_no_sense() {
    let spec = spec("auto", "revert");
    let why = ("BadSpec", "`interval`: no");
    let status = status::halted(&SyncStatus::default(), 1, why, at(1_000));
    let bad = Picture::halted("shop", &spec, &status, Some(why.1));
    assert_eq!(topic(&bad.standing), Some((Topic::Stalled, 0)));
    assert_eq!(bad.facts.story, why.1);
    let suspended = Picture::halted("shop", &spec, &status, None);
    assert_eq!(suspended.standing, Standing::Unclear);
}

#[test]
fn a_picture_names_the_commit_that_it_is_about() {
    let spec = spec("auto", "revert");
    let of = |seen: &Seen| {
        let status = status::after(&SyncStatus::default(), &spec, 1, seen, at(1_000));
        Picture::of("shop", &spec, &status, seen)
    };
    let broken = Seen {
        in_force: Some(TWO.to_owned()),
        ..broken(ONE, Sort::InvalidCommit)
    };
    let facts = of(&broken).facts.clone();
    assert_eq!(facts.commit.as_deref(), Some(ONE));
    assert!(facts.story.contains("a.kdl:2:3") && facts.story.contains("stays in force"));
    assert_eq!(of(&seen(TWO, |_| {})).facts.commit.as_deref(), Some(TWO));
}
