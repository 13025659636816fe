//! The way back of secrets: ExternalSecrets, and everything that something refers to. A value is never
//! looked at; whoever brings a Secret in is told which keys to put into the store.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::kinds::import::{secret_path, Draft, Drafts, Fields, Found, duration, list, text};

const EXTERNAL: (&str, &str) = ("external-secrets.io", "ExternalSecret");
/// Types of Secrets, and the words for them.
const FORMS: [(&str, &str); 3] = [
    ("kubernetes.io/dockerconfigjson", "registry"),
    ("kubernetes.io/basic-auth", "basic-auth"),
    ("kubernetes.io/tls", "tls"),
];

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    let wanted = drafts.secrets.clone();
    let tenants: BTreeSet<&str> = found.places.values().map(|place| place.tenant.as_str()).collect();
    for tenant in tenants {
        let own = |kind: (&'static str, &'static str)| found.of(kind.0, kind.1).filter(move |(_, _, p)| p.tenant == tenant);
        let mut names: BTreeSet<String> = own(EXTERNAL).map(|(key, ..)| key.name.clone()).collect();
        names.extend(own(("", "Secret")).filter(|(_, body, _)| is_ours(body)).map(|(key, ..)| key.name.clone()));
        names.extend(wanted.keys().filter(|(t, _)| t == tenant).map(|(_, name)| name.clone()));
        let issued: BTreeSet<&str> = own(("cert-manager.io", "Certificate"))
            .filter_map(|(_, body, _)| text(body, "/spec/secretName"))
            .collect();
        for name in names.iter().filter(|name| !issued.contains(name.as_str())) {
            let draft = one(found, tenant, name, drafts);
            drafts.all.push(draft);
        }
    }
}

/// Whether a Secret was made by people: those of accounts and of Helm are kept by others.
fn is_ours(body: &Value) -> bool {
    let kind = text(body, "/type").unwrap_or("Opaque");
    let owned = list(body, "/metadata/ownerReferences").next().is_some();
    !owned && (kind == "Opaque" || FORMS.iter().any(|(form, _)| *form == kind))
}

fn one(found: &Found, tenant: &str, name: &str, drafts: &Drafts) -> Draft {
    let namespaces: Vec<_> = found.places.iter().filter(|(_, place)| place.tenant == tenant).collect();
    let wanted = drafts.secrets.get(&(tenant.to_owned(), name.to_owned()));
    let external: Vec<_> = namespaces.iter().filter_map(|(ns, _)| Some((*ns, found.get(EXTERNAL, ns, name)?))).collect();
    let plain: Vec<_> = namespaces.iter().filter_map(|(ns, _)| Some((*ns, found.get(("", "Secret"), ns, name)?))).collect();
    let mut stands: BTreeSet<&str> = external.iter().chain(&plain).map(|(ns, _)| ns.as_str()).collect();
    stands.extend(wanted.iter().flat_map(|w| w.namespaces.iter().map(String::as_str)));
    let mut fields = Fields::new();
    fields.put("name", name);
    fields.put("tenant", tenant);
    if stands.len() < namespaces.len() {
        let own = namespaces.iter().filter(|(ns, _)| stands.contains(ns.as_str()));
        fields.put("namespace", own.filter_map(|(_, place)| place.name.clone().map(Value::from)).collect::<Vec<_>>());
    }
    let mut notes = Vec::new();
    match external.first() {
        Some((namespace, body)) => from_store(found, namespace, body, &mut fields),
        None => {
            fields.put("from", format!("{}:kv/{tenant}/{name}", found.store));
            let mut keys: BTreeSet<String> = plain.iter().flat_map(|(_, body)| keys(body)).collect();
            keys.extend(wanted.iter().flat_map(|w| w.keys.iter().cloned()));
            notes.push(note(found, tenant, name, &keys));
            if plain.len() > 1 {
                let of: Vec<&str> = plain.iter().map(|(namespace, _)| namespace.as_str()).collect();
                notes.push(format!("it was in {}: where the values differ, make several secrets of it", of.join(" and ")));
            }
            notes.extend(wanted.iter().flat_map(|w| w.notes.iter().cloned()));
            fields.put("keys", keys.into_iter().map(Value::from).collect::<Vec<_>>());
        }
    }
    let template = external.first().and_then(|(_, body)| text(body, "/spec/target/template/type"));
    let kind = template.or_else(|| plain.first().and_then(|(_, body)| text(body, "/type")));
    fields.may("type", FORMS.iter().find(|(form, _)| kind == Some(form)).map(|(_, word)| *word));
    Draft {
        kind: "secret",
        name: name.to_owned(),
        path_of: Some(tenant.to_owned()),
        fields: fields.into(),
        renamed: Vec::new(),
        notes,
    }
}

fn note(found: &Found, tenant: &str, name: &str, keys: &BTreeSet<String>) -> String {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let what = if keys.is_empty() { "its values".to_owned() } else { format!("the values of {}", keys.join(", ")) };
    format!("put {what} into the store `{}` at `kv/{tenant}/{name}`; they were not read", found.store)
}

/// The names of a Secret's keys; what they hold was taken out before.
fn keys(body: &Value) -> Vec<String> {
    let maps = ["/data", "/stringData"].iter().filter_map(|at| body.pointer(at)?.as_object());
    maps.flat_map(|map| map.keys().cloned()).collect()
}

/// Store and path of an ExternalSecret.
fn from_store(found: &Found, namespace: &str, body: &Value, fields: &mut Fields) {
    let path = secret_path(body).unwrap_or_default();
    let object = text(body, "/spec/secretStoreRef/name").unwrap_or_default();
    let store = found.get(("external-secrets.io", "SecretStore"), namespace, object);
    let mount = store.and_then(|store| text(store, "/spec/provider/vault/path"));
    let source = match mount {
        Some(mount) => {
            let name = object.strip_suffix(&format!("-{mount}")).unwrap_or(object);
            format!("{name}:{mount}/{path}")
        }
        None => format!("{object}:{path}"),
    };
    fields.put("from", source);
    let refresh = text(body, "/spec/refreshInterval").and_then(duration);
    fields.may("refresh", refresh.filter(|time| *time != "1h"));
    let mut plain = Vec::new();
    let mut renamed = Map::new();
    for one in list(body, "/spec/data") {
        match (text(one, "/secretKey"), text(one, "/remoteRef/property")) {
            (Some(key), Some(property)) if key != property => {
                renamed.insert(key.to_owned(), json!({ "property": property }));
            }
            (Some(key), _) => plain.push(Value::from(key)),
            (None, _) => {}
        }
    }
    fields.put("keys", plain);
    fields.may("key", (!renamed.is_empty()).then_some(renamed));
    let made = body.pointer("/spec/target/template/data").filter(|data| data.as_object().is_some_and(|d| !d.is_empty()));
    if let Some(made) = made {
        let merge = text(body, "/spec/target/template/mergePolicy") == Some("Merge");
        let policy = merge.then(|| ("merge-policy".to_owned(), Value::from("merge")));
        let template: Map<String, Value> = policy.into_iter().chain([("data".to_owned(), made.clone())]).collect();
        fields.put("template", template);
    }
}
