//! A store needs what its provider needs, and lets a tenant read nothing above its own folder.

use super::{Provider, SecretStore};
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};
use crate::names::{Name, ObjectName};

pub(super) fn check(store: &SecretStore, _scope: &Scope<'_>, out: &mut Findings<'_>) {
    match store.provider {
        Provider::Vault if store.server.is_none() => out.push(
            out.error(codes::MISSING_FIELD, "", format!("store `{}` needs `server`", store.name))
                .label("no address")
                .help("write the address of Vault: `server=\"https://vault.bank\"`"),
        ),
        Provider::Kubernetes if store.source_namespace.is_none() => out.push(
            out.error(codes::MISSING_FIELD, "", format!("store `{}` needs `source-namespace`", store.name))
                .help("name the namespace that holds the secrets"),
        ),
        Provider::Vault | Provider::Kubernetes => {}
    }
    for (index, allow) in store.allow.iter().enumerate() {
        for (at, path) in allow.paths.iter().enumerate() {
            let pointer = format!("/allow/{index}/paths/{at}");
            pattern(store, allow.tenant.name(), path, &pointer, out);
        }
    }
}

fn pattern(store: &SecretStore, tenant: &str, path: &str, pointer: &str, out: &mut Findings<'_>) {
    let plain = path.strip_suffix("/*").unwrap_or(path);
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('*');
    let (mount, rest) = store.split(plain);
    if path == "*" || store.provider == Provider::Vault && mount.is_some() && rest.is_empty() {
        let message = format!("`{path}` lets the tenant read everything in the store, or in one mount of it");
        let finding = out.error(codes::STORE_TOO_WIDE, pointer, message);
        out.push(finding.help(format!("name the tenant's folder, as in `kv/{tenant}/*`")));
        return;
    }
    if !plain.split('/').all(part) {
        let finding = out.error(codes::BAD_VALUE, pointer, format!("`{path}` is not a path pattern"));
        out.push(finding.help("write a path such as `kv/payments/*`; `*` stands only for all below a folder"));
    } else if store.provider == Provider::Kubernetes && plain.parse::<ObjectName>().is_err() {
        let message = format!("`{path}` is not the name of a Secret");
        let finding = out.error(codes::BAD_VALUE, pointer, message);
        out.push(finding.help("name each Secret: rights in Kubernetes know no patterns"));
    } else if mount.is_some_and(|mount| mount.parse::<Name>().is_err()) {
        let message = format!("the mount of `{path}` cannot be part of an object's name");
        let finding = out.error(codes::BAD_NAME, pointer, message);
        out.push(finding.help("mount it under lower-case letters, digits and `-`"));
    }
}
