//! Profiles, each checked on its own.

use std::collections::BTreeMap;

use super::Files;
use super::resources::{Entry, unnamed};
use crate::dsl::check::{Extent, check};
use crate::dsl::codes;
use crate::dsl::compose::{self, Written};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::dsl::raw::RawNode;
use crate::dsl::schema::KindSchema;
use crate::kinds;

/// Each profile checked on its own, as the kind that uses it, else as the kind it fits best.
pub(super) fn profiles(files: &Files<'_>, entries: &[Entry<'_>], out: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let users = users(entries);
    for (file, own) in &files.all {
        for raw in file.nodes.iter().filter(|n| n.name == "profile" && *own) {
            let written = Written { file: file.id, raw };
            let Some(name) = raw.label() else {
                unnamed(written, out);
                continue;
            };
            for more in raw.args.iter().skip(1) {
                let at = crate::dsl::raw::span(file.id, more.at);
                let message = "`profile` takes one name";
                out.push(
                    Diagnostic::error(codes::TOO_MANY_VALUES, at, message)
                        .label("one too many")
                        .help("parameters are written with their defaults: `profile NAME port=8080 { … }`"),
                );
            }
            if let Some(first) = seen.insert(name, written.name_span()) {
                let message = format!("there are two profiles `{name}`");
                out.push(
                    Diagnostic::error(codes::DUPLICATE, written.name_span(), message)
                        .related(first, "the first one"),
                );
            }
            match users.get(name).copied().or_else(|| best_fit(raw)) {
                Some(kind) => profile(written, kind, files, out),
                None => only_uses(written, files, out),
            }
        }
    }
}

/// The kind of the first resource that uses each profile.
fn users<'a>(entries: &[Entry<'a>]) -> BTreeMap<&'a str, &'static KindSchema> {
    let mut users = BTreeMap::new();
    for entry in entries {
        let children = entry.written.raw.children.iter();
        for name in children
            .filter(|c| c.name == "use")
            .filter_map(|c| c.label())
        {
            users.entry(name).or_insert(entry.kind);
        }
    }
    users
}

fn profile(
    written: Written<'_>,
    kind: &'static KindSchema,
    files: &Files<'_>,
    out: &mut Diagnostics,
) {
    let mut body = written.raw.clone();
    body.args.clear();
    body.props.clear();
    let layers = compose::layers(
        Written {
            file: written.file,
            raw: &body,
        },
        &[],
        kind,
        files,
        out,
    );
    for (_, node) in layers.own() {
        check(node, kind, Extent::Fragment)
            .into_iter()
            .for_each(|d| out.push(d));
    }
}

/// A profile that nothing uses and that fits no kind: only what it uses can be judged.
fn only_uses(written: Written<'_>, files: &Files<'_>, out: &mut Diagnostics) {
    let Some(kind) = kinds::NAMES.first().and_then(|name| kinds::schema(name)) else {
        return;
    };
    let mut found = Diagnostics::default();
    profile(written, kind, files, &mut found);
    let of_use = [
        codes::USE_CYCLE,
        codes::USE_TOO_DEEP,
        codes::UNKNOWN_PROFILE,
    ];
    found
        .into_iter()
        .filter(|d| of_use.contains(&d.code))
        .for_each(|d| out.push(d));
}

fn best_fit(profile: &RawNode) -> Option<&'static KindSchema> {
    let known = |kind: &&'static KindSchema| {
        let fields = kind.shape.record().map(|r| &r.fields);
        fields.map_or(0, |f| {
            profile
                .children
                .iter()
                .filter(|c| f.contains_key(&c.name))
                .count()
        })
    };
    let kinds = kinds::NAMES.iter().filter_map(|name| kinds::schema(name));
    kinds.filter(|k| known(k) > 0).max_by_key(known)
}
