//! Everything of one kind that bears a label, from now on: a list, then a watch that goes on where the
//! list ended. It says what it sees, and when what it says is complete.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::discovery::Resource;
use crate::adapters::cluster::request::Request;
use crate::adapters::cluster::watch::{Open, Raw};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{GroupKind, ObjectKey};
use crate::plan::observed::Live;

/// For how long a watch may be silent: the server sends a bookmark every minute.
const SILENCE: Duration = Duration::from_secs(100);
/// The pause before a watch that ended at once is opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// One thing that is seen.
#[derive(Debug)]
pub enum Sight {
    /// A list begins: what was seen before says nothing any more.
    Anew,
    /// The object is there.
    There(ObjectKey, Box<Live>),
    /// The object is gone, or does not bear the label any more.
    Gone(ObjectKey),
    /// Everything that is there was said; from now on changes follow.
    Complete,
}

impl KubeCluster {
    /// Says what it sees of a kind, in one version, until there is trouble. Whoever calls it again
    /// hears everything anew.
    pub async fn follow(
        &self,
        (kind, api_version): (&GroupKind, &str),
        labels: &str,
        see: &mut (dyn FnMut(Sight) + Send),
    ) -> Problem {
        match self.follow_one(kind, api_version, labels, see).await {
            Err(problem) => problem,
            Ok(never) => match never {},
        }
    }

    async fn follow_one(
        &self,
        kind: &GroupKind,
        api_version: &str,
        labels: &str,
        see: &mut (dyn FnMut(Sight) + Send),
    ) -> Result<std::convert::Infallible, Problem> {
        let resource = self.resource(kind, Some(api_version)).await?;
        see(Sight::Anew);
        let mut page = |items: Vec<Value>| {
            let there = items.into_iter().filter_map(|item| there(item, &resource));
            there.for_each(&mut *see);
        };
        let path = resource.path(None);
        let mut since = self.pages(&path, labels, false, &mut page).await?;
        see(Sight::Complete);
        loop {
            let began = Instant::now();
            let request = Request::follow(&resource, labels, &since);
            let mut open = Open::open(&self.link, &request, SILENCE).await?;
            while let Some(event) = open.next().await {
                let (object, gone) = match event? {
                    Raw::Set(object) => (object, false),
                    Raw::Gone(object) => (object, true),
                    Raw::Bookmark(object) => {
                        since = version(&object).unwrap_or(since);
                        continue;
                    }
                };
                since = version(&object).unwrap_or(since);
                if gone {
                    key(&object, &resource).map(Sight::Gone).map(&mut *see);
                } else {
                    there(object, &resource).map(&mut *see);
                }
            }
            if since.is_empty() {
                let said = "the list has no version to go on from";
                return Err(Problem::new(ProblemKind::BadAnswer, request.what, said));
            }
            if began.elapsed() < PAUSE {
                sleep(PAUSE).await;
            }
        }
    }
}

fn version(object: &Value) -> Option<String> {
    let version = object.pointer("/metadata/resourceVersion")?.as_str()?;
    Some(version.to_owned())
}

fn key(object: &Value, resource: &Resource) -> Option<ObjectKey> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    Some(ObjectKey {
        group_kind: resource.group_kind.clone(),
        namespace: text("/metadata/namespace").map(str::to_owned),
        name: text("/metadata/name")?.to_owned(),
    })
}

/// An object as it would be answered alone: items of a list do not say what they are.
fn there(mut object: Value, resource: &Resource) -> Option<Sight> {
    let key = key(&object, resource)?;
    if let Some(map) = object.as_object_mut() {
        map.insert("apiVersion".into(), resource.api_version().into());
        map.insert("kind".into(), resource.group_kind.kind.as_str().into());
    }
    let live = Live::new(object).ok()?;
    Some(Sight::There(key, Box::new(live)))
}
