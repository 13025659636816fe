//! The real SOPS, built from its Go module on first use, and keys of age that live as long as a test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bech32::{Bech32, Hrp};
use serde_json::Value;
use x25519_dalek::{PublicKey, StaticSecret};

use super::program::{Program, go_is_here};

const PROGRAM: Program = Program {
    folder: "sops",
    package: "github.com/getsops/sops/v3/cmd/sops",
    ldflags: "-s -w",
    tags: "",
};

/// A key of age in a file of its own.
pub(crate) struct Key {
    /// For whom to encrypt.
    pub(crate) recipient: String,
    /// The file, as `age-keygen` writes it.
    pub(crate) file: PathBuf,
}

impl Key {
    /// A new key in a file.
    pub(crate) fn new(file: PathBuf) -> Self {
        let mut random = [0_u8; 32];
        let mut source = std::fs::File::open("/dev/urandom").expect("a source of random bytes");
        std::io::Read::read_exact(&mut source, &mut random).expect("random bytes");
        let secret = StaticSecret::from(random);
        let text = |hrp: &str, bytes: &[u8]| {
            let hrp = Hrp::parse(hrp).expect("a prefix");
            bech32::encode::<Bech32>(hrp, bytes).expect("a short text")
        };
        let recipient = text("age", PublicKey::from(&secret).as_bytes());
        let key = text("age-secret-key-", &random).to_ascii_uppercase();
        let content = format!("# created: now\n# public key: {recipient}\n{key}\n");
        std::fs::write(&file, content).expect("the key can be written");
        Self { recipient, file }
    }
}

/// The program, in a folder, with a key to decrypt with.
fn sops(folder: &Path, key: Option<&Key>) -> Command {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    assert!(
        go_is_here(),
        "this test needs SOPS: install Go 1.26 or newer (https://go.dev/dl), and the tests build their own"
    );
    let binary = match BINARY.get_or_init(|| PROGRAM.build()) {
        Ok(binary) => binary,
        Err(why) => panic!("{why}"),
    };
    let mut command = Command::new(binary);
    command.current_dir(folder).env("HOME", folder);
    command.env("SOPS_DISABLE_VERSION_CHECK", "1");
    if let Some(key) = key {
        command.env("SOPS_AGE_KEY_FILE", &key.file);
    }
    command
}

fn done(mut command: Command) -> String {
    let output = command.output().expect("SOPS can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Encrypts a file in place and returns its text.
pub(crate) fn encrypt(path: &Path, recipients: &[&str], options: &[&str]) -> String {
    let folder = path.parent().expect("a folder");
    let mut command = sops(folder, None);
    command.args(["--encrypt", "--in-place", "--age", &recipients.join(",")]);
    done_with(command, options, path);
    std::fs::read_to_string(path).expect("an encrypted file")
}

fn done_with(mut command: Command, options: &[&str], path: &Path) {
    command.args(options).arg(path);
    done(command);
}

/// What SOPS itself decrypts.
pub(crate) fn decrypt(path: &Path, key: &Key) -> Value {
    let mut command = sops(path.parent().expect("a folder"), Some(key));
    command.args(["decrypt", "--output-type", "json"]).arg(path);
    serde_json::from_str(&done(command)).expect("SOPS prints JSON")
}

/// Changes one value on the first level.
pub(crate) fn set(path: &Path, key: &Key, name: &str, value: &str) {
    let mut command = sops(path.parent().expect("a folder"), Some(key));
    command
        .arg("set")
        .arg(path)
        .arg(format!("[{name:?}]"))
        .arg(format!("{value:?}"));
    done(command);
}
