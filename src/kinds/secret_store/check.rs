//! A store needs what its provider needs, and lets a tenant read nothing above its own folder.

use super::{Provider, SecretStore};
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};

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
            let star = path.find('*');
            if star.is_some_and(|i| i + 1 != path.len()) || path.split('/').any(|s| s == ".." || s.is_empty()) {
                out.push(
                    out.error(codes::BAD_VALUE, &pointer, format!("`{path}` is not a path pattern"))
                        .help("write a path such as `kv/payments/*`; `*` stands only at the end"),
                );
            }
            if path == "*" {
                out.push(
                    out.error(codes::STORE_TOO_WIDE, &pointer, "this lets the tenant read every secret of the store")
                        .help(format!("name the tenant's folder, as in `kv/{}/*`", allow.tenant)),
                );
            }
        }
    }
}
