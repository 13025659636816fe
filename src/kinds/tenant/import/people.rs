//! Bindings of roles that a tenant's members have, back into words.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Home;
use crate::kinds::import::{Draft, Drafts, Fields, Found, list, text};
use crate::kinds::tenant::member::Shipped;

const RBAC: &str = "rbac.authorization.k8s.io";
/// Start of the names of roles that members get.
const PREFIX: &str = "kubemate-role-";

pub(super) fn members(found: &Found, home: &Home<'_>, fields: &mut Fields, drafts: &mut Drafts) {
    let Some((namespace, _)) = home.namespaces.first() else { return };
    let bindings = found.of(RBAC, "RoleBinding").filter(|(key, ..)| key.namespace.as_deref() == Some(namespace));
    let mut roles = BTreeSet::new();
    for (key, body, _) in bindings {
        let Some(role) = key.name.strip_prefix(PREFIX) else { continue };
        let until = text(body, "/metadata/annotations/kubemate.dev~1until").unwrap_or_default();
        for subject in list(body, "/subjects") {
            let (Some(name), Some(kind)) = (text(subject, "/name"), text(subject, "/kind")) else { continue };
            let mut member = Fields::new();
            match kind {
                "Group" => member.put("kind", "group"),
                "ServiceAccount" => {
                    member.put("kind", "service-account");
                    member.may("namespace", text(subject, "/namespace").filter(|n| n != namespace));
                }
                _ => {}
            }
            member.put("role", role);
            let end = until.split(", ").find_map(|one| one.strip_prefix(name)?.strip_prefix(' '));
            member.may("until", end);
            fields.entry("member", name, member);
        }
        if Shipped::of(role).is_none() {
            roles.insert(role.to_owned());
        }
    }
    for role in roles {
        let known = drafts.all.iter().any(|draft| draft.kind == "role" && draft.name == role);
        let body = found.get((RBAC, "Role"), namespace, &format!("{PREFIX}{role}"));
        if let (Some(body), false) = (body, known) {
            drafts.all.push(own_role(&role, body));
        }
    }
}

/// A role that the project declares. What its members may ask of kubemate stands in no object.
fn own_role(name: &str, body: &Value) -> Draft {
    let mut allow = Vec::new();
    for rule in list(body, "/rules") {
        for group in list(rule, "/apiGroups").filter_map(Value::as_str) {
            for resource in list(rule, "/resources").filter_map(Value::as_str) {
                let on = if group.is_empty() { resource.to_owned() } else { format!("{group}/{resource}") };
                allow.push(json!({ "verbs": rule.get("verbs"), "on": on }));
            }
        }
    }
    let mut fields = Map::new();
    fields.insert("name".into(), name.into());
    fields.insert("allow".into(), allow.into());
    Draft {
        kind: "role",
        name: name.to_owned(),
        path_of: None,
        fields: fields.into(),
        renamed: Vec::new(),
        notes: vec!["what its members may ask of kubemate (`may plan promote …`) stands in no object: add it".to_owned()],
    }
}
