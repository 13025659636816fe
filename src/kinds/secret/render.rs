//! One object per namespace. It holds where the values are, or what stands for them, never the values.

use serde_json::{Map, Value, json};

use super::Secret;
use super::sealed::sealed;
use crate::dsl::node::escape;
use crate::kinds::secret_store::{self, SecretStore};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::object::ObjectRules;
use crate::object::sealed::Sealed;
use crate::values::duration::Duration;

const REFRESH: &str = "1h0m0s";

pub(super) fn render(secret: &Secret, scope: &Scope<'_>, out: &mut Objects) {
    match (&secret.from, &secret.sops) {
        (Some(_), _) => external(secret, scope, out),
        (None, Some(_)) => match sealed(secret, scope) {
            Ok(sealed) => encrypted(secret, &sealed, scope, out),
            Err(troubles) => {
                for trouble in troubles {
                    out.refuse(&trouble.pointer, trouble.message);
                }
            }
        },
        (None, None) => out.refuse("", "it comes from nowhere"),
    }
}

/// Secrets whose data is put in right before they are written.
fn encrypted(secret: &Secret, sealed: &Sealed, scope: &Scope<'_>, out: &mut Objects) {
    let data: Map<String, Value> = sealed
        .keys
        .keys()
        .filter_map(|key| Some((key.clone(), sealed.placeholder(key)?.into())))
        .collect();
    for namespace in secret.namespaces(scope) {
        let request = ObjectRequest::new("secret/secret.yaml.j2")
            .with("secret", secret, "")
            .with("sealed", &sealed.note(), "/sops")
            .with("data", &data, "/sops")
            .set("namespace", &namespace)
            .set("tenant", &secret.tenant.name())
            .set("form", &secret.form.kubernetes())
            .rules(ObjectRules {
                sealed: Some(Box::new(sealed.clone())),
                ..ObjectRules::default()
            });
        out.push(request);
    }
}

fn external(secret: &Secret, scope: &Scope<'_>, out: &mut Objects) {
    let Some(source) = &secret.from else { return };
    let Some(store) = scope.find::<SecretStore>(source.store().as_str()) else {
        out.refuse("/from", format!("store `{}` is not known", source.store()));
        return;
    };
    let (mount, path) = store.split(source.path());
    let refresh = secret.refresh.map_or(REFRESH.to_owned(), Duration::go_duration);
    for namespace in secret.namespaces(scope) {
        let mut request = ObjectRequest::new("secret/external-secret.yaml.j2")
            .with("secret", secret, "")
            .with("refresh", &refresh, "/refresh")
            .with("path", &path, "/from")
            .set("namespace", &namespace)
            .set("tenant", &secret.tenant.name())
            .set("store", &secret_store::object_name(&store.name, mount))
            .set("form", &secret.form.kubernetes());
        let plain = secret.keys.iter().enumerate().map(|(index, key)| (format!("/keys/{index}"), key, key.as_str()));
        let renamed = secret.key.iter().map(|(key, renamed)| {
            (format!("/key/{}", escape(key.as_str())), key, renamed.property.as_str())
        });
        let keys: Vec<_> = plain.chain(renamed).enumerate().map(|(index, (origin, key, property))| {
            request.origins.insert(format!("/data/{index}/secretKey"), origin.clone());
            request.origins.insert(format!("/data/{index}/remoteRef/property"), origin);
            json!({ "secretKey": key, "remoteRef": { "key": path, "property": property } })
        }).collect();
        let made = secret.template.as_ref();
        let request = request
            .with("made", &made.map(|template| &template.data), "/template/data")
            .with("policy", &made.map(|template| template.merge_policy.kubernetes()), "/template/merge-policy");
        out.push(request.set("data", &keys));
    }
}
