//! Commands in comments, at a forge of each dialect: who may is answered, once and in one comment; whoever
//! may not, what was edited, and what is about another head comes to nothing or to a sentence.

use std::time::{Duration, Instant};

use kubemate::report::audit::{Entry, Event, read};
use serde_json::{Value, json};

use super::told::{hooks_of, reporting_to};
use super::{Bed, Controller, GOOD, MAIN, PATIENCE, is};
use crate::bed::history::commit;
use crate::forge::door::send;
use crate::forge::hooks::{SECRET, hex, mac};
use crate::forge::sim::{BOT, Sim};
use crate::forge::{gitea_sim, github_sim, gitlab_sim};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    GitHub,
    GitLab,
    Gitea,
}

/// A controller that follows commands, and pull request 7 at its forge.
struct Scene {
    // It ends first.
    _controller: Controller,
    bed: Bed,
    sim: Sim,
    kind: Kind,
    head: String,
}

impl Scene {
    fn start(kind: Kind) -> Self {
        let (word, sim) = match kind {
            Kind::GitHub => ("github", github_sim::start()),
            Kind::GitLab => ("gitlab", gitlab_sim::start()),
            Kind::Gitea => ("gitea", gitea_sim::start()),
        };
        let bed = Bed::new("team/platform.git");
        let base = bed.commit(GOOD);
        let head = offer(&bed, &base, kind);
        {
            let mut store = sim.store();
            store.public = true;
            store.commits.extend([base.clone(), head.clone()]);
            let pull = store.pulls.get_mut(&7).unwrap();
            match kind {
                Kind::GitHub | Kind::Gitea => {
                    pull["head"]["sha"] = head.clone().into();
                    pull["base"]["sha"] = base.clone().into();
                    pull["merge_base"] = base.clone().into();
                }
                Kind::GitLab => {
                    pull["sha"] = head.clone().into();
                    pull["diff_refs"]["base_sha"] = base.clone().into();
                }
            }
        }
        let mut more = reporting_to(&bed, word, &sim.address);
        let trails = bed.directory.path().join("audit");
        let trails = trails.to_str().unwrap();
        more.extend(["--commands", "plan,hold,apply", "--audit", trails].map(str::to_owned));
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let controller =
            Controller::start_with(bed.cluster.kubeconfig(), &bed.host.address, &bed, &more);
        bed.sync("auto", "1s");
        bed.until("the base is applied", |s| {
            s["lastApplied"] == base.as_str() && is(s, "Ready", "True")
        });
        Self {
            _controller: controller,
            bed,
            sim,
            kind,
            head,
        }
    }

    /// Somebody writes this at the forge, which calls.
    fn says(&self, user: &str, text: &str) -> u64 {
        let id = self.sim.store().says(user, text);
        self.calls(id, (user, text), true);
        id
    }

    fn calls(&self, id: u64, said: (&str, &str), new: bool) {
        self.calls_from("team/platform", id, said, new);
    }

    fn calls_from(&self, repository: &str, id: u64, (user, text): (&str, &str), new: bool) {
        let (hub, lab) = match new {
            true => ("created", "create"),
            false => ("edited", "update"),
        };
        let body = json!({
            "repository": { "full_name": repository },
            "project": { "path_with_namespace": repository },
            "action": hub, "object_kind": "note",
            "issue": { "number": 7, "pull_request": {} }, "merge_request": { "iid": 7 },
            "comment": { "id": id, "user": { "login": user }, "body": text },
            "object_attributes": { "id": id, "action": lab, "note": text },
            "user": { "username": user },
        });
        let body = body.to_string();
        let sum = hex(&mac(&[body.as_bytes()]));
        let headers = match self.kind {
            Kind::GitHub => {
                format!("x-github-event: issue_comment\r\nx-hub-signature-256: sha256={sum}\r\n")
            }
            Kind::Gitea => {
                format!("x-gitea-event: issue_comment\r\nx-gitea-signature: {sum}\r\n")
            }
            Kind::GitLab => {
                let secret = std::str::from_utf8(SECRET).unwrap();
                format!("x-gitlab-event: Note Hook\r\nx-gitlab-token: {secret}\r\n")
            }
        };
        let head = format!(
            "POST /hooks/{} HTTP/1.1\r\nhost: hooks\r\nconnection: close\r\n{headers}",
            self.bed.name
        );
        let address = hooks_of(&self.bed, "calls of forges");
        assert_eq!(send(address, &head, body.as_bytes()), 202);
    }

    /// What we wrote so far, the oldest first.
    fn ours(&self) -> Vec<String> {
        let store = self.sim.store();
        let ours = store.comments.iter().filter(|c| c.author == BOT);
        ours.map(|c| c.body.clone()).collect()
    }

    /// Waits for an answer to a comment.
    fn reply(&self, comment: u64) -> String {
        let marker = format!("reply={comment} -->");
        self.until(|all| all.iter().find(|text| text.contains(&marker)).cloned())
    }

    fn until<T>(&self, found: impl Fn(&[String]) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            let all = self.ours();
            if let Some(found) = found(&all) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{:?}: {all:#?}", self.kind);
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Makes the commits of pull request 7, under the names that forges give them.
fn offer(bed: &Bed, base: &str, kind: Kind) -> String {
    let name = match kind {
        Kind::GitHub | Kind::Gitea => "refs/pull/7/head",
        Kind::GitLab => "refs/merge-requests/7/head",
    };
    let base = git2::Oid::from_str(base).unwrap();
    drop(bed.served.reference(name, base, true, "offered").unwrap());
    let files = bed.files(&GOOD.replace("1.0.0", "1.0.7"), "");
    commit(&bed.served, Some(name), files)
}

fn story(kind: Kind) {
    let scene = Scene::start(kind);
    let short = scene.head[..12].to_owned();

    // Whoever may only read because everybody may, edits, quotes and code: nothing.
    scene.says("stranger", "/kubemate plan");
    scene.says("stranger", "/kubemate dance");
    scene.calls(90, ("admin", "/kubemate plan"), false);
    scene.says("admin", "> /kubemate plan");
    scene.says("admin", "```\n/kubemate plan\n```");

    believed(&scene);

    // The first answer is the one to the first command of somebody who may.
    let odd = scene.says("reader", "/kubemate plan $(id); ls -d ../x");
    assert!(scene.reply(odd).contains("and nothing else"));
    assert_eq!(scene.ours().len(), 1, "{:#?}", scene.ours());

    let asked = scene.says("reader", &format!("/kubemate plan {short}"));
    let plan = scene.until(|all| all.iter().find(|text| text.contains("### ")).cloned());
    assert!(
        plan.contains(&short[..7]) && plan.contains("reader"),
        "{plan}"
    );
    assert!(plan.contains("1.0.7"), "{plan}");
    scene.calls(asked, ("reader", "/kubemate plan"), true);
    scene.says("admin", "/kubemate plan");
    scene.until(|all| {
        let plans: Vec<&String> = all.iter().filter(|text| text.contains("### ")).collect();
        assert_eq!(plans.len(), 1, "never a second one: {plans:#?}");
        plans[0].contains("admin").then_some(())
    });

    let moved = scene.says("admin", "/kubemate plan 0000000");
    assert!(scene.reply(moved).contains("the head is"));
    let apply = scene.says("admin", &format!("/kubemate apply {short}"));
    assert!(scene.reply(apply).contains("merge"));
    holds(&scene);
    noted(&scene);
    assert_eq!(scene.bed.status()["lastApplied"], parent(&scene).as_str());
    let name = &scene.bed.name;
    scene
        .bed
        .cluster
        .kubectl(&["delete", "sync", name, "-n", "kubemate-system"]);
}

/// A call is not believed: neither who wrote what, nor where, nor that it still stands there so.
fn believed(scene: &Scene) {
    let plan = "/kubemate plan";
    let other = scene.sim.store().says("stranger", plan);
    scene.calls(other, ("admin", plan), true);
    let harmless = scene.sim.store().says("admin", "lgtm");
    scene.calls(harmless, ("admin", plan), true);
    let edited = scene.sim.store().says("admin", plan);
    scene.sim.store().edited.insert(edited);
    scene.calls(edited, ("admin", plan), true);
    scene.calls(4_000, ("admin", plan), true);
    let elsewhere = scene.sim.store().says("admin", plan);
    scene.calls_from("mallory/platform", elsewhere, ("admin", plan), true);
}

/// What was asked for and what came of it stands in the audit trail, with the names that the forge tells.
fn noted(scene: &Scene) {
    let name = format!("audit/here-{}.jsonl", scene.bed.name);
    let path = scene.bed.directory.path().join(name);
    let lines = || {
        let text = std::fs::read_to_string(&path).unwrap();
        let (lines, _) = read(&text).unwrap();
        let of = lines.into_iter().map(|line| line.entry);
        of.filter(|entry| matches!(entry.event, Event::Asked | Event::Answered))
            .collect::<Vec<Entry>>()
    };
    let told = |entry: &Entry| {
        assert_eq!(entry.commit, scene.head);
        let what = entry.objects.values().next().unwrap();
        let what = what.split(' ').next().unwrap().to_owned();
        (entry.event, entry.by.clone(), what, entry.failure.is_some())
    };
    let all: Vec<_> = lines().iter().map(told).collect();
    let line = |event, user: &str, what: &str, refused| {
        (event, format!("user/{user}"), what.to_owned(), refused)
    };
    let expected = [
        line(Event::Answered, "reader", "something", true),
        line(Event::Answered, "reader", "plan", false),
        line(Event::Answered, "admin", "plan", false),
        line(Event::Answered, "admin", "plan", true),
        line(Event::Answered, "admin", "apply", true),
        line(Event::Answered, "reader", "hold", true),
        line(Event::Asked, "admin", "hold", false),
        line(Event::Answered, "admin", "hold", true),
        line(Event::Asked, "admin", "hold", false),
        line(Event::Answered, "admin", "hold", false),
    ];
    assert_eq!(all, expected);
}

/// A hold is for who may write, and for what is there.
fn holds(scene: &Scene) {
    let name = scene.bed.name.clone();
    let hold = format!("/kubemate hold app/{name}/web --env dev --for 2h --ticket INC-1");
    let reader = scene.says("reader", &hold);
    assert!(scene.reply(reader).contains("may write"));
    let nothing = scene.says("admin", &hold.replace("/web", "/wob"));
    assert!(scene.reply(nothing).contains("there is no"));
    let held = scene.says("admin", &hold);
    assert!(scene.reply(held).contains("left alone until"));
    let text = scene
        .bed
        .cluster
        .kubectl(&["get", "holds", "-n", "kubemate-system", "-o", "json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    let resource = format!("app/{name}/web");
    let mut ours = all["items"].as_array().unwrap().iter();
    let ours = ours.find(|hold| hold["spec"]["resource"] == resource.as_str());
    let spec = &ours.unwrap()["spec"];
    assert_eq!(
        (&spec["by"], &spec["ticket"], &spec["environment"]),
        (&json!("admin"), &json!("INC-1"), &json!("dev"))
    );
}

/// What main points to: nothing of a pull request was applied.
fn parent(scene: &Scene) -> String {
    scene.bed.served.refname_to_id(MAIN).unwrap().to_string()
}

#[test]
fn s_76_commands_at_github() {
    story(Kind::GitHub);
}

#[test]
fn s_76_commands_at_gitlab() {
    story(Kind::GitLab);
}

#[test]
fn s_76_commands_at_gitea() {
    story(Kind::Gitea);
}

/// After the merge, and in the mode manual, a plan goes by its whole digest and by nothing else.
#[test]
fn s_76_a_plan_is_let_go_after_the_merge_by_its_digest() {
    let scene = Scene::start(Kind::GitHub);
    let bed = &scene.bed;
    bed.sync("manual", "1s");
    let merged = bed.commit(&GOOD.replace("1.0.0", "1.0.7"));
    {
        let mut store = scene.sim.store();
        store.commits.insert(merged.clone());
        let pull = store.pulls.get_mut(&7).unwrap();
        pull["state"] = "closed".into();
        pull["merged"] = true.into();
        pull["merged_by"] = json!({ "login": "admin" });
    }
    let waits = |status: &Value| -> Option<String> {
        let sets = status["sets"].as_object()?;
        let plan = sets.values().find_map(|set| set["plan"].as_str())?;
        (status["lastAttempted"] == merged.as_str()).then(|| plan.to_owned())
    };
    let status = bed.until("it waits for a person", |s| waits(s).is_some());
    let plan = waits(&status).unwrap();

    let asked = scene.says("admin", "/kubemate apply");
    assert!(scene.reply(asked).contains(&plan));
    let reader = scene.says("reader", &format!("/kubemate apply {plan}"));
    assert!(scene.reply(reader).contains("may write"));
    let other = format!("b3:{}", "0".repeat(64));
    let other = scene.says("admin", &format!("/kubemate apply {other}"));
    assert!(scene.reply(other).contains("no plan of this digest"));
    assert_ne!(bed.status()["lastApplied"], merged.as_str());

    let meant = scene.says("admin", &format!("/kubemate apply {plan}"));
    assert!(scene.reply(meant).contains("is let go"));
    let status = bed.until("it is applied", |s| s["lastApplied"] == merged.as_str());
    assert!(status["released"].is_null(), "{status:#}");
    bed.cluster
        .kubectl(&["delete", "sync", &bed.name, "-n", "kubemate-system"]);
}
