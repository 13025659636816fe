//! Which changes restart pods.

use crate::plan::check::Input;
use crate::plan::step::Action;
use crate::plan::{Finding, Level, Rule};

/// A changed pod template restarts every pod of a workload.
pub(super) fn pods(input: Input<'_>) -> Vec<Finding> {
    let updated = input.drafts.iter().filter(|draft| {
        let updated = matches!(draft.action, Action::Update { .. } | Action::Adopt { .. });
        updated && crate::plan::order::is_workload(&draft.key)
    });
    updated
        .filter_map(|draft| {
            let template = |pointer: &str| pointer.starts_with("/spec/template/");
            let fields: Vec<_> = draft
                .action
                .changes()
                .iter()
                .filter(|change| template(&change.pointer))
                .collect();
            let first = fields.first()?;
            let live = &draft.live?.body;
            let count = live
                .pointer("/status/replicas")
                .and_then(serde_json::Value::as_u64);
            let pods = match count {
                Some(0) => return None,
                Some(1) => "its pod is restarted".to_owned(),
                Some(n) => format!("its {n} pods are restarted"),
                None => "its pods are restarted".to_owned(),
            };
            let recreate = live
                .pointer("/spec/strategy/type")
                .and_then(serde_json::Value::as_str);
            let at_once = recreate == Some("Recreate") || count == Some(1);
            let gap = if at_once {
                ", with a gap in between"
            } else {
                ""
            };
            let level = if at_once {
                Level::Danger
            } else {
                Level::Notice
            };
            let why = first
                .path
                .strip_prefix("spec.template.")
                .unwrap_or(&first.path);
            let message = format!("{pods}{gap}: `{why}` changes");
            let mut finding = draft.finding(level, Rule::Restart, message);
            finding.fields = fields.iter().map(|change| change.pointer.clone()).collect();
            Some(finding)
        })
        .collect()
}
