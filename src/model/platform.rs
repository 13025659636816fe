//! The whole tree: split into one job per owner, and joined again for what spans owners.
//!
//! A job that failed to come back is an error of its owner and of nobody else.

use std::collections::{BTreeMap, BTreeSet};

use super::job::{Export, Foreign, InputFile, Job, Outcome, PLATFORM, ParsedFile, Want};
use super::layout::{self, Found, Layout};
use crate::dsl::codes;
use crate::dsl::diagnostic::{Code, Diagnostic, Diagnostics, Span};
use crate::dsl::shape::Shape;
use crate::kinds::project::FILE;
use crate::kinds::sources::Unusable;
use crate::kinds::{self, Claim};
use crate::object::{Owner, ResourceId};
use crate::source::intake::{self, ClashCause};
use crate::source::{Content, FileId, RepoPath, SourceFile, SourceTree};

/// Refusals of a reference that no export could mend.
const SETTLED: [Code; 4] = [
    codes::FOREIGN_SECRET,
    codes::BACKEND,
    codes::NO_LISTENER,
    codes::CONTRADICTION,
];

/// The first job: the project file alone, whose content decides how the rest is split.
pub fn project_job(tree: &SourceTree) -> Result<Job, Diagnostic> {
    let no_project = || {
        let message = format!("this is not a project: there is no `{FILE}` at its root");
        Diagnostic::global(codes::NO_PROJECT, message)
            .help("run `kubemate new project`, or name the directory that holds it")
    };
    let (id, file) = tree.find(FILE).ok_or_else(no_project)?;
    if file.text().is_none() {
        return Err(unusable(id, file));
    }
    let files = input(id, file).into_iter().collect();
    Ok(Job {
        owner: Owner::Platform,
        platform: Vec::new(),
        files,
        unusable: Vec::new(),
        want: Want::Check,
    })
}

/// The project in the outcome of [`project_job`].
pub fn project_of(outcome: &Outcome) -> Option<Found> {
    let file = outcome.parsed.iter().find(|f| f.path.as_str() == FILE)?;
    layout::project(file, &mut Diagnostics::default())
}

/// The platform's job: all its files.
pub fn platform_job(tree: &SourceTree, layout: &Layout, want: Want) -> Job {
    let own = tree
        .iter()
        .filter(|(_, f)| belongs(f, layout) && layout.owner(&f.path) == Owner::Platform);
    let (files, unusable) = inputs(own);
    Job {
        owner: Owner::Platform,
        platform: Vec::new(),
        files,
        unusable,
        want,
    }
}

/// All KDL of a tree without a usable project: it can be read, not judged.
pub fn orphan_job(tree: &SourceTree) -> Job {
    let kdl = tree
        .iter()
        .filter(|(_, f)| f.path.as_str().ends_with(".kdl"));
    let files = kdl.filter_map(|(id, f)| input(id, f)).collect();
    Job {
        owner: Owner::Platform,
        platform: Vec::new(),
        files,
        unusable: Vec::new(),
        want: Want::Check,
    }
}

/// One job per tenant that has a path, given the platform's files as parsed.
pub fn tenant_jobs(
    tree: &SourceTree,
    layout: &Layout,
    platform: &[ParsedFile],
    want: &Want,
) -> Vec<Job> {
    let mut owned: BTreeMap<Owner, Vec<(FileId, &SourceFile)>> = BTreeMap::new();
    for (id, file) in tree.iter() {
        let owner = layout.owner(&file.path);
        if owner != Owner::Platform {
            let files = owned.entry(owner).or_default();
            files.extend(belongs(file, layout).then_some((id, file)));
        }
    }
    let job = |(owner, own): (Owner, Vec<_>)| {
        let (files, unusable) = inputs(own);
        Job {
            files,
            unusable,
            platform: platform.to_vec(),
            want: want.clone(),
            owner,
        }
    };
    owned.into_iter().map(job).collect()
}

/// Owners whose files differ between two trees; `None` where a file of the platform does, since all
/// are judged by those.
pub fn owners_that_differ(
    one: &SourceTree,
    other: &SourceTree,
    layout: &Layout,
) -> Option<BTreeSet<Owner>> {
    let known: BTreeMap<&RepoPath, &Content> =
        one.iter().map(|(_, f)| (&f.path, &f.content)).collect();
    let mut missing: BTreeSet<&RepoPath> = known.keys().copied().collect();
    let mut owners = BTreeSet::new();
    for (_, file) in other.iter() {
        missing.remove(&file.path);
        if known.get(&file.path) != Some(&&file.content) {
            owners.insert(layout.owner(&file.path));
        }
    }
    owners.extend(missing.into_iter().map(|path| layout.owner(path)));
    (!owners.contains(&Owner::Platform)).then_some(owners)
}

/// Whether a file is part of the project: other files than KDL always are.
fn belongs(file: &SourceFile, layout: &Layout) -> bool {
    !file.path.as_str().ends_with(".kdl") || layout.includes(&file.path)
}

/// What can be read of an owner's files, and what of them that is no KDL cannot be used.
fn inputs<'a>(
    own: impl IntoIterator<Item = (FileId, &'a SourceFile)>,
) -> (Vec<InputFile>, Vec<Unusable>) {
    let (mut files, mut unusable) = (Vec::new(), Vec::new());
    for (id, file) in own {
        match input(id, file) {
            Some(input) => files.push(input),
            None if file.path.as_str().ends_with(".kdl") => {}
            None => unusable.push(Unusable {
                path: file.path.to_string(),
                why: fault(&file.content).0,
                hides: matches!(file.content, Content::Hidden { .. }),
                passed_by: may_hold_files(file),
            }),
        }
    }
    (files, unusable)
}

fn input(id: FileId, file: &SourceFile) -> Option<InputFile> {
    Some(InputFile {
        id,
        path: file.path.clone(),
        text: file.text()?.to_owned(),
        known: None,
    })
}

/// Problems of the tree itself: files that cannot be used, paths that clash, includes that are idle.
pub fn judge_tree(tree: &SourceTree, found: &Found, layout: &Layout) -> Diagnostics {
    let mut out = Diagnostics::default();
    for (id, file) in tree.iter() {
        let included = file.path.as_str().ends_with(".kdl") && layout.includes(&file.path);
        let hides = matches!(file.content, Content::Hidden { .. }) && layout.reaches(&file.path);
        if hides || included && file.text().is_none() {
            out.push(unusable(id, file));
        } else if may_hold_files(file) && layout.reaches(&file.path) {
            out.push(passed_by(id, file));
        }
    }
    for clash in intake::clashes(tree) {
        let why = match clash.cause {
            ClashCause::Case => "upper and lower case",
            ClashCause::Invisible => "characters that nobody sees",
        };
        let (first, second) = (clash.first.escape_debug(), clash.second.escape_debug());
        let message = format!("`{second}` and `{first}` differ only in {why}");
        let diagnostic = match tree.find(&clash.second) {
            Some((id, _)) => Diagnostic::error(codes::CLASHING_PATHS, Span::new(id, 0..0), message),
            None => Diagnostic::global(codes::CLASHING_PATHS, message),
        };
        out.push(diagnostic.help("rename one of them: on some machines they are the same"));
    }
    for index in layout.idle_includes(tree.files().iter().map(|f| &f.path)) {
        let at = found.node.nearest(&format!("/include/{index}")).place.value;
        let message = "this include matches no file";
        out.push(Diagnostic::error(codes::IDLE_INCLUDE, at, message).warning());
    }
    out
}

/// Whether files may lie behind a place that nobody looks into: a link without an ending may lead to a
/// directory.
fn may_hold_files(file: &SourceFile) -> bool {
    match &file.content {
        Content::Symlink => {
            let name = file.path.as_str().rsplit('/').next();
            name.is_some_and(|name| !name.contains('.'))
        }
        Content::Nested { .. } => true,
        _ => false,
    }
}

/// What `include` means and is no part of the project is no error, and nobody shall wonder about it.
fn passed_by(id: FileId, file: &SourceFile) -> Diagnostic {
    let message = format!("`{}` {}", file.path, fault(&file.content).0);
    Diagnostic::error(codes::UNUSABLE_FILE, Span::new(id, 0..0), message)
        .warning()
        .help("what lies behind it is no part of the project: put its files here, or narrow `include`")
}

fn unusable(id: FileId, file: &SourceFile) -> Diagnostic {
    let (why, help) = fault(&file.content);
    let message = format!("`{}` {why}", file.path);
    Diagnostic::error(codes::UNUSABLE_FILE, Span::new(id, 0..0), message).help(help)
}

/// Why something cannot be used, in words that follow its path, and what to do.
fn fault(content: &Content) -> (String, &'static str) {
    match content {
        Content::Text(_) => ("cannot be used".to_owned(), "check the file"),
        Content::NotUtf8 { valid_up_to } => (
            format!("is not UTF-8 text: the byte at offset {valid_up_to} belongs to no character"),
            "save it as UTF-8",
        ),
        Content::TooLarge { bytes } => (
            format!("has {bytes} bytes, more than the limit of 1 MiB"),
            "split it: one resource per file reads best",
        ),
        Content::Symlink => (
            "is a symbolic link, and links are not followed".to_owned(),
            "replace it by the file itself",
        ),
        Content::Unreadable { reason } => {
            (format!("cannot be read: {reason}"), "mend its permissions")
        }
        Content::Nested { reason } => (
            format!("is not looked into: {reason}"),
            "put its files here",
        ),
        Content::Hidden { reason } => (
            format!("cannot be looked into: {reason}"),
            "nobody knows which files are missing; mend it, or narrow `include` if it holds none of the project",
        ),
    }
}

/// Everything that only all owners together can get wrong.
pub fn conclude(outcomes: &[&Outcome]) -> Diagnostics {
    let mut out = Diagnostics::default();
    claims(outcomes.iter().flat_map(|o| &o.claims), &mut out);
    let mut exports: BTreeMap<&ResourceId, &Export> = BTreeMap::new();
    for export in outcomes.iter().flat_map(|o| &o.exports) {
        exports.entry(&export.resource).or_insert(export);
    }
    // What no export could mend has been told by the owner's own judgement.
    let told: BTreeSet<Span> = outcomes
        .iter()
        .flat_map(|o| o.diagnostics.iter())
        .filter(|d| SETTLED.contains(&d.code))
        .filter_map(|d| d.primary.as_ref().map(|label| label.span))
        .collect();
    for foreign in outcomes.iter().flat_map(|o| &o.foreign) {
        let unread = foreign.from == PLATFORM && unread(foreign, outcomes);
        if unread || told.contains(&foreign.at) {
            continue;
        }
        if let Some(diagnostic) = refused(foreign, &exports) {
            out.push(diagnostic);
        }
    }
    out
}

/// Whether the other resource exists and cannot be read.
fn unread(foreign: &Foreign, outcomes: &[&Outcome]) -> bool {
    let files = outcomes.iter().flat_map(|o| &o.parsed);
    files
        .flat_map(|f| &f.unread)
        .any(|(kind, name)| *kind == foreign.kind && *name == foreign.name)
}

fn refused(foreign: &Foreign, exports: &BTreeMap<&ResourceId, &Export>) -> Option<Diagnostic> {
    let id = ResourceId {
        kind: foreign.kind.clone(),
        tenant: Some(foreign.tenant.clone()),
        name: foreign.name.clone(),
    };
    let export = exports.get(&id);
    if export.is_some_and(|e| e.to.is_empty() || e.to.contains(&foreign.from)) {
        return None;
    }
    if foreign.from == PLATFORM {
        let Foreign {
            tenant, kind, name, ..
        } = foreign;
        let message = format!("tenant `{tenant}` has no {kind} `{name}`");
        return Some(
            Diagnostic::error(codes::DANGLING, foreign.at, message)
                .label("not found")
                .help(format!(
                    "write `{kind} {name} tenant={tenant} …` in a file of the tenant"
                )),
        );
    }
    // Whether it exists is the other tenant's to tell: both cases read the same.
    let message = format!(
        "tenant `{}` exports no {} `{}` to you",
        foreign.tenant, foreign.kind, foreign.name
    );
    let help = match can_be_exported(&foreign.kind) {
        true => format!(
            "ask `{}` to write `export {}` in it",
            foreign.tenant, foreign.from
        ),
        false => format!(
            "name a {} of your own: no tenant can export one",
            foreign.kind
        ),
    };
    Some(
        Diagnostic::error(codes::NOT_EXPORTED, foreign.at, message)
            .label("another tenant's")
            .help(help),
    )
}

/// Whether resources of a kind can say who else may refer to them.
fn can_be_exported(kind: &str) -> bool {
    let shape = kinds::schema(kind).map(|schema| &schema.shape);
    matches!(shape, Some(Shape::Record(record)) if record.fields.contains_key("export"))
}

fn claims<'c>(all: impl Iterator<Item = &'c Claim>, out: &mut Diagnostics) {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Claim>> = BTreeMap::new();
    for claim in all {
        groups
            .entry((&claim.space, &claim.name, &claim.within))
            .or_default()
            .push(claim);
    }
    let mut wildcards: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
    let hosts = || groups.values().flatten().filter(|c| c.space == "host");
    for claim in hosts() {
        if let Some(domain) = claim.name.strip_prefix("*.") {
            wildcards.entry(domain).or_default().push(claim);
        }
    }
    for diagnostic in hosts().filter_map(|host| under_wildcard(host, &wildcards)) {
        out.push(diagnostic);
    }
    for group in groups.values_mut() {
        group.sort();
        for (index, claim) in group.iter().enumerate() {
            let clash = group[..index].iter().find_map(|first| clash(first, claim));
            if let Some(diagnostic) = clash {
                out.push(diagnostic);
            }
        }
    }
}

/// A host of one tenant under a `*.` of another: requests for it could go to either.
fn under_wildcard(claim: &Claim, wildcards: &BTreeMap<&str, Vec<&Claim>>) -> Option<Diagnostic> {
    let bare = claim.name.strip_prefix("*.").unwrap_or(&claim.name);
    let domains = bare
        .match_indices('.')
        .filter_map(|(at, dot)| bare.get(at + dot.len()..));
    let above = domains.filter_map(|domain| wildcards.get(domain));
    let mut others = above
        .flatten()
        .filter(|other| other.holder != claim.holder && other.cluster == claim.cluster);
    let other = others.next()?;
    let message = format!(
        "host `{}` of `{}` lies under `{}` of `{}`",
        claim.name, claim.holder, other.name, other.holder
    );
    let diagnostic = Diagnostic::error(codes::CLAIMED_TWICE, claim.at, message)
        .label("both could be asked")
        .related(other.at, "taken with everything under it here")
        .help("name the hosts one by one, or give it another domain");
    Some(diagnostic)
}

fn clash(first: &Claim, claim: &Claim) -> Option<Diagnostic> {
    let Claim { space, name, .. } = claim;
    let same_environment = first.environment == claim.environment;
    let same_cluster = first.cluster == claim.cluster;
    if first.holder != claim.holder && (same_environment || same_cluster) {
        let message = format!(
            "{space} `{name}` is taken twice: by `{}` and by `{}`",
            first.holder, claim.holder
        );
        return Some(
            Diagnostic::error(codes::CLAIMED_TWICE, claim.at, message)
                .label("taken again here")
                .related(first.at, "first taken here"),
        );
    }
    if claim.across_environments && !same_environment {
        let message = format!(
            "{space} `{name}` is the same in `{}` and in `{}`: it can lead to one of them only",
            first.environment, claim.environment
        );
        let diagnostic = Diagnostic::error(codes::SAME_IN_ENVIRONMENTS, claim.at, message)
            .help("write a `let` of the environment into it, as in `\"name.${domain}\"`, or override it in an `in` block");
        return Some(if first.at == claim.at {
            diagnostic
        } else {
            diagnostic.related(first.at, "the other environment's")
        });
    }
    None
}

/// The error of an owner whose worker did not come back.
pub fn worker_failed(owner: &Owner, job: &Job, reason: &str) -> Diagnostic {
    let message = format!("the files of `{owner}` could not be judged: {reason}");
    let diagnostic = match job.files.first() {
        Some(file) => Diagnostic::error(codes::WORKER_FAILED, Span::new(file.id, 0..0), message),
        None => Diagnostic::global(codes::WORKER_FAILED, message),
    };
    diagnostic.help("the other owners are not affected; look for the newest change below this path")
}
