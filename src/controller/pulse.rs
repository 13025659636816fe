//! The passes of one Sync as [`super::decide`] wants them: one at a time, each in a task of its own, so
//! that a fault in one ends neither this Sync nor any other.

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::decide::{Effect, Event, State, decide};

/// Draws a number between 0 and 1.
pub(super) type Chance = Box<dyn FnMut() -> f64 + Send + Sync>;

/// When passes of one Sync begin, and the one that is under way.
pub(super) struct Pulse<T> {
    state: State,
    began: Instant,
    /// It ends with this one.
    running: Option<(AbortOnDropHandle<T>, CancellationToken)>,
    chance: Chance,
}

/// What comes by itself.
pub(super) enum Beat<T> {
    /// A pass is due.
    Due,
    /// The pass has ended; with nothing where it ended with a fault.
    Ended(Option<T>),
}

impl<T: Send + 'static> Pulse<T> {
    /// The first pass is due at once.
    pub(super) fn new(chance: Chance) -> Self {
        Self {
            state: State::new(),
            began: Instant::now(),
            running: None,
            chance,
        }
    }

    /// Hears what happened, and begins or calls off a pass where that is to be done. `work` is a pass: from
    /// the time after which an answer of the repository is news, if it is asked, and what calls it off.
    pub(super) fn happened<F>(
        &mut self,
        event: Event,
        stop: &CancellationToken,
        work: impl FnOnce(Option<Instant>, CancellationToken) -> F,
    ) where
        F: Future<Output = T> + Send + 'static,
    {
        let chance = (self.chance)();
        let (state, effect) = decide(self.state.clone(), event, self.began.elapsed(), chance);
        self.state = state;
        match effect {
            Some(Effect::Begin { ask }) => {
                let (ask, token) = (ask.map(|heard| self.began + heard), stop.child_token());
                let pass = tokio::spawn(work(ask, token.clone()));
                self.running = Some((AbortOnDropHandle::new(pass), token));
            }
            Some(Effect::CallOff) => {
                if let Some((_, token)) = &self.running {
                    token.cancel();
                }
            }
            None => {}
        }
    }

    /// Waits for what comes next.
    pub(super) async fn next(&mut self) -> Beat<T> {
        let due = self.state.due().map(|due| self.began + due);
        let passed = tokio::select! {
            () = until(due) => return Beat::Due,
            passed = ended(&mut self.running) => passed,
        };
        self.running = None;
        Beat::Ended(passed)
    }

    /// Calls the pass off that is under way, and waits for its end.
    pub(super) async fn end(self) {
        if let Some((pass, token)) = self.running {
            token.cancel();
            drop(pass.await);
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn ended<T>(running: &mut Option<(AbortOnDropHandle<T>, CancellationToken)>) -> Option<T> {
    match running {
        Some((pass, _)) => pass.await.ok(),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_pass_ends_with_whoever_began_it() {
        let (began, has_begun) = oneshot::channel();
        let (held, is_held) = oneshot::channel::<()>();
        let mut pulse = Pulse::new(Box::new(|| 0.0));
        let stop = CancellationToken::new();
        pulse.happened(Event::Tick, &stop, |_, _| async move {
            let _kept = held;
            began.send(()).ok();
            std::future::pending::<()>().await;
        });
        has_begun.await.unwrap();
        drop(pulse);
        is_held.await.unwrap_err();
    }
}
