//! Inventories and leases: nothing is lost, nothing is damaged in silence.

use std::time::Duration;

use kubemate::apply::cluster::Cluster as _;
use kubemate::apply::problem::ProblemKind;
use kubemate::object::{GroupKind, ObjectKey, ResourceId};
use kubemate::plan::Inventory;
use kubemate::plan::inventory::{Entry, Record};

use crate::engine::Engine;

fn filled(engine: &Engine, count: usize) -> Inventory {
    let mut inventory = Inventory::new(engine.set.clone());
    for index in 0..count {
        let key = ObjectKey {
            group_kind: GroupKind::new("", "ConfigMap"),
            namespace: Some("a-namespace".into()),
            name: format!("name-{index}"),
        };
        let resource = ResourceId {
            kind: "app".into(),
            tenant: None,
            name: format!("name-{index}"),
        };
        let digest = format!("b3:{}", "0".repeat(64));
        let record = Record {
            desired_digest: digest.clone(),
            declared_digest: digest.clone(),
            owned_paths_digest: digest,
            run_key: None,
        };
        inventory.entries.insert(
            key,
            Entry::Owned {
                resource,
                uid: format!("uid-{index}"),
                record: Some(record),
            },
        );
    }
    inventory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_40_of_two_writers_one_wins_and_the_other_hears_of_it() {
    let engine = Engine::new().await;
    let before = engine.stored().await;
    assert!(before.version.is_none() && before.inventory.entries.is_empty());
    let one = engine
        .cluster
        .store(&before, &filled(&engine, 1))
        .await
        .unwrap();
    let late = engine
        .cluster
        .store(&before, &filled(&engine, 2))
        .await
        .unwrap_err();
    assert_eq!(late.kind, ProblemKind::Stale);
    let two = engine
        .cluster
        .store(&one, &filled(&engine, 2))
        .await
        .unwrap();
    assert_eq!(
        engine
            .cluster
            .store(&one, &filled(&engine, 3))
            .await
            .unwrap_err()
            .kind,
        ProblemKind::Stale
    );
    assert_eq!(engine.stored().await, two);
    // The same write again, as after a lost reply, is no conflict.
    assert_eq!(
        engine
            .cluster
            .store(&one, &filled(&engine, 2))
            .await
            .unwrap(),
        two
    );
}

/// Writers of one inventory at the same time.
const WRITERS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r_40_a_hundred_racing_writers_lose_nothing() {
    let engine = Engine::new().await;
    let all = filled(&engine, WRITERS).entries;
    let writer = async |key: ObjectKey, entry: Entry| {
        for _ in 0..=WRITERS {
            let before = engine.stored().await;
            let mut next = before.inventory.clone();
            next.entries.insert(key.clone(), entry.clone());
            match engine.cluster.store(&before, &next).await {
                Ok(_) => return,
                Err(problem) => assert_eq!(problem.kind, ProblemKind::Stale, "{problem}"),
            }
        }
        panic!("{key} was never written");
    };
    let writers = all
        .clone()
        .into_iter()
        .map(|(key, entry)| writer(key, entry));
    futures::future::join_all(writers).await;
    assert_eq!(engine.stored().await.inventory.entries, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inventory_of_many_parts_changes_as_one_and_a_missing_part_is_an_error() {
    let engine = Engine::new().await;
    let before = engine.stored().await;
    let many = engine
        .cluster
        .store(&before, &filled(&engine, 6000))
        .await
        .unwrap();
    assert!(many.parts.len() >= 2, "{:?}", many.parts);
    assert_eq!(engine.stored().await, many);
    let next = engine
        .cluster
        .store(&many, &filled(&engine, 5999))
        .await
        .unwrap();
    assert_eq!(engine.stored().await.inventory.entries.len(), 5999);
    let bed = crate::bed::cluster();
    let old = bed.kubectl(&["-n", "kubemate-system", "get", "configmap", "-o", "name"]);
    assert!(
        many.parts.iter().all(|part| !old.contains(part.as_str())),
        "old parts are removed"
    );
    bed.kubectl(&[
        "-n",
        "kubemate-system",
        "delete",
        "configmap",
        &next.parts[0],
    ]);
    let problem = engine.cluster.load(&engine.set).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::DamagedInventory);
    assert!(problem.to_string().contains("missing"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_inventory_is_an_error_and_not_an_empty_one() {
    let mut engine = Engine::new().await;
    engine.want_config("a", &serde_json::json!({"k": "1"}));
    engine.apply_all().await;
    let plan = engine.plan().await;
    let bed = crate::bed::cluster();
    let set = engine.set.to_string();
    let names = bed.kubectl(&["-n", "kubemate-system", "get", "configmap", "-o",
        r#"jsonpath={range .items[*]}{.metadata.name} {.metadata.annotations.kubemate\.dev/set} {.data.inventory\.json}{"\n"}{end}"#]);
    let project = format!("\"project\":\"{}\"", engine.set.project);
    let name = names
        .lines()
        .find(|l| l.contains(&set) && l.contains(&project))
        .expect("an inventory");
    let name = name.split(' ').next().unwrap();
    bed.kubectl(&[
        "-n",
        "kubemate-system",
        "patch",
        "configmap",
        name,
        "--type=merge",
        "-p",
        r#"{"data":{"inventory.json":"{}"}}"#,
    ]);
    assert_eq!(
        engine.cluster.load(&engine.set).await.unwrap_err().kind,
        ProblemKind::DamagedInventory
    );
    let problem = engine.carry_out(&plan).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::DamagedInventory);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_30_a_set_is_worked_on_by_one_at_a_time() {
    let engine = Engine::new().await;
    let wait = Duration::from_secs(1);
    let lease = engine
        .cluster
        .take_lease(&engine.set, "controller", wait)
        .await
        .unwrap();
    let held = engine
        .cluster
        .take_lease(&engine.set, "cli", wait)
        .await
        .unwrap_err();
    assert_eq!(held.kind, ProblemKind::Leased);
    assert!(held.to_string().contains("`controller`"), "{held}");
    let renewed = engine.cluster.renew_lease(&lease).await.unwrap();
    assert_eq!(
        engine.cluster.renew_lease(&lease).await.unwrap_err().kind,
        ProblemKind::Stale
    );
    engine.cluster.release_lease(&renewed).await.unwrap();
    engine
        .cluster
        .take_lease(&engine.set, "cli", wait)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_28_a_dead_holder_is_waited_out_by_our_own_clock() {
    let engine = Engine::new().await;
    let first = engine
        .cluster
        .take_lease(&engine.set, "dead", Duration::from_secs(1))
        .await
        .unwrap();
    let before = tokio::time::Instant::now();
    let lease = engine
        .cluster
        .take_lease(&engine.set, "next", Duration::from_secs(30))
        .await
        .unwrap();
    assert!(before.elapsed() >= first.valid);
    assert_eq!(lease.holder, "next");
    assert_eq!(
        engine.cluster.renew_lease(&first).await.unwrap_err().kind,
        ProblemKind::Stale
    );
}
