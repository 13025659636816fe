//! A tree judged owner by owner, each in a worker process, with what is known from before taken from
//! the cache. The one way in which `cli` and `controller` reach the language and the renderer.

mod wire;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::cache::{Cache, CacheKey, Pack};
use super::worker::{Answer, Workers};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::model::job::{InputFile, Job, Outcome, Want};
use crate::model::layout::{Found, Layout};
use crate::model::platform;
use crate::object::{Owner, Rendered, SetId};
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

    /// Takes out every set that was rendered, by identity.
    pub fn take_rendered(&mut self) -> BTreeMap<SetId, Rendered> {
        let mut all: BTreeMap<_, Rendered> = BTreeMap::new();
        let outcomes = self.outcomes.iter_mut();
        for rendered in outcomes.flat_map(|(_, o)| std::mem::take(&mut o.rendered)) {
            match all.get_mut(&rendered.set) {
                Some(first) => first.objects.extend(rendered.objects),
                None => drop(all.insert(rendered.set.clone(), rendered)),
            }
        }
        all
    }
}

/// What is asked of a tree.
pub struct Choice {
    /// What is asked of the chosen owners.
    pub want: Want,
    /// The tenants that are chosen, beside the platform; `None` for all.
    pub only: Option<BTreeSet<Owner>>,
    /// Whether the others are checked. If not, what only all owners together can get wrong is not told.
    pub check_others: bool,
}

impl Choice {
    /// The same of all owners.
    pub fn all(want: Want) -> Self {
        Self {
            want,
            only: None,
            check_others: false,
        }
    }

    /// The job of a tenant, if there is one.
    fn job(&self, mut job: Job) -> Option<Job> {
        let chosen = self.only.as_ref().is_none_or(|o| o.contains(&job.owner));
        if !chosen {
            job.want = Want::Check;
        }
        (chosen || self.check_others).then_some(job)
    }
}

/// The answer of a worker: an outcome, as bytes.
pub fn work(request: &[u8]) -> Vec<u8> {
    match wire::read_request(request) {
        Some(job) => wire::answer(&crate::render::job::run(&job)),
        None => Vec::new(),
    }
}

impl Judge {
    /// A judge that keeps outcomes in a cache; `program` names this build of kubemate.
    pub fn new(workers: Workers, cache: Option<(Cache, String)>) -> Self {
        Self { workers, cache }
    }

    /// Judges a whole tree.
    pub fn judge(&self, tree: &SourceTree, want: &Want) -> Verdict {
        self.judge_by(tree, |_| Choice::all(want.clone()))
    }

    /// Judges a tree; what is asked is chosen when the project is known, so that nothing has to be
    /// judged twice.
    pub fn judge_by(&self, tree: &SourceTree, choose: impl FnOnce(&Found) -> Choice) -> Verdict {
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
            Some(found) => {
                let choice = choose(&found);
                self.judge_project(tree, found, &choice, &mut verdict);
            }
            None => self.judge_files(tree, outcomes, &mut verdict),
        }
        verdict.diagnostics = std::mem::take(&mut verdict.diagnostics).finish();
        verdict
    }

    fn judge_project(
        &self,
        tree: &SourceTree,
        found: Found,
        choice: &Choice,
        verdict: &mut Verdict,
    ) {
        let layout = Layout::of(&found.project);
        verdict
            .diagnostics
            .append(platform::judge_tree(tree, &found, &layout));
        let platform_job = platform::platform_job(tree, &layout, choice.want.clone());
        let mut outcomes = self.run(vec![platform_job], verdict);
        let parsed = outcomes
            .first()
            .map(|(_, o)| o.parsed.clone())
            .unwrap_or_default();
        if !parsed.is_empty() {
            let jobs = platform::tenant_jobs(tree, &layout, &parsed, &choice.want);
            let jobs = jobs.into_iter().filter_map(|job| choice.job(job));
            outcomes.extend(self.run(jobs.collect(), verdict));
        }
        let all: Vec<&Outcome> = outcomes.iter().map(|(_, o)| o).collect();
        if choice.only.is_none() || choice.check_others {
            verdict.diagnostics.append(platform::conclude(&all));
        }
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
        let mut asked: Vec<Asked> = jobs.into_par_iter().map(|job| self.recall(job)).collect();
        let open: Vec<&mut Asked> = asked.iter_mut().filter(|a| a.outcome.is_none()).collect();
        let requests: Vec<&[u8]> = open.iter().map(|a| a.request.as_slice()).collect();
        let answers = self.workers.run_batch(&requests);
        let failed: Vec<Option<String>> = open
            .into_par_iter()
            .zip(answers)
            .map(|(asked, answer)| self.take(asked, answer).err())
            .collect();
        let stored = !failed.is_empty();
        let mut failed = failed.into_iter();
        let mut outcomes = Vec::with_capacity(asked.len());
        for Asked { job, outcome, .. } in asked {
            match outcome {
                Some(outcome) => outcomes.push((job.owner, outcome)),
                None => {
                    let reason = failed.find_map(|reason| reason).unwrap_or_default();
                    let problem = platform::worker_failed(&job.owner, &job, &reason);
                    verdict.diagnostics.push(problem);
                    verdict.failed.push(job.owner);
                }
            }
        }
        if let Some((cache, _)) = self.cache.as_ref().filter(|_| stored) {
            cache.shrink();
        }
        outcomes
    }

    /// A job with what is known of it from before: its outcome, or else the nodes of its files.
    fn recall(&self, job: Job) -> Asked {
        let mut request = wire::request(&job);
        let mut outcome = None;
        let kept = self.cache.as_ref().map(|(cache, program)| {
            let key = CacheKey::new("outcome", &[program.as_bytes(), &request]);
            let mut pack = cache.load(&slot(&job));
            let known = pack.get(key);
            outcome = known.and_then(|bytes| serde_json::from_slice(bytes).ok());
            if outcome.is_none() {
                let nodes: Vec<_> = job.files.iter().map(|f| self.nodes_key(f)).collect();
                nodes.iter().for_each(|key| pack.touch(*key));
                wire::add_known(&mut request, nodes.iter().map(|key| pack.peek(*key)));
            }
            (key, pack)
        });
        Asked {
            job,
            request,
            kept,
            outcome,
        }
    }

    fn nodes_key(&self, file: &InputFile) -> CacheKey {
        let program = self.cache.as_ref().map_or("", |(_, program)| program);
        CacheKey::new("nodes", &[program.as_bytes(), file.text.as_bytes()])
    }

    /// The outcome in a worker's answer, which is remembered; or why there is none.
    fn take(&self, asked: &mut Asked, answer: Answer) -> Result<(), String> {
        let bytes = answer.map_err(|error| error.to_string())?;
        let nonsense = || "its answer makes no sense".to_owned();
        let (json, fresh) = wire::read_answer(&bytes).ok_or_else(nonsense)?;
        let outcome = serde_json::from_slice(json).map_err(|_| nonsense())?;
        asked.outcome = Some(outcome);
        let Some(((cache, _), (key, pack))) = self.cache.as_ref().zip(asked.kept.as_mut()) else {
            return Ok(());
        };
        // A render holds what a tenant's objects are made of: it is cheap to make again.
        if asked.job.want == Want::Check {
            pack.put(*key, json.to_vec());
        }
        for (id, nodes) in fresh {
            let files = &asked.job.files;
            if let Ok(at) = files.binary_search_by_key(&id, |file| file.id) {
                pack.put(self.nodes_key(&files[at]), nodes.to_vec());
            }
        }
        cache.store(&slot(&asked.job), pack);
        Ok(())
    }
}

/// A job on its way to an outcome.
struct Asked {
    job: Job,
    request: Vec<u8>,
    /// Where its outcome is kept.
    kept: Option<(CacheKey, Pack)>,
    outcome: Option<Outcome>,
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
