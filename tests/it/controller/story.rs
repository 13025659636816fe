//! From a branch to the cluster and back, with a real Gitea and a real API server: what people see on
//! the pull request, on the commit and in the cluster, and nothing else.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Controller, GOOD, PATIENCE, Place, is};
use crate::bed::gitea::{Clone, Gitea, gitea};

const BOT: &str = "kubemate-bot";
const PLAN: &str = "kubemate/plan/default";
const GOVERNANCE: &str =
    "approval dev-change valid-for=\"8h\" {\n  approver group=leads\n  approver user=ben\n}\n";

/// A repository at the forge, people with their clones, a cluster, and a controller between them.
pub(super) struct Story {
    // It ends first.
    _controller: Controller,
    pub(super) place: Place,
    pub(super) forge: &'static Gitea,
    pub(super) repository: String,
    /// Who may write to main.
    may: Clone,
    pub(super) ann: Clone,
    ben: Clone,
    /// Where jobs run.
    job: Clone,
}

impl Story {
    pub(super) fn start() -> Self {
        let (place, forge) = (Place::new(), gitea());
        let members = [
            ("may", "admin"),
            ("ann", "write"),
            ("ben", "write"),
            ("cid", "write"),
            (BOT, "write"),
        ];
        let repository = forge.repository(&members);
        // Only who is in a team sees who is in it.
        forge.team(&repository, "leads", &["cid", BOT]);
        let directory = place.directory.path();
        let clone = |user: &str| forge.clone_as(user, &repository, directory);
        let (may, ann, ben, job) = (clone("may"), clone("ann"), clone("ben"), clone(BOT));
        let credentials = directory.join("credentials");
        std::fs::create_dir(&credentials).unwrap();
        for (name, text) in [
            ("127.0.0.1.forge-token", forge.token(BOT)),
            ("127.0.0.1.token", forge.token(BOT)),
            ("127.0.0.1.user", BOT.to_owned()),
        ] {
            std::fs::write(credentials.join(name), text).unwrap();
        }
        let rule = format!("gitea@127.0.0.1={}", forge.api());
        let audit = directory.join("audit");
        let more = [
            "--credentials",
            credentials.to_str().unwrap(),
            "--forge",
            &rule,
            "--audit",
            audit.to_str().unwrap(),
            "--audit-required",
        ];
        let kubeconfig = place.cluster.kubeconfig();
        let controller = Controller::start_with(kubeconfig, &forge.url, &place, &more);
        Self {
            _controller: controller,
            place,
            forge,
            repository,
            may,
            ann,
            ben,
            job,
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.repository)
    }

    /// Nobody merges what this project did not call good.
    fn protect(&self) {
        let rule = json!({
            "rule_name": "main", "enable_push": true, "enable_push_whitelist": true,
            "push_whitelist_usernames": ["may"], "enable_status_check": true,
            "status_check_contexts": [PLAN],
        });
        let path = self.path("branch_protections");
        drop(self.forge.done("may", Method::POST, &path, &rule));
    }

    /// Pushes files to main, past all pull requests.
    pub(super) fn push_main(&self, app: &str) -> String {
        drop(self.may.pull("main"));
        self.push(&self.may, "main", app)
    }

    /// The same with another rule.
    pub(super) fn push_ruled(&self, app: &str, rule: &str) -> String {
        drop(self.may.pull("main"));
        self.push_all(&self.may, "main", (app, rule))
    }

    pub(super) fn push(&self, clone: &Clone, branch: &str, app: &str) -> String {
        self.push_all(clone, branch, (app, GOVERNANCE))
    }

    fn push_all(&self, clone: &Clone, branch: &str, (app, rule): (&str, &str)) -> String {
        let mut files = self.place.files(app, " approval=dev-change");
        files.push(("platform/governance.kdl", rule.to_owned()));
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
        clone.push(branch, &files)
    }

    /// A pull request from a branch, as Ann opens it.
    pub(super) fn open(&self, branch: &str) -> u64 {
        let body = json!({ "head": branch, "base": "main", "title": "a change" });
        let made = self
            .forge
            .done("ann", Method::POST, &self.path("pulls"), &body);
        made["number"].as_u64().unwrap()
    }

    /// `kubemate ci`, as the job of a pull request runs it.
    fn ci(&self, pull: u64) -> Output {
        let shown = self.forge.get(BOT, &self.path(&format!("pulls/{pull}")));
        self.job.git(&["fetch", "-q", "origin", "main"]);
        let began = Instant::now();
        // Gitea moves this ref in its own time, and then notes who pushed.
        let timeline = self.path(&format!("issues/{pull}/timeline?limit=50"));
        let is_noted = |commit: &str| {
            let noted = self.forge.get(BOT, &timeline);
            noted.to_string().contains(commit)
        };
        loop {
            let name = format!("refs/pull/{pull}/head");
            self.job.git(&["fetch", "-q", "origin", &name]);
            let fetched = self.job.git(&["rev-parse", "FETCH_HEAD"]);
            if shown["head"]["sha"] == fetched.as_str() && is_noted(&fetched) {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{name} stays at {fetched}");
            std::thread::sleep(Duration::from_millis(100));
        }
        self.job.git(&["checkout", "-q", "FETCH_HEAD"]);
        let event = self.place.directory.path().join("event.json");
        std::fs::write(&event, json!({ "pull_request": shown }).to_string()).unwrap();
        Command::new(env!("CARGO_BIN_EXE_kubemate"))
            .arg("ci")
            .current_dir(&self.job.directory)
            .env_clear()
            .env("XDG_CACHE_HOME", self.place.directory.path().join("ci"))
            .env("GITEA_ACTIONS", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_REPOSITORY", &self.repository)
            .env("GITHUB_API_URL", self.forge.api())
            .env("GITHUB_SERVER_URL", &self.forge.url)
            .env("GITHUB_RUN_ID", "1")
            .env("GITHUB_EVENT_PATH", &event)
            .env("GITEA_TOKEN", self.forge.token(BOT))
            .output()
            .unwrap()
    }

    /// All comments of the bot on a pull request: id and text.
    fn comments(&self, pull: u64) -> Vec<(u64, String)> {
        let all = self
            .forge
            .get("ann", &self.path(&format!("issues/{pull}/comments")));
        let all = all.as_array().unwrap().iter();
        let ours = all.filter(|c| c["user"]["login"] == BOT);
        ours.map(|c| {
            let body = c["body"].as_str().unwrap();
            (c["id"].as_u64().unwrap(), body.to_owned())
        })
        .collect()
    }

    /// The latest status of a context on a commit: state and text.
    fn told(&self, commit: &str, context: &str) -> Option<(String, String)> {
        let path = self.path(&format!("commits/{commit}/statuses?sort=recentupdate"));
        let all = self.forge.get("ann", &path);
        let of = all.as_array().unwrap().iter();
        let latest = of
            .filter(|s| s["context"] == context)
            .max_by_key(|s| s["id"].as_u64())?;
        assert_eq!(latest["creator"]["login"], BOT);
        let text = |key: &str| latest[key].as_str().unwrap().to_owned();
        Some((text("status"), text("description")))
    }

    /// Waits until the controller says this of a commit, and returns in which words.
    pub(super) fn until_told(&self, commit: &str, state: &str) -> String {
        self.until_told_of(commit, state, "")
    }

    /// The same, in words that hold these.
    fn until_told_of(&self, commit: &str, state: &str, words: &str) -> String {
        let context = format!("kubemate/apply/here-{}", self.place.name);
        let began = Instant::now();
        loop {
            let told = self.told(commit, &context);
            match &told {
                Some((is, text)) if is == state && text.contains(words) => return text.clone(),
                _ => {}
            }
            assert!(
                began.elapsed() < PATIENCE,
                "never {state} with `{words}`: {told:?}; {:#}",
                self.place.status()
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Merges as a user: the HTTP status, and what was said.
    pub(super) fn merge(&self, user: &str, pull: u64) -> (u16, Value) {
        let path = self.path(&format!("pulls/{pull}/merge"));
        let body = json!({ "Do": "merge" });
        let began = Instant::now();
        loop {
            let merged = self
                .forge
                .ask(&self.forge.token(user), Method::POST, &path, &body);
            // Gitea looks for conflicts in its own time.
            let later = merged.1["message"].as_str() == Some("Please try again later");
            if !later || began.elapsed() > PATIENCE {
                return merged;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(super) fn main(&self) -> String {
        let branch = self.forge.get("ann", &self.path("branches/main"));
        branch["commit"]["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn image(&self) -> String {
        let web = self.place.deployment().expect("there is a deployment");
        let containers = &web["spec"]["template"]["spec"]["containers"];
        containers[0]["image"].as_str().unwrap().to_owned()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// A broken proposal is refused at its line, and its fix renews the same comment.
fn proposed(story: &Story) -> u64 {
    story.ann.pull("main");
    let broken = story.push(
        &story.ann,
        "newer",
        &GOOD.replace("version \"1.0.0\"", "verzion \"1.0.1\""),
    );
    let pull = story.open("newer");
    let output = story.ci(pull);
    assert_eq!(code(&output), 3, "{}", said(&output));
    let (state, text) = story.told(&broken, PLAN).unwrap();
    assert_eq!(state, "failure", "{text}");
    let comments = story.comments(pull);
    let [(id, body)] = comments.as_slice() else {
        panic!("{comments:#?}");
    };
    assert!(body.contains("tenants/shop/web.kdl:3:3"), "{body}");
    let (status, answer) = story.merge("cid", pull);
    assert_eq!(status, 405, "merged without a plan: {answer}");

    let fixed = story.push(&story.ann, "newer", &GOOD.replace("1.0.0", "1.0.1"));
    let output = story.ci(pull);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let comments = story.comments(pull);
    assert_eq!(comments.len(), 1, "{comments:#?}");
    assert_eq!(comments[0].0, *id, "the same comment is edited");
    let body = &comments[0].1;
    assert!(
        body.contains("1.0.1") && body.contains("1 change in 1 set"),
        "{body}"
    );
    assert!(!body.contains("KM0"), "what was wrong is gone: {body}");
    let (state, text) = story.told(&fixed, PLAN).unwrap();
    assert_eq!(state, "pending", "{text}");
    assert!(
        text.contains("`dev-change` waits for 1 of group leads, ben"),
        "{text}"
    );
    // The same again changes nothing that people are told about.
    let before = story
        .forge
        .get("ann", &story.path(&format!("issues/{pull}/comments")));
    assert_eq!(code(&story.ci(pull)), 0);
    let after = story
        .forge
        .get("ann", &story.path(&format!("issues/{pull}/comments")));
    assert_eq!(before, after);
    pull
}

/// Who has a part in a change cannot agree to it; who has none can.
fn agreed(story: &Story, pull: u64) {
    let reviews = story.path(&format!("pulls/{pull}/reviews"));
    let yes = json!({ "event": "APPROVED", "body": "fine" });
    let (status, answer) = story
        .forge
        .ask(&story.forge.token("ann"), Method::POST, &reviews, &yes);
    assert_eq!(
        status, 422,
        "the forge lets nobody agree with himself: {answer}"
    );
    // Ben may agree, but has written a part of it.
    story.ben.pull("newer");
    let comment = format!("// As Ann said.\n{}", GOOD.replace("1.0.0", "1.0.1"));
    let head = story.push(&story.ben, "newer", &comment);
    drop(story.forge.done("ben", Method::POST, &reviews, &yes));
    assert_eq!(code(&story.ci(pull)), 0);
    let (state, text) = story.told(&head, PLAN).unwrap();
    assert_eq!(state, "pending", "{text}");
    assert!(text.contains("ben wrote a part of it"), "{text}");
    let (status, answer) = story.merge("ben", pull);
    assert_eq!(status, 405, "merged without leave: {answer}");

    drop(story.forge.done("cid", Method::POST, &reviews, &yes));
    assert_eq!(code(&story.ci(pull)), 0);
    let (state, text) = story.told(&head, PLAN).unwrap();
    assert_eq!(state, "success", "{text}");
    assert!(text.contains("`dev-change` is given by cid"), "{text}");
    let comments = story.comments(pull);
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].1.contains("is given by cid"),
        "{}",
        comments[0].1
    );
}

/// The audit trail tells who agreed to what was done, and a changed line is found.
fn written_down(story: &Story, merged: &str, pull: u64) {
    let name = format!("audit/here-{}.jsonl", story.place.name);
    let path = story.place.directory.path().join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let of = |event: &str| {
        let mut all = lines.iter().rev();
        let found = all.find(|l| l["event"] == event && l["commit"] == merged);
        found
            .unwrap_or_else(|| panic!("no {event}: {text}"))
            .clone()
    };
    for event in ["begun", "ended"] {
        let agreed = &of(event)["agreed"][0];
        assert_eq!(agreed["pull"], pull.to_string(), "{agreed}");
        assert_eq!(
            (&agreed["author"], &agreed["merger"]),
            (&json!("ann"), &json!("ben"))
        );
        assert_eq!(agreed["approvers"], json!(["cid"]));
        assert_eq!(agreed["intents"].as_array().unwrap().len(), 1, "{agreed}");
    }
    let ended = of("ended");
    let mut outcomes = ended["objects"].as_object().unwrap().values();
    assert!(outcomes.all(|outcome| outcome == "done"), "{ended}");
    let verify = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
        command
            .args(["audit", "verify"])
            .arg(path)
            .output()
            .unwrap()
    };
    assert_eq!(code(&verify(&path)), 0, "{}", said(&verify(&path)));
    let forged = path.with_extension("forged");
    std::fs::write(&forged, text.replacen("\"cid\"", "\"ann\"", 1)).unwrap();
    assert_eq!(code(&verify(&forged)), 3, "{}", said(&verify(&forged)));
}

/// What someone changes by hand is put back.
fn kept(story: &Story) {
    let web = story.place.deployment().unwrap();
    let metadata = |key: &str| web["metadata"][key].as_str().unwrap().to_owned();
    let (name, namespace) = (metadata("name"), metadata("namespace"));
    let scale = ["scale", "deploy", &name, "-n", &namespace, "--replicas=3"];
    drop(story.place.cluster.kubectl(&scale));
    story.place.until("drift undone", |_| {
        story.place.deployment().unwrap()["spec"]["replicas"] == 1
    });
}

#[test]
fn a_change_goes_from_a_branch_to_the_cluster_and_stays() {
    let story = Story::start();
    let first = story.push_main(GOOD);
    story.protect();
    let address = format!("{}/{}.git", story.forge.url, story.repository);
    story.place.keep(&address, "auto", "1s");
    let text = story.until_told(&first, "success");
    assert!(text.contains("applied and healthy"), "{text}");
    assert!(story.image().ends_with(":1.0.0"));

    let pull = proposed(&story);
    agreed(&story, pull);
    let (status, answer) = story.merge("ben", pull);
    assert_eq!(status, 200, "{answer}");
    let merged = story.main();
    story.until_told(&merged, "success");
    assert!(story.image().ends_with(":1.0.1"), "{}", story.image());
    written_down(&story, &merged, pull);
    kept(&story);
    let broken = story.push_main("app web tenant=NAME {\n  imagine \"x\"\n}\n");
    let text = story.until_told(&broken, "failure");
    assert!(text.starts_with("tenants/shop/web.kdl:2:3"), "{text}");
    let status = story.place.status();
    assert!(is(&status, "Ready", "False"), "{status:#}");
    assert_eq!(status["lastApplied"], merged.as_str());
    assert!(story.image().ends_with(":1.0.1"), "what was good stays");
    kept(&story);
    let name = story.place.name.as_str();
    let namespace = ["delete", "sync", name, "-n", "kubemate-system"];
    drop(story.place.cluster.kubectl(&namespace));
}

/// A job leaves nothing of its credential where it ran.
#[test]
fn a_token_is_nowhere_in_what_a_job_leaves() {
    let forge = gitea();
    let repository = forge.repository(&[(BOT, "write")]);
    let directory = tempfile::tempdir().unwrap();
    let clone = forge.clone_as(BOT, &repository, directory.path());
    clone.git(&["remote", "set-url", "origin", &forge.url]);
    let files = [("kubemate.kdl", "project shop schema=1 {\n}\n")];
    std::fs::write(clone.directory.join(files[0].0), files[0].1).unwrap();
    clone.git(&["add", "-A"]);
    clone.git(&["commit", "-q", "-m", "a project"]);
    let token = forge.token(BOT);
    let output = Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .args([
            "ci",
            "--report",
            "json=report.json",
            "--report",
            "markdown=report.md",
        ])
        .current_dir(&clone.directory)
        .env_clear()
        .env("XDG_CACHE_HOME", directory.path().join("cache"))
        .env("KUBEMATE_FORGE", "gitea")
        .env("KUBEMATE_API", forge.api())
        .env("KUBEMATE_REPOSITORY", &repository)
        .env("GITEA_TOKEN", &token)
        .output()
        .unwrap();
    assert!(!said(&output).contains(&token));
    assert!(!holds(directory.path(), token.as_bytes()));
}

fn holds(directory: &Path, text: &[u8]) -> bool {
    std::fs::read_dir(directory)
        .unwrap()
        .flatten()
        .any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return holds(&path, text);
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            bytes.windows(text.len()).any(|part| part == text)
        })
}
