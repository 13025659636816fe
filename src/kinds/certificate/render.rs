//! One Certificate of cert-manager per namespace.

use super::{Certificate, Key, Usage};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::values::duration::Duration;

pub(super) fn render(certificate: &Certificate, scope: &Scope<'_>, out: &mut Objects) {
    let (algorithm, size) = match certificate.key {
        Key::Ecdsa => ("ECDSA", Some(256)),
        Key::Rsa => ("RSA", Some(2048)),
        Key::Ed25519 => ("Ed25519", None),
    };
    let usages: Vec<&str> = certificate.usages.iter().copied().map(Usage::kubernetes).collect();
    let (group, kind) = match &certificate.issuer_ref {
        Some(issuer) => (issuer.group.as_str(), issuer.kind.as_str()),
        None => ("cert-manager.io", certificate.issuer_kind.kubernetes()),
    };
    let issuer_at = if certificate.issuer_ref.is_some() { "/issuer-ref" } else { "/issuer-kind" };
    for namespace in certificate.namespaces(scope) {
        out.push(
            ObjectRequest::new("certificate/certificate.yaml.j2")
                .with("certificate", certificate, "")
                .set("namespace", &namespace)
                .set("tenant", &certificate.tenant.name())
                .with("issuer_group", &group, issuer_at)
                .with("issuer_kind", &kind, issuer_at)
                .with("usages", &usages, "/usages")
                .with("common_name", &certificate.common_name, "/common-name")
                .set("algorithm", &algorithm)
                .set("size", &size)
                .set("duration", &certificate.duration.map(Duration::go_duration))
                .set("renew_before", &certificate.renew_before.map(Duration::go_duration)),
        );
    }
}
