//! Who may do more than before.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::{Finding, Level, Rule};

const GROUP: &str = "rbac.authorization.k8s.io";

fn written<'a>(
    input: Input<'a>,
    kinds: &'a [&str],
) -> impl Iterator<Item = (&'a Draft<'a>, &'a Value)> {
    let ours = input.drafts.iter().filter(move |draft| {
        let group_kind = &draft.key.group_kind;
        draft.action.writes()
            && group_kind.group == GROUP
            && kinds.contains(&group_kind.kind.as_str())
    });
    ours.filter_map(|draft| Some((draft, draft.body.as_deref()?)))
}

/// Rules of a role that it did not have before.
pub(super) fn rules(input: Input<'_>) -> Vec<Finding> {
    written(input, &["Role", "ClusterRole"])
        .filter_map(|(draft, body)| {
            let before = draft
                .live
                .map(|live| grants(&live.body))
                .unwrap_or_default();
            let new: Vec<Grant> = grants(body)
                .into_iter()
                .filter(|g| !before.iter().any(|b| b.covers(g)))
                .collect();
            let shown: Vec<String> = new.iter().take(6).map(Grant::words).collect();
            if shown.is_empty() {
                return None;
            }
            let more = match new.len() - shown.len() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            let level = match draft.live {
                None if !new.iter().any(Grant::is_broad) => Level::Notice,
                _ => Level::Danger,
            };
            let message = format!("it newly allows: {}{more}", shown.join("; "));
            let finding = draft.finding(level, Rule::RbacWidening, message);
            Some(draft.about_field(finding, "/rules"))
        })
        .collect()
}

/// Subjects of a binding that it did not have before.
pub(super) fn bindings(input: Input<'_>) -> Vec<Finding> {
    written(input, &["RoleBinding", "ClusterRoleBinding"])
        .filter_map(|(draft, body)| {
            let role = |body: &Value| {
                body.pointer("/roleRef/name")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            let same_role = draft
                .live
                .is_some_and(|live| role(&live.body) == role(body));
            let before = draft
                .live
                .filter(|_| same_role)
                .map(|live| subjects(&live.body))
                .unwrap_or_default();
            let new: Vec<String> = subjects(body)
                .into_iter()
                .filter(|s| !before.contains(s))
                .collect();
            if new.is_empty() {
                return None;
            }
            let name = role(body).unwrap_or_default();
            let admin = matches!(name.as_str(), "cluster-admin" | "admin");
            let cluster = draft.key.namespace.is_none();
            let level = if admin || cluster || draft.live.is_some() {
                Level::Danger
            } else {
                Level::Notice
            };
            let place = draft.key.namespace.as_ref().map_or_else(
                || " in the whole cluster".to_owned(),
                |namespace| format!(" in {namespace}"),
            );
            let message = format!("{} newly gets the role {name}{place}", new.join(", "));
            let finding = draft.finding(level, Rule::RbacWidening, message);
            Some(draft.about_field(finding, "/subjects"))
        })
        .collect()
}

fn subjects(body: &Value) -> BTreeSet<String> {
    let list = body
        .get("subjects")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.map(|subject| {
        let text = |name| subject.get(name).and_then(Value::as_str);
        let kind = text("kind").unwrap_or("subject");
        let name = text("name").unwrap_or_default();
        match text("namespace") {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        }
    })
    .collect()
}

/// One verb on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    verb: String,
    group: String,
    resource: String,
    /// Empty for all names.
    name: String,
}

impl Grant {
    fn covers(&self, other: &Self) -> bool {
        let fits = |mine: &str, theirs: &str| mine == "*" || mine == theirs;
        fits(&self.verb, &other.verb)
            && fits(&self.group, &other.group)
            && fits(&self.resource, &other.resource)
            && (self.name.is_empty() || self.name == other.name)
    }

    /// Rights with which one gets more rights, or everything of something.
    fn is_broad(&self) -> bool {
        let escalating = matches!(
            self.verb.as_str(),
            "*" | "bind" | "escalate" | "impersonate"
        );
        escalating || self.resource == "*" || self.resource == "secrets"
    }

    fn words(&self) -> String {
        let Self {
            verb,
            group,
            resource,
            name,
        } = self;
        let group = if group.is_empty() {
            String::new()
        } else {
            format!(".{group}")
        };
        let name = if name.is_empty() {
            String::new()
        } else {
            format!(" {name}")
        };
        format!("{verb} {resource}{group}{name}")
    }
}

fn grants(body: &Value) -> BTreeSet<Grant> {
    let list = |rule: &Value, name: &str| -> Vec<String> {
        let items = rule
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let one_if_empty = |list: Vec<String>| {
        if list.is_empty() {
            vec![String::new()]
        } else {
            list
        }
    };
    let mut out = BTreeSet::new();
    for rule in body
        .get("rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let mut resources = list(rule, "resources");
        resources.extend(list(rule, "nonResourceURLs"));
        for verb in list(rule, "verbs") {
            for group in one_if_empty(list(rule, "apiGroups")) {
                for resource in &resources {
                    for name in one_if_empty(list(rule, "resourceNames")) {
                        let (verb, group, resource) =
                            (verb.clone(), group.clone(), resource.clone());
                        out.insert(Grant {
                            verb,
                            group,
                            resource,
                            name,
                        });
                    }
                }
            }
        }
    }
    out
}
