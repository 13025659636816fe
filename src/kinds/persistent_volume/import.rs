//! The way back of persistent volumes, where they are in a place that the language has a word for.

use serde_json::{Value, json};

use crate::kinds::import::{Draft, Drafts, Fields, Found, list, map, text};

/// The node of a volume that is on one, in the form that the language renders.
const NODE: &str = "/spec/nodeAffinity/required/nodeSelectorTerms/0/matchExpressions/0/values/0";

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    let volumes = found.objects.iter().filter(|(key, _)| {
        key.group_kind.group.is_empty() && key.group_kind.kind == "PersistentVolume"
    });
    for (key, body) in volumes {
        // One of another sort stays as it is.
        if let Some((field, place)) = place(body) {
            drafts.all.push(Draft {
                kind: "persistent-volume",
                name: key.name.clone(),
                path_of: None,
                fields: volume(found, &key.name, body, (field, place)).into(),
                renamed: Vec::new(),
                notes: Vec::new(),
            });
        }
    }
}

fn volume(found: &Found, name: &str, body: &Value, (field, place): (&str, Fields)) -> Fields {
    let mut out = Fields::new();
    out.put("name", name);
    out.may("size", text(body, "/spec/capacity/storage"));
    let class = text(body, "/spec/storageClassName");
    out.may("class", class.filter(|class| !class.is_empty()));
    match text(body, "/spec/accessModes/0") {
        Some("ReadWriteMany") => out.put("access", "many"),
        Some("ReadOnlyMany") => out.put("access", "many-read"),
        _ => {}
    }
    if text(body, "/spec/persistentVolumeReclaimPolicy") == Some("Delete") {
        out.put("reclaim", "delete");
    }
    let options = list(body, "/spec/mountOptions");
    out.put("mount-options", options.cloned().collect::<Vec<Value>>());
    out.may("claim", claim(found, body));
    out.put(field, place);
    out
}

/// The field of the place that it is in, with what is said there.
fn place(body: &Value) -> Option<(&'static str, Fields)> {
    let mut out = Fields::new();
    if let Some(nfs) = body.pointer("/spec/nfs") {
        out.may("server", text(nfs, "/server"));
        out.may("path", text(nfs, "/path"));
        out.may("read-only", nfs.get("readOnly").filter(|on| **on == true).cloned());
        return Some(("nfs", out));
    }
    if let Some(csi) = body.pointer("/spec/csi") {
        out.may("driver", text(csi, "/driver"));
        out.may("handle", text(csi, "/volumeHandle"));
        out.may("file-system", text(csi, "/fsType"));
        for (key, value) in map(csi, "/volumeAttributes") {
            out.entry("attributes", key, value.clone());
        }
        return Some(("csi", out));
    }
    out.put("path", text(body, "/spec/local/path")?);
    out.put("node", text(body, NODE)?);
    Some(("local", out))
}

/// The claim that it is kept for, if that is a tenant's.
fn claim(found: &Found, body: &Value) -> Option<Value> {
    let place = found.places.get(text(body, "/spec/claimRef/namespace")?)?;
    let name = text(body, "/spec/claimRef/name")?;
    let mut out = json!({ "name": name, "tenant": place.tenant });
    if let Some(namespace) = &place.name {
        out["namespace"] = namespace.as_str().into();
    }
    Some(out)
}
