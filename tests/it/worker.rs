//! A worker that misbehaves is stopped, and only its own request fails.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kubemate::adapters::worker::{
    Confinement, Drill, Ending, Limits, Worker, WorkerError, Workers,
};

const MIB: u64 = 1024 * 1024;

fn worker() -> Worker {
    let limits = Limits {
        memory_bytes: 128 * MIB,
        cpu_seconds: 20,
        wall: Duration::from_secs(60),
        answer_bytes: MIB,
        stack_bytes: 8 * MIB,
    };
    let mut worker = Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_kubemate")), limits);
    worker.parallel = 2;
    worker
}

fn impatient(wall: u64) -> Worker {
    let mut worker = worker();
    worker.limits.wall = Duration::from_millis(wall);
    worker
}

fn death(answer: Result<Vec<u8>, WorkerError>) -> (Ending, &'static str) {
    let Err(WorkerError::Died {
        ending,
        hint,
        stderr,
    }) = answer
    else {
        panic!("{answer:?}")
    };
    assert!(!stderr.chars().any(char::is_control), "{stderr:?}");
    (ending, hint.unwrap_or(""))
}

#[test]
fn s_07_s_33_a_worker_has_no_files_no_sockets_and_no_surroundings() {
    let worker = worker();
    assert_eq!(worker.drill(Drill::Echo).unwrap(), b"here");
    assert_eq!(worker.drill(Drill::OpenFiles).unwrap(), b"");
    assert_eq!(worker.drill(Drill::OpenSockets).unwrap(), b"");
    assert_eq!(worker.drill(Drill::StartProgram).unwrap(), b"");
    assert_eq!(
        worker.drill(Drill::LookAround).unwrap(),
        b"variables=0 directory=/"
    );
}

/// That no descriptor is left stops files, too: what the kernel does is asked for.
#[cfg(target_os = "linux")]
#[test]
fn s_07_a_worker_is_shut_in_by_the_kernel_wherever_it_can() {
    use landlock::{ABI, Access as _, AccessFs, CompatLevel, Compatible as _};
    use landlock::{Ruleset, RulesetAttr as _};
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1));
    let can = rules.and_then(Ruleset::create).is_ok();
    let found = worker().examine().unwrap().confinement;
    assert_eq!(found != Confinement::LimitsOnly, can, "{found:?}");
}

/// Descriptors that whoever started this process left open for every child; none is ours.
fn left_open() -> u8 {
    const CLOEXEC: u32 = 0o2_000_000;
    let is_left_open = |path: PathBuf| {
        let info = std::fs::read_to_string(path).ok()?;
        let flags = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))?
            .trim();
        Some(u32::from_str_radix(flags, 8).ok()? & CLOEXEC == 0)
    };
    let entries = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let count = entries
        .filter(|entry| entry.file_name().to_str().unwrap().parse::<u32>().unwrap() > 2)
        .filter(|entry| is_left_open(entry.path()) == Some(true))
        .count();
    u8::try_from(count).unwrap()
}

#[test]
fn nothing_this_program_opened_reaches_a_worker() {
    let _held: Vec<_> = (0..20).map(|_| tempfile::tempfile().unwrap()).collect();
    let _socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let report = worker().examine().unwrap();
    assert_eq!(report.inherited, left_open());
    assert!(matches!(
        report.confinement,
        Confinement::Full | Confinement::Partial | Confinement::LimitsOnly
    ));
}

#[test]
fn s_23_memory_ends_at_the_limit() {
    let (ending, hint) = death(worker().drill(Drill::Allocate));
    assert_eq!(
        (ending, hint),
        (Ending::Signal(6), "it needed more memory than it may use")
    );
}

#[test]
fn s_25_processor_time_ends_at_the_limit() {
    let started = Instant::now();
    let mut worker = worker();
    worker.limits.cpu_seconds = 1;
    let (ending, hint) = death(worker.drill(Drill::Spin));
    assert_eq!(ending, Ending::Signal(24));
    assert_eq!(hint, "it needed more processor time than it may use");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn waiting_ends_at_the_limit() {
    let started = Instant::now();
    let answer = impatient(300).drill(Drill::Sleep);
    assert_eq!(
        answer,
        Err(WorkerError::TimedOut {
            after: Duration::from_millis(300)
        })
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn s_20_deep_recursion_ends_the_worker_alone() {
    let (ending, hint) = death(worker().drill(Drill::Recurse));
    assert!(matches!(ending, Ending::Signal(6 | 11)), "{ending}");
    assert_eq!(hint, "its input is nested too deeply");
}

#[test]
fn aborts_and_panics_are_values() {
    assert_eq!(death(worker().drill(Drill::Abort)).0, Ending::Signal(6));
    assert_eq!(
        death(worker().drill(Drill::Panic)),
        (Ending::Exit(101), "it panicked")
    );
}

#[test]
fn too_much_output_is_cut_off() {
    assert_eq!(
        worker().drill(Drill::Flood),
        Err(WorkerError::TooMuchOutput { limit: MIB })
    );
    assert_eq!(
        worker().drill(Drill::Noise).unwrap(),
        b"done",
        "64 MiB of noise is swallowed"
    );
}

#[test]
fn the_last_words_are_kept_short() {
    let Err(error) = worker().drill(Drill::Panic) else {
        panic!()
    };
    let WorkerError::Died { stderr, .. } = &error else {
        panic!()
    };
    assert!(
        stderr.contains("a drill") && stderr.len() <= 4096,
        "{stderr}"
    );
    assert_eq!(
        error.to_string(),
        "the worker process ended with exit code 101: it panicked"
    );
}

#[test]
fn one_failure_in_a_batch_fails_nothing_else() {
    let mut worker = impatient(6000);
    worker.batch = 4;
    let drills = [
        Drill::Echo,
        Drill::Abort,
        Drill::Echo,
        Drill::Sleep,
        Drill::Echo,
        Drill::Flood,
        Drill::Recurse,
        Drill::Echo,
        Drill::Allocate,
    ];
    let answers = worker.drill_batch(&drills);
    assert_eq!(answers.len(), drills.len());
    for (drill, answer) in drills.iter().zip(answers) {
        let class = answer.as_ref().err().map(WorkerError::class);
        let expected = match drill {
            Drill::Echo => None,
            Drill::Sleep => Some("timed-out"),
            Drill::Flood => Some("too-much-output"),
            _ => Some("died"),
        };
        assert_eq!(class, expected, "{drill:?}");
    }
}

#[test]
fn many_requests_need_few_processes() {
    let worker = worker();
    let started = Instant::now();
    let answers = worker.drill_batch(&[Drill::Echo; 200]);
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_deref() == Ok(b"here"))
    );
    assert!(started.elapsed() < Duration::from_secs(60));
    assert!(worker.run_batch(&[]).is_empty());
}

#[test]
fn a_program_that_is_no_worker_is_an_error() {
    let with = |program: &str| {
        let mut worker = worker();
        worker.program = PathBuf::from(program);
        worker.run(b"x").unwrap_err()
    };
    assert_eq!(with("/nonexistent/program").class(), "spawn");
    assert_eq!(with("/bin/true").class(), "died");
    assert_eq!(with("/bin/echo").class(), "bad-answer");
    assert_eq!(with("/usr/bin/yes").class(), "bad-answer");
}

#[test]
fn a_request_over_the_limit_starts_nothing() {
    let request = vec![0; 128 * 1024 * 1024 + 1];
    let mut worker = worker();
    worker.program = PathBuf::from("/nonexistent/program");
    assert_eq!(
        worker.run(&request).unwrap_err().class(),
        "request-too-large"
    );
}

#[test]
fn the_same_work_runs_in_this_process() {
    let workers = Workers::InProcess(std::sync::Arc::new(|request: &[u8]| {
        assert!(!request.is_empty(), "nothing to do");
        request.iter().rev().copied().collect()
    }));
    let answers = workers.run_batch(&[b"abc", b"", b"xy"]);
    assert_eq!(answers[0].as_deref(), Ok(&b"cba"[..]));
    assert_eq!(answers[1].as_ref().unwrap_err().class(), "died");
    assert_eq!(answers[2].as_deref(), Ok(&b"yx"[..]));
}
