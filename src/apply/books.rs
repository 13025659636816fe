//! The inventory while a plan is carried out: announced before, recorded after, written in few calls.
//!
//! A record that is not written yet is no danger: the announcement is, and the object bears our marks.
//! Nothing is ever recorded for an object that was not announced or owned before.

use std::time::Duration;

use crate::apply::cluster::{Cluster, Stored};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::ObjectKey;
use crate::plan::Plan;
use crate::plan::inventory::{Entry, Inventory};
use crate::plan::step::{Action, Step};

/// How many records may wait while other writes are under way, at least.
const WAITING: usize = 64;
/// How often a page is written at most until it is stored.
const TRIES: u32 = 4;
/// The first pause between two of them; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What is owned, and how much of it is not written down yet.
pub(super) struct Books {
    stored: Stored,
    inventory: Inventory,
    unwritten: usize,
}

/// What a step changes in the books.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    /// Nothing.
    Nothing,
    /// The entry is so now.
    Set(Entry),
    /// The object is not tracked any more.
    Forget,
}

impl Books {
    /// Opens the books.
    pub(super) fn open(stored: Stored) -> Self {
        Self {
            inventory: stored.inventory.clone(),
            stored,
            unwritten: 0,
        }
    }

    /// The entry of an object.
    pub(super) fn entry(&self, key: &ObjectKey) -> Option<&Entry> {
        self.inventory.entries.get(key)
    }

    /// Announces every object that the plan will make ours.
    pub(super) fn announce(&mut self, plan: &Plan) {
        for step in plan.steps.iter().filter(|step| step.held_by.is_empty()) {
            if matches!(step.action, Action::Create { .. } | Action::Adopt { .. }) {
                self.announce_one(step, &plan.digest);
            }
        }
    }

    fn announce_one(&mut self, step: &Step, plan: &str) {
        if matches!(self.entry(&step.key), Some(Entry::Pending { .. })) {
            return;
        }
        let entry = Entry::Pending {
            resource: step.resource.clone(),
            plan: plan.to_owned(),
        };
        self.inventory.entries.insert(step.key.clone(), entry);
        self.unwritten += 1;
    }

    /// Notes what a step led to.
    pub(super) fn note(&mut self, key: &ObjectKey, record: Record) {
        match record {
            Record::Nothing => {}
            Record::Set(entry) => {
                if self
                    .inventory
                    .entries
                    .insert(key.clone(), entry.clone())
                    .as_ref()
                    != Some(&entry)
                {
                    self.unwritten += 1;
                }
            }
            Record::Forget => {
                if self.inventory.entries.remove(key).is_some() {
                    self.unwritten += 1;
                }
            }
        }
    }

    /// Whether to write now: when nothing else is under way, or when much is waiting.
    pub(super) fn due(&self, idle: bool) -> bool {
        let much = WAITING.max(self.inventory.entries.len() / 2);
        self.unwritten > 0 && (idle || self.unwritten >= much)
    }

    /// What to write, and in place of what. What is noted from now on waits for the next time.
    pub(super) fn page(&mut self) -> (Stored, Inventory) {
        self.unwritten = 0;
        (self.stored.clone(), self.inventory.clone())
    }

    /// The page was written.
    pub(super) fn written(&mut self, stored: Stored) {
        self.stored = stored;
    }

    /// What is stored.
    pub(super) fn into_stored(self) -> Stored {
        self.stored
    }
}

/// Writes one page, again for a while where that may help. That someone else wrote is final.
pub(super) async fn write<C: Cluster>(
    cluster: &C,
    (before, inventory): (Stored, Inventory),
) -> Result<Stored, Problem> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match cluster.store(&before, &inventory).await {
            Err(problem) if problem.kind.passes() && problem.kind != ProblemKind::Stale => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
    cluster.store(&before, &inventory).await
}
