//! What a secret takes from its encrypted file, as far as it is known without a key.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Secret;
use super::envelope::{Envelope, EnvelopeError};
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::dsl::diagnostic::Code;
use crate::kinds::Scope;
use crate::kinds::tenant::Tenant;
use crate::names::ConfigKey;
use crate::names::grammar::Grammar as _;
use crate::object::sealed::Sealed;

/// Why nothing can be taken: on which field, and what to do.
pub(super) struct Trouble {
    pub(super) code: Code,
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) help: String,
}

impl Trouble {
    fn on(pointer: impl Into<String>, code: Code, message: String, help: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), message, help: help.into() }
    }

    fn of(message: String, help: impl Into<String>) -> Self {
        Self::on("/sops", codes::ENCRYPTED_FILE, message, help)
    }
}

/// The encrypted file and its keys, or everything that is wrong with them.
pub(super) fn sealed(secret: &Secret, scope: &Scope<'_>) -> Result<Sealed, Vec<Trouble>> {
    let tenant = secret.tenant.name();
    let Some((path, text)) = file(secret, scope).map_err(|trouble| vec![trouble])? else {
        return Err(Vec::new());
    };
    let mut troubles = Vec::new();
    if scope.find::<Tenant>(tenant).is_some_and(|tenant| !tenant.encrypted_secrets) {
        let message = format!("tenant `{tenant}` has no leave to keep secrets in Git");
        let help = format!("ask the platform team for `encrypted-secrets=#true` on `tenant {tenant}`");
        troubles.push(Trouble::on("/sops", codes::ENCRYPTED_FILE, message, help));
    }
    if secret.refresh.is_some() {
        let message = "a file is not fetched again: it changes with Git".to_owned();
        troubles.push(Trouble::on("/refresh", codes::SECRET_SOURCE, message, "take `refresh` out"));
    }
    let envelope = match Envelope::read(&path, text) {
        Ok(envelope) => envelope,
        Err(error) => {
            troubles.push(refused(&path, &error));
            return Err(troubles);
        }
    };
    let taken = taken(secret, &envelope, &path, &mut troubles);
    for key in secret.form.keys() {
        let named = secret.keys.iter().any(|own| own.as_str() == *key);
        if secret.keys.is_empty() && !taken.iter().any(|(own, _)| own == key) || named && !envelope.values.contains_key(*key) {
            let message = format!("a Secret of this type needs the key `{key}`, and `{path}` has none");
            troubles.push(Trouble::of(message, format!("add `{key}` with `sops edit {path}`")));
        }
    }
    if troubles.is_empty() {
        Ok(Sealed::new(tenant, path, text.to_owned(), taken))
    } else {
        Err(troubles)
    }
}

fn refused(path: &str, error: &EnvelopeError) -> Trouble {
    Trouble::of(format!("`{path}` cannot be used: {error}"), error.help())
}

/// The path and the text of the file, none where none is named.
fn file<'a>(secret: &Secret, scope: &Scope<'a>) -> Result<Option<(String, &'a str)>, Trouble> {
    let Some(path) = &secret.sops else { return Ok(None) };
    let Some(named_in) = scope.node(scope.id).map(|node| node.nearest("/sops").place.value.file) else {
        return Ok(None);
    };
    let whole = scope.world.sources.path(named_in, path.as_str());
    let sources = &scope.world.sources;
    match sources.text(named_in, path.as_str()) {
        Some(text) => Ok(Some((whole, text))),
        None => {
            let message = match sources.why_not(named_in, path.as_str()) {
                Some(why) => format!("`{whole}` {why}"),
                None => format!("there is no file `{whole}`"),
            };
            let help = "the path is relative to the directory of this file";
            Err(Trouble::on("/sops", codes::CONFIG_FILE, message, help))
        }
    }
}

/// The keys that are taken, with the ciphertext of each.
fn taken<'a>(
    secret: &Secret,
    envelope: &'a Envelope,
    path: &str,
    troubles: &mut Vec<Trouble>,
) -> Vec<(&'a str, &'a str)> {
    let mut out = Vec::new();
    let mut take = |pointer: &str, key: &'a str, value: &'a Value| match ciphertext(envelope, key, value) {
        Ok(text) => out.push((key, text)),
        Err((why, help)) => {
            let message = format!("`{key}` of `{path}` {why}");
            troubles.push(Trouble::on(pointer, codes::ENCRYPTED_FILE, message, help));
        }
    };
    if secret.keys.is_empty() {
        envelope.values.iter().for_each(|(key, value)| take("/sops", key, value));
        if envelope.values.is_empty() {
            let message = format!("`{path}` has no keys");
            troubles.push(Trouble::of(message, format!("add some with `sops edit {path}`")));
        }
        return out;
    }
    let mut missing = Vec::new();
    for (index, key) in secret.keys.iter().enumerate() {
        match envelope.values.get_key_value(key.as_str()) {
            Some((key, value)) => take(&format!("/keys/{index}"), key, value),
            None => missing.push((index, key.as_str())),
        }
    }
    let known: BTreeSet<&str> = envelope.values.keys().map(String::as_str).collect();
    troubles.extend(missing.into_iter().map(|(index, key)| {
        let help = match closest(key, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it has {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("`{path}` has no key `{key}`");
        Trouble::on(format!("/keys/{index}"), codes::NO_SUCH_KEY, message, help)
    }));
    out
}

/// The ciphertext of a value, or why it cannot be a value of a Secret.
fn ciphertext<'a>(
    envelope: &Envelope,
    key: &str,
    value: &'a Value,
) -> Result<&'a str, (&'static str, &'static str)> {
    if ConfigKey::read(key).is_err() {
        let help = "name only the keys that are wanted: `keys …`";
        return Err(("cannot be a key of a Secret", help));
    }
    match value {
        Value::Object(_) | Value::Array(_) => {
            let help = "write it as one text, with `|` in YAML, or name only the keys that are wanted: `keys …`";
            Err(("is a map or a list, and a Secret holds text", help))
        }
        Value::Null => Err(("has no value", "give it one, or name only the keys that are wanted: `keys …`")),
        Value::String(text) if envelope.seals(key) => Ok(text),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let help = "what everybody may read is no secret: name only the encrypted keys, `keys …`, and put it into `config`";
            Err(("stands in clear text in Git", help))
        }
    }
}
