//! Pods: running is not enough, and some waits never end.

use serde_json::Value;

use crate::health::Health;
use crate::health::status::Status;

/// For how long an unschedulable pod may hope: a node or a volume may be on its way.
const UNSCHEDULABLE_SECONDS: i64 = 15;

/// Ready, completed, on its way, or stuck.
pub(super) fn pod(status: &Status<'_>) -> Health {
    match status.text("/status/phase") {
        Some("Succeeded") => Health::current("it has completed"),
        Some("Failed") => Health::failed(failure(status)),
        Some("Running") => match status.condition("Ready") {
            Some(ready) if ready.is("True") => Health::current("it is ready"),
            _ => stuck(status).unwrap_or_else(|| Health::progress("it runs and is not ready yet")),
        },
        Some("Pending") => pending(status),
        _ => Health::progress("it is not scheduled yet"),
    }
}

fn pending(status: &Status<'_>) -> Health {
    let refused = status
        .condition("PodScheduled")
        .filter(|c| c.is("False") && c.reason() == "Unschedulable");
    if let Some(refused) = refused {
        let since = refused
            .since()
            .or_else(|| status.text("/metadata/creationTimestamp"));
        let waited = since
            .and_then(|time| status.seconds_since(time))
            .unwrap_or(0);
        let why = refused.words("no node fits");
        return if waited >= UNSCHEDULABLE_SECONDS {
            Health::failed(format!("no node takes it: {why}"))
        } else {
            Health::progress(format!("it looks for a node: {why}"))
        };
    }
    stuck(status).unwrap_or_else(|| Health::progress("it is being started"))
}

/// A container whose wait does not end by itself.
fn stuck(status: &Status<'_>) -> Option<Health> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let mut containers = lists.iter().flat_map(|list| status.list(list));
    containers.find_map(|container| {
        let name = container
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let text = |pointer: &str| container.pointer(pointer).and_then(Value::as_str);
        let why = match text("/state/waiting/reason")? {
            "CrashLoopBackOff" => crash(container, name),
            "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => {
                let image = text("/image").unwrap_or("its image");
                format!("the container {name} cannot get {image}")
            }
            "CreateContainerConfigError" | "RunContainerError" | "CreateContainerError" => {
                let message = text("/state/waiting/message").unwrap_or("it cannot be made");
                return Some(Health::progress(format!(
                    "the container {name} waits: {message}"
                )));
            }
            _ => return None,
        };
        Some(Health::Failed { why })
    })
}

fn crash(container: &Value, name: &str) -> String {
    let restarts = container
        .get("restartCount")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let last = container.pointer("/lastState/terminated");
    let reason = last.and_then(|l| l.get("reason")?.as_str());
    let code = last.and_then(|l| l.get("exitCode")?.as_i64());
    let end = match (reason, code) {
        (Some("OOMKilled"), _) => "; it needs more memory than it may have".to_owned(),
        (_, Some(code)) => format!("; it ended with code {code}"),
        _ => String::new(),
    };
    format!("the container {name} crashes again and again, {restarts} times so far{end}")
}

fn failure(status: &Status<'_>) -> String {
    let words = [
        status.text("/status/message"),
        status.text("/status/reason"),
    ];
    match words.into_iter().flatten().find(|text| !text.is_empty()) {
        Some(words) => format!("it failed: {}", words.trim_end_matches('.')),
        None => "it failed".into(),
    }
}
