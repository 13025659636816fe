//! Directories become trees, or a clear refusal, quickly and in little memory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kubemate::adapters::disk::{DiskError, load};
use kubemate::source::intake::{Loaded, MAX_DEPTH};
use kubemate::source::{Content, MAX_FILES, Revision, TreeError};

use crate::alone::{alone, peak_growth, processor_time};

const MIB: u64 = 1024 * 1024;
/// Processor time that reading everything would exceed, and looking never, however slow the machine is.
const AT_ONCE: Duration = Duration::from_secs(20);

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn sparse(root: &Path, path: &str, bytes: u64) {
    fs::File::create(root.join(path))
        .unwrap()
        .set_len(bytes)
        .unwrap();
}

fn paths(loaded: &Loaded) -> Vec<&str> {
    loaded
        .tree
        .files()
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

fn content<'a>(loaded: &'a Loaded, path: &str) -> &'a Content {
    &loaded.tree.find(path).unwrap().1.content
}

#[test]
fn a_directory_is_read_without_what_nobody_needs() {
    let root = tempfile::tempdir().unwrap();
    for path in [
        "kubemate.kdl",
        "tenants/a/app.kdl",
        "tenants/target/x.kdl",
        ".gitignore",
    ] {
        write(root.path(), path, b"text");
    }
    for path in [
        ".git/config",
        "target/debug/x",
        ".kubemate/c",
        "web/node_modules/y/z",
    ] {
        write(root.path(), path, b"never");
    }
    let loaded = load(root.path()).unwrap();
    assert_eq!(loaded.revision, Revision::WorkingTree);
    assert_eq!(
        paths(&loaded),
        [
            ".gitignore",
            "kubemate.kdl",
            "tenants/a/app.kdl",
            "tenants/target/x.kdl"
        ]
    );
    assert_eq!(
        loaded.tree.find("kubemate.kdl").unwrap().1.text(),
        Some("text")
    );
}

#[test]
fn s_02_links_are_never_followed() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "token", b"CANARY");
    symlink(outside.path().join("token"), root.path().join("v.kdl")).unwrap();
    symlink(outside.path(), root.path().join("dir")).unwrap();
    symlink(".", root.path().join("loop")).unwrap();
    symlink("nowhere", root.path().join("broken")).unwrap();
    let loaded = load(root.path()).unwrap();
    assert_eq!(paths(&loaded), ["broken", "dir", "loop", "v.kdl"]);
    assert!(
        loaded
            .tree
            .files()
            .iter()
            .all(|file| file.content == Content::Symlink)
    );
    assert!(!format!("{loaded:?}").contains("CANARY"));
}

#[test]
fn special_files_are_named_and_never_opened() {
    let root = tempfile::tempdir().unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(root.path().join("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
    let started = processor_time();
    let loaded = load(root.path()).unwrap();
    assert!(processor_time() - started < AT_ONCE);
    let unreadable = |reason: &str| Content::Unreadable {
        reason: reason.to_owned(),
    };
    assert_eq!(content(&loaded, "pipe"), &unreadable("it is a named pipe"));
    assert_eq!(content(&loaded, "socket"), &unreadable("it is a socket"));
    let devices = load(Path::new("/dev/pts")).unwrap();
    assert!(matches!(
        content(&devices, "ptmx"),
        Content::Unreadable { .. }
    ));
}

#[test]
fn repositories_inside_and_bottomless_directories_are_named() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "vendor/other/.git/HEAD", b"ref: x");
    write(root.path(), "vendor/other/x.kdl", b"");
    let deep = "d/".repeat(MAX_DEPTH + 5);
    write(root.path(), &format!("{deep}x.kdl"), b"");
    let loaded = load(root.path()).unwrap();
    assert!(matches!(
        content(&loaded, "vendor/other"),
        Content::Nested { .. }
    ));
    let end = ["d"; MAX_DEPTH + 1].join("/");
    assert!(matches!(content(&loaded, &end), Content::Hidden { .. }));
    assert_eq!(loaded.tree.files().len(), 2);
}

#[test]
fn names_that_are_no_paths_are_handed_on() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a\\b", b"");
    write(root.path(), "esc\x1b[2J", b"");
    fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"\xff")), b"").unwrap();
    write(root.path(), "good", b"\xff");
    let loaded = load(root.path()).unwrap();
    assert_eq!(paths(&loaded), ["good"]);
    assert_eq!(
        content(&loaded, "good"),
        &Content::NotUtf8 { valid_up_to: 0 }
    );
    assert_eq!(loaded.refused.len(), 3);
    assert!(
        loaded
            .refused
            .iter()
            .all(|refused| !refused.to_string().contains('\x1b'))
    );
}

#[test]
fn s_22_too_many_files_are_refused_at_once() {
    alone("disk::s_22_too_many_files_are_refused_at_once", || {
        let root = tempfile::tempdir().unwrap();
        for directory in 0..=20 {
            let directory = root.path().join(directory.to_string());
            fs::create_dir(&directory).unwrap();
            for file in 0..1000 {
                fs::File::create(directory.join(file.to_string())).unwrap();
            }
        }
        let started = processor_time();
        let (refused, growth) = peak_growth(|| load(root.path()));
        let took = processor_time() - started;
        assert!(matches!(
            refused,
            Err(DiskError::Tree(TreeError::TooManyFiles))
        ));
        assert!(took < AT_ONCE, "{took:?} for {MAX_FILES}");
        assert!(growth < 32 * MIB, "grew by {growth}");
    });
}

#[test]
fn s_22_a_huge_file_is_seen_and_not_read() {
    alone("disk::s_22_a_huge_file_is_seen_and_not_read", || {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "huge.kdl", &vec![b'x'; 50 * 1024 * 1024]);
        let started = processor_time();
        let (loaded, growth) = peak_growth(|| load(root.path()).unwrap());
        assert!(processor_time() - started < AT_ONCE);
        assert_eq!(
            content(&loaded, "huge.kdl"),
            &Content::TooLarge { bytes: 50 * MIB }
        );
        assert!(growth < 8 * MIB, "grew by {growth}");
    });
}

#[test]
fn s_22_too_many_bytes_are_refused_before_any_is_read() {
    alone(
        "disk::s_22_too_many_bytes_are_refused_before_any_is_read",
        || {
            let root = tempfile::tempdir().unwrap();
            for file in 0..65 {
                sparse(root.path(), &format!("f{file:02}.kdl"), MIB);
            }
            let started = processor_time();
            let (refused, growth) = peak_growth(|| load(root.path()));
            assert!(processor_time() - started < AT_ONCE);
            let Err(DiskError::Tree(TreeError::TooManyBytes { path })) = refused else {
                panic!()
            };
            assert_eq!(path.as_str(), "f64.kdl");
            assert!(growth < 8 * MIB, "grew by {growth}");
        },
    );
}

#[test]
fn a_root_that_cannot_be_read_says_why() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "file", b"");
    let missing = load(&root.path().join("nothing")).unwrap_err();
    assert!(
        missing.to_string().starts_with("there is no directory `"),
        "{missing}"
    );
    let file = load(&root.path().join("file")).unwrap_err();
    assert!(
        file.to_string().ends_with("file` is not a directory"),
        "{file}"
    );
}

#[test]
fn what_this_user_may_not_read_is_unreadable_or_read() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "closed.kdl", b"text");
    write(root.path(), "shut/x.kdl", b"text");
    let set = |path: &str, mode| {
        fs::set_permissions(root.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("closed.kdl", 0o000);
    set("shut", 0o000);
    let powerful = fs::read(root.path().join("closed.kdl")).is_ok();
    let loaded = load(root.path()).unwrap();
    set("shut", 0o700);
    let reason = "this user may not read it".to_owned();
    if powerful {
        assert_eq!(paths(&loaded), ["closed.kdl", "shut/x.kdl"]);
    } else {
        assert_eq!(
            content(&loaded, "closed.kdl"),
            &Content::Unreadable {
                reason: reason.clone()
            }
        );
        assert_eq!(content(&loaded, "shut"), &Content::Hidden { reason });
    }
}
