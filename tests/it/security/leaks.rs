//! What the program says never holds a credential, and never moves a cursor.

use std::process::Command;

use kubemate::source::address::RemoteAddress;

use crate::bank::project::Bank;
use crate::bed;
use crate::bed::proxy::{Fault, Match, Proxy, Rule};
use crate::security::{Project, Said};

const CANARY: &str = "canary-token-b01dface";

fn kubeconfig(bank: &Bank, proxy: &Proxy) -> std::path::PathBuf {
    let text = std::fs::read_to_string(proxy.kubeconfig()).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["users"][0]["user"] = serde_json::json!({ "token": CANARY });
    let path = bank.path("kubeconfig.canary");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

#[test]
fn s_64_no_noise_holds_a_credential() {
    let bank = Bank::of(&["web"]);
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let path = kubeconfig(&bank, &proxy);
    let faults = [
        None,
        Some(Fault::Status(401, Vec::new())),
        Some(Fault::Status(500, Vec::new())),
        Some(Fault::Html),
        Some(Fault::ResetBefore),
        Some(Fault::Body("{".into())),
    ];
    for fault in faults {
        proxy.heal();
        let name = fault.is_some();
        if let Some(fault) = fault {
            proxy.add(Rule::new(Match::any(), fault));
        }
        for command in ["plan", "apply", "status", "diff"] {
            let mut run = Command::new(env!("CARGO_BIN_EXE_kubemate"));
            run.args([command, "--env", bank.dev(), "--kubeconfig"])
                .arg(&path)
                .current_dir(bank.path("."))
                .env("RUST_LOG", "trace")
                .env("RUST_BACKTRACE", "full")
                .env("XDG_CACHE_HOME", bank.path(".git/cache"));
            let said = Said::of(&run.output().unwrap());
            assert_ne!(said.code, 0, "{command} {name}: the token is no one's");
            assert!(!said.text.contains(CANARY), "{command}: {}", said.text);
        }
    }
    assert!(!proxy.calls().is_empty(), "the credential was in use");
    let cached = walk(&bank.path(".git/cache"));
    for file in cached {
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !String::from_utf8_lossy(&bytes).contains(CANARY),
            "{}",
            file.display()
        );
    }
}

pub(crate) fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.is_file() {
            out.push(path);
        }
    }
    out
}

#[test]
fn s_17_an_address_with_a_token_is_refused_and_not_repeated() {
    for text in [
        format!("https://u:{CANARY}@h.example/r"),
        format!("https://{CANARY}@h.example/r"),
        format!("ssh://u:{CANARY}@h.example/r"),
        format!("https://u:{CANARY}@"),
        format!("https://u:{CANARY}@h.example/\u{1b}"),
    ] {
        let error = RemoteAddress::parse(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
    }
    // One that stands in a file of the project is not repeated either.
    let text = format!(
        "app x tenant=a {{\n  image \"https://u:{CANARY}@h.example/x\"\n  version \"1\"\n}}\n"
    );
    let project = Project::new(&[("tenants/a/x.kdl", text.as_bytes())]);
    for output in ["human", "json", "sarif", "github"] {
        let said = project.run(&["validate", "--output", output]);
        assert_eq!(said.code, 3, "{output}: {}", said.text);
        assert!(!said.text.contains(CANARY), "{output}: {}", said.text);
    }
}

#[test]
fn s_66_nothing_that_is_printed_moves_the_cursor() {
    let evil =
        "a\\u{1b}]0;x\\u{7}\\u{1b}[2J\\u{9b}31m\\u{202e}::error::no\\r@org/team ``` </details>";
    let raw = "app \u{1b}[2J\u{202e} tenant=a { image \"\u{1b}]0;x\u{7}\" }\n";
    let files = [
        format!("app x tenant=a {{\n  image \"{evil}\"\n  version \"{evil}\"\n}}\n"),
        format!("app \"{evil}\" tenant=a {{ image \"example/x\"; version \"1\" }}\n"),
        format!("app x tenant=a {{ image \"example/x\"; version \"1\"; needs app=\"{evil}\" }}\n"),
        raw.to_owned(),
    ];
    for text in files {
        let project = Project::new(&[
            ("tenants/a/x.kdl", text.as_bytes()),
            ("tenants/a/\u{1b}[2J.kdl", b"nonsense"),
        ]);
        for args in [
            &["validate"][..],
            &["validate", "-o", "json"],
            &["render"],
            &["plan", "--offline", "--base", "HEAD"],
        ] {
            let said = project.run(args);
            assert_ne!(said.code, 0, "{text}");
            let moved = said
                .text
                .chars()
                .find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(moved, None, "{args:?}: {:?}", said.text);
        }
    }
}
