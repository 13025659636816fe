//! What became of the objects, for people.

use std::fmt::Write as _;

use super::text::line;
use super::{Imported, Resource, What};

/// Everything that whoever imported has to know, ending with a newline.
pub fn summary(imported: &Imported) -> String {
    let mut out = String::new();
    let count = imported.resources.len();
    let total = imported.same + imported.changed + imported.kept.len();
    writeln!(out, "{count} resources for {total} objects: {} the same in meaning, {} changed, {} kept as they are", imported.same, imported.changed, imported.kept.len())
        .unwrap_or_default();
    for resource in &imported.resources {
        describe(resource, &mut out);
    }
    for (title, all) in [
        ("kept as they are, in `manifests`", &imported.kept),
        ("left out", &imported.left),
    ] {
        if !all.is_empty() {
            writeln!(out, "{title}").unwrap_or_default();
        }
        for one in all {
            writeln!(out, "  {}: {}", one.object, one.why).unwrap_or_default();
        }
    }
    out
}

fn describe(resource: &Resource, out: &mut String) {
    let safer = resource
        .differences
        .iter()
        .filter(|d| d.what == What::Safer)
        .count();
    let told: Vec<String> = resource
        .differences
        .iter()
        .filter(|d| d.what != What::Safer)
        .map(line)
        .collect();
    if told.is_empty()
        && safer == 0
        && resource.notes.is_empty()
        && resource.renamed.is_empty()
        && resource.added.is_empty()
    {
        return;
    }
    writeln!(out, "{}", resource.resource).unwrap_or_default();
    for note in &resource.notes {
        writeln!(out, "  {note}").unwrap_or_default();
    }
    for one in &resource.renamed {
        writeln!(out, "  renamed: {one}").unwrap_or_default();
    }
    if !resource.added.is_empty() {
        writeln!(out, "  new: {}", resource.added.join(", ")).unwrap_or_default();
    }
    for one in told {
        writeln!(out, "  {one}").unwrap_or_default();
    }
    if safer > 0 {
        writeln!(
            out,
            "  safer: {safer} fields have the safe default of the language (listed in {})",
            resource.path
        )
        .unwrap_or_default();
    }
}
