//! Collecting the resources of all files in sight, and composing each for every target.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Files, Shared};
use crate::dsl::check::{Extent, check, closest};
use crate::dsl::codes;
use crate::dsl::compose::{self, Layers, Selector, Target, Written};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::dsl::interpolate::{Variable, Variables};
use crate::dsl::node::Node;
use crate::dsl::raw::{self, RawNode, Scalar};
use crate::dsl::schema::{Home, KindSchema};
use crate::kinds::scope::Member;
use crate::kinds::{self, Resource};
use crate::model::index::{self, Names};
use crate::model::layout::{self, Found, Layout, STRUCTURE};
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
    overlays: Vec<(Selector, Written<'a>)>,
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
    overlays(files, layout, &mut entries, &seen, out);
    selectors(files, found, out);
    profiles(files, &entries, out);
    (names, entries)
}

fn unknown_kind(written: Written<'_>, owner: &Owner, out: &mut Diagnostics) {
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

fn unnamed(written: Written<'_>, out: &mut Diagnostics) {
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

/// Resources inside top-level `in` blocks lie over the ones declared elsewhere.
fn overlays<'a>(
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
fn selectors(files: &Files<'_>, found: &Found, out: &mut Diagnostics) {
    for (file, _) in files.all.iter().filter(|(_, own)| *own) {
        for node in file.nodes.iter().filter(|n| n.name != "project") {
            let blocks = node.children.iter().filter(|c| c.name == "in");
            for block in blocks.chain(std::iter::once(node).filter(|n| n.name == "in")) {
                selector(block, file.id, found, out);
            }
        }
    }
}

fn selector(block: &RawNode, file: crate::source::FileId, found: &Found, out: &mut Diagnostics) {
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

/// Each profile checked on its own, as the kind that uses it, else as the kind it fits best.
fn profiles(files: &Files<'_>, entries: &[Entry<'_>], out: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, crate::dsl::diagnostic::Span> = BTreeMap::new();
    for (file, own) in &files.all {
        for raw in file.nodes.iter().filter(|n| n.name == "profile" && *own) {
            let written = Written { file: file.id, raw };
            let Some(name) = raw.label() else {
                unnamed(written, out);
                continue;
            };
            if let Some(first) = seen.insert(name, written.name_span()) {
                let message = format!("there are two profiles `{name}`");
                out.push(
                    Diagnostic::error(codes::DUPLICATE, written.name_span(), message)
                        .related(first, "the first one"),
                );
            }
            let users = entries.iter().filter(|e| {
                e.written
                    .raw
                    .children
                    .iter()
                    .any(|c| c.name == "use" && c.label() == Some(name))
            });
            let Some(kind) = users.map(|e| e.kind).next().or_else(|| best_fit(raw)) else {
                continue;
            };
            profile(written, kind, files, out);
        }
    }
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
    for node in layers.own() {
        check(node, kind, Extent::Fragment)
            .into_iter()
            .for_each(|d| out.push(d));
    }
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

/// The names known everywhere, per target.
pub(super) struct TargetScopes<'a> {
    targets: &'a [Target],
    environments: Vec<Variables>,
    project: Variables,
    found: &'a Found,
    names: &'a Names,
}

impl<'a> TargetScopes<'a> {
    /// Collects them from the project.
    pub(super) fn new(found: &'a Found, targets: &'a [Target], names: &'a Names) -> Self {
        let lets = |t: &Target| {
            layout::variables(
                found
                    .node
                    .at(&format!("/environment/{}/let", t.environment)),
            )
        };
        Self {
            targets,
            environments: targets.iter().map(lets).collect(),
            project: layout::variables(found.node.at("/let")),
            found,
            names,
        }
    }

    fn built_in(&self, target: &Target, entry: &Entry<'_>) -> Variables {
        let text = |s: &str| Variable {
            value: Scalar::Text(s.to_owned()),
            at: None,
        };
        let mut built_in = Variables::new();
        built_in.insert("environment".into(), text(&target.environment));
        built_in.insert("cluster".into(), text(&target.cluster));
        if let Some(tenant) = &entry.id.tenant {
            let raw = entry.written.raw;
            let child = || {
                raw.children
                    .iter()
                    .find(|c| c.name == "namespace")
                    .and_then(RawNode::label)
            };
            let named = raw
                .prop("namespace")
                .and_then(|p| p.value.as_text())
                .or_else(child);
            let declared = self.names.of_kind("namespace", Some(tenant));
            let named = named.or_else(|| declared.first().copied().filter(|_| declared.len() == 1));
            let namespace = self.found.project.namespace(tenant, named, target);
            built_in.insert("tenant".into(), text(tenant));
            built_in.insert("namespace".into(), text(&namespace));
        }
        built_in
    }
}

/// A resource on every target, and what was wrong on the way.
pub(super) struct Composed {
    /// One per target, in the order of the project's targets; `None` where it is broken.
    pub(super) members: Vec<Option<Shared>>,
    /// Problems.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Composes a resource for every target.
pub(super) fn compose(entry: &Entry<'_>, scopes: &TargetScopes<'_>, files: &Files<'_>) -> Composed {
    let mut form = Diagnostics::default();
    let layers = compose::layers(entry.written, &entry.overlays, entry.kind, files, &mut form);
    let broken_form = form.has_errors();
    let mut diagnostics: Vec<Diagnostic> = form.into_iter().collect();
    let mut fragment = Vec::new();
    for node in layers.own() {
        fragment.extend(check(node, entry.kind, Extent::Fragment));
    }
    let broken = broken_form || !fragment.is_empty();
    diagnostics.extend(fragment);
    let mut members: Vec<Option<Shared>> = Vec::with_capacity(scopes.targets.len());
    for (index, target) in scopes.targets.iter().enumerate() {
        if layers.invariant() && index > 0 {
            members.push(members[0].clone());
            continue;
        }
        let built_in = scopes.built_in(target, entry);
        let variables = [&scopes.environments[index], &scopes.project, &built_in];
        let (node, mut found) = on_target(entry, &layers, target, files, &variables);
        if !layers.invariant() {
            found
                .iter_mut()
                .for_each(|d| d.environments = vec![target.environment.clone()]);
        }
        let sound = found.is_empty() && !broken;
        diagnostics.extend(found);
        members.push(
            node.filter(|_| sound)
                .and_then(|node| decode(entry, node, &mut diagnostics)),
        );
    }
    Composed {
        members,
        diagnostics,
    }
}

fn on_target(
    entry: &Entry<'_>,
    layers: &Layers,
    target: &Target,
    files: &Files<'_>,
    variables: &[&Variables],
) -> (Option<Node>, Vec<Diagnostic>) {
    let mut out = Diagnostics::default();
    let node = compose::compose(layers, target, files, variables, &mut out);
    let mut found: Vec<Diagnostic> = out.into_iter().collect();
    if let Some(node) = &node {
        found.extend(check(node, entry.kind, Extent::Whole));
    }
    (node, found)
}

fn decode(entry: &Entry<'_>, node: Node, out: &mut Vec<Diagnostic>) -> Option<Shared> {
    match Resource::decode(entry.kind.name, node.to_json()) {
        Ok(resource) => Some(Arc::new(Member { resource, node })),
        Err(error) => {
            let at = entry.written.name_span();
            let message = format!("`{}` passes its schema and not its type: {error}", entry.id);
            out.push(
                Diagnostic::error(codes::INTERNAL, at, message)
                    .help("this is a fault of kubemate; please report it with this resource"),
            );
            None
        }
    }
}
