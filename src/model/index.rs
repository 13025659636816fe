//! Every name that resources declare, and the references to them.

use std::collections::{BTreeMap, BTreeSet};

use super::job::{Foreign, ParsedFile};
use super::layout::{self, Layout};
use crate::dsl::check::{closest, listed};
use crate::dsl::codes;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::dsl::node::{Data, Node};
use crate::dsl::raw::{self, RawNode};
use crate::dsl::schema::{Home, KindSchema};
use crate::dsl::shape::Shape;
use crate::kinds::project::Project;
use crate::kinds::tenant::member::Shipped;
use crate::object::{Owner, ResourceId};

/// Declared names with their places.
#[derive(Debug, Default)]
pub struct Names {
    entries: BTreeMap<ResourceId, Option<Span>>,
}

impl Names {
    /// Declares a name; a second declaration is returned with the first's place.
    pub fn declare(&mut self, id: ResourceId, at: Option<Span>) -> Option<Option<Span>> {
        match self.entries.get(&id) {
            Some(first) => Some(*first),
            None => {
                self.entries.insert(id, at);
                None
            }
        }
    }

    /// Names that the project node declares, and those that exist in every project.
    pub fn of_project(project: &Project) -> Self {
        let mut names = Self::default();
        let id = |kind: &str, name: String| ResourceId {
            kind: kind.into(),
            tenant: None,
            name,
        };
        for name in project.environment.keys() {
            names.declare(id("environment", name.to_string()), None);
        }
        for name in project.cluster.keys() {
            names.declare(id("cluster", name.to_string()), None);
        }
        for role in Shipped::ALL {
            names.declare(id("role", role.name().to_owned()), None);
        }
        names
    }

    /// Kind and name of everything declared.
    pub fn all(&self) -> BTreeSet<(String, String)> {
        let pair = |id: &ResourceId| (id.kind.clone(), id.name.clone());
        self.entries.keys().map(pair).collect()
    }

    /// Whether a name is declared for a tenant or for the platform.
    pub fn visible(&self, kind: &str, tenant: Option<&str>, name: &str) -> bool {
        let has = |tenant: Option<String>| {
            let id = ResourceId {
                kind: kind.into(),
                tenant,
                name: name.into(),
            };
            self.entries.contains_key(&id)
        };
        tenant.is_some_and(|t| has(Some(t.to_owned()))) || has(None)
    }

    /// All names of a kind that a tenant may use without naming another tenant.
    pub fn of_kind<'n>(&'n self, kind: &str, tenant: Option<&str>) -> Vec<&'n str> {
        let mut found = self.of_holder(kind, None);
        if tenant.is_some() {
            found.extend(self.of_holder(kind, tenant));
        }
        found
    }

    /// All names of a kind that one tenant or the platform holds.
    fn of_holder<'n>(&'n self, kind: &str, tenant: Option<&str>) -> Vec<&'n str> {
        let first = ResourceId {
            kind: kind.to_owned(),
            tenant: tenant.map(str::to_owned),
            name: String::new(),
        };
        let from = self.entries.range(first..).map(|(id, _)| id);
        from.take_while(|id| id.kind == kind && id.tenant.as_deref() == tenant)
            .map(|id| id.name.as_str())
            .collect()
    }
}

/// The tenant a node says it belongs to.
pub fn tenant_of(raw: &RawNode) -> Option<&str> {
    let prop = raw.prop("tenant").and_then(|p| p.value.as_text());
    prop.or_else(|| {
        raw.children
            .iter()
            .find(|c| c.name == "tenant")
            .and_then(RawNode::label)
    })
}

/// The identity a node declares, given who owns its file.
pub fn identity(raw: &RawNode, kind: &KindSchema, owner: &Owner) -> Option<ResourceId> {
    let tenant = match kind.home {
        Home::Platform | Home::Project => None,
        Home::Tenant | Home::Either => match (tenant_of(raw), owner) {
            (Some(tenant), _) => Some(tenant.to_owned()),
            (None, Owner::Tenant(tenant)) => Some(tenant.clone()),
            (None, Owner::Platform) => None,
        },
    };
    Some(ResourceId {
        kind: kind.name.to_owned(),
        tenant,
        name: raw.label()?.to_owned(),
    })
}

/// Declares everything in some files; names written twice are reported to `out`.
pub fn declare(files: &[&ParsedFile], layout: &Layout, names: &mut Names, out: &mut Diagnostics) {
    for file in files {
        let owner = layout.owner(&file.path);
        for raw in file.nodes.iter().filter(|n| layout::is_resource(n)) {
            let Some(kind) = crate::kinds::schema(&raw.name) else {
                continue;
            };
            let Some(id) = identity(raw, kind, &owner) else {
                continue;
            };
            let at = raw::span(file.id, raw.args.first().map_or(raw.name_at, |a| a.at));
            nested(raw, kind, &id, file, names);
            if let Some(first) = names.declare(id.clone(), Some(at)) {
                let message = format!("there are two `{id}`");
                let mut d =
                    Diagnostic::error(codes::DUPLICATE, at, message).label("declared again here");
                if let Some(first) = first {
                    d = d.related(first, "first declared here");
                }
                out.push(d.help("give one of them another name; one name per kind and tenant"));
            }
        }
        for (kind, name) in &file.unread {
            let tenant = match &owner {
                Owner::Tenant(tenant) => Some(tenant.clone()),
                Owner::Platform => None,
            };
            for tenant in [tenant, None] {
                let id = ResourceId {
                    kind: kind.clone(),
                    tenant,
                    name: name.clone(),
                };
                names.declare(id, None);
            }
        }
    }
}

/// Names that fields declare, such as a tenant's gateways.
fn nested(raw: &RawNode, kind: &KindSchema, id: &ResourceId, file: &ParsedFile, names: &mut Names) {
    for (of, pointer) in kind.names {
        let field = pointer.trim_start_matches('/');
        let blocks = raw
            .children
            .iter()
            .filter(|c| c.name == "in")
            .flat_map(|c| &c.children);
        for child in raw
            .children
            .iter()
            .chain(blocks)
            .filter(|c| c.name == field)
        {
            let Some(name) = child.label() else { continue };
            let tenant = if kind.name == "tenant" {
                Some(id.name.clone())
            } else {
                id.tenant.clone()
            };
            let nested = ResourceId {
                kind: (*of).to_owned(),
                tenant,
                name: name.to_owned(),
            };
            names.declare(nested, Some(raw::span(file.id, child.name_at)));
        }
    }
}

/// Checks the references in one resource. Those into other tenants are returned.
pub fn resolve(
    node: &Node,
    kind: &KindSchema,
    id: &ResourceId,
    names: &Names,
    out: &mut Vec<Diagnostic>,
) -> Vec<Foreign> {
    let mut foreign = Vec::new();
    walk(node, &kind.shape, &mut |of, node| {
        let Data::Text(text) = &node.data else { return };
        let tenant = id.tenant.as_deref();
        match text.split_once('/') {
            Some((other, name)) if Some(other) != tenant => foreign.push(Foreign {
                kind: of.to_owned(),
                tenant: other.to_owned(),
                name: name.to_owned(),
                from: tenant.unwrap_or_default().to_owned(),
                at: node.place.value,
            }),
            other => {
                let name = other.map_or(text.as_str(), |(_, name)| name);
                if !names.visible(of, tenant, name) {
                    out.push(dangling(
                        of,
                        name,
                        node.place.value,
                        &names.of_kind(of, tenant),
                    ));
                }
            }
        }
    });
    foreign
}

/// A reference to nothing.
pub fn dangling(kind: &str, name: &str, at: Span, known: &[&str]) -> Diagnostic {
    let message = format!("there is no {kind} `{name}`");
    let diagnostic = Diagnostic::error(codes::DANGLING, at, message).label("not found");
    match closest(name, known.iter().copied()) {
        Some(meant) => diagnostic.suggestion(at, meant, format!("did you mean `{meant}`?")),
        None if known.is_empty() => diagnostic.help(format!("no {kind} is declared here")),
        None => diagnostic.help(format!("known: {}", listed(known))),
    }
}

fn walk(node: &Node, shape: &Shape, visit: &mut impl FnMut(&str, &Node)) {
    match (shape, &node.data) {
        (Shape::Scalar(scalar), _) => {
            if let Some(kind) = &scalar.reference {
                visit(kind, node);
            }
        }
        (Shape::Record(record), Data::Map(map)) => {
            for (name, child) in map {
                if let Some(field) = record.fields.get(name) {
                    walk(child, &field.shape, visit);
                }
            }
        }
        (Shape::Block(item) | Shape::Keyed(item) | Shape::Props(item), Data::Map(map)) => {
            map.values().for_each(|child| walk(child, item, visit));
        }
        (Shape::Args(item) | Shape::Repeated(item), Data::List(list)) => {
            list.iter().for_each(|child| walk(child, item, visit));
        }
        _ => {}
    }
}
