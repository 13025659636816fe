//! `kubemate test`: what the `test` nodes of a project expect, held against what it describes.

use std::collections::BTreeMap;

use super::load::{self, SourceArguments};
use super::show::place;
use super::{Exit, Failure, output};
use crate::model::job::{TestVerdict, Want};
use crate::report::diagnostics::escape;
use crate::source::SourceTree;

/// Run the tests of a project; no cluster is needed.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let loaded = arguments.source.load()?;
    let verdict = load::judge_loaded(&loaded, &Want::Test)?;
    load::require_valid(&verdict, &loaded)?;
    let all = verdict.outcomes.iter().flat_map(|(_, o)| &o.tests);
    let verdicts = joined(all);
    if verdicts.is_empty() {
        output::note("there are no tests; write `test \"what must hold\" { expect … }` in tests/");
        return Ok(Exit::Ok);
    }
    let failed = print(&verdicts, &loaded.tree);
    Ok(if failed == 0 { Exit::Ok } else { Exit::Invalid })
}

/// One verdict per expectation and environment: that of the owner who has what it looks at.
fn joined<'v>(all: impl Iterator<Item = &'v TestVerdict>) -> Vec<&'v TestVerdict> {
    let mut best: BTreeMap<(_, &str, &str), &TestVerdict> = BTreeMap::new();
    for verdict in all {
        let key = (
            verdict.at,
            verdict.environment.as_str(),
            verdict.expectation.as_str(),
        );
        let weight = |v: &TestVerdict| (v.seen, v.failure.is_some());
        match best.get(&key) {
            Some(known) if weight(known) >= weight(verdict) => {}
            _ => drop(best.insert(key, verdict)),
        }
    }
    best.into_values().collect()
}

/// Prints each test once with its failures; how many expectations failed.
fn print(verdicts: &[&TestVerdict], tree: &SourceTree) -> usize {
    let mut tests: BTreeMap<(_, &str), Vec<&TestVerdict>> = BTreeMap::new();
    for verdict in verdicts {
        tests
            .entry((verdict.at.file, verdict.test.as_str()))
            .or_default()
            .push(verdict);
    }
    for ((_, name), verdicts) in &tests {
        let failures: Vec<_> = verdicts.iter().filter(|v| v.failure.is_some()).collect();
        let word = if failures.is_empty() {
            "ok    "
        } else {
            "FAILED"
        };
        output::print(&format!("{word} {}\n", escape::line(name)));
        for verdict in failures {
            let why = verdict.failure.as_deref().unwrap_or_default();
            let environment = match verdict.environment.as_str() {
                "" => String::new(),
                name => format!(" in {name}"),
            };
            output::print(&format!(
                "       expected{environment}: {}\n       but {}\n       --> {}\n",
                escape::line(&verdict.expectation),
                escape::line(why),
                place(verdict.at, tree)
            ));
        }
    }
    let failed = verdicts.iter().filter(|v| v.failure.is_some()).count();
    let held = verdicts.len() - failed;
    let word = if tests.len() == 1 { "test" } else { "tests" };
    output::print(&format!(
        "\n{} {word}: {held} expectations hold, {failed} fail\n",
        tests.len()
    ));
    failed
}
