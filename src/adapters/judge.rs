//! A tree judged owner by owner, each in a worker process, with what is known from before taken from
//! the cache. The one way in which `cli` and `controller` reach the language and the renderer.

use std::collections::BTreeMap;

use super::cache::{Cache, CacheKey};
use super::worker::Workers;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::model::job::{Job, Outcome, Want};
use crate::model::layout::{Found, Layout};
use crate::model::platform;
use crate::object::{Owner, Rendered};
use crate::source::SourceTree;

/// Judges trees.
pub struct Judge {
    workers: Workers,
    cache: Option<(Cache, String)>,
}

/// What a tree means, and what is wrong with it.
#[derive(Default)]
pub struct Verdict {
    /// Problems of the whole tree, finished.
    pub diagnostics: Diagnostics,
    /// The project, if it could be read.
    pub project: Option<Found>,
    /// What each owner's files gave, the platform first.
    pub outcomes: Vec<(Owner, Outcome)>,
    /// Owners whose worker did not come back.
    pub failed: Vec<Owner>,
}

impl Verdict {
    /// How many resources were judged.
    pub fn resources(&self) -> usize {
        self.outcomes.iter().map(|(_, o)| o.resources).sum()
    }

    /// Every set that was rendered, by identity.
    pub fn rendered(&self) -> BTreeMap<crate::object::SetId, Rendered> {
        let mut all: BTreeMap<_, Rendered> = BTreeMap::new();
        for rendered in self.outcomes.iter().flat_map(|(_, o)| &o.rendered) {
            match all.get_mut(&rendered.set) {
                Some(first) => first.objects.extend(rendered.objects.clone()),
                None => drop(all.insert(rendered.set.clone(), rendered.clone())),
            }
        }
        all
    }
}

/// The answer of a worker: an outcome, as bytes.
pub fn work(request: &[u8]) -> Vec<u8> {
    let outcome = match serde_json::from_slice::<Job>(request) {
        Ok(job) => crate::render::job::run(&job),
        Err(_) => return Vec::new(),
    };
    serde_json::to_vec(&outcome).unwrap_or_default()
}

impl Judge {
    /// A judge that keeps outcomes in a cache; `program` names this build of kubemate.
    pub fn new(workers: Workers, cache: Option<(Cache, String)>) -> Self {
        Self { workers, cache }
    }

    /// Judges a whole tree.
    pub fn judge(&self, tree: &SourceTree, want: &Want) -> Verdict {
        let mut verdict = Verdict::default();
        let first = match platform::project_job(tree) {
            Ok(job) => job,
            Err(problem) => {
                verdict.diagnostics.push(problem);
                verdict.diagnostics = verdict.diagnostics.finish();
                return verdict;
            }
        };
        let outcomes = self.run(vec![first], &mut verdict);
        let found = outcomes
            .first()
            .and_then(|(_, outcome)| platform::project_of(outcome));
        match found {
            Some(found) => self.judge_project(tree, found, want, &mut verdict),
            None => self.judge_files(tree, outcomes, &mut verdict),
        }
        verdict.diagnostics = std::mem::take(&mut verdict.diagnostics).finish();
        verdict
    }

    fn judge_project(&self, tree: &SourceTree, found: Found, want: &Want, verdict: &mut Verdict) {
        let layout = Layout::of(&found.project);
        verdict
            .diagnostics
            .append(platform::judge_tree(tree, &found, &layout));
        let platform_job = platform::platform_job(tree, &layout, want.clone());
        let mut outcomes = self.run(vec![platform_job], verdict);
        let parsed = outcomes
            .first()
            .map(|(_, o)| o.parsed.clone())
            .unwrap_or_default();
        if !parsed.is_empty() {
            let jobs = platform::tenant_jobs(tree, &layout, &parsed, want);
            outcomes.extend(self.run(jobs, verdict));
        }
        let all: Vec<&Outcome> = outcomes.iter().map(|(_, o)| o).collect();
        verdict.diagnostics.append(platform::conclude(&all));
        for outcome in all {
            verdict.diagnostics.append(outcome.diagnostics.clone());
        }
        verdict.project = Some(found);
        verdict.outcomes = outcomes;
    }

    /// Without a project there are no owners, but every file can still be read.
    fn judge_files(&self, tree: &SourceTree, first: Vec<(Owner, Outcome)>, verdict: &mut Verdict) {
        for (_, outcome) in first {
            verdict.diagnostics.append(outcome.diagnostics);
        }
        let job = platform::orphan_job(tree);
        for (_, outcome) in self.run(vec![job], verdict) {
            verdict.diagnostics.append(outcome.diagnostics);
        }
    }

    /// Outcomes of jobs, in order; a job that failed is a diagnostic and has none.
    fn run(&self, jobs: Vec<Job>, verdict: &mut Verdict) -> Vec<(Owner, Outcome)> {
        let requests: Vec<Vec<u8>> = jobs
            .iter()
            .map(|job| serde_json::to_vec(job).unwrap_or_default())
            .collect();
        let mut known: Vec<Option<Outcome>> = jobs
            .iter()
            .zip(&requests)
            .map(|(job, request)| self.recall(job, request))
            .collect();
        let missing: Vec<usize> = (0..jobs.len()).filter(|i| known[*i].is_none()).collect();
        let asked: Vec<&[u8]> = missing.iter().map(|i| requests[*i].as_slice()).collect();
        for (index, answer) in missing.into_iter().zip(self.workers.run_batch(&asked)) {
            let job = &jobs[index];
            let decoded = answer.map_err(|e| e.to_string()).and_then(|bytes| {
                let outcome = serde_json::from_slice::<Outcome>(&bytes);
                outcome
                    .map(|o| (o, bytes))
                    .map_err(|_| "its answer makes no sense".to_owned())
            });
            match decoded {
                Ok((outcome, bytes)) => {
                    self.remember(job, &requests[index], bytes);
                    known[index] = Some(outcome);
                }
                Err(reason) => {
                    verdict
                        .diagnostics
                        .push(platform::worker_failed(&job.owner, job, &reason));
                    verdict.failed.push(job.owner.clone());
                }
            }
        }
        jobs.into_iter()
            .zip(known)
            .filter_map(|(job, outcome)| Some((job.owner, outcome?)))
            .collect()
    }

    fn key(&self, request: &[u8]) -> Option<(&Cache, CacheKey)> {
        let (cache, program) = self.cache.as_ref()?;
        Some((
            cache,
            CacheKey::new("outcome", &[program.as_bytes(), request]),
        ))
    }

    fn recall(&self, job: &Job, request: &[u8]) -> Option<Outcome> {
        let (cache, key) = self.key(request)?;
        let mut pack = cache.load(&slot(job));
        serde_json::from_slice(pack.get(key)?).ok()
    }

    fn remember(&self, job: &Job, request: &[u8], bytes: Vec<u8>) {
        let Some((cache, key)) = self.key(request) else {
            return;
        };
        // A render holds what a tenant's objects are made of: it is cheap to make again.
        if matches!(job.want, Want::Check) {
            let mut pack = cache.load(&slot(job));
            pack.put(key, bytes);
            cache.store(&slot(job), &pack);
        }
    }
}

/// Where an owner's outcomes are kept: the project file alone is a job of its own.
fn slot(job: &Job) -> String {
    let alone = if job.files.len() == 1 { "/project" } else { "" };
    format!("{}{alone}", job.owner)
}

/// A tree's problems that reading it already showed.
pub fn refused_names(refused: &[crate::source::PathError]) -> Vec<Diagnostic> {
    let one = |error: &crate::source::PathError| {
        Diagnostic::global(crate::dsl::codes::UNUSABLE_FILE, error.to_string())
            .help("rename the file")
    };
    refused.iter().map(one).collect()
}
