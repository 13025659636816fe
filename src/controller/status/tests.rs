//! What each pass looks like from outside: conditions, commits, the story, and when to come again.

use super::*;
use crate::adapters::sync::Mark;
use crate::controller::cycle::{Sort, Trouble};

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn spec(mode: &str) -> SyncSpec {
    serde_json::from_value(serde_json::json!({
        "repository": "https://git.bank.example/p.git", "environment": "dev", "cluster": "hq", "mode": mode
    }))
    .unwrap()
}

fn seen(commit: &str, sets: Vec<SetResult>) -> Seen {
    Seen {
        attempted: Some(commit.to_owned()),
        in_force: Some(commit.to_owned()),
        sets,
        ..Seen::default()
    }
}

fn set() -> SetResult {
    SetResult {
        name: "hq/dev/shop".to_owned(),
        objects: 3,
        ..SetResult::default()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The truths as one line, in the order of the conditions.
fn truths(status: &SyncStatus) -> String {
    let told = |c: &Condition| format!("{}={} ", c.type_, c.status);
    status
        .conditions
        .iter()
        .map(told)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn each_pass_has_its_conditions_and_its_ending() {
    let failed = SetResult {
        failed: true,
        passes: true,
        message: "no answer".into(),
        ..set()
    };
    let table = [
        (
            "auto",
            vec![set()],
            Ending::Settled,
            "True False False True False",
            true,
        ),
        (
            "auto",
            vec![SetResult {
                on_its_way: 1,
                ..set()
            }],
            Ending::OnItsWay,
            "True True False False False",
            true,
        ),
        (
            "auto",
            vec![failed.clone()],
            Ending::Failed,
            "False True False Unknown False",
            false,
        ),
        (
            "auto",
            vec![SetResult {
                passes: false,
                ..failed
            }],
            Ending::NeedsPerson,
            "False False True Unknown False",
            false,
        ),
        (
            "auto",
            vec![SetResult {
                held: 1,
                pending: 1,
                ..set()
            }],
            Ending::NeedsPerson,
            "False False True True False",
            false,
        ),
        (
            "observe",
            vec![SetResult {
                pending: 2,
                drifted: 1,
                ..set()
            }],
            Ending::Settled,
            "True False False True True",
            false,
        ),
        (
            "manual",
            vec![SetResult {
                pending: 2,
                ..set()
            }],
            Ending::NeedsPerson,
            "False False True True False",
            false,
        ),
    ];
    for (mode, sets, end, truth, applied) in table {
        let (spec, seen) = (spec(mode), seen(ONE, sets));
        let next = after(&SyncStatus::default(), &spec, 7, &seen, at(100));
        let kinds = ["Ready", "Reconciling", "Stalled", "Healthy", "Drifted"];
        let pairs = kinds
            .iter()
            .zip(truth.split(' '))
            .map(|(k, v)| format!("{k}={v}"));
        assert_eq!(
            truths(&next),
            pairs.collect::<Vec<_>>().join(" "),
            "{mode} {seen:?}"
        );
        assert_eq!(ending(&seen, &spec), end, "{mode} {seen:?}");
        assert_eq!(next.last_applied.is_some(), applied, "{mode} {seen:?}");
        assert_eq!(next.observed_generation, 7);
    }
}

#[test]
fn r_60_what_is_wanted_and_being_deleted_is_not_called_applied() {
    let going = SetResult {
        unhealthy: 1,
        on_its_way: 1,
        going: 1,
        message: "Service/web: it is being deleted".into(),
        ..set()
    };
    for (mode, ready, story) in [
        ("auto", "False", "1 change not made: hq/dev/shop: "),
        ("manual", "False", "1 change not made: hq/dev/shop: "),
        ("observe", "True", "1 change would be made"),
    ] {
        let (spec, seen) = (spec(mode), seen(TWO, vec![going.clone()]));
        let next = after(&SyncStatus::default(), &spec, 1, &seen, at(100));
        let truth = format!("Ready={ready} Reconciling=True Stalled=False Healthy=False");
        assert!(truths(&next).starts_with(&truth), "{mode}: {next:?}");
        assert_eq!(next.last_applied, None, "{mode}");
        assert!(next.story.contains(story), "{mode}: {}", next.story);
        // It is looked at again without anybody's help.
        assert_eq!(ending(&seen, &spec), Ending::OnItsWay, "{mode}");
    }
}

#[test]
fn a_broken_commit_leaves_the_last_valid_one_in_force_and_says_where_it_is_broken() {
    let good = after(
        &SyncStatus::default(),
        &spec("auto"),
        1,
        &seen(ONE, vec![set()]),
        at(100),
    );
    let trouble = Trouble::new(
        Sort::InvalidCommit,
        "tenants/shop/web.kdl:3:5: unknown field",
    );
    let broken = Seen {
        attempted: Some(TWO.to_owned()),
        trouble: Some(trouble),
        ..seen(ONE, vec![set()])
    };
    let next = after(&good, &spec("auto"), 1, &broken, at(200));
    assert_eq!(
        truths(&next),
        "Ready=False Reconciling=False Stalled=True Healthy=True Drifted=False"
    );
    assert_eq!(next.last_attempted.as_deref(), Some(TWO));
    assert_eq!(
        (next.last_valid.as_deref(), next.last_applied.as_deref()),
        (Some(ONE), Some(ONE))
    );
    assert_eq!(
        next.story,
        "222222222222: tenants/shop/web.kdl:3:5: unknown field; 111111111111 stays in force"
    );
}

#[test]
fn r_91_what_was_left_behind_is_said_until_the_next_time() {
    let rewritten = Seen {
        rewritten: Some(ONE.to_owned()),
        ..seen(TWO, vec![set()])
    };
    let before = SyncStatus::default();
    let next = after(&before, &spec("auto"), 1, &rewritten, at(100));
    assert_eq!(next.rewritten.as_deref(), Some(ONE));
    let quiet = seen(TWO, vec![set()]);
    let later = after(&next, &spec("auto"), 1, &quiet, at(200));
    assert_eq!(later.rewritten.as_deref(), Some(ONE));
    let called = called_off(&before, &rewritten);
    assert_eq!(called.rewritten.as_deref(), Some(ONE));
}

#[test]
fn what_was_there_before_the_first_commit_is_kept_in_mind_until_all_is_as_wanted() {
    let (before, spec) = (SyncStatus::default(), spec("auto"));
    let held = SetResult {
        held: 1,
        pending: 1,
        ..set()
    };
    let found = Seen {
        inherits: true,
        governed: true,
        ..seen(ONE, vec![held.clone()])
    };
    let next = after(&before, &spec, 1, &found, at(100));
    assert_eq!((next.governed, &next.last_applied), (Some(true), &None));
    assert_eq!(called_off(&before, &found).governed, Some(true));
    // A pass that could not look forgets nothing.
    let blind = after(&next, &spec, 1, &seen(ONE, vec![held]), at(200));
    assert_eq!(blind.governed, Some(true));
    let done = Seen {
        inherits: true,
        ..seen(ONE, vec![set()])
    };
    assert_eq!(after(&next, &spec, 1, &done, at(300)).governed, Some(false));
}

#[test]
fn a_condition_keeps_its_time_until_its_truth_changes() {
    let spec = spec("auto");
    let first = after(
        &SyncStatus::default(),
        &spec,
        1,
        &seen(ONE, vec![set()]),
        at(100),
    );
    let second = after(&first, &spec, 1, &seen(TWO, vec![set()]), at(200));
    assert!(
        second
            .conditions
            .iter()
            .all(|c| c.last_transition_time.0 == at(100))
    );
    let bad = seen(
        TWO,
        vec![SetResult {
            failed: true,
            passes: true,
            ..set()
        }],
    );
    let third = after(&second, &spec, 1, &bad, at(300));
    let ready = third
        .conditions
        .iter()
        .find(|c| c.type_ == "Ready")
        .unwrap();
    assert_eq!(
        (ready.status.as_str(), ready.last_transition_time.0),
        ("False", at(300))
    );
}

#[test]
fn a_pass_that_changes_nothing_gives_the_same_status() {
    let spec = spec("auto");
    let first = after(
        &SyncStatus::default(),
        &spec,
        1,
        &seen(ONE, vec![set()]),
        at(100),
    );
    assert_eq!(
        after(&first, &spec, 1, &seen(ONE, vec![set()]), at(200)),
        first
    );
}

#[test]
fn a_suspended_sync_keeps_what_is_known() {
    let spec = spec("auto");
    let first = after(
        &SyncStatus::default(),
        &spec,
        1,
        &seen(ONE, vec![set()]),
        at(100),
    );
    let rests = halted(&first, 2, ("Suspended", "suspended"), at(200));
    assert_eq!(rests.last_applied.as_deref(), Some(ONE));
    assert_eq!(
        truths(&rests),
        "Ready=False Reconciling=False Stalled=False Healthy=True Drifted=False"
    );
}

#[test]
fn a_plan_that_was_let_go_is_remembered_as_long_as_it_waits() {
    let waits = |plan: &str| SetResult {
        pending: 1,
        plan: Some(plan.to_owned()),
        ..set()
    };
    let release = |plan: &str| Release {
        plan: plan.to_owned(),
        by: "ben".to_owned(),
        pull: "7".to_owned(),
    };
    let before = let_go(&SyncStatus::default(), release("b3:a"));
    let before = let_go(&let_go(&before, release("b3:a")), release("b3:b"));
    assert_eq!(before.released, [release("b3:a"), release("b3:b")]);
    let spec = spec("manual");
    let left = |seen: &Seen| after(&before, &spec, 1, seen, at(100)).released;
    assert_eq!(left(&seen(ONE, vec![waits("b3:b")])), [release("b3:b")]);
    assert!(left(&seen(ONE, vec![set()])).is_empty());
    // Where nothing was looked at, nothing is known to be over.
    let trouble = Some(Trouble::new(Sort::Source, "nobody answers"));
    let blind = Seen {
        trouble,
        ..Seen::default()
    };
    assert_eq!(left(&blind).len(), 2);
    let many = (0..2 * MAX_RELEASED).fold(before.clone(), |status, n| {
        let_go(&status, release(&n.to_string()))
    });
    assert_eq!(many.released.len(), MAX_RELEASED);
}

#[test]
fn what_was_rendered_is_remembered_with_the_commit_that_was_applied() {
    let mark = |bytes: &str| {
        Some(Mark {
            spec: "s".to_owned(),
            bytes: bytes.to_owned(),
        })
    };
    let of = |bytes: &str, set: SetResult| Seen {
        rendered: mark(bytes),
        ..seen(ONE, vec![set])
    };
    let spec = spec("auto");
    let held = SetResult { held: 1, ..set() };
    let first = after(
        &SyncStatus::default(),
        &spec,
        1,
        &of("a", held.clone()),
        at(1),
    );
    assert_eq!(first.rendered, None);
    let whole = after(&first, &spec, 1, &of("a", set()), at(2));
    assert_eq!(whole.rendered, mark("a"));
    let again = after(&whole, &spec, 1, &of("b", held), at(3));
    assert_eq!(again.rendered, mark("a"));
}

#[test]
fn a_set_that_another_sync_keeps_is_refused_by_name() {
    let claimed = SetResult {
        claimed: true,
        message: "the Sync `old` keeps this set".to_owned(),
        ..set()
    };
    let other = SetResult {
        name: "hq/dev/web".to_owned(),
        ..set()
    };
    let seen = seen(ONE, vec![claimed, other]);
    let next = after(&SyncStatus::default(), &spec("auto"), 1, &seen, at(1));
    let ready = next.conditions.iter().find(|c| c.type_ == "Ready").unwrap();
    assert_eq!(
        (ready.status.as_str(), ready.reason.as_str()),
        ("False", "SetClaimed")
    );
    assert_eq!(ending(&seen, &spec("auto")), Ending::NeedsPerson);
    assert_eq!(
        next.story,
        "111111111111: 1 set refused, 1 other set looked after: hq/dev/shop: the Sync `old` keeps this set"
    );
    assert_eq!(next.last_applied, None);
}
