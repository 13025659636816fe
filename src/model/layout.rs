//! The project node and what it says about files: which belong to the project, and to whom.

use std::collections::BTreeMap;

use std::sync::{LazyLock, OnceLock};

use globset::{Glob, GlobBuilder, GlobMatcher};

use super::job::ParsedFile;
use crate::dsl::check::{Extent, check, closest};
use crate::dsl::codes;
use crate::dsl::compose::Written;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::dsl::interpolate::{Variable, Variables};
use crate::dsl::node::{Layer, Node};
use crate::dsl::project::Projector;
use crate::dsl::raw::{self, RawNode};
use crate::kinds::project::{FILE, Project};
use crate::object::Owner;
use crate::source::RepoPath;
use crate::values::path::reaches;

/// Files that belong to every project, whatever it includes.
static ALWAYS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    ["tests/**/*.kdl"]
        .into_iter()
        .filter_map(Pattern::new)
        .collect()
});
/// Names that mean something without a `let`.
pub const BUILT_IN: &[&str] = &["environment", "cluster", "tenant", "namespace"];

/// A project that was found, with its tree for places.
#[derive(Debug, Clone)]
pub struct Found {
    /// The typed project.
    pub project: Project,
    /// Its values with their places.
    pub node: Node,
}

/// Finds and decodes the project node of the project file.
pub fn project(file: &ParsedFile, out: &mut Diagnostics) -> Option<Found> {
    let mut nodes = file.nodes.iter().filter(|n| n.name == "project");
    let Some(raw) = nodes.next() else {
        if file.unread.iter().all(|(kind, _)| kind != "project") {
            let message = format!("`{FILE}` has no `project` node");
            let help = "start it with `project NAME schema=1 { … }`, or run `kubemate new project`";
            let at = crate::dsl::diagnostic::Span::new(file.id, 0..0);
            out.push(Diagnostic::error(codes::NO_PROJECT, at, message).help(help));
        }
        return None;
    };
    let written = Written { file: file.id, raw };
    for again in nodes {
        let at = Written {
            file: file.id,
            raw: again,
        }
        .name_span();
        out.push(
            Diagnostic::error(codes::DUPLICATE, at, "there is a second `project` node")
                .related(written.name_span(), "the first one")
                .help("a repository describes one project"),
        );
    }
    decode(written, out)
}

fn decode(written: Written<'_>, out: &mut Diagnostics) -> Option<Found> {
    let schema = crate::kinds::project::schema()?;
    let record = schema.shape.record()?;
    let mut form = Diagnostics::default();
    let node =
        Projector::new(written.file, Layer::Resource, &mut form).record(written.raw, record, &[]);
    let problems = check(&node, schema, Extent::Whole);
    let broken = form.has_errors() || !problems.is_empty();
    out.append(form);
    problems.into_iter().for_each(|d| out.push(d));
    if broken {
        return None;
    }
    let project = serde_json::from_value(node.to_json()).ok()?;
    let found = Found { project, node };
    rules(&found, out);
    Some(found)
}

/// Rules across the fields of the project.
fn rules(found: &Found, out: &mut Diagnostics) {
    let Found { project, node } = found;
    let clusters: Vec<&str> = project.cluster.keys().map(|c| c.as_str()).collect();
    for (name, environment) in project.environment.iter() {
        let base = format!("/environment/{name}");
        if environment.cluster.is_empty() {
            let at = node.nearest(&base).place.key;
            let message = format!("environment `{name}` runs nowhere");
            out.push(
                Diagnostic::error(codes::UNKNOWN_ENVIRONMENT, at, message)
                    .help("name a cluster in it"),
            );
        }
        for (cluster, rollout) in environment.cluster.iter() {
            let pointer = format!("{base}/cluster/{cluster}");
            if !clusters.contains(&cluster.as_str()) {
                let at = node.nearest(&pointer).place.key;
                out.push(unknown("cluster", cluster.as_str(), at, &clusters));
            }
            if let Some(after) = &rollout.after {
                let known: Vec<&str> = environment.cluster.keys().map(|c| c.as_str()).collect();
                let at = node.nearest(&format!("{pointer}/after")).place.value;
                if !known.contains(&after.as_str()) || after == cluster {
                    out.push(unknown(
                        "other cluster of this environment",
                        after.as_str(),
                        at,
                        &known,
                    ));
                }
            }
        }
        built_in(node, &format!("{base}/let"), out);
    }
    built_in(node, "/let", out);
    for (index, rule) in project.ownership.path.iter().enumerate() {
        if rule.owner.is_some() == rule.tenant.is_some() {
            let at = node.nearest(&format!("/ownership/path/{index}")).place.key;
            let message = "a path belongs either to `owner=platform` or to `tenant=NAME`";
            out.push(Diagnostic::error(codes::OWNERSHIP, at, message));
        }
    }
    duplicate_uids(found, out);
}

fn duplicate_uids(found: &Found, out: &mut Diagnostics) {
    let mut seen = BTreeMap::new();
    for (name, cluster) in found.project.cluster.iter() {
        let at = found
            .node
            .nearest(&format!("/cluster/{name}/uid"))
            .place
            .value;
        if let Some(first) = seen.insert(cluster.uid.to_string(), at) {
            out.push(
                Diagnostic::error(codes::DUPLICATE, at, "two clusters have the same uid")
                    .related(first, "first used here")
                    .help("each cluster is verified by the uid of its own kube-system namespace"),
            );
        }
    }
}

fn built_in(node: &Node, pointer: &str, out: &mut Diagnostics) {
    for name in BUILT_IN {
        if let Some(let_node) = node.at(&format!("{pointer}/{name}")) {
            out.push(hides_built_in(name, let_node.place.key));
        }
    }
}

fn hides_built_in(name: &str, at: crate::dsl::diagnostic::Span) -> Diagnostic {
    let message = format!("`${{{name}}}` is built in and cannot be set");
    Diagnostic::error(codes::BUILT_IN, at, message).help("choose another name")
}

/// A name that is not one of the known ones.
pub fn unknown(
    what: &str,
    name: &str,
    at: crate::dsl::diagnostic::Span,
    known: &[&str],
) -> Diagnostic {
    let message = format!("there is no {what} `{name}`");
    let diagnostic = Diagnostic::error(codes::UNKNOWN_ENVIRONMENT, at, message);
    match closest(name, known.iter().copied()) {
        Some(meant) => diagnostic.fix(at, meant, format!("did you mean `{meant}`?")),
        None if known.is_empty() => diagnostic.help(format!("the project has no {what}")),
        None => diagnostic.help(format!("known: {}", known.join(", "))),
    }
}

/// The values of a `let` map of the project or an environment.
pub fn variables(node: Option<&Node>) -> Variables {
    let Some(crate::dsl::node::Data::Map(map)) = node.map(|n| &n.data) else {
        return Variables::new();
    };
    let one = |(name, value): (&String, &Node)| {
        let scalar = match &value.data {
            crate::dsl::node::Data::Text(t) => raw::Scalar::Text(t.clone()),
            crate::dsl::node::Data::Int(i) => raw::Scalar::Int(*i),
            crate::dsl::node::Data::Float(f) => raw::Scalar::Float(*f),
            crate::dsl::node::Data::Bool(b) => raw::Scalar::Bool(*b),
            _ => raw::Scalar::Null,
        };
        (
            name.clone(),
            Variable {
                value: scalar,
                at: Some(value.place.value),
            },
        )
    };
    map.iter().map(one).collect()
}

/// The values of top-level `let` nodes of one file.
pub fn file_lets(file: &ParsedFile, out: &mut Diagnostics) -> Variables {
    let mut found = Variables::new();
    for node in file.nodes.iter().filter(|n| n.name == "let") {
        for prop in &node.props {
            let key_at = raw::span(file.id, prop.key_at);
            if BUILT_IN.contains(&prop.key.as_str()) {
                out.push(hides_built_in(&prop.key, key_at));
                continue;
            }
            let variable = Variable {
                value: prop.value.clone(),
                at: Some(key_at),
            };
            if let Some(first) = found.insert(prop.key.clone(), variable) {
                let message = format!("`let {}` is set twice in this file", prop.key);
                let mut d =
                    Diagnostic::error(codes::SET_TWICE, key_at, message).label("set again here");
                if let Some(at) = first.at {
                    d = d.related(at, "first set here");
                }
                out.push(d);
            }
        }
        for arg in &node.args {
            let at = raw::span(file.id, arg.at);
            let message = "`let` takes NAME=value";
            out.push(Diagnostic::error(codes::TOO_MANY_VALUES, at, message));
        }
    }
    found
}

/// Which files belong to a project, and to whom.
#[derive(Debug)]
pub struct Layout {
    includes: Vec<Pattern>,
    rules: Vec<(Pattern, usize, Owner)>,
}

impl Layout {
    /// The layout a project asks for.
    pub fn of(project: &Project) -> Self {
        let includes = project
            .include
            .iter()
            .filter_map(|g| Pattern::new(g.as_str()));
        let rules = project.ownership.path.iter().filter_map(|rule| {
            let owner = match (&rule.owner, &rule.tenant) {
                (Some(_), _) | (None, None) => Owner::Platform,
                (None, Some(tenant)) => Owner::Tenant(tenant.to_string()),
            };
            Some((
                Pattern::new(rule.glob.as_str())?,
                specificity(rule.glob.as_str()),
                owner,
            ))
        });
        Self {
            includes: includes.collect(),
            rules: rules.collect(),
        }
    }

    /// Whether a path is part of the project.
    pub fn includes(&self, path: &RepoPath) -> bool {
        let path = path.as_str();
        path == FILE
            || (self.includes.is_empty() && path.ends_with(".kdl"))
            || self.includes.iter().any(|glob| glob.is_match(path))
            || ALWAYS.iter().any(|glob| glob.is_match(path))
    }

    /// Whether files of the project may lie below a directory.
    pub fn reaches(&self, directory: &RepoPath) -> bool {
        let all = self.includes.iter().chain(ALWAYS.iter());
        self.includes.is_empty()
            || all
                .map(|p| p.glob.glob())
                .any(|glob| reaches(glob, directory.as_str()))
    }

    /// Includes that match none of the paths.
    pub fn idle_includes<'p>(
        &self,
        paths: impl Iterator<Item = &'p RepoPath> + Clone,
    ) -> Vec<usize> {
        let hits = |glob: &Pattern| paths.clone().any(|p| glob.is_match(p.as_str()));
        self.includes
            .iter()
            .enumerate()
            .filter(|(_, glob)| !hits(glob))
            .map(|(i, _)| i)
            .collect()
    }

    /// Whom a path belongs to: the most specific rule decides, without one the platform.
    pub fn owner(&self, path: &RepoPath) -> Owner {
        if path.as_str() == FILE {
            return Owner::Platform;
        }
        let matching = self
            .rules
            .iter()
            .filter(|(glob, ..)| glob.is_match(path.as_str()));
        matching
            .max_by_key(|(_, specific, _)| *specific)
            .map_or(Owner::Platform, |(.., o)| o.clone())
    }

    /// Whether paths are bound to owners at all.
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }
}

/// A pattern of paths.
#[derive(Debug)]
struct Pattern {
    /// How every match starts: most paths are told apart by it alone.
    start: String,
    glob: Glob,
    /// Made when a path needs it: most patterns belong to other owners than the one at hand.
    matcher: OnceLock<GlobMatcher>,
}

impl Pattern {
    fn new(glob: &str) -> Option<Self> {
        let pattern = GlobBuilder::new(glob)
            .literal_separator(true)
            .build()
            .ok()?;
        let plain = glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len());
        // `a/**` matches what is below `a`, and two stars may also stand for no directory at all.
        let start = glob[..plain].trim_end_matches('/').to_owned();
        Some(Self {
            start,
            glob: pattern,
            matcher: OnceLock::new(),
        })
    }

    fn is_match(&self, path: &str) -> bool {
        let matcher = || self.matcher.get_or_init(|| self.glob.compile_matcher());
        path.starts_with(&self.start) && matcher().is_match(path)
    }
}

/// Characters before the first wildcard: the deeper a rule reaches, the more specific it is.
fn specificity(glob: &str) -> usize {
    glob.find(['*', '?', '[', '{']).unwrap_or(usize::MAX)
}

/// Nodes of a file that are not resources.
pub const STRUCTURE: &[&str] = &["project", "let", "profile", "in", "test"];

/// Whether a node is a resource of a known kind.
pub fn is_resource(node: &RawNode) -> bool {
    crate::kinds::NAMES.contains(&node.name.as_str())
}
