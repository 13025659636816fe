//! Changes of a CRD that would strand what is stored under it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::{Finding, Level, Rule};

fn changed(input: Input<'_>) -> impl Iterator<Item = (&Draft<'_>, &Value, &Value)> {
    let crds = input.drafts.iter().filter(|draft| {
        draft.action.writes() && draft.key.group_kind.kind == "CustomResourceDefinition"
    });
    crds.filter_map(|draft| Some((draft, &draft.live?.body, &draft.desired?.manifest.body)))
}

/// A CRD's scope cannot change.
pub(super) fn scope(input: Input<'_>) -> Vec<Finding> {
    let scope = |body: &Value| {
        body.pointer("/spec/scope")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    changed(input)
        .filter_map(|(draft, live, wanted)| match (scope(live), scope(wanted)) {
            (Some(old), Some(new)) if old != new => {
                let message = format!("the scope of its objects would change from {old} to {new}, which strands the existing ones");
                let finding = draft.finding(Level::Error, Rule::CrdUnsafe, message);
                Some(draft.about_field(finding, "/spec/scope"))
            }
            _ => None,
        })
        .collect()
}

/// A version in which objects are stored cannot go.
pub(super) fn stored_versions(input: Input<'_>) -> Vec<Finding> {
    changed(input)
        .filter_map(|(draft, live, wanted)| {
            let list =
                |body: &'_ Value, pointer| body.pointer(pointer).and_then(Value::as_array).cloned();
            let stored = list(live, "/status/storedVersions").unwrap_or_default();
            let kept: BTreeSet<String> = list(wanted, "/spec/versions")
                .unwrap_or_default()
                .iter()
                .filter_map(|version| version.get("name")?.as_str().map(str::to_owned))
                .collect();
            let gone: Vec<&str> = stored
                .iter()
                .filter_map(Value::as_str)
                .filter(|v| !kept.contains(*v))
                .collect();
            if gone.is_empty() {
                return None;
            }
            let message = format!(
                "the version {} goes, and objects are still stored in it",
                gone.join(", ")
            );
            let help = "keep the version, migrate the stored objects, then remove it";
            let finding = draft
                .finding(Level::Error, Rule::CrdUnsafe, message)
                .help(help);
            Some(draft.about_field(finding, "/spec/versions"))
        })
        .collect()
}
