//! A loud tenant beside a quiet one in the same Sync: everything that the loud one wants is refused by a
//! webhook that hangs until the API server gives up on it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::place::Place;
use super::running::Controller;
use super::{Sizes, memory, middle_and_p99, row};
use crate::table::ms;

/// For how long each call hangs, in seconds.
const SLOW: u32 = 10;
/// Objects of the quiet tenant.
const QUIET: usize = 10;
/// Objects in one file.
const IN_A_FILE: usize = 500;
/// Changes by hand on each side, at most.
const CHANGES: usize = 200;
/// Calls that hang before the noise counts as begun.
const BEGUN: usize = 16;
/// What the quiet one may take, of its time alone.
const TIMES: f64 = 2.0;

pub(super) async fn rows(sizes: Sizes) -> bool {
    let place = Place::start().await;
    let uid = place.uid().await;
    let first = place.commit(files(&uid, 1));
    place.sync("bench", "", ("dev", "1m")).await;
    let mut controller = Controller::start(&place, place.bed.kubeconfig());
    place.ready(1, Some(&first)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let changes = sizes.changes.min(CHANGES);
    let alone = disturbed(&place, changes).await;
    let what =
        format!("a quiet tenant alone: drift until it is undone, {changes} times: median, p99");
    row(&what, &figure(alone), "", true);

    let (address, calls) = hanging();
    refuse(&place, address).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(place.commit(files(&uid, sizes.objects)));
    controller.call();
    let began = Instant::now();
    while calls.load(Ordering::Relaxed) < BEGUN {
        let late = began.elapsed() > Duration::from_mins(5);
        assert!(!late, "nothing is refused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (before, began) = (calls.load(Ordering::Relaxed), Instant::now());
    let beside = disturbed(&place, changes).await;
    let (took, calls) = (began.elapsed(), calls.load(Ordering::Relaxed) - before);
    let ratio = beside.1.as_secs_f64() / alone.1.as_secs_f64();
    let what = format!(
        "the same beside a tenant with {} objects and a webhook of {SLOW} s",
        sizes.objects
    );
    let told = format!("{}; p99 {ratio:.2} of before", figure(beside));
    let limit = format!("p99 < {TIMES} of before");
    let mut good = row(&what, &told, &limit, ratio < TIMES);
    let told = format!("{calls} in {} s", took.as_secs());
    let loud = calls > 0 || took < Duration::from_secs(SLOW.into());
    good &= row("calls of the webhook meanwhile", &told, "> 0", loud);
    let what = "memory then, now and at its highest";
    good & row(what, &memory(&controller), "", true)
}

fn figure((middle, worst): (Duration, Duration)) -> String {
    format!("{}, {}", ms(middle), ms(worst))
}

/// Changes objects of the quiet tenant by hand, one after the other.
async fn disturbed(place: &Place, changes: usize) -> (Duration, Duration) {
    let mut times = Vec::new();
    for change in 0..changes {
        let path = format!(
            "/api/v1/namespaces/quiet/configmaps/{}",
            name(change % QUIET)
        );
        let body = json!({ "data": { "n": "by hand" } });
        times.push(place.disturb(&path, "/data/n", &body).await);
    }
    middle_and_p99(times)
}

/// A listener that reads whatever comes and never says a word, and how many came.
fn hanging() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()).ok());
        }
    });
    (address, calls)
}

/// Nothing of the loud tenant is admitted without that listener's word.
async fn refuse(place: &Place, address: SocketAddr) {
    let body = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hangs"}, "webhooks": [{
            "name": "hangs.bank.example", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "timeoutSeconds": SLOW, "failurePolicy": "Fail",
            "clientConfig": {"url": format!("https://{address}/admit")},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "loud"}},
        }],
    });
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    drop(place.send("POST", path, &body).await);
}

fn name(n: usize) -> String {
    format!("c{n:05}")
}

/// A project of two tenants, of which one has so many objects.
fn files(uid: &str, loud: usize) -> Vec<(String, Vec<u8>)> {
    let project = format!(
        "project noisy schema=1 render=1 {{\n  cluster near uid=\"{uid}\" kubernetes=\"1.33\"\n  \
         environment dev {{ cluster near }}\n  include \"**/*.kdl\"\n  ownership {{\n    \
         path \"platform/**\" owner=platform\n    path \"tenants/loud/**\" tenant=loud\n    \
         path \"tenants/quiet/**\" tenant=quiet\n  }}\n}}\n"
    );
    let tenant = |name: &str| {
        format!(
            "tenant {name} {{\n  owner \"{name}@bank.example\"\n  \
             quota cpu=4 memory=\"8Gi\" pods=20\n}}\n"
        )
    };
    let tenants = tenant("loud") + &tenant("quiet");
    let mut files = vec![
        ("kubemate.kdl".to_owned(), project.into_bytes()),
        ("platform/tenants.kdl".to_owned(), tenants.into_bytes()),
    ];
    for (tenant, count) in [("loud", loud), ("quiet", QUIET)] {
        let own = format!(
            "manifests own-{tenant} tenant={tenant} {{\n  from \"files/*.yaml\"\n  kinds ConfigMap\n}}\n"
        );
        files.push((format!("tenants/{tenant}/own.kdl"), own.into_bytes()));
        let config = |n: usize| {
            let metadata = json!({"name": name(n), "namespace": tenant});
            let data = json!({"n": n.to_string()});
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        };
        let all: Vec<String> = (0..count).map(|n| config(n).to_string()).collect();
        for (number, part) in all.chunks(IN_A_FILE).enumerate() {
            let path = format!("tenants/{tenant}/files/{number:03}.yaml");
            files.push((path, part.join("\n---\n").into_bytes()));
        }
    }
    files
}
