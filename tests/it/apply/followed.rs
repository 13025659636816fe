//! Sets that are followed by watches: nothing is read twice for nothing, and no change is missed.

use std::sync::Arc;
use std::time::Duration;

use kubemate::adapters::cluster::follow::{Followed, Sight};
use kubemate::object::{GroupKind, SET_LABEL};
use kubemate::plan::Verb as Does;
use kubemate::plan::observed::Observed;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::bed;
use crate::bed::proxy::{Proxy, Verb};
use crate::engine::Engine;

const SOON: Duration = Duration::from_mins(3);

fn unchanged(world: &kubemate::plan::observed::World) -> usize {
    let unread = |seen: &&Observed| matches!(seen, Observed::Unchanged { .. });
    world.objects.values().filter(unread).count()
}

/// Looks again until so many objects need not be read.
async fn settles(engine: &Engine, wanted: usize) {
    let deadline = Instant::now() + SOON;
    loop {
        let found = unchanged(&engine.world().await);
        if found == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{found} of {wanted} are unread");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Follows ConfigMaps and Deployments of the set, and hears that something changed.
fn followed(engine: &Engine) -> tokio::sync::mpsc::Receiver<()> {
    let (tell, told) = tokio::sync::mpsc::channel(1);
    for (api_version, group, kind) in [("v1", "", "ConfigMap"), ("apps/v1", "apps", "Deployment")] {
        let labels = format!("{SET_LABEL}={}", engine.set.label());
        let (cluster, tell) = (engine.cluster.clone(), tell.clone());
        drop(tokio::spawn(async move {
            let followed = Followed {
                kind: &GroupKind::new(group, kind),
                api_version,
                labels: &labels,
                keep: Arc::new(|_| ()),
            };
            let mut complete = false;
            let mut see = |sight: Sight<()>| match sight {
                Sight::Complete => complete = true,
                // A full channel already says that something changed.
                Sight::There(..) | Sight::Gone(_) if complete => drop(tell.try_send(())),
                _ => {}
            };
            cluster.follow(followed, &mut see).await
        }));
    }
    told
}

/// The calls about objects of the test.
fn about_objects(engine: &Engine, proxy: &Proxy) -> Vec<String> {
    let mut calls = proxy.calls();
    calls.retain(|call| {
        let ours = call.target.namespace.as_deref() == Some(engine.namespace.as_str());
        ours || call.verb == Verb::List
    });
    calls.into_iter().map(|call| call.path).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_followed_is_read_again_only_when_it_changed() {
    let bed = bed::cluster();
    let proxy = Proxy::before(bed.kubeconfig());
    let mut engine = Engine::through(proxy.kubeconfig(), bed.unique_namespace().await).await;
    for index in 0..8 {
        engine.want_config(&format!("c{index}"), &json!({"k": "1"}));
    }
    engine.want_deployment("web", 1);
    engine.apply_all().await;
    assert_eq!(unchanged(&engine.world().await), 0, "nobody follows yet");
    let mut told = followed(&engine);
    // What controllers still say of the Deployment is over soon.
    let deadline = Instant::now() + SOON;
    loop {
        settles(&engine, 9).await;
        proxy.forget();
        assert!(engine.plan().await.is_empty());
        let read = about_objects(&engine, &proxy);
        if read.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{read:?}");
        sleep(Duration::from_millis(100)).await;
    }
    engine.kubectl(&[
        "patch",
        "configmap",
        "c3",
        "-p",
        r#"{"data":{"k":"by hand"}}"#,
    ]);
    assert!(
        tokio::time::timeout(SOON, told.recv()).await.is_ok(),
        "it is told"
    );
    let deadline = Instant::now() + SOON;
    while engine.plan().await.count(Does::Update) != 1 {
        assert!(Instant::now() < deadline, "the change is seen");
        sleep(Duration::from_millis(100)).await;
    }
    engine.apply_all().await;
    settles(&engine, 9).await;

    engine.kubectl(&["delete", "configmap", "c4"]);
    let deadline = Instant::now() + SOON;
    while engine.plan().await.count(Does::Create) != 1 {
        assert!(Instant::now() < deadline, "the deletion is seen");
        sleep(Duration::from_millis(100)).await;
    }
    engine.apply_all().await;
    engine.want_config("c5", &json!({"k": "from Git"}));
    assert_eq!(
        engine.plan().await.count(Does::Update),
        1,
        "Git is not a watch"
    );
    engine.apply_all().await;
    settles(&engine, 9).await;
}
