//! Hears of changes that someone else makes: a watch for each kind that a Sync uses, on the label of
//! its sets. It only says that something changed; a pass finds out what. Where a watch cannot be had,
//! the interval finds the same later.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Client;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::cycle::Memory;
use crate::adapters::cluster::{Sightings, Watched, follow};
use crate::object::SET_LABEL;

/// Watches of one Sync at most.
const MAX_WATCHES: usize = 40;

/// The watches of one Sync; they end with it.
pub(super) struct Watches {
    client: Client,
    sightings: Arc<Sightings>,
    tell: mpsc::Sender<()>,
    running: BTreeMap<Watched, AbortOnDropHandle<()>>,
}

impl Watches {
    pub(super) fn new(client: Client, sightings: Arc<Sightings>, tell: mpsc::Sender<()>) -> Self {
        Self {
            client,
            sightings,
            tell,
            running: BTreeMap::new(),
        }
    }

    /// Watches the kinds of the commit in force, and no others.
    pub(super) fn follow(&mut self, memory: &Memory) {
        let wanted = memory.kinds();
        self.running
            .retain(|watched, task| wanted.contains(watched) && !task.is_finished());
        for watched in wanted.into_iter().take(MAX_WATCHES) {
            let (client, tell) = (self.client.clone(), self.tell.clone());
            let sightings = Arc::clone(&self.sightings);
            self.running.entry(watched).or_insert_with_key(|watched| {
                let following = follow(client, sightings, watched.clone(), tell);
                AbortOnDropHandle::new(tokio::spawn(following))
            });
        }
    }
}

/// The selector of these sets.
pub(super) fn selector(labels: &[String]) -> String {
    format!("{SET_LABEL} in ({})", labels.join(","))
}
