//! Who of several controllers works: the holder of one Lease. Work stops well before the Lease runs out
//! unrenewed, the Lease is given back only when all work has run out, and preconditions stop what a stale
//! leader still had on its way.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Shared;
use crate::adapters::cluster::KubeCluster;
use crate::adapters::sync::Shard;
use crate::apply::cluster::{Cluster, Lease};
use crate::apply::problem::ProblemKind;
use crate::object::{Owner, SetId};

/// How often the Lease is renewed; it is good for fifteen seconds.
const RENEW: Duration = Duration::from_secs(4);
/// Without a renewal for so long, work stops.
const GIVE_UP: Duration = Duration::from_secs(10);
/// For how long one attempt waits for the present holder.
const ATTEMPT: Duration = Duration::from_secs(20);
/// The pause after an attempt that failed.
const PAUSE: Duration = Duration::from_secs(2);
/// For how long giving the Lease back is waited for: then it runs out by itself.
const GIVE_BACK: Duration = Duration::from_secs(4);

/// Who wants to lead.
pub(super) trait Candidate: Send + Sync + 'static {
    /// Where the Lease is.
    type Cluster: Cluster + 'static;

    /// The cluster.
    fn cluster(&self) -> &Self::Cluster;

    /// Whose Syncs are led.
    fn shard(&self) -> &Shard;

    /// Our name on leases.
    fn holder(&self) -> &str;

    /// All that a follower should do is done.
    fn ready(&self);
}

impl Candidate for Shared {
    type Cluster = KubeCluster;

    fn cluster(&self) -> &KubeCluster {
        &self.tools.cluster
    }

    fn shard(&self) -> &Shard {
        &self.shard
    }

    fn holder(&self) -> &str {
        &self.tools.holder
    }

    fn ready(&self) {
        self.vitals.ready();
    }
}

/// The time during which this process leads.
pub(super) struct Term {
    token: CancellationToken,
    /// Dropped when the work has run out: until then nobody else leads.
    work: DropGuard,
    renewal: JoinHandle<()>,
}

/// No set has an empty environment, so these are free for the controllers themselves, one for each shard.
pub(super) fn seat(shard: &Shard) -> SetId {
    SetId {
        project: "kubemate-controller".to_owned(),
        cluster: shard.name().unwrap_or_default().to_owned(),
        owner: Owner::Platform,
        environment: String::new(),
    }
}

/// Waits until this process leads; `None` once it is to stop.
pub(super) async fn lead<K: Candidate>(who: &Arc<K>, stop: &CancellationToken) -> Option<Term> {
    let (seat, holder) = (seat(who.shard()), who.holder());
    while !stop.is_cancelled() {
        let attempt = who.cluster().take_lease(&seat, holder, ATTEMPT);
        let taken = tokio::select! {
            () = stop.cancelled() => return None,
            taken = attempt => taken,
        };
        match taken {
            Ok(lease) => {
                who.ready();
                tracing::info!(holder, "leading");
                let (token, over) = (stop.child_token(), CancellationToken::new());
                let held = hold(Arc::clone(who), lease, (token.clone(), over.clone()));
                return Some(Term {
                    token,
                    work: over.drop_guard(),
                    renewal: tokio::spawn(held),
                });
            }
            // A follower does all that it should.
            Err(problem) if problem.kind == ProblemKind::Leased => who.ready(),
            Err(problem) => {
                tracing::warn!(%problem, "the lead cannot be taken; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    None
}

impl Term {
    /// Cancelled when the term ends, however it ends.
    pub(super) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Ends the term, whose work has run out, and gives the Lease back.
    pub(super) async fn end(self) {
        self.token.cancel();
        drop(self.work);
        drop(tokio::time::timeout(GIVE_BACK, self.renewal).await);
    }
}

/// Renews until the work is over; ends the term when renewing fails for too long.
async fn hold<K: Candidate>(
    who: Arc<K>,
    mut lease: Lease,
    (term, over): (CancellationToken, CancellationToken),
) {
    let cluster = who.cluster();
    let mut good = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = over.cancelled() => break,
            () = tokio::time::sleep(RENEW) => {}
        }
        let left = GIVE_UP.saturating_sub(good.elapsed());
        match tokio::time::timeout(left, cluster.renew_lease(&lease)).await {
            Ok(Ok(renewed)) => (lease, good) = (renewed, tokio::time::Instant::now()),
            Ok(Err(problem)) if problem.kind == ProblemKind::Stale => {
                tracing::warn!("another controller leads now");
                term.cancel();
                return;
            }
            Ok(Err(_)) | Err(_) if good.elapsed() >= GIVE_UP => {
                tracing::warn!("the lead cannot be renewed; work stops");
                term.cancel();
                return;
            }
            Ok(Err(problem)) => tracing::warn!(%problem, "the lead was not renewed"),
            Err(_) => tracing::warn!("the lead was not renewed in time"),
        }
    }
    if let Err(problem) = cluster.release_lease(&lease).await {
        tracing::debug!(%problem, "the lead runs out by itself");
    }
}
