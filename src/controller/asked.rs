//! The question where a tracked ref points to, asked beside the passes of a Sync: a host that hangs
//! holds up neither what is kept on the cluster nor anybody else's pass. One question at a time for each
//! Sync; an answer that comes late wakes it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::Shared;
use super::heads::Answer;
use crate::adapters::git::remote::RemoteRepository;
use crate::source::repository::RepositoryError;

/// For how long a pass waits for the answer while it knows what is in force.
pub(super) const SOON: Duration = Duration::from_millis(250);
/// The same while it knows nothing, as after a start.
pub(super) const FIRST: Duration = Duration::from_secs(10);

/// Who asks for which ref.
#[derive(Clone, Copy)]
pub(super) struct Whom<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) sync: &'a str,
    pub(super) remote: &'a RemoteRepository,
    /// Told when an answer came late.
    pub(super) wake: &'a mpsc::Sender<()>,
}

/// A question that is not answered yet.
pub(super) struct Asked {
    answer: oneshot::Receiver<Answer>,
    /// When somebody asked again meanwhile: what comes may be older than what they mean.
    again: Option<Instant>,
}

/// Where the ref points to, if that is known by now. Asks only with a time after which an answer is news,
/// and with patience, and waits that long at most; what comes later is heard by the next call, which
/// `wake` asks for.
pub(super) async fn head(
    asked: &mut Option<Asked>,
    whom: Whom<'_>,
    question: Option<(Instant, Duration)>,
) -> Option<Answer> {
    if let Some(before) = asked.as_mut() {
        let answer = match before.answer.try_recv() {
            Ok(answer) => answer,
            Err(oneshot::error::TryRecvError::Closed) => fault(),
            Err(oneshot::error::TryRecvError::Empty) => {
                before.again = question.map(|(heard, _)| heard).or(before.again);
                return None;
            }
        };
        *asked = before.again.map(|heard| later(ask(whom, heard), whom.wake));
        return Some(answer);
    }
    let (heard, patience) = question?;
    let mut asking = ask(whom, heard);
    match timeout(patience, &mut asking).await {
        Ok(answer) => Some(answer),
        Err(_) => {
            *asked = Some(later(asking, whom.wake));
            None
        }
    }
}

/// The question; the deadline of a fetch ends it.
fn ask(whom: Whom<'_>, heard: Instant) -> BoxFuture<'static, Answer> {
    let (shared, remote) = (Arc::clone(whom.shared), whom.remote.clone());
    let sync = whom.sync.to_owned();
    Box::pin(async move { shared.heads.head(&sync, &remote, heard).await })
}

/// Goes on with a question on a task of its own. The answer lies there before anybody is woken for it.
fn later(asking: BoxFuture<'static, Answer>, wake: &mpsc::Sender<()>) -> Asked {
    let ((tell, answer), wake) = (oneshot::channel(), wake.clone());
    drop(tokio::spawn(async move {
        // Nobody listens where the Sync is gone meanwhile.
        tell.send(asking.await).ok();
        wake.try_send(()).ok();
    }));
    Asked {
        answer,
        again: None,
    }
}

fn fault() -> Answer {
    Err(RepositoryError::Git {
        reason: "the question ended with a fault of kubemate".to_owned(),
    })
}
