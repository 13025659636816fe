//! Commits and tenants side by side: what one holds never shows in what the other becomes.

use std::sync::Arc;

use kubemate::adapters::cache::{Cache, CacheLimits};
use kubemate::adapters::git::LocalRepository;
use kubemate::adapters::judge::{self, Judge};
use kubemate::adapters::worker::Workers;
use kubemate::dsl::compose::Target;
use kubemate::model::job::Want;
use kubemate::object::canonical;
use kubemate::source::SourceTree;

use super::{PROJECT, TENANTS};
use crate::bed::history;
use crate::effort;
use crate::language::tree;

fn target() -> Target {
    Target {
        environment: "dev".into(),
        cluster: "lab".into(),
    }
}

/// All rounds in long runs, a tenth of them otherwise.
fn rounds(all: usize) -> usize {
    if effort::is_long() { all } else { all / 10 }
}

/// Everything that a tree renders to, as one text.
fn bytes(cache: Option<&Cache>, tree: &SourceTree) -> String {
    let workers = Workers::InProcess(Arc::new(judge::work));
    let cache = cache.map(|cache| (cache.clone(), "this".to_owned()));
    let want = Want::Render {
        targets: vec![target()],
        trace: false,
    };
    let mut verdict = Judge::new(workers, cache).judge(tree, &want);
    assert!(
        !verdict.diagnostics.has_errors(),
        "{:?}",
        verdict.diagnostics
    );
    let mut out = String::new();
    for (set, rendered) in verdict.take_rendered() {
        for (key, desired) in rendered.objects {
            out.push_str(&format!(
                "{set} {key} {}\n",
                canonical(&desired.manifest.body)
            ));
        }
    }
    out
}

/// An app of each tenant, from files of the same name and, but for one word, the same text.
fn twins(word: &str) -> SourceTree {
    let app = |tenant: &str| {
        format!(
            "profile base {{ env {{ WHOSE \"{tenant}-{word}\" }} }}\n\
             app same tenant={tenant} {{\n  use base\n  image \"example/same\"\n  version \"1\"\n  config c mount=\"/c\" {{ file f from=\"base.txt\" }}\n}}\n"
        )
    };
    let (a, b) = (app("a"), app("b"));
    let (text_a, text_b) = (format!("of a {word}\n"), format!("of b {word}\n"));
    tree(&[
        ("kubemate.kdl", PROJECT),
        ("platform/tenants.kdl", TENANTS),
        ("tenants/a/base.kdl", &a),
        ("tenants/a/base.txt", &text_a),
        ("tenants/b/base.kdl", &b),
        ("tenants/b/base.txt", &text_b),
    ])
}

#[test]
fn s_36_what_is_cached_of_one_tenant_is_never_another_ones() {
    let scratch = tempfile::tempdir().unwrap();
    let cache = Cache::new(scratch.path().to_owned(), CacheLimits::default());
    let trees: Vec<SourceTree> = ["red", "blue", "red"].map(twins).to_vec();
    let alone: Vec<String> = trees.iter().map(|tree| bytes(None, tree)).collect();
    assert_ne!(alone[0], alone[1]);
    assert_eq!(alone[0], alone[2]);
    for line in alone[0].lines() {
        let (own, other) = if line.contains("/b ") || line.contains("t-b") {
            ("b-red", "a-red")
        } else {
            ("a-red", "b-red")
        };
        assert!(!line.contains(other), "{own}: {line}");
    }
    for round in 0..rounds(1000) {
        let at = round % trees.len();
        assert_eq!(bytes(Some(&cache), &trees[at]), alone[at], "round {round}");
    }
}

#[test]
fn s_05_two_commits_of_one_repository_are_rendered_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let git = git2::Repository::init_bare(directory.path()).unwrap();
    let commits: Vec<String> = ["one", "two"].map(|word| commit(&git, word)).to_vec();
    let load = |commit: &str| {
        let repository = LocalRepository::discover(directory.path()).unwrap();
        let id = repository.resolve(commit).unwrap();
        repository.load(&id, "").unwrap().tree
    };
    let alone: Vec<String> = commits.iter().map(|c| bytes(None, &load(c))).collect();
    assert_ne!(alone[0], alone[1]);
    let cache = directory.path().join("cache");
    let cache = Cache::new(cache, CacheLimits::default());
    std::thread::scope(|scope| {
        for at in [0, 1] {
            let (load, commits, alone, cache) = (&load, &commits, &alone, &cache);
            scope.spawn(move || {
                for round in 0..rounds(500) {
                    let cache = (round % 2 == 0).then_some(cache);
                    let found = bytes(cache, &load(&commits[at]));
                    assert_eq!(found, alone[at], "commit {at}, round {round}");
                }
            });
        }
    });
}

fn commit(git: &git2::Repository, word: &str) -> String {
    let app = format!(
        "app same tenant=a {{\n  image \"example/same\"\n  version \"1\"\n  env {{ WORD \"{word}\" }}\n}}\n"
    );
    let files = [
        ("kubemate.kdl", PROJECT),
        ("platform/tenants.kdl", TENANTS),
        ("tenants/a/app.kdl", &app),
    ];
    history::commit(git, None, files)
}
