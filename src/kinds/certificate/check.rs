//! A certificate is for somebody, is signed by an issuer that is given, is renewed before it ends, and covers
//! the listeners that show it.

use super::Certificate;
use crate::dsl::codes;
use crate::kinds::component::needed;
use crate::kinds::tenant::Tenant;
use crate::kinds::{Findings, Scope};

/// The API group of cert-manager's own issuers.
const OWN_GROUP: &str = "cert-manager.io";

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
    issuer(certificate, scope, out);
    usages(certificate, out);
    subject(certificate, scope, out);
    if !certificate.host.is_empty() {
        covers(certificate, scope, out);
        given(certificate, scope, out);
    }
}

/// What else than cert-manager signs certificates here, the platform says tenant by tenant.
fn issuer(certificate: &Certificate, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(issuer) = &certificate.issuer_ref else {
        return;
    };
    if out.written("/issuer-kind") {
        let finding = out.error(codes::CONTRADICTION, "/issuer-kind", "the kind of the issuer is said twice");
        out.push(finding.help("`issuer-kind` is for issuers of cert-manager itself: take it out"));
    }
    if issuer.group.as_str() == OWN_GROUP {
        let finding = out.error(codes::CONTRADICTION, "/issuer-ref/group", "this is cert-manager itself");
        out.push(finding.help("write `issuer-kind=cluster` or `issuer-kind=namespace` instead"));
        return;
    }
    let Some(tenant) = scope.find::<Tenant>(certificate.tenant.name()) else {
        return;
    };
    if !tenant.issuer_groups.contains(&issuer.group) {
        let message = format!("tenant `{}` has no issuers of `{}`", tenant.name, issuer.group);
        let finding = out.error(codes::NOT_GIVEN, "/issuer-ref/group", message).label("not the tenant's");
        out.push(finding.help("take an issuer of cert-manager, or ask the platform team to name the group in `issuer-groups` of the tenant"));
    }
}

/// No use is named twice.
fn usages(certificate: &Certificate, out: &mut Findings<'_>) {
    for (index, usage) in certificate.usages.iter().enumerate() {
        if certificate.usages[..index].contains(usage) {
            let finding = out.error(codes::COVERED, &format!("/usages/{index}"), format!("`{}` is named twice", usage.kubernetes()));
            out.push(finding.warning().help("remove one of the two"));
        }
    }
}

/// Most characters of a common name; a limit of X.509.
const MAX_COMMON_NAME: usize = 64;

/// Old programs and databases take the common name for who it is: it stays inside the tenant like a host.
fn subject(certificate: &Certificate, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(name) = &certificate.common_name else {
        return;
    };
    if name.as_str().len() > MAX_COMMON_NAME {
        let message = format!("a common name has at most {MAX_COMMON_NAME} characters");
        let finding = out.error(codes::BAD_VALUE, "/common-name", message);
        out.push(finding.help("take it out: programs look at the hosts"));
    }
    let listed = certificate.host.iter().any(|host| host == name || host.covers(name));
    let tenant = scope.find::<Tenant>(certificate.tenant.name());
    if listed || tenant.is_none_or(|tenant| tenant.hosts.iter().any(|own| own == name || own.covers(name))) {
        return;
    }
    let message = format!("the common name `{name}` is none of the hosts of this certificate");
    let finding = out.error(codes::NOT_GIVEN, "/common-name", message).label("whose name is this?");
    out.push(finding.help("name one of its hosts, or ask the platform team to name it in `hosts` of the tenant"));
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
