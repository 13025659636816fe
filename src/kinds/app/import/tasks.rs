//! Jobs that ran around a deployment of an app become its tasks again. That one ran after it instead of
//! before does not show in the object.

use serde_json::Value;

use crate::kinds::import::{Drafts, Fields, Found, list, seconds, text};
use crate::kinds::pod::import::{self as pod, Back};
use crate::object::ObjectKey;

/// The label of a task's pods.
const LABEL: &str = "/spec/template/metadata/labels/kubemate.dev~1task";
/// The label that names the app of an object.
const APP: &str = "/metadata/labels/app.kubernetes.io~1name";
const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// The app whose task a Job is, and the task's name.
pub(super) fn of<'b>(found: &Found, key: &'b ObjectKey, body: &'b Value) -> Option<(&'b str, &'b str)> {
    let app = text(body, APP).filter(|_| text(body, LABEL).is_some())?;
    let task = key.name.strip_prefix(app)?.strip_prefix('-')?;
    let namespace = key.namespace.as_deref()?;
    let there = WORKLOADS.iter().any(|kind| found.get(("apps", kind), namespace, app).is_some());
    there.then_some((app, task))
}

/// The tasks of an app.
pub(super) fn tasks(back: &mut Back<'_>, fields: &mut Fields, drafts: &mut Drafts) {
    let mut all = Fields::new();
    for (key, body, place) in back.found.of("batch", "Job") {
        let own = of(back.found, key, body).filter(|(app, _)| *app == back.owner);
        let Some((_, name)) = own.filter(|_| key.namespace == back.key.namespace) else {
            continue;
        };
        let Some(spec) = body.pointer("/spec/template/spec") else { continue };
        let mut job = Back {
            key,
            place,
            spec,
            ports: Vec::new(),
            renamed: Vec::new(),
            notes: Vec::new(),
            ..*back
        };
        if let Some(task) = task(&mut job, body, fields, drafts) {
            all.entry("task", name, task);
        }
    }
    if !all.is_empty() {
        fields.entry("before", "deploy", all);
    }
}

fn task(job: &mut Back<'_>, body: &Value, app: &Fields, drafts: &mut Drafts) -> Option<Value> {
    let container = list(job.spec, "/containers").next()?;
    let whole = Value::from(pod::container(job, container, drafts));
    let mut out = Fields::new();
    for field in ["image", "version"] {
        // What it does not say it has of its app.
        out.may(field, whole.get(field).filter(|value| app.get(field) != Some(value)).cloned());
    }
    let shell = list(&whole, "/command").filter_map(Value::as_str).collect::<Vec<_>>();
    match shell[..] {
        ["/bin/sh", "-c", line] if whole.get("args").is_none() => out.put("run", line),
        _ => out.may("command", whole.get("command").cloned()),
    }
    out.may("args", whole.get("args").cloned());
    for (name, value) in whole.get("env").and_then(Value::as_object).into_iter().flatten() {
        if app.get("env").and_then(|env| env.get(name)) != Some(value) {
            out.entry("env", name, value.clone());
        }
    }
    let of_app: Vec<Value> = app.get("env-from").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = list(&whole, "/env-from").filter(|from| !of_app.contains(from)).cloned();
    out.put("env-from", own.collect::<Vec<Value>>());
    out.may("resources", whole.get("resources").cloned());
    out.may("retries", body.pointer("/spec/backoffLimit").filter(|n| **n != 3).cloned());
    out.may("timeout", seconds(body.pointer("/spec/activeDeadlineSeconds").filter(|s| **s != 600)));
    Some(out.into())
}
