//! A run that ends at any of its calls, before or after the effect: the next one finishes, owns what it
//! made, and touches nothing of others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kubemate::adapters::cluster::KubeCluster;
use kubemate::object::ObjectKey;
use serde_json::json;

use crate::bed;
use crate::bed::proxy::{Fault, Gate, Match, Proxy, Rule};
use crate::engine::{Engine, told};

/// More calls than such a run makes.
const MOST: usize = 120;
/// Points at the same time.
const AT_ONCE: usize = 4;

/// The first state is applied; the second one creates a namespace with content, updates and deletes.
async fn prepared(proxy: &Proxy) -> (Engine, Vec<ObjectKey>, ObjectKey) {
    let namespace = bed::cluster().unique_namespace().await;
    let mut engine = Engine::through(proxy.kubeconfig(), namespace).await;
    engine.policy.percent_from = 100;
    let stays = engine.want_config("stays", &json!({"k": "1"}));
    let changed = engine.want_config("changed", &json!({"k": "1"}));
    let gone = engine.want_config("gone", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&gone);
    engine.want_config("changed", &json!({"k": "2"}));
    let name = format!("{}-more", engine.namespace);
    let space =
        engine.want(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let inside = engine.want(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "inside", "namespace": name}, "data": {"k": "1"}}));
    let account = engine
        .want(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}}));
    (engine, vec![stays, changed, space, inside, account], gone)
}

async fn uids(engine: &Engine, keys: &[ObjectKey]) -> BTreeMap<ObjectKey, String> {
    let mut all = BTreeMap::new();
    for key in keys {
        if let Some(live) = engine.live(key).await {
            all.insert(key.clone(), live.uid);
        }
    }
    all
}

/// Whether there was such a call to end at.
async fn ended_at(nth: usize, covers: Match, after: bool) -> bool {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let (mut engine, wanted, gone) = prepared(&proxy).await;
    let bystander = Engine::through(bed::cluster().kubeconfig(), engine.namespace.clone()).await;
    bystander.kubectl(&["create", "configmap", "theirs", "--from-literal=k=1"]);
    let theirs = ObjectKey {
        name: "theirs".into(),
        ..gone.clone()
    };
    let untouched = bystander.live(&theirs).await.unwrap().resource_version;
    let plan = engine.plan().await;
    let gate = Gate::new();
    let fault = if after {
        Fault::PauseAfter(gate.clone())
    } else {
        Fault::PauseBefore(gate.clone())
    };
    proxy.add(Rule::new(covers, fault).nth(nth));
    let reached = async {
        while !gate.wait_reached(Duration::ZERO) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = reached => {}
        report = engine.carry_out(&plan) => {
            assert!(report.unwrap().complete());
            return false;
        }
    }
    // The gate stays shut: what it holds never arrives, or its answer never does.
    proxy.heal();
    engine.cluster = KubeCluster::connect(Some(bed::cluster().kubeconfig()), None)
        .await
        .unwrap();
    let point = format!("{} call {nth}", if after { "after" } else { "before" });
    next_run(&engine, &wanted, &gone, &point).await;
    assert_eq!(
        engine.live(&theirs).await.unwrap().resource_version,
        untouched,
        "{point}"
    );
    true
}

/// Whoever comes next finishes, makes nothing twice, and its books are true.
async fn next_run(engine: &Engine, wanted: &[ObjectKey], gone: &ObjectKey, point: &str) {
    let made = uids(engine, wanted).await;
    let (plan, report) = engine.apply().await;
    assert!(report.complete(), "{point}: {}", told(&plan, &report));
    let now = uids(engine, wanted).await;
    for (key, uid) in &made {
        assert_eq!(now.get(key), Some(uid), "{point}: {key} was made twice");
    }
    assert_eq!(now.len(), wanted.len(), "{point}");
    assert!(engine.live(gone).await.is_none(), "{point}");
    assert_eq!(
        engine.live(&wanted[1]).await.unwrap().body["data"]["k"],
        "2",
        "{point}"
    );
    let books: BTreeMap<ObjectKey, String> = engine
        .stored()
        .await
        .inventory
        .entries
        .iter()
        .map(|(key, entry)| (key.clone(), entry.uid().unwrap_or("pending").to_owned()))
        .collect();
    assert_eq!(books, now, "{point}: the inventory is true");
    assert!(engine.plan().await.is_empty(), "{point}");
}

/// Ends at every such call; how many there were.
async fn sweep(covers: fn() -> Match, after: bool) -> usize {
    let (next, points) = (AtomicUsize::new(1), AtomicUsize::new(0));
    let lane = || async {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth > MOST || !ended_at(nth, covers(), after).await {
                return;
            }
            points.fetch_add(1, Ordering::Relaxed);
        }
    };
    futures::future::join_all((0..AT_ONCE).map(|_| lane())).await;
    points.into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r_20_ended_before_every_call() {
    let points = sweep(Match::any, false).await;
    assert!((12..MOST).contains(&points), "{points} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r_20_ended_after_every_write() {
    let points = sweep(Match::writes, true).await;
    assert!((8..MOST).contains(&points), "{points} writes");
}
