//! The way back of secret stores: the stores of External Secrets in tenants' namespaces, and the one that
//! secrets are said to come from whose source nobody knows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::kinds::import::{Draft, Drafts, Fields, Found, secret_path, text};

/// What stands for the address of a store that nobody named.
const UNKNOWN: &str = "https://store.invalid";

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    let mut stores: BTreeMap<String, (Option<&Value>, BTreeMap<String, BTreeSet<String>>)> = BTreeMap::new();
    for (key, body, place) in found.of("external-secrets.io", "SecretStore") {
        // Stores of another sort stay as they are.
        let Some(mount) = text(body, "/spec/provider/vault/path") else { continue };
        let name = key.name.strip_suffix(&format!("-{mount}")).unwrap_or(&key.name);
        let entry = stores.entry(name.to_owned()).or_default();
        entry.0 = Some(body);
        let paths = entry.1.entry(place.tenant.clone()).or_default();
        paths.extend(read_paths(found, &key.name, &place.tenant).map(|path| format!("{mount}/{path}")));
        if paths.is_empty() {
            paths.insert(format!("{mount}/{}/*", place.tenant));
        }
    }
    for place in found.places.values().filter(|place| needs_one(found, &place.tenant, drafts)) {
        let entry = stores.entry(found.store.clone()).or_default();
        entry.1.entry(place.tenant.clone()).or_default().insert(format!("kv/{}/*", place.tenant));
    }
    for (name, (body, tenants)) in stores {
        drafts.all.push(one(&name, body, &tenants));
    }
}

/// What a tenant's secrets read through a store of External Secrets: their folders, since a store that may
/// read a whole mount is refused.
fn read_paths<'f>(found: &'f Found, store: &'f str, tenant: &'f str) -> impl Iterator<Item = String> + 'f {
    let all = found.of("external-secrets.io", "ExternalSecret");
    let through = all.filter(move |(_, body, place)| {
        place.tenant == tenant && text(body, "/spec/secretStoreRef/name") == Some(store)
    });
    through.filter_map(|(_, body, _)| {
        let path = secret_path(body)?;
        Some(match path.split_once('/') {
            Some((folder, _)) => format!("{folder}/*"),
            None => path.to_owned(),
        })
    })
}

/// Whether a tenant has a secret whose source nobody knows.
fn needs_one(found: &Found, tenant: &str, drafts: &Drafts) -> bool {
    let external = |name: &str| {
        let mut all = found.of("external-secrets.io", "ExternalSecret");
        all.any(|(key, _, place)| place.tenant == tenant && key.name == name)
    };
    let mut plain = found.of("", "Secret");
    drafts.secrets.keys().any(|(t, name)| t == tenant && !external(name)) || plain.any(|(_, _, place)| place.tenant == tenant)
}

fn one(name: &str, body: Option<&Value>, tenants: &BTreeMap<String, BTreeSet<String>>) -> Draft {
    let none = Value::Null;
    let vault = body.unwrap_or(&none);
    let mut fields = Fields::new();
    fields.put("name", name);
    let mut notes = Vec::new();
    match text(vault, "/spec/provider/vault/server") {
        Some(server) => fields.put("server", server),
        None => {
            fields.put("server", UNKNOWN);
            notes.push("put in the address of the store".to_owned());
        }
    }
    let mount = text(vault, "/spec/provider/vault/auth/kubernetes/mountPath");
    fields.may("auth-mount", mount.filter(|mount| *mount != "kubernetes"));
    let role = text(vault, "/spec/provider/vault/auth/kubernetes/role");
    let allow = tenants.iter().map(|(tenant, paths)| {
        let mut one = json!({ "tenant": tenant, "paths": paths });
        if let Some(role) = role.filter(|role| role != tenant && tenants.len() == 1) {
            one["role"] = role.into();
        }
        one
    });
    fields.put("allow", allow.collect::<Vec<Value>>());
    Draft {
        kind: "secret-store",
        name: name.to_owned(),
        path_of: None,
        fields: fields.into(),
        renamed: Vec::new(),
        notes,
    }
}
