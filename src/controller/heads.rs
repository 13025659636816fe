//! Where tracked refs point to, asked once for all Syncs that follow the same one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, mpsc};
use tokio::time::Instant;

use super::MAX_SYNCS;
use crate::adapters::git::remote::RemoteRepository;
use crate::source::repository::{CommitId, Repository as _, RepositoryError};

/// Where a ref points to, or why that is not known.
pub(super) type Answer = Result<CommitId, RepositoryError>;

/// What is known about one ref.
#[derive(Default)]
struct Last {
    /// The last answer, and when its question was asked.
    answer: Option<(Instant, Answer)>,
    /// The last commit, whatever went wrong since.
    commit: Option<CommitId>,
}

/// The answers about all refs.
pub(super) struct Heads {
    /// By the mirror, which there is one of for each ref of each repository.
    refs: Mutex<BTreeMap<PathBuf, Arc<Turn<Last>>>>,
    moved: mpsc::Sender<String>,
}

impl Heads {
    /// Nothing is known yet. Who finds a ref that has moved is named to `moved`, for others who follow it.
    pub(super) fn new(moved: mpsc::Sender<String>) -> Self {
        Self {
            refs: Mutex::default(),
            moved,
        }
    }

    /// Where a ref points to, by a question that was asked after `since`: somebody's, or one of our own.
    /// Whoever comes while one is under way waits for its end.
    pub(super) async fn head(
        &self,
        sync: &str,
        remote: &RemoteRepository,
        since: Instant,
    ) -> Answer {
        self.ask(sync, remote.git_dir(), since, remote.head()).await
    }

    async fn ask(
        &self,
        sync: &str,
        place: &Path,
        since: Instant,
        question: impl Future<Output = Answer>,
    ) -> Answer {
        let turn = self.turn(place);
        let mut last = turn.lock().await;
        if let Some((asked, answer)) = &last.answer
            && *asked > since
        {
            return answer.clone();
        }
        let now = Instant::now();
        let answer = question.await;
        last.answer = Some((now, answer.clone()));
        if let Ok(head) = &answer {
            let before = last.commit.replace(head.clone());
            if before.is_some_and(|before| before != *head) {
                // Those who are not told come when their interval is over.
                self.moved.try_send(sync.to_owned()).ok();
            }
        }
        answer
    }

    fn turn(&self, place: &Path) -> Arc<Turn<Last>> {
        let mut refs = self.refs.lock().unwrap_or_else(PoisonError::into_inner);
        if refs.len() > MAX_SYNCS {
            refs.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(refs.entry(place.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    fn commit(digit: &str) -> CommitId {
        CommitId::new(&digit.repeat(40)).unwrap()
    }

    fn down() -> Answer {
        let reason = "nobody is there".to_owned();
        Err(RepositoryError::Git { reason })
    }

    /// So long that two times differ.
    const MOMENT: Duration = Duration::from_millis(2);

    #[tokio::test]
    async fn many_who_ask_at_the_same_time_are_one_question() {
        for said in [Ok(commit("a")), down()] {
            let (heads, asked) = (Heads::new(mpsc::channel(1).0), AtomicUsize::new(0));
            let since = Instant::now();
            sleep(MOMENT).await;
            let each = (0..1000).map(|_| {
                heads.ask("one", Path::new("m"), since, async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    sleep(MOMENT).await;
                    said.clone()
                })
            });
            let answers = futures::future::join_all(each).await;
            assert!(answers.iter().all(|answer| *answer == said));
            assert_eq!(asked.into_inner(), 1);
        }
    }

    #[tokio::test]
    async fn what_was_asked_before_something_happened_says_nothing_about_it() {
        let heads = Heads::new(mpsc::channel(1).0);
        let ask = |since, said: Answer| heads.ask("one", Path::new("m"), since, ready(said));
        let began = Instant::now();
        sleep(MOMENT).await;
        assert_eq!(ask(began, Ok(commit("a"))).await, Ok(commit("a")));
        sleep(MOMENT).await;
        assert_eq!(ask(began, Ok(commit("b"))).await, Ok(commit("a")));
        assert_eq!(ask(Instant::now(), Ok(commit("b"))).await, Ok(commit("b")));
        let other = heads.ask("one", Path::new("other"), began, ready(Ok(commit("c"))));
        assert_eq!(other.await, Ok(commit("c")));
    }

    #[tokio::test]
    async fn who_finds_a_ref_that_has_moved_is_named_once() {
        let (moved, mut moves) = mpsc::channel(8);
        let heads = Heads::new(moved);
        for (sync, said) in [
            ("first", Ok(commit("a"))),
            ("same", Ok(commit("a"))),
            ("down", down()),
            ("mover", Ok(commit("b"))),
            ("after", Ok(commit("b"))),
        ] {
            let now = Instant::now();
            heads.ask(sync, Path::new("m"), now, ready(said)).await.ok();
            sleep(MOMENT).await;
        }
        assert_eq!(moves.try_recv().ok().as_deref(), Some("mover"));
        assert!(moves.try_recv().is_err());
    }
}
