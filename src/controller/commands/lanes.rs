//! Who waits with a command for a repository. Few wait, nobody takes more than some of the places, and people of
//! whom the forge did not say yet that they may ask for anything share half of them: whoever can write a comment
//! keeps nobody out who may give commands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as Turn;

/// Commands of one repository that wait or are carried out.
const MOST_WAITING: usize = 16;
/// Of those, the commands of strangers.
const MOST_OF_STRANGERS: usize = 8;
/// Of those, the commands of one stranger.
const MOST_OF_STRANGER: usize = 4;
/// The commands of one person who may give them.
const MOST_OF_PERSON: usize = 8;
/// People who are remembered.
const MOST_KNOWN: usize = 1000;

/// The commands of all repositories.
#[derive(Default)]
pub(super) struct Lanes {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_repository: BTreeMap<String, Lane>,
    /// Repositories and who may give commands there, as it was when they gave the last one.
    known: BTreeSet<(String, String)>,
}

#[derive(Default)]
struct Lane {
    /// Whose commands.
    waiting: Vec<String>,
    turn: Arc<Turn<()>>,
}

/// A place among the commands of a repository.
pub(super) struct Place {
    lanes: Arc<Lanes>,
    of: (String, String),
    pub(super) turn: Arc<Turn<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.lanes.lock();
        let (repository, user) = &self.of;
        if let Some(lane) = inner.by_repository.get_mut(repository) {
            if let Some(at) = lane.waiting.iter().position(|one| one == user) {
                lane.waiting.swap_remove(at);
            }
            if lane.waiting.is_empty() {
                inner.by_repository.remove(repository);
            }
        }
    }
}

impl Place {
    /// Remembers whether the forge says of who holds it that they may give commands.
    pub(super) fn learn(&self, may: bool) {
        let mut inner = self.lanes.lock();
        match may {
            true if inner.known.len() >= MOST_KNOWN => false,
            true => inner.known.insert(self.of.clone()),
            false => inner.known.remove(&self.of),
        };
    }
}

impl Lanes {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a command, if there is one.
    pub(super) fn place(self: &Arc<Self>, repository: String, user: &str) -> Option<Place> {
        // The forges know people by their names in any case of letters.
        let of = (repository, user.to_ascii_lowercase());
        let mut inner = self.lock();
        let Inner {
            by_repository,
            known,
        } = &mut *inner;
        let lane = by_repository.entry(of.0.clone()).or_default();
        let is_known = |user: &String| known.contains(&(of.0.clone(), user.clone()));
        let theirs = lane.waiting.iter().filter(|one| **one == of.1).count();
        let strangers = lane.waiting.iter().filter(|one| !is_known(one)).count();
        let has_room = lane.waiting.len() < MOST_WAITING
            && match is_known(&of.1) {
                true => theirs < MOST_OF_PERSON,
                false => theirs < MOST_OF_STRANGER && strangers < MOST_OF_STRANGERS,
            };
        // Where there is no room, others wait, so the lane is not an empty one.
        if !has_room {
            return None;
        }
        lane.waiting.push(of.1.clone());
        let turn = Arc::clone(&lane.turn);
        drop(inner);
        let lanes = Arc::clone(self);
        Some(Place { lanes, of, turn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_76_few_commands_of_a_repository_wait() {
        let lanes = Arc::<Lanes>::default();
        let take = |name: &str, user: &str| lanes.place(name.to_owned(), user);
        let mut held = Vec::new();
        for user in ["eve", "mal"] {
            let of = (0..MOST_OF_STRANGER).map(|_| take("a", user).unwrap());
            held.extend(of);
            assert!(take("a", &user.to_uppercase()).is_none(), "{user}");
        }
        for user in ["eve", "mal", "ann"] {
            assert!(take("a", user).is_none(), "{user}");
        }
        assert!(take("b", "ann").is_some());
        drop(held);
        assert!(take("a", "ann").is_some());
        assert!(lanes.lock().by_repository.is_empty(), "nothing is kept");
    }

    #[test]
    fn s_76_strangers_keep_nobody_out_who_may_give_commands() {
        let lanes = Arc::<Lanes>::default();
        let take = |user: &str| lanes.place("a".to_owned(), user);
        take("ann").unwrap().learn(true);
        let strangers: Vec<_> = (0..20).filter_map(|n| take(&format!("eve{n}"))).collect();
        assert_eq!(strangers.len(), MOST_OF_STRANGERS);
        let ours: Vec<_> = (0..20).filter_map(|_| take("Ann")).collect();
        assert_eq!(ours.len(), MOST_OF_PERSON);
        assert!(take("ben").is_none(), "all places are taken");
        drop(ours);
        // Whoever may not any more is a stranger.
        take("ann").unwrap().learn(false);
        assert!(take("ann").is_none());
    }
}
