//! `in` blocks: which resources they lie over, and whether what they name exists.

use std::collections::BTreeMap;

use super::Files;
use super::resources::{Entry, unknown_kind};
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::dsl::compose::{Selector, Written};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::dsl::raw::{self, RawNode};
use crate::kinds;
use crate::model::index;
use crate::model::layout::{self, Found, Layout};
use crate::object::ResourceId;
use crate::source::FileId;

/// Resources inside top-level `in` blocks lie over the ones declared elsewhere.
pub(super) fn overlays<'a>(
    files: &Files<'a>,
    layout: &Layout,
    entries: &mut [Entry<'a>],
    seen: &BTreeMap<ResourceId, usize>,
    out: &mut Diagnostics,
) {
    for (file, own) in &files.all {
        let owner = layout.owner(&file.path);
        for block in file.nodes.iter().filter(|n| n.name == "in") {
            for raw in &block.children {
                let written = Written { file: file.id, raw };
                let mut elsewhere = Diagnostics::default();
                let out = if *own { &mut *out } else { &mut elsewhere };
                let Some(kind) = kinds::schema(&raw.name) else {
                    unknown_kind(written, &owner, out);
                    continue;
                };
                let id = index::identity(raw, kind, &owner);
                match id.as_ref().and_then(|id| seen.get(id)) {
                    Some(index) => entries[*index]
                        .overlays
                        .push((Selector::of(block), written)),
                    None => out.push(no_such_resource(written, id.as_ref(), seen)),
                }
            }
        }
    }
}

fn no_such_resource(
    written: Written<'_>,
    id: Option<&ResourceId>,
    seen: &BTreeMap<ResourceId, usize>,
) -> Diagnostic {
    let at = raw::span(
        written.file,
        written
            .raw
            .args
            .first()
            .map_or(written.raw.name_at, |a| a.at),
    );
    let Some(id) = id else {
        return Diagnostic::error(
            codes::NEEDS_VALUE,
            at,
            format!("this `{}` needs a name", written.raw.name),
        );
    };
    let message = format!("there is no `{id}` to override");
    let known: Vec<&str> = seen
        .keys()
        .filter(|k| k.kind == id.kind && k.tenant == id.tenant)
        .map(|k| k.name.as_str())
        .collect();
    let diagnostic = Diagnostic::error(codes::NO_SUCH_RESOURCE, at, message).label("hits nothing");
    match closest(&id.name, known.iter().copied()) {
        Some(meant) => diagnostic.fix(at, meant, format!("did you mean `{meant}`?")),
        None => diagnostic.help("an `in` block changes resources that are declared elsewhere"),
    }
}

/// Every `in` block, at top level and in resources, names environments and clusters that exist.
pub(super) fn selectors(files: &Files<'_>, found: &Found, out: &mut Diagnostics) {
    for (file, _) in files.all.iter().filter(|(_, own)| *own) {
        for node in file.nodes.iter().filter(|n| n.name != "project") {
            let blocks = node.children.iter().filter(|c| c.name == "in");
            for block in blocks.chain(std::iter::once(node).filter(|n| n.name == "in")) {
                selector(block, file.id, found, out);
            }
        }
    }
}

fn selector(block: &RawNode, file: FileId, found: &Found, out: &mut Diagnostics) {
    let known: Vec<&str> = found
        .project
        .environment
        .keys()
        .map(|e| e.as_str())
        .collect();
    if block.args.is_empty() {
        let at = raw::span(file, block.name_at);
        let message = "`in` needs the name of an environment";
        out.push(
            Diagnostic::error(codes::NEEDS_VALUE, at, message)
                .help(format!("known: {}", known.join(", "))),
        );
    }
    for arg in &block.args {
        let name = arg.value.as_text().unwrap_or_default();
        if !known.contains(&name) {
            out.push(layout::unknown(
                "environment",
                name,
                raw::span(file, arg.at),
                &known,
            ));
        }
    }
    for prop in &block.props {
        let at = raw::span(file, prop.at);
        if prop.key != "cluster" {
            let at = raw::span(file, prop.key_at);
            let message = format!("`in` has no `{}`", prop.key);
            out.push(
                Diagnostic::error(codes::NO_PLACE, at, message)
                    .help("write `in ENVIRONMENT [cluster=NAME] { … }`"),
            );
            continue;
        }
        let of_selected = found.project.environment.iter().filter(|(name, _)| {
            block
                .args
                .iter()
                .any(|a| a.value.as_text() == Some(name.as_str()))
        });
        let clusters: Vec<&str> = of_selected
            .flat_map(|(_, e)| e.cluster.keys())
            .map(|c| c.as_str())
            .collect();
        let name = prop.value.as_text().unwrap_or_default();
        if !clusters.contains(&name) && !clusters.is_empty() {
            out.push(layout::unknown(
                "cluster of this environment",
                name,
                at,
                &clusters,
            ));
        }
    }
}

