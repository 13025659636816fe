//! Collecting the resources of all files in sight, each with its identity and on its own ground.

use std::collections::BTreeMap;

use super::{Files, blocks, profiles};
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::dsl::compose::{Selector, Written};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::dsl::raw;
use crate::dsl::schema::{Home, KindSchema};
use crate::kinds;
use crate::model::index::{self, Names};
use crate::model::layout::{Found, Layout, STRUCTURE};
use crate::object::{Owner, ResourceId};

/// A resource as declared.
pub(super) struct Entry<'a> {
    /// Its node.
    pub(super) written: Written<'a>,
    /// Its kind.
    pub(super) kind: &'static KindSchema,
    /// Its identity.
    pub(super) id: ResourceId,
    /// Whether the job's owner wrote it.
    pub(super) own: bool,
    /// Its nodes in top-level `in` blocks.
    pub(super) overlays: Vec<(Selector, Written<'a>)>,
}

/// All names and resources in sight; problems of the owner's own files go to `out`.
pub(super) fn collect<'a>(
    files: &Files<'a>,
    found: &Found,
    layout: &Layout,
    owner: &Owner,
    out: &mut Diagnostics,
) -> (Names, Vec<Entry<'a>>) {
    let mut names = Names::of_project(&found.project);
    let part = |own| {
        files
            .all
            .iter()
            .filter(move |(_, o)| *o == own)
            .map(|(f, _)| *f)
            .collect::<Vec<_>>()
    };
    index::declare(
        &part(false),
        layout,
        &mut names,
        &mut Diagnostics::default(),
    );
    index::declare(&part(true), layout, &mut names, out);
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut seen = BTreeMap::new();
    for (file, own) in &files.all {
        let path_owner = layout.owner(&file.path);
        for raw in &file.nodes {
            let written = Written { file: file.id, raw };
            let mut elsewhere = Diagnostics::default();
            let out = if *own { &mut *out } else { &mut elsewhere };
            let Some(kind) = kinds::schema(&raw.name) else {
                unknown_kind(written, owner, out);
                continue;
            };
            let Some(id) = index::identity(raw, kind, &path_owner) else {
                unnamed(written, out);
                continue;
            };
            place(written, kind, &path_owner, layout, out);
            if seen.insert(id.clone(), entries.len()).is_none() {
                entries.push(Entry {
                    written,
                    kind,
                    id,
                    own: *own,
                    overlays: Vec::new(),
                });
            }
        }
    }
    blocks::overlays(files, layout, &mut entries, &seen, out);
    blocks::selectors(files, found, out);
    profiles::profiles(files, &entries, out);
    (names, entries)
}

pub(super) fn unknown_kind(written: Written<'_>, owner: &Owner, out: &mut Diagnostics) {
    let name = written.raw.name.as_str();
    if name == "project" && *owner != Owner::Platform {
        let message = "only the project file may hold a `project` node";
        out.push(Diagnostic::error(
            codes::PLATFORM_ONLY,
            written.name_span(),
            message,
        ));
        return;
    }
    if STRUCTURE.contains(&name) {
        return;
    }
    let message = format!("unknown kind of resource `{name}`");
    let at = written.name_span();
    let diagnostic = Diagnostic::error(codes::UNKNOWN_KIND, at, message).label("not a kind");
    let known = || kinds::NAMES.iter().chain(STRUCTURE).copied();
    out.push(match closest(name, known()) {
        Some(meant) => diagnostic.fix(at, meant, format!("did you mean `{meant}`?")),
        None => diagnostic.help(format!("kinds: {}", kinds::NAMES.join(", "))),
    });
}

pub(super) fn unnamed(written: Written<'_>, out: &mut Diagnostics) {
    let kind = &written.raw.name;
    let message = format!("this `{kind}` needs a name");
    out.push(
        Diagnostic::error(codes::NEEDS_VALUE, written.name_span(), message)
            .label("no name given")
            .help(format!("write it right after the kind: `{kind} NAME …`")),
    );
}

/// Whether a resource of this kind may stand on a path of this owner.
fn place(
    written: Written<'_>,
    kind: &KindSchema,
    path_owner: &Owner,
    layout: &Layout,
    out: &mut Diagnostics,
) {
    let at = written.name_span();
    let says = index::tenant_of(written.raw);
    match (kind.home, path_owner) {
        (Home::Platform | Home::Project, Owner::Tenant(tenant)) => out.push(
            Diagnostic::error(
                codes::PLATFORM_ONLY,
                at,
                format!("only the platform may write a `{}`", kind.name),
            )
            .label(format!("this path belongs to tenant `{tenant}`"))
            .help("move it to a path of the platform"),
        ),
        (Home::Tenant | Home::Either, Owner::Tenant(tenant)) => {
            if let Some(other) = says.filter(|s| s != tenant) {
                let prop = written
                    .raw
                    .prop("tenant")
                    .map_or(at, |p| raw::span(written.file, p.at));
                let message = format!("this file belongs to tenant `{tenant}`, not to `{other}`");
                out.push(
                    Diagnostic::error(codes::WRONG_PATH, prop, message)
                        .label("another tenant")
                        .help(format!(
                            "write `tenant={tenant}`, or move it to a path of `{other}`"
                        )),
                );
            }
        }
        (Home::Tenant, Owner::Platform) if layout.has_rules() && says.is_some() => {
            let message = format!(
                "`{}` belongs to a tenant and stands on a path of the platform",
                kind.name
            );
            out.push(
                Diagnostic::error(codes::WRONG_PATH, at, message)
                    .help("move it to a path that `ownership` gives to its tenant"),
            );
        }
        (Home::Platform | Home::Project | Home::Either | Home::Tenant, Owner::Platform) => {}
    }
}

