//! The loop: watches Syncs, keeps each in a task of its own, and only while this process leads.
//!
//! ```text
//! Sync → keep (decide: when) → cycle (fetch → render → look → plan → apply) → status → event, metrics, notices
//! ```
//!
//! What goes wrong in one Sync never ends another, and nothing is written after the lead is lost but
//! what was begun.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use kube::ResourceExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::adapters::approval::{self, Approval};
use crate::adapters::hold::{self, Hold};
use crate::adapters::sync::{self, Release, Shard, Sync};
use crate::apply::problem::Problem;
use crate::source::address::RemoteAddress;

pub mod approvals;
mod asked;
pub mod attempt;
mod behind;
mod claims;
pub mod commands;
pub mod credentials;
pub mod cycle;
pub mod decide;
pub mod desired;
pub mod fights;
mod force;
pub mod forges;
mod heads;
mod heralds;
pub mod holds;
pub mod hooks;
pub mod keep;
mod leader;
pub mod leave;
mod pass;
mod pulse;
pub mod serve;
pub mod set;
mod settled;
mod sights;
#[cfg(test)]
mod simulation;
pub mod sources;
mod spans;
pub mod standing;
pub mod status;
mod tell;
mod trouble;
mod trust;
mod upgrade;
pub mod verdict;
mod watches;

use claims::Claims;
use commands::decide::Allowed;
use commands::{Call, Commander};
use credentials::Credentials;
use cycle::Tools;
use heads::Heads;
use serve::Vitals;
use sights::Sights;
use watches::Said;

/// Passes at the same time.
const AT_ONCE: usize = 8;
/// Syncs that are kept at most.
const MAX_SYNCS: usize = 2000;
/// Reports to forges at the same time.
const TELLS_AT_ONCE: usize = 4;
/// Names in calls of forges that wait to be heard.
const MAX_CALLS: usize = 64;
/// Plans of one Sync that were let go and wait to be written down.
const MAX_RELEASES: usize = 16;
/// For how long begun steps may run out after the order to stop.
const RUN_OUT: Duration = Duration::from_secs(20);

/// What a controller is made of.
pub struct Settings {
    /// What passes work with.
    pub tools: Tools,
    /// Which Syncs are kept.
    pub shard: Shard,
    /// Where health and metrics are served.
    pub listen: SocketAddr,
    /// Where calls of forges are taken, if they are, with their secrets.
    pub hooks: Option<(SocketAddr, Credentials)>,
    /// Commands in comments that are followed.
    pub commands: Allowed,
}

/// Why the controller could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The address is taken or not ours.
    #[error("nothing can be served on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        reason: String,
    },
    /// There is no cluster to work on.
    #[error(transparent)]
    Cluster(#[from] Problem),
}

/// What all tasks share.
pub(crate) struct Shared {
    pub(crate) tools: Tools,
    heads: Heads,
    pub(crate) shard: Shard,
    pub(crate) client: kube::Client,
    pub(crate) places: Semaphore,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) tells: Semaphore,
    claims: Claims,
    commander: Arc<Commander>,
}

/// Runs until it is told to stop.
pub async fn run(settings: Settings, stop: CancellationToken) -> Result<(), ControllerError> {
    let Settings {
        tools,
        shard,
        listen,
        hooks,
        commands,
    } = settings;
    let vitals = Arc::new(Vitals::default());
    let served = serve::serve(listen, Arc::clone(&vitals), stop.clone()).await?;
    let (tell, mut calls) = mpsc::channel(MAX_CALLS);
    let (ask, mut asks) = mpsc::channel(MAX_CALLS);
    let commander = Commander::new(commands);
    if let Some((address, secrets)) = hooks {
        let ask = commander.listens().then_some(ask);
        let door = hooks::Door::new(secrets, Arc::clone(&vitals), tell, ask);
        drop(hooks::serve(address, door, stop.clone()).await?);
    }
    let client = tools.cluster.client()?;
    let (moved, mut moves) = mpsc::channel(MAX_CALLS);
    let shared = Arc::new(Shared {
        tools,
        heads: Heads::new(moved),
        shard,
        client,
        places: Semaphore::new(AT_ONCE),
        vitals,
        tells: Semaphore::new(TELLS_AT_ONCE),
        claims: Claims::default(),
        commander,
    });
    let mut heard = Heard {
        calls: &mut calls,
        moves: &mut moves,
        asks: &mut asks,
    };
    while let Some(term) = leader::lead(&shared, &stop).await {
        shared.vitals.leads(true);
        follow(&shared, term.token(), &mut heard).await;
        shared.vitals.leads(false);
        term.end().await;
    }
    drop(served.await);
    Ok(())
}

/// A Sync that is kept.
struct Kept {
    specs: watch::Sender<Arc<Sync>>,
    wake: mpsc::Sender<()>,
    approved: mpsc::Sender<()>,
    gate: mpsc::Sender<Release>,
    stop: CancellationToken,
}

/// What is heard beside the watches.
struct Heard<'a> {
    /// Names whose repository may have changed.
    calls: &'a mut mpsc::Receiver<String>,
    /// Names whose ref has moved.
    moves: &'a mut mpsc::Receiver<String>,
    /// Commands in comments.
    asks: &'a mut mpsc::Receiver<Call>,
}

/// Keeps all Syncs of the shard until the term ends.
async fn follow(shared: &Arc<Shared>, term: &CancellationToken, heard: &mut Heard<'_>) {
    let config = watcher::Config::default().any_semantic();
    let config = config.labels(&shared.shard.selector());
    let events = watcher(sync::api(shared.client.clone()), config).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut holds = watches::watch(hold::api(shared.client.clone()));
    let mut yeses = watches::watch(approval::api(shared.client.clone()));
    let (mut kept, mut tasks) = (BTreeMap::<String, Kept>::new(), JoinSet::new());
    let mut listed = BTreeSet::new();
    let sights = Sights::default();
    let ours = (shared, &sights);
    shared.claims.clear();
    loop {
        tokio::select! {
            () = term.cancelled() => break,
            Some(_) = tasks.join_next() => {}
            Some(name) = heard.calls.recv() => rouse(&kept, &name, false),
            Some(name) = heard.moves.recv() => rouse(&kept, &name, true),
            Some(call) = heard.asks.recv() => {
                shared.commander.hear(shared, (&kept, &mut tasks), call, term);
            }
            Some(said) = holds.next() => of_hold(shared, said, &kept),
            Some(said) = yeses.next() => of_approval(shared, said, &kept),
            event = events.try_next() => match event {
                Ok(Some(event)) => hear(ours, event, &mut kept, (&mut tasks, &mut listed), term),
                Ok(None) => break,
                Err(error) => tracing::warn!(%error, "Syncs cannot be watched; trying again"),
            },
        }
    }
    drop(kept);
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(RUN_OUT, all).await.is_err() {
        tracing::warn!("some steps did not end in time and are left to the next start");
    }
}

/// Hears of a Hold. Any may matter to every Sync.
fn of_hold(shared: &Shared, said: Said<Hold>, kept: &BTreeMap<String, Kept>) {
    let news = match said {
        Ok(event) => shared.tools.holds.hear(event),
        Err(error) => {
            tracing::warn!(%error, "Holds cannot be watched; trying again");
            shared.tools.holds.fail(&error)
        }
    };
    for kept in kept.values().filter(|_| news) {
        kept.wake.try_send(()).ok();
    }
}

/// Hears of an Approval, and makes the Syncs look that it names: nothing in Git has changed by it.
fn of_approval(shared: &Shared, said: Said<Approval>, kept: &BTreeMap<String, Kept>) {
    let concerned = match said {
        Ok(event) => shared.tools.approvals.hear(event),
        Err(error) => {
            tracing::warn!(%error, "Approvals cannot be watched; trying again");
            shared.tools.approvals.fail(&error);
            return;
        }
    };
    for kept in concerned.iter().filter_map(|name| kept.get(name)) {
        kept.approved.try_send(()).ok();
    }
}

fn hear(
    ours: (&Arc<Shared>, &Sights),
    event: watcher::Event<Sync>,
    kept: &mut BTreeMap<String, Kept>,
    (tasks, listed): (&mut JoinSet<()>, &mut BTreeSet<String>),
    term: &CancellationToken,
) {
    match event {
        watcher::Event::Init => listed.clear(),
        watcher::Event::InitDone => {
            let gone: Vec<String> = kept
                .keys()
                .filter(|n| !listed.contains(*n))
                .cloned()
                .collect();
            gone.iter().for_each(|name| forget(ours.0, name, kept));
            ours.0.claims.complete();
        }
        watcher::Event::InitApply(sync) => {
            listed.insert(sync.name_any());
            take(ours, sync, kept, tasks, term);
        }
        watcher::Event::Apply(sync) => take(ours, sync, kept, tasks, term),
        watcher::Event::Delete(sync) => forget(ours.0, &sync.name_any(), kept),
    }
}

fn take(
    (shared, sights): (&Arc<Shared>, &Sights),
    sync: Sync,
    kept: &mut BTreeMap<String, Kept>,
    tasks: &mut JoinSet<()>,
    term: &CancellationToken,
) {
    let name = sync.name_any();
    // Another object of the same name is another Sync.
    if kept
        .get(&name)
        .is_some_and(|k| k.specs.borrow().metadata.uid != sync.metadata.uid)
    {
        forget(shared, &name, kept);
    }
    let sync = Arc::new(sync);
    if let Some(known) = kept.get(&name) {
        let turned = known.specs.borrow().metadata.generation != sync.metadata.generation;
        shared.claims.note(&name, &sync);
        drop(known.specs.send_replace(sync));
        if turned {
            rouse_refused(kept);
        }
        return;
    }
    if kept.len() >= MAX_SYNCS {
        tracing::error!(
            sync = name,
            "there are more than {MAX_SYNCS} Syncs; this one is not kept"
        );
        return;
    }
    shared.claims.note(&name, &sync);
    let (specs, listener) = watch::channel(sync);
    // One note that something changed is as good as many.
    let ((wake, calls), (approved, yeses)) = (mpsc::channel(1), mpsc::channel(1));
    let (gate, releases) = mpsc::channel(MAX_RELEASES);
    let stop = term.child_token();
    let heard = keep::Heard {
        specs: listener,
        calls,
        yeses,
        releases,
        sights: sights.clone(),
    };
    drop(tasks.spawn(keep::keep(Arc::clone(shared), heard, stop.clone())));
    let one = Kept {
        specs,
        wake,
        approved,
        gate,
        stop,
    };
    kept.insert(name, one);
    shared.vitals.syncs(kept.len());
}

/// Makes all Syncs of a named one's repository look; where that one knows already, those of its ref.
fn rouse(kept: &BTreeMap<String, Kept>, name: &str, knows: bool) {
    let of = |kept: &Kept| {
        let spec = &kept.specs.borrow().spec;
        let address = RemoteAddress::parse(&spec.repository).ok()?;
        Some((address, knows.then(|| spec.reference.clone())))
    };
    let Some(followed) = kept.get(name).and_then(of) else {
        tracing::debug!(sync = name, "a call for a Sync that is not kept");
        return;
    };
    let others = kept.iter().filter(|(other, _)| !knows || *other != name);
    for (_, kept) in others.filter(|(_, kept)| of(kept).as_ref() == Some(&followed)) {
        kept.wake.try_send(()).ok();
    }
}

/// Objects of a Sync that is deleted stay as they are.
fn forget(shared: &Shared, name: &str, kept: &mut BTreeMap<String, Kept>) {
    if let Some(gone) = kept.remove(name) {
        gone.stop.cancel();
        shared.vitals.forget(name);
        shared.claims.forget(name);
        shared.vitals.syncs(kept.len());
        rouse_refused(kept);
    }
}

/// Makes those look that are refused a set: it may be free now.
fn rouse_refused(kept: &BTreeMap<String, Kept>) {
    let is_refused = |kept: &&Kept| kept.specs.borrow().is_refused();
    for kept in kept.values().filter(is_refused) {
        kept.wake.try_send(()).ok();
    }
}
