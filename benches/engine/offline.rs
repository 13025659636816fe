//! A plan between two commits without any cluster, as a whole process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use git2::{IndexAddOption, Repository, Signature};

use crate::process;
use crate::project::Project;
use crate::table::{median, ms, over};

const APPS: usize = 1_000;
const LIMIT: Duration = Duration::from_secs(2);

pub(crate) fn rows(rounds: usize) -> bool {
    let scratch = tempfile::tempdir().unwrap();
    let project = Project::write(scratch.path().join("project"), APPS);
    let repository = Repository::init(&project.root).unwrap();
    commit(&repository);
    for app in 0..10 {
        project.change(app);
    }
    commit(&repository);
    println!("{APPS} apps in three environments, 10 of them changed, medians of {rounds}\n");
    println!("| process | time |");
    println!("|---|---|");
    let mut good = true;
    for (name, environment, keep) in [
        ("`plan --offline`, no cache", None, false),
        ("`plan --offline`, with its cache", None, true),
        ("`plan --offline --env prod`, no cache", Some("prod"), false),
    ] {
        let times = (0..rounds).map(|round| {
            let cache = scratch.path().join(if keep {
                "kept".to_owned()
            } else {
                format!("cache-{environment:?}-{round}")
            });
            let ran = process::run(command(&project.root, &cache, environment));
            assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
            ran.wall
        });
        let time = median(times.collect());
        let kept = time < LIMIT;
        good &= kept;
        println!(
            "| {name} | {} (below {}){} |",
            ms(time),
            ms(LIMIT),
            over(kept)
        );
    }
    good
}

fn command(root: &Path, cache: &Path, environment: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
    command
        .args(["plan", "--offline", "--base", "HEAD~1"])
        .arg(root)
        .env_clear()
        .env("XDG_CACHE_HOME", cache);
    if let Some(environment) = environment {
        command.args(["--env", environment]);
    }
    command
}

fn commit(repository: &Repository) {
    let mut index = repository.index().unwrap();
    index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let who = Signature::now("bench", "bench@example.org").unwrap();
    let head = repository
        .head()
        .ok()
        .and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<_> = head.iter().collect();
    repository
        .commit(Some("HEAD"), &who, &who, "bench", &tree, &parents)
        .unwrap();
}
