//! Who of several controllers works: the holder of one Lease. Work stops well before the Lease runs out
//! unrenewed, and preconditions stop what a stale leader still had on its way.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::adapters::sync::Shard;
use crate::apply::cluster::{Cluster as _, Lease};
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

/// The time during which this process leads.
pub(super) struct Term {
    token: CancellationToken,
    renewal: JoinHandle<()>,
}

/// No set has an empty environment, so these are free for the controllers themselves, one for each shard.
fn seat(shard: &Shard) -> SetId {
    SetId {
        project: "kubemate-controller".to_owned(),
        cluster: shard.name().unwrap_or_default().to_owned(),
        owner: Owner::Platform,
        environment: String::new(),
    }
}

/// Waits until this process leads; `None` once it is to stop.
pub(super) async fn lead(shared: &Arc<Shared>, stop: &CancellationToken) -> Option<Term> {
    let (seat, holder) = (seat(&shared.shard), shared.tools.holder.as_str());
    while !stop.is_cancelled() {
        let attempt = shared.tools.cluster.take_lease(&seat, holder, ATTEMPT);
        let taken = tokio::select! {
            () = stop.cancelled() => return None,
            taken = attempt => taken,
        };
        match taken {
            Ok(lease) => {
                shared.vitals.ready();
                tracing::info!(holder, "leading");
                let token = stop.child_token();
                let renewal = tokio::spawn(hold(Arc::clone(shared), lease, token.clone()));
                return Some(Term { token, renewal });
            }
            // A follower does all that it should.
            Err(problem) if problem.kind == ProblemKind::Leased => shared.vitals.ready(),
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

    /// Ends the term and gives the Lease back.
    pub(super) async fn end(self) {
        self.token.cancel();
        drop(self.renewal.await);
    }
}

/// Renews until the term ends; ends it when renewing fails for too long.
async fn hold(shared: Arc<Shared>, mut lease: Lease, term: CancellationToken) {
    let cluster = &shared.tools.cluster;
    let mut good = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = term.cancelled() => break,
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
