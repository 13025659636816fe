//! What became of the objects, for people.

use super::text::{line, visible};
use super::{Imported, Resource, What};

/// Everything that whoever imported has to know, ending with a newline.
pub fn summary(imported: &Imported) -> String {
    let mut out = String::new();
    let count = imported.resources.len();
    let total = imported.same + imported.changed + imported.kept.len();
    say(
        &mut out,
        &format!(
            "{count} resources for {total} objects: {} the same in meaning, {} changed, {} kept as they are",
            imported.same,
            imported.changed,
            imported.kept.len()
        ),
    );
    for resource in &imported.resources {
        describe(resource, &mut out);
    }
    for (title, all) in [
        ("kept as they are, in `manifests`", &imported.kept),
        ("left out", &imported.left),
    ] {
        if !all.is_empty() {
            say(&mut out, title);
        }
        for one in all {
            say(&mut out, &format!("  {}: {}", one.object, one.why));
        }
    }
    out
}

/// Adds a line, which no name in it can break.
fn say(out: &mut String, line: &str) {
    out.push_str(&visible(line));
    out.push('\n');
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
    say(out, &resource.resource);
    for note in &resource.notes {
        say(out, &format!("  {note}"));
    }
    for one in &resource.renamed {
        say(out, &format!("  renamed: {one}"));
    }
    if !resource.added.is_empty() {
        say(out, &format!("  new: {}", resource.added.join(", ")));
    }
    for one in told {
        say(out, &format!("  {one}"));
    }
    if safer > 0 {
        say(
            out,
            &format!(
                "  safer: {safer} fields have the safe default of the language (listed in {})",
                resource.path
            ),
        );
    }
}
