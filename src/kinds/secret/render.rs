//! One ExternalSecret per namespace. It holds where the values are, never the values.

use serde_json::json;

use super::Secret;
use crate::kinds::secret_store::{self, SecretStore};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::values::duration::Duration;

const REFRESH: &str = "1h0m0s";

pub(super) fn render(secret: &Secret, scope: &Scope<'_>, out: &mut Objects) {
    let Some(source) = &secret.from else {
        out.refuse("/sops", "secrets in encrypted files cannot be decrypted yet");
        return;
    };
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
        let keys: Vec<_> = secret.keys.iter().enumerate().map(|(index, key)| {
            let origin = format!("/keys/{index}");
            request.origins.insert(format!("/data/{index}/secretKey"), origin);
            json!({ "secretKey": key, "remoteRef": { "key": path, "property": key } })
        }).collect();
        out.push(request.set("data", &keys));
    }
}
