//! Hears of changes that someone else makes: a watch for each kind that a Sync uses, on the label of
//! its sets. It only says that something changed; a pass finds out what. Where a watch cannot be had,
//! the interval finds the same later.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use kube::api::{DynamicObject, PartialObjectMeta};
use kube::core::GroupVersionKind;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::cycle::Memory;
use crate::object::SET_LABEL;

/// Watches of one Sync at most.
const MAX_WATCHES: usize = 40;

/// What is watched: apiVersion, kind, and the labels of the sets.
type Watched = (String, String, String);

/// The watches of one Sync; they end with it.
pub(super) struct Watches {
    client: Client,
    tell: mpsc::Sender<()>,
    running: BTreeMap<Watched, AbortOnDropHandle<()>>,
}

impl Watches {
    pub(super) fn new(client: Client, tell: mpsc::Sender<()>) -> Self {
        Self {
            client,
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
            self.running.entry(watched).or_insert_with_key(|watched| {
                AbortOnDropHandle::new(tokio::spawn(listen(client, watched.clone(), tell)))
            });
        }
    }
}

async fn listen(client: Client, (api_version, kind, labels): Watched, tell: mpsc::Sender<()>) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let gvk = GroupVersionKind::gvk(group, version, &kind);
    // Tried again after the next pass.
    let Ok((resource, _)) = kube::discovery::pinned_kind(&client, &gvk).await else {
        return;
    };
    let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client, &resource);
    let config = watcher::Config::default().labels(&labels).any_semantic();
    let events = watcher(api, config).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut known = BTreeMap::new();
    loop {
        match events.try_next().await {
            Ok(Some(event)) if is_news(&mut known, &event) => {
                // A full channel already says that something changed.
                tell.try_send(()).ok();
            }
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => tracing::debug!(kind, %error, "watch broken; trying again"),
        }
    }
}

type Known = BTreeMap<(Option<String>, String), String>;

/// Whether an event is about more than the object's status.
fn is_news(known: &mut Known, event: &watcher::Event<PartialObjectMeta<DynamicObject>>) -> bool {
    match event {
        watcher::Event::Init | watcher::Event::InitDone => false,
        watcher::Event::InitApply(object) => {
            known.insert(name(object), mark(object));
            false
        }
        watcher::Event::Apply(object) => {
            let mark = mark(object);
            known.insert(name(object), mark.clone()) != Some(mark)
        }
        watcher::Event::Delete(object) => {
            known.remove(&name(object));
            true
        }
    }
}

fn name(object: &PartialObjectMeta<DynamicObject>) -> (Option<String>, String) {
    (object.namespace(), object.name_any())
}

/// Changes with every change that matters: the generation where the kind has one, else the version.
fn mark(object: &PartialObjectMeta<DynamicObject>) -> String {
    let metadata = &object.metadata;
    let version = || metadata.resource_version.clone().unwrap_or_default();
    let content = metadata
        .generation
        .map_or_else(version, |generation| generation.to_string());
    format!("{content} {:?} {:?}", metadata.labels, metadata.annotations)
}

/// The selector of these sets.
pub(super) fn selector(labels: &[String]) -> String {
    format!("{SET_LABEL} in ({})", labels.join(","))
}
