//! Runs `test` nodes over what one owner's files mean: expectations against resources and rendered
//! objects, and resources that must be refused.
//!
//! The platform's tests are run by every owner, each for what is its own; whoever joins the verdicts
//! takes the one of the owner that has seen the thing.

use serde_json::Value;

use super::job::render_target;
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::{Diagnostics, Severity};
use crate::dsl::raw::{self, RawNode};
use crate::kinds::scope::World;
use crate::kinds::test::Expect;
use crate::model::job::{Job, ParsedFile, TestVerdict};
use crate::model::layout::Found;
use crate::model::test::{self, Read};
use crate::model::{compile, index};
use crate::object::{Owner, Rendered, ResourceId};

/// What tests are run over.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its project.
    pub found: &'a Found,
    /// Its resources per target.
    pub worlds: &'a [(Target, World)],
    /// Those that the owner wrote.
    pub own: &'a [ResourceId],
}

/// Runs the owner's tests and the platform's.
pub fn run(judged: Judged<'_>, parsed: &[ParsedFile]) -> Vec<TestVerdict> {
    let files = judged.job.platform.iter().chain(parsed);
    let mut verdicts = Vec::new();
    for written in files.flat_map(test::nodes) {
        if let Some(read) = test::read(written, None, &mut Diagnostics::default()) {
            for (target, world) in judged.worlds {
                if selected(&read, target) {
                    expectations(judged, &read, target, world, &mut verdicts);
                }
            }
            rejections(judged, &read, parsed, &mut verdicts);
        }
    }
    verdicts
}

fn selected(read: &Read<'_>, target: &Target) -> bool {
    let wanted = &read.test.env;
    wanted.is_empty() || wanted.iter().any(|e| e.name() == target.environment)
}

fn expectations(
    judged: Judged<'_>,
    read: &Read<'_>,
    target: &Target,
    world: &World,
    out: &mut Vec<TestVerdict>,
) {
    let looks_at_objects = read.test.expect.iter().any(|e| e.object.is_some());
    let mut problems = Diagnostics::default();
    let rendered = if looks_at_objects {
        render_target(
            judged.found,
            target,
            world,
            judged.own,
            false,
            &mut problems,
        )
    } else {
        Vec::new()
    };
    for (index, expect) in read.test.expect.iter().enumerate() {
        let values = match &expect.object {
            Some(object) => objects(&rendered, object),
            None => resources(judged.own, world, expect),
        };
        let mut failures = values.iter().map(|value| {
            let field = expect.field.as_deref().unwrap_or_default();
            test::differs(expect, test::at(value, field))
        });
        let failure = if values.is_empty() {
            test::differs(expect, None).map(|_| format!("there is no {}", subject(expect)))
        } else {
            failures.find_map(|failure| failure)
        };
        out.push(TestVerdict {
            test: read.test.name.clone(),
            environment: target.environment.clone(),
            expectation: words(expect),
            seen: !values.is_empty(),
            failure,
            at: read.place(index),
        });
    }
}

fn resources(own: &[ResourceId], world: &World, expect: &Expect) -> Vec<Value> {
    let Some((kind, name)) = expect.resource() else {
        return Vec::new();
    };
    let tenant = expect
        .tenant
        .as_ref()
        .filter(|_| kind != "tenant")
        .map(|t| t.name());
    let meant = |id: &&ResourceId| {
        id.kind == kind && id.name == name && tenant.is_none_or(|t| id.tenant.as_deref() == Some(t))
    };
    let members = own
        .iter()
        .filter(meant)
        .filter_map(|id| world.resources.get(id));
    members
        .filter_map(|member| member.resource.to_json().ok())
        .collect()
}

/// Objects named `KIND/NAME`, in every namespace.
fn objects(rendered: &[Rendered], wanted: &str) -> Vec<Value> {
    let Some((kind, name)) = wanted.split_once('/') else {
        return Vec::new();
    };
    let all = rendered.iter().flat_map(|set| &set.objects);
    all.filter(|(key, _)| key.group_kind.kind == kind && key.name == name)
        .map(|(_, desired)| desired.manifest.body.clone())
        .collect()
}

fn subject(expect: &Expect) -> String {
    match (&expect.object, expect.resource()) {
        (Some(object), _) => format!("object `{object}`"),
        (None, Some((kind, name))) => format!("{kind} `{name}`"),
        (None, None) => "such thing".to_owned(),
    }
}

/// An expectation as a sentence.
fn words(expect: &Expect) -> String {
    let field = expect
        .field
        .as_ref()
        .map_or(String::new(), |f| format!(" {f}"));
    let asked = [
        ("equals", &expect.equals),
        ("is at least", &expect.at_least),
        ("is at most", &expect.at_most),
        ("contains", &expect.contains),
    ];
    let asked = asked
        .iter()
        .find_map(|(word, value)| value.as_ref().map(|v| format!("{word} {}", test::text(v))))
        .unwrap_or_else(|| "is absent".to_owned());
    format!("{}{field} {asked}", subject(expect))
}

/// Each `reject` is judged as if it stood among the files of the owner it speaks of.
fn rejections(
    judged: Judged<'_>,
    read: &Read<'_>,
    parsed: &[ParsedFile],
    out: &mut Vec<TestVerdict>,
) {
    for (node, why) in read.rejects() {
        let whose = node.children.first().and_then(index::tenant_of);
        let owner = match whose {
            Some(tenant) => Owner::Tenant(tenant.to_owned()),
            None => Owner::Platform,
        };
        let alone = !crate::model::layout::Layout::of(&judged.found.project).has_rules();
        let mine = owner == judged.job.owner || alone;
        let at = raw::span(read.written.file, node.name_at);
        out.push(TestVerdict {
            test: read.test.name.clone(),
            environment: String::new(),
            expectation: format!("refused: {why}"),
            seen: mine,
            failure: if mine {
                accepted(judged, node, read, parsed)
            } else {
                Some(nobody(whose))
            },
            at,
        });
    }
}

fn nobody(tenant: Option<&str>) -> String {
    format!("no path belongs to tenant `{}`", tenant.unwrap_or_default())
}

/// Why resources were not refused; `None` if they were.
fn accepted(
    judged: Judged<'_>,
    node: &RawNode,
    read: &Read<'_>,
    parsed: &[ParsedFile],
) -> Option<String> {
    let path = parsed.first().map(|file| file.path.clone())?;
    let file = ParsedFile {
        id: read.written.file,
        path,
        nodes: node.children.clone(),
        unread: Vec::new(),
    };
    let outcome = compile::judge_beside(judged.job, judged.found, parsed, file);
    let whole = raw::span(read.written.file, node.at);
    let refused = outcome.diagnostics.iter().any(|d| {
        d.severity == Severity::Error && d.primary.as_ref().is_some_and(|p| whole.covers(&p.span))
    });
    (!refused).then(|| "it is accepted".to_owned())
}
