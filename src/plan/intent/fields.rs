//! Which fields a commit declares, as the API server would note them down.
//!
//! A server tells by its notes which lists have keys, and so how their entries are named. Another
//! commit has no such notes: the lists of Kubernetes' own kinds that have keys are named here. Lists of
//! other kinds go by the names of their entries, as they do against a server.

use serde_json::{Map, Value};

use crate::object::{FIELD_MANAGER, canonical};
use crate::plan::managed::FieldTree;

/// Lists by the name of their field, with what tells their entries apart.
const KEYED: [(&str, &[&str]); 10] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("volumes", &["name"]),
    ("env", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    (
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    ("hostAliases", &["ip"]),
    ("ports", &["containerPort", "protocol"]),
];
/// The same for Services, whose ports are not those of containers.
const OF_SERVICES: [(&str, &[&str]); 1] = [("ports", &["port", "protocol"])];

/// The body with a note that we declare all of it.
pub(super) fn noted(mut body: Value) -> Value {
    let service = body.get("kind").is_some_and(|kind| kind == "Service");
    let keyed: &[_] = if service { &OF_SERVICES } else { &KEYED };
    let fields = tree(&body, keyed).to_fields();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let ours = serde_json::json!([{
            "manager": FIELD_MANAGER, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields,
        }]);
        metadata.insert("managedFields".into(), ours);
    }
    body
}

fn tree(value: &Value, keyed: &[(&str, &[&str])]) -> FieldTree {
    let Value::Object(map) = value else {
        return leaf();
    };
    if map.is_empty() {
        return leaf();
    }
    let below = map.iter().map(|(name, value)| {
        let keys = keyed.iter().find(|(list, _)| list == name);
        let entries = keys.and_then(|(_, keys)| entries(value, keys, keyed));
        let below = entries.unwrap_or_else(|| tree(value, keyed));
        (format!("f:{name}"), below)
    });
    FieldTree {
        owned: false,
        children: below.collect(),
    }
}

fn leaf() -> FieldTree {
    FieldTree {
        owned: true,
        ..FieldTree::default()
    }
}

/// The entries of a list that all have these keys.
fn entries(list: &Value, keys: &[&str], keyed: &[(&str, &[&str])]) -> Option<FieldTree> {
    let items = list.as_array().filter(|items| !items.is_empty())?;
    let entry = |item: &Value| {
        let named = keys
            .iter()
            .map(|key| Some(((*key).to_owned(), item.get(key)?.clone())));
        let named: Map<String, Value> = named.collect::<Option<_>>()?;
        let mut below = tree(item, keyed);
        below.owned = true;
        Some((format!("k:{}", canonical(&Value::Object(named))), below))
    };
    let children = items.iter().map(entry).collect::<Option<_>>()?;
    Some(FieldTree {
        owned: false,
        children,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::managed::Managed;
    use serde_json::json;

    #[test]
    fn lists_have_the_keys_that_the_server_gives_them() {
        let container = json!({"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "h"}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}], "args": ["x"]});
        let pod =
            json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}});
        let keys = |body: &Value, path: &[&str]| {
            let managed = Managed::of(&noted(body.clone()));
            let shape = managed.shape();
            let mut at: &FieldTree = &shape;
            for name in path {
                at = at.children.get(name).unwrap();
            }
            at.list_keys()
        };
        let names =
            |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        let one = "k:{\"name\":\"a\"}";
        let list = |name: &'static str| ["f:spec", "f:containers", one, name];
        assert_eq!(
            keys(&pod, &list("f:ports")),
            names(&["containerPort", "protocol"])
        );
        assert_eq!(keys(&pod, &list("f:volumeMounts")), names(&["mountPath"]));
        assert_eq!(keys(&pod, &list("f:args")), None);
        let service = json!({"kind": "Service", "metadata": {"name": "s"},
            "spec": {"ports": [{"port": 80, "protocol": "TCP"}]}});
        assert_eq!(
            keys(&service, &["f:spec", "f:ports"]),
            names(&["port", "protocol"])
        );
        let policy = json!({"kind": "NetworkPolicy", "metadata": {"name": "n"},
            "spec": {"egress": [{"ports": [{"port": 80, "protocol": "TCP"}]}]}});
        assert_eq!(keys(&policy, &["f:spec", "f:egress"]), None);
    }
}
