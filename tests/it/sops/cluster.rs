//! An encrypted secret from Git to the cluster and back: planned without a key, written with it, drift undone,
//! and its clear text nowhere else.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bank::folder::{Folder, Said};
use crate::bank::project::uid;
use crate::bed::sops::{self, Key};
use crate::bed::{self, unique_name};

const FIRST: &str = "canary-first-1d6b0e";
const SECOND: &str = "canary-second-93fa7c";
const DRIFT: &str = "canary-drift-5588aa";
const FILE: &str = "secrets/db.enc.yaml";

/// A project with one tenant and one encrypted secret.
struct Shop {
    folder: Folder,
    tenant: String,
    env: String,
    key: Key,
    said: Vec<String>,
    /// What is in it does not belong to the project.
    _keys: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let (folder, keys) = (Folder::new(), tempfile::tempdir().unwrap());
        let (tenant, env) = (unique_name("t"), unique_name("e"));
        let name = unique_name("shop");
        folder.write(
            "kubemate.kdl",
            &format!(
                "project {name} schema=1 {{\n  cluster hq uid=\"{}\"\n  environment {env} {{ cluster hq }}\n  \
                 include \"platform/**/*.kdl\" \"tenants/**/*.kdl\"\n  ownership {{\n    \
                 path \"platform/**\" owner=platform\n    path \"tenants/{tenant}/**\" tenant={tenant}\n  }}\n}}\n",
                uid()
            ),
        );
        folder.write(
            "platform/tenants.kdl",
            &format!("tenant {tenant} encrypted-secrets=#true\n"),
        );
        folder.write(
            &format!("tenants/{tenant}/db.kdl"),
            &format!("// Who reads it\nsecret db tenant={tenant} sops=\"{FILE}\" {{ keys username password }}\n"),
        );
        folder.write(
            &format!("tenants/{tenant}/{FILE}"),
            &format!("username: shop\npassword: {FIRST}\nother:\n  deep: 1\n"),
        );
        let key = Key::new(keys.path().join("key"));
        let shop = Self {
            folder,
            tenant,
            env,
            key,
            said: Vec::new(),
            _keys: keys,
        };
        sops::encrypt(&shop.file(), &[&shop.key.recipient], &[]);
        shop
    }

    fn file(&self) -> PathBuf {
        self.folder.path(&format!("tenants/{}/{FILE}", self.tenant))
    }

    /// Runs a command with a key, or without any.
    fn run(&mut self, key: Option<&Path>, args: &[&str]) -> Said {
        let env = self.env.clone();
        let mut all = args.to_vec();
        all.extend(["--env", env.as_str()]);
        let mut command = self.folder.command(bed::cluster().kubeconfig(), &all);
        command
            .env_remove("SOPS_AGE_KEY_FILE")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full");
        match key {
            Some(key) => command.env("KUBEMATE_SOPS_AGE_KEY_FILE", key),
            None => command.env_remove("KUBEMATE_SOPS_AGE_KEY_FILE"),
        };
        let said = crate::bank::folder::said(command);
        self.said.push(said.all());
        said
    }

    fn with_key(&mut self, args: &[&str]) -> Said {
        let key = self.key.file.clone();
        self.run(Some(&key), args)
    }

    fn live(&self) -> Option<Value> {
        let args = [
            "get",
            "secret",
            "db",
            "-n",
            &self.tenant,
            "--ignore-not-found",
            "-o",
            "json",
        ];
        let text = bed::cluster().kubectl(&args);
        (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    fn password(&self) -> String {
        let live = self.live().unwrap();
        let text = STANDARD
            .decode(live["data"]["password"].as_str().unwrap())
            .unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Where clear text stands though it must not.
    fn leaks(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut look = |place: String, text: &str| {
            for canary in [FIRST, SECOND, DRIFT] {
                if text.contains(canary) || text.contains(&STANDARD.encode(canary)) {
                    found.push(format!("{canary} in {place}"));
                }
            }
        };
        for (index, said) in self.said.iter().enumerate() {
            look(format!("what was said {index}"), said);
        }
        let mut pending = vec![self.folder.root().to_owned()];
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                pending.extend(
                    std::fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            } else {
                let bytes = std::fs::read(&path).unwrap();
                look(path.display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
        for args in [
            &["get", "configmaps,leases,events", "-A", "-o", "json"][..],
            &["get", "events.events.k8s.io", "-A", "-o", "json"],
        ] {
            look(format!("{args:?}"), &bed::cluster().kubectl(args));
        }
        found
    }
}

#[test]
fn an_encrypted_secret_is_planned_without_a_key_and_written_with_it() {
    let mut shop = Shop::new();
    let at = format!("tenants/{}/db.kdl:2", shop.tenant);

    // Without a key it is planned by its ciphertext, and never written.
    let said = shop.run(None, &["plan"]);
    assert_eq!(said.code, 0, "{}", said.end());
    assert!(
        said.all().contains("no key is here") && said.all().contains(&at),
        "{}",
        said.end()
    );
    let said = shop.run(None, &["apply"]);
    assert_eq!(said.code, 5, "{}", said.end());
    assert!(
        said.all().contains("no key is here") && said.all().contains(&at),
        "{}",
        said.end()
    );
    assert_eq!(shop.live(), None);

    // With it, what the file says stands in the cluster, and nothing else.
    let said = shop.with_key(&["apply"]);
    assert_eq!(said.code, 0, "{}", said.end());
    let live = shop.live().unwrap();
    let wanted = json!({"password": STANDARD.encode(FIRST), "username": STANDARD.encode("shop")});
    assert_eq!(live["data"], wanted);
    assert_eq!(live["type"], "Opaque");
    let said = shop.with_key(&["plan", "--detailed-exitcode"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "no changes\n"),
        "{}",
        said.end()
    );
    let version = live["metadata"]["resourceVersion"].clone();
    let said = shop.with_key(&["apply"]);
    assert_eq!(said.code, 0, "{}", said.end());
    assert_eq!(shop.live().unwrap()["metadata"]["resourceVersion"], version);

    // Where the key is not, nothing is to be done, and what is not known is said.
    let said = shop.run(None, &["plan", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.end());
    assert!(said.all().contains("not compared"), "{}", said.end());
    assert_eq!(shop.leaks(), Vec::<String>::new());
}

#[test]
fn a_changed_ciphertext_is_one_change_and_a_saved_plan_needs_no_key() {
    let mut shop = Shop::new();
    assert_eq!(shop.with_key(&["apply"]).code, 0);
    let (file, key) = (shop.file(), shop.key.file.clone());
    sops::set(&file, &shop.key, "password", SECOND);
    let said = shop.with_key(&["plan", "--detailed-exitcode"]);
    assert_eq!(said.code, 2, "{}", said.end());
    let told = said.all();
    assert!(
        told.contains("data.password") && told.contains("kubemate.dev/sealed"),
        "{}",
        said.end()
    );
    assert!(!told.contains("data.username"), "{}", said.end());

    // Made where no key is, carried out where it is.
    let plans = shop.folder.path("plans");
    let said = shop.run(None, &["plan", "--out", plans.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.end());
    let mut saved: Vec<PathBuf> = std::fs::read_dir(&plans)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    saved.retain(|path| {
        path.to_string_lossy()
            .contains(&format!("-{}.", shop.tenant))
    });
    assert_eq!(saved.len(), 1, "{saved:?}");
    assert_eq!(shop.password(), FIRST);
    let plan = saved[0].to_str().unwrap().to_owned();
    let mut command = shop
        .folder
        .command(bed::cluster().kubeconfig(), &["apply", &plan]);
    command.env("KUBEMATE_SOPS_AGE_KEY_FILE", &key);
    let said = crate::bank::folder::said(command);
    assert_eq!(said.code, 0, "{}", said.end());
    shop.said.push(said.all());
    assert_eq!(shop.password(), SECOND);
    let said = shop.with_key(&["plan", "--detailed-exitcode"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "no changes\n"),
        "{}",
        said.end()
    );
    assert_eq!(shop.leaks(), Vec::<String>::new());
}

#[test]
fn drift_of_a_value_is_seen_and_undone() {
    let mut shop = Shop::new();
    assert_eq!(shop.with_key(&["apply"]).code, 0);
    let patch = json!({"data": {"password": STANDARD.encode(DRIFT)}}).to_string();
    let namespace = shop.tenant.clone();
    let args = [
        "patch",
        "secret",
        "db",
        "-n",
        &namespace,
        "--type=merge",
        "-p",
        &patch,
    ];
    bed::cluster().kubectl(&args);
    for key in [None, Some(shop.key.file.clone())] {
        let said = shop.run(key.as_deref(), &["plan", "--detailed-exitcode"]);
        assert_eq!(said.code, 2, "{key:?} {}", said.end());
        assert!(
            said.all().contains("outside of Git"),
            "{key:?} {}",
            said.end()
        );
    }
    let said = shop.run(None, &["apply"]);
    assert_eq!(said.code, 5, "{}", said.end());
    assert_eq!(shop.password(), DRIFT);
    let said = shop.with_key(&["apply"]);
    assert_eq!(said.code, 0, "{}", said.end());
    assert_eq!(shop.password(), FIRST);
    let said = shop.with_key(&["plan", "--detailed-exitcode"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "no changes\n"),
        "{}",
        said.end()
    );
    assert_eq!(shop.leaks(), Vec::<String>::new());
}

#[test]
fn a_wrong_key_and_a_changed_file_write_nothing() {
    let mut shop = Shop::new();
    assert_eq!(shop.with_key(&["apply"]).code, 0);
    let file = shop.file();
    sops::set(&file, &shop.key, "password", SECOND);
    let at = format!("tenants/{}/db.kdl:2", shop.tenant);
    let stranger = Key::new(shop.folder.path("stranger"));
    let said = shop.run(Some(&stranger.file), &["apply"]);
    assert_eq!(said.code, 5, "{}", said.end());
    let recipient = shop.key.recipient.clone();
    for words in [recipient.as_str(), "not among them", at.as_str()] {
        assert!(said.all().contains(words), "{words}: {}", said.end());
    }
    // The MAC covers what is not taken, too.
    let text = std::fs::read_to_string(&file).unwrap();
    let gone = text.replace("other:\n", "another:\n");
    assert_ne!(gone, text);
    std::fs::write(&file, gone).unwrap();
    let said = shop.with_key(&["apply"]);
    assert_eq!(said.code, 5, "{}", said.end());
    for words in ["another.deep", FILE, at.as_str(), "sops edit"] {
        assert!(said.all().contains(words), "{words}: {}", said.end());
    }
    assert_eq!(shop.password(), FIRST);
    assert_eq!(shop.leaks(), Vec::<String>::new());
}

#[test]
fn a_controller_is_given_a_key_for_each_tenant() {
    let mut shop = Shop::new();
    let key = shop.key.file.clone();
    let mut command = shop
        .folder
        .command(bed::cluster().kubeconfig(), &["controller", "--sops-key"]);
    command.arg(&key);
    let said = crate::bank::folder::said(command);
    assert_eq!(said.code, 64, "{}", said.end());
    assert!(said.all().contains("TENANT.agekey"), "{}", said.end());
    shop.said.push(said.all());
}
