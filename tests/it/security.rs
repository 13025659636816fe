//! Acceptance cases of security by number: what a repository, a tenant or a host may try, and what comes
//! of it. The rest of them stands beside the part that it is about.

mod cluster;
mod isolation;
pub(crate) mod leaks;
mod saved;
mod shapes;
mod text;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const PROJECT: &str = r#"project shop schema=1 {
  cluster lab uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  environment dev { cluster lab; let domain="dev.shop.example" }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/a/**" tenant=a
    path "tenants/b/**" tenant=b
  }
}
"#;
const TENANTS: &str = "tenant a\ntenant b\n";

/// A project of two tenants, with these files besides, in a directory below a temporary one.
pub(super) struct Project {
    around: TempDir,
}

impl Project {
    pub(super) fn new(files: &[(&str, &[u8])]) -> Self {
        let project = Self {
            around: tempfile::tempdir().unwrap(),
        };
        project.put("kubemate.kdl", PROJECT);
        project.put("platform/tenants.kdl", TENANTS);
        for (path, bytes) in files {
            project.put(path, bytes);
        }
        project
    }

    /// The directory around it, which is not the project's.
    pub(super) fn around(&self) -> &Path {
        self.around.path()
    }

    pub(super) fn root(&self) -> std::path::PathBuf {
        self.around.path().join("project")
    }

    pub(super) fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
        command
            .args(args)
            .current_dir(self.root())
            .env("XDG_CACHE_HOME", self.around.path().join("cache"))
            .env("NO_COLOR", "1")
            .env_remove("KUBECONFIG")
            .env("HOME", self.around.path());
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap())
    }

    /// Runs a command that must refuse its input.
    pub(super) fn refused(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.code, 3, "{}", said.text);
        said.text
    }
}

/// What the program said.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) text: String,
}

impl Said {
    pub(super) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            text: text(&output.stdout) + &text(&output.stderr),
        }
    }
}
