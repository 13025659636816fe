//! The files of a project made of drafts, and what a judge says to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::intake::Intake;
use super::{ImportError, Options};
use crate::dsl::diagnostic::{Diagnostic, Severity};
use crate::dsl::{fmt, write};
use crate::kinds::import::Draft;
use crate::kinds::project as project_kind;
use crate::kinds::{self};
use crate::model::job::{Job, Outcome, Want};
use crate::model::layout::Layout;
use crate::model::platform;
use crate::object::{ObjectKey, Rendered};
use crate::render::job::run;
use crate::render::yaml;
use crate::source::{RepoPath, SourceFile, SourceTree};

/// What stands for the UID of a cluster that nobody asked.
const NO_UID: &str = "00000000-0000-4000-8000-000000000000";
/// Name of the cluster in the project.
const CLUSTER: &str = "main";

/// Files by their paths.
pub(super) type Files = BTreeMap<String, String>;

/// Objects that stay as they are, by the path of the directory of their owner.
pub(super) type Kept<'a> = BTreeMap<String, Vec<(&'a ObjectKey, &'a Value)>>;

/// The path of a draft.
pub(super) fn path(draft: &Draft) -> String {
    let name = &draft.name;
    match (&draft.path_of, draft.kind) {
        (Some(tenant), "app") => format!("tenants/{tenant}/{name}.kdl"),
        (Some(tenant), kind) => format!("tenants/{tenant}/{}/{name}.kdl", plural(kind)),
        (None, "app") => {
            let tenant = draft
                .fields
                .get("tenant")
                .and_then(Value::as_str)
                .unwrap_or_default();
            format!("platform/apps/{tenant}-{name}.kdl")
        }
        (None, kind) => format!("platform/{}/{name}.kdl", plural(kind)),
    }
}

fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

/// A draft as KDL.
pub(super) fn written(draft: &Draft) -> String {
    let text = kinds::schema(draft.kind)
        .map(|kind| write::resource(kind, &draft.fields))
        .unwrap_or_default();
    fmt::format(&text).unwrap_or(text)
}

/// The project file.
pub(super) fn project_file(intake: &Intake, options: &Options) -> String {
    let tenants: BTreeSet<&str> = intake
        .found
        .places
        .values()
        .map(|place| place.tenant.as_str())
        .collect();
    let owned = tenants
        .iter()
        .map(|tenant| json!({ "glob": format!("tenants/{tenant}/**"), "tenant": tenant }));
    let mut paths = vec![json!({ "glob": "platform/**", "owner": "platform" })];
    paths.extend(owned);
    let value = json!({
        "name": options.project,
        "schema": 1,
        "cluster": { CLUSTER: { "uid": options.uid.as_deref().unwrap_or(NO_UID) } },
        "environment": { &intake.environment: { "cluster": { CLUSTER: {} } } },
        "include": ["platform/**/*.kdl", "tenants/**/*.kdl"],
        "ownership": { "path": paths },
    });
    let text = project_kind::schema()
        .map(|kind| write::resource(kind, &value))
        .unwrap_or_default();
    fmt::format(&text).unwrap_or(text)
}

/// Objects that stay as they are: their YAML, and the resource that names it.
pub(super) fn kept_files(kept: &Kept<'_>) -> Result<Files, ImportError> {
    let mut out = Files::new();
    for (directory, objects) in kept {
        let mut kinds: Vec<&str> = objects
            .iter()
            .map(|(key, _)| key.group_kind.kind.as_str())
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let tenant = directory.strip_prefix("tenants/");
        let mut text = String::from("manifests imported");
        if let Some(tenant) = tenant {
            write!(text, " tenant={tenant}").unwrap_or_default();
        }
        writeln!(text, " {{\nfrom \"*.yaml\"\nkinds {}\n}}", kinds.join(" ")).unwrap_or_default();
        let text = fmt::format(&text).unwrap_or(text);
        out.insert(format!("{directory}/manifests/manifests.kdl"), text);
        for (key, body) in objects {
            let text =
                yaml::print(&[*body]).map_err(|error| ImportError::Tree(error.to_string()))?;
            out.insert(kept_path(directory, key), text);
        }
    }
    Ok(out)
}

/// The file of an object that stays as it is.
pub(super) fn kept_path(directory: &str, key: &ObjectKey) -> String {
    let namespace = key.namespace.as_deref().unwrap_or("cluster");
    let kind = key.group_kind.to_string().to_lowercase();
    format!("{directory}/manifests/{namespace}.{kind}.{}.yaml", key.name)
}

/// What a judge says: the errors with the paths of their files, and what is rendered where there is none.
pub(super) struct Judged {
    pub(super) errors: Vec<(Option<String>, Diagnostic)>,
    pub(super) rendered: Vec<Rendered>,
}

/// Judges the files, and renders them.
pub(super) fn judge(files: &Files) -> Result<Judged, ImportError> {
    let tree = tree(files)?;
    let project = run(&platform::project_job(&tree)
        .map_err(|problem| ImportError::Refused(vec![problem.message]))?);
    let Some(found) = platform::project_of(&project) else {
        let said = project
            .diagnostics
            .into_iter()
            .map(|problem| problem.message);
        return Err(ImportError::Refused(said.collect()));
    };
    let layout = Layout::of(&found.project);
    let want = Want::Render {
        targets: found.project.targets(),
        trace: false,
    };
    let base = run(&platform::platform_job(&tree, &layout, want.clone()));
    let jobs: Vec<Job> = platform::tenant_jobs(&tree, &layout, &base.parsed, &want);
    let outcomes: Vec<Outcome> = std::iter::once(base).chain(jobs.iter().map(run)).collect();
    let mut all = platform::conclude(&outcomes.iter().collect::<Vec<_>>());
    let mut rendered = Vec::new();
    for outcome in outcomes {
        all.append(outcome.diagnostics);
        rendered.extend(outcome.rendered);
    }
    let place = |problem: &Diagnostic| {
        let file = tree.get(problem.primary.as_ref()?.span.file)?;
        Some(file.path.as_str().to_owned())
    };
    let errors = all
        .finish()
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error);
    let errors = errors.map(|problem| (place(&problem), problem)).collect();
    Ok(Judged { errors, rendered })
}

fn tree(files: &Files) -> Result<SourceTree, ImportError> {
    let file = |(path, text): (&String, &String)| {
        let path = RepoPath::new(path).map_err(|error| ImportError::Tree(error.to_string()))?;
        Ok(SourceFile::from_bytes(path, text.as_bytes().to_vec()))
    };
    let files: Result<Vec<SourceFile>, ImportError> = files.iter().map(file).collect();
    SourceTree::new(files?).map_err(|error| ImportError::Tree(error.to_string()))
}
