//! A certificate is for somebody, is renewed before it ends, and covers the listeners that show it.

use super::Certificate;
use crate::dsl::codes;
use crate::kinds::component::needed;
use crate::kinds::tenant::Tenant;
use crate::kinds::{Findings, Scope};

pub(super) fn check(certificate: &Certificate, scope: &Scope<'_>, out: &mut Findings<'_>) {
    needed::check("cert-manager.io", "", scope, out);
    if certificate.host.is_empty() {
        let message = format!("certificate `{}` is for no host", certificate.name);
        out.push(out.error(codes::MISSING_FIELD, "", message).help("add `host \"NAME\"`"));
    }
    for (index, host) in certificate.host.iter().enumerate() {
        if certificate.host[..index].contains(host) {
            let finding = out.error(codes::COVERED, &format!("/host/{index}"), format!("`{host}` is named twice"));
            out.push(finding.warning().help("remove one of the two"));
        }
    }
    let late = certificate.renew_before.zip(certificate.duration);
    if late.is_some_and(|(before, whole)| before >= whole) {
        let message = "it would be renewed before it begins";
        let finding = out.error(codes::CONTRADICTION, "/renew-before", message);
        out.push(finding.help("make it shorter than `duration`"));
    }
    if !certificate.host.is_empty() {
        covers(certificate, scope, out);
        given(certificate, scope, out);
    }
}

/// Whoever holds a certificate for a host can pass for it.
fn given(certificate: &Certificate, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(tenant) = scope.find::<Tenant>(certificate.tenant.name()) else {
        return;
    };
    let namespaces = tenant.namespaces(scope);
    for (index, host) in certificate.host.iter().enumerate() {
        let inside = namespaces.iter().any(|(_, namespace, _)| {
            let ends = [format!(".{namespace}.svc"), format!(".{namespace}.svc.cluster.local")];
            ends.iter().any(|end| host.as_str().ends_with(end))
        });
        if tenant.has_host(host) || inside {
            continue;
        }
        let message = format!("the host `{host}` is not one of tenant `{}`", tenant.name);
        let hosts: Vec<&str> = tenant.hosts().into_iter().collect();
        let known = if hosts.is_empty() { "none".to_owned() } else { hosts.join(", ") };
        let finding = out.error(codes::NOT_GIVEN, &format!("/host/{index}"), message).label("not the tenant's");
        out.push(finding.help(format!(
            "its hosts are: {known}; the platform team names more in `hosts` of the tenant"
        )));
    }
}

/// A listener for a host that its certificate is not for shows browsers a warning.
fn covers(certificate: &Certificate, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(tenant) = scope.find::<Tenant>(certificate.tenant.name()) else {
        return;
    };
    for (name, gateway) in tenant.gateway.iter() {
        for (listener_name, listener) in gateway.listener.iter() {
            let shown = listener.certificate.as_ref() == Some(&certificate.name);
            let Some(host) = listener.host.as_ref().filter(|_| shown) else {
                continue;
            };
            if !certificate.host.iter().any(|own| own == host || own.covers(host)) {
                let message = format!(
                    "listener `{listener_name}` of gateway `{name}` shows this certificate for `{host}`, which it is not for"
                );
                let finding = out.error(codes::LISTENER_FORM, "/host", message);
                out.push(finding.label("not covered").help(format!("add `host \"{host}\"`")));
            }
        }
    }
}
