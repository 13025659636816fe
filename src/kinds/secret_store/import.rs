//! The way back of secret stores: the stores of External Secrets in tenants' namespaces, and the one that
//! secrets are said to come from whose source nobody knows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::SOURCE;
use super::render::reader;
use crate::kinds::import::{Draft, Drafts, Fields, Found, key, list, secret_path, text};

/// What stands for the address of a store that nobody named.
const UNKNOWN: &str = "https://store.invalid";

/// What is known of one store.
#[derive(Default)]
struct Store<'f> {
    /// One of its objects.
    body: Option<&'f Value>,
    /// What each tenant reads of it.
    tenants: BTreeMap<String, Reads<'f>>,
}

/// What a tenant reads, and the role that it does so as.
#[derive(Default)]
struct Reads<'f> {
    paths: BTreeSet<String>,
    role: Option<&'f str>,
}

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    let mut stores: BTreeMap<String, Store<'_>> = BTreeMap::new();
    for (key, body, place) in found.of("external-secrets.io", "SecretStore") {
        let (name, paths) = match text(body, "/spec/provider/vault/path") {
            Some(mount) => {
                let name = key.name.strip_suffix(&format!("-{mount}")).unwrap_or(&key.name);
                let read = read_paths(found, &key.name, &place.tenant);
                let mut paths: BTreeSet<String> = read.map(|path| format!("{mount}/{path}")).collect();
                if paths.is_empty() {
                    paths.insert(format!("{mount}/{}/*", place.tenant));
                }
                (name, paths)
            }
            // Stores of another sort stay as they are.
            None => match handed_out(found, body, &key.name, key.namespace.as_deref()) {
                Some(paths) => (key.name.as_str(), paths),
                None => continue,
            },
        };
        let store = stores.entry(name.to_owned()).or_default();
        store.body = Some(body);
        let reads = store.tenants.entry(place.tenant.clone()).or_default();
        reads.paths.extend(paths);
        let role = text(body, "/spec/provider/vault/auth/kubernetes/role");
        reads.role = role.filter(|role| *role != place.tenant);
    }
    for place in found.places.values().filter(|place| needs_one(found, &place.tenant, drafts)) {
        let store = stores.entry(found.store.clone()).or_default();
        let reads = store.tenants.entry(place.tenant.clone()).or_default();
        reads.paths.insert(format!("kv/{}/*", place.tenant));
    }
    for (name, store) in stores {
        drafts.all.push(one(&name, &store));
    }
}

/// The Secrets of another namespace that a store may read; none where nobody says which.
fn handed_out(found: &Found, body: &Value, store: &str, namespace: Option<&str>) -> Option<BTreeSet<String>> {
    let role = key(("rbac.authorization.k8s.io", "Role"), text(body, SOURCE)?, &reader(store, namespace?));
    let names = list(found.objects.get(&role)?, "/rules/0/resourceNames").filter_map(Value::as_str);
    Some(names.map(str::to_owned).collect())
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

fn one(name: &str, store: &Store<'_>) -> Draft {
    let none = Value::Null;
    let body = store.body.unwrap_or(&none);
    let mut fields = Fields::new();
    fields.put("name", name);
    let mut notes = Vec::new();
    match (text(body, SOURCE), text(body, "/spec/provider/vault/server")) {
        (Some(source), _) => {
            fields.put("provider", "kubernetes");
            fields.put("source-namespace", source);
        }
        (None, Some(server)) => fields.put("server", server),
        (None, None) => {
            fields.put("server", UNKNOWN);
            notes.push("put in the address of the store".to_owned());
        }
    }
    let mount = text(body, "/spec/provider/vault/auth/kubernetes/mountPath");
    fields.may("auth-mount", mount.filter(|mount| *mount != "kubernetes"));
    let allow = store.tenants.iter().map(|(tenant, reads)| {
        let mut one = json!({ "tenant": tenant, "paths": reads.paths });
        if let Some(role) = reads.role {
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
