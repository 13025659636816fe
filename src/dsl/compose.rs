//! A resource out of its layers: profiles, its own node, `in` blocks; per target, with `${…}` replaced.
//!
//! [`layers`] does once what does not depend on the target; [`compose`] merges what a target selects.

use super::check::{closest, listed};
use super::codes;
use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::interpolate::{self, Problem, Scopes, Variable, Variables};
use super::merge;
use super::node::{Data, Layer, Node};
use super::project::Projector;
use super::raw::{self, RawNode, Scalar};
use super::schema::KindSchema;
use crate::source::FileId;

/// Most levels of `use`.
pub const MAX_USE: usize = 4;
/// Most profiles that one resource is made of, counted as often as they are used.
pub const MAX_PROFILES: usize = 64;
/// Most values in a composed resource.
pub const MAX_FIELDS: usize = 10_000;
/// Child nodes that say how to compose and are no fields.
pub const DIRECTIVES: &[&str] = &["use", "in"];

/// A node and the file it is written in.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The file.
    pub file: FileId,
    /// The node.
    pub raw: &'a RawNode,
}

impl Written<'_> {
    /// Where the node's name stands.
    pub fn name_span(&self) -> Span {
        raw::span(self.file, self.raw.name_at)
    }
}

/// One variant of a platform: an environment on one of its clusters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Target {
    /// The environment.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
}

/// Which targets an `in` block is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    environments: Vec<String>,
    cluster: Option<String>,
}

impl Selector {
    /// The selector that an `in` node writes.
    pub fn of(raw: &RawNode) -> Self {
        let names = raw
            .args
            .iter()
            .filter_map(|a| a.value.as_text())
            .map(str::to_owned);
        let cluster = raw
            .prop("cluster")
            .and_then(|p| p.value.as_text())
            .map(str::to_owned);
        Self {
            environments: names.collect(),
            cluster,
        }
    }

    /// Whether a target is meant.
    pub fn selects(&self, target: &Target) -> bool {
        self.environments.contains(&target.environment)
            && self.cluster.as_ref().is_none_or(|c| *c == target.cluster)
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.environments.join(" "))?;
        match &self.cluster {
            Some(cluster) => write!(f, " cluster={cluster}"),
            None => Ok(()),
        }
    }
}

/// Where composition finds profiles and file-level names.
pub trait Surroundings {
    /// The profile of that name as seen from a file.
    fn profile(&self, from: FileId, name: &str) -> Option<Written<'_>>;
    /// Names of all profiles as seen from a file.
    fn profile_names(&self, from: FileId) -> Vec<&str>;
    /// The `let`s of a file.
    fn file_lets(&self, file: FileId) -> &Variables;
}

struct LayerOf {
    selector: Option<Selector>,
    node: Node,
    file: FileId,
    parameters: Variables,
    templates: bool,
}

/// A resource's layers, weakest first.
pub struct Layers {
    layers: Vec<LayerOf>,
}

impl Layers {
    /// Whether every target sees the same resource.
    pub fn invariant(&self) -> bool {
        self.layers
            .iter()
            .all(|l| l.selector.is_none() && !l.templates)
    }

    /// The parts that the resource's author wrote, for the fragment check, by their number.
    pub fn own(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.layers
            .iter()
            .map(|l| &l.node)
            .enumerate()
            .filter(|(_, n)| !matches!(n.place.layer, Layer::Profile(_)))
    }

    /// The number of the part that a target sees on top of all others, so that nothing of it is hidden.
    pub fn top(&self, target: &Target) -> Option<usize> {
        let seen = |l: &LayerOf| l.selector.as_ref().is_none_or(|s| s.selects(target));
        self.layers.iter().rposition(seen)
    }
}

/// Projects all layers of a resource. `overlays` are its nodes in top-level `in` blocks.
pub fn layers(
    written: Written<'_>,
    overlays: &[(Selector, Written<'_>)],
    kind: &KindSchema,
    around: &dyn Surroundings,
    out: &mut Diagnostics,
) -> Layers {
    let mut builder = Builder {
        kind,
        around,
        layers: Vec::new(),
        used: 0,
    };
    builder.uses(written, &mut Vec::new(), out);
    builder.add(written, None, Layer::Resource, Variables::new(), out);
    for block in written.raw.children.iter().filter(|c| c.name == "in") {
        let selector = Selector::of(block);
        let layer = Layer::Environment(selector.to_string());
        let mut body = block.clone();
        body.args.clear();
        body.props.retain(|p| p.key != "cluster");
        let body = Written {
            file: written.file,
            raw: &body,
        };
        builder.add(body, Some(selector), layer, Variables::new(), out);
    }
    for (selector, overlay) in overlays {
        let layer = Layer::Environment(selector.to_string());
        builder.add(
            *overlay,
            Some(selector.clone()),
            layer,
            Variables::new(),
            out,
        );
    }
    Layers {
        layers: builder.layers,
    }
}

struct Builder<'a> {
    kind: &'a KindSchema,
    around: &'a dyn Surroundings,
    layers: Vec<LayerOf>,
    /// How many profiles were used so far.
    used: usize,
}

impl Builder<'_> {
    fn add(
        &mut self,
        written: Written<'_>,
        selector: Option<Selector>,
        layer: Layer,
        parameters: Variables,
        out: &mut Diagnostics,
    ) {
        let Some(record) = self.kind.shape.record() else {
            return;
        };
        let mut projector = Projector::new(written.file, layer, out);
        let node = projector.record(written.raw, record, DIRECTIVES);
        let templates = has_templates(&node);
        self.layers.push(LayerOf {
            selector,
            node,
            file: written.file,
            parameters,
            templates,
        });
    }

    /// Counts one more profile, and says where they become too many.
    fn one_more(&mut self, at: Span, out: &mut Diagnostics) -> bool {
        self.used += 1;
        if self.used == MAX_PROFILES + 1 {
            out.push(too_many_profiles(at));
        }
        self.used <= MAX_PROFILES
    }

    /// The profiles a node uses, the profiles' own first.
    fn uses(&mut self, written: Written<'_>, stack: &mut Vec<String>, out: &mut Diagnostics) {
        let mut seen: Vec<(&str, Span)> = Vec::new();
        for used in written.raw.children.iter().filter(|c| c.name == "use") {
            let at = raw::span(
                written.file,
                used.args.first().map_or(used.name_at, |a| a.at),
            );
            let Some(name) = used.label() else {
                let message = "`use` needs the name of a profile";
                out.push(Diagnostic::error(codes::NEEDS_VALUE, at, message));
                continue;
            };
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
                out.push(used_twice(name, at, *first));
                continue;
            }
            seen.push((name, at));
            let Some(profile) = self.around.profile(written.file, name) else {
                out.push(unknown_profile(
                    name,
                    at,
                    &self.around.profile_names(written.file),
                ));
                continue;
            };
            if let Some(start) = stack.iter().position(|s| s == name) {
                if let Some(found) = cycle(&stack[start..], name, at) {
                    out.push(found);
                }
                continue;
            }
            if stack.len() >= MAX_USE {
                let message = format!("profiles use each other more than {MAX_USE} levels deep");
                out.push(Diagnostic::error(codes::USE_TOO_DEEP, at, message));
                continue;
            }
            if !self.one_more(at, out) {
                return;
            }
            stack.push(name.to_owned());
            self.uses(profile, stack, out);
            stack.pop();
            let parameters = parameters(used, written.file, profile, out);
            let mut body = profile.raw.clone();
            body.args.clear();
            body.props.clear();
            let body = Written {
                file: profile.file,
                raw: &body,
            };
            // Faults of the profile itself are reported where profiles are checked.
            let mut elsewhere = Diagnostics::default();
            self.add(
                body,
                None,
                Layer::Profile(name.to_owned()),
                parameters,
                &mut elsewhere,
            );
        }
    }
}

fn too_many_profiles(at: Span) -> Diagnostic {
    let message = format!("with this one more than {MAX_PROFILES} profiles are used");
    Diagnostic::error(codes::USE_TOO_DEEP, at, message)
        .label("one too many")
        .help("put their fields together in fewer profiles")
}

fn used_twice(name: &str, at: Span, first: Span) -> Diagnostic {
    Diagnostic::error(
        codes::SET_TWICE,
        at,
        format!("profile `{name}` is used twice"),
    )
    .label("used again here")
    .related(first, "first used here")
    .help("keep one of the two")
}

/// A circle is found from each of its profiles; it is reported where it comes back to the first by
/// name, so that it is one error.
fn cycle(circle: &[String], name: &str, at: Span) -> Option<Diagnostic> {
    if circle.iter().any(|other| other.as_str() < name) {
        return None;
    }
    let message = format!(
        "profile `{name}` uses itself: {} → {name}",
        circle.join(" → ")
    );
    let diagnostic = Diagnostic::error(codes::USE_CYCLE, at, message);
    Some(
        diagnostic
            .label("back to where it began")
            .help("drop one `use` of the circle"),
    )
}

fn unknown_profile(name: &str, at: Span, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        codes::UNKNOWN_PROFILE,
        at,
        format!("there is no profile `{name}`"),
    );
    match closest(name, known.iter().copied()) {
        Some(meant) => diagnostic.fix(at, meant, format!("did you mean `{meant}`?")),
        None if known.is_empty() => {
            diagnostic.help("no profile is defined; write `profile NAME { … }`")
        }
        None => diagnostic.help(format!("profiles: {}", listed(known))),
    }
}

/// What a profile's parameters are at one use of it.
fn parameters(
    used: &RawNode,
    file: FileId,
    profile: Written<'_>,
    out: &mut Diagnostics,
) -> Variables {
    let mut known: Variables = profile
        .raw
        .props
        .iter()
        .map(|p| {
            let at = Some(raw::span(profile.file, p.at));
            (
                p.key.clone(),
                Variable {
                    value: p.value.clone(),
                    at,
                },
            )
        })
        .collect();
    for prop in &used.props {
        let at = raw::span(file, prop.key_at);
        if !known.contains_key(&prop.key) {
            let name = profile.raw.label().unwrap_or_default();
            let message = format!("profile `{name}` has no parameter `{}`", prop.key);
            let diagnostic = Diagnostic::error(codes::UNKNOWN_PARAMETER, at, message);
            out.push(match closest(&prop.key, known.keys().map(String::as_str)) {
                Some(meant) => diagnostic.fix(at, meant, format!("did you mean `{meant}`?")),
                None => diagnostic.related(profile.name_span(), "the profile is defined here"),
            });
            continue;
        }
        let variable = Variable {
            value: prop.value.clone(),
            at: Some(raw::span(file, prop.at)),
        };
        known.insert(prop.key.clone(), variable);
    }
    let missing: Vec<&String> = known
        .iter()
        .filter(|(_, v)| v.value == Scalar::Null)
        .map(|(k, _)| k)
        .collect();
    if let Some(first) = missing.first() {
        let message = format!("`use` of this profile must set `{first}`");
        let at = raw::span(file, used.name_at);
        out.push(
            Diagnostic::error(codes::UNKNOWN_PARAMETER, at, message).label("parameter missing"),
        );
    }
    known
}

/// Merges the layers that a target selects. `scopes` are the names known everywhere for this target,
/// most specific first. `None` if an error makes the result meaningless.
pub fn compose(
    layers: &Layers,
    target: &Target,
    around: &dyn Surroundings,
    scopes: &[&Variables],
    out: &mut Diagnostics,
) -> Option<Node> {
    let mut result: Option<Node> = None;
    let mut own = None;
    let mut broken = Vec::new();
    for layer in &layers.layers {
        if layer.selector.as_ref().is_some_and(|s| !s.selects(target)) {
            continue;
        }
        let mut node = layer.node.clone();
        if layer.templates {
            let lets = around.file_lets(layer.file);
            let mut all: Vec<&Variables> = vec![&layer.parameters, lets];
            all.extend(scopes);
            let scopes = Scopes(&all);
            let before = broken.len();
            interpolate::complete(&mut node, scopes, &mut broken);
            for (at, problem) in &broken[before..] {
                out.push(explain(*at, problem, scopes));
            }
        }
        if layer.node.place.layer == Layer::Resource {
            own = Some(layer.node.place.clone());
        }
        match &mut result {
            None => result = Some(merge::first(node, out)),
            Some(base) => merge::merge(base, node, out),
        }
    }
    let mut result = result?;
    // A resource stands where its own node stands, whatever lies below or above it.
    if let Some(place) = own {
        result.place = place;
    }
    if result.count() > MAX_FIELDS {
        let message = format!("the resource has more than {MAX_FIELDS} values after composition");
        out.push(Diagnostic::error(
            codes::TOO_MANY_FIELDS,
            result.place.key,
            message,
        ));
        return None;
    }
    broken.is_empty().then_some(result)
}

fn explain(at: Span, problem: &Problem, scopes: Scopes<'_>) -> Diagnostic {
    let code = match problem {
        Problem::Unknown(_) => codes::UNKNOWN_VARIABLE,
        Problem::Open => codes::OPEN_VARIABLE,
        Problem::TooDeep(_) | Problem::TooMany => codes::VARIABLE_CYCLE,
        Problem::TooLong => codes::TEXT_TOO_LONG,
    };
    let diagnostic = Diagnostic::error(code, at, problem.to_string());
    let Problem::Unknown(name) = problem else {
        return diagnostic;
    };
    match closest(name, scopes.names()) {
        Some(meant) => diagnostic.help(format!("did you mean `${{{meant}}}`?")),
        None => diagnostic.help(format!(
            "define it with `let {name}=\"…\"`, or write `$${{{name}}}` to mean the text itself"
        )),
    }
}

fn has_templates(node: &Node) -> bool {
    node.template
        || match &node.data {
            Data::List(list) => list.iter().any(has_templates),
            Data::Map(map) => map.values().any(has_templates),
            _ => false,
        }
}
