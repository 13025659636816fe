//! Remotes over ssh, with a program that stands in for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kubemate::adapters::git::SshOptions;
use kubemate::adapters::git::remote::RemoteRepository;
use kubemate::source::address::RemoteAddress;

use super::{Bed, CANARY, remote};

/// Stands in for ssh: records how it was called and runs the command on this machine.
fn stand_in(bed: &Bed, body: &str) -> PathBuf {
    let path = bed.directory.path().join("ssh");
    let record = bed.directory.path().join("called");
    let root = bed.directory.path().join("served");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > {}\nfor last; do :; done\nROOT={}\n{body}\n",
        record.display(),
        root.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn over_ssh(bed: &Bed, program: PathBuf) -> RemoteRepository {
    over_ssh_within(Duration::from_mins(1), bed, program)
}

fn over_ssh_within(deadline: Duration, bed: &Bed, program: PathBuf) -> RemoteRepository {
    let mut options = bed.options();
    options.address = RemoteAddress::parse("ssh://git@git.example:2222/org/r.git").unwrap();
    options.ssh = SshOptions {
        program,
        key: Some("/keys/id".into()),
        known_hosts: None,
    };
    options.limits.deadline = deadline;
    remote(options)
}

#[test]
fn s_13_ssh_fetches_with_host_keys_checked() {
    let bed = Bed::new();
    let commit = bed.commit("one", &[]);
    let serve = "cd $ROOT && eval \"$(printf '%s' \"$last\" | sed \"s#'/#'./#\")\"";
    let remote = over_ssh(&bed, stand_in(&bed, serve));
    assert_eq!(bed.head(&remote).unwrap(), commit);
    let next = bed.commit("two", &[&commit]);
    assert_eq!(bed.head(&remote).unwrap(), next);
    assert_eq!(bed.text(&remote, &next), "two");
    let called = fs::read_to_string(bed.directory.path().join("called")).unwrap();
    for argument in [
        "-oStrictHostKeyChecking=yes",
        "-oUserKnownHostsFile=/dev/null",
        "-oBatchMode=yes",
        "2222",
        "git-upload-pack '/org/r.git'",
    ] {
        assert!(
            called.lines().any(|line| line == argument),
            "{argument} in {called}"
        );
    }
    assert!(!called.contains(CANARY));
}

#[test]
fn s_13_s_29_ssh_that_fails_or_hangs_is_an_error() {
    let bed = Bed::new();
    bed.commit("one", &[]);
    let remote = over_ssh(
        &bed,
        stand_in(&bed, "echo 'Host key verification failed.' >&2; exit 255"),
    );
    let error = bed.head(&remote).unwrap_err();
    assert_eq!(
        error.to_string(),
        "git.example: Host key verification failed."
    );
    let started = Instant::now();
    let hangs = stand_in(&bed, "exec sleep 600");
    let remote = over_ssh_within(Duration::from_secs(5), &bed, hangs);
    assert_eq!(bed.head(&remote).unwrap_err().class(), "timed-out");
    assert!(started.elapsed() < Duration::from_mins(2));
    let remote = over_ssh(&bed, PathBuf::from("/nonexistent/ssh"));
    assert!(
        bed.head(&remote)
            .unwrap_err()
            .to_string()
            .contains("could not be started")
    );
}
