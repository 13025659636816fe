//! Reading a status: conditions, generations, numbers. Missing and malformed fields read as absent.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::GroupKind;

/// An object with the time at which it is judged.
pub struct Status<'a> {
    object: &'a Value,
    /// The time of the verdict.
    pub now: Timestamp,
}

/// One condition of a status.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a>(&'a Value);

impl<'a> Status<'a> {
    pub(super) fn of(object: &'a Value, now: Timestamp) -> Self {
        Self { object, now }
    }

    pub(super) fn group_kind(&self) -> Option<GroupKind> {
        let version = self.text("/apiVersion")?;
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        Some(GroupKind::new(group, self.text("/kind")?))
    }

    pub(super) fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.object.pointer(pointer)
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&'a str> {
        self.at(pointer)?.as_str()
    }

    pub(super) fn number(&self, pointer: &str) -> Option<i64> {
        self.at(pointer)?.as_i64()
    }

    pub(super) fn list(&self, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.at(pointer)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }

    pub(super) fn condition(&self, kind: &str) -> Option<Condition<'a>> {
        find(self.list("/status/conditions"), kind)
    }

    /// The same, if it speaks of the present generation. A condition that names no generation counts.
    pub(super) fn fresh_condition(&self, kind: &str) -> Option<Condition<'a>> {
        self.condition(kind)
            .filter(|condition| self.is_fresh(*condition))
    }

    pub(super) fn is_fresh(&self, condition: Condition<'_>) -> bool {
        match (condition.generation(), self.generation()) {
            (Some(seen), Some(generation)) => seen >= generation,
            _ => true,
        }
    }

    pub(super) fn generation(&self) -> Option<i64> {
        self.number("/metadata/generation")
    }

    /// Some controllers write the number as text.
    pub(super) fn observed_generation(&self) -> Option<i64> {
        let seen = self.at("/status/observedGeneration")?;
        seen.as_i64().or_else(|| seen.as_str()?.parse().ok())
    }

    /// The generation seen and the present one, where they differ.
    pub(super) fn lags(&self) -> Option<(i64, i64)> {
        let (seen, generation) = (self.observed_generation()?, self.generation()?);
        (seen != generation).then_some((seen, generation))
    }

    /// What a deletion in progress waits for.
    pub(super) fn deletion(&self) -> Option<String> {
        self.text("/metadata/deletionTimestamp")?;
        let names: Vec<&str> = self
            .list("/metadata/finalizers")
            .filter_map(Value::as_str)
            .collect();
        Some(if names.is_empty() {
            "it is being deleted".into()
        } else {
            format!("it is being deleted and waits for {}", names.join(", "))
        })
    }

    /// Seconds since a time written in the object.
    pub(super) fn seconds_since(&self, time: &str) -> Option<i64> {
        let time: Timestamp = time.parse().ok()?;
        Some(self.now.as_second().saturating_sub(time.as_second()))
    }
}

/// A condition in a list.
pub(super) fn find<'a>(
    mut list: impl Iterator<Item = &'a Value>,
    kind: &str,
) -> Option<Condition<'a>> {
    list.find(|c| c.get("type").and_then(Value::as_str) == Some(kind))
        .map(Condition)
}

impl<'a> Condition<'a> {
    pub(super) fn is(self, status: &str) -> bool {
        self.field("status") == Some(status)
    }

    pub(super) fn reason(self) -> &'a str {
        self.field("reason").unwrap_or_default()
    }

    pub(super) fn message(self) -> &'a str {
        self.field("message").unwrap_or_default()
    }

    pub(super) fn since(self) -> Option<&'a str> {
        self.field("lastTransitionTime")
    }

    fn field(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    fn generation(self) -> Option<i64> {
        self.0.get("observedGeneration")?.as_i64()
    }

    /// The controller's own words, or ours where it has none.
    pub(super) fn words(self, otherwise: &str) -> String {
        match (self.message().trim(), self.reason()) {
            ("", "") => otherwise.to_owned(),
            ("", reason) => format!("{otherwise} ({reason})"),
            (message, _) => message.trim_end_matches('.').to_owned(),
        }
    }
}

/// "1 pod", "3 pods".
pub(super) fn count(number: i64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// "2 of 3 pods are ready".
pub(super) fn part(have: i64, want: i64, noun: &str, what: &str) -> String {
    let verb = if want == 1 { "is" } else { "are" };
    format!("{have} of {} {verb} {what}", count(want, noun))
}
