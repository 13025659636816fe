//! A whole job in one call: judge one owner's files, then render, show or test what was asked for.
//! This is what a worker process executes.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::reach::Bounds;
use super::{guard, images, objects, tests_of, verbatim};
use crate::dsl::codes;
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::dsl::schema::Home;
use crate::kinds::approval::Approval;
use crate::kinds::change_window::ChangeWindow;
use crate::kinds::freeze::Freeze;
use crate::kinds::manifests::Manifests;
use crate::kinds::role::Role;
use crate::kinds::scope::{Scope, Typed as _, World};
use crate::kinds::tenant::Tenant;
use crate::kinds::{Kind as _, Objects, schema};
use crate::model::compile::{self, Judged};
use crate::model::job::{Entitled, Job, Outcome, RuleFact, TenantFact, Want};
use crate::model::layout::Found;
use crate::object::{Desired, Owner, Rendered, ResourceId, SetId};

/// Most objects of one set.
pub const MAX_OBJECTS: usize = 20_000;

/// Runs a job.
pub fn run(job: &Job) -> Outcome {
    let mut outcome = judge_and_render(job);
    if job.owner != Owner::Platform {
        outcome.forget_parsed();
    }
    outcome
}

fn judge_and_render(job: &Job) -> Outcome {
    let Judged {
        mut outcome,
        project,
        worlds,
        own,
    } = compile::judge(job);
    let Some(found) = project else { return outcome };
    match &job.want {
        Want::Render { targets, trace } if !outcome.diagnostics.has_errors() => {
            let chosen = |(target, _): &&(Target, World)| targets.contains(target);
            let wanted = worlds.iter().filter(chosen);
            let others = worlds.iter().filter(|world| !chosen(world));
            let mut problems = read_manifests(&found, others, &own);
            let mut rendered = Vec::new();
            for (target, world) in wanted {
                rendered.extend(render_target(
                    &found,
                    target,
                    world,
                    &own,
                    *trace,
                    &mut problems,
                ));
            }
            if !problems.has_errors() {
                outcome.rendered = rendered;
                outcome.tenants = tenants(job, &found, &worlds);
                outcome.rules = rules(job, &found, &worlds);
            }
            outcome.diagnostics.append(everywhere(problems, &found));
        }
        // What cannot be rendered is told with everything else that is wrong.
        Want::Check | Want::Render { .. } => {
            let problems = read_manifests(&found, worlds.iter(), &own);
            outcome.diagnostics.append(everywhere(problems, &found));
        }
        Want::Show { kind, name, target } => {
            let worlds = worlds.iter().filter(|(t, _)| t == target);
            outcome.shown = worlds
                .flat_map(|(_, world)| super::show::show(world, &own, kind, name))
                .collect();
        }
        Want::Test => {
            if !outcome.diagnostics.has_errors() {
                let judged = tests_of::Judged {
                    job,
                    found: &found,
                    worlds: &worlds,
                    own: &own,
                };
                outcome.tests = tests_of::run(judged, &outcome.parsed);
            }
        }
    }
    outcome
}

/// The platform's tenants with their namespaces, per target.
fn tenants(job: &Job, found: &Found, worlds: &[(Target, World)]) -> Vec<TenantFact> {
    if job.owner != Owner::Platform {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (target, world) in worlds {
        let id = ResourceId {
            kind: String::new(),
            tenant: None,
            name: String::new(),
        };
        let scope = Scope {
            project: &found.project,
            target,
            id: &id,
            world,
        };
        all.extend(scope.all::<Tenant>().map(|(id, tenant)| {
            TenantFact {
                tenant: id.name.clone(),
                target: target.clone(),
                namespaces: tenant
                    .namespaces(&scope)
                    .into_iter()
                    .map(|(_, name, _)| name)
                    .collect(),
            }
        }));
    }
    all
}

/// What the platform says about changes, per target.
fn rules(job: &Job, found: &Found, worlds: &[(Target, World)]) -> Vec<RuleFact> {
    if job.owner != Owner::Platform {
        return Vec::new();
    }
    let id = ResourceId {
        kind: String::new(),
        tenant: None,
        name: String::new(),
    };
    let one = |(target, world): &(Target, World)| {
        let scope = Scope {
            project: &found.project,
            target,
            id: &id,
            world,
        };
        let mut environments = found.project.environment.iter();
        let environment = environments.find(|(name, _)| name.as_str() == target.environment);
        let approval = environment.and_then(|(_, e)| e.approval.as_ref());
        let windows = scope.all::<ChangeWindow>();
        let freezes = scope.all::<Freeze>().map(|(_, freeze)| freeze.clone());
        let freezes: Vec<Freeze> = freezes.collect();
        let named = freezes
            .iter()
            .filter_map(|freeze| freeze.exception.as_ref());
        let named = named.map(|exception| exception.approval.to_string());
        let exceptions = named.filter_map(|name| scope.find::<Approval>(&name).cloned());
        let exceptions: Vec<Approval> = exceptions.collect();
        RuleFact {
            target: target.clone(),
            approval: approval.and_then(|name| scope.find::<Approval>(&name.to_string()).cloned()),
            windows: windows.map(|(_, window)| window.clone()).collect(),
            freezes,
            exceptions,
            entitled: entitled(&scope),
        }
    };
    worlds.iter().map(one).collect()
}

/// The members of tenants whose roles say what they may ask of kubemate.
fn entitled(scope: &Scope<'_>) -> Vec<Entitled> {
    let mut all = Vec::new();
    for (id, tenant) in scope.all::<Tenant>() {
        for (name, member) in tenant.member.iter() {
            let role = scope.find::<Role>(&member.role.to_string());
            let Some(role) = role.filter(|role| !role.may.is_empty()) else {
                continue;
            };
            all.push(Entitled {
                tenant: id.name.clone(),
                kind: member.kind,
                name: name.to_string(),
                may: role.may.clone(),
                until: member.until,
            });
        }
    }
    all
}

/// What is taken as it is written is read by a check too: its mistakes are its author's, like those
/// in KDL.
fn read_manifests<'w>(
    found: &Found,
    worlds: impl Iterator<Item = &'w (Target, World)>,
    own: &[ResourceId],
) -> Diagnostics {
    let mut problems = Diagnostics::default();
    for (target, world) in worlds {
        let mut all: BTreeMap<SetId, Rendered> = BTreeMap::new();
        for id in own.iter().filter(|id| id.kind == Manifests::NAME) {
            let set = set_of(found, target, id);
            match render_one(found, target, world, id, &set, false) {
                Ok(objects) => {
                    let rendered = all.entry(set.clone()).or_insert_with(|| Rendered {
                        set,
                        objects: BTreeMap::new(),
                    });
                    objects
                        .into_iter()
                        .for_each(|d| insert(rendered, d, &mut problems));
                }
                Err(found) => found.into_iter().for_each(|d| problems.push(d)),
            }
        }
        all.values()
            .for_each(|rendered| few_enough(rendered, &mut problems));
    }
    problems
}

/// What shows in every environment needs no list of them.
fn everywhere(problems: Diagnostics, found: &Found) -> Diagnostics {
    let environments = found.project.environment.keys().map(ToString::to_string);
    let environments: Vec<String> = environments.collect();
    compile::everywhere(problems.finish(), &environments)
}

/// A set that the API server, and whoever reads its plan, can bear.
fn few_enough(rendered: &Rendered, out: &mut Diagnostics) {
    let count = rendered.objects.len();
    if count > MAX_OBJECTS {
        let message = format!(
            "set {} renders {count} objects; the limit is {MAX_OBJECTS}",
            rendered.set
        );
        out.push(Diagnostic::global(codes::TOO_MANY_OBJECTS, message));
    }
}

/// All sets of one owner on one target. Complete, or a problem says why not.
pub fn render_target(
    found: &Found,
    target: &Target,
    world: &World,
    own: &[ResourceId],
    trace: bool,
    out: &mut Diagnostics,
) -> Vec<Rendered> {
    let results: Vec<(SetId, Result<Vec<Desired>, Vec<Diagnostic>>)> = own
        .par_iter()
        .filter(|id| world.resources.contains_key(id))
        .map(|id| {
            let set = set_of(found, target, id);
            let result = render_one(found, target, world, id, &set, trace);
            (set, result)
        })
        .collect();
    let mut sets: BTreeMap<SetId, Rendered> = BTreeMap::new();
    for (set, result) in results {
        let rendered = sets.entry(set.clone()).or_insert_with(|| Rendered {
            set,
            objects: BTreeMap::new(),
        });
        match result {
            Ok(objects) => objects.into_iter().for_each(|d| insert(rendered, d, out)),
            Err(problems) => problems.into_iter().for_each(|d| out.push(d)),
        }
    }
    sets.values().for_each(|rendered| few_enough(rendered, out));
    sets.into_values().collect()
}

fn insert(rendered: &mut Rendered, desired: Desired, out: &mut Diagnostics) {
    let key = desired.manifest.key.clone();
    if let Some(first) = rendered.objects.get(&key) {
        let message = format!(
            "{key} is rendered twice: by `{}` and by `{}`",
            first.resource, desired.resource
        );
        let mut diagnostic = match desired.source.node {
            Some(at) => Diagnostic::error(codes::RENDERED_TWICE, at, message),
            None => Diagnostic::global(codes::RENDERED_TWICE, message),
        };
        if let Some(at) = first.source.node {
            diagnostic = diagnostic.related(at, "rendered here first");
        }
        out.push(diagnostic.help("give one of the two another name"));
        return;
    }
    rendered.objects.insert(key, desired);
}

/// The set that a resource's objects belong to.
pub fn set_of(found: &Found, target: &Target, id: &ResourceId) -> SetId {
    let tenants = schema(&id.kind).is_some_and(|k| matches!(k.home, Home::Tenant | Home::Either));
    let owner = match &id.tenant {
        Some(tenant) if tenants => Owner::Tenant(tenant.clone()),
        _ => Owner::Platform,
    };
    SetId {
        project: found.project.name.to_string(),
        cluster: target.cluster.clone(),
        environment: target.environment.clone(),
        owner,
    }
}

/// An error on a field of a resource, seen in one environment.
fn problem_at(
    node: &crate::dsl::node::Node,
    pointer: &str,
    environment: &str,
    code: crate::dsl::diagnostic::Code,
    message: String,
) -> Diagnostic {
    let place = &node.nearest(pointer).place;
    let at = if pointer.is_empty() {
        place.key
    } else {
        place.value
    };
    let mut problem = Diagnostic::error(code, at, message);
    problem.environments = vec![environment.to_owned()];
    problem
}

fn render_one(
    found: &Found,
    target: &Target,
    world: &World,
    id: &ResourceId,
    set: &SetId,
    trace: bool,
) -> Result<Vec<Desired>, Vec<Diagnostic>> {
    let Some(member) = world.resources.get(id) else {
        return Ok(Vec::new());
    };
    let scope = Scope {
        project: &found.project,
        target,
        id,
        world,
    };
    let mut asked = Objects::default();
    member.resource.render(&scope, &mut asked);
    let problem = |pointer: &str, code, message: String| {
        problem_at(&member.node, pointer, &target.environment, code, message)
    };
    let mut problems: Vec<Diagnostic> = asked
        .problems
        .iter()
        .map(|(p, why)| problem(p, codes::CANNOT_RENDER, why.clone()))
        .collect();
    let context = objects::Context {
        id,
        node: &member.node,
        set,
        trace,
    };
    let bounds = bounds(found, target, world, set);
    let mut all = Vec::new();
    for request in &asked.requests {
        match objects::render(request, context) {
            Ok(objects) => {
                for desired in objects {
                    match guard::refuse(&desired, &set.owner, &bounds, false) {
                        Some(why) => problems.push(problem("", codes::FORBIDDEN_OBJECT, why)),
                        None => all.push(desired),
                    }
                }
            }
            Err(error) => problems.push(problem("", codes::CANNOT_RENDER, error.to_string())),
        }
    }
    for file in &asked.verbatim {
        let (objects, found) = verbatim::objects(file, context, &bounds);
        all.extend(objects);
        problems.extend(found.into_iter().map(|mut problem| {
            problem.environments = vec![target.environment.clone()];
            problem
        }));
    }
    complete(all, problems, &scope)
}

/// All of it, or what is in the way, images that no policy allows included.
fn complete(
    all: Vec<Desired>,
    mut problems: Vec<Diagnostic>,
    scope: &Scope<'_>,
) -> Result<Vec<Desired>, Vec<Diagnostic>> {
    problems.extend(all.iter().flat_map(|d| images::refused(d, scope)));
    if problems.is_empty() {
        Ok(all)
    } else {
        Err(problems)
    }
}

/// What belongs to the set's tenant on this target.
fn bounds(found: &Found, target: &Target, world: &World, set: &SetId) -> Bounds {
    let Owner::Tenant(tenant) = &set.owner else {
        return Bounds::default();
    };
    let id = ResourceId {
        kind: "tenant".into(),
        tenant: None,
        name: tenant.clone(),
    };
    let member = world.resources.get(&id);
    let declared = member.and_then(|m| m.node.get("namespace"));
    let typed = member.and_then(|m| Tenant::of(&m.resource));
    let scope = Scope {
        project: &found.project,
        target,
        id: &id,
        world,
    };
    let names: Vec<String> = match declared.map(|n| &n.data) {
        Some(crate::dsl::node::Data::Map(map)) => map.keys().cloned().collect(),
        _ => Vec::new(),
    };
    if names.is_empty() {
        return Bounds::of(
            typed,
            vec![found.project.namespace(tenant, None, target)],
            &scope,
        );
    }
    let own = names
        .iter()
        .map(|name| found.project.namespace(tenant, Some(name), target));
    Bounds::of(typed, own.collect(), &scope)
}
