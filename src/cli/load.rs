//! What every command starts with: a tree from a directory or a commit, judged.

use std::path::{Path, PathBuf};

use super::{Failure, output};
use crate::adapters::cache::{Cache, CacheLimits};
use crate::adapters::disk;
use crate::adapters::git::LocalRepository;
use crate::adapters::judge::{self, Choice, Judge, Verdict};
use crate::adapters::worker::{Limits, Worker, Workers};
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::Diagnostics;
use crate::model::job::Want;
use crate::model::layout::Found;
use crate::report::diagnostics::{self, Format};
use crate::source::intake::Loaded;

/// Which files a command looks at.
#[derive(Debug, Clone, clap::Args)]
pub struct SourceArguments {
    /// Directory of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// Read a commit instead of the files as they lie there: a full ref name, HEAD or a commit id.
    #[arg(long, value_name = "REV")]
    pub rev: Option<String>,
}

impl SourceArguments {
    /// Reads the files.
    pub fn load(&self) -> Result<Loaded, Failure> {
        load(&self.directory, self.rev.as_deref())
    }
}

/// Reads a directory, or one commit of the repository it lies in.
pub fn load(directory: &Path, rev: Option<&str>) -> Result<Loaded, Failure> {
    tracing::info_span!("load").in_scope(|| read(directory, rev))
}

fn read(directory: &Path, rev: Option<&str>) -> Result<Loaded, Failure> {
    match rev {
        None => Ok(disk::load(directory)?),
        Some(rev) => {
            let repository = LocalRepository::discover(directory)?;
            let commit = repository.resolve(rev)?;
            Ok(repository.load(&commit, repository.root())?)
        }
    }
}

/// A judge as commands use it: worker processes, and a cache where the user keeps caches.
pub fn judge() -> Result<Judge, Failure> {
    let worker = Worker::this_program(Limits::default())?;
    let cache = cache_directory().map(|dir| (Cache::new(dir, CacheLimits::default()), program()));
    Ok(Judge::new(Workers::Processes(worker), cache))
}

/// Judges what was loaded.
pub fn judge_loaded(loaded: &Loaded, want: &Want) -> Result<Verdict, Failure> {
    judge_by(loaded, |_| Ok(Choice::all(want.clone())))
}

/// Judges what was loaded; what is asked is chosen when the project is known. Where that fails,
/// whatever is wrong with the project is told before.
pub fn judge_by(
    loaded: &Loaded,
    choose: impl FnOnce(&Found) -> Result<Choice, Failure>,
) -> Result<Verdict, Failure> {
    let mut failure = None;
    let judge = judge()?;
    let mut verdict = tracing::info_span!("render").in_scope(|| {
        judge.judge_by(&loaded.tree, |found| {
            choose(found).unwrap_or_else(|why| {
                failure = Some(why);
                Choice::all(Want::Check)
            })
        })
    });
    for problem in judge::refused_names(&loaded.refused) {
        verdict.diagnostics.push(problem);
    }
    match failure.filter(|_| !verdict.diagnostics.has_errors()) {
        Some(failure) => Err(failure),
        None => Ok(verdict),
    }
}

/// Prints diagnostics to where errors go and fails if one of them is an error.
pub fn require_valid(verdict: &Verdict, loaded: &Loaded) -> Result<(), Failure> {
    if !verdict.diagnostics.has_errors() {
        return Ok(());
    }
    let text = diagnostics::print(
        Format::Human,
        &verdict.diagnostics,
        &loaded.tree,
        output::style(),
    );
    output::note(text.trim_end());
    Err(Failure::Refused)
}

/// The targets of an environment, or of all; an unknown environment is an error that lists them.
pub fn targets(found: &Found, environment: Option<&str>) -> Result<Vec<Target>, Failure> {
    let all = found.project.targets();
    let Some(wanted) = environment else {
        return Ok(all);
    };
    let chosen: Vec<Target> = all
        .iter()
        .filter(|t| t.environment == wanted)
        .cloned()
        .collect();
    if chosen.is_empty() {
        let mut known: Vec<&str> = all.iter().map(|t| t.environment.as_str()).collect();
        known.dedup();
        return Err(Failure::Usage {
            message: format!("there is no environment `{wanted}`"),
            help: format!("the project has: {}", known.join(", ")),
        });
    }
    Ok(chosen)
}

/// Only what concerns one environment.
pub fn only(diagnostics: Diagnostics, environment: Option<&str>) -> Diagnostics {
    let Some(wanted) = environment else {
        return diagnostics;
    };
    let mut kept = Diagnostics::default();
    for diagnostic in diagnostics {
        let here = diagnostic.environments.is_empty();
        if here || diagnostic.environments.iter().any(|e| e == wanted) {
            kept.push(diagnostic);
        }
    }
    kept.finish()
}

fn cache_directory() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(base.join("kubemate"))
}

/// Another build may judge differently, so its outcomes are not ours.
fn program() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let stamp = file.map(|m| (m.len(), m.modified().ok())).ok();
    format!("{version} {stamp:?}")
}
