//! Which component brings the objects that other kinds are rendered to.

use super::Component;
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};

/// API groups of objects that kinds are rendered to, and the component that brings each.
const GROUPS: &[(&str, &str)] = &[
    ("cert-manager.io", "cert-manager"),
    ("external-secrets.io", "external-secrets"),
    ("flagger.app", "flagger"),
    ("gateway.networking.k8s.io", "gateway-api"),
    ("keda.sh", "keda"),
    ("traefik.io", "traefik"),
];

/// The component that brings an API group, if it is one that kinds build on.
pub fn of_group(group: &str) -> Option<&'static str> {
    let found = GROUPS.iter().find(|(own, _)| *own == group);
    found.map(|(_, component)| *component)
}

/// What to do where a component is missing.
pub fn how_to_add(component: &str) -> String {
    format!(
        "write `component {component} version=\"…\"` in the platform's files and bring it with `manifests`, or \
         add `external=#true` where somebody else installs it"
    )
}

/// A warning where the field at `pointer` builds on objects of a group whose component is not declared.
/// A project that declares no component at all leaves that to its clusters, which a plan asks.
pub fn check(group: &str, pointer: &str, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(component) = of_group(group) else {
        return;
    };
    let mut declared = scope.platforms::<Component>().peekable();
    if declared.peek().is_none()
        || declared.any(|(id, _)| id.name == component)
        || scope.declares::<Component>(component)
    {
        return;
    }
    let message = format!("this needs the component `{component}`, which is not declared");
    let finding = out.error_on_name(codes::COMPONENT_MISSING, pointer, message);
    out.push(finding.warning().help(how_to_add(component)));
}
