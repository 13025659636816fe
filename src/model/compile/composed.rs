//! One resource composed for every target, checked and decoded.

use std::sync::Arc;

use super::resources::Entry;
use super::{Files, Shared};
use crate::dsl::check::{Extent, check};
use crate::dsl::codes;
use crate::dsl::compose::{self, Layers, Target};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::dsl::interpolate::{Variable, Variables};
use crate::dsl::node::Node;
use crate::dsl::raw::{RawNode, Scalar};
use crate::kinds::Resource;
use crate::kinds::scope::Member;
use crate::model::index::Names;
use crate::model::layout::{self, Found};

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
