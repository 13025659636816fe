//! A secret has one source: a store that lets the tenant read it, or an encrypted file with its keys. What is
//! made of it is made of what is fetched.

use super::sealed::sealed;
use super::template::{Fault, faults};
use super::{Secret, Template};
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::dsl::node::escape;
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
    named(secret, out);
    if let Some(template) = &secret.template {
        made(secret, template, out);
    }
    let offers = secret.offers();
    for key in secret.form.keys() {
        if offers.as_ref().is_some_and(|own| !own.contains(key)) {
            let (at, help) = match &secret.template {
                Some(_) => ("/template", format!("add `\"{key}\" \"…\"` to its `data`")),
                None => ("/keys", format!("add \"{key}\" to `keys`, or `key \"{key}\" property=…` where the store calls it otherwise")),
            };
            let message = format!("a Secret of this type needs the key `{key}`");
            out.push(out.error(codes::NO_SUCH_KEY, at, message).help(help));
        }
    }
}

/// Each key has one origin, which is a name; a file has the names that the Secret gets.
fn named(secret: &Secret, out: &mut Findings<'_>) {
    for (key, renamed) in secret.key.iter() {
        let at = format!("/key/{}", escape(key.as_str()));
        if secret.keys.contains(key) {
            let finding = out.error_on_name(codes::CONTRADICTION, &at, format!("`{key}` is taken twice"));
            out.push(finding.help("take it out of `keys`, or out of here"));
        }
        if renamed.property.trim() != renamed.property || renamed.property.contains(char::is_control) {
            let message = "what the store calls it begins or ends with a blank, or has more than one line";
            let finding = out.error(codes::BAD_VALUE, &format!("{at}/property"), message);
            out.push(finding.help("write it as the store does"));
        }
    }
    let written = [(!secret.key.is_empty(), "/key"), (secret.template.is_some(), "/template")];
    for (_, at) in written.into_iter().filter(|(is, _)| *is && secret.sops.is_some()) {
        let message = "External Secrets does this with what it fetches, and nothing is fetched from a file";
        let help = "give the file the keys and values that the Secret shall have: `sops edit FILE`";
        out.push(out.error_on_name(codes::SECRET_SOURCE, at, message).help(help));
    }
}

/// A template is sound and made of what is fetched, and is none for what is no secret.
fn made(secret: &Secret, template: &Template, out: &mut Findings<'_>) {
    if template.data.is_empty() {
        let message = "this template makes nothing";
        out.push(out.error_on_name(codes::NO_EFFECT, "/template", message).help("add `data { KEY \"…\" }`"));
    }
    let fetched = secret.fetched();
    for (key, text) in template.data.iter() {
        let at = format!("/template/data/{}", escape(key.as_str()));
        for fault in faults(text, fetched.as_deref()) {
            let code = match fault {
                Fault::Literal => codes::SECRET_LITERAL,
                Fault::Unknown { .. } => codes::NO_SUCH_KEY,
                Fault::Open | Fault::Empty | Fault::Dashed(_) => codes::BAD_VALUE,
            };
            out.push(out.error(code, &at, fault.message(&secret.name)).help(fault.help(fetched.as_deref())));
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
