//! When an object need not be read: only while every complete watch shows it where it was judged.

use serde_json::json;

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

fn at(version: &str) -> PartialObjectMeta<DynamicObject> {
    let metadata = json!({"name": "a", "namespace": "n", "resourceVersion": version});
    serde_json::from_value(json!({ "metadata": metadata })).unwrap()
}

fn judged(sightings: &Sightings, version: &str) {
    let verdict = Verdict {
        uid: "u".into(),
        version: version.into(),
        print: Print::default(),
    };
    sightings.remember(&set(), HashMap::from([(key(), verdict)]));
}

#[test]
fn only_what_a_complete_watch_shows_at_the_same_version_need_not_be_read() {
    let sightings = Arc::new(Sightings::default());
    judged(&sightings, "7");
    let warm = || sightings.warm(&set()).contains_key(&key());
    assert!(!warm() && !sightings.any(), "nobody follows it");
    let sight = sightings.begin(key().group_kind);
    sight.take(&watcher::Event::Init);
    sight.take(&watcher::Event::InitApply(at("7")));
    assert!(!warm(), "the first list is not complete");
    sight.take(&watcher::Event::InitDone);
    assert!(warm());
    sight.take(&watcher::Event::Apply(at("8")));
    assert!(!warm(), "it changed");
    judged(&sightings, "8");
    assert!(warm(), "and was judged again");
    sight.with(|seen| seen.broken = true);
    assert!(!warm(), "a broken watch proves nothing");
    sight.take(&watcher::Event::Apply(at("8")));
    assert!(warm(), "it goes on");
    sight.take(&watcher::Event::Delete(at("9")));
    assert!(!warm(), "it is not shown any more");
}

#[test]
fn watches_that_disagree_and_watches_that_end_prove_nothing() {
    let sightings = Arc::new(Sightings::default());
    judged(&sightings, "7");
    let warm = || sightings.warm(&set()).contains_key(&key());
    let follow = |version: &str| {
        let sight = sightings.begin(key().group_kind);
        sight.take(&watcher::Event::InitApply(at(version)));
        sight.take(&watcher::Event::InitDone);
        sight
    };
    let one = follow("7");
    assert!(warm());
    let other = follow("8");
    assert!(!warm());
    drop(other);
    assert!(warm());
    drop(one);
    assert!(!warm() && !sightings.any());
}
