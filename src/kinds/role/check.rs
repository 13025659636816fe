//! A role stays inside the borders of a tenant: it reads them, and never moves them.

use super::{Allow, Role};
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};

/// What holds a tenant: nobody inside may change it.
const BORDERS: &[(&str, &str)] = &[
    ("", "endpoints"),
    ("", "limitranges"),
    ("", "namespaces"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    // What is asked of an issuer here names its hosts where no policy reads them.
    ("cert-manager.io", "certificaterequests"),
    ("discovery.k8s.io", "endpointslices"),
    ("external-secrets.io", "pushsecrets"),
    ("external-secrets.io", "secretstores"),
    ("gateway.networking.k8s.io", "gateways"),
    ("gateway.networking.k8s.io", "listenersets"),
    ("gateway.networking.k8s.io", "referencegrants"),
    ("gateway.networking.k8s.io", "udproutes"),
    ("kueue.x-k8s.io", "localqueues"),
    ("networking.k8s.io", "networkpolicies"),
    ("traefik.io", "ingressrouteudps"),
];
/// Groups that hold rights, or reach beyond a namespace.
const BORDER_GROUPS: &[&str] = &[
    "acme.cert-manager.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "authentication.k8s.io",
    "certificates.k8s.io",
    "kubemate.dev",
    "rbac.authorization.k8s.io",
];

pub(super) fn check(role: &Role, _scope: &Scope<'_>, out: &mut Findings<'_>) {
    if role.allow.is_empty() && role.may.is_empty() {
        out.push(
            out.error(codes::NO_EFFECT, "", format!("role `{}` allows nothing", role.name))
                .help("write what it may do: `allow get list watch on=\"apps/deployments\"`, or `may plan`"),
        );
    }
    for (index, allow) in role.allow.iter().enumerate() {
        if widens(allow) {
            let message = format!(
                "a role may not change `{}`: it is a border of the tenant",
                allow.on
            );
            out.push(
                out.error(codes::ROLE_TOO_WIDE, &format!("/allow/{index}/on"), message)
                    .label("reading it is all that a member may do")
                    .help("such objects come from the `tenant` itself; change them there"),
            );
        }
    }
}

fn widens(allow: &Allow) -> bool {
    let (group, resource) = (allow.on.group(), allow.on.resource());
    let border = BORDER_GROUPS.contains(&group)
        || BORDERS.iter().any(|(g, r)| *g == group && *r == resource);
    border && allow.verbs.iter().any(|verb| !verb.reads())
}
