//! The way back of certificates.

use serde_json::{Value, json};

use crate::kinds::import::{Draft, Drafts, Fields, Found, duration, list, text};

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    for (key, body, place) in found.of("cert-manager.io", "Certificate") {
        // The language calls a certificate like the Secret that holds it.
        let stands = drafts.all.iter().any(|d| d.kind == "certificate" && d.name == key.name && d.path_of.as_deref() == Some(&place.tenant));
        if stands {
            continue;
        }
        let mut fields = Fields::new();
        fields.put("name", key.name.as_str());
        fields.put("tenant", place.tenant.as_str());
        let same = found.of("cert-manager.io", "Certificate").filter(|(k, _, p)| k.name == key.name && p.tenant == place.tenant);
        let namespaces: Vec<Value> = same.filter_map(|(_, _, p)| p.name.clone().map(Value::from)).collect();
        fields.put("namespace", namespaces);
        fields.may("issuer", text(body, "/spec/issuerRef/name"));
        let (group, kind) = (text(body, "/spec/issuerRef/group"), text(body, "/spec/issuerRef/kind"));
        match group.filter(|group| *group != "cert-manager.io").zip(kind) {
            Some((group, kind)) => fields.put("issuer-ref", json!({ "group": group, "kind": kind })),
            None if kind != Some("ClusterIssuer") => fields.put("issuer-kind", "namespace"),
            None => {}
        }
        fields.may("common-name", text(body, "/spec/commonName"));
        let usages = list(body, "/spec/usages").filter_map(Value::as_str);
        fields.put("usages", usages.map(|usage| Value::from(usage.replace(' ', "-"))).collect::<Vec<_>>());
        fields.put("host", list(body, "/spec/dnsNames").cloned().collect::<Vec<Value>>());
        fields.may("duration", text(body, "/spec/duration").and_then(duration));
        fields.may("renew-before", text(body, "/spec/renewBefore").and_then(duration));
        match text(body, "/spec/privateKey/algorithm") {
            Some("ECDSA") => {}
            Some("Ed25519") => fields.put("key", "ed25519"),
            _ => fields.put("key", "rsa"),
        }
        drafts.all.push(Draft {
            kind: "certificate",
            name: key.name.clone(),
            path_of: Some(place.tenant.clone()),
            fields: fields.into(),
            renamed: Vec::new(),
            notes: Vec::new(),
        });
    }
}
