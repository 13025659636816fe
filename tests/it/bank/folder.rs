//! A folder with a project in it, and the binary to run there.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The folder; it goes with this value.
pub(crate) struct Folder(TempDir);

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder can be made"))
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        let above = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(above).expect("a folder");
        std::fs::write(&path, text).expect("the file can be written");
    }

    /// Changes a file; a change that changes nothing fails the test.
    pub(crate) fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) {
        let path = self.path(file);
        let before = std::fs::read_to_string(&path).expect("a file to edit");
        let after = change(&before);
        assert_ne!(before, after, "{file} stays as it is");
        std::fs::write(&path, after).expect("the file can be written");
    }

    /// The program, to be started in this folder.
    pub(crate) fn command(&self, kubeconfig: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
        command.args(args);
        self.surround(&mut command, kubeconfig);
        command
    }

    /// The program behind a line of shell, which ends with `exec "$@"`.
    pub(crate) fn under(&self, shell: &str, kubeconfig: &Path, args: &[&str]) -> Said {
        let mut command = Command::new("bash");
        command.args(["-c", shell, "bash", env!("CARGO_BIN_EXE_kubemate")]);
        command.args(args);
        self.surround(&mut command, kubeconfig);
        said(command)
    }

    fn surround(&self, command: &mut Command, kubeconfig: &Path) {
        command
            .current_dir(self.root())
            .env("KUBECONFIG", kubeconfig)
            .env("NO_COLOR", "1")
            .env("XDG_CACHE_HOME", self.path(".git/cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, kubeconfig: &Path, args: &[&str]) -> Said {
        said(self.command(kubeconfig, args))
    }

    /// Starts the program and leaves it running; what it says is thrown away.
    pub(crate) fn start(&self, kubeconfig: &Path, args: &[&str]) -> Child {
        let mut command = self.command(kubeconfig, args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program can be started")
    }
}

/// Runs a command to its end.
pub(crate) fn said(mut command: Command) -> Said {
    let output = command.output().expect("the program can be started");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Said {
    /// The last of what it said, for messages of failing tests.
    pub(crate) fn end(&self) -> String {
        let lines: Vec<&str> = self.out.lines().collect();
        let last = lines[lines.len().saturating_sub(40)..].join("\n");
        format!("exit code {}\n{last}\n{}", self.code, self.err)
    }

    /// Everything it said.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}
