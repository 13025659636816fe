//! Findings of plans as SARIF 2.1.0, for code scanning.

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::plan::display::{Places, place, subject};
use crate::plan::finding::{Finding, Level, Rule};

/// One run with the findings of all plans.
pub fn sarif(plans: &[&Plan], places: Places<'_>, version: &str) -> Value {
    let rules: Vec<Value> = Rule::ALL
        .iter()
        .map(|rule| {
            let about = json!({ "text": rule.about() });
            json!({ "id": rule.code().to_string(), "name": rule.word(), "shortDescription": about })
        })
        .collect();
    let results: Vec<Value> = plans
        .iter()
        .flat_map(|plan| plan.findings.iter().map(|f| result(plan, f, places)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "kubemate", "version": version, "rules": rules } },
            "results": results,
        }],
    })
}

fn result(plan: &Plan, finding: &Finding, places: Places<'_>) -> Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Confirm | Level::Danger => "warning",
        Level::Notice => "note",
    };
    let help = if finding.help.is_empty() {
        String::new()
    } else {
        format!(" Help: {}.", finding.help)
    };
    let text = format!(
        "{}: {} ({}).{help}",
        subject(finding.key.as_ref()),
        finding.message,
        plan.set
    );
    let locations: Vec<Value> = place(&finding.spans, places)
        .map(|place| {
            let region = json!({ "startLine": place.line, "startColumn": place.column });
            json!({ "physicalLocation": { "artifactLocation": { "uri": uri(&place.path) }, "region": region } })
        })
        .into_iter()
        .collect();
    json!({
        "ruleId": finding.rule.code().to_string(),
        "level": level,
        "message": { "text": text },
        "locations": locations,
    })
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    path.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
