//! What a tenant may not be: named like a part of the system, open where it should be closed, or
//! bounded in ways that no container can keep.

mod gateway;
mod network;
mod quota;

use super::member::MemberKind;
use super::{ENVIRONMENT_LABEL, Tenant};
use crate::dsl::codes;
use crate::kinds::{Claim, Findings, Scope};
use crate::names::NamespaceName;

/// Namespaces that belong to the cluster or to kubemate.
const SYSTEM: &[&str] = &["default", "kubemate-system"];

pub(super) fn check(tenant: &Tenant, scope: &Scope<'_>, out: &mut Findings<'_>) {
    namespaces(tenant, scope, out);
    members(tenant, out);
    quota::check(tenant, out);
    network::check(tenant, scope, out);
    gateway::check(tenant, scope, out);
}

fn namespaces(tenant: &Tenant, scope: &Scope<'_>, out: &mut Findings<'_>) {
    for (name, namespace, settings) in tenant.namespaces(scope) {
        let pointer = name.map_or("/name".to_owned(), |name| format!("/namespace/{name}"));
        let at = if name.is_some() { out.name(&pointer) } else { out.value(&pointer) };
        if namespace.len() > NamespaceName::MAX {
            let message = format!(
                "the namespace would be called `{namespace}`: {} characters, {} are allowed",
                namespace.len(),
                NamespaceName::MAX
            );
            out.push(
                out.error_on_name(codes::NAME_TOO_LONG, &pointer, message)
                    .help("give the tenant or the namespace a shorter name"),
            );
        }
        if namespace.starts_with("kube-") || SYSTEM.contains(&namespace.as_str()) {
            let message = format!("the namespace would be called `{namespace}`, which is the system's own");
            out.push(
                out.error_on_name(codes::RESERVED_NAME, &pointer, message)
                    .label("reserved")
                    .help("give the tenant or the namespace another name"),
            );
        }
        let holder = match name {
            Some(name) => format!("tenant/{} namespace {name}", tenant.name),
            None => format!("tenant/{}", tenant.name),
        };
        out.claim(Claim {
            space: "namespace".into(),
            name: namespace,
            within: String::new(),
            across_environments: false,
            environment: scope.target.environment.clone(),
            cluster: scope.target.cluster.clone(),
            holder,
            at,
        });
        for (label, _) in settings.into_iter().flat_map(|s| s.labels.iter()) {
            if let Some(why) = reserved_label(label.as_str()) {
                let pointer = format!("{pointer}/labels/{}", label.as_str().replace('/', "~1"));
                out.push(
                    out.error_on_name(codes::RESERVED_NAME, &pointer, format!("`{label}` {why}"))
                        .label("reserved"),
                );
            }
        }
    }
}

/// Labels that decide what a namespace is allowed; they are set from other fields.
pub(super) fn reserved_label(label: &str) -> Option<&'static str> {
    let (prefix, _) = label.split_once('/')?;
    match prefix {
        "pod-security.kubernetes.io" => Some("is set by `pod-security`"),
        _ if ENVIRONMENT_LABEL.starts_with(prefix) => Some("is kubemate's own"),
        "kubernetes.io" | "app.kubernetes.io" => Some("is set by the system"),
        _ => None,
    }
}

fn members(tenant: &Tenant, out: &mut Findings<'_>) {
    for (name, member) in tenant.member.iter() {
        let pointer = format!("/member/{}", name.as_str().replace('~', "~0").replace('/', "~1"));
        if member.until.is_some_and(|until| until.offset().is_none()) {
            let message = "the end of a membership needs its offset from UTC";
            out.push(
                out.error(codes::WHICH_ZONE, &format!("{pointer}/until"), message)
                    .label("in which zone?")
                    .help("write it as in `until=\"2026-12-01T18:00+08:00\"`"),
            );
        }
        if member.namespace.is_some() && member.kind != MemberKind::ServiceAccount {
            let message = "only a service account has a namespace";
            out.push(
                out.error(codes::BAD_VALUE, &format!("{pointer}/namespace"), message)
                    .help("remove it, or add `kind=service-account`"),
            );
        }
        account_name(name.as_str(), member.kind, &pointer, out);
    }
}

fn account_name(name: &str, kind: MemberKind, pointer: &str, out: &mut Findings<'_>) {
    if name.starts_with("system:") {
        let message = format!("`{name}` is an account of the cluster itself");
        out.push(
            out.error_on_name(codes::RESERVED_NAME, pointer, message)
                .label("reserved")
                .help("for a service account write its plain name with `kind=service-account`"),
        );
    } else if kind == MemberKind::ServiceAccount {
        if name == super::IDENTITY {
            let message = format!("`{name}` writes the tenant's objects for kubemate and gets no other role");
            out.push(out.error_on_name(codes::RESERVED_NAME, pointer, message).label("reserved"));
        } else if let Err(error) = name.parse::<crate::names::ObjectName>() {
            let message = format!("`{name}` {error}");
            out.push(out.error_on_name(codes::BAD_NAME, pointer, message));
        }
    }
}
