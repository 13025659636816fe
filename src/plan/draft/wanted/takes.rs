//! Fields that other managers own: what is taken, and what stops the object.

use crate::plan::claim::Claims;
use crate::plan::draft::wanted::Wanted;
use crate::plan::managed::Operation;
use crate::plan::observed::{Conflict, DryRun, Live};
use crate::plan::payload::{Payload, is_by_hand};
use crate::plan::step::Take;
use crate::plan::{Conflicts, Finding, Level, Rule};

impl Wanted<'_> {
    /// The fields that a write takes from others. A field of another applier that no policy speaks of
    /// is a finding that holds the step.
    pub(super) fn takes(
        &self,
        live: &Live,
        payload: &Payload,
        findings: &mut Vec<Finding>,
    ) -> Vec<Take> {
        let conflicts: &[Conflict] = match &live.dry_run {
            DryRun::Predicted { conflicts, .. } => conflicts,
            DryRun::Refused(problem) => &problem.conflicts,
            DryRun::NotNeeded | DryRun::InSync | DryRun::Unverified { .. } => &[],
        };
        let mut takes = Vec::new();
        for conflict in conflicts {
            let field = pointer(&conflict.field, &payload.body);
            let take = Take {
                field,
                manager: conflict.manager.clone(),
            };
            match self.rule(live, &conflict.manager) {
                Conflicts::Force => takes.push(take),
                Conflicts::Report | Conflicts::Yield => {
                    findings.push(self.conflict(&take, conflict));
                }
            }
        }
        takes.sort();
        takes.dedup();
        for take in &takes {
            let message = format!("the field is taken back from `{}`", take.manager);
            let finding = self.finding(Level::Notice, Rule::Takeover, message);
            findings.push(self.at(finding, &take.field));
        }
        takes
    }

    /// What is taken over together with its history.
    pub(super) fn told_claims(&self, claims: &Claims, findings: &mut Vec<Finding>) {
        for take in &claims.from {
            let Take { field, manager } = take;
            let message = if field.is_empty() {
                format!(
                    "everything that `{manager}` manages is taken over, and what Git does not declare of it is removed"
                )
            } else {
                format!("the entry that `{manager}` put in the place of a declared one is removed")
            };
            let finding = self.finding(Level::Notice, Rule::Takeover, message);
            findings.push(if field.is_empty() {
                finding
            } else {
                finding.field(field)
            });
        }
    }

    fn rule(&self, live: &Live, manager: &str) -> Conflicts {
        if let Some(rule) = self.context.policy.conflicts.get(manager) {
            return *rule;
        }
        let applies = live
            .managed
            .others()
            .any(|e| e.manager == manager && e.operation == Operation::Apply);
        if applies && !is_by_hand(manager) {
            Conflicts::Report
        } else {
            Conflicts::Force
        }
    }

    fn conflict(&self, take: &Take, conflict: &Conflict) -> Finding {
        let Conflict { manager, field } = conflict;
        let message =
            format!("`{manager}` applies `{field}` as well, so the object is not written");
        let help = format!(
            "take the field out of one of the two, or say in the policy what to do about `{manager}`"
        );
        let finding = self
            .finding(Level::Error, Rule::OwnershipConflict, message)
            .help(help);
        self.at(finding, &take.field)
    }

    pub(super) fn at(&self, finding: Finding, pointer: &str) -> Finding {
        let spans = self.desired.source.find(pointer);
        Finding { spans, ..finding }.field(pointer)
    }
}

/// A field as the server writes it, `.spec.containers[name="a"].image` or `spec.ports[0].port`, as a
/// JSON pointer into a body.
pub(super) fn pointer(field: &str, body: &serde_json::Value) -> String {
    let mut out = String::new();
    let mut value = Some(body);
    for part in parts(field) {
        let part = match part {
            Part::Name(name) => name,
            Part::Inside(inside) => item(&inside, value).unwrap_or(inside),
        };
        value = value.and_then(|v| crate::plan::managed::step_into(v, &part));
        out.push('/');
        out.push_str(&crate::plan::managed::escape(&part));
    }
    out
}

enum Part {
    Name(String),
    Inside(String),
}

/// Splits at dots and brackets; brackets may hold quoted text with anything in it.
fn parts(field: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut name = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match c {
            '.' if name.is_empty() => {}
            '.' => out.push(Part::Name(std::mem::take(&mut name))),
            '[' => {
                if !name.is_empty() {
                    out.push(Part::Name(std::mem::take(&mut name)));
                }
                let (mut inside, mut quoted) = (String::new(), false);
                for c in chars.by_ref() {
                    quoted ^= c == '"';
                    if c == ']' && !quoted {
                        break;
                    }
                    inside.push(c);
                }
                out.push(Part::Inside(inside));
            }
            c => name.push(c),
        }
    }
    if !name.is_empty() {
        out.push(Part::Name(name));
    }
    out
}

/// The index of the item meant by `0`, `name="a"`, `containerPort=80,protocol="TCP"` or `="value"`.
fn item(inside: &str, value: Option<&serde_json::Value>) -> Option<String> {
    if inside.parse::<usize>().is_ok() {
        return Some(inside.to_owned());
    }
    let list = value?.as_array()?;
    let pairs: Vec<(&str, serde_json::Value)> = inside
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(key, text)| Some((key, serde_json::from_str(text).ok()?)))
        .collect();
    let fits = |item: &serde_json::Value| {
        !pairs.is_empty()
            && pairs.iter().all(|(key, wanted)| match *key {
                "" => item == wanted,
                key => item.get(key) == Some(wanted),
            })
    };
    list.iter().position(fits).map(|index| index.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn server_paths_become_pointers() {
        let body = json!({"metadata":{"annotations":{"a.b/c":"x"}},"spec":{
            "containers":[{"name":"a"},{"name":"b.c","ports":[{"containerPort":80,"protocol":"TCP"}]}]}});
        for (path, expected) in [
            (
                ".spec.containers[name=\"b.c\"].image",
                "/spec/containers/1/image",
            ),
            ("spec.containers[0].image", "/spec/containers/0/image"),
            (
                ".spec.containers[name=\"b.c\"].ports[containerPort=80,protocol=\"TCP\"].name",
                "/spec/containers/1/ports/0/name",
            ),
            (".spec.replicas", "/spec/replicas"),
        ] {
            assert_eq!(pointer(path, &body), expected, "{path}");
        }
    }
}
