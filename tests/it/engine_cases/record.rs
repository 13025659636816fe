//! The oracles for sets that are worked on in this process, read from a proxy's record and from the
//! cluster: I1 whose identity and which objects, I2 only what the books own is deleted, by its UID,
//! I3 quiet once the faults are over, I4 nothing that was made is forgotten, I7 "complete" is true.

use std::time::{Duration, Instant};

use kubemate::apply::cluster::{Cluster as _, Identity, Target};
use kubemate::object::{Manifest, ObjectKey, SET_LABEL};
use kubemate::plan::step::KeepWhy;
use kubemate::plan::{Action, Level};

use crate::bed::proxy::{Call, Proxy, Verb};
use crate::engine::{Engine, told};

/// Rounds until a set must be as it is wanted.
const ROUNDS: usize = 3;
/// For how long what is on its way out is waited for.
const PATIENCE: Duration = Duration::from_mins(5);

/// Ends the faults and judges everything that happened since the proxy began, or forgot.
pub(crate) async fn settles(engines: &[&Engine], proxy: &Proxy) {
    proxy.heal();
    for engine in engines {
        converges(engine, proxy).await;
    }
    judged(engines, proxy).await;
}

/// Judges what was recorded, whatever state the sets are in.
pub(crate) async fn judged(engines: &[&Engine], proxy: &Proxy) {
    let mut books: Vec<String> = Vec::new();
    for call in proxy.writes() {
        if call.target.namespace.as_deref() == Some("kubemate-system") {
            assert_eq!(
                call.impersonated(),
                None,
                "books are our own: {}",
                call.path
            );
            books.push(String::from_utf8_lossy(&call.body).into_owned());
            continue;
        }
        judge(engines, &call, &books);
        let made = call.verb == Verb::Apply && call.upstream_status.is_some_and(|s| s < 300);
        if made && let Ok(manifest) = Manifest::new(call.json()) {
            remembered(engines, &manifest.key).await;
        }
    }
}

/// I1 and I2 for one write.
fn judge(engines: &[&Engine], call: &Call, books: &[String]) {
    let said = format!("{} {}", call.method, call.path);
    let body = call.json();
    if call.verb == Verb::Create && body["metadata"]["name"] == "kubemate-system" {
        return;
    }
    let label = body["metadata"]["labels"][SET_LABEL].as_str();
    let labelled = |e: &&&Engine| label == Some(e.set.label().as_str());
    let writers: Vec<&&Engine> = match call.verb {
        Verb::Apply => engines.iter().filter(labelled).collect(),
        Verb::Delete => {
            let uid = body["preconditions"]["uid"].as_str();
            let uid = uid.unwrap_or_else(|| panic!("a delete without a UID: {said}"));
            let owned = books.iter().any(|page| page.contains(uid));
            assert!(owned, "no inventory ever owned it: {said}");
            engines.iter().collect()
        }
        Verb::Patch => {
            let only: Vec<&String> = body["metadata"].as_object().unwrap().keys().collect();
            assert_eq!(only, ["managedFields", "resourceVersion"], "{said}");
            engines.iter().collect()
        }
        other => panic!("{other:?} is never sent: {said}"),
    };
    let user = call.impersonated().map(str::to_owned);
    let known = writers.iter().any(|engine| user_of(engine) == user);
    assert!(known, "{said} as {user:?}, labelled {label:?}");
    if let (Some(user), Some(namespace)) = (&user, &call.target.namespace) {
        let at_home = format!("system:serviceaccount:{namespace}:");
        assert!(user.starts_with(&at_home), "{said} as {user}");
    }
}

fn user_of(engine: &Engine) -> Option<String> {
    match &engine.identity {
        Identity::Own => None,
        Identity::ServiceAccount { namespace, name } => {
            Some(format!("system:serviceaccount:{namespace}:{name}"))
        }
    }
}

/// I4: what exists with the label of a set is in that set's inventory, and by its UID or announced.
async fn remembered(engines: &[&Engine], key: &ObjectKey) {
    let Ok(Some(live)) = engines[0].cluster.read(&Target::of(key)).await else {
        return;
    };
    let label = live.label(SET_LABEL).map(str::to_owned);
    for engine in engines {
        if label != Some(engine.set.label()) {
            continue;
        }
        let entries = engine.stored().await.inventory.entries;
        let entry = entries.get(key);
        let entry = entry.unwrap_or_else(|| panic!("{key} is in no inventory"));
        assert!(
            entry.uid().is_none_or(|uid| uid == live.uid),
            "{key} is recorded as another object"
        );
    }
}

/// I3 and I7.
async fn converges(engine: &Engine, proxy: &Proxy) {
    let mut last = String::new();
    let (mut rounds, began) = (0, Instant::now());
    while rounds < ROUNDS && began.elapsed() < PATIENCE {
        let (plan, report) = engine.apply().await;
        last = told(&plan, &report);
        let wrong = plan.findings.iter().any(|f| f.level == Level::Error);
        // What is on its way out has yet to be forgotten.
        let leaving = |step: &kubemate::plan::Step| matches!(&step.action, Action::Keep { why } if *why == KeepWhy::Terminating);
        let rests = plan.is_empty() && !plan.steps.iter().any(leaving);
        if rests && report.complete() && !wrong {
            quiet(engine, proxy).await;
            return;
        }
        // What goes has its dependents taken away first, which takes a cluster its time.
        let gone = plan.steps.iter().any(leaving) || plan.count(kubemate::plan::Verb::Release) > 0;
        rounds += usize::from(!gone);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not come to rest: {last}");
}

/// Nothing is written any more but leases, and not even a dry-run is sent.
async fn quiet(engine: &Engine, proxy: &Proxy) {
    let before = proxy.calls().len();
    for _ in 0..2 {
        let (plan, report) = engine.apply().await;
        assert!(
            plan.is_empty() && report.complete(),
            "{}",
            told(&plan, &report)
        );
    }
    let loud = proxy.calls().into_iter().skip(before);
    let loud = loud.filter(|call| call.verb.writes() && call.target.resource != "leases");
    let loud: Vec<String> = loud
        .map(|call| format!("{} {}", call.method, call.path))
        .collect();
    assert!(loud.is_empty(), "it is not quiet: {loud:?}");
}
