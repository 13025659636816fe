//! Going forward and back through commits: promotion, rollback and history, on real repositories and
//! with the pull requests that come of them.

mod history;
mod promote;
mod rollback;

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::forge::sim::{Sim, TOKEN};

const PROJECT: &str = r#"project shop schema=1 {
  cluster lab uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  cluster hq uid="0f8fad5b-d9cb-469f-a165-70867728950e"
  environment dev { cluster lab }
  environment prod { cluster hq }
  ownership {
    path "platform/**" owner=platform
    path "tenants/web/**" tenant=web
  }
}
"#;
const TENANTS: &str = "tenant web\n";
/// Odd on purpose: tabs, comments, ends of lines of another system.
pub(crate) const CART: &str = "// the cart\r\napp cart tenant=web {\r\n\timage \"registry.example/cart\" // kept\r\n\tversion \"1.1.0\"\r\n\tin prod {\r\n\t\t// careful\r\n\t\tversion   \"1.0.0\" // of May\r\n\t\treplicas 2\r\n\t}\r\n}\r\n// end";

/// A repository with commits.
pub(crate) struct Repo {
    pub(crate) dir: TempDir,
}

impl Repo {
    /// The project with these files in its first commit.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let repo = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        repo.git(&["init", "-q", "-b", "main"]);
        let base = [("kubemate.kdl", PROJECT), ("platform/tenants.kdl", TENANTS)];
        let all: Vec<(&str, &str)> = base.iter().chain(files).copied().collect();
        repo.commit("first", &all);
        repo
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=ann", "-c", "user.email=ann@shop.example"])
            .args(["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"])
            .args(args)
            .current_dir(self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits these files and returns the commit.
    pub(crate) fn commit(&self, subject: &str, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The main branch of a simulator is this repository's.
    pub(crate) fn at(&self, sim: &Sim) {
        let listed = self.git(&["ls-files"]);
        let file = |path: &str| {
            let bytes = fs::read(self.dir.path().join(path)).unwrap();
            (path.to_owned(), ("100644".to_owned(), bytes))
        };
        let head = self.git(&["rev-parse", "HEAD"]);
        sim.store()
            .git
            .start(&head, listed.lines().map(file).collect());
    }

    /// Runs a command of kubemate in it.
    pub(crate) fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kubemate"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("XDG_CACHE_HOME", self.dir.path().join(".git/cache"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// Runs it with a forge.
    pub(crate) fn offered(&self, sim: &Sim, kind: &str, args: &[&str]) -> Output {
        let variables = [
            ("KUBEMATE_FORGE", kind),
            ("KUBEMATE_API", sim.address.as_str()),
            ("KUBEMATE_REPOSITORY", "team/platform"),
            ("KUBEMATE_FORGE_TOKEN", TOKEN),
        ];
        self.run(args, &variables)
    }
}

/// What a command printed, on both sides, after it ended with this code.
pub(crate) fn said(output: &Output, code: i32) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains(TOKEN), "{text}");
    text
}

/// The path of the app in these repositories.
pub(crate) const PATH: &str = "tenants/web/cart.kdl";

/// Whether two texts differ in exactly these lines: what goes and what comes.
pub(crate) fn differ(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let diff = similar::TextDiff::from_lines(before, after);
    let of = |tag| {
        let changes = diff
            .iter_all_changes()
            .filter(move |change| change.tag() == tag);
        changes.map(|change| change.value().to_owned()).collect()
    };
    (
        of(similar::ChangeTag::Delete),
        of(similar::ChangeTag::Insert),
    )
}
