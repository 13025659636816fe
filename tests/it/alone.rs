//! Tests that measure memory or need an environment: each runs in a process of its own.

use std::process::{Command, Stdio};
use std::time::Duration;

/// Set in the child, to the name of the one test it runs.
const NAME: &str = "KUBEMATE_TEST_ALONE";

/// Runs `body` in a process that runs nothing else. `test` is the full name of the calling test.
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    alone_with(test, &[], body);
}

/// The same with these variables set; returns whether this is the process that started the other one.
pub(crate) fn alone_with(test: &str, set: &[(&str, &str)], body: impl FnOnce()) -> bool {
    under("exec \"$@\"", test, set, body)
}

/// The same in the surroundings that a line of a shell makes, which ends in `exec "$@"`.
pub(crate) fn under(shell: &str, test: &str, set: &[(&str, &str)], body: impl FnOnce()) -> bool {
    if std::env::var_os(NAME).is_some_and(|name| name == test) {
        body();
        return false;
    }
    let output = Command::new("bash")
        .args(["-c", shell, "bash"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(NAME, test)
        .envs(set.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(
        said.contains("1 passed"),
        "`{test}` is not the name of the calling test\n{said}"
    );
    true
}

/// Processor time that this thread has used: what other processes take from the machine is not in it.
pub(crate) fn processor_time() -> Duration {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let spent = line.split_whitespace().next().unwrap();
    Duration::from_nanos(spent.parse().unwrap())
}

/// Processor time that a call uses.
pub(crate) fn cost(call: impl FnOnce()) -> Duration {
    let started = processor_time();
    call();
    processor_time() - started
}

/// Whether `n` pieces cost little, or not much more than four times a quarter of them: sixteen times is
/// what they cost where each piece is compared with each. How fast the machine is does not matter.
pub(crate) fn grows_linearly(name: &str, n: usize, cost: impl Fn(usize) -> Duration) {
    const LITTLE: Duration = Duration::from_millis(300);
    const MOST: u32 = 10;
    // What else a machine does disturbs one look, hardly all of them.
    let mut seen = Vec::new();
    for _ in 0..4 {
        let whole = cost(n);
        if whole < LITTLE {
            return;
        }
        let quarter = cost(n / 4);
        if whole < quarter * MOST {
            return;
        }
        seen.push((quarter, whole));
    }
    panic!("{name:?}: a quarter of {n}, and all of them, cost {seen:?}");
}

/// What `call` returns, and by how many bytes the peak of resident memory grew meanwhile.
pub(crate) fn peak_growth<T>(call: impl FnOnce() -> T) -> (T, u64) {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    let value = call();
    (value, peak().saturating_sub(before))
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
