//! `kubemate ci` as a job runs it: a real repository, the variables of a CI system, a forge.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::sim::{BOT, READER, Sim, TOKEN};
use super::{gitea_sim, github_sim, gitlab_sim};

pub(crate) const PROJECT: &str = r#"project shop schema=1 {
  cluster lab uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  environment dev { cluster lab; let domain="dev.shop.example" }
  ownership {
    path "platform/**" owner=platform
    path "tenants/web/**" tenant=web
  }
}
"#;
const RULE: &str = "approval leads {\n  approver group=leads\n}\n";
const TENANTS: &str = "tenant web\ntenant depot\n";
const APP: &str =
    "app cart tenant=web {\n  image \"registry.example/cart\"\n  version \"1.0.0\"\n}\n";

/// A repository with a base and a change on top of it.
pub(crate) struct Job {
    pub(crate) dir: TempDir,
    pub(crate) base: String,
    head: String,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=ann",
            "-c",
            "user.email=ann@shop.example",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Job {
    fn new(changes: &[(&str, &str)]) -> Self {
        let base = [
            ("kubemate.kdl", PROJECT),
            ("platform/tenants.kdl", TENANTS),
            ("tenants/web/cart.kdl", APP),
        ];
        Self::over(&base, changes)
    }

    /// A change on top of these files.
    pub(crate) fn over(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q", "-b", "main"]);
        let commit = |files: &[(&str, &str)]| {
            for (path, text) in files {
                let path = dir.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            git(dir.path(), &["add", "-A"]);
            git(dir.path(), &["commit", "-q", "-m", "x"]);
            git(dir.path(), &["rev-parse", "HEAD"])
        };
        let base = commit(base);
        let head = commit(changes);
        Self { dir, base, head }
    }

    /// The pull request of a simulator is this change.
    fn offer(&self, sim: &Sim) {
        let mut store = sim.store();
        store.commits.insert(self.head.clone());
        let pull = store.pulls.get_mut(&7).unwrap();
        if pull["iid"].is_null() {
            pull["head"]["sha"] = self.head.as_str().into();
        } else {
            pull["sha"] = self.head.as_str().into();
        }
    }

    fn event(&self, from: &str) -> Value {
        json!({ "pull_request": {
            "number": 7,
            "head": { "sha": self.head, "repo": { "full_name": from } },
            "base": { "sha": self.base, "repo": { "full_name": "team/platform" } },
        } })
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kubemate"))
            .arg("ci")
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("XDG_CACHE_HOME", self.dir.path().join(".git/cache"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// As GitHub Actions or Gitea Actions run it.
    fn actions(&self, sim: &Sim, from: &str, more: &[(&str, &str)]) -> Output {
        let file = |name: &str| {
            self.dir
                .path()
                .join(".git")
                .join(name)
                .display()
                .to_string()
        };
        fs::write(file("event.json"), self.event(from).to_string()).unwrap();
        let (event, output, summary) = (file("event.json"), file("output"), file("summary"));
        let mut variables = vec![
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "team/platform"),
            ("GITHUB_API_URL", sim.address.as_str()),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_RUN_ID", "1"),
            ("GITHUB_EVENT_PATH", event.as_str()),
            ("GITHUB_OUTPUT", output.as_str()),
            ("GITHUB_STEP_SUMMARY", summary.as_str()),
        ];
        variables.extend_from_slice(more);
        self.run(&["--instance", "eu"], &variables)
    }

    fn left(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(".git").join(name)).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The change most tests look at: more replicas, another image.
fn change() -> Job {
    let app = APP.replace("1.0.0", "1.1.0");
    Job::new(&[("tenants/web/cart.kdl", &app)])
}

#[test]
fn a_pull_request_has_one_comment_and_one_status() {
    for (name, sim, more) in [
        ("github", github_sim::start(), vec![("GITHUB_TOKEN", TOKEN)]),
        (
            "gitea",
            gitea_sim::start(),
            vec![("GITEA_ACTIONS", "true"), ("GITEA_TOKEN", TOKEN)],
        ),
    ] {
        let job = change();
        job.offer(&sim);
        let output = job.actions(&sim, "team/platform", &more);
        assert_eq!(code(&output), 0, "{name}: {}", text(&output.stderr));
        let comment = sim.store().comments[0].clone();
        assert_eq!((comment.author.as_str(), comment.pull), (BOT, 7));
        assert!(
            comment.body.starts_with("<!-- kubemate:v1 instance=eu -->"),
            "{}",
            comment.body
        );
        assert!(
            comment.body.contains("1.1.0") && comment.body.contains("1 change in 1 set"),
            "{}",
            comment.body
        );
        let status = sim.store().statuses[0].clone();
        assert_eq!(
            (&status["context"], &status["state"]),
            (&json!("kubemate/plan/eu"), &json!("success"))
        );
        assert_eq!(status["sha"], job.head.as_str());
        let facts = job.left("output");
        assert!(
            facts.contains("changes=true\n") && facts.contains("updates=1\n"),
            "{facts}"
        );
        assert!(
            facts.contains("exit-code=0\n") && facts.contains("verdict=success\n"),
            "{facts}"
        );
        assert!(job.left("summary").contains("1 change in 1 set"));
        // The same again is not written again.
        let before = sim.store().writes();
        let output = job.actions(&sim, "team/platform", &more);
        assert_eq!(
            (code(&output), sim.store().writes()),
            (0, before),
            "{}",
            text(&output.stderr)
        );
        assert!(!text(&output.stdout).contains(TOKEN) && !text(&output.stderr).contains(TOKEN));
    }
}

#[test]
fn a_mistake_is_refused_on_its_line() {
    let app = APP.replace("version", "verzion");
    let job = Job::new(&[("tenants/web/cart.kdl", &app)]);
    let sim = github_sim::start();
    job.offer(&sim);
    let output = job.actions(&sim, "team/platform", &[("GITHUB_TOKEN", TOKEN)]);
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let command = stdout.lines().find(|l| l.starts_with("::error")).unwrap();
    assert!(
        command.starts_with("::error file=tenants/web/cart.kdl,line=3,title=KM"),
        "{command}"
    );
    assert_eq!(sim.store().statuses[0]["state"], "failure");
    assert!(
        sim.store().comments[0]
            .body
            .contains("tenants/web/cart.kdl:3:3")
    );
    // Whatever the file says, the runner obeys nothing of it.
    let quiet = stdout.split("::stop-commands::").nth(1).unwrap();
    assert!(quiet.contains("verzion"), "{stdout}");
}

#[test]
fn s_82_a_fork_without_a_token_gets_its_verdict_all_the_same() {
    let job = change();
    let sim = github_sim::start();
    job.offer(&sim);
    let output = job.actions(&sim, "ann/platform", &[("GITHUB_TOKEN", "")]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(sim.store().requests.is_empty());
    assert!(job.left("summary").contains("1 change in 1 set"));
    assert!(text(&output.stderr).contains("as it should be for a fork"));
    // A token that may only read is no failure of a fork, and one of everybody else.
    for (from, expected) in [("ann/platform", 0), ("team/platform", 1)] {
        let output = job.actions(&sim, from, &[("GITHUB_TOKEN", READER)]);
        assert_eq!(code(&output), expected, "{}", text(&output.stderr));
        assert!(sim.store().comments.is_empty() && sim.store().statuses.is_empty());
        assert!(!text(&output.stderr).contains(READER));
    }
    // No cluster is asked for it, however much that is wanted.
    let event = job.event("ann/platform").to_string();
    fs::write(job.dir.path().join(".git/event.json"), event).unwrap();
    let path = job.dir.path().join(".git/event.json").display().to_string();
    let output = job.run(
        &["--live", "--kubeconfig", "/nowhere"],
        &[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", &path)],
    );
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("no cluster was asked"));
}

#[test]
fn s_82_nobody_judges_himself_by_rules_of_his_own() {
    let grab = PROJECT.replace("owner=platform", "tenant=web");
    let rogue = (
        "platform/rogue.kdl",
        "app rogue tenant=web {\n  image i\n  version \"1.0.0\"\n}\n",
    );
    let job = Job::new(&[("kubemate.kdl", &grab), rogue]);
    let output = job.run(&["--base", &job.base], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(code(&output), 3, "{stdout}");
    assert!(
        stdout.contains("KM0415") && stdout.contains("platform/rogue.kdl"),
        "{stdout}"
    );
    // The same rules alone are a proposal, and said to be one.
    let wider = PROJECT.replace(
        "tenants/web/**\" tenant=web",
        "tenants/web/**\" tenant=web\n    path \"tenants/depot/**\" tenant=depot",
    );
    let job = Job::new(&[("kubemate.kdl", &wider)]);
    let output = job.run(&["--base", &job.base], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(code(&output), 0, "{stdout}");
    assert!(
        stdout.contains("This changes the rules of ownership"),
        "{stdout}"
    );
    // With files that gain by it, it is not.
    let depot = (
        "tenants/depot/a.kdl",
        "app store tenant=depot {\n  image i\n  version \"1.0.0\"\n}\n",
    );
    let job = Job::new(&[("kubemate.kdl", &wider), depot]);
    assert_eq!(code(&job.run(&["--base", &job.base], &[])), 3);
}

#[test]
fn gitlab_gets_threads_and_reports() {
    let job = change();
    let sim = gitlab_sim::start();
    job.offer(&sim);
    let api = sim.address.as_str();
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI_API_V4_URL", api),
        ("CI_PROJECT_PATH", "team/platform"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_PROJECT_ID", "3"),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "3"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &job.base),
        ("CI_COMMIT_SHA", &job.head),
        ("GITLAB_TOKEN", TOKEN),
    ];
    let reports = [
        "--report",
        "code-quality=out/quality.json",
        "--report",
        "terraform=out/tf.json",
        "--report",
        "junit=out/junit.xml",
        "--report",
        "variables=out/kubemate.env",
        "--report",
        "json=out/all.json",
        "--report",
        "sarif=out/all.sarif",
        "--report",
        "markdown=out/all.md",
        "--detailed-exitcode",
    ];
    let output = job.run(&reports, &variables);
    assert_eq!(code(&output), 2, "{}", text(&output.stderr));
    assert_eq!(sim.store().comments.len(), 1);
    assert_eq!(sim.store().statuses[0]["status"], "success");
    let read = |name: &str| fs::read_to_string(job.dir.path().join("out").join(name)).unwrap();
    let parsed = |name: &str| serde_json::from_str::<Value>(&read(name)).unwrap();
    assert_eq!(
        parsed("tf.json"),
        json!({ "create": 0, "update": 1, "delete": 0 })
    );
    assert!(parsed("quality.json").is_array());
    assert_eq!(parsed("all.json")["facts"]["exit-code"], "2");
    assert_eq!(parsed("all.sarif")["version"], "2.1.0");
    assert!(read("kubemate.env").contains("KUBEMATE_CHANGES=true\n"));
    assert!(read("junit.xml").contains("<testsuites>") && read("all.md").contains("kubemate"));
}

/// Files with a rule.
fn ruled(project: &str) -> [(&str, &str); 4] {
    [
        ("kubemate.kdl", project),
        ("platform/tenants.kdl", TENANTS),
        ("platform/rules.kdl", RULE),
        ("tenants/web/cart.kdl", APP),
    ]
}

#[test]
fn a_change_waits_until_people_agreed_to_it_by_the_rules_it_starts_from() {
    let project = PROJECT.replace("environment dev {", "environment dev approval=leads {");
    // The change would let its author agree to it.
    let eased = "approval leads {\n  approver user=ann\n  approver user=ben\n}\n";
    let app = APP.replace("1.0.0", "1.1.0");
    let job = Job::over(
        &ruled(&project),
        &[
            ("tenants/web/cart.kdl", &app),
            ("platform/rules.kdl", eased),
        ],
    );
    let sim = github_sim::start();
    job.offer(&sim);
    let review = |id: u64, user: &str| json!({ "id": id, "user": { "login": user }, "state": "APPROVED", "commit_id": job.head, "body": "" });
    {
        let mut store = sim.store();
        store.teams = [(
            "leads".to_owned(),
            ["ann".to_owned(), "cid".to_owned()].into(),
        )]
        .into();
        store.writers = vec![[Some("ann"), Some("ann")]];
        store.reviews = vec![review(1, "ann"), review(2, "ben")];
    }
    let run = || {
        let output = job.actions(&sim, "team/platform", &[("GITHUB_TOKEN", TOKEN)]);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        let last = sim.store().statuses.last().cloned().unwrap();
        (
            last["state"].as_str().unwrap().to_owned(),
            last["description"].as_str().unwrap().to_owned(),
        )
    };
    let (state, said) = run();
    assert_eq!(state, "pending", "{said}");
    assert!(
        said.contains("`leads` waits for 1 of group leads"),
        "{said}"
    );
    let body = sim.store().comments[0].body.clone();
    assert!(
        body.contains("ann opened it") && body.contains("ben may not agree to this"),
        "{body}"
    );
    sim.store().reviews.push(review(3, "cid"));
    let (state, said) = run();
    assert_eq!(state, "success", "{said}");
    assert!(said.contains("is given by cid"), "{said}");
    assert_eq!(sim.store().comments.len(), 1);
    // A yes to another commit is none.
    sim.store().reviews[2]["commit_id"] = job.base.as_str().into();
    assert_eq!(run().0, "pending");
}

#[test]
fn a_rule_that_is_eased_alone_asks_by_the_one_it_replaces() {
    let project = PROJECT.replace("environment dev {", "environment dev approval=leads {");
    let eased = "approval leads {\n  approver user=ben\n}\n";
    let job = Job::over(&ruled(&project), &[("platform/rules.kdl", eased)]);
    let sim = github_sim::start();
    job.offer(&sim);
    let output = job.actions(&sim, "team/platform", &[("GITHUB_TOKEN", TOKEN)]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(sim.store().statuses[0]["state"], "pending");
}

#[test]
fn a_base_that_is_not_here_is_said_and_not_guessed() {
    let job = change();
    let sim = github_sim::start();
    job.offer(&sim);
    let missing = "5".repeat(40);
    let output = job.actions(
        &sim,
        "team/platform",
        &[("GITHUB_TOKEN", TOKEN), ("KUBEMATE_BASE", &missing)],
    );
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let status = sim.store().statuses[0].clone();
    assert_eq!(
        status["state"], "error",
        "the required status reports all the same"
    );
    assert!(
        status["description"].as_str().unwrap().contains("no plan"),
        "{status}"
    );
    assert!(sim.store().comments[0].body.contains("fetch"));
}

#[test]
fn an_older_run_leaves_the_comment_to_the_newer_one() {
    let job = change();
    let sim = github_sim::start();
    sim.store().commits.insert(job.head.clone());
    let output = job.actions(&sim, "team/platform", &[("GITHUB_TOKEN", TOKEN)]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(sim.store().comments.is_empty() && text(&output.stderr).contains("moved on"));
    assert_eq!(sim.store().statuses.len(), 1);
}

#[test]
fn a_project_begins_without_a_base() {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(
        dir.path(),
        &["commit", "-q", "--allow-empty", "-m", "empty"],
    );
    let base = git(dir.path(), &["rev-parse", "HEAD"]);
    fs::create_dir_all(dir.path().join("platform")).unwrap();
    fs::write(
        dir.path().join("kubemate.kdl"),
        PROJECT.replace("path \"tenants/web/**\" tenant=web", ""),
    )
    .unwrap();
    fs::write(dir.path().join("platform/tenants.kdl"), TENANTS).unwrap();
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-q", "-m", "begin"]);
    let head = git(dir.path(), &["rev-parse", "HEAD"]);
    let job = Job { dir, base, head };
    let output = job.run(&["--base", &job.base], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(code(&output), 0, "{stdout}{}", text(&output.stderr));
    assert!(stdout.contains("begins with this change"), "{stdout}");
    assert!(!job.head.is_empty());
}
