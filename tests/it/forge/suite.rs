//! One suite for every dialect: what is told stands there once, is told again without a write, and
//! what is read means the same everywhere.

use std::num::NonZeroU32;
use std::time::Duration;

use kubemate::adapters::forge::{Auth, GitHub, GitLab, Gitea, Link, Patience, Token};
use kubemate::dsl::diagnostic::Diagnostics;
use kubemate::report::forge::comment::{self, Comment, Judged, Report};
use kubemate::report::forge::{
    Deployment, Forge, ForgeError, Instance, LineNote, LineScope, Permission, PullNumber, Purpose,
    Put, State, Status, StatusText, Weight,
};
use kubemate::source::repository::CommitId;
use serde_json::json;

use super::sim::{BASE, BOT, Comment as Row, HEAD, READER, Sim, TOKEN};
use super::{gitea_sim, github_sim, gitlab_sim};

/// Quick, so that tests are.
pub(crate) const PATIENCE: Patience = Patience {
    attempts: 4,
    total: Duration::from_mins(1),
    first_wait: Duration::from_millis(5),
};

pub(crate) fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

fn link(sim: &Sim, auth: Auth) -> Link {
    Link::new(&sim.address, auth, PATIENCE, Vec::new()).unwrap()
}

pub(crate) fn github(sim: &Sim, text: &str) -> GitHub {
    GitHub::new(link(sim, Auth::Bearer(token(text))), "team/platform", None)
}

pub(crate) fn gitlab(sim: &Sim, text: &str) -> GitLab {
    GitLab::new(link(sim, Auth::PrivateToken(token(text))), "team/platform")
}

pub(crate) fn gitea(sim: &Sim, text: &str) -> Gitea {
    Gitea::new(
        link(sim, Auth::TokenWord(token(text))),
        "team/platform",
        None,
    )
}

pub(crate) fn commit(text: &str) -> CommitId {
    CommitId::new(text).unwrap()
}

pub(crate) fn instance(name: &str) -> Instance {
    Instance::new(name).unwrap()
}

pub(crate) const SEVEN: fn() -> PullNumber = || PullNumber::parse("7").unwrap();

/// A comment that says this, by way of the renderer.
pub(crate) fn said(name: &str, remark: &str) -> Comment {
    let report = Report {
        instance: &instance(name),
        head: &commit(HEAD),
        base: Some(&commit(BASE)),
        judged: Judged::Planned(&[]),
        intents: &[],
        consents: &[],
        diagnostics: &Diagnostics::default(),
        remarks: &[remark.to_owned()],
        link: None,
        places: &|_| None,
    };
    comment::comment(&report, 10_000)
}

pub(crate) fn status(state: State, text: &str) -> Status {
    Status {
        commit: commit(HEAD),
        instance: instance("eu"),
        purpose: Purpose::Plan,
        state,
        text: StatusText::new(text),
        link: Some("https://ci.example/1".into()),
    }
}

fn note(line: u32, message: &str) -> LineNote {
    LineNote {
        weight: Weight::Warning,
        path: "tenants/web/a.kdl".into(),
        line: NonZeroU32::new(line).unwrap(),
        title: "data-loss".into(),
        message: message.into(),
    }
}

async fn writes_nothing<F: Future<Output = Result<Put, ForgeError>>>(sim: &Sim, again: F) {
    let before = sim.store().writes();
    assert_eq!(again.await, Ok(Put::Same));
    assert_eq!(sim.store().writes(), before);
}

async fn one_comment<F: Forge>(sim: &Sim, forge: &F) {
    // More than one page of others, among them one that looks like ours and is not.
    for n in 0..130 {
        let (id, pull) = (sim.store().id(), 7);
        let body = format!("{}\nhello {n}", instance("eu").marker());
        sim.store().comments.push(Row {
            id,
            pull,
            author: "mallory".into(),
            body,
        });
    }
    assert_eq!(
        forge.put_comment(SEVEN(), &said("eu", "one")).await,
        Ok(Put::Created)
    );
    writes_nothing(sim, forge.put_comment(SEVEN(), &said("eu", "one"))).await;
    assert_eq!(
        forge.put_comment(SEVEN(), &said("eu", "two")).await,
        Ok(Put::Updated)
    );
    assert_eq!(
        forge.put_comment(SEVEN(), &said("us", "two")).await,
        Ok(Put::Created)
    );
    let ours = |sim: &Sim| -> Vec<String> {
        let store = sim.store();
        store
            .comments
            .iter()
            .filter(|c| c.author == BOT)
            .map(|c| c.body.clone())
            .collect()
    };
    assert_eq!(
        ours(sim),
        [said("eu", "two").text(), said("us", "two").text()]
    );
    // A second copy, as two runs at once leave it, goes.
    let (id, body) = (sim.store().id(), said("eu", "old").text().to_owned());
    sim.store().comments.push(Row {
        id,
        pull: 7,
        author: BOT.into(),
        body,
    });
    assert_eq!(
        forge.put_comment(SEVEN(), &said("eu", "two")).await,
        Ok(Put::Same)
    );
    assert_eq!(ours(sim).len(), 2);
    assert_eq!(
        sim.store()
            .comments
            .iter()
            .filter(|c| c.author == "mallory")
            .count(),
        130
    );
}

async fn one_status<F: Forge>(sim: &Sim, forge: &F) {
    let long = "ä".repeat(400);
    assert_eq!(
        forge.put_status(&status(State::Pending, "judging")).await,
        Ok(Put::Created)
    );
    writes_nothing(sim, forge.put_status(&status(State::Pending, "judging"))).await;
    assert_eq!(
        forge.put_status(&status(State::Success, &long)).await,
        Ok(Put::Updated)
    );
    writes_nothing(sim, forge.put_status(&status(State::Success, &long))).await;
    assert_eq!(
        forge.put_status(&status(State::Failure, "2 errors")).await,
        Ok(Put::Updated)
    );
    let unknown = Status {
        commit: commit(&"3".repeat(40)),
        ..status(State::Success, "x")
    };
    let refused = forge.put_status(&unknown).await.unwrap_err();
    assert!(
        matches!(refused.class(), "refused" | "missing"),
        "{refused}"
    );
}

async fn lines<F: Forge>(sim: &Sim, forge: &F) {
    let pull = forge.pull(SEVEN()).await.unwrap();
    let put = |notes: Vec<LineNote>| {
        let pull = pull.clone();
        async move { forge.put_notes(&pull, &instance("eu"), &notes).await }
    };
    assert_eq!(put(Vec::new()).await, Ok(Put::Same));
    let notes = vec![note(3, "this one"), note(9, "<b>that one</b> @ann")];
    assert_eq!(put(notes.clone()).await, Ok(Put::Created));
    writes_nothing(sim, put(notes.clone())).await;
    let many: Vec<LineNote> = (1..=120).map(|line| note(line, "now this")).collect();
    assert_eq!(put(many).await, Ok(Put::Updated));
    let written = {
        let store = sim.store();
        store
            .notes
            .iter()
            .chain(&store.reviews)
            .map(ToString::to_string)
            .collect::<String>()
    };
    if forge.caps().lines == LineScope::Shown {
        assert!(
            !written.contains("<b>") && !written.contains("@ann"),
            "{written}"
        );
    }
}

async fn deployments<F: Forge>(sim: &Sim, forge: &F) {
    let of = |state: State| Deployment {
        commit: commit(HEAD),
        environment: "prod eu/1".into(),
        state,
        text: StatusText::new("2 changes"),
    };
    if !forge.caps().deployments {
        let before = sim.store().requests.len();
        assert!(matches!(
            forge.put_deployment(&of(State::Success)).await,
            Ok(Put::Skipped(_))
        ));
        assert_eq!(sim.store().requests.len(), before);
        return;
    }
    assert_eq!(
        forge.put_deployment(&of(State::Pending)).await,
        Ok(Put::Created)
    );
    writes_nothing(sim, forge.put_deployment(&of(State::Pending))).await;
    assert_eq!(
        forge.put_deployment(&of(State::Failure)).await,
        Ok(Put::Updated)
    );
    assert_eq!(sim.store().deployments.len(), 1);
}

async fn reading<F: Forge>(sim: &Sim, forge: &F) {
    let pull = forge.pull(SEVEN()).await.unwrap();
    assert_eq!(
        (
            pull.head.as_str(),
            pull.author.as_str(),
            pull.target.as_str()
        ),
        (HEAD, "ann", "main")
    );
    assert!(pull.fork && pull.open && !pull.draft);
    assert_eq!(pull.base, Some(commit(BASE)));
    let template = sim.store().pulls[&7].clone();
    for number in 8..140_u64 {
        let mut one = template.clone();
        let key = if one["iid"].is_null() {
            "number"
        } else {
            "iid"
        };
        one[key] = number.into();
        sim.store().pulls.insert(number, one);
    }
    assert_eq!(forge.open_pulls().await.unwrap().len(), 133);
    for (user, may) in [
        ("admin", Permission::Admin),
        (BOT, Permission::Write),
        ("reader", Permission::Read),
        ("stranger", Permission::None),
        ("../../../user", Permission::None),
        ("..", Permission::None),
        ("", Permission::None),
    ] {
        assert_eq!(forge.permission(user).await, Ok(may), "{user}");
        let known = may > Permission::None;
        assert_eq!(forge.is_collaborator(user).await, Ok(known), "{user}");
    }
    let gone = forge
        .pull(PullNumber::parse("999").unwrap())
        .await
        .unwrap_err();
    assert_eq!(gone.class(), "missing");
}

async fn conditional<F: Forge>(sim: &Sim, forge: &F) {
    let before = sim.store().not_modified;
    forge.pull(SEVEN()).await.unwrap();
    forge.pull(SEVEN()).await.unwrap();
    assert!(
        sim.store().not_modified > before,
        "the second look costs nothing"
    );
    let key = "draft";
    sim.store().pulls.get_mut(&7).unwrap()[key] = true.into();
    assert!(
        forge.pull(SEVEN()).await.unwrap().draft,
        "and still sees what is new"
    );
    sim.store().pulls.get_mut(&7).unwrap()[key] = false.into();
}

async fn too_little<F: Forge>(sim: &Sim, reader: &F) {
    let before = sim.store().statuses.len();
    let refused = reader
        .put_status(&status(State::Error, "x"))
        .await
        .unwrap_err();
    assert_eq!(refused.class(), "denied", "{refused}");
    assert!(!refused.to_string().contains(READER), "{refused}");
    assert_eq!(sim.store().statuses.len(), before);
}

/// Everything, for one dialect.
fn all<F: Forge>(sim: &Sim, forge: &F, reader: &F) {
    sim.runtime.block_on(async {
        one_comment(sim, forge).await;
        one_status(sim, forge).await;
        lines(sim, forge).await;
        deployments(sim, forge).await;
        conditional(sim, forge).await;
        reading(sim, forge).await;
        too_little(sim, reader).await;
    });
    assert!(sim.store().requests.iter().all(|r| !r.contains(TOKEN)));
}

#[test]
fn github_is_told_and_read() {
    let sim = github_sim::start();
    all(&sim, &github(&sim, TOKEN), &github(&sim, READER));
    let runs = sim
        .store()
        .notes
        .iter()
        .map(|r| r["annotations"].as_array().unwrap().len())
        .collect::<Vec<_>>();
    assert_eq!(runs, [2, 120], "fifty at a time, none lost");
}

#[test]
fn gitlab_is_told_and_read() {
    let sim = gitlab_sim::start();
    all(&sim, &gitlab(&sim, TOKEN), &gitlab(&sim, READER));
    let store = sim.store();
    let open = store
        .notes
        .iter()
        .filter(|t| t["notes"][0]["resolved"] == false);
    assert_eq!(
        (store.notes.len(), open.count()),
        (32, 30),
        "what is no longer true is resolved"
    );
}

#[test]
fn gitea_is_told_and_read() {
    let sim = gitea_sim::start();
    all(&sim, &gitea(&sim, TOKEN), &gitea(&sim, READER));
    assert_eq!(sim.store().reviews.len(), 1, "one review holds all notes");
}

#[test]
fn the_last_word_of_each_reviewer_counts() {
    let review = |id: u64, user: &str, state: &str| json!({ "id": id, "user": { "login": user }, "state": state, "commit_id": HEAD, "body": "" });
    let reviews = vec![
        review(1, "ben", "APPROVED"),
        review(2, "cid", "APPROVED"),
        review(3, "cid", "CHANGES_REQUESTED"),
        review(4, "ben", "COMMENTED"),
        review(5, "dan", "APPROVED"),
        review(6, "Dan", "DISMISSED"),
    ];
    let sim = github_sim::start();
    sim.store().reviews = reviews;
    let found = sim
        .runtime
        .block_on(github(&sim, TOKEN).reviews(SEVEN()))
        .unwrap();
    let yes: Vec<&str> = found
        .iter()
        .filter(|r| r.approved)
        .map(|r| r.user.as_str())
        .collect();
    assert_eq!(yes, ["ben"]);
    assert_eq!(found[0].commit, Some(commit(HEAD)));

    let sim = gitea_sim::start();
    let mut stale = review(2, "cid", "APPROVED");
    stale["stale"] = true.into();
    sim.store().reviews = vec![
        review(1, "ben", "APPROVED"),
        stale,
        review(3, "dan", "REQUEST_CHANGES"),
    ];
    let found = sim
        .runtime
        .block_on(gitea(&sim, TOKEN).reviews(SEVEN()))
        .unwrap();
    assert_eq!(found.iter().filter(|r| r.approved).count(), 1);

    let sim = gitlab_sim::start();
    sim.store().reviews = vec![json!({ "user": { "username": "ben" } })];
    let found = sim
        .runtime
        .block_on(gitlab(&sim, TOKEN).reviews(SEVEN()))
        .unwrap();
    assert!(found[0].approved && found[0].commit.is_none());
}

#[test]
fn a_finished_status_of_gitlab_does_not_run_again() {
    let sim = gitlab_sim::start();
    let forge = gitlab(&sim, TOKEN);
    sim.runtime.block_on(async {
        assert_eq!(
            forge.put_status(&status(State::Success, "ok")).await,
            Ok(Put::Created)
        );
        let again = forge.put_status(&status(State::Pending, "judging")).await;
        assert!(matches!(again, Ok(Put::Skipped(_))), "{again:?}");
    });
    assert_eq!(sim.store().statuses.len(), 1);
}
