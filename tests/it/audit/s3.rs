//! Trails in an S3 store.

use std::time::{Duration, Instant};

use axum::http::Method;
use kubemate::adapters::audit::{AuditError, Keys, Place, Trail};
use kubemate::report::audit::{End, Entry, Event};

use super::s3_sim::{Fault, KEY, SECRET, Sim};
use super::{audit, entry, lines, now, whose};

fn place(sim: &Sim, more: &str) -> Place {
    let text = format!("s3://audit/eu/one?endpoint={}{more}", sim.address);
    text.parse().unwrap()
}

async fn trail(sim: &Sim, more: &str) -> Trail {
    let keys = Keys {
        id: KEY.to_owned(),
        secret: SECRET.into(),
    };
    place(sim, more)
        .trail("here-prod", Some(keys))
        .await
        .unwrap()
}

/// How `kubemate audit` is told of it.
fn named(sim: &Sim) -> String {
    format!("s3://audit/eu/one/here-prod?endpoint={}", sim.address)
}

const VARIABLES: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", KEY),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
];

#[test]
fn lines_come_back_in_order_and_locked_ones_stay() {
    let sim = Sim::start();
    sim.runtime.block_on(async {
        for n in 0..5 {
            let by = n.to_string();
            // Every other line is of a process that has just started.
            let fresh = trail(&sim, "&lock-days=30").await;
            fresh.add(entry("c", &by), now()).await.unwrap();
            fresh.add(entry("c", &by), now()).await.unwrap();
        }
        let all = lines(&trail(&sim, "").await).await;
        assert_eq!(
            whose(&all),
            ["0", "0", "1", "1", "2", "2", "3", "3", "4", "4"]
        );
    });
    let store = sim.store();
    let locked = store
        .objects
        .iter()
        .filter(|(key, _)| key.ends_with(".json"));
    assert!(locked.clone().count() == 10 && locked.clone().all(|(_, object)| object.locked));
    assert!(
        store
            .objects
            .keys()
            .all(|key| key.starts_with("eu/one/here-prod/"))
    );
    assert!(!store.objects["eu/one/here-prod/head"].locked);
}

#[test]
fn two_writers_at_once_make_one_chain() {
    let sim = Sim::start();
    sim.runtime.block_on(async {
        let (one, two) = (trail(&sim, "").await, trail(&sim, "").await);
        let write = async |trail: &Trail, who: &str| {
            for n in 0..15 {
                trail
                    .add(entry("c", &format!("{who}{n}")), now())
                    .await
                    .unwrap();
            }
        };
        tokio::join!(write(&one, "a"), write(&two, "b"));
        let all = lines(&trail(&sim, "").await).await;
        let mut found = whose(&all);
        found.sort_unstable();
        let mut expected: Vec<String> = (0..15)
            .flat_map(|n| [format!("a{n}"), format!("b{n}")])
            .collect();
        expected.sort();
        assert_eq!(found, expected);
        // Each writer's own lines are in its order.
        for who in ["a", "b"] {
            let own: Vec<&str> = whose(&all)
                .into_iter()
                .filter(|by| by.starts_with(who))
                .collect();
            let order: Vec<String> = (0..15).map(|n| format!("{who}{n}")).collect();
            assert_eq!(own, order);
        }
    });
}

#[test]
fn whatever_fails_a_line_is_there_once_or_said_not_to_be() {
    let faults = [
        Fault::Status(503),
        Fault::Status(500),
        Fault::Status(409),
        Fault::Drop,
        Fault::DoneAndDrop,
        Fault::Slow(Duration::from_millis(300)),
    ];
    for fault in faults {
        for method in [Method::GET, Method::PUT] {
            // A conflict is an answer to writes only.
            if method == Method::GET && matches!(fault, Fault::Status(409)) {
                continue;
            }
            for before in 0..4 {
                let sim = Sim::start();
                sim.runtime.block_on(async {
                    let first = trail(&sim, "").await;
                    first.add(entry("c", "first"), now()).await.unwrap();
                    for _ in 0..before {
                        sim.fail(method.clone(), Fault::Pass);
                    }
                    sim.fail(method.clone(), fault.clone());
                    let second = trail(&sim, "").await;
                    let added = second.add(entry("c", "second"), now()).await;
                    let what = format!("{fault:?} at {method} {before}");
                    assert!(added.is_ok(), "{what}: {added:?}");
                    sim.store().faults.clear();
                    first.add(entry("c", "third"), now()).await.unwrap();
                    let all = lines(&trail(&sim, "").await).await;
                    assert_eq!(whose(&all), ["first", "second", "third"], "{what}");
                });
            }
        }
    }
}

#[test]
fn a_store_that_is_down_or_refuses_is_an_error_in_time() {
    let sim = Sim::start();
    sim.runtime.block_on(async {
        for method in [Method::PUT, Method::GET] {
            sim.store().always = Some((method, 503));
            let start = Instant::now();
            let failed = trail(&sim, "")
                .await
                .add(entry("c", "x"), now())
                .await
                .unwrap_err();
            assert!(start.elapsed() < Duration::from_mins(1), "{failed}");
            assert!(
                failed.to_string().contains("s3://audit/eu/one/here-prod"),
                "{failed}"
            );
        }
        sim.store().always = None;
        let keys = Keys {
            id: KEY.to_owned(),
            secret: "another-secret".into(),
        };
        let wrong = place(&sim, "")
            .trail("here-prod", Some(keys))
            .await
            .unwrap();
        let failed = wrong
            .add(entry("c", "x"), now())
            .await
            .unwrap_err()
            .to_string();
        assert!(failed.contains("SignatureDoesNotMatch"), "{failed}");
        assert!(!failed.contains("another-secret"), "{failed}");
        assert_eq!(sim.store().objects.len(), 0);
    });
}

#[test]
fn a_store_that_writes_over_what_is_there_is_not_used() {
    let sim = Sim::start();
    sim.store().deaf = true;
    sim.runtime.block_on(async {
        let added = trail(&sim, "").await.add(entry("c", "x"), now()).await;
        let refused = added.unwrap_err().to_string();
        assert!(refused.contains("If-None-Match"), "{refused}");
    });
    let store = sim.store();
    assert!(!store.objects.keys().any(|key| key.ends_with(".json")));
}

#[test]
fn a_trail_with_other_keys_goes_on_and_a_full_one_says_what_to_do() {
    let sim = Sim::start();
    sim.runtime.block_on(async {
        let first = trail(&sim, "").await;
        first.add(entry("c", "0"), now()).await.unwrap();
        let second = trail(&sim, "").await.knowing(&first);
        second.add(entry("c", "1"), now()).await.unwrap();
        first.add(entry("c", "2"), now()).await.unwrap();
        assert_eq!(whose(&lines(&second).await), ["0", "1", "2"]);
    });
    let almost = serde_json::json!({ "number": 999_999, "digest": "b3:0" });
    let almost: End = serde_json::from_value(almost).unwrap();
    let (line, end) = almost.next(entry("c", "x"), now()).unwrap();
    for (name, bytes) in [
        ("000001000000.json", line.trim_end().as_bytes().to_vec()),
        ("head", serde_json::to_vec(&end).unwrap()),
    ] {
        let object = super::s3_sim::Object {
            bytes,
            locked: false,
        };
        let key = format!("eu/one/here-prod/{name}");
        sim.store().objects.insert(key, object);
    }
    sim.runtime.block_on(async {
        let added = trail(&sim, "").await.add(entry("c", "x"), now()).await;
        let refused = added.unwrap_err().to_string();
        assert!(refused.contains("another prefix"), "{refused}");
    });
}

/// Changes a word in a line that is stored.
fn rewrite(sim: &Sim, key: &str) {
    let mut store = sim.store();
    let object = store.objects.get_mut(key).unwrap();
    let text = String::from_utf8(object.bytes.clone()).unwrap();
    object.bytes = text.replace("web", "wxb").into();
}

#[test]
fn nothing_can_be_changed_or_taken_out_unseen() {
    let line = |n: usize| format!("eu/one/here-prod/{n:012}.json");
    let broken = |change: &dyn Fn(&Sim)| -> [String; 2] {
        let sim = Sim::start();
        sim.runtime.block_on(async {
            let writer = trail(&sim, "").await;
            for n in 0..9 {
                writer.add(entry("c", &n.to_string()), now()).await.unwrap();
            }
            change(&sim);
            let read = match trail(&sim, "").await.read().await {
                Ok(Ok(_)) => "whole".to_owned(),
                Ok(Err(broken)) => broken.to_string(),
                Err(error) => error.to_string(),
            };
            let added = trail(&sim, "").await.add(entry("c", "x"), now()).await;
            [
                read,
                added.map_or_else(|error| error.to_string(), |()| "added".to_owned()),
            ]
        })
    };
    let [read, _] = broken(&|sim| rewrite(sim, &line(4)));
    assert!(read.contains("line 5"), "{read}");
    // The last line has no other behind it: the head knows it.
    for said in broken(&|sim| rewrite(sim, &line(9))) {
        assert!(
            said.contains("line 9") && said.contains("changed"),
            "{said}"
        );
    }
    let [read, _] = broken(&|sim| drop(sim.store().objects.remove(&line(4))));
    assert!(
        read.contains("line 4") && read.contains("taken out"),
        "{read}"
    );
    let [read, added] = broken(&|sim| drop(sim.store().objects.remove(&line(9))));
    assert!(read.contains("taken out at the end"), "{read}");
    assert!(
        added.contains("line 9") && added.contains("taken out"),
        "{added}"
    );
    // A head that is lost or old is only a longer way.
    for head in [None, Some(2_usize)] {
        let [read, added] = broken(&|sim| {
            let mut store = sim.store();
            let known = store.objects.remove("eu/one/here-prod/head").unwrap();
            if let Some(number) = head {
                let text = store.objects[&line(number + 1)].bytes.clone();
                let text: serde_json::Value = serde_json::from_slice(&text).unwrap();
                let head = serde_json::json!({ "number": number, "digest": text["previous"] });
                let bytes = head.to_string().into_bytes();
                let object = super::s3_sim::Object { bytes, ..known };
                store
                    .objects
                    .insert("eu/one/here-prod/head".to_owned(), object);
            }
        });
        assert_eq!([read.as_str(), added.as_str()], ["whole", "added"]);
    }
}

#[test]
fn a_writer_that_died_leaves_an_attempt_without_end_which_verify_names() {
    let sim = Sim::start();
    sim.runtime.block_on(async {
        let trail = trail(&sim, "").await;
        for (set, event) in [
            ("a/b/c", Event::Begun),
            ("x/y/z", Event::Begun),
            ("x/y/z", Event::Ended),
        ] {
            let entry = Entry {
                set: set.to_owned(),
                event,
                ..entry("c", "sync/here")
            };
            trail.add(entry, now()).await.unwrap();
        }
    });
    let here = tempfile::tempdir().unwrap();
    let verified = audit(&["verify", &named(&sim)], here.path(), &VARIABLES);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    assert!(said.starts_with("3 lines, ends with b3:"), "{said}");
    assert!(
        said.contains("line 1 has no end") && said.contains("a/b/c"),
        "{said}"
    );
    assert!(!said.contains("x/y/z"), "{said}");
    let exported = audit(
        &["export", &named(&sim), "--set", "x/y/z"],
        here.path(),
        &VARIABLES,
    );
    let said = String::from_utf8_lossy(&exported.stdout).into_owned();
    assert_eq!(said.lines().count(), 2, "{said}");
    sim.store()
        .objects
        .remove("eu/one/here-prod/000000000002.json");
    let broken = audit(&["verify", &named(&sim)], here.path(), &VARIABLES);
    assert_eq!(broken.status.code(), Some(3), "{broken:?}");
}

#[test]
fn an_error_names_no_secret() {
    let sim = Sim::start();
    sim.store().always = Some((Method::GET, 500));
    let here = tempfile::tempdir().unwrap();
    let failed = audit(&["verify", &named(&sim)], here.path(), &VARIABLES);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(
        !said.contains(SECRET) && said.contains("s3://audit"),
        "{said}"
    );
    let read = sim
        .runtime
        .block_on(async { trail(&sim, "").await.read().await });
    assert!(matches!(read, Err(AuditError::Store { .. })));
}
