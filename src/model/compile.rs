//! One owner's files judged: parsed, composed for every target, checked against schema, references
//! and the rules of their kinds. This is the work of one worker process.

mod blocks;
mod composed;
mod profiles;
mod resources;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use self::composed::{Composed, TargetScopes};
use self::resources::Entry;
use super::index::{self, Names};
use super::job::{Export, InputFile, Job, Outcome, PLATFORM, ParsedFile};
use super::layout::{self, Found, Layout};
use super::parse::{pack_file, parse_file};
use super::test;
use crate::dsl::compose::{Surroundings, Target, Written};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::dsl::interpolate::Variables;
use crate::kinds::project::FILE;
use crate::kinds::scope::{Member, Scope, World};
use crate::kinds::sources::Sources;
use crate::kinds::{Claim, Findings};
use crate::object::ResourceId;
use crate::source::FileId;

/// The result of judging, with the typed resources for whoever renders.
pub struct Judged {
    /// What goes back to the parent.
    pub outcome: Outcome,
    /// The project, if it could be read.
    pub project: Option<Found>,
    /// Per target: the typed resources in sight.
    pub worlds: Vec<(Target, World)>,
    /// The resources that this owner wrote.
    pub own: Vec<ResourceId>,
}

/// Judges one owner's files.
pub fn judge(job: &Job) -> Judged {
    let mut out = Diagnostics::default();
    let (project, Read { files: own, fresh }) = read(job, &mut out);
    let Some(found) = project else {
        let outcome = Outcome {
            diagnostics: out.finish(),
            parsed: own,
            fresh,
            ..Outcome::default()
        };
        return Judged {
            outcome,
            project: None,
            worlds: Vec::new(),
            own: Vec::new(),
        };
    };
    let mut judged = judge_files(job, found, own, out);
    judged.outcome.fresh = fresh;
    judged
}

/// Judges an owner's files together with one more, as if it stood among them.
pub fn judge_beside(job: &Job, found: &Found, own: &[ParsedFile], more: ParsedFile) -> Outcome {
    let mut all = own.to_vec();
    all.push(more);
    judge_files(job, found.clone(), all, Diagnostics::default()).outcome
}

fn judge_files(job: &Job, found: Found, own: Vec<ParsedFile>, mut out: Diagnostics) -> Judged {
    let layout = Layout::of(&found.project);
    let files = Files::new(&job.platform, &own, &mut out);
    let (names, entries) = resources::collect(&files, &found, &layout, &job.owner, &mut out);
    for written in own.iter().flat_map(test::nodes) {
        test::read(written, Some(&names), &mut out);
    }
    let sources = Arc::new(sources(job, &own));
    let judgement = resolve_all(&found, &names, &entries, (&files, &sources), out);
    let own_ids: Vec<ResourceId> = entries
        .iter()
        .filter(|e| e.own)
        .map(|e| e.id.clone())
        .collect();
    let outcome = Outcome {
        diagnostics: judgement.diagnostics,
        claims: judgement.claims,
        foreign: judgement.foreign,
        exports: exports(&entries),
        resources: own_ids.len(),
        parsed: Vec::new(),
        ..Outcome::default()
    };
    let worlds = judgement.worlds;
    drop(entries);
    drop(files);
    let outcome = Outcome {
        parsed: own,
        ..outcome
    };
    Judged {
        outcome,
        project: Some(found),
        worlds,
        own: own_ids,
    }
}

/// What the owner's resources may read beside KDL.
fn sources(job: &Job, own: &[ParsedFile]) -> Sources {
    let kdl = job.platform.iter().chain(own);
    let texts = job
        .files
        .iter()
        .filter(|f| !f.path.as_str().ends_with(".kdl"));
    Sources::new(
        job.owner.clone(),
        kdl.map(|f| (f.id, f.path.to_string())),
        texts.map(|f| (f.path.to_string(), f.id, f.text.clone())),
    )
    .without(job.unusable.clone())
}

/// An owner's KDL as read.
#[derive(Default)]
struct Read {
    files: Vec<ParsedFile>,
    fresh: Vec<(FileId, Vec<u8>)>,
}

impl Read {
    fn files(&mut self, files: &[&InputFile], out: &mut Diagnostics) {
        let parsed: Vec<_> = files
            .par_iter()
            .map(|file| {
                let (parsed, problems) = parse_file(file);
                let fresh = pack_file(file, &parsed, &problems);
                (parsed, problems, fresh)
            })
            .collect();
        for (file, problems, fresh) in parsed {
            out.append(problems);
            self.fresh.extend(fresh.map(|nodes| (file.id, nodes)));
            self.files.push(file);
        }
    }
}

/// Parses the owner's KDL and finds the project, in its own files or in the platform's.
fn read(job: &Job, out: &mut Diagnostics) -> (Option<Found>, Read) {
    let mut read = Read::default();
    let kdl = job
        .files
        .iter()
        .filter(|f| f.path.as_str().ends_with(".kdl"));
    if let Some(file) = job.platform.iter().find(|f| f.path.as_str() == FILE) {
        // Its problems are the platform's to report.
        let project = layout::project(file, &mut Diagnostics::default());
        read.files(&kdl.collect::<Vec<_>>(), out);
        return (project, read);
    }
    let (first, rest): (Vec<_>, Vec<_>) = kdl.partition(|f| f.path.as_str() == FILE);
    read.files(&first, out);
    let project = read
        .files
        .first()
        .and_then(|file| layout::project(file, out));
    let layout = project.as_ref().map(|found| Layout::of(&found.project));
    let included = |f: &&InputFile| layout.as_ref().is_none_or(|l| l.includes(&f.path));
    let rest: Vec<_> = rest.into_iter().filter(included).collect();
    read.files(&rest, out);
    read.files.sort_by_key(|file| file.id);
    (project, read)
}

/// All files in sight, and which of them are the owner's.
pub struct Files<'a> {
    all: Vec<(&'a ParsedFile, bool)>,
    own: BTreeSet<FileId>,
    /// Profiles in the order of files, the owner's and the platform's.
    profiles: [Vec<Written<'a>>; 2],
    /// The first profile of each name, likewise.
    by_name: [BTreeMap<&'a str, Written<'a>>; 2],
    lets: BTreeMap<FileId, Variables>,
    none: Variables,
}

impl<'a> Files<'a> {
    fn new(platform: &'a [ParsedFile], own: &'a [ParsedFile], out: &mut Diagnostics) -> Self {
        let all = platform
            .iter()
            .map(|f| (f, false))
            .chain(own.iter().map(|f| (f, true)))
            .collect();
        let parts = [own, platform].map(profiles_of);
        let mut files = Self {
            all,
            own: own.iter().map(|f| f.id).collect(),
            by_name: parts.clone().map(by_name),
            profiles: parts,
            lets: BTreeMap::new(),
            none: Variables::new(),
        };
        for (file, own) in &files.all {
            let mut elsewhere = Diagnostics::default();
            let lets = layout::file_lets(file, if *own { out } else { &mut elsewhere });
            if !lets.is_empty() {
                files.lets.insert(file.id, lets);
            }
        }
        files
    }

    /// What a file sees of two parts: the owner's own files see both, the platform's their own.
    fn seen<'p, T>(
        &self,
        from: FileId,
        [own, platform]: &'p [T; 2],
    ) -> impl Iterator<Item = &'p T> {
        let own = self.own.contains(&from).then_some(own);
        own.into_iter().chain([platform])
    }
}

fn profiles_of(files: &[ParsedFile]) -> Vec<Written<'_>> {
    let nodes = files.iter().flat_map(|file| {
        let written = |raw| Written { file: file.id, raw };
        file.nodes.iter().map(written)
    });
    nodes
        .filter(|written| written.raw.name == "profile")
        .collect()
}

fn by_name(profiles: Vec<Written<'_>>) -> BTreeMap<&str, Written<'_>> {
    let mut found = BTreeMap::new();
    for profile in profiles {
        if let Some(name) = profile.raw.label() {
            found.entry(name).or_insert(profile);
        }
    }
    found
}

impl Surroundings for Files<'_> {
    fn profile(&self, from: FileId, name: &str) -> Option<Written<'_>> {
        let mut parts = self.seen(from, &self.by_name);
        parts.find_map(|part| part.get(name).copied())
    }

    fn profile_names(&self, from: FileId) -> Vec<&str> {
        let parts = self.seen(from, &self.profiles);
        parts.flatten().filter_map(|p| p.raw.label()).collect()
    }

    fn file_lets(&self, file: FileId) -> &Variables {
        self.lets.get(&file).unwrap_or(&self.none)
    }
}

struct Judgement {
    diagnostics: Diagnostics,
    claims: Vec<Claim>,
    foreign: Vec<super::job::Foreign>,
    worlds: Vec<(Target, World)>,
}

fn resolve_all(
    found: &Found,
    names: &Names,
    entries: &[Entry<'_>],
    (files, sources): (&Files<'_>, &Arc<Sources>),
    mut out: Diagnostics,
) -> Judgement {
    let targets = found.project.targets();
    let scopes = TargetScopes::new(found, &targets, names);
    let composed: Vec<Composed> = entries
        .par_iter()
        .map(|entry| composed::compose(entry, &scopes, files))
        .collect();
    let declared = Arc::new(names.all());
    let mut worlds: Vec<(Target, World)> = targets
        .iter()
        .map(|t| {
            let world = World {
                sources: sources.clone(),
                declared: declared.clone(),
                ..World::default()
            };
            (t.clone(), world)
        })
        .collect();
    for (entry, composed) in entries.iter().zip(composed) {
        if entry.own {
            composed.diagnostics.into_iter().for_each(|d| out.push(d));
        }
        for ((_, world), member) in worlds.iter_mut().zip(composed.members) {
            if let Some(member) = member {
                world.resources.insert(entry.id.clone(), member);
            }
        }
    }
    let (claims, mut foreign) = judge_own(entries, found, &worlds, names, &mut out);
    foreign.sort();
    foreign.dedup();
    let environments: Vec<String> = found
        .project
        .environment
        .keys()
        .map(ToString::to_string)
        .collect();
    let diagnostics = everywhere(out.finish(), &environments);
    Judgement {
        diagnostics,
        claims,
        foreign,
        worlds,
    }
}

/// References and rules of everything the owner wrote, on every target.
fn judge_own(
    entries: &[Entry<'_>],
    found: &Found,
    worlds: &[(Target, World)],
    names: &Names,
    out: &mut Diagnostics,
) -> (Vec<Claim>, Vec<super::job::Foreign>) {
    let own: Vec<&Entry<'_>> = entries.iter().filter(|e| e.own).collect();
    let (mut claims, mut foreign) = (Vec::new(), Vec::new());
    for (target, world) in worlds {
        let judged: Vec<_> = own
            .par_iter()
            .map(|entry| judge_one(entry, found, target, world, names))
            .collect();
        for (diagnostics, found_claims, found_foreign) in judged {
            diagnostics.into_iter().for_each(|d| out.push(d));
            claims.extend(found_claims);
            foreign.extend(found_foreign);
        }
    }
    (claims, foreign)
}

type One = (Vec<Diagnostic>, Vec<Claim>, Vec<super::job::Foreign>);

/// References and rules of one resource on one target.
fn judge_one(
    entry: &Entry<'_>,
    found: &Found,
    target: &Target,
    world: &World,
    names: &Names,
) -> One {
    let Some(member) = world.resources.get(&entry.id) else {
        return One::default();
    };
    let mut diagnostics = Vec::new();
    let mut foreign = index::resolve(&member.node, entry.kind, &entry.id, names, &mut diagnostics);
    let scope = Scope {
        project: &found.project,
        target,
        id: &entry.id,
        world,
    };
    let mut findings = Findings::new(&member.node);
    member.resource.check(&scope, &mut findings);
    foreign.extend(
        findings
            .mentions
            .into_iter()
            .map(|mention| super::job::Foreign {
                kind: mention.kind.to_owned(),
                tenant: mention.tenant,
                name: mention.name,
                from: entry.id.tenant.clone().unwrap_or_default(),
                at: mention.at,
            }),
    );
    diagnostics.append(&mut findings.diagnostics);
    for diagnostic in &mut diagnostics {
        diagnostic.environments = vec![target.environment.clone()];
    }
    (diagnostics, findings.claims, foreign)
}

/// What shows in every environment needs no list of them.
pub fn everywhere(diagnostics: Diagnostics, environments: &[String]) -> Diagnostics {
    diagnostics.map(|mut diagnostic| {
        if environments
            .iter()
            .all(|e| diagnostic.environments.contains(e))
        {
            diagnostic.environments.clear();
        }
        diagnostic
    })
}

/// What others may refer to: the platform to everything, tenants to what is exported to them.
fn exports(entries: &[Entry<'_>]) -> Vec<Export> {
    let own = entries.iter().filter(|e| e.own && e.id.tenant.is_some());
    own.map(|entry| {
        let children = &entry.written.raw.children;
        let node = children.iter().find(|c| c.name == "export");
        let written = node.into_iter().flat_map(|node| &node.args);
        let named: Vec<String> = written
            .filter_map(|a| a.value.as_text())
            .map(str::to_owned)
            .collect();
        let to = match node {
            Some(_) if named.is_empty() => Vec::new(),
            _ => [named, vec![PLATFORM.to_owned()]].concat(),
        };
        Export {
            resource: entry.id.clone(),
            to,
        }
    })
    .collect()
}

/// A resource shared by the targets that see it alike.
pub type Shared = Arc<Member>;
