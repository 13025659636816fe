//! One SecretStore per namespace and mount of each tenant that may read from the store: a tenant never
//! shares a cluster-wide store, so what it may read ends with the rights of its own ServiceAccount.

use std::collections::{BTreeMap, BTreeSet};

use super::{Allow, Provider, SecretStore, object_name};
use crate::kinds::tenant::Tenant;
use crate::kinds::{ObjectRequest, Objects, Scope};

pub(super) fn render(store: &SecretStore, scope: &Scope<'_>, out: &mut Objects) {
    let mut by_tenant: BTreeMap<&str, Vec<(usize, &Allow)>> = BTreeMap::new();
    for (index, allow) in store.allow.iter().enumerate() {
        by_tenant.entry(allow.tenant.name()).or_default().push((index, allow));
    }
    for (name, allows) in by_tenant {
        let Some(tenant) = scope.find::<Tenant>(name) else { continue };
        let namespaces: Vec<String> =
            tenant.namespaces(scope).into_iter().map(|(_, namespace, _)| namespace).collect();
        for namespace in &namespaces {
            out.push(
                ObjectRequest::new("secret-store/account.yaml.j2")
                    .set("name", &account(store))
                    .set("namespace", namespace),
            );
        }
        match store.provider {
            Provider::Vault => vault(store, name, &allows, &namespaces, out),
            Provider::Kubernetes => kubernetes(store, &allows, &namespaces, out),
        }
    }
}

/// The account that External Secrets logs in as, in each namespace.
fn account(store: &SecretStore) -> String {
    format!("secrets-{}", store.name)
}

/// The role in the namespace of the secrets that lets a tenant's namespace read them.
pub(super) fn reader(store: &str, namespace: &str) -> String {
    format!("secrets-{store}-{namespace}")
}

fn vault(
    store: &SecretStore,
    tenant: &str,
    allows: &[(usize, &Allow)],
    namespaces: &[String],
    out: &mut Objects,
) {
    let paths = allows.iter().flat_map(|(_, allow)| &allow.paths);
    let mounts: BTreeSet<&str> = paths.filter_map(|path| store.split(path).0).collect();
    let role = allows.iter().find_map(|(index, allow)| allow.role.as_ref().map(|role| (index, role)));
    let (role, role_at) = match role {
        Some((index, role)) => (role.as_str(), format!("/allow/{index}/role")),
        None => (tenant, String::new()),
    };
    for namespace in namespaces {
        for mount in &mounts {
            out.push(
                ObjectRequest::new("secret-store/vault.yaml.j2")
                    .with("server", &store.server, "/server")
                    .with("auth_mount", &store.auth_mount, "/auth-mount")
                    .with("role", &role, &role_at)
                    .set("name", &object_name(&store.name, Some(mount)))
                    .set("namespace", namespace)
                    .set("mount", mount)
                    .set("account", &account(store)),
            );
        }
    }
}

fn kubernetes(store: &SecretStore, allows: &[(usize, &Allow)], namespaces: &[String], out: &mut Objects) {
    let secrets: BTreeSet<&String> = allows.iter().flat_map(|(_, allow)| &allow.paths).collect();
    for namespace in namespaces {
        out.push(
            ObjectRequest::new("secret-store/kubernetes.yaml.j2")
                .with("source", &store.source_namespace, "/source-namespace")
                .with("secrets", &secrets, "/allow")
                .set("name", &object_name(&store.name, None))
                .set("reader", &reader(store.name.as_str(), namespace))
                .set("namespace", namespace)
                .set("account", &account(store)),
        );
    }
}
