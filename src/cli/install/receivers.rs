//! The right of the controller to read the Secrets of receivers of notices, and no other Secret.

use serde_json::{Value, json};

use super::ACCOUNT;
use crate::adapters::sync;
use crate::names::Name;

/// The right to read the Secrets of receivers, each by its name, and no other Secret.
pub(super) fn receivers(secrets: &[Name]) -> Vec<Value> {
    if secrets.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = secrets.iter().map(ToString::to_string).collect();
    let group = "rbac.authorization.k8s.io";
    let version = format!("{group}/v1");
    let metadata = json!({"name": "kubemate-notify", "namespace": sync::NAMESPACE});
    let rule = json!({
        "apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": ["get"],
    });
    let subject = json!({"kind": "ServiceAccount", "name": ACCOUNT, "namespace": sync::NAMESPACE});
    vec![
        json!({"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": [rule]}),
        json!({
            "apiVersion": version, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "kubemate-notify"},
            "subjects": [subject],
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;
    use crate::names::grammar::Grammar as _;

    #[test]
    fn only_the_secrets_of_receivers_are_read_and_only_by_name() {
        assert!(receivers(&[]).is_empty());
        let names = ["team-slack", "team-feishu"].map(|name| Name::read(name).unwrap());
        let all = receivers(&names);
        assert_eq!(all[0]["kind"], "Role");
        assert_eq!(all[0]["metadata"]["namespace"], sync::NAMESPACE);
        let rule = json!({
            "apiGroups": [""], "resources": ["secrets"],
            "resourceNames": ["team-slack", "team-feishu"], "verbs": ["get"],
        });
        assert_eq!(all[0]["rules"], json!([rule]));
        assert_eq!(all[1]["roleRef"]["name"], all[0]["metadata"]["name"]);
        assert!(document(&all[0]).unwrap().starts_with("---\n"));
    }
}
