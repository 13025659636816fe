//! A real Gitea on loopback, built from `tests/gitea` on first use and started once for all tests of
//! this process. It ends with the process, however that ends, because its standard input closes then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::program::{Program, Running, go_is_here};

const PROGRAM: Program = Program {
    folder: "gitea",
    package: ".",
    ldflags: "-s -w",
    tags: "sqlite sqlite_unlock_notify",
};

/// Longest time for one request.
const LIMIT: Duration = Duration::from_mins(5);
/// The password of every user: the server is gone with the test.
const PASSWORD: &str = "correct-horse-battery";

/// A running Gitea.
pub(crate) struct Gitea {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    root: String,
    tokens: Mutex<BTreeMap<String, String>>,
    _running: Running,
}

/// The Gitea of this test process, started by the first call.
pub(crate) fn gitea() -> &'static Gitea {
    static GITEA: OnceLock<Result<Gitea, String>> = OnceLock::new();
    super::install_tls();
    match GITEA.get_or_init(provide) {
        Ok(gitea) => gitea,
        Err(why) => panic!("{why}"),
    }
}

fn provide() -> Result<Gitea, String> {
    if !go_is_here() {
        return Err(
            "this test needs Gitea: install Go 1.26 or newer (https://go.dev/dl) and a C compiler, \
             and the tests build and start their own"
                .to_owned(),
        );
    }
    let (said, running) = PROGRAM.start(&PROGRAM.build()?, &[])?;
    let text = |key: &str| {
        let text = said[key].as_str().map(str::to_owned);
        text.ok_or(format!("Gitea does not say its {key}: {said}"))
    };
    Ok(Gitea {
        url: text("url")?,
        root: text("token")?,
        tokens: Mutex::default(),
        _running: running,
    })
}

impl Gitea {
    /// The root of its API.
    pub(crate) fn api(&self) -> String {
        format!("{}/api/v1", self.url)
    }

    /// A token of a user, who is made on first use.
    pub(crate) fn token(&self, user: &str) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tokens.get(user) {
            return known.clone();
        }
        let person = json!({
            "username": user, "email": format!("{user}@forge.example"), "password": PASSWORD,
            "must_change_password": false,
        });
        let (status, said) = self.ask(&self.root, Method::POST, "/admin/users", &person);
        assert_eq!(status, 201, "{said}");
        let name = json!({ "name": "test", "scopes": ["all"] });
        let path = format!("/users/{user}/tokens");
        let (status, said) = self.send(Method::POST, &path, &name, |request| {
            request.basic_auth(user, Some(PASSWORD))
        });
        assert_eq!(status, 201, "{said}");
        let token = said["sha1"].as_str().expect("a token").to_owned();
        drop(tokens.insert(user.to_owned(), token.clone()));
        token
    }

    /// Asks the API with a token: the HTTP status and the answer.
    pub(crate) fn ask(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        self.send(method, path, body, |request| {
            request.header("authorization", format!("token {token}"))
        })
    }

    /// Asks the API as a user; anything but success fails the test.
    pub(crate) fn done(&self, user: &str, method: Method, path: &str, body: &Value) -> Value {
        let (status, said) = self.ask(&self.token(user), method.clone(), path, body);
        assert!(
            (200..300).contains(&status),
            "{user}: {method} {path}: {status} {said}"
        );
        said
    }

    /// What stands there, as a user sees it.
    pub(crate) fn get(&self, user: &str, path: &str) -> Value {
        self.done(user, Method::GET, path, &Value::Null)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        sign: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> (u16, Value) {
        let client = reqwest::Client::builder().timeout(LIMIT).no_proxy().build();
        let client = client.expect("a client can be made");
        let mut request = sign(client.request(method, format!("{}{path}", self.api())));
        if !body.is_null() {
            request = request.json(body);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(async {
            let answer = request.send().await.expect("Gitea answers");
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            (status, serde_json::from_str(&text).unwrap_or(text.into()))
        })
    }

    /// A repository with an empty main branch and these users, each with a permission; the first one
    /// owns nothing and writes nothing by that. Returns its path.
    pub(crate) fn repository(&self, members: &[(&str, &str)]) -> String {
        let owner = super::unique_name("team");
        let post = |path: &str, body: &Value| {
            let (status, said) = self.ask(&self.root, Method::POST, path, body);
            assert_eq!(status, 201, "{path}: {said}");
        };
        post("/orgs", &json!({ "username": owner }));
        let made = json!({ "name": "platform", "private": false, "auto_init": true, "default_branch": "main" });
        post(&format!("/orgs/{owner}/repos"), &made);
        let path = format!("{owner}/platform");
        for (user, permission) in members {
            drop(self.token(user));
            let may = json!({ "permission": permission });
            let member = format!("/repos/{path}/collaborators/{user}");
            let (status, said) = self.ask(&self.root, Method::PUT, &member, &may);
            assert_eq!(status, 204, "{said}");
        }
        path
    }

    /// Makes a team of a repository's owner.
    pub(crate) fn team(&self, repository: &str, name: &str, members: &[&str]) {
        let owner = repository.split('/').next().unwrap_or_default();
        let team = json!({
            "name": name, "permission": "write", "units": ["repo.code", "repo.pulls"],
            "includes_all_repositories": true,
        });
        let path = format!("/orgs/{owner}/teams");
        let (status, said) = self.ask(&self.root, Method::POST, &path, &team);
        assert_eq!(status, 201, "{said}");
        for member in members {
            drop(self.token(member));
            let path = format!("/teams/{}/members/{member}", said["id"]);
            let (status, said) = self.ask(&self.root, Method::PUT, &path, &Value::Null);
            assert_eq!(status, 204, "{said}");
        }
    }

    /// A clone of a repository, from which a user pushes.
    pub(crate) fn clone_as(&self, user: &str, repository: &str, directory: &Path) -> Clone {
        let token = self.token(user);
        let rest = self.url.strip_prefix("http://").unwrap_or(&self.url);
        let address = format!("http://{user}:{token}@{rest}/{repository}.git");
        let clone = Clone {
            directory: directory.join(user),
            user: user.to_owned(),
        };
        std::fs::create_dir_all(&clone.directory).expect("a directory for a clone");
        drop(clone.git(&["clone", "-q", &address, "."]));
        clone
    }
}

/// A person's working tree.
pub(crate) struct Clone {
    pub(crate) directory: PathBuf,
    user: String,
}

impl Clone {
    /// Runs git and returns what it prints; a failure fails the test.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let email = format!("user.email={}@forge.example", self.user);
        let output = Command::new("git")
            .args(["-c", &format!("user.name={}", self.user), "-c", &email])
            .args(["-c", "commit.gpgsign=false", "-c", "http.proxy="])
            .args(args)
            .current_dir(&self.directory)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .expect("git can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits these files to a branch made from what is checked out, and pushes it. Returns the
    /// commit.
    pub(crate) fn push(&self, branch: &str, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.directory.join(path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            std::fs::write(path, text).expect("a file can be written");
        }
        drop(self.git(&["checkout", "-q", "-B", branch]));
        drop(self.git(&["add", "-A"]));
        drop(self.git(&["commit", "-q", "-m", "change"]));
        drop(self.git(&["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]));
        self.git(&["rev-parse", "HEAD"])
    }

    /// Checks out what the server has on a branch now.
    pub(crate) fn pull(&self, branch: &str) -> String {
        drop(self.git(&["fetch", "-q", "origin"]));
        drop(self.git(&["checkout", "-q", "-B", branch, &format!("origin/{branch}")]));
        self.git(&["rev-parse", "HEAD"])
    }
}
