//! One Certificate of cert-manager per namespace.

use super::{Certificate, Key};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::values::duration::Duration;

pub(super) fn render(certificate: &Certificate, scope: &Scope<'_>, out: &mut Objects) {
    let (algorithm, size) = match certificate.key {
        Key::Ecdsa => ("ECDSA", Some(256)),
        Key::Rsa => ("RSA", Some(2048)),
        Key::Ed25519 => ("Ed25519", None),
    };
    for namespace in certificate.namespaces(scope) {
        out.push(
            ObjectRequest::new("certificate/certificate.yaml.j2")
                .with("certificate", certificate, "")
                .set("namespace", &namespace)
                .set("tenant", &certificate.tenant.name())
                .set("issuer_kind", &certificate.issuer_kind.kubernetes())
                .set("algorithm", &algorithm)
                .set("size", &size)
                .set("duration", &certificate.duration.map(Duration::go_duration))
                .set("renew_before", &certificate.renew_before.map(Duration::go_duration)),
        );
    }
}
