//! When an object need not be read: only while every complete watch shows it where it was judged.

use super::*;
use crate::object::Owner;

fn set() -> SetId {
    SetId {
        project: "p".into(),
        cluster: "c".into(),
        owner: Owner::Platform,
        environment: "dev".into(),
    }
}

fn key() -> ObjectKey {
    ObjectKey {
        group_kind: GroupKind::new("", "ConfigMap"),
        namespace: Some("n".into()),
        name: "a".into(),
    }
}

fn judged(sightings: &Sightings, version: &str) {
    let verdict = Verdict {
        uid: "u".into(),
        version: version.into(),
        print: Print::default(),
    };
    sightings.remember(&set(), HashMap::from([(key(), verdict)]));
}

/// Whether the object need not be read, which was judged at this version before.
fn warm(sightings: &Sightings, version: &str) -> bool {
    judged(sightings, version);
    sightings.warm(&set()).contains_key(&key())
}

#[test]
fn only_what_a_complete_watch_shows_at_the_same_version_need_not_be_read() {
    let sightings = Arc::new(Sightings::default());
    assert!(!warm(&sightings, "7") && !sightings.any(), "nobody follows");
    let sight = sightings.begin(key().group_kind);
    sight.take(&key(), Some("7".to_owned()));
    assert!(!warm(&sightings, "7"), "the first list is not complete");
    sight.complete();
    assert!(warm(&sightings, "7"));
    assert!(sightings.warm(&set()).is_empty(), "it was not judged again");
    sight.take(&key(), Some("8".to_owned()));
    assert!(!warm(&sightings, "7"), "it changed");
    assert!(warm(&sightings, "8"), "and was judged again");
    sight.take(&key(), None);
    assert!(!warm(&sightings, "8"), "it is not shown any more");
}

#[test]
fn watches_that_disagree_and_watches_that_end_prove_nothing() {
    let sightings = Arc::new(Sightings::default());
    let follow = |version: &str| {
        let sight = sightings.begin(key().group_kind);
        sight.take(&key(), Some(version.to_owned()));
        sight.complete();
        sight
    };
    let one = follow("7");
    assert!(warm(&sightings, "7"));
    let other = follow("8");
    assert!(!warm(&sightings, "7"));
    drop(other);
    assert!(warm(&sightings, "7"));
    drop(one);
    assert!(!warm(&sightings, "7") && !sightings.any());
}
