//! Volumes and configuration of a pod back into words.

use serde_json::Value;

use super::Back;
use super::container::amount;
use crate::kinds::import::{Drafts, Fields, key, list, map, text};
use crate::kinds::pod::volume::Access;

/// Texts up to this length on one line are values, all others are files.
const VALUE: usize = 80;

/// The volumes and configurations of the whole pod.
pub(super) fn volumes(back: &mut Back<'_>, fields: &mut Fields, drafts: &mut Drafts) {
    configurations(back, fields);
    for volume in list(back.spec, "/volumes") {
        let name = text(volume, "/name").unwrap_or_default();
        if config_map(volume).is_some() {
            continue;
        }
        if let Some(kept) = source(back, name, volume, drafts) {
            mounted(back, name, kept, fields);
        }
    }
}

/// A claim that the workload makes for each of its replicas.
pub(crate) fn claimed(back: &Back<'_>, claim: &Value, fields: &mut Fields, drafts: &mut Drafts) {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let mut kept = claim_fields(claim.get("spec").unwrap_or(&Value::Null), drafts);
    kept.put("per-replica", true);
    mounted(back, name, kept, fields);
}

/// The configuration that a volume of the pod holds, by its name in the resource.
pub(super) fn config_of(back: &Back<'_>, volume: &str) -> Option<String> {
    let mut all = list(back.spec, "/volumes");
    let volume = all.find(|v| text(v, "/name") == Some(volume))?;
    config_map(volume).map(|name| back.config_name(name))
}

fn config_map(volume: &Value) -> Option<&str> {
    text(volume, "/configMap/name")
}

/// Every ConfigMap that the pod names, with its content.
fn configurations(back: &mut Back<'_>, fields: &mut Fields) {
    let mut names: Vec<&str> = list(back.spec, "/volumes").filter_map(config_map).collect();
    let containers = list(back.spec, "/containers").chain(list(back.spec, "/initContainers"));
    for one in containers {
        names.extend(list(one, "/envFrom").filter_map(|from| text(from, "/configMapRef/name")));
        names.extend(list(one, "/env").filter_map(|v| text(v, "/valueFrom/configMapKeyRef/name")));
    }
    let kind = ("", "ConfigMap");
    for name in names {
        let Some(body) = back.found.get(kind, back.namespace(), name) else {
            continue;
        };
        let ours = back.config_name(name);
        let rendered = format!("{}-{ours}", back.owner);
        if rendered != name {
            back.renamed.push((
                key(kind, back.namespace(), name),
                key(kind, back.namespace(), &rendered),
            ));
        }
        let value = configuration(back, name, body);
        fields.entry("config", &ours, value);
    }
}

fn configuration(back: &Back<'_>, name: &str, body: &Value) -> Value {
    let mut out = Fields::new();
    let holds = |volume: &&str| {
        let mut all = list(back.spec, "/volumes");
        all.any(|v| {
            text(v, "/name") == Some(*volume)
                && config_map(v) == Some(name)
                && v.pointer("/configMap/items").is_none()
        })
    };
    let mounts = back
        .main()
        .into_iter()
        .flat_map(|main| list(main, "/volumeMounts"));
    let mount = mounts
        .filter(|m| m.get("subPath").is_none())
        .find(|m| text(m, "/name").as_ref().is_some_and(holds));
    out.may("mount", mount.and_then(|m| text(m, "/mountPath")));
    for (key, content) in map(body, "/data") {
        let Some(content) = content.as_str() else {
            continue;
        };
        let short = content.len() <= VALUE && !content.contains('\n');
        out.entry(if short { "value" } else { "file" }, key, content);
    }
    out.into()
}

/// Where a volume is in the main container.
fn mounted(back: &Back<'_>, name: &str, kept: Fields, fields: &mut Fields) {
    let of = |container: &Value| {
        list(container, "/volumeMounts")
            .find(|m| text(m, "/name") == Some(name))
            .cloned()
    };
    let own = back.main().and_then(of);
    let elsewhere = || {
        let mut all = list(back.spec, "/containers").chain(list(back.spec, "/initContainers"));
        all.find_map(of)
    };
    let Some(mount) = own.or_else(elsewhere) else {
        return;
    };
    let mut out = Fields::new();
    out.may("mount", text(&mount, "/mountPath"));
    let Value::Object(kept) = Value::from(kept) else {
        return;
    };
    for (field, value) in kept {
        out.put(&field, value);
    }
    out.may(
        "sub-path",
        text(&mount, "/subPath").filter(|p| !p.is_empty()),
    );
    if mount.get("readOnly") == Some(&true.into()) {
        out.put("read-only", true);
    }
    fields.entry("volume", name, out);
}

fn source(back: &Back<'_>, name: &str, volume: &Value, drafts: &mut Drafts) -> Option<Fields> {
    let mut out = Fields::new();
    if let Some(scratch) = volume.get("emptyDir") {
        out.may("size", scratch.get("sizeLimit").map(amount));
        let word = if text(scratch, "/medium") == Some("Memory") {
            "memory"
        } else {
            "ephemeral"
        };
        out.put(word, true);
    } else if let Some(secret) = text(volume, "/secret/secretName") {
        let wanted = drafts.secret(back.place, back.namespace(), secret);
        out.put("secret", secret);
        for item in list(volume, "/secret/items") {
            let (Some(key), Some(path)) = (text(item, "/key"), text(item, "/path")) else {
                continue;
            };
            wanted.keys.insert(key.to_owned());
            out.entry("item", key, path);
        }
    } else if let Some(claim) = text(volume, "/persistentVolumeClaim/claimName") {
        let found = back
            .found
            .get(("", "PersistentVolumeClaim"), back.namespace(), claim);
        match found {
            Some(body) if claim == format!("{}-{name}", back.owner) => {
                out = claim_fields(body.get("spec").unwrap_or(&Value::Null), drafts);
            }
            _ => out.put("claim", claim),
        }
    } else if let Some(spec) = volume.pointer("/ephemeral/volumeClaimTemplate/spec") {
        out = claim_fields(spec, drafts);
        out.put("per-replica", true);
    } else if let Some(path) = text(volume, "/hostPath/path") {
        out.put("host-path", path);
    } else {
        return None;
    }
    Some(out)
}

fn claim_fields(spec: &Value, drafts: &mut Drafts) -> Fields {
    let mut out = Fields::new();
    out.may(
        "size",
        spec.pointer("/resources/requests/storage").map(amount),
    );
    if let Some(class) = text(spec, "/storageClassName") {
        drafts.classes.insert(class.to_owned());
        out.put("class", class);
    }
    let words = [(Access::Many, "many"), (Access::ManyRead, "many-read")];
    let mode = text(spec, "/accessModes/0");
    let access = words.iter().find(|(access, _)| mode == Some(access.mode()));
    out.may("access", access.map(|(_, word)| *word));
    out
}
