//! Watches of single objects as streams of what was seen. Objects of one set and kind share one watch;
//! whoever listens reads the object again after an error and after the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::Semaphore;

use crate::adapters::cluster::client::Link;
use crate::adapters::cluster::discovery::Resource;
use crate::adapters::cluster::live;
use crate::adapters::cluster::request::Request;
use crate::adapters::cluster::watch::lines::{Change, Lines};
use crate::adapters::cluster::watch::shared::Shared;
use crate::apply::cluster::Seen;
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{ObjectKey, SET_LABEL};
use crate::plan::observed::Live;

pub(super) mod lines;
mod shared;

/// Watches at once; each holds a connection. Whoever gets none reads from time to time.
const MAX_WATCHES: usize = 96;
/// From how many shared watches on those that nobody listens to are forgotten.
const FORGET_FROM: usize = 64;

/// What a watch says.
type Event = Result<Seen, Problem>;
/// A path and a label selector.
type Selected = (String, String);
/// A shared watch that may not be open.
type Slot = Arc<tokio::sync::Mutex<Weak<Shared>>>;

/// All watches of one connection.
pub(super) struct Watches {
    places: Arc<Semaphore>,
    shared: Mutex<BTreeMap<Selected, Slot>>,
}

impl Default for Watches {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_WATCHES)),
            shared: Mutex::default(),
        }
    }
}

impl Watches {
    fn slot(&self, selected: Selected) -> Slot {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.len() >= FORGET_FROM {
            shared.retain(|_, slot| slot.try_lock().map_or(true, |w| w.strong_count() > 0));
        }
        Arc::clone(shared.entry(selected).or_default())
    }
}

/// Watches one object from the state in which it was seen.
pub(super) fn watch(
    link: &Arc<Link>,
    watches: &Arc<Watches>,
    resource: Resource,
    key: ObjectKey,
    seen: &Live,
) -> BoxStream<'static, Event> {
    let (link, watches) = (Arc::clone(link), Arc::clone(watches));
    let label = seen.label(SET_LABEL).map(str::to_owned);
    let since = seen.resource_version.clone();
    let opened = stream::once(async move {
        let opened = match (&label, since.parse()) {
            (Some(label), Ok(version)) => {
                match shared(&link, &watches, &resource, (&key, version), label).await {
                    // The rights may be for one namespace only.
                    Err(problem) if problem.kind == ProblemKind::Forbidden => {
                        single(&link, &watches, &resource, key, &since).await
                    }
                    done => done,
                }
            }
            _ => single(&link, &watches, &resource, key, &since).await,
        };
        opened.unwrap_or_else(|problem| stream::once(async { Err(problem) }).boxed())
    });
    opened.flatten().boxed()
}

async fn shared(
    link: &Link,
    watches: &Watches,
    resource: &Resource,
    (key, since): (&ObjectKey, u64),
    label: &str,
) -> Result<BoxStream<'static, Event>, Problem> {
    let (path, selector) = (resource.path(None), format!("{SET_LABEL}={label}"));
    let slot = watches.slot((path.clone(), selector.clone()));
    let mut slot = slot.lock().await;
    let open = slot.upgrade().filter(|shared| shared.is_on());
    let shared = match open {
        Some(shared) => shared,
        None => {
            let request = Request::watch(path, ("labelSelector", selector), &since.to_string());
            let lines = Lines::open(link, &watches.places, request).await?;
            let shared = Arc::new(Shared::new(lines, resource.group_kind.clone(), since));
            *slot = Arc::downgrade(&shared);
            shared
        }
    };
    drop(slot);
    shared.listen(key, since).ok_or_else(|| {
        let said = "it changed before the watch was joined";
        Problem::new(ProblemKind::Stale, format!("watch {key}"), said)
    })
}

async fn single(
    link: &Link,
    watches: &Watches,
    resource: &Resource,
    key: ObjectKey,
    since: &str,
) -> Result<BoxStream<'static, Event>, Problem> {
    let path = resource.path(key.namespace.as_deref());
    let by_name = ("fieldSelector", format!("metadata.name={}", key.name));
    let request = Request::watch(path, by_name, since);
    let lines = Lines::open(link, &watches.places, request).await?;
    let next = |(mut lines, key): (Lines, ObjectKey)| async move {
        let event = loop {
            break match lines.next().await? {
                Ok(Change::Now(object)) => {
                    live(object, &key, lines.what()).map(|live| Seen::Present(Arc::new(live)))
                }
                Ok(Change::Gone(_)) => Ok(Seen::Gone),
                Ok(Change::Bookmark(_)) => continue,
                Err(problem) => Err(problem),
            };
        };
        Some((event, (lines, key)))
    };
    Ok(stream::unfold((lines, key), next).boxed())
}
