//! A fault of our own in the middle of a pass: the Sync that it hits says so and is tried again, the
//! process and the other Syncs go on.
//!
//! The controller runs in this process, and what breaks it is whoever writes its log: it panics at one
//! sentence about one Sync.

use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use kubemate::adapters::cluster::KubeCluster;
use kubemate::adapters::judge::Judge;
use kubemate::adapters::notify::{self, Notifier};
use kubemate::adapters::worker::{Limits, Worker, Workers};
use kubemate::controller::approvals::Approvals;
use kubemate::controller::attempt::Audit;
use kubemate::controller::commands::decide::Allowed;
use kubemate::controller::credentials::Credentials;
use kubemate::controller::cycle::Tools;
use kubemate::controller::fights::Fights;
use kubemate::controller::forges::Forges;
use kubemate::controller::holds::Holds;
use kubemate::controller::sources::Sources;
use kubemate::controller::{self, Settings};
use kubemate::source::address::AllowList;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Bed, GOOD, is};
use crate::bed::history::commit;

/// The password that is shown to the Git host.
const CANARY: &str = "c4nary-of-the-git-host";

/// How often it panics.
const FAULTS: usize = 2;

/// A log that panics a few times where a sentence names `word`.
struct Panics {
    word: String,
    left: Arc<AtomicUsize>,
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{value:?} "));
    }
}

impl Subscriber for Panics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata
            .target()
            .starts_with("kubemate::controller::attempt")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let less = |left: usize| left.checked_sub(1);
        let hit = text.0.contains(&self.word);
        if hit
            && self
                .left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
                .is_ok()
        {
            panic!("on purpose, in the middle of a pass");
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A controller on a thread of this process; it ends with the token.
fn start(bed: &Bed, log: Panics, stop: CancellationToken) -> JoinHandle<()> {
    let (kubeconfig, directory) = (bed.cluster.kubeconfig(), bed.directory.path().to_owned());
    let allowed = format!("{}/*", bed.host.address);
    let shard = bed.name.parse().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _log = tracing::subscriber::set_default(log);
        runtime.block_on(async {
            let tools = tools(kubeconfig, &directory, &allowed).await;
            let settings = Settings {
                tools,
                shard,
                listen: "127.0.0.1:0".parse().unwrap(),
                hooks: None,
                commands: Allowed::default(),
            };
            controller::run(settings, stop).await.unwrap();
        });
    })
}

/// What panics of this process print from now on, with their backtraces.
fn panics_told() -> Arc<Mutex<Vec<String>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (before, ours) = (std::panic::take_hook(), Arc::clone(&told));
    std::panic::set_hook(Box::new(move |info| {
        let trace = std::backtrace::Backtrace::force_capture();
        ours.lock().unwrap().push(format!("{info}\n{trace}"));
        before(info);
    }));
    told
}

async fn tools(kubeconfig: &Path, directory: &Path, allowed: &str) -> Tools {
    let program = env!("CARGO_BIN_EXE_kubemate").into();
    let workers = Workers::Processes(Worker::new(program, Limits::default()));
    let allowed = AllowList::parse([allowed]).unwrap();
    let shown = Credentials::new(Some(directory.join("credentials")));
    let audit = directory.join("audit");
    Tools {
        cluster: KubeCluster::connect(Some(kubeconfig), None).await.unwrap(),
        judge: Arc::new(Judge::new(workers, None)),
        sources: Sources::new(allowed, directory.join("mirrors"), shown.clone()).unwrap(),
        forges: Forges::default(),
        audit: Audit::new(Some(audit.to_str().unwrap().parse().unwrap()), false, shown),
        notifier: Notifier::new(AllowList::default(), notify::PATIENCE, Vec::new()).unwrap(),
        holds: Holds::default(),
        approvals: Approvals::default(),
        fights: Fights::default(),
        holder: "in-process".to_owned(),
    }
}

/// The credential was used, and stands neither in what people see nor in what panics print.
fn tells_nothing(bed: &Bed, other: &Value, printed: &[String]) {
    let events = ["get", "events", "-n", "kubemate-system", "-o", "json"];
    let said = bed.cluster.kubectl(&events) + &bed.status().to_string() + &other.to_string();
    let said = said + &printed.concat();
    assert!(said.contains("on purpose"), "the panics were seen");
    assert!(!bed.host.authorization().is_empty(), "it was in use");
    assert!(!said.contains(CANARY), "a credential is told");
}

#[test]
fn r_31_s_64_a_fault_of_ours_stops_one_sync_and_tells_no_credential() {
    let bed = Bed::new("mine.git");
    let other = format!("{}-o", bed.name);
    bed.commit(GOOD);
    let theirs = git2::Repository::init_bare(bed.directory.path().join("served/theirs.git"));
    let theirs = theirs.unwrap();
    let renamed = |app: &str| {
        let files = bed.files(app, "").into_iter();
        let files = files.map(|(path, text)| (path, text.replace(&bed.name, &other)));
        commit(&theirs, Some(super::MAIN), files)
    };
    let first = renamed(GOOD);
    // A directory where a file should be: the trail of this Sync alone cannot be kept.
    let trail = format!("audit/here-{}.jsonl", bed.name);
    std::fs::create_dir_all(bed.directory.path().join(trail)).unwrap();
    let shown = bed.directory.path().join("credentials");
    std::fs::create_dir(&shown).unwrap();
    std::fs::write(shown.join("127.0.0.1.token"), CANARY).unwrap();
    let told = panics_told();
    let (left, stop) = (Arc::new(AtomicUsize::new(FAULTS)), CancellationToken::new());
    let word = format!("here-{}.jsonl", bed.name);
    let log = Panics {
        word,
        left: Arc::clone(&left),
    };
    let running = start(&bed, log, stop.clone());
    let address = format!("{}/theirs.git", bed.host.address);
    bed.keep_as(&other, &address, "auto", "1s");
    bed.sync("auto", "1s");
    let status = bed.until("the fault is told", |s| {
        s["story"]
            .as_str()
            .is_some_and(|s| s.contains("a fault of kubemate"))
    });
    assert!(is(&status, "Ready", "False"), "{status:#}");
    let theirs_now = || {
        let args = ["get", "sync", &other, "-n", "kubemate-system", "-o", "json"];
        serde_json::from_str::<Value>(&bed.cluster.kubectl(&args)).unwrap()["status"].clone()
    };
    bed.until("the other one goes on", |_| {
        theirs_now()["lastApplied"] == first.as_str()
    });
    let second = renamed(&GOOD.replace("1.0.0", "1.0.1"));
    bed.until("and on", |_| theirs_now()["lastApplied"] == second.as_str());
    bed.until("what was hit comes through", |s| is(s, "Ready", "True"));
    assert_eq!(left.load(Ordering::SeqCst), 0);
    assert!(bed.deployment().is_some());
    assert!(!running.is_finished(), "the process stays");
    tells_nothing(&bed, &theirs_now(), &told.lock().unwrap());
    for name in [&bed.name, &other] {
        bed.cluster
            .kubectl(&["delete", "sync", name, "-n", "kubemate-system"]);
    }
    stop.cancel();
    running.join().unwrap();
}
