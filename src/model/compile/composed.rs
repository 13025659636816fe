//! One resource composed for every target, checked and decoded.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::resources::Entry;
use super::{Files, Shared};
use crate::dsl::check::{Extent, check, check_json};
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

/// A resource on one target, with what the schema says of it.
struct OnTarget {
    whole: Option<(Node, Value)>,
    found: Vec<Diagnostic>,
}

/// Composes a resource for every target.
pub(super) fn compose(entry: &Entry<'_>, scopes: &TargetScopes<'_>, files: &Files<'_>) -> Composed {
    let mut form = Diagnostics::default();
    let layers = compose::layers(entry.written, &entry.overlays, entry.kind, files, &mut form);
    let broken_form = form.has_errors();
    let mut diagnostics: Vec<Diagnostic> = form.into_iter().collect();
    let seen = match layers.invariant() {
        true => scopes.targets.get(..1).unwrap_or_default(),
        false => scopes.targets,
    };
    let wholes: Vec<OnTarget> = (0..seen.len())
        .map(|index| on_target(entry, &layers, (scopes, index), files))
        .collect();
    // A part that lies on top of a sound whole is sound itself.
    let sound: BTreeSet<usize> = (seen.iter().zip(&wholes))
        .filter(|(_, whole)| whole.found.is_empty() && whole.whole.is_some())
        .filter_map(|(target, _)| layers.top(target))
        .collect();
    let unproven = layers.own().filter(|(index, _)| !sound.contains(index));
    let fragment: Vec<Diagnostic> = unproven
        .flat_map(|(_, node)| check(node, entry.kind, Extent::Fragment))
        .collect();
    let broken = broken_form || !fragment.is_empty();
    diagnostics.extend(fragment);
    let mut members: Vec<Option<Shared>> = Vec::with_capacity(scopes.targets.len());
    for OnTarget { whole, found } in wholes {
        let whole = whole.filter(|_| found.is_empty() && !broken);
        diagnostics.extend(found);
        members.push(whole.and_then(|whole| decode(entry, whole, &mut diagnostics)));
    }
    if let Some(first) = members.first().cloned() {
        members.resize(scopes.targets.len(), first);
    }
    Composed {
        members,
        diagnostics,
    }
}

fn on_target(
    entry: &Entry<'_>,
    layers: &Layers,
    (scopes, index): (&TargetScopes<'_>, usize),
    files: &Files<'_>,
) -> OnTarget {
    let target = &scopes.targets[index];
    let built_in = scopes.built_in(target, entry);
    let variables = [&scopes.environments[index], &scopes.project, &built_in];
    let mut out = Diagnostics::default();
    let node = compose::compose(layers, target, files, &variables, &mut out);
    let mut found: Vec<Diagnostic> = out.into_iter().collect();
    let whole = node.map(|node| {
        let json = node.to_json();
        found.extend(check_json(&node, &json, entry.kind, Extent::Whole));
        (node, json)
    });
    if !layers.invariant() {
        found
            .iter_mut()
            .for_each(|d| d.environments = vec![target.environment.clone()]);
    }
    OnTarget { whole, found }
}

fn decode(
    entry: &Entry<'_>,
    (node, json): (Node, Value),
    out: &mut Vec<Diagnostic>,
) -> Option<Shared> {
    match Resource::decode(entry.kind.name, json) {
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
