//! What an app becomes: its workload, and beside it the objects that the workload needs.

mod access;
mod config;
mod keda;
mod pods;
mod release;
mod scaling;
mod tasks;
mod workload;

use serde::Serialize;
use serde_json::{Map, Value};

use super::rollout::Strategy;
use super::{App, Workload};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::names::LabelValue;
use crate::object::{GroupKind, ObjectKey};

pub(super) fn render(app: &App, scope: &Scope<'_>, out: &mut Objects) {
    let frame = Frame::new(app, scope);
    let account = frame.request("app/service-account.yaml.j2", "");
    out.push(match pods::of_account(&frame) {
        Value::Array(none) if none.is_empty() => account.set("pull_secrets", &Value::Null),
        secrets => account.with("pull_secrets", &secrets, "/image"),
    });
    let checksum = config::render(&frame, out);
    let checksum = checksum.as_deref();
    config::claims(&frame, out);
    if app.progressive().is_none() {
        access::services(&frame, out);
    }
    let before = tasks::before(&frame, checksum, out);
    workload::render(&frame, checksum, before, out);
    scaling::render(&frame, out);
    release::render(&frame, out);
    tasks::after(&frame, checksum, out);
}

/// What all objects of one app have in common.
struct Frame<'a> {
    app: &'a App,
    scope: &'a Scope<'a>,
    namespace: String,
}

impl<'a> Frame<'a> {
    fn new(app: &'a App, scope: &'a Scope<'a>) -> Self {
        let namespace = app.namespace(scope);
        Self {
            app,
            scope,
            namespace,
        }
    }

    /// A request for an object called after the app, with a suffix where it is not the main one.
    fn request(&self, template: &'static str, suffix: &str) -> ObjectRequest {
        let name = self.named(suffix);
        let request = ObjectRequest::new(template).set("namespace", &self.namespace);
        let request = request.set("labels", &self.labels());
        match suffix {
            "" => request.with("name", &name, "/name"),
            _ => request.set("name", &name),
        }
    }

    fn named(&self, suffix: &str) -> String {
        match suffix {
            "" => self.app.name.to_string(),
            suffix => format!("{}-{suffix}", self.app.name),
        }
    }

    /// The labels by which the app's pods are found; they never change.
    fn selector(&self) -> Value {
        serde_json::json!({ "app.kubernetes.io/name": self.app.name })
    }

    /// Labels of every object. The version is not among them, so that a promotion changes the
    /// workload and nothing else.
    fn labels(&self) -> Map<String, Value> {
        let mut labels = Map::new();
        labels.insert(
            "app.kubernetes.io/name".into(),
            self.app.name.as_str().into(),
        );
        labels.insert(
            "app.kubernetes.io/part-of".into(),
            self.app.tenant.name().into(),
        );
        labels
    }

    /// Labels of what runs.
    fn versioned(&self) -> Map<String, Value> {
        let mut labels = self.labels();
        let tag = self.app.version.as_ref().and_then(|v| v.tag.as_ref());
        let tag = tag.filter(|t| t.as_str().parse::<LabelValue>().is_ok());
        tag.map(|t| labels.insert("app.kubernetes.io/version".into(), t.as_str().into()));
        labels
    }

    /// What tells that the current version serves.
    fn released(&self) -> ObjectKey {
        released_key(self.app, &self.namespace)
    }

    fn key(&self, (group, kind): (&str, &str), suffix: &str) -> ObjectKey {
        ObjectKey {
            group_kind: GroupKind::new(group, kind),
            namespace: Some(self.namespace.clone()),
            name: self.named(suffix),
        }
    }
}

/// The identity of an app's workload.
fn workload_key(app: &App, namespace: &str) -> ObjectKey {
    let (group, kind) = app.workload.object();
    ObjectKey {
        group_kind: GroupKind::new(group, kind),
        namespace: Some(namespace.to_owned()),
        name: app.name.to_string(),
    }
}

/// The identity of what tells that the current version of an app serves: its workload, or the Canary
/// that releases it.
pub(in crate::kinds) fn released_key(app: &App, namespace: &str) -> ObjectKey {
    match app.progressive() {
        Some(_) => ObjectKey {
            group_kind: GroupKind::new("flagger.app", "Canary"),
            namespace: Some(namespace.to_owned()),
            name: app.name.to_string(),
        },
        None => workload_key(app, namespace),
    }
}

/// A value as JSON; every value here can be.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// How pods are replaced where the author did not say: at once where two versions cannot share a
/// volume, else some at a time.
fn strategy(app: &App) -> Strategy {
    let exclusive = || app.workload == Workload::Deployment && app.exclusive_volume().is_some();
    match &app.rollout {
        Some(rollout) => rollout.strategy,
        None if exclusive() => Strategy::Recreate,
        None => Strategy::Rolling,
    }
}
