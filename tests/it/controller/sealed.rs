//! An encrypted file in the hands of a controller: with the key that is mounted for its tenant it becomes the
//! Secret, and one that was changed without the key changes nothing and is told at its line.

use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Bed, Controller, is};
use crate::bed::sops::{self, Key};

const FIRST: &str = "canary-first-7be1f0";
const SECOND: &str = "canary-second-c24d93";
const FILE: &str = "tenants/shop/secrets/db.enc.yaml";
const SECRET: &str =
    "secret db tenant=NAME sops=\"secrets/db.enc.yaml\" { keys username password }\n";

/// A tenant's key as a kubelet mounts a Secret: behind links, so that all keys change at once.
fn mounted(directory: &Path, tenant: &str) -> Key {
    let behind = directory.join("..first");
    std::fs::create_dir_all(&behind).unwrap();
    let name = format!("{tenant}.agekey");
    let key = Key::new(behind.join(&name));
    symlink("..first", directory.join("..data")).unwrap();
    symlink(Path::new("..data").join(&name), directory.join(&name)).unwrap();
    key
}

/// The files of a project whose tenant has this encrypted file.
fn files(bed: &Bed, encrypted: &str) -> Vec<(&'static str, String)> {
    let mut files = bed.files(SECRET, "");
    files[1].1 = format!("tenant {} encrypted-secrets=#true\n", bed.name);
    files.push((FILE, encrypted.to_owned()));
    files
}

fn password(bed: &Bed) -> Option<String> {
    let namespace = bed.name.as_str();
    let args = [
        "get",
        "secret",
        "db",
        "-n",
        namespace,
        "--ignore-not-found",
        "-o",
        "json",
    ];
    let live: Value = serde_json::from_str(&bed.cluster.kubectl(&args)).ok()?;
    let value = STANDARD.decode(live["data"]["password"].as_str()?);
    Some(String::from_utf8(value.unwrap()).unwrap())
}

/// Clear text stands neither in the log nor in what is kept in the cluster.
fn nothing_leaks(bed: &Bed) {
    let log = std::fs::read_to_string(bed.directory.path().join("log")).unwrap();
    let kinds = "configmaps,events,syncs.kubemate.dev";
    let kept = bed.cluster.kubectl(&["get", kinds, "-A", "-o", "json"]);
    for canary in [FIRST, SECOND] {
        for text in [&log, &kept] {
            assert!(!text.contains(canary), "{canary}");
            assert!(!text.contains(&STANDARD.encode(canary)), "{canary}");
        }
    }
}

#[test]
fn an_encrypted_file_is_opened_with_the_mounted_key_and_never_after_it_was_tampered_with() {
    let bed = Bed::new("sealed.git");
    let keys = bed.directory.path().join("sops");
    let key = mounted(&keys, &bed.name);
    let file = bed.directory.path().join("db.enc.yaml");
    let clear = format!("username: shop\npassword: {FIRST}\nother:\n  deep: 1\n");
    std::fs::write(&file, clear).unwrap();
    let encrypted = sops::encrypt(&file, &[&key.recipient], &[]);
    let first = bed.commit_files(files(&bed, &encrypted));
    let more = ["--sops-key", keys.to_str().unwrap()];
    let _controller =
        Controller::start_with(bed.cluster.kubeconfig(), &bed.host.address, &bed, &more);
    bed.sync("auto", "1s");
    bed.until("the Secret is written", |s| {
        s["lastApplied"] == first.as_str() && is(s, "Ready", "True")
    });
    assert_eq!(password(&bed).as_deref(), Some(FIRST));

    // Another value, and what is not taken is cut out without the key: each value is sound, all of them
    // together are not.
    sops::set(&file, &key, "password", SECOND);
    let changed = std::fs::read_to_string(&file).unwrap();
    let (values, rest) = changed.split_once("other:\n").unwrap();
    let (_, envelope) = rest.split_once("sops:\n").unwrap();
    let cut = bed.commit_files(files(&bed, &format!("{values}sops:\n{envelope}")));
    let status = bed.until("the file is refused", |s| {
        let story = s["story"].as_str().unwrap_or_default();
        s["lastAttempted"] == cut.as_str() && story.contains("its MAC does not fit")
    });
    let story = status["story"].as_str().unwrap();
    for words in ["tenants/shop/web.kdl:1:", FILE] {
        assert!(story.contains(words), "{words}: {story}");
    }
    assert!(is(&status, "Ready", "False"), "{status:#}");
    assert_eq!(status["lastApplied"], first.as_str(), "{status:#}");
    assert_eq!(password(&bed).as_deref(), Some(FIRST));

    let mended = bed.commit_files(files(&bed, &changed));
    bed.until("the whole file is taken", |s| {
        s["lastApplied"] == mended.as_str() && is(s, "Ready", "True")
    });
    assert_eq!(password(&bed).as_deref(), Some(SECOND));
    nothing_leaks(&bed);
}
