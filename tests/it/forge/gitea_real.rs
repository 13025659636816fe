//! What the suite says of simulators, on a real Gitea: what is told stands there once, is told again
//! without a write, and what is read means the same.

use std::num::NonZeroU32;

use kubemate::adapters::forge::{Auth, Gitea, Link};
use kubemate::report::forge::{
    Forge, ForgeError, LineNote, Permission, Pull, PullNumber, Put, State, Status, Weight,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::suite::{PATIENCE, commit, instance, said, status, token};
use crate::bed::gitea::{Gitea as Bed, gitea};

const BOT: &str = "kubemate-bot";

/// A repository with a pull request that Ann opened from her fork.
struct Real {
    bed: &'static Bed,
    repository: String,
    base: String,
    head: String,
    pull: PullNumber,
    _directory: tempfile::TempDir,
}

impl Real {
    fn start() -> Self {
        let bed = gitea();
        let members = [("may", "admin"), (BOT, "write"), ("ann", "read")];
        let repository = bed.repository(&members);
        let name = repository.split('/').next_back().unwrap();
        let fork = json!({ "name": crate::bed::unique_name(name) });
        let forked = bed.done(
            "ann",
            Method::POST,
            &format!("/repos/{repository}/forks"),
            &fork,
        );
        let fork = forked["full_name"].as_str().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let clone = bed.clone_as("ann", fork, directory.path());
        let base = clone.git(&["rev-parse", "HEAD"]);
        let lines: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let head = clone.push("change", &[("tenants/web/a.kdl", &lines)]);
        let body = json!({ "head": "ann:change", "base": "main", "title": "a change" });
        let made = bed.done(
            "ann",
            Method::POST,
            &format!("/repos/{repository}/pulls"),
            &body,
        );
        let pull = PullNumber::parse(&made["number"].to_string()).unwrap();
        Self {
            bed,
            repository,
            base,
            head,
            pull,
            _directory: directory,
        }
    }

    fn as_user(&self, user: &str) -> Gitea {
        let auth = Auth::TokenWord(token(&self.bed.token(user)));
        let link = Link::new(&self.bed.api(), auth, PATIENCE, Vec::new()).unwrap();
        Gitea::new(link, &self.repository, None)
    }

    fn get(&self, rest: &str) -> Value {
        self.bed
            .get("may", &format!("/repos/{}/{rest}", self.repository))
    }

    /// Everything that anybody could have written, with its times.
    fn standing(&self) -> [Value; 3] {
        [
            self.get(&format!("issues/{}/comments", self.pull)),
            self.get(&format!("commits/{}/statuses?limit=50", self.head)),
            self.get(&format!("pulls/{}/reviews", self.pull)),
        ]
    }

    /// Done once more, it is there already and nothing is written.
    fn writes_nothing(&self, again: impl FnOnce() -> Result<Put, ForgeError>) {
        let before = self.standing();
        assert_eq!(again(), Ok(Put::Same));
        assert_eq!(self.standing(), before);
    }

    fn status(&self, state: State, text: &str) -> Status {
        Status {
            commit: commit(&self.head),
            ..status(state, text)
        }
    }
}

/// Waits for a forge.
fn now<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

fn one_comment(real: &Real, forge: &Gitea) {
    let path = format!("/repos/{}/issues/{}/comments", real.repository, real.pull);
    for n in 0..25 {
        let body = json!({ "body": format!("{}\nhello {n}", instance("eu").marker()) });
        drop(real.bed.done("ann", Method::POST, &path, &body));
    }
    let put = |name: &str, text: &str| now(forge.put_comment(real.pull, &said(name, text)));
    assert_eq!(put("eu", "one"), Ok(Put::Created));
    real.writes_nothing(|| put("eu", "one"));
    assert_eq!(put("eu", "two"), Ok(Put::Updated));
    assert_eq!(put("us", "two"), Ok(Put::Created));
    let copy = json!({ "body": said("eu", "old").text() });
    drop(real.bed.done(BOT, Method::POST, &path, &copy));
    assert_eq!(put("eu", "two"), Ok(Put::Same));
    let all = real.get(&format!("issues/{}/comments", real.pull));
    let by = |user: &str| -> Vec<String> {
        let all = all.as_array().unwrap().iter();
        all.filter(|c| c["user"]["login"] == user)
            .map(|c| c["body"].as_str().unwrap().trim().to_owned())
            .collect()
    };
    let ours = [said("eu", "two"), said("us", "two")].map(|c| c.text().trim().to_owned());
    assert_eq!(by(BOT), ours);
    assert_eq!(by("ann").len(), 25);
}

fn one_status(real: &Real, forge: &Gitea) {
    let put = |state: State, text: &str| now(forge.put_status(&real.status(state, text)));
    let long = "ä".repeat(400);
    assert_eq!(put(State::Pending, "judging"), Ok(Put::Created));
    real.writes_nothing(|| put(State::Pending, "judging"));
    assert_eq!(put(State::Success, &long), Ok(Put::Updated));
    real.writes_nothing(|| put(State::Success, &long));
    // It may be taken back, as an agreement may.
    assert_eq!(put(State::Pending, "waits"), Ok(Put::Updated));
    assert_eq!(put(State::Failure, "2 errors"), Ok(Put::Updated));
    real.writes_nothing(|| put(State::Failure, "2 errors"));
    let combined = real.get(&format!("commits/{}/status", real.head));
    assert_eq!(combined["state"], "failure", "{combined}");
    let unknown = Status {
        commit: commit(&"3".repeat(40)),
        ..status(State::Success, "x")
    };
    let refused = now(forge.put_status(&unknown)).unwrap_err();
    assert!(
        matches!(refused.class(), "refused" | "missing"),
        "{refused}"
    );
    let reader = now(real
        .as_user("ann")
        .put_status(&real.status(State::Success, "mine")));
    assert_eq!(reader.unwrap_err().class(), "denied");
}

fn lines(real: &Real, forge: &Gitea, pull: &Pull) {
    let note = |line: u32, message: &str| LineNote {
        weight: Weight::Warning,
        path: "tenants/web/a.kdl".into(),
        line: NonZeroU32::new(line).unwrap(),
        title: "data-loss".into(),
        message: message.into(),
    };
    let put = |notes: &[LineNote]| now(forge.put_notes(pull, &instance("eu"), notes));
    assert_eq!(put(&[]), Ok(Put::Same));
    let two = [note(3, "this one"), note(9, "<b>that one</b> @ann")];
    assert_eq!(put(&two), Ok(Put::Created));
    real.writes_nothing(|| put(&two));
    let many: Vec<LineNote> = (1..=15).map(|line| note(line, "now this")).collect();
    assert_eq!(put(&many), Ok(Put::Updated));
    let reviews = real.get(&format!("pulls/{}/reviews", real.pull));
    let ours: Vec<&Value> = reviews.as_array().unwrap().iter().collect();
    assert_eq!(ours.len(), 1, "one review holds all notes: {reviews}");
    let id = &ours[0]["id"];
    let shown = real.get(&format!("pulls/{}/reviews/{id}/comments", real.pull));
    let at: Vec<u64> = shown
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|c| c["position"].as_u64())
        .collect();
    assert!(at.contains(&1) && at.contains(&15), "{at:?}");
}

fn reading(real: &Real, forge: &Gitea, pull: &Pull) {
    assert_eq!(
        (
            pull.head.as_str(),
            pull.author.as_str(),
            pull.target.as_str()
        ),
        (real.head.as_str(), "ann", "main")
    );
    assert!(pull.fork && pull.open && !pull.draft);
    assert_eq!(pull.base, Some(commit(&real.base)));
    // More pull requests than the server shows at once.
    let path = |rest: &str| format!("/repos/{}/{rest}", real.repository);
    for n in 0..12 {
        let branch = format!("more-{n}");
        let file = json!({
            "branch": "main", "new_branch": branch, "message": "more",
            "content": "aGVsbG8=",
        });
        drop(real.bed.done(
            "may",
            Method::POST,
            &path(&format!("contents/{branch}.txt")),
            &file,
        ));
        let body = json!({ "head": branch, "base": "main", "title": branch });
        drop(real.bed.done("may", Method::POST, &path("pulls"), &body));
    }
    assert_eq!(now(forge.open_pulls()).unwrap().len(), 13);
    let admin = real.as_user("may");
    for (user, may) in [
        ("may", Permission::Admin),
        (BOT, Permission::Write),
        ("ann", Permission::Read),
        ("nobody-at-all", Permission::None),
        ("../../../user", Permission::None),
        ("", Permission::None),
    ] {
        assert_eq!(now(admin.permission(user)), Ok(may), "{user}");
    }
    // Who may only write does not see what others may.
    let hidden = now(forge.permission("may")).unwrap_err();
    assert_eq!(hidden.class(), "denied", "{hidden}");
    let gone = now(forge.pull(PullNumber::parse("999").unwrap())).unwrap_err();
    assert_eq!(gone.class(), "missing");
}

fn remarks(real: &Real, forge: &Gitea) {
    let path = |rest: &str| format!("/repos/{}/issues/{rest}", real.repository);
    let body = json!({ "body": "/kubemate plan" });
    let comments = path(&format!("{}/comments", real.pull));
    let made = real.bed.done("ann", Method::POST, &comments, &body);
    let id = made["id"].as_u64().unwrap();
    let found = now(forge.remark(real.pull, id)).unwrap().unwrap();
    assert_eq!(
        (found.author.as_str(), found.text.as_str(), found.edited),
        ("ann", "/kubemate plan", false)
    );
    // Its times are in whole seconds.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let body = json!({ "body": "/kubemate plan 3f2ac1d" });
    let one = path(&format!("comments/{id}"));
    drop(real.bed.done("ann", Method::PATCH, &one, &body));
    let found = now(forge.remark(real.pull, id)).unwrap().unwrap();
    assert!(found.edited && found.text.ends_with("3f2ac1d"), "{found:?}");
    let other = PullNumber::parse("999").unwrap();
    assert_eq!(now(forge.remark(other, id)), Ok(None));
    assert_eq!(now(forge.remark(real.pull, 999_999)), Ok(None));
}

/// Who pushed, and that it goes elsewhere now, which Gitea notes as if it was pushed anew.
fn past(real: &Real, forge: &Gitea, pull: &Pull) {
    let past = || now(forge.past(pull)).unwrap();
    let before = past();
    assert_eq!(before.pushers, [Some("ann".to_owned())]);
    assert_eq!(before.turned, None);
    let path = |rest: &str| format!("/repos/{}/{rest}", real.repository);
    let branch = json!({ "new_branch_name": "other", "old_branch_name": "main" });
    drop(
        real.bed
            .done("may", Method::POST, &path("branches"), &branch),
    );
    let to = json!({ "base": "other" });
    let one = path(&format!("pulls/{}", real.pull));
    drop(real.bed.done("may", Method::PATCH, &one, &to));
    let after = past();
    assert!(after.turned.is_some(), "{after:?}");
    assert!(after.pushers.contains(&Some("may".to_owned())), "{after:?}");
    let unknown = Pull {
        head: commit(&real.base),
        ..pull.clone()
    };
    assert!(now(forge.past(&unknown)).is_err());
}

#[test]
fn a_real_gitea_is_told_and_read() {
    let real = Real::start();
    let forge = real.as_user(BOT);
    let pull = now(forge.pull(real.pull)).unwrap();
    one_comment(&real, &forge);
    remarks(&real, &forge);
    one_status(&real, &forge);
    lines(&real, &forge, &pull);
    reading(&real, &forge, &pull);
    past(&real, &forge, &pull);
}
