//! Who stands behind a pull request, read from every dialect: agreements to its last commit, groups,
//! writers, who merged it, and with which pull request a commit came.

use std::collections::BTreeSet;

use kubemate::adapters::forge::people;
use kubemate::plan::consent::People;
use kubemate::report::forge::{Forge, Pull};
use serde_json::{Value, json};

use super::sim::{BASE, HEAD, Sim, TOKEN};
use super::suite::{SEVEN, commit, gitea, github, gitlab};
use super::{gitea_sim, github_sim, gitlab_sim};

const MERGE: &str = "4444444444444444444444444444444444444444";
const OLDER: &str = "5555555555555555555555555555555555555555";

/// Ben and Cid agree to the last commit, Dan to an older one; Cid and Dan lead.
fn furnish(sim: &Sim) {
    let review = |id: u64, user: &str, commit: &str| {
        json!({
            "id": id, "user": { "login": user }, "state": "APPROVED", "commit_id": commit,
            "body": "", "submitted_at": "2026-05-04T10:00:00Z",
        })
    };
    let mut store = sim.store();
    store.reviews = vec![
        review(1, "ben", HEAD),
        review(2, "cid", HEAD),
        review(3, "dan", OLDER),
    ];
    let leads = ["cid", "dan"].map(str::to_owned);
    store.teams = [("leads".to_owned(), leads.into())].into();
    store.writers = vec![[Some("ann"), Some("ben")], [Some("ann"), None]];
    let pull = store.pulls.get_mut(&7).unwrap();
    for (key, value) in [
        ("merge_commit_sha", json!(MERGE)),
        ("merged_by", json!({ "login": "eve" })),
        ("merge_user", json!({ "username": "eve" })),
        ("merged_at", json!("2026-05-04T11:00:00Z")),
        ("merged", json!(true)),
        ("merge_base", json!(BASE)),
    ] {
        pull[key] = value;
    }
}

fn seen<F: Forge>(sim: &Sim, forge: &F) -> (Pull, People) {
    let groups: BTreeSet<String> = ["leads".to_owned(), "unknown".to_owned()].into();
    sim.runtime.block_on(async {
        assert_eq!(forge.merged_with(&commit(BASE), "main").await, Ok(None));
        let elsewhere = forge.merged_with(&commit(MERGE), "scratch").await;
        assert_eq!(elsewhere, Ok(None), "it was merged into main");
        let merged = forge.merged_with(&commit(MERGE), "main").await;
        let pull = merged.unwrap().unwrap();
        assert_eq!((pull.number, pull.author.as_str()), (SEVEN(), "ann"));
        assert_eq!(pull.merger.as_deref(), Some("eve"));
        let base = forge.fork_point(&pull, &commit(OLDER)).await.unwrap();
        assert_eq!(base, Some(commit(BASE)));
        for odd in ["../x", "", "a/b/c?"] {
            assert_eq!(forge.is_member("leads", odd).await, Ok(false), "{odd}");
            assert_eq!(forge.is_member(odd, "cid").await, Ok(false), "{odd}");
        }
        let people = people(forge, &pull, &groups).await.unwrap();
        (pull, people)
    })
}

/// Each agreement with the groups of its person.
fn yeses(people: &People) -> Vec<(&str, bool)> {
    let yes = people.yeses.iter();
    yes.map(|yes| (yes.user.as_str(), yes.groups.contains("leads")))
        .collect()
}

#[test]
fn github_and_gitea_tell_who_agreed_to_what() {
    for (name, sim) in [
        ("github", github_sim::start()),
        ("gitea", gitea_sim::start()),
    ] {
        furnish(&sim);
        let (_, people) = match name {
            "github" => seen(&sim, &github(&sim, TOKEN)),
            _ => seen(&sim, &gitea(&sim, TOKEN)),
        };
        assert_eq!(yeses(&people), [("ben", false), ("cid", true)], "{name}");
        assert!(people.yeses.iter().all(|yes| yes.at.is_some()), "{name}");
        let writers = ["ann", "ben", "ann"].map(|name| Some(name.to_owned()));
        let writers = writers.into_iter().chain([None]).collect::<Vec<_>>();
        assert_eq!(people.writers, writers, "{name}");
    }
}

#[test]
fn a_team_that_we_may_not_look_into_is_in_no_other_teams_way() {
    let sim = github_sim::start();
    furnish(&sim);
    let forge = github(&sim, TOKEN);
    let (pull, _) = seen(&sim, &forge);
    let groups: BTreeSet<String> = ["leads".to_owned(), "closed".to_owned()].into();
    let people = sim.runtime.block_on(people(&forge, &pull, &groups));
    let people = people.unwrap();
    assert_eq!(yeses(&people), [("ben", false), ("cid", true)]);
    let mut groups = people.yeses.iter().map(|yes| yes.groups.len());
    assert_eq!((groups.next(), groups.next()), (Some(0), Some(1)));
}

/// Whoever agrees in the cluster may be one of them.
#[test]
fn writers_are_known_without_a_review() {
    for (name, sim) in [
        ("github", github_sim::start()),
        ("gitea", gitea_sim::start()),
    ] {
        furnish(&sim);
        sim.store().reviews.clear();
        let (_, people) = match name {
            "github" => seen(&sim, &github(&sim, TOKEN)),
            _ => seen(&sim, &gitea(&sim, TOKEN)),
        };
        assert!(people.yeses.is_empty(), "{name}");
        assert!(people.writers.contains(&Some("ben".to_owned())), "{name}");
    }
}

/// Eve pushes to it, and it is sent to another branch.
fn turned<F: Forge>(sim: &Sim, forge: &F, events: &[Value]) -> People {
    furnish(sim);
    sim.store().events = events.to_vec();
    sim.store().pulls.get_mut(&7).unwrap()["state"] = json!("merged");
    seen(sim, forge).1
}

const TURNED: &str = "2026-05-04T10:30:00Z";

#[test]
fn what_was_done_to_a_pull_request_since_it_was_opened_is_told() {
    let eve = |place: &str, name: &str| json!({ place: { name: "eve" }, "created_at": TURNED });
    let event = |base: Value, more: Value| {
        let mut event = base;
        let fields = more.as_object().unwrap().clone();
        event.as_object_mut().unwrap().extend(fields);
        event
    };
    let sim = github_sim::start();
    let events = [
        event(
            eve("actor", "login"),
            json!({ "event": "head_ref_force_pushed" }),
        ),
        event(
            eve("actor", "login"),
            json!({ "event": "base_ref_changed" }),
        ),
        event(eve("actor", "login"), json!({ "event": "labeled" })),
    ];
    let of_github = turned(&sim, &github(&sim, TOKEN), &events);
    assert_eq!(of_github.pushers, [Some("eve".to_owned())]);

    let sim = gitea_sim::start();
    let events = [
        event(
            eve("user", "login"),
            json!({ "type": "pull_push", "body": "{}" }),
        ),
        event(
            eve("user", "login"),
            json!({ "type": "change_target_branch" }),
        ),
    ];
    let of_gitea = turned(&sim, &gitea(&sim, TOKEN), &events);
    let pushers = ["ann", "eve"].map(|name| Some(name.to_owned()));
    assert_eq!(of_gitea.pushers, pushers);

    let sim = gitlab_sim::start();
    let said = |text: &str, system: bool| {
        let more = json!({ "id": 1, "body": text, "system": system });
        event(eve("author", "username"), more)
    };
    let turn = "changed target branch from `dev` to `main`";
    let of_gitlab = turned(&sim, &gitlab(&sim, TOKEN), &[said(turn, true)]);
    for people in [of_github, of_gitea, of_gitlab] {
        assert_eq!(people.turned, Some(TURNED.parse().unwrap()));
    }
    let talk = turned(&sim, &gitlab(&sim, TOKEN), &[said(turn, false)]);
    assert_eq!(talk.turned, None, "anybody can write so");
}

/// Comments on lines fill pages that tell nothing, and what comes after them is not nothing.
#[test]
fn what_gitea_does_not_show_is_not_taken_for_nothing() {
    let sim = gitea_sim::start();
    furnish(&sim);
    let forge = gitea(&sim, TOKEN);
    let ask = || {
        sim.runtime.block_on(async {
            let pull = forge.pull(SEVEN()).await.unwrap();
            forge.past(&pull).await
        })
    };
    assert_eq!(ask().unwrap().pushers, [Some("ann".to_owned())]);
    let user = json!({ "login": "eve" });
    let done = [
        json!({ "type": "change_target_branch", "user": user, "created_at": TURNED }),
        json!({ "type": "pull_push", "user": user, "created_at": TURNED, "body": gitea_sim::pushed(HEAD) }),
    ];
    for (lines, whole) in [(49, true), (120, true), (400, true), (450, false)] {
        let lines = vec![json!({ "type": "code" }); lines];
        sim.store().events = lines.into_iter().chain(done.clone()).collect();
        let past = ask();
        assert_eq!(past.is_ok(), whole, "{past:?}");
        assert!(past.is_err() || past.unwrap().turned.is_some());
    }
}

#[test]
fn a_part_of_a_list_is_no_answer() {
    let sim = github_sim::start();
    let forge = github(&sim, TOKEN);
    let review = json!({ "user": { "login": "ben" }, "state": "APPROVED", "commit_id": HEAD });
    for (reviews, whole) in [(6000, true), (6001, false)] {
        sim.store().reviews = vec![review.clone(); reviews];
        let answer = sim.runtime.block_on(forge.reviews(SEVEN()));
        assert_eq!(answer.is_ok(), whole, "{reviews}");
    }
}

/// Forks share their commits, and GitHub tells of them all.
#[test]
fn a_pull_request_of_another_repository_is_not_the_one_of_this_number() {
    let sim = github_sim::start();
    furnish(&sim);
    let forge = github(&sim, TOKEN);
    let merge = commit(MERGE);
    let ask = || sim.runtime.block_on(forge.merged_with(&merge, "main"));
    assert!(ask().unwrap().is_some());
    let name = json!("eve/platform");
    sim.store().pulls.get_mut(&7).unwrap()["base"]["repo"]["full_name"] = name;
    assert_eq!(ask(), Ok(None));
}

/// GitHub tells no more than 250 commits of a pull request: who wrote the rest is not known.
#[test]
fn writers_of_what_github_does_not_tell_are_not_known() {
    let sim = github_sim::start();
    furnish(&sim);
    for (commits, whole) in [(249, true), (250, false)] {
        sim.store().writers = vec![[Some("ann"), Some("ann")]; commits];
        let (_, people) = seen(&sim, &github(&sim, TOKEN));
        assert_eq!(!people.writers.contains(&None), whole, "{commits}");
    }
}

#[test]
fn gitlab_tells_who_agreed_and_not_who_wrote() {
    let sim = gitlab_sim::start();
    furnish(&sim);
    sim.store().pulls.get_mut(&7).unwrap()["state"] = json!("merged");
    let at = "2026-05-04T10:00:00Z";
    sim.store().reviews = vec![json!({ "user": { "username": "cid" }, "approved_at": at })];
    let (_, people) = seen(&sim, &gitlab(&sim, TOKEN));
    assert_eq!(yeses(&people), [("cid", true)]);
    assert_eq!(people.writers, [None]);
    assert_eq!(people.yeses[0].at, Some(at.parse().unwrap()));
}

/// What is asked of a merged pull request, as text.
fn told<F: Forge>(sim: &Sim, forge: &F) -> String {
    sim.runtime.block_on(async {
        let merged = forge.merged_with(&commit(MERGE), "main").await.unwrap();
        let reviews = forge.reviews(SEVEN()).await.unwrap();
        let writers = forge.writers(SEVEN()).await.unwrap();
        format!("{merged:?} {reviews:?} {writers:?}")
    })
}

fn again<F: Forge>(sim: &Sim, forge: &F) {
    let counts = || {
        let store = sim.store();
        (store.requests.len(), store.not_modified)
    };
    let first = told(sim, forge);
    let (asked, same) = counts();
    assert_eq!(told(sim, forge), first);
    let (all, not_modified) = counts();
    assert!(all > asked);
    assert_eq!(not_modified - same, all - asked, "each is answered by 304");
    sim.store().reviews.clear();
    assert_ne!(told(sim, forge), first, "what changed is seen at once");
}

#[test]
fn r_96_what_is_asked_again_costs_nothing_while_nothing_changed() {
    let sim = github_sim::start();
    furnish(&sim);
    again(&sim, &github(&sim, TOKEN));
    let sim = gitea_sim::start();
    furnish(&sim);
    again(&sim, &gitea(&sim, TOKEN));
    let sim = gitlab_sim::start();
    furnish(&sim);
    sim.store().pulls.get_mut(&7).unwrap()["state"] = json!("merged");
    sim.store().reviews = vec![json!({ "user": { "username": "cid" } })];
    again(&sim, &gitlab(&sim, TOKEN));
}
