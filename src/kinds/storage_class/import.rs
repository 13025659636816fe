//! The way back of storage classes. One that something names and nobody showed is in the cluster already.

use serde_json::Value;

use crate::kinds::import::{Draft, Drafts, Fields, Found, list, map, text};

const DEFAULT: &str = "/metadata/annotations/storageclass.kubernetes.io~1is-default-class";

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    let volumes = found
        .objects
        .iter()
        .filter(|(key, _)| key.group_kind.kind == "PersistentVolume");
    let named = volumes.filter_map(|(_, body)| text(body, "/spec/storageClassName"));
    drafts.classes.extend(named.filter(|name| !name.is_empty()).map(str::to_owned));
    let classes = found.objects.iter().filter(|(key, _)| {
        key.group_kind.group == "storage.k8s.io" && key.group_kind.kind == "StorageClass"
    });
    for (key, body) in classes {
        drafts.classes.remove(&key.name);
        drafts.all.push(draft(&key.name, class(&key.name, body)));
    }
    for name in std::mem::take(&mut drafts.classes) {
        let mut fields = Fields::new();
        fields.put("name", name.as_str());
        fields.put("external", true);
        drafts.all.push(draft(&name, fields));
    }
}

fn draft(name: &str, fields: Fields) -> Draft {
    Draft {
        kind: "storage-class",
        name: name.to_owned(),
        path_of: None,
        fields: fields.into(),
        renamed: Vec::new(),
        notes: Vec::new(),
    }
}

fn class(name: &str, body: &Value) -> Fields {
    let mut out = Fields::new();
    out.put("name", name);
    out.may("provisioner", text(body, "/provisioner"));
    for (key, value) in map(body, "/parameters") {
        out.entry("parameters", key, value.clone());
    }
    if text(body, "/reclaimPolicy") != Some("Retain") {
        out.put("reclaim", "delete");
    }
    if text(body, "/volumeBindingMode") != Some("WaitForFirstConsumer") {
        out.put("bind", "at-once");
    }
    if body.get("allowVolumeExpansion") != Some(&true.into()) {
        out.put("fixed-size", true);
    }
    out.put("mount-options", list(body, "/mountOptions").cloned().collect::<Vec<Value>>());
    out.put("zones", list(body, "/allowedTopologies/0/matchLabelExpressions/0/values").cloned().collect::<Vec<Value>>());
    if text(body, DEFAULT) == Some("true") {
        out.put("default", true);
    }
    out
}
