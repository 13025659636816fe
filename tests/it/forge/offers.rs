//! A change is offered once, byte by byte, on top of exactly the commit it was made of, on every forge
//! and whatever answers get lost.

use axum::http::Method;
use kubemate::adapters::forge::{Auth, Gitea, Link, offer};
use kubemate::report::forge::proposal::{About, FileChange, Proposal};
use kubemate::report::forge::{Forge, Put};
use serde_json::json;

use super::branches::Files;
use super::sim::{Fault, HEAD, Sim, TOKEN};
use super::suite::{PATIENCE, commit, gitea, github, gitlab, token};
use super::{gitea_sim, github_sim, gitlab_sim};

/// Bytes that a careless client would change.
const ODD: &[u8] = b"\xef\xbb\xbfapp \"\xc3\xbc\" {\r\n\tversion \"1\"\r\n}\r\n\r\n \xff";

fn before() -> Files {
    let file = |mode: &str, bytes: &[u8]| (mode.to_owned(), bytes.to_vec());
    [
        ("a/b.kdl".to_owned(), file("100644", b"old\r\n")),
        ("run.sh".to_owned(), file("100755", b"#!/bin/sh\n")),
        ("gone.kdl".to_owned(), file("100644", b"gone\n")),
        ("other.kdl".to_owned(), file("100644", b"other\n")),
    ]
    .into()
}

fn after() -> Files {
    let mut files = before();
    files.get_mut("a/b.kdl").unwrap().1 = ODD.to_vec();
    files.get_mut("run.sh").unwrap().1 = b"#!/bin/bash".to_vec();
    files.remove("gone.kdl");
    files.insert(
        "new/\u{fc}.kdl".to_owned(),
        ("100644".to_owned(), b"new".to_vec()),
    );
    files
}

/// The change from one to the other.
fn proposal(base: &str) -> Proposal {
    let (before, after) = (before(), after());
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let files = paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path));
    let change = |path: &String| FileChange {
        path: path.clone(),
        before: before.get(path).map(|file| file.1.clone()),
        after: after.get(path).map(|file| file.1.clone()),
        executable: before.get(path).is_some_and(|file| file.0 == "100755"),
    };
    let about = About {
        title: "Promote app/checkout to prod: 2.0",
        remarks: &["one line".to_owned()],
        plans: &[],
        places: &|_| None,
    };
    let files = files.map(change).collect();
    Proposal::new(
        (&commit(base), "main"),
        "promote-app-checkout",
        files,
        &about,
    )
}

fn is_there_once(sim: &Sim, proposal: &Proposal) {
    let store = sim.store();
    let made = store.git.on(&proposal.branch);
    assert_eq!(made.files, after());
    assert_eq!(made.parents, [HEAD]);
    assert_eq!(made.message.trim(), proposal.message.trim());
    assert_eq!(store.git.branches["main"], HEAD);
    let ours = store.pulls.values().filter(|pull| {
        pull["head"]["ref"] == proposal.branch.as_str()
            || pull["source_branch"] == proposal.branch.as_str()
    });
    let bodies: Vec<&str> = ours
        .map(|p| p["body"].as_str().or(p["description"].as_str()).unwrap())
        .collect();
    assert_eq!(bodies, [proposal.body.as_str()]);
}

fn all<F: Forge>(start: fn() -> Sim, forge: fn(&Sim, &str) -> F) {
    let fresh = || {
        let sim = start();
        sim.store().git.start(HEAD, before());
        sim
    };
    let proposal = proposal(HEAD);
    let writes = {
        let sim = fresh();
        let forge = forge(&sim, TOKEN);
        let offered = sim.runtime.block_on(offer(&forge, &proposal)).unwrap();
        assert_eq!(offered.put, Put::Created);
        assert!(offered.link.unwrap().starts_with("https://forge.example/"));
        is_there_once(&sim, &proposal);
        let writes = sim.store().writes();
        let again = sim.runtime.block_on(offer(&forge, &proposal)).unwrap();
        assert_eq!((again.put, again.number), (Put::Same, offered.number));
        assert_eq!(sim.store().writes(), writes);
        is_there_once(&sim, &proposal);
        writes
    };
    // The answer to any one of the writes is lost, or nothing of it is done.
    for lost in 0..writes {
        for fault in [Fault::DoneAndDrop, Fault::Drop] {
            let sim = fresh();
            for _ in 0..lost {
                sim.fail(Some(Method::POST), Fault::Pass);
            }
            sim.fail(Some(Method::POST), fault.clone());
            let forge = forge(&sim, TOKEN);
            let first = sim.runtime.block_on(offer(&forge, &proposal));
            let offered = match first {
                Ok(offered) => Ok(offered),
                // What was not done may be said to have failed; trying again goes on from there.
                Err(error) => {
                    assert!(matches!(fault, Fault::Drop), "{lost} {fault:?}: {error}");
                    sim.runtime.block_on(offer(&forge, &proposal))
                }
            };
            assert!(offered.is_ok(), "{lost} {fault:?}: {offered:?}");
            is_there_once(&sim, &proposal);
        }
    }
    left_alone(&fresh(), forge, &proposal);
}

/// Somebody else's branch stays as it is.
fn left_alone<F: Forge>(sim: &Sim, forge: fn(&Sim, &str) -> F, proposal: &Proposal) {
    let theirs = super::branches::Made {
        message: "mine".to_owned(),
        ..Default::default()
    };
    let id = "4".repeat(40);
    sim.store().git.commits.insert(id.clone(), theirs);
    sim.store()
        .git
        .branches
        .insert(proposal.branch.clone(), id.clone());
    let writes = sim.store().writes();
    let refused = sim
        .runtime
        .block_on(offer(&forge(sim, TOKEN), proposal))
        .unwrap_err();
    assert!(refused.to_string().contains("delete it"), "{refused}");
    assert_eq!(sim.store().writes(), writes);
    assert_eq!(sim.store().git.branches[&proposal.branch], id);
}

#[test]
fn a_branch_with_another_tree_is_somebody_elses() {
    let sim = github_sim::start();
    sim.store().git.start(HEAD, before());
    let (forge, ours) = (github(&sim, TOKEN), proposal(HEAD));
    sim.runtime.block_on(offer(&forge, &ours)).unwrap();
    let other = Proposal {
        tree: Some("0".repeat(40)),
        ..ours
    };
    let refused = sim.runtime.block_on(offer(&forge, &other)).unwrap_err();
    assert!(refused.to_string().contains("delete it"), "{refused}");
}

#[test]
fn gitea_goes_on_with_no_branch_that_came_in_between() {
    let sim = gitea_sim::start();
    sim.store().git.start(HEAD, before());
    let (forge, ours) = (gitea(&sim, TOKEN), proposal(HEAD));
    let (branch, id) = (ours.branch.clone(), "4".repeat(40));
    let theirs = super::branches::Made::default();
    sim.store().git.commits.insert(id.clone(), theirs);
    sim.store().git.branches.insert(branch.clone(), id.clone());
    sim.runtime.block_on(forge.put_branch(&ours)).unwrap_err();
    assert_eq!(sim.store().git.branches[&branch], id);
}

#[test]
fn github_takes_an_offer_once_and_whole() {
    all(github_sim::start, github);
}

#[test]
fn gitlab_takes_an_offer_once_and_whole() {
    all(gitlab_sim::start, gitlab);
}

#[test]
fn gitea_takes_an_offer_once_and_whole() {
    all(gitea_sim::start, gitea);
}

#[test]
fn a_real_gitea_takes_an_offer_once_and_whole() {
    const BOT: &str = "kubemate-bot";
    let bed = crate::bed::gitea::gitea();
    let repository = bed.repository(&[(BOT, "write"), ("may", "admin")]);
    let directory = tempfile::tempdir().unwrap();
    let clone = bed.clone_as("may", &repository, directory.path());
    for (path, (mode, bytes)) in before() {
        let file = clone.directory.join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes).unwrap();
        let mode = u32::from_str_radix(&mode[3..], 8).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&file, mode).unwrap();
    }
    let base = clone.push("main", &[]);
    let auth = Auth::TokenWord(token(&bed.token(BOT)));
    let link = Link::new(&bed.api(), auth, PATIENCE, Vec::new()).unwrap();
    let forge = Gitea::new(link, &repository, None);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let proposal = proposal(&base);
    let offered = runtime.block_on(offer(&forge, &proposal)).unwrap();
    assert_eq!(offered.put, Put::Created);
    let again = runtime.block_on(offer(&forge, &proposal)).unwrap();
    assert_eq!((again.put, again.number), (Put::Same, offered.number));
    let _said = clone.git(&["fetch", "-q", "origin"]);
    let branch = format!("origin/{}", proposal.branch);
    assert_eq!(clone.git(&["rev-parse", &format!("{branch}~1")]), base);
    for (path, (mode, bytes)) in after() {
        let listed = clone.git(&[
            "-c",
            "core.quotePath=false",
            "ls-tree",
            &branch,
            "--",
            &path,
        ]);
        assert!(listed.starts_with(&mode), "{path}: {listed}");
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, &bytes)
            .unwrap()
            .to_string();
        assert!(listed.contains(&id), "{path}: {listed}");
    }
    assert_eq!(clone.git(&["ls-tree", &branch, "--", "gone.kdl"]), "");
    let shown = bed.get(
        "may",
        &format!("/repos/{repository}/pulls/{}", offered.number),
    );
    assert_eq!(shown["title"], json!(proposal.title));
    assert_eq!(shown["body"].as_str().unwrap().trim(), proposal.body.trim());
}
