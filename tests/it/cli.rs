//! The program itself: what commands print, and how they end, on good input and on bad.
#![expect(
    clippy::disallowed_methods,
    reason = "the tests make directories and run the program"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use insta::assert_snapshot;
use tempfile::TempDir;

const PROJECT: &str = r#"project shop schema=1 {
  cluster lab uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  environment dev { cluster lab; let domain="dev.shop.example" }
}
"#;
const TENANT: &str = "tenant web\n";
const APP: &str = r#"profile small { resources { requests memory="64Mi" } }

app cart tenant=web {
  use small
  image "registry.example/cart"
  version "1.0.0"
  replicas 2
  in dev { replicas 1 }
}
"#;

/// A directory with these files.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn project(more: &[(&str, &[u8])]) -> TempDir {
    let mut files: Vec<(&str, &[u8])> = vec![
        ("kubemate.kdl", PROJECT.as_bytes()),
        ("tenants.kdl", TENANT.as_bytes()),
    ];
    files.extend_from_slice(more);
    directory(&files)
}

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .args(args)
        .current_dir(dir)
        .env("XDG_CACHE_HOME", dir.join(".cache"))
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS")
        .output()
        .unwrap()
}

/// Exit code, standard output and standard error in one text.
fn told(dir: &TempDir, args: &[&str]) -> String {
    let output = run(dir.path(), args);
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.replace(&dir.path().display().to_string(), "DIR")
    };
    let mut told = format!("exit {}\n", output.status.code().unwrap_or(-1));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            told.push_str(&format!("--- {name}\n{}", text(bytes)));
        }
    }
    told
}

#[test]
fn a_sound_project_is_ok_in_every_output() {
    let dir = project(&[("cart.kdl", APP.as_bytes())]);
    assert_snapshot!(told(&dir, &["validate"]), @r"
    exit 0
    --- stdout
    ok: 2 resources in 3 files
    ");
    assert_snapshot!(told(&dir, &["validate", "-o", "json"]));
    assert_snapshot!(told(&dir, &["validate", "-o", "sarif"]));
    assert_snapshot!(told(&dir, &["validate", "-o", "github"]), @"exit 0");
}

#[test]
fn a_mistake_is_told_in_every_output() {
    let broken = APP.replace("replicas 2", "replicsa 2");
    let dir = project(&[("cart.kdl", broken.as_bytes())]);
    for format in ["human", "json", "sarif", "github"] {
        let told = told(&dir, &["validate", "-o", format]);
        insta::assert_snapshot!(format!("mistake_{format}"), told);
    }
    assert_snapshot!(told(&dir, &["validate", "--fix"]));
    assert_eq!(
        fs::read_to_string(dir.path().join("cart.kdl")).unwrap(),
        APP
    );
}

#[test]
fn show_tells_where_every_value_comes_from() {
    let dir = project(&[("cart.kdl", APP.as_bytes())]);
    assert_snapshot!(told(&dir, &["show", "app/cart", "--env", "dev", "--why"]));
    assert_snapshot!(told(&dir, &["show", "app/card", "--env", "dev"]));
    assert_snapshot!(told(&dir, &["show", "app/cart", "--env", "qa"]));
}

#[test]
fn fmt_says_what_it_would_change_and_changes_it() {
    let dir = project(&[(
        "cart.kdl",
        b"app cart   tenant=web {\n      image i // kept\n version \"1.0.0\"\n}\n",
    )]);
    assert_snapshot!(told(&dir, &["fmt", "--check", "cart.kdl"]));
    assert_snapshot!(told(&dir, &["fmt", "cart.kdl"]));
    assert_snapshot!(fs::read_to_string(dir.path().join("cart.kdl")).unwrap());
    assert!(told(&dir, &["fmt", "--check", "cart.kdl"]).starts_with("exit 0"));
}

#[test]
fn explain_knows_kinds_fields_and_codes() {
    let dir = directory(&[]);
    assert_snapshot!(told(&dir, &["explain", "app.autoscale"]));
    assert_snapshot!(told(&dir, &["explain", "app.workload"]));
    assert_snapshot!(told(&dir, &["explain", "app.env"]));
    assert_snapshot!(told(&dir, &["explain", "KM0201"]));
    assert_snapshot!(told(&dir, &["explain", "app.autoscal"]));
    assert_snapshot!(told(&dir, &["explain", "ap"]));
    assert_snapshot!(told(&dir, &["explain", "KM9999"]));
}

#[test]
fn starters_validate_and_nothing_is_overwritten() {
    let dir = directory(&[]);
    let new = |args: &[&str]| told(&dir, &[&["new"], args].concat());
    assert_snapshot!(new(&["tenant", "web"]));
    assert!(new(&["project", "shop"]).starts_with("exit 0"));
    assert!(new(&["tenant", "web"]).starts_with("exit 0"));
    assert!(new(&["app", "cart", "--tenant", "web"]).starts_with("exit 0"));
    assert!(new(&["route", "cart", "--tenant", "web"]).starts_with("exit 0"));
    assert_snapshot!(told(&dir, &["validate"]), @r"
    exit 0
    --- stdout
    ok: 3 resources in 4 files
    ");
    for file in [
        "kubemate.kdl",
        "platform/tenants/web.kdl",
        "tenants/web/cart.kdl",
        "tenants/web/cart-route.kdl",
    ] {
        assert!(
            told(&dir, &["fmt", "--check", file]).starts_with("exit 0"),
            "{file} is not formatted"
        );
    }
    assert_snapshot!(new(&["app", "cart", "--tenant", "web"]));
    assert_snapshot!(new(&["app", "cart"]));
    assert_snapshot!(new(&["ap", "cart"]));
    assert_snapshot!(new(&["app", "Cart_1", "--tenant", "web"]));
}

#[test]
fn tests_hold_or_say_why_not() {
    let tests = r#"test "the cart is small" env=dev {
  expect app=cart field=replicas equals=1
  expect app=cart field="resources.requests.memory" at-most="64Mi"
  expect object="Deployment/cart" field="spec.template.spec.containers[0].image" contains="cart:1.0.0"
  expect app=till absent=#true
  reject "two words on the number of pods" {
    app x tenant=web { image i; version "1"; replicas 2; autoscale min=1 max=2 }
  }
}
"#;
    let dir = project(&[
        ("cart.kdl", APP.as_bytes()),
        ("tests/cart.kdl", tests.as_bytes()),
    ]);
    assert_snapshot!(told(&dir, &["test"]));
    let wrong = tests
        .replace("equals=1", "equals=3")
        .replace("replicas 2; ", "")
        .replace("; autoscale min=1 max=2", "");
    let wrong = wrong.replace("app=till absent=#true", "app=till field=name equals=till");
    let dir = project(&[
        ("cart.kdl", APP.as_bytes()),
        ("tests/cart.kdl", wrong.as_bytes()),
    ]);
    assert_snapshot!(told(&dir, &["test"]));
    let typo = tests.replace("at-most", "at-mots").replace("equals=1", "");
    let dir = project(&[
        ("cart.kdl", APP.as_bytes()),
        ("tests/cart.kdl", typo.as_bytes()),
    ]);
    assert_snapshot!(told(&dir, &["test"]));
}

#[test]
fn codeowners_follow_ownership() {
    let rules = "  ownership {\n    path \"tenants/web/**\" tenant=web\n    path \"platform/**\" owner=platform\n    path \"tenants/**\" owner=platform\n  }\n}\n";
    let text = PROJECT.trim_end().strip_suffix('}').unwrap().to_owned() + rules;
    let dir = directory(&[
        ("kubemate.kdl", text.as_bytes()),
        ("tenants.kdl", TENANT.as_bytes()),
    ]);
    assert_snapshot!(told(
        &dir,
        &[
            "codeowners",
            "--platform",
            "@bank/platform",
            "--tenant",
            "@bank/{}"
        ]
    ));
}

#[test]
fn unknown_kinds_of_schemas_are_refused() {
    let dir = directory(&[]);
    assert_snapshot!(told(&dir, &["schema", "ap"]));
    assert!(told(&dir, &["schema", "app"]).starts_with("exit 0"));
}

#[test]
fn bytes_that_are_no_text_are_named_by_their_offset() {
    let dir = project(&[("cart.kdl", b"app cart\n// caf\xe9\n")]);
    assert_snapshot!(told(&dir, &["validate"]));
}

#[test]
fn byte_order_marks_line_ends_and_empty_files_do_no_harm() {
    let marked = [b"\xef\xbb\xbf".as_slice(), APP.as_bytes()].concat();
    let crlf = APP
        .replace("cart", "till")
        .replace("small", "tiny")
        .replace('\n', "\r\n");
    let dir = project(&[
        ("cart.kdl", &marked),
        ("till.kdl", crlf.as_bytes()),
        ("empty.kdl", b""),
    ]);
    assert_snapshot!(told(&dir, &["validate"]), @r"
    exit 0
    --- stdout
    ok: 3 resources in 5 files
    ");
}

#[test]
fn a_missing_directory_and_no_project_are_told() {
    let dir = directory(&[]);
    assert_snapshot!(told(&dir, &["validate", "nowhere"]));
    assert_snapshot!(told(&dir, &["validate"]));
    assert_snapshot!(told(&dir, &["validat"]));
}

#[cfg(unix)]
#[test]
fn s_02_links_are_not_followed() {
    let dir = project(&[]);
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("linked.kdl")).unwrap();
    assert_snapshot!(told(&dir, &["validate"]));
}

#[test]
fn names_that_are_the_same_to_some_machines_are_refused() {
    let other = APP.replace("cart", "till").replace("small", "tiny");
    let dir = project(&[("cart.kdl", APP.as_bytes()), ("Cart.kdl", other.as_bytes())]);
    assert_snapshot!(told(&dir, &["validate"]));
    let dir = project(&[
        ("cart.kdl", APP.as_bytes()),
        ("ca\u{200b}rt.kdl", other.as_bytes()),
    ]);
    assert_snapshot!(told(&dir, &["validate"]));
}

#[test]
fn images_are_listed_once_with_where_they_are_used() {
    let more = "app till tenant=web {\n  image \"registry.example/cart\"\n  version \"1.0.0\"\n  \
        sidecar logs { image \"registry.example/a-logs\"; version \"2\" }\n}\n";
    let dir = project(&[("app.kdl", APP.as_bytes()), ("more.kdl", more.as_bytes())]);
    let said = |args: &[&str]| {
        let output = run(dir.path(), args);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        said(&["images", "--env", "dev"]),
        "registry.example/a-logs:2\nregistry.example/cart:1.0.0\n"
    );
    let places = said(&["images", "--where"]);
    let users: Vec<&str> = places.lines().filter(|l| l.starts_with("  ")).collect();
    assert_eq!(users.len(), 3, "{places}");
    assert!(
        users[0].contains("lab/dev/web: Deployment.apps/till") && users[0].contains("more.kdl:4:"),
        "{places}"
    );
    let json: serde_json::Value = serde_json::from_str(&said(&["images", "-o", "json"])).unwrap();
    assert_eq!(json[1]["image"], "registry.example/cart:1.0.0");
    assert_eq!(json[1]["used"].as_array().unwrap().len(), 2);
    let unknown = run(dir.path(), &["images", "--env", "qa"]);
    assert_eq!(unknown.status.code(), Some(64));
}
