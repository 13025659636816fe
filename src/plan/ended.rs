//! Memberships that have an end. A render knows no clock: it bears every member, and notes on the binding
//! until when. What is wanted at a time is the render without those whose time is over, so that the same
//! commit renders the same bytes for ever and access still ends by itself.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::dsl::diagnostic::Span;
use crate::object::{Desired, ObjectKey, Rendered};
use crate::values::time::DateTime;

/// The annotation of a binding that says until when: `NAME TIME, NAME TIME`.
const UNTIL: &str = "/metadata/annotations/kubemate.dev~1until";
const SUBJECTS: &str = "/subjects";

/// A member whose time has an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending<'a> {
    /// The name of the subject.
    pub(super) name: &'a str,
    /// The end, as it is written.
    pub(super) written: &'a str,
    /// The end.
    at: Timestamp,
}

/// The members of a binding whose time has an end; none of any other object.
pub(super) fn endings<'a>(key: &ObjectKey, body: &'a Value) -> Vec<Ending<'a>> {
    let kind = &key.group_kind;
    if kind.kind != "RoleBinding" || kind.group != "rbac.authorization.k8s.io" {
        return Vec::new();
    }
    let noted = body
        .pointer(UNTIL)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let each = noted.split(", ").filter_map(|one| {
        let (name, written) = one.split_once(' ')?;
        let end: DateTime = written.parse().ok()?;
        let at = end.offset()?.to_timestamp(end.civil()).ok()?;
        Some(Ending { name, written, at })
    });
    each.collect()
}

/// The subjects of a binding.
pub(super) fn subjects(body: &Value) -> &[Value] {
    body.pointer(SUBJECTS)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Whether a subject is the member of this name.
pub(super) fn is_of(subject: &Value, name: &str) -> bool {
    subject.get("name").and_then(Value::as_str) == Some(name)
}

fn over<'a>(key: &ObjectKey, body: &'a Value, now: Timestamp) -> Vec<Ending<'a>> {
    let mut all = endings(key, body);
    all.retain(|ending| ending.at <= now);
    all
}

/// What a render wants at a time: without the members whose time is over, and how many these are. A
/// binding without members stays. The number only grows with time, so it tells apart what the same commit
/// wants at two times.
#[must_use]
pub fn at(rendered: &Rendered, now: Timestamp) -> (Cow<'_, Rendered>, usize) {
    let each = rendered.objects.iter();
    let count = each
        .map(|(key, desired)| over(key, &desired.manifest.body, now).len())
        .sum();
    match count {
        0 => (Cow::Borrowed(rendered), 0),
        _ => (Cow::Owned(as_of(rendered, now)), count),
    }
}

fn as_of(rendered: &Rendered, now: Timestamp) -> Rendered {
    let mut wanted = rendered.clone();
    for (key, desired) in &mut wanted.objects {
        let ended: Vec<String> = over(key, &desired.manifest.body, now)
            .iter()
            .map(|e| e.name.to_owned())
            .collect();
        if !ended.is_empty() {
            take_out(desired, &ended);
        }
    }
    wanted
}

fn take_out(desired: &mut Desired, ended: &[String]) {
    let all = subjects(&desired.manifest.body);
    let stays = |subject: &Value| !ended.iter().any(|name| is_of(subject, name));
    let kept: Vec<usize> = (0..all.len())
        .filter(|index| all.get(*index).is_some_and(stays))
        .collect();
    let list: Vec<Value> = all
        .iter()
        .filter(|subject| stays(subject))
        .cloned()
        .collect();
    let Some(body) = desired.manifest.body.as_object_mut() else {
        return;
    };
    // The API server keeps no empty list, so none is declared.
    match list.is_empty() {
        true => body.remove("subjects"),
        false => body.insert("subjects".to_owned(), list.into()),
    };
    renumber(&mut desired.source.fields, &kept);
}

/// The places of the subjects that stay, under their new numbers.
fn renumber(fields: &mut BTreeMap<String, Vec<Span>>, kept: &[usize]) {
    let old = std::mem::take(fields);
    for (pointer, spans) in old {
        let below = pointer
            .strip_prefix(SUBJECTS)
            .and_then(|rest| rest.strip_prefix('/'));
        let Some(below) = below else {
            fields.insert(pointer, spans);
            continue;
        };
        let (number, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
        let new = number
            .parse()
            .ok()
            .and_then(|number: usize| kept.iter().position(|k| *k == number));
        if let Some(new) = new {
            fields.insert(format!("{SUBJECTS}/{new}{rest}"), spans);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::{GroupKind, Manifest, ObjectRules, Owner, ResourceId, SetId, SourceMap};
    use crate::plan::intent::intent_at;
    use crate::plan::{Plan, Policy, Rule};
    use crate::source::FileId;

    fn binding(until: &str, names: &[&str]) -> Rendered {
        let key = ObjectKey {
            group_kind: GroupKind::new("rbac.authorization.k8s.io", "RoleBinding"),
            namespace: Some("pay".to_owned()),
            name: "kubemate-role-viewer".to_owned(),
        };
        let subjects: Vec<Value> = names
            .iter()
            .map(|name| json!({"kind": "User", "name": name}))
            .collect();
        let body = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": key.name, "namespace": "pay", "annotations": {"kubemate.dev/until": until}},
            "subjects": subjects,
        });
        let place = |index: usize| Span {
            file: FileId(0),
            start: u32::try_from(index).unwrap(),
            end: 9,
        };
        let fields = (0..names.len())
            .map(|n| (format!("/subjects/{n}/name"), vec![place(n)]))
            .collect();
        let desired = Desired {
            manifest: Manifest {
                key: key.clone(),
                api_version: "rbac.authorization.k8s.io/v1".to_owned(),
                body,
            },
            resource: ResourceId {
                kind: "tenant".to_owned(),
                tenant: None,
                name: "pay".to_owned(),
            },
            source: SourceMap { node: None, fields },
            needs: Vec::new(),
            rules: ObjectRules::default(),
        };
        let set = SetId {
            project: "bank".to_owned(),
            cluster: "hq".to_owned(),
            owner: Owner::Platform,
            environment: "prod".to_owned(),
        };
        Rendered {
            set,
            objects: BTreeMap::from([(key, desired)]),
        }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn names(rendered: &Rendered) -> Vec<&str> {
        let body = &rendered.objects.first_key_value().unwrap().1.manifest.body;
        subjects(body)
            .iter()
            .map(|s| s["name"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn a_member_is_wanted_until_the_end_and_no_longer() {
        let rendered = binding(
            "li 2026-12-01T18:00+08:00, kim 2027-01-01T00:00Z",
            &["ana", "li", "kim", "bo"],
        );
        for (now, left, ended) in [
            ("2026-12-01T09:59:59Z", &["ana", "li", "kim", "bo"][..], 0),
            ("2026-12-01T10:00:00Z", &["ana", "kim", "bo"][..], 1),
            ("2027-01-01T00:00:00Z", &["ana", "bo"][..], 2),
        ] {
            let wanted = as_of(&rendered, time(now));
            assert_eq!(names(&wanted), left, "{now}");
            assert_eq!(at(&rendered, time(now)).1, ended, "{now}");
            // What is over is seen in the note, which stays: asked again, the answer is the same.
            assert_eq!(at(&wanted, time(now)).1, ended, "{now}");
            assert_eq!(as_of(&wanted, time(now)), wanted, "{now}");
        }
    }

    #[test]
    fn places_move_with_their_subjects() {
        let rendered = binding("li 2026-12-01T18:00+08:00", &["ana", "li", "bo"]);
        let wanted = as_of(&rendered, time("2030-01-01T00:00:00Z"));
        let source = &wanted.objects.first_key_value().unwrap().1.source;
        let starts: Vec<(&str, u32)> = source
            .fields
            .iter()
            .map(|(at, spans)| (at.as_str(), spans[0].start))
            .collect();
        assert_eq!(starts, [("/subjects/0/name", 0), ("/subjects/1/name", 2)]);
    }

    #[test]
    fn the_last_one_leaves_a_binding_of_nobody() {
        let wanted = as_of(
            &binding("li 2026-12-01T18:00+08:00", &["li"]),
            time("2030-01-01T00:00:00Z"),
        );
        assert_eq!(names(&wanted), Vec::<&str>::new());
        assert_eq!(wanted.objects.len(), 1);
    }

    #[test]
    fn an_intent_knows_no_time_and_the_plan_that_shows_it_does() {
        let base = binding("", &["ana"]);
        let head = binding("li 2026-12-01T18:00+08:00", &["ana", "li"]);
        let of = |now: &str| intent_at(&base, &head, &Policy::default(), time(now)).unwrap();
        let (early, late) = (of("2026-12-01T09:59:59Z"), of("2026-12-01T10:00:00Z"));
        assert_eq!(early.0, late.0);
        let said = |plan: &Plan| -> Vec<String> {
            let all = plan.findings.iter().filter(|f| f.rule == Rule::Ends);
            all.map(|f| f.message.clone()).collect()
        };
        assert_eq!(
            said(&early.1),
            ["it will end for li on 2026-12-01T18:00+08:00"]
        );
        assert_eq!(
            said(&late.1),
            ["it has ended for li on 2026-12-01T18:00+08:00"]
        );
    }

    #[test]
    fn what_is_no_note_of_ours_takes_nobody_out() {
        for note in [
            "",
            "li",
            "li soon",
            "li 2020-01-01T00:00",
            "ana2 2020-01-01T00:00Z",
        ] {
            let rendered = binding(note, &["ana", "li"]);
            assert_eq!(
                as_of(&rendered, time("2030-01-01T00:00:00Z")),
                rendered,
                "{note}"
            );
        }
    }
}
