//! `kubemate fmt`: one way to lay out KDL, every comment kept.

use std::path::{Path, PathBuf};

use super::{Exit, Failure, output};
use crate::adapters::disk;
use crate::dsl::fmt::format;
use crate::report::diagnostics::{self, Format};
use crate::source::intake::Loaded;
use crate::source::{RepoPath, Revision, SourceFile, SourceTree};

/// Lay out KDL files.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files or directories.
    #[arg(value_name = "FILES", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Change nothing; fail and name the files that would change.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    for path in &arguments.paths {
        if path.is_dir() {
            let loaded = disk::load(path)?;
            let files = loaded
                .tree
                .files()
                .iter()
                .filter(|f| f.path.as_str().ends_with(".kdl"));
            for file in files {
                let at = path.join(file.path.as_str());
                worst(
                    &mut exit,
                    one(&at, file.text().unwrap_or_default(), arguments.check)?,
                );
            }
        } else {
            let text = disk::read_text(path)?;
            worst(&mut exit, one(path, &text, arguments.check)?);
        }
    }
    Ok(exit)
}

fn worst(exit: &mut Exit, next: Exit) {
    if next.code() > exit.code() {
        *exit = next;
    }
}

fn one(path: &Path, text: &str, check: bool) -> Result<Exit, Failure> {
    let name = path.display().to_string();
    let name = name.trim_start_matches("./");
    match format(text) {
        Ok(formatted) if formatted == text => Ok(Exit::Ok),
        Ok(_) if check => {
            output::print(&format!("{name}\n"));
            Ok(Exit::Error)
        }
        Ok(formatted) => {
            disk::write(path, &formatted)?;
            output::note(&format!("formatted {name}"));
            Ok(Exit::Ok)
        }
        Err(problems) => {
            let loaded = alone(name, text);
            let printed =
                diagnostics::print(Format::Human, &problems, &loaded.tree, output::style());
            output::note(printed.trim_end());
            Ok(Exit::Invalid)
        }
    }
}

/// A tree of one file, for printing its problems.
fn alone(name: &str, text: &str) -> Loaded {
    let path = RepoPath::new(name).or_else(|_| RepoPath::new("file.kdl"));
    let file = path.map(|p| SourceFile::from_bytes(p, text.as_bytes().to_vec()));
    let tree = file
        .ok()
        .and_then(|f| SourceTree::new(vec![f]).ok())
        .unwrap_or_default();
    Loaded {
        revision: Revision::WorkingTree,
        tree,
        refused: Vec::new(),
    }
}
