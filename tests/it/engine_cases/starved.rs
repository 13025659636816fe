//! The program on a disk that answers with errors and a machine without memory: what it says is whole or
//! nothing, nothing is written into the cluster, and the next run heals itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::local::{NOWHERE, render};
use super::small::Small;
use crate::bank::folder::Said;
use crate::bed;
use crate::bed::proxy::Proxy;
use crate::security::leaks::walk;

/// A library that, put before the C library, answers EIO to whoever reads from, or writes to, files whose
/// paths begin as the variables say.
const BROKEN_DISK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static int broken(int fd, const char *variable) {
  const char *under = getenv(variable);
  char link[64], path[4096];
  if (!under || fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return strncmp(path, under, strlen(under)) == 0;
}

#define CALL(variable, type, name, parameters, arguments)                 \
  type name parameters {                                                  \
    static type (*real) parameters;                                       \
    if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name);       \
    if (broken(fd, variable)) { errno = EIO; return (type)-1; }           \
    return real arguments;                                                \
  }

CALL("BROKEN_READS", ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
CALL("BROKEN_READS", ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
CALL("BROKEN_READS", ssize_t, pread64, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
CALL("BROKEN_READS", ssize_t, readv, (int fd, const struct iovec *to, int n), (fd, to, n))
CALL("BROKEN_READS", void *, mmap, (void *at, size_t n, int may, int how, int fd, off_t from), (at, n, may, how, fd, from))
CALL("BROKEN_READS", void *, mmap64, (void *at, size_t n, int may, int how, int fd, off_t from), (at, n, may, how, fd, from))
CALL("BROKEN_WRITES", ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n))
CALL("BROKEN_WRITES", ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at))
CALL("BROKEN_WRITES", ssize_t, pwrite64, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at))
CALL("BROKEN_WRITES", ssize_t, writev, (int fd, const struct iovec *from, int n), (fd, from, n))
CALL("BROKEN_WRITES", int, fsync, (int fd), (fd))
CALL("BROKEN_WRITES", int, fdatasync, (int fd), (fd))
"#;

/// A disk that breaks below a directory or at a file.
struct Disk {
    library: PathBuf,
    _directory: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("broken.so");
        let mut compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-xc", "-", "-ldl", "-o"])
            .arg(&library)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a C compiler: apt-get install build-essential");
        let mut source = compiler.stdin.take().unwrap();
        source.write_all(BROKEN_DISK.as_bytes()).unwrap();
        drop(source);
        assert!(compiler.wait().unwrap().success());
        Self {
            library,
            _directory: directory,
        }
    }

    /// The shell line before a program whose reads or writes (`what`) fail at a path and below.
    fn broken(&self, what: &str, path: &Path) -> String {
        let (library, path) = (self.library.display(), path.display());
        format!("export LD_PRELOAD='{library}' BROKEN_{what}='{path}'; exec \"$@\"")
    }
}

/// It ends with this code, without a crash and without half an answer, and names what broke.
fn refused(said: &Said, named: &str) {
    assert!([1, 3].contains(&said.code), "{}", said.end());
    assert_eq!(said.out, "");
    assert!(said.err.contains(named), "{}", said.end());
    assert!(!said.err.contains("panicked"), "{}", said.end());
}

#[test]
fn r_33_a_disk_that_fails_costs_time_or_says_so() {
    let (small, disk) = (Small::new(), Disk::new());
    let root = small.folder.root().canonicalize().unwrap();
    let under = |shell: &str, args: &[&str]| small.folder.under(shell, Path::new(NOWHERE), args);
    let args = ["render", "--env", &small.env];
    let sound = render(&small);
    assert_eq!(sound.code, 0, "{}", sound.end());

    // The cache is only a cache.
    for what in ["READS", "WRITES"] {
        let said = under(&disk.broken(what, &root.join(".git/cache")), &args);
        assert_eq!((said.code, &said.out), (0, &sound.out), "{}", said.end());
        drop(std::fs::remove_dir_all(root.join(".git/cache")));
        let said = under(&disk.broken(what, &root.join(".git/cache")), &args);
        assert_eq!((said.code, &said.out), (0, &sound.out), "{}", said.end());
    }
    // A file of the project is not: nothing is made of the others.
    let tenant = format!("tenants/{}/", small.tenant);
    for file in [
        "kubemate.kdl".to_owned(),
        "platform/base.kdl".to_owned(),
        format!("{tenant}files/all.yaml"),
    ] {
        let said = under(&disk.broken("READS", &root.join(&file)), &args);
        refused(&said, &file);
    }
    // What is to be written is there whole or not at all.
    let out = ["render", "--env", &small.env, "--out", "made"];
    let said = under(&disk.broken("WRITES", &root.join("made")), &out);
    refused(&said, "made");
    let files = walk(&root.join("made"));
    assert!(files.is_empty(), "{files:?}");
    assert_eq!(
        under("exec \"$@\"", &out).code,
        0,
        "the next run heals itself"
    );
}

#[test]
fn r_33_a_repository_that_cannot_be_read_changes_nothing() {
    let (small, disk) = (Small::new(), Disk::new());
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    small.apply();
    let before: Vec<_> = small.sets().iter().map(|set| small.marked(set)).collect();
    drop(std::fs::remove_dir_all(small.folder.path(".git")));
    let who = "-c user.name=t -c user.email=t@bank.example";
    let all = format!("git init -q && git add -A && git {who} commit -q --no-gpg-sign -m c");
    let made = Command::new("bash")
        .current_dir(small.folder.root())
        .args(["-c", &all])
        .status();
    assert!(made.unwrap().success());
    let root = small.folder.root().canonicalize().unwrap();
    let objects = root.join(".git/objects");
    let args = ["render", "--env", &small.env, "--rev", "HEAD"];
    let shell = disk.broken("READS", &objects);
    let said = small.folder.under(&shell, Path::new(NOWHERE), &args);
    refused(&said, "Input/output error");
    // Nor is anything concluded by whoever applies.
    let file = root.join(format!("tenants/{}/own.kdl", small.tenant));
    let shell = disk.broken("READS", &file);
    let said = small
        .folder
        .under(&shell, proxy.kubeconfig(), &["apply", "--env", &small.env]);
    assert!([1, 3].contains(&said.code), "{}", said.end());
    assert!(said.err.contains("own.kdl"), "{}", said.end());
    let writes: Vec<String> = proxy.writes().into_iter().map(|call| call.path).collect();
    assert!(writes.is_empty(), "{writes:?}");
    let after: Vec<_> = small.sets().iter().map(|set| small.marked(set)).collect();
    assert_eq!(after, before);
}

#[test]
fn r_33_without_memory_it_renders_all_or_nothing() {
    let small = Small::new();
    let sound = render(&small);
    assert_eq!(sound.code, 0, "{}", sound.end());
    let mut ends = [0, 0];
    for mebibytes in [24, 48, 96, 128, 192, 256, 384, 512, 1024, 8192] {
        drop(std::fs::remove_dir_all(small.folder.path(".git/cache")));
        let shell = format!("ulimit -v $(({mebibytes} * 1024)); exec \"$@\"");
        let args = ["render", "--env", &small.env];
        let said = small.folder.under(&shell, Path::new(NOWHERE), &args);
        let whole = said.code == 0;
        ends[usize::from(whole)] += 1;
        let expected = if whole { sound.out.as_str() } else { "" };
        assert_eq!(said.out, expected, "{mebibytes} MiB: {}", said.end());
    }
    assert!(
        ends[0] > 0 && ends[1] > 0,
        "some fail and some do not: {ends:?}"
    );
    assert_eq!(render(&small).out, sound.out);

    // The kernel asks nobody: whatever it ends, the next run is none the worse for it.
    let mut killed = 0;
    for round in 0..20 {
        drop(std::fs::remove_dir_all(small.folder.path(".git/cache")));
        let args = ["render", "--env", &small.env, "--out", "made"];
        let mut child = small.folder.start(Path::new(NOWHERE), &args);
        std::thread::sleep(Duration::from_millis(round * 10));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        assert_eq!(render(&small).out, sound.out, "after {round}");
    }
    assert!(killed > 0, "nobody was met alive");
    let args = ["render", "--env", &small.env, "--out", "made"];
    assert_eq!(small.folder.run(Path::new(NOWHERE), &args).code, 0);
}
