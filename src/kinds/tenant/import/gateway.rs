//! Gateways back into words.

use serde_json::{Value, json};

use super::Home;
use crate::kinds::tenant::gateway::{ENTRY_POINTS, by_traefik};
use crate::kinds::import::{Fields, Found, list, text};

const KIND: (&str, &str) = ("gateway.networking.k8s.io", "Gateway");

pub(super) fn gateways(found: &Found, home: &Home<'_>, fields: &mut Fields) {
    for (key, body, place) in found.of(KIND.0, KIND.1).filter(|(_, _, place)| place.tenant == home.tenant) {
        let mut out = Fields::new();
        let class = text(body, "/spec/gatewayClassName");
        out.may("class", class);
        let traefik = class.is_some_and(by_traefik);
        let first = home.namespaces.first().map(|(name, _)| *name);
        out.may("namespace", place.name.as_deref().filter(|_| key.namespace.as_deref() != first));
        for listener in list(body, "/spec/listeners") {
            let name = text(listener, "/name").unwrap_or_default();
            if let Some(value) = self::listener(found, listener, (key.namespace.as_deref().unwrap_or_default(), &key.name), traefik) {
                out.entry("listener", name, value);
            }
        }
        fields.entry("gateway", &key.name, out);
    }
}

/// A listener; none for one whose certificate nobody renews, which the language cannot say.
fn listener(found: &Found, listener: &Value, (namespace, gateway): (&str, &str), traefik: bool) -> Option<Value> {
    let mut out = Fields::new();
    let port = listener.get("port").and_then(Value::as_u64);
    let public = ENTRY_POINTS.iter().find(|(_, entry)| traefik && port == Some(u64::from(*entry)));
    out.may("port", public.map(|(port, _)| u64::from(*port)).or(port));
    out.may("host", text(listener, "/hostname"));
    match text(listener, "/protocol") {
        Some("HTTPS") => {
            let secret = text(listener, "/tls/certificateRefs/0/name")?;
            found.get(("cert-manager.io", "Certificate"), namespace, secret)?;
            out.put("certificate", secret);
        }
        Some("TLS") => out.put("protocol", "tls"),
        Some("TCP") => out.put("protocol", "tcp"),
        _ => {}
    }
    let name = text(listener, "/name").unwrap_or_default();
    let redirect = found.get(("gateway.networking.k8s.io", "HTTPRoute"), namespace, &format!("{gateway}-{name}-redirect"));
    let scheme = redirect.and_then(|route| text(route, "/spec/rules/0/filters/0/requestRedirect/scheme"));
    out.may("redirect", scheme.map(|scheme| json!({ "scheme": scheme })));
    Some(out.into())
}
