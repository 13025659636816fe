//! What somebody else changes or deletes is put back: once for every kind of object that the example bank
//! consists of, on the real control plane.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::bank::project::Bank;
use crate::bed;

/// Most fields of one object that are tried.
const TRIES: usize = 24;

/// An object as kubectl names it.
struct Object {
    kind: String,
    namespace: String,
    name: String,
    body: Value,
}

impl Object {
    fn of(body: Value) -> Self {
        let text = |pointer: &str| {
            let found = body.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let group = text("/apiVersion");
        let group = group.split_once('/').map(|(group, _)| format!(".{group}"));
        Self {
            kind: format!("{}{}", text("/kind"), group.unwrap_or_default()),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            body,
        }
    }

    fn kubectl(&self, verb: &str, rest: &[&str]) -> Result<String, String> {
        let mut args = vec![verb, self.kind.as_str(), self.name.as_str()];
        if !self.namespace.is_empty() {
            args.extend(["-n", self.namespace.as_str()]);
        }
        args.extend(rest);
        bed::cluster().try_kubectl(&args, "")
    }

    /// Sets a field in the name of somebody else.
    fn set(&self, pointer: &str, value: &Value) -> bool {
        let patch = json!([{"op": "replace", "path": pointer, "value": value}]).to_string();
        let args = ["--type=json", "--field-manager=intruder", "-p", &patch];
        self.kubectl("patch", &args)
            .is_ok_and(|said| !said.contains("(no change)"))
    }

    /// Pointers of the fields that kubemate applied, without metadata.
    fn owned(&self) -> Vec<String> {
        let managers = self.body["metadata"]["managedFields"].as_array();
        let own = managers.into_iter().flatten().filter(|m| {
            m["manager"] == "kubemate" && m["operation"] == "Apply" && m["subresource"].is_null()
        });
        let mut out = Vec::new();
        for fields in own.map(|m| &m["fieldsV1"]) {
            leaves(fields, &self.body, String::new(), &mut out);
        }
        // What a kind without any other field has is in its annotations.
        let plain = |at: &&String| !at.starts_with("/metadata");
        let (mut first, last): (Vec<&String>, Vec<&String>) = out.iter().partition(plain);
        first.extend(
            last.into_iter()
                .filter(|at| at.starts_with("/metadata/annotations/kubemate")),
        );
        first.into_iter().cloned().collect()
    }

    /// Changes a field that kubemate applied; which one.
    fn disturb(&self) -> Option<String> {
        let mut tried = 0;
        for pointer in self.owned() {
            let value = self.body.pointer(&pointer).cloned().unwrap_or_default();
            for other in others(&value) {
                tried += 1;
                if tried > TRIES {
                    return None;
                }
                if self.set(&pointer, &other) {
                    return Some(format!("{pointer}: {value} → {other}"));
                }
            }
        }
        None
    }
}

/// The fields of a `fieldsV1` that have no fields below them.
fn leaves(fields: &Value, body: &Value, at: String, out: &mut Vec<String>) {
    let below: Vec<(&String, &Value)> = fields
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != ".")
        .collect();
    if below.is_empty() {
        out.push(at);
        return;
    }
    for (key, fields) in below {
        if let Some(name) = key.strip_prefix("f:") {
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            leaves(fields, body, at, out);
        } else if let Some(keys) = key.strip_prefix("k:")
            && let Some(index) = index(body, &at, keys)
        {
            leaves(&beside(fields, keys), body, format!("{at}/{index}"), out);
        }
    }
}

/// The fields of an entry without those that it is known by: with another key it is another entry, which
/// is its writer's.
fn beside(fields: &Value, keys: &str) -> Value {
    let keys: Value = serde_json::from_str(keys).unwrap_or_default();
    let mut fields = fields.clone();
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|name, _| keys.get(name.trim_start_matches("f:")).is_none());
    }
    fields
}

/// Where the entry of a list with these keys is.
fn index(body: &Value, at: &str, keys: &str) -> Option<usize> {
    let keys: Value = serde_json::from_str(keys).ok()?;
    let list = body.pointer(at)?.as_array()?;
    let fits = |entry: &Value| {
        keys.as_object()
            .into_iter()
            .flatten()
            .all(|(key, value)| entry[key] == *value)
    };
    list.iter().position(fits)
}

/// Other values of the same form.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(yes) => vec![json!(!yes)],
        Value::Number(number) => number.as_i64().map(|n| json!(n + 1)).into_iter().collect(),
        Value::String(text) => vec![json!(format!("{text}x")), json!("7"), json!("")],
        Value::Array(list) => list
            .split_last()
            .map(|(_, rest)| json!(rest))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// What is live, without what the API server chooses anew for an object that is made anew.
fn settled(bank: &Bank, env: &str) -> BTreeMap<String, Value> {
    let mut all = bank.snapshot(env);
    for body in all.values_mut() {
        if let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
    }
    all
}

/// Applies until everything is as it was, and the next plan is empty.
fn put_back(bank: &Bank, env: &str, before: &BTreeMap<String, Value>, what: &str) {
    bank.apply(env);
    let after = settled(bank, env);
    let wrong: Vec<String> = before
        .iter()
        .filter(|(key, body)| after.get(*key) != Some(body))
        .map(|(key, body)| {
            format!(
                "{key}\n  was {body}\n  is  {}",
                after.get(key).unwrap_or(&Value::Null)
            )
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{what} was not undone:\n{}",
        wrong.join("\n")
    );
    assert_eq!(before.len(), after.len());
    let plan = bank.run(
        bed::cluster().kubeconfig(),
        &["plan", "--env", env, "--detailed-exitcode"],
    );
    assert_eq!(plan.code, 0, "{}", plan.end());
}

/// The objects of an environment by kind.
fn by_kind(bank: &Bank, env: &str) -> BTreeMap<String, Vec<Object>> {
    let mut all: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for object in bank.live(env).into_iter().map(Object::of) {
        all.entry(object.kind.clone()).or_default().push(object);
    }
    all
}

#[test]
fn drift_is_undone_for_every_kind_of_object() {
    let bank = Bank::new();
    let env = bank.prod().to_owned();
    bank.apply(&env);
    let before = settled(&bank, &env);
    let kinds = by_kind(&bank, &env);
    assert!(kinds.len() >= 24, "{:?}", kinds.keys());

    // A field, and a label, of one object of each kind.
    let mut untouched = BTreeSet::new();
    let mut changed = Vec::new();
    for (kind, objects) in &kinds {
        let Some((object, what)) = objects.iter().find_map(|o| Some((o, o.disturb()?))) else {
            untouched.insert(kind.clone());
            continue;
        };
        changed.push(format!("{kind}/{} {what}", object.name));
        assert!(
            object.set(
                "/metadata/labels/app.kubernetes.io~1managed-by",
                &json!("intruder")
            ),
            "{kind}/{}",
            object.name
        );
    }
    assert!(
        untouched.is_empty(),
        "nothing of these could be changed: {untouched:?}"
    );
    assert_ne!(settled(&bank, &env), before, "{changed:#?}");
    put_back(&bank, &env, &before, "a change");

    // One object of each kind, but no namespace: that would take everything in it along.
    for (kind, objects) in by_kind(&bank, &env)
        .iter()
        .filter(|(kind, _)| *kind != "Namespace")
    {
        for object in objects.iter().take(1) {
            let said = object.kubectl("delete", &["--wait=true", "--timeout=300s"]);
            assert!(said.is_ok(), "{kind}: {said:?}");
        }
    }
    put_back(&bank, &env, &before, "a deletion");
}
