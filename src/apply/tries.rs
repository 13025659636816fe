//! One step from its beginning to its end, tried again for a while where that may help. It decides
//! nothing about other steps.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::apply::Run;
use crate::apply::books::Record;
use crate::apply::cluster::{Cluster, Identity};
use crate::apply::outcome::Halt;
use crate::apply::perform::{Effect, Hands, Written, is_replacement};
use crate::apply::problem::{Problem, ProblemKind};
use crate::apply::wait::{self, Waiting};
use crate::plan::inventory::Entry;
use crate::plan::step::Step;

/// The pause between two tries of a write that may go well in a moment.
const SETTLE_PAUSE: Duration = Duration::from_millis(500);

/// One step, again for a while where what was just made may not be known everywhere: the rights of a
/// tenant, and kinds that a CRD of this plan brings.
pub(super) async fn perform<C: Cluster>(
    cluster: &C,
    run: Run<'_>,
    step: &Step,
    entry: Option<Entry>,
) -> Result<Effect, Halt> {
    let hands = Hands {
        cluster,
        identity: run.identity,
        rendered: run.rendered,
    };
    let settled = Instant::now() + run.options.settle;
    let tenant = matches!(run.identity, Identity::ServiceAccount { .. });
    loop {
        let done = hands.perform(step, entry.clone()).await;
        let settles = match &done {
            Err(Halt::Failed(problem)) => match problem.kind {
                ProblemKind::Forbidden => tenant,
                ProblemKind::NotServed => step.action.unverified().is_some(),
                _ => false,
            },
            _ => false,
        };
        if !settles || Instant::now() + SETTLE_PAUSE >= settled || run.stop.is_cancelled() {
            return done;
        }
        sleep(SETTLE_PAUSE).await;
    }
}

/// The second part of a deletion or replacement.
pub(super) async fn leave<C: Cluster>(
    cluster: &C,
    run: Run<'_>,
    step: &Step,
    (waiting, uid): (Waiting, String),
) -> Result<Written, Halt> {
    if let Err(why) = wait::gone(cluster, &waiting, &uid).await? {
        let what = format!("see {} go", step.key);
        return Err(Problem::new(ProblemKind::NotReady, what, why).into());
    }
    if !is_replacement(step) {
        return Ok(Record::Forget.into());
    }
    let hands = Hands {
        cluster,
        identity: run.identity,
        rendered: run.rendered,
    };
    hands.create(step).await
}
