//! Listeners that fit together: one per port and host, with what its protocol needs.

use std::collections::BTreeMap;

use super::super::Tenant;
use super::super::gateway::{Gateway, Listener, ListenerProtocol, Mode};
use crate::dsl::codes;
use crate::kinds::{Claim, Findings, Scope};
use crate::names::Name;

pub(super) fn check(tenant: &Tenant, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let mut seen: BTreeMap<(&str, u16, String), String> = BTreeMap::new();
    for (name, gateway) in tenant.gateway.iter() {
        let base = format!("/gateway/{name}");
        form(tenant, (name, gateway), &base, out);
        class(tenant, gateway, &base, scope, out);
        for (listener_name, listener) in gateway.listener.iter() {
            let pointer = format!("{base}/listener/{listener_name}");
            listener_form(listener, &pointer, out);
            if let Some(certificate) = &listener.certificate {
                let at = format!("{pointer}/certificate");
                out.mention("certificate", tenant.name.as_str(), certificate.as_str(), &at);
            }
            let host = listener.host.as_ref().map_or("any host".to_owned(), ToString::to_string);
            let port = listener.port.number();
            let key = (gateway.class(), port, host.clone());
            if let Some(first) = seen.insert(key, pointer.clone()) {
                let message = format!("port {port} has two listeners for {}", quoted(listener));
                let finding = out
                    .error_on_name(codes::LISTENER_CLASH, &pointer, message)
                    .label("the second one")
                    .related(out.name(&first), "the first one");
                out.push(finding.help("give one of them another `port` or `host`"));
            }
            claim(tenant, (gateway, listener), &pointer, scope, out);
        }
    }
}

fn quoted(listener: &Listener) -> String {
    listener.host.as_ref().map_or("any host".to_owned(), |host| format!("`{host}`"))
}

fn form(tenant: &Tenant, (name, gateway): (&Name, &Gateway), base: &str, out: &mut Findings<'_>) {
    if gateway.listener.is_empty() {
        let finding = out.error_on_name(codes::LISTENER_FORM, base, format!("gateway `{name}` listens nowhere"));
        out.push(finding.help("add a listener, as in `listener http port=80 { redirect scheme=https }`"));
    }
    if let Some(namespace) = &gateway.namespace
        && !tenant.namespace.contains_key(namespace)
    {
        let message = format!("tenant `{}` has no namespace `{namespace}`", tenant.name);
        let known: Vec<&str> = tenant.namespace.keys().map(Name::as_str).collect();
        let finding = out.error(codes::DANGLING, &format!("{base}/namespace"), message).label("not found");
        out.push(if known.is_empty() {
            finding.help("leave it out: the tenant has a single namespace without a name")
        } else {
            finding.help(format!("known: {}", known.join(", ")))
        });
    }
}

/// A dedicated class serves one tenant.
fn class(tenant: &Tenant, gateway: &Gateway, base: &str, scope: &Scope<'_>, out: &mut Findings<'_>) {
    for (id, other) in scope.all::<Tenant>().filter(|(_, other)| other.name != tenant.name) {
        let theirs = other.gateway.values().filter(|theirs| theirs.class() == gateway.class());
        if theirs.into_iter().any(|theirs| theirs.mode == Mode::Dedicated) {
            let message = format!("class `{}` serves tenant `{}` alone", gateway.class(), other.name);
            let mut finding = out.error(codes::CLASS_NOT_SHARED, &format!("{base}/class"), message);
            if let Some(node) = scope.node(id) {
                finding = finding.related(node.nearest("/gateway").place.key, "dedicated there");
            }
            out.push(finding.label("not shared").help("name another `class`"));
        }
    }
}

fn listener_form(listener: &Listener, pointer: &str, out: &mut Findings<'_>) {
    let speaks = listener.speaks();
    if speaks == ListenerProtocol::Https && listener.certificate.is_none() {
        let finding = out.error_on_name(codes::LISTENER_FORM, pointer, "https needs a certificate to show");
        out.push(finding.help("write `certificate=NAME` and a `certificate NAME` of the tenant"));
    }
    if speaks != ListenerProtocol::Https && listener.certificate.is_some() {
        let message = "only https shows a certificate";
        let finding = out.error(codes::LISTENER_FORM, &format!("{pointer}/certificate"), message);
        out.push(finding.help("leave `protocol` out, or remove the certificate"));
    }
    if listener.port.number() == 443 && speaks == ListenerProtocol::Http {
        let message = "people expect https on port 443, and this listener speaks plain http";
        let finding = out.error(codes::LISTENER_FORM, &format!("{pointer}/port"), message);
        out.push(finding.help("write `certificate=NAME`, or use port 80"));
    }
    if listener.redirect.is_some() && speaks != ListenerProtocol::Http {
        let message = "only plain http is redirected to https";
        let finding = out.error(codes::LISTENER_FORM, &format!("{pointer}/redirect"), message);
        out.push(finding.help("redirect from a listener without a certificate, such as port 80"));
    }
    if speaks == ListenerProtocol::Tcp && listener.host.is_some() {
        let message = "a tcp listener cannot tell one host from another";
        out.push(out.error(codes::LISTENER_FORM, &format!("{pointer}/host"), message).help("remove it, or use tls"));
    }
}

/// A host on a port belongs to one tenant, and to one environment.
fn claim(
    tenant: &Tenant,
    (gateway, listener): (&Gateway, &Listener),
    pointer: &str,
    scope: &Scope<'_>,
    out: &mut Findings<'_>,
) {
    let Some(host) = &listener.host else { return };
    out.claim(Claim {
        space: "listener".into(),
        name: format!("{host}:{}", listener.port),
        within: gateway.class().to_owned(),
        across_environments: true,
        environment: scope.target.environment.clone(),
        cluster: scope.target.cluster.clone(),
        holder: format!("tenant/{}", tenant.name),
        at: out.value(&format!("{pointer}/host")),
    });
}
