//! Components do not wait for each other in a circle.

use std::collections::BTreeSet;

use super::Component;
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};

pub(super) fn check(component: &Component, scope: &Scope<'_>, out: &mut Findings<'_>) {
    for (index, need) in component.needs.iter().enumerate() {
        let mut seen = BTreeSet::new();
        if reaches(need.name(), component.name.as_str(), scope, &mut seen) {
            let message = if need.name() == component.name.as_str() {
                format!("`{need}` waits for itself")
            } else {
                format!("`{}` waits for `{need}`, which waits for it", component.name)
            };
            let finding = out.error(codes::NEEDS_CYCLE, &format!("/needs/{index}"), message);
            out.push(finding.help("remove one of the `needs` in the circle"));
        }
    }
}

/// Each component is visited once, so this ends.
fn reaches(from: &str, wanted: &str, scope: &Scope<'_>, seen: &mut BTreeSet<String>) -> bool {
    if from == wanted {
        return true;
    }
    if !seen.insert(from.to_owned()) {
        return false;
    }
    let found = scope.find::<Component>(from);
    found.is_some_and(|c| c.needs.iter().any(|need| reaches(need.name(), wanted, scope, seen)))
}
