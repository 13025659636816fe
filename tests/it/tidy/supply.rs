//! What the build takes from others: sources, versions and licences, judged without a network.
//!
//! The policy is data in `deny.toml`, so that `cargo deny` and this file read the same one. Only the
//! list of published advisories needs a network and is left to `cargo deny`, which `.ci/deny` runs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const LOCK: &str = include_str!("../../../Cargo.lock");
const MANIFEST: &str = include_str!("../../../Cargo.toml");
const POLICY: &str = include_str!("../../../deny.toml");
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One `[[package]]` of the lock file.
#[derive(Debug, Default, Clone)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
}

fn packages(lock: &str) -> Vec<Package> {
    let mut all = Vec::new();
    for block in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = block
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{key} = ")));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        let name = value("name").unwrap();
        all.push(Package {
            name,
            version: value("version").unwrap(),
            source: value("source"),
        });
    }
    all
}

/// The lines of one list in the policy, as in `allow` of `[licenses]`.
fn policy<'a>(table: &str, key: &str) -> Vec<&'a str> {
    let table = POLICY.split(&format!("\n[{table}]\n")).nth(1).unwrap();
    let table = table.split("\n[").next().unwrap();
    let list = table.split(&format!("\n{key} = [")).nth(1).unwrap();
    let list = list.split("\n]").next().unwrap();
    let lines = list.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// The first quoted text of a line.
fn quoted(line: &str) -> &str {
    line.split('"').nth(1).unwrap()
}

fn strangers(packages: &[Package]) -> Vec<String> {
    let strange = packages.iter().filter(|p| {
        let own = p.name == "kubemate" && p.source.is_none();
        !own && p.source.as_deref() != Some(SOURCE)
    });
    strange
        .map(|p| format!("{} comes from {:?}", p.name, p.source))
        .collect()
}

fn banned(packages: &[Package], bans: &[&str]) -> Vec<String> {
    let is_banned = |p: &Package| {
        bans.iter().any(|ban| match ban.split_once('@') {
            Some((name, version)) => p.name == name && below(&p.version, version),
            None => p.name == *ban,
        })
    };
    packages
        .iter()
        .filter(|p| is_banned(p))
        .map(|p| format!("{} {}", p.name, p.version))
        .collect()
}

/// Whether a version is older than a bound written as `<1.2`.
fn below(version: &str, bound: &str) -> bool {
    numbers(version) < numbers(bound.strip_prefix('<').expect("a bound starts with `<`"))
}

fn numbers(version: &str) -> Vec<u64> {
    version
        .split(['.', '-', '+'])
        .map_while(|part| part.parse().ok())
        .collect()
}

/// Versions beyond the newest of each package, against those that are known.
fn duplicates(packages: &[Package], known: &[&str]) -> Vec<String> {
    let mut versions = BTreeMap::<&str, Vec<&str>>::new();
    for package in packages {
        versions
            .entry(&package.name)
            .or_default()
            .push(&package.version);
    }
    let older: BTreeSet<String> = versions
        .iter_mut()
        .flat_map(|(name, list)| {
            list.sort_by_key(|version| numbers(version));
            list[..list.len() - 1]
                .iter()
                .map(move |version| format!("{name}@{version}"))
        })
        .collect();
    let known: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
    let fresh = older
        .difference(&known)
        .map(|d| format!("{d} is there beside a newer version"));
    let stale = known
        .difference(&older)
        .map(|d| format!("{d} is gone; take it off the list"));
    fresh.chain(stale).collect()
}

/// Dependencies of the manifest that do not name a version of the registry.
fn loose(manifest: &str) -> Vec<String> {
    let mut table = String::new();
    let mut found = Vec::new();
    for line in manifest
        .lines()
        .map(|line| line.split(" #").next().unwrap_or(line).trim())
    {
        if line.starts_with('[') {
            line.clone_into(&mut table);
            continue;
        }
        let version = line
            .split("version = \"")
            .nth(1)
            .or_else(|| line.split("= \"").nth(1));
        let exact =
            version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit() || c == '='));
        let elsewhere = ["git = ", "path = ", "registry = "]
            .iter()
            .any(|key| line.contains(key));
        let dependency = table.ends_with("dependencies]") && line.contains(" = ");
        if dependency && (!exact || elsewhere) {
            found.push(line.to_owned());
        }
    }
    found
}

/// Whether a licence expression can be met with the allowed ones.
fn allowed(expression: &str, allow: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&tokens, &mut at, allow);
    met && at == tokens.len()
}

fn either(tokens: &[&str], at: &mut usize, allow: &BTreeSet<&str>) -> bool {
    let mut met = both(tokens, at, allow);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(tokens, at, allow);
    }
    met
}

fn both(tokens: &[&str], at: &mut usize, allow: &BTreeSet<&str>) -> bool {
    let mut met = one(tokens, at, allow);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(tokens, at, allow);
    }
    met
}

fn one(tokens: &[&str], at: &mut usize, allow: &BTreeSet<&str>) -> bool {
    let Some(token) = tokens.get(*at) else {
        return false;
    };
    *at += 1;
    if *token == "(" {
        let met = either(tokens, at, allow);
        let closed = tokens.get(*at) == Some(&")");
        *at += 1;
        return met && closed;
    }
    if tokens.get(*at) == Some(&"WITH") {
        let name = format!("{token} WITH {}", tokens.get(*at + 1).unwrap_or(&""));
        *at += 2;
        return allow.contains(name.as_str());
    }
    allow.contains(token)
}

/// Name and licence of every package of this platform, as cargo has them on disk.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo knows what the packages say of themselves"
)]
fn licences() -> Vec<(String, Option<String>)> {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let version = cargo(&["-vV"]);
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = cargo(&[
        "metadata",
        "--offline",
        "--format-version=1",
        "--filter-platform",
        host,
        "--manifest-path",
        manifest,
    ]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let text = |p: &serde_json::Value, key: &str| p[key].as_str().map(str::to_owned);
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|p| (text(p, "name").unwrap(), text(p, "license")))
        .collect()
}

#[test]
fn s_96_packages_come_from_the_registry_and_are_pinned_by_version() {
    super::none("sources of packages", strangers(&packages(LOCK)));
    super::none("loose versions in Cargo.toml", loose(MANIFEST));
}

#[test]
fn s_96_one_tls_stack_and_nothing_known_to_be_bad() {
    let bans: Vec<&str> = policy("bans", "deny").into_iter().map(quoted).collect();
    assert!(bans.contains(&"openssl-sys") && bans.contains(&"aws-lc-sys"));
    super::none("banned packages", banned(&packages(LOCK), &bans));
}

#[test]
fn s_96_a_package_comes_in_one_version_or_with_a_reason() {
    let known = policy("bans", "skip");
    assert!(
        known.iter().all(|line| line.contains("reason = \"")),
        "each has a reason"
    );
    let known: Vec<&str> = known.into_iter().map(quoted).collect();
    super::none("versions", duplicates(&packages(LOCK), &known));
}

#[test]
fn s_96_licences_are_on_the_list() {
    let allow: BTreeSet<&str> = policy("licenses", "allow")
        .into_iter()
        .map(quoted)
        .collect();
    let all = licences();
    assert!(all.len() > 100, "cargo names {} packages only", all.len());
    let wrong = all
        .iter()
        .filter(|(_, l)| !l.as_deref().is_some_and(|l| allowed(l, &allow)));
    super::none(
        "licences",
        wrong.map(|(name, licence)| format!("{name}: {licence:?}")),
    );
}

/// The lines of a table of the policy that set one value.
fn settings(table: &str) -> BTreeSet<&'static str> {
    let table = POLICY.split(&format!("\n[{table}]\n")).nth(1).unwrap();
    table.split("\n[").next().unwrap().lines().collect()
}

#[test]
fn s_96_what_is_not_known_is_refused_and_no_advisory_is_let_through() {
    for (table, line) in [
        ("sources", "unknown-registry = \"deny\""),
        ("sources", "unknown-git = \"deny\""),
        ("bans", "multiple-versions = \"deny\""),
        ("bans", "wildcards = \"deny\""),
        ("advisories", "yanked = \"deny\""),
        ("advisories", "unsound = \"all\""),
        ("advisories", "ignore = []"),
    ] {
        assert!(settings(table).contains(line), "[{table}] {line}");
    }
    assert!(MANIFEST.contains("\n[lints.rust]\nunsafe_code = \"deny\"\n"));
}

#[test]
fn each_rule_can_fail() {
    let package = |name: &str, version: &str, source: &str| Package {
        name: name.into(),
        version: version.into(),
        source: Some(source.into()),
    };
    let git = package("a", "1.0.0", "git+https://example.com/a");
    assert_eq!(strangers(&[git, package("b", "1.0.0", SOURCE)]).len(), 1);
    let tls = [
        package("rustls", "0.21.9", SOURCE),
        package("rustls", "0.23.5", SOURCE),
    ];
    assert_eq!(banned(&tls, &["rustls@<0.23"]), ["rustls 0.21.9"]);
    assert_eq!(banned(&tls, &["rustls"]).len(), 2);
    assert_eq!(duplicates(&tls, &[]).len(), 1);
    assert_eq!(duplicates(&tls, &["rustls@0.21.9"]).len(), 0);
    assert_eq!(duplicates(&tls, &["rustls@0.21.9", "gone@1.0.0"]).len(), 1);
    let manifest = "[dependencies]\na = \"*\"\nb = { git = \"x\" }\nc = \"1\"\nd = { version = \"=1.2\" }\n\
                    e = { path = \"x\", version = \"1\" }\n[lints.rust]\nf = \"warn\"\n";
    assert_eq!(loose(manifest).len(), 3);
}

#[test]
fn licence_expressions_are_understood() {
    let allow = BTreeSet::from(["MIT", "Apache-2.0 WITH LLVM-exception", "ISC"]);
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "(X OR MIT) AND ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(allowed(good, &allow), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND X",
        "Apache-2.0",
        "(MIT",
        "MIT)",
        "MIT ISC",
    ] {
        assert!(!allowed(bad, &allow), "{bad}");
    }
}
