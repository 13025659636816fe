//! The question where a tracked ref points to, asked beside the passes of a Sync: a host that hangs
//! holds up neither what is kept on the cluster nor anybody else's pass. One question at a time for each
//! Sync; an answer that comes late wakes it.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::adapters::git::remote::RemoteRepository;
use crate::source::repository::{CommitId, Repository as _, RepositoryError};

/// For how long a pass waits for the answer while it knows what is in force.
pub(super) const SOON: Duration = Duration::from_millis(250);
/// The same while it knows nothing, as after a start.
pub(super) const FIRST: Duration = Duration::from_secs(10);

/// Where a ref points to, or why that is not known.
type Answer = Result<CommitId, RepositoryError>;

/// A question that is not answered yet.
pub(super) struct Asked {
    answer: oneshot::Receiver<Answer>,
    /// Somebody asked again meanwhile: what comes may be older than what they mean.
    again: bool,
}

/// Where the ref points to, if that is known by now. Asks only with patience, and waits that long at
/// most; what comes later is heard by the next call, which `wake` asks for.
pub(super) async fn head(
    asked: &mut Option<Asked>,
    remote: &RemoteRepository,
    wake: &mpsc::Sender<()>,
    patience: Option<Duration>,
) -> Option<Answer> {
    if let Some(before) = asked.as_mut() {
        let answer = match before.answer.try_recv() {
            Ok(answer) => answer,
            Err(oneshot::error::TryRecvError::Closed) => fault(),
            Err(oneshot::error::TryRecvError::Empty) => {
                before.again |= patience.is_some();
                return None;
            }
        };
        *asked = before.again.then(|| later(question(remote), wake));
        return Some(answer);
    }
    let mut asking = question(remote);
    match timeout(patience?, &mut asking).await {
        Ok(answer) => Some(answer.unwrap_or_else(|_| fault())),
        Err(_) => {
            *asked = Some(later(asking, wake));
            None
        }
    }
}

/// Asks, on a task of its own; the deadline of a fetch ends it.
fn question(remote: &RemoteRepository) -> oneshot::Receiver<Answer> {
    let (tell, answer) = oneshot::channel();
    let remote = remote.clone();
    drop(tokio::spawn(async move {
        // Nobody listens where the Sync is gone meanwhile.
        tell.send(remote.head().await).ok();
    }));
    answer
}

/// The answer lies there before anybody is woken for it.
fn later(asking: oneshot::Receiver<Answer>, wake: &mpsc::Sender<()>) -> Asked {
    let ((tell, answer), wake) = (oneshot::channel(), wake.clone());
    drop(tokio::spawn(async move {
        tell.send(asking.await.unwrap_or_else(|_| fault())).ok();
        wake.try_send(()).ok();
    }));
    Asked {
        answer,
        again: false,
    }
}

fn fault() -> Answer {
    Err(RepositoryError::Git {
        reason: "the question ended with a fault of kubemate".to_owned(),
    })
}
