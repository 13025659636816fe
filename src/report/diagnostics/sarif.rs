//! Problems as a SARIF 2.1.0 log for code scanners.
//!
//! Paths are relative to the repository's root, columns count characters, and fingerprints do not
//! hold line numbers, so that a problem stays the same one when lines above it move.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::json::pretty;
use super::places::{Places, Position};
use crate::dsl::codes;
use crate::dsl::diagnostic::{Code, Diagnostic, Diagnostics, Fix, Label, Severity, Span};
use crate::source::SourceTree;

/// Results that scanners accept in one log.
const MAX_RESULTS: usize = 5000;
const ROOT: &str = "%SRCROOT%";

/// The problems as one SARIF log, errors before warnings where not all fit.
pub fn sarif(diagnostics: &Diagnostics, tree: &SourceTree) -> String {
    let places = Places::new(diagnostics, tree);
    let mut listed: Vec<&Diagnostic> = diagnostics.iter().collect();
    if listed.len() > MAX_RESULTS {
        listed.sort_by_key(|d| d.severity);
        listed.truncate(MAX_RESULTS);
    }
    let codes: BTreeSet<Code> = listed.iter().map(|d| d.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let mut prints = Fingerprints::default();
    let results: Vec<Value> = listed
        .iter()
        .map(|d| {
            let rule = codes.binary_search(&d.code).unwrap_or_default();
            let print = prints.of(d, &places);
            result(d, rule, &print, &places)
        })
        .collect();
    pretty(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kubemate",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "originalUriBaseIds": { ROOT: { "description": { "text": "The root of the repository" } } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn rule(code: Code) -> Value {
    let help = format!("`kubemate explain {code}` says what it means and shows an example");
    let mut rule = json!({ "id": code.to_string(), "help": { "text": help } });
    if let Some(entry) = codes::entry(code) {
        rule["name"] = json!(entry.name);
        rule["shortDescription"] = json!({ "text": entry.title });
        rule["fullDescription"] = json!({ "text": entry.about });
    }
    rule
}

fn result(diagnostic: &Diagnostic, rule: usize, print: &str, places: &Places<'_>) -> Value {
    let mut result = json!({
        "ruleId": diagnostic.code.to_string(),
        "ruleIndex": rule,
        "level": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": { "text": message(diagnostic) },
        "locations": diagnostic.primary.iter().map(|l| location(l, places)).collect::<Vec<_>>(),
        "partialFingerprints": { "kubemate/v1": print },
    });
    let related = diagnostic.related.iter().enumerate().map(|(id, label)| {
        let mut place = location(label, places);
        place["id"] = json!(id);
        place
    });
    let fixes: Vec<Value> = diagnostic
        .fixes
        .iter()
        .filter_map(|f| fix(f, places))
        .collect();
    let optional = [
        ("relatedLocations", related.collect::<Vec<_>>()),
        ("fixes", fixes),
    ];
    for (key, list) in optional.into_iter().filter(|(_, list)| !list.is_empty()) {
        result[key] = list.into();
    }
    if !diagnostic.environments.is_empty() {
        result["properties"] = json!({ "environments": diagnostic.environments });
    }
    result
}

fn message(diagnostic: &Diagnostic) -> String {
    let mut lines = vec![diagnostic.message.clone()];
    lines.extend(super::human::only_in(&diagnostic.environments));
    lines.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

fn location(label: &Label, places: &Places<'_>) -> Value {
    let mut physical = json!({ "artifactLocation": artifact(label.span, places) });
    if let Some((start, end)) = places.ends(label.span) {
        physical["region"] = region(start, end);
    }
    let mut place = json!({ "physicalLocation": physical });
    if !label.text.is_empty() {
        place["message"] = json!({ "text": label.text });
    }
    place
}

fn artifact(span: Span, places: &Places<'_>) -> Value {
    json!({ "uri": uri(&places.path(span.file)), "uriBaseId": ROOT })
}

fn region(start: Position, end: Position) -> Value {
    json!({
        "startLine": start.line, "startColumn": start.column,
        "endLine": end.line, "endColumn": end.column,
    })
}

fn fix(fix: &Fix, places: &Places<'_>) -> Option<Value> {
    let (start, end) = places.ends(fix.span)?;
    Some(json!({
        "description": { "text": fix.title },
        "artifactChanges": [{
            "artifactLocation": artifact(fix.span, places),
            "replacements": [{
                "deletedRegion": region(start, end),
                "insertedContent": { "text": fix.text },
            }],
        }],
    }))
}

/// A path as a relative URI: everything but unreserved characters and `/` percent-encoded.
fn uri(path: &str) -> String {
    let encoded = path.bytes().map(|b| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(b).to_string()
        }
        b => format!("%{b:02X}"),
    });
    encoded.collect()
}

/// Names problems by what they say and what stands there, not by line number.
#[derive(Default)]
struct Fingerprints {
    seen: BTreeMap<String, usize>,
}

impl Fingerprints {
    fn of(&mut self, diagnostic: &Diagnostic, places: &Places<'_>) -> String {
        let mut hash = blake3::Hasher::new();
        let mut add = |part: &str| {
            hash.update(part.as_bytes()).update(&[0]);
        };
        add(&diagnostic.code.to_string());
        add(&diagnostic.message);
        if let Some(label) = &diagnostic.primary {
            add(&places.path(label.span.file));
            let lines = places.lines(label.span.file);
            // A digest of a weak secret could be undone by trying.
            add(lines.filter(|_| !diagnostic.secret).map_or("", |lines| {
                let start = lines.clamp(label.span.range()).start;
                lines.text[lines.range(lines.line_at(start))].trim()
            }));
        }
        let name = hash.finalize().to_hex()[..32].to_owned();
        let count = self.seen.entry(name.clone()).or_default();
        *count += 1;
        format!("{name}:{count}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_uris() {
        assert_eq!(uri("a b/ü:1%.kdl"), "a%20b/%C3%BC%3A1%25.kdl");
    }
}
