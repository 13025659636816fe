//! Everything of one kind that bears a label, from now on: a list, then a watch that goes on where the
//! list ended. It says what it sees, and when what it says is complete.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::discovery::Resource;
use crate::adapters::cluster::request::Request;
use crate::adapters::cluster::watch::lines::{Change, Lines};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{GroupKind, ObjectKey};
use crate::plan::observed::Live;

/// Kinds that are followed at most; each holds a connection.
pub const MAX_FOLLOWED: usize = 200;
/// For how long a watch may be silent: the server sends a bookmark every minute.
const SILENCE: Duration = Duration::from_secs(100);
/// The pause before a watch that ended at once is opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// One thing that is seen, with what is kept of an object.
#[derive(Debug)]
pub enum Sight<T> {
    /// A list begins: what was seen before says nothing any more.
    Anew,
    /// The object is there.
    There(ObjectKey, T),
    /// The object is gone, or does not bear the label any more.
    Gone(ObjectKey),
    /// Everything that is there was said; from now on changes follow.
    Complete,
}

/// What is followed, and what is kept of each object.
pub struct Followed<'a, T> {
    /// The kind.
    pub kind: &'a GroupKind,
    /// The version in which it is read.
    pub api_version: &'a str,
    /// Which of its objects, as a label selector.
    pub labels: &'a str,
    /// What is kept of one.
    pub keep: Arc<dyn Fn(&Live) -> T + Send + Sync>,
}

impl KubeCluster {
    /// Says what it sees of a kind until there is trouble. Whoever calls it again hears everything anew.
    pub async fn follow<T: Send + 'static>(
        &self,
        followed: Followed<'_, T>,
        see: &mut (dyn FnMut(Sight<T>) + Send),
    ) -> Problem {
        match self.follow_on(followed, see).await {
            Err(problem) => problem,
            Ok(never) => match never {},
        }
    }

    async fn follow_on<T: Send + 'static>(
        &self,
        followed: Followed<'_, T>,
        see: &mut (dyn FnMut(Sight<T>) + Send),
    ) -> Result<Infallible, Problem> {
        let Followed {
            kind,
            api_version,
            labels,
            keep,
        } = followed;
        let resource = Arc::new(self.resource(kind, Some(api_version)).await?);
        let ours = self.sightings.begin(kind.clone());
        see(Sight::Anew);
        let (of, kept) = (Arc::clone(&resource), Arc::clone(&keep));
        let read =
            move |item| there(item, &of).map(|(key, live)| (key, version(&live), kept(&live)));
        let path = resource.path(None);
        let (items, mut since) = self.list_as(&path, labels, false, Arc::new(read)).await?;
        for (key, version, kept) in items {
            ours.take(&key, Some(version));
            see(Sight::There(key, kept));
        }
        ours.complete();
        see(Sight::Complete);
        loop {
            let began = Instant::now();
            let selected = ("labelSelector", labels.to_owned());
            let request = Request::watch(path.clone(), selected, &since);
            let lines = Lines::open(&self.link, &self.followers, request).await?;
            let mut lines = lines.silent_for(SILENCE);
            while let Some(change) = lines.next().await {
                match change? {
                    Change::Bookmark(version) => since = version,
                    Change::Now(object) => {
                        let Some((key, live)) = there(object, &resource) else {
                            return Err(odd(&lines));
                        };
                        since = version(&live);
                        ours.take(&key, Some(since.clone()));
                        see(Sight::There(key, keep(&live)));
                    }
                    Change::Gone(object) => {
                        let Some((key, live)) = there(object, &resource) else {
                            return Err(odd(&lines));
                        };
                        since = version(&live);
                        ours.take(&key, None);
                        see(Sight::Gone(key));
                    }
                }
            }
            if began.elapsed() < PAUSE {
                sleep(PAUSE).await;
            }
        }
    }
}

fn odd(lines: &Lines) -> Problem {
    let said = "an event holds no object";
    Problem::new(ProblemKind::BadAnswer, lines.what(), said)
}

fn version(live: &Live) -> String {
    live.resource_version.clone()
}

/// An object as it would be answered alone: items of a list do not say what they are.
fn there(mut object: Value, resource: &Resource) -> Option<(ObjectKey, Live)> {
    let map = object.as_object_mut()?;
    map.insert("apiVersion".into(), resource.api_version().into());
    map.insert("kind".into(), resource.group_kind.kind.as_str().into());
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let key = ObjectKey {
        group_kind: resource.group_kind.clone(),
        namespace: text("/metadata/namespace").map(str::to_owned),
        name: text("/metadata/name")?.to_owned(),
    };
    Live::new(object).ok().map(|live| (key, live))
}
