//! Tasks around a deployment: jobs that run once per version and configuration of the app.

use serde_json::{Map, Value};

use super::workload::{RETRIES, needs};
use super::{Frame, json, pods};
use crate::kinds::Objects;
use crate::kinds::app::job::{Event, Task};
use crate::names::Name;
use crate::object::{ObjectKey, ObjectRules, canonical};
use crate::values::duration::Duration;

/// Time after which a task has failed, in seconds.
const TIMEOUT: u64 = 600;
const JOB: (&str, &str) = ("batch", "Job");

/// Asks for the tasks before the workload; gives what the workload waits for.
pub(super) fn before(
    frame: &Frame<'_>,
    checksum: Option<&str>,
    out: &mut Objects,
) -> Vec<ObjectKey> {
    let Some(tasks) = frame.app.before.get(&Event::Deploy) else {
        return Vec::new();
    };
    let mut first = needs(frame);
    let mut last = Vec::new();
    for (name, task) in tasks.task.iter() {
        let at = format!("/before/deploy/task/{name}");
        push(frame, (name, task, &at), checksum, &first, out);
        last = vec![frame.key(JOB, name.as_str())];
        first.clone_from(&last);
    }
    last
}

/// Asks for the tasks after the workload.
pub(super) fn after(frame: &Frame<'_>, checksum: Option<&str>, out: &mut Objects) {
    let Some(tasks) = frame.app.after.get(&Event::Deploy) else {
        return;
    };
    let mut first = vec![frame.released()];
    for (name, task) in tasks.task.iter() {
        let at = format!("/after/deploy/task/{name}");
        push(frame, (name, task, &at), checksum, &first, out);
        first = vec![frame.key(JOB, name.as_str())];
    }
}

fn push(
    frame: &Frame<'_>,
    (name, task, at): (&Name, &Task, &str),
    checksum: Option<&str>,
    first: &[ObjectKey],
    out: &mut Objects,
) {
    let pod = pods::of_task(frame, name.as_str(), task, at);
    let run_key = run_key(&pod.value, checksum);
    let mut labels = Map::new();
    labels.insert(
        "app.kubernetes.io/part-of".into(),
        frame.app.tenant.name().into(),
    );
    labels.insert("app.kubernetes.io/component".into(), "task".into());
    labels.insert(
        "kubemate.dev/task".into(),
        frame.named(name.as_str()).into(),
    );
    let request = frame
        .request("app/job.yaml.j2", name.as_str())
        .set("pod_labels", &labels)
        .set(
            "annotations",
            &pods::annotations_of_task(frame, name.as_str(), task, at),
        )
        .with(
            "retries",
            &task.retries.unwrap_or(RETRIES),
            &format!("{at}/retries"),
        )
        .with(
            "timeout",
            &task.timeout.map_or(TIMEOUT, Duration::to_seconds),
            &format!("{at}/timeout"),
        )
        .set("parallel", &Value::Null)
        .set("completions", &Value::Null)
        .rules(ObjectRules {
            run_key: Some(run_key),
            ..ObjectRules::default()
        });
    let mut request = pod.into_request("pod", request);
    request.needs.extend(first.iter().cloned());
    out.push(request);
}

/// What makes a task run again: another image, command or environment, or another configuration.
fn run_key(pod: &Value, checksum: Option<&str>) -> String {
    let container = pod.pointer("/containers/0").unwrap_or(&Value::Null);
    let parts = ["image", "command", "args"].map(|field| container.get(field).cloned());
    let text = canonical(&json(&(parts, checksum)));
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}
