//! The volumes of a pod as data, and the claims behind them.

use serde_json::{Map, Value, json};

use super::container::volume_name;
use super::{PodView, Traced};
use crate::dsl::form::Keyed;
use crate::kinds::pod::Volume;
use crate::kinds::pod::volume::Source;
use crate::names::Name;

pub(super) fn volumes(pod: &PodView<'_>) -> Traced {
    let mut out = Traced::list();
    for (name, _) in pod
        .config
        .iter()
        .filter(|(name, c)| c.mount.is_some() || mounted(pod, name))
    {
        let value = json!({
            "name": volume_name(name.as_str(), pod),
            "configMap": { "name": format!("{}-{name}", pod.owner) },
        });
        out.push_from(value, &format!("/config/{name}"));
    }
    for (name, volume) in pod.volume.iter() {
        if volume.source() == Source::PerReplica && pod.claims_by_workload {
            continue;
        }
        let mut value = Map::new();
        value.insert("name".into(), name.as_str().into());
        value.extend(source(pod.owner, name, volume));
        out.push_from(value.into(), &format!("/volume/{name}"));
    }
    out
}

/// A configuration without a directory of its own may still be mounted by a container beside.
fn mounted(pod: &PodView<'_>, config: &Name) -> bool {
    let mut all = pod.containers.iter().chain(&pod.init).chain(&pod.helpers);
    all.any(|c| c.mounts.iter().any(|m| m.volume == config.as_str()))
}

fn source(owner: &str, name: &Name, volume: &Volume) -> Map<String, Value> {
    let mut out = Map::new();
    match volume.source() {
        Source::Shared => {
            let claim = json!({ "claimName": format!("{owner}-{name}") });
            out.insert("persistentVolumeClaim".into(), claim);
        }
        Source::Claim => {
            out.insert(
                "persistentVolumeClaim".into(),
                json!({ "claimName": volume.claim }),
            );
        }
        Source::PerReplica => {
            let template = json!({ "spec": claim_spec(volume) });
            out.insert(
                "ephemeral".into(),
                json!({ "volumeClaimTemplate": template }),
            );
        }
        Source::Scratch => {
            let mut scratch = Map::new();
            volume
                .size
                .map(|s| scratch.insert("sizeLimit".into(), json!(s)));
            if volume.memory {
                scratch.insert("medium".into(), "Memory".into());
            }
            out.insert("emptyDir".into(), scratch.into());
        }
        Source::Secret => {
            let mut secret = Map::new();
            secret.insert(
                "secretName".into(),
                volume
                    .secret
                    .as_ref()
                    .map_or(Value::Null, |s| s.name().into()),
            );
            let items: Vec<Value> = volume
                .item
                .iter()
                .map(|(key, path)| json!({ "key": key, "path": path }))
                .collect();
            if !items.is_empty() {
                secret.insert("items".into(), items.into());
            }
            out.insert("secret".into(), secret.into());
        }
        Source::Host => {
            out.insert("hostPath".into(), json!({ "path": volume.host_path }));
        }
    }
    out
}

pub(super) fn claim_templates(volumes: &Keyed<Name, Volume>) -> Traced {
    let mut out = Traced::list();
    for (name, volume) in volumes
        .iter()
        .filter(|(_, v)| v.source() == Source::PerReplica)
    {
        let value = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": { "name": name },
            "spec": claim_spec(volume),
        });
        out.push_from(value, &format!("/volume/{name}"));
    }
    out
}

pub(super) fn claim_spec(volume: &Volume) -> Value {
    let mut spec = Map::new();
    spec.insert("accessModes".into(), json!([volume.access.mode()]));
    if let Some(class) = &volume.class {
        spec.insert("storageClassName".into(), class.name().into());
    }
    spec.insert(
        "resources".into(),
        json!({ "requests": { "storage": volume.size } }),
    );
    spec.into()
}
