//! What the controller's account has to be allowed, right by right, as its manifests give it.

use serde_json::Value;

use super::{Mode, manifests};
use crate::adapters::examine::Right;
use crate::cli::Failure;

/// Every right that the manifests give to kubemate's account, one by one.
pub(in crate::cli) fn rights(mode: Mode) -> Result<Vec<Right>, Failure> {
    let text = manifests(mode, "kubemate", None, "kind: none")?;
    let mut rights = Vec::new();
    for document in text.split("---\n") {
        let unread = |error: serde_saphyr::Error| Failure::Print {
            set: "a role".to_owned(),
            reason: error.to_string(),
        };
        let object: Value = serde_saphyr::from_str(document).map_err(unread)?;
        // Who holds or approves something is a right of people.
        let name = object["metadata"]["name"].as_str();
        let is_ours = !matches!(name, Some("kubemate-hold" | "kubemate-approver"));
        let namespace = match object["kind"].as_str() {
            Some("Role") if is_ours => object["metadata"]["namespace"].as_str(),
            Some("ClusterRole") => None,
            _ => continue,
        };
        for rule in object["rules"].as_array().into_iter().flatten() {
            rights.extend(of_rule(rule, namespace));
        }
    }
    rights.sort();
    rights.dedup();
    Ok(rights)
}

/// The rights that one rule gives. Without names it is about all objects.
fn of_rule(rule: &Value, namespace: Option<&str>) -> Vec<Right> {
    let words = |key: &str| -> Vec<String> {
        let all = rule[key].as_array().into_iter().flatten();
        all.filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    let mut names: Vec<Option<String>> = words("resourceNames").into_iter().map(Some).collect();
    if names.is_empty() {
        names.push(None);
    }
    let mut rights = Vec::new();
    for group in words("apiGroups") {
        for resource in words("resources") {
            for verb in words("verbs") {
                rights.extend(names.iter().map(|name| Right {
                    verb: verb.clone(),
                    group: group.clone(),
                    resource: resource.clone(),
                    name: name.clone(),
                    namespace: namespace.map(str::to_owned),
                }));
            }
        }
    }
    rights
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_name_of_a_rule_is_a_right() {
        let rule = |names: Value| {
            let rule = json!({
                "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"],
                "resourceNames": names,
            });
            let rights = of_rule(&rule, Some("kubemate-system")).into_iter();
            rights.map(|right| right.name).collect::<Vec<_>>()
        };
        let each = ["a", "b"].map(|name| Some(name.to_owned()));
        assert_eq!(rule(json!(["a", "b"])), each);
        assert_eq!(rule(json!(null)), [None::<String>]);
    }
}
