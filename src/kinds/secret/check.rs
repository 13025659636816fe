//! A secret has one source: a store that lets the tenant read it, or an encrypted file with its keys.

use super::Secret;
use super::sealed::sealed;
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::kinds::component::needed;
use crate::kinds::secret_store::SecretStore;
use crate::kinds::{Findings, Scope};
use crate::values::path::SecretSource;

pub(super) fn check(secret: &Secret, scope: &Scope<'_>, out: &mut Findings<'_>) {
    match (&secret.from, &secret.sops) {
        (None, None) => out.push(
            out.error(codes::SECRET_SOURCE, "", format!("secret `{}` comes from nowhere", secret.name))
                .help("write where it is kept: `from=\"STORE:PATH\"`, or `sops=\"FILE\"`"),
        ),
        (Some(_), Some(_)) => out.push(
            out.error(codes::SECRET_SOURCE, "/sops", format!("secret `{}` has two sources", secret.name))
                .label("the second one")
                .help("keep either `from` or `sops`"),
        ),
        (Some(source), None) => {
            needed::check("external-secrets.io", "/from", scope, out);
            from(secret, source, scope, out);
        }
        (None, Some(_)) => encrypted(secret, scope, out),
    }
    for key in secret.form.keys() {
        if !secret.keys.is_empty() && !secret.keys.iter().any(|own| own.as_str() == *key) {
            let message = format!("a Secret of this type needs the key `{key}`");
            out.push(out.error(codes::NO_SUCH_KEY, "/keys", message).help(format!("add \"{key}\" to `keys`")));
        }
    }
}

fn from(secret: &Secret, source: &SecretSource, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let name = source.store().as_str();
    let Some(store) = scope.find::<SecretStore>(name) else {
        if !scope.declares::<SecretStore>(name) {
            out.push(no_store(name, scope, out));
        }
        return;
    };
    let tenant = secret.tenant.name();
    if store.allows(tenant, source.path()) {
        return;
    }
    let allowed: Vec<&str> = store.allowed(tenant).collect();
    let message = format!("store `{name}` does not let tenant `{tenant}` read `{}`", source.path());
    let finding = out.error(codes::STORE_REFUSES, "/from", message).label("not allowed");
    out.push(if allowed.is_empty() {
        let help = format!("ask the platform team for `allow tenant={tenant} \"PATH\"` in the store");
        finding.help(help)
    } else {
        finding.help(format!("allowed: {}", allowed.join(", ")))
    });
}

fn no_store(name: &str, scope: &Scope<'_>, out: &Findings<'_>) -> crate::dsl::diagnostic::Diagnostic {
    let known: Vec<&str> = scope.all::<SecretStore>().map(|(id, _)| id.name.as_str()).collect();
    let message = format!("there is no secret-store `{name}`");
    let diagnostic = out.error(codes::DANGLING, "/from", message).label("not found");
    match closest(name, known.iter().copied()) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None if known.is_empty() => diagnostic.help("no secret-store is declared here"),
        None => diagnostic.help(format!("known: {}", known.join(", "))),
    }
}

/// What is wrong with the encrypted file, as far as it is known without a key.
fn encrypted(secret: &Secret, scope: &Scope<'_>, out: &mut Findings<'_>) {
    for trouble in sealed(secret, scope).err().unwrap_or_default() {
        let finding = out.error(trouble.code, &trouble.pointer, trouble.message);
        out.push(finding.label("not usable").help(trouble.help));
    }
}
