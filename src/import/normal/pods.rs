//! Pods and the Services that lead to them in the form in which they are compared.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Side, sort};
use crate::kinds::import::{list, selector, selects, text};
use crate::object::{ObjectKey, canonical};

/// Where an object holds the spec of a pod.
pub(super) fn places(body: &Value) -> Vec<String> {
    let kind = text(body, "/kind").unwrap_or_default();
    let at = match kind {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => "/spec/template/spec",
        _ => return Vec::new(),
    };
    body.pointer(at)
        .map(|_| at.to_owned())
        .into_iter()
        .collect()
}

/// The object with its pod in a form that is the same for pods that are the same.
pub(super) fn normal(body: &Value) -> Value {
    let mut out = body.clone();
    for at in places(body) {
        if let Some(pod) = out.pointer_mut(&at) {
            self::pod(pod);
        }
    }
    sort(out.pointer_mut("/spec/metrics"));
    sort(out.pointer_mut("/spec/policyTypes"));
    out
}

fn pod(pod: &mut Value) {
    if let Some(map) = pod.as_object_mut() {
        // The older name of the same field.
        map.shift_remove("serviceAccount");
        // Without a word the account's own is mounted, which is true unless it says otherwise.
        map.entry("automountServiceAccountToken")
            .or_insert_with(|| true.into());
    }
    // A volume's name is seen nowhere but in the pod itself.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    if let Some(Value::Array(volumes)) = pod.get_mut("volumes") {
        for volume in volumes.iter_mut() {
            let name = text(volume, "/name").unwrap_or_default().to_owned();
            if let Some(map) = volume.as_object_mut() {
                map.shift_remove("name");
            }
            let content = canonical(volume);
            volume["name"] = content.clone().into();
            names.insert(name, content);
        }
    }
    sort(pod.get_mut("volumes"));
    for field in [
        "tolerations",
        "topologySpreadConstraints",
        "imagePullSecrets",
    ] {
        sort(pod.get_mut(field));
    }
    for list in ["containers", "initContainers"] {
        for one in pod
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            container(one, &names);
        }
    }
    // Containers start together, whatever their order.
    if let Some(Value::Array(all)) = pod.get_mut("containers") {
        all.sort_by_cached_key(|one| text(one, "/name").map(str::to_owned));
    }
}

fn container(one: &mut Value, volumes: &BTreeMap<String, String>) {
    image(one);
    variables(one);
    requests(one);
    for mount in one
        .get_mut("volumeMounts")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let content = text(mount, "/name")
            .and_then(|name| volumes.get(name))
            .cloned();
        if let Some(content) = content {
            // What is a configuration or a secret cannot be written, whatever the mount says.
            if (content.starts_with("{\"configMap\"") || content.starts_with("{\"secret\""))
                && let Some(map) = mount.as_object_mut()
            {
                map.shift_remove("readOnly");
            }
            mount["name"] = content.into();
        }
    }
    sort(one.get_mut("volumeMounts"));
    sort(one.get_mut("ports"));
    sort(one.pointer_mut("/securityContext/capabilities/add"));
    sort(one.pointer_mut("/securityContext/capabilities/drop"));
}

/// No tag and no digest means `latest`; when it is fetched follows from the tag.
fn image(one: &mut Value) {
    let Some(image) = text(one, "/image").map(str::to_owned) else {
        return;
    };
    let last = image.rsplit('/').next().unwrap_or_default();
    let whole = if last.contains([':', '@']) {
        image
    } else {
        format!("{image}:latest")
    };
    let default = if whole.ends_with(":latest") {
        "Always"
    } else {
        "IfNotPresent"
    };
    one["image"] = whole.into();
    if text(one, "/imagePullPolicy") == Some(default)
        && let Some(map) = one.as_object_mut()
    {
        map.shift_remove("imagePullPolicy");
    }
}

/// The last of several variables of one name counts. Their order matters only to those that are made of
/// others, which stay in theirs.
fn variables(one: &mut Value) {
    let Some(Value::Array(all)) = one.get_mut("env") else {
        return;
    };
    let mut seen: Vec<Value> = Vec::new();
    for variable in all.drain(..).rev() {
        if !seen
            .iter()
            .any(|known| known.get("name") == variable.get("name"))
        {
            seen.push(variable);
        }
    }
    seen.reverse();
    let refers =
        |variable: &Value| text(variable, "/value").is_some_and(|value| value.contains("$("));
    if !seen.iter().any(refers) {
        seen.sort_by_cached_key(|variable| text(variable, "/name").map(str::to_owned));
    }
    // No value is an empty one.
    for variable in seen.iter_mut().filter(|v| v.get("valueFrom").is_none()) {
        if variable.get("value").is_none() {
            variable["value"] = "".into();
        }
    }
    *all = seen;
}

/// What is limited and not requested is requested as it is limited.
fn requests(one: &mut Value) {
    let limits = one
        .pointer("/resources/limits")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for (name, amount) in limits {
        let known = one
            .pointer("/resources/requests")
            .is_some_and(|r| r.get(&name).is_some());
        if !known {
            if one.pointer("/resources/requests").is_none() {
                one["resources"]["requests"] = json!({});
            }
            one["resources"]["requests"][&name] = amount;
        }
    }
}

/// A Service whose ports lead to numbers, where the pods of the same side tell which.
pub(super) fn service(key: &ObjectKey, body: &Value, side: &Side) -> Value {
    if key.group_kind.kind != "Service" || !key.group_kind.group.is_empty() {
        return body.clone();
    }
    let own = selector(body, "/spec/selector");
    let mut out = body.clone();
    for port in out
        .pointer_mut("/spec/ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(name) = text(port, "/targetPort").map(str::to_owned) {
            let number = side
                .iter()
                .filter(|(other, _)| other.namespace == key.namespace)
                .find_map(|(_, workload)| {
                    let labels = workload.pointer("/spec/template/metadata/labels");
                    let pod = workload
                        .pointer("/spec/template/spec")
                        .filter(|_| selects(&own, labels))?;
                    let mut ports = list(pod, "/containers")
                        .chain(list(pod, "/initContainers"))
                        .flat_map(|c| list(c, "/ports"));
                    ports
                        .find(|p| text(p, "/name") == Some(&name))?
                        .get("containerPort")
                        .cloned()
                });
            if let Some(number) = number {
                port["targetPort"] = number;
            }
        }
        if port.get("targetPort").is_some()
            && port.get("targetPort") == port.get("port")
            && let Some(map) = port.as_object_mut()
        {
            map.shift_remove("targetPort");
        }
    }
    sort(out.pointer_mut("/spec/ports"));
    out
}
