//! A project in memory for the tests of kinds: files in, what is said about them and what they render
//! to. No processes and no disk.

mod bank;
mod documents;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::dsl::compose::Target;
use crate::model::job::{Job, Outcome, Want};
use crate::model::layout::Layout;
use crate::model::platform;
use crate::render::job::run;
use crate::source::{RepoPath, SourceFile, SourceTree};

/// A project with two environments on clusters of their own, and the tenants `payments` and
/// `identity` on paths of their own.
pub(crate) const PROJECT: &str = r#"
project bank schema=1 render=1 {
  cluster hq uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11" kubernetes="1.34"
  cluster sh uid="0f8fad5b-d9cb-469f-a165-70867728950e" kubernetes="1.30"
  environment dev { cluster hq; let domain="dev.pay.bank" }
  environment prod { cluster sh; let domain="pay.bank" }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/payments/**" tenant=payments
    path "tenants/identity/**" tenant=identity
  }
}
"#;

fn tree(files: &[(&str, &str)]) -> SourceTree {
    let mut all = vec![("kubemate.kdl", PROJECT)];
    all.extend(files);
    let file = |(path, text): (&str, &str)| {
        SourceFile::from_bytes(RepoPath::new(path).unwrap(), text.as_bytes().to_vec())
    };
    SourceTree::new(all.into_iter().map(file).collect()).unwrap()
}

fn outcomes(tree: &SourceTree, want: &Want) -> Vec<Outcome> {
    let project = run(&platform::project_job(tree).unwrap());
    let found = platform::project_of(&project).expect("the project is sound");
    let layout = Layout::of(&found.project);
    let base = run(&platform::platform_job(tree, &layout, want.clone()));
    let jobs: Vec<Job> = platform::tenant_jobs(tree, &layout, &base.parsed, want);
    std::iter::once(base).chain(jobs.iter().map(run)).collect()
}

/// What is said about a tree of the project above and these files: code, message, text at its place.
pub(crate) fn said(files: &[(&str, &str)]) -> Vec<String> {
    let tree = tree(files);
    let outcomes = outcomes(&tree, &Want::Check);
    let mut all = platform::conclude(&outcomes.iter().collect::<Vec<_>>());
    for outcome in outcomes {
        all.append(outcome.diagnostics);
    }
    let text = |d: &crate::dsl::diagnostic::Diagnostic| {
        let at = d.primary.as_ref().map(|label| {
            let file = tree.get(label.span.file).unwrap();
            file.text().unwrap()[label.span.range()]
                .lines()
                .next()
                .unwrap_or("")
                .to_owned()
        });
        let weight = if d.severity == crate::dsl::diagnostic::Severity::Error {
            ""
        } else {
            "(warning) "
        };
        format!(
            "{weight}{} {} @ {}",
            d.code,
            d.message,
            at.unwrap_or_default()
        )
    };
    let mut said: Vec<String> = all.finish().iter().map(text).collect();
    said.sort();
    said.dedup();
    said
}

/// What is said about one file of the platform.
pub(crate) fn said_of(text: &str) -> Vec<String> {
    said(&[("platform/all.kdl", text)])
}

/// Every object of every set on the first cluster of an environment, by its key.
pub(crate) fn rendered(files: &[(&str, &str)], environment: &str) -> BTreeMap<String, Value> {
    assert_eq!(
        said(files)
            .into_iter()
            .filter(|s| !s.starts_with("(warning)"))
            .collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    let cluster = if environment == "dev" { "hq" } else { "sh" };
    let target = Target {
        environment: environment.to_owned(),
        cluster: cluster.to_owned(),
    };
    let want = Want::Render {
        targets: vec![target],
        trace: true,
    };
    let mut objects = BTreeMap::new();
    for outcome in outcomes(&tree(files), &want) {
        let problems: Vec<_> = outcome
            .diagnostics
            .iter()
            .filter(|d| d.severity == crate::dsl::diagnostic::Severity::Error)
            .collect();
        assert!(problems.is_empty(), "{problems:?}");
        for set in outcome.rendered {
            for (key, desired) in set.objects {
                objects.insert(format!("{key} [{}]", set.set.owner), desired.manifest.body);
            }
        }
    }
    objects
}
