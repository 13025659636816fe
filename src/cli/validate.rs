//! `kubemate validate`: everything that is wrong, in one pass.

use super::load::{self, SourceArguments};
use super::{Exit, Failure, output};
use crate::adapters::disk;
use crate::dsl::diagnostic::Diagnostics;
use crate::dsl::edit;
use crate::model::job::Want;
use crate::report::diagnostics::{self, Format};
use crate::source::intake::Loaded;

/// Most rounds of `--fix`: a fix may bring up what it had hidden.
const MAX_ROUNDS: usize = 8;

/// Say everything that is wrong with a project.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Show only what concerns this environment.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "human")]
    output: Output,
    /// Write the fixes that are surely meant into the files.
    #[arg(long, conflicts_with = "rev")]
    fix: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// For people.
    Human,
    /// For programs; see schema/diagnostics.json.
    Json,
    /// For code scanners.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
}

impl From<Output> for Format {
    fn from(output: Output) -> Self {
        match output {
            Output::Human => Self::Human,
            Output::Json => Self::Json,
            Output::Sarif => Self::Sarif,
            Output::Github => Self::GitHub,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut loaded = arguments.source.load()?;
    if arguments.fix {
        loaded = fix(arguments, loaded)?;
    }
    let verdict = load::judge_loaded(&loaded, &Want::Check)?;
    if let Some(found) = &verdict.project {
        load::targets(found, arguments.env.as_deref())?;
    }
    let resources = verdict.resources();
    let found = load::only(verdict.diagnostics, arguments.env.as_deref());
    let exit = if found.has_errors() {
        Exit::Invalid
    } else {
        Exit::Ok
    };
    print(&found, &loaded, arguments.output, resources);
    Ok(exit)
}

fn print(found: &Diagnostics, loaded: &Loaded, format: Output, resources: usize) {
    if found.is_empty() && matches!(format, Output::Human) {
        let files = loaded
            .tree
            .files()
            .iter()
            .filter(|f| f.path.as_str().ends_with(".kdl"))
            .count();
        output::print(&format!("ok: {resources} resources in {files} files\n"));
        return;
    }
    let text = diagnostics::print(format.into(), found, &loaded.tree, output::style());
    output::print(&text);
    if !text.is_empty() && !text.ends_with('\n') {
        output::print("\n");
    }
}

/// Applies safe fixes until nothing is left to fix.
fn fix(arguments: &Arguments, mut loaded: Loaded) -> Result<Loaded, Failure> {
    let mut count = 0;
    for _ in 0..MAX_ROUNDS {
        let verdict = load::judge_loaded(&loaded, &Want::Check)?;
        let mended = edit::mend(&loaded.tree, &verdict.diagnostics);
        if mended.files.is_empty() {
            break;
        }
        for (id, text) in &mended.files {
            if let Some(file) = loaded.tree.get(*id) {
                disk::write(&arguments.source.directory.join(file.path.as_str()), text)?;
            }
        }
        count += mended.applied;
        loaded = arguments.source.load()?;
    }
    output::note(&format!(
        "fixed {count} {}",
        if count == 1 { "problem" } else { "problems" }
    ));
    Ok(loaded)
}
