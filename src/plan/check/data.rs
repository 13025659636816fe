//! Loss of stored data.

use serde_json::Value;

use crate::object::ObjectKey;
use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::step::Action;
use crate::plan::{Finding, Level, Rule};

/// What happens to the data when a claim or a volume goes.
pub(super) fn claims(input: Input<'_>) -> Vec<Finding> {
    let gone = input.drafts.iter().filter(|draft| draft.action.deletes());
    gone.filter_map(|draft| {
        let kind = draft.key.group_kind.kind.as_str();
        let body = draft.live.map(|live| &live.body);
        let message = match kind {
            "PersistentVolumeClaim" => {
                "the data of this claim is lost, unless its volume is kept by its reclaim policy".to_owned()
            }
            "PersistentVolume" => {
                let kept = body.and_then(|b| b.pointer("/spec/persistentVolumeReclaimPolicy"));
                match kept.and_then(Value::as_str) {
                    Some("Retain") => "the volume is forgotten; its storage is kept and must be found again by hand".into(),
                    _ => "the data of this volume is lost".into(),
                }
            }
            "StatefulSet" => stateful_set(body?)?,
            "Secret" => "whatever still uses this secret cannot start again".into(),
            _ => return None,
        };
        let level = if kind == "Secret" { Level::Notice } else { Level::Danger };
        Some(draft.finding(level, Rule::DataLoss, message))
    })
    .collect()
}

fn stateful_set(body: &Value) -> Option<String> {
    let claims = body.pointer("/spec/volumeClaimTemplates")?.as_array()?;
    if claims.is_empty() {
        return None;
    }
    let policy = body.pointer("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted");
    Some(match policy.and_then(Value::as_str) {
        Some("Delete") => "its claims are deleted with it, and their data is lost".into(),
        _ => "its claims stay behind with their data and are no longer used".into(),
    })
}

/// Another name or namespace is a new object without the old data: refused unless the resource says
/// where it comes from.
pub(super) fn moved(input: Input<'_>) -> Vec<Finding> {
    let stores = |draft: &&Draft<'_>| holds_data(&draft.key, draft.body.as_deref());
    let gone: Vec<&Draft<'_>> = input
        .drafts
        .iter()
        .filter(|d| matches!(d.action, Action::Delete { .. }))
        .filter(stores)
        .collect();
    let new = input
        .drafts
        .iter()
        .filter(|d| matches!(d.action, Action::Create { .. }))
        .filter(stores);
    let mut findings = Vec::new();
    for draft in new {
        let same = |old: &&&Draft<'_>| {
            let name = old.key.name == draft.key.name || old.resource == draft.resource;
            name && old.key.group_kind == draft.key.group_kind
        };
        let Some(old) = gone.iter().find(same) else {
            continue;
        };
        let said = draft.desired.and_then(|d| d.rules.moved_from.as_ref()) == Some(&old.key);
        let level = if said { Level::Danger } else { Level::Error };
        let message = format!(
            "{} becomes {}: that is a new, empty one, and the data stays with the old one",
            old.key, draft.key
        );
        let help = "copy the data first; then say `moved from=…` on the resource";
        findings.push(
            draft
                .finding(level, Rule::Moved, message.clone())
                .help(help),
        );
        findings.push(old.finding(level, Rule::Moved, message).help(help));
    }
    findings
}

/// Whether an object stands for stored data.
fn holds_data(key: &ObjectKey, body: Option<&Value>) -> bool {
    match key.group_kind.kind.as_str() {
        "PersistentVolumeClaim" => key.group_kind.group.is_empty(),
        "StatefulSet" => {
            let claims = body.and_then(|b| b.pointer("/spec/volumeClaimTemplates")?.as_array());
            claims.is_some_and(|claims| !claims.is_empty())
        }
        _ => false,
    }
}
