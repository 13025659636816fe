//! The parent's side of one worker process: start, ask, listen, stop.
//!
//! Three threads move the bytes, each until its pipe ends; the process is killed and awaited on every
//! way out, which ends the pipes.

use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::confine::Report;
use super::drill::Drill;
use super::frame::{self, MAX_REQUEST, Opening};
use super::{Answer, Ending, Limits, Worker, WorkerError};
use crate::adapters::text::printable_tail;

/// How much of a worker's standard error is kept.
const STDERR_TAIL: usize = 4096;
/// How long a worker that closed its output may take to end.
const ENDING: Duration = Duration::from_secs(2);
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

/// One thing to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Job<'a> {
    Work(&'a [u8]),
    Drill(Drill),
}

/// What the reader of the answers met.
enum Heard {
    Report(Report),
    Answer(Vec<u8>),
    TooMuch,
    Nonsense(&'static str),
}

/// A child that is dead when this is gone.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a process that has ended and was awaited.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks one process to do these jobs. The answers end with the first failure.
pub(super) fn talk(worker: &Worker, jobs: &[Job<'_>]) -> (Option<Report>, Vec<Answer>) {
    if let Some(error) = jobs.first().and_then(oversized) {
        return (None, vec![Err(error)]);
    }
    // The others of a batch are refused when they come first.
    let fitting = jobs
        .iter()
        .position(|job| oversized(job).is_some())
        .unwrap_or(jobs.len());
    match start(worker) {
        Ok(child) => converse(Running(child), worker.limits, &jobs[..fitting]),
        Err(reason) => (None, vec![Err(WorkerError::Spawn { reason })]),
    }
}

fn oversized(job: &Job<'_>) -> Option<WorkerError> {
    match job {
        Job::Work(request) if request.len() > MAX_REQUEST => Some(WorkerError::RequestTooLarge {
            bytes: request.len(),
            limit: MAX_REQUEST,
        }),
        Job::Work(_) | Job::Drill(_) => None,
    }
}

fn start(worker: &Worker) -> Result<Child, String> {
    Command::new(&worker.program)
        .arg("worker")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())
}

fn converse(mut child: Running, limits: Limits, jobs: &[Job<'_>]) -> (Option<Report>, Vec<Answer>) {
    let pipes = (
        child.0.stdin.take(),
        child.0.stdout.take(),
        child.0.stderr.take(),
    );
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return (
            None,
            vec![Err(WorkerError::Spawn {
                reason: "it has no pipes".to_owned(),
            })],
        );
    };
    thread::scope(|scope| {
        let (say, hear) = mpsc::sync_channel(1);
        scope.spawn(move || ask(stdin, limits, jobs));
        scope.spawn(move || listen(stdout, limits.answer_bytes, jobs.len(), &say));
        let last_words = scope.spawn(move || tail(stderr));
        let mut report = None;
        let mut answers = Vec::with_capacity(jobs.len());
        let failure = collect(&hear, limits, jobs.len(), &mut report, &mut answers);
        // The listener may be waiting to hand over what nobody wants any more.
        drop(hear);
        let status = match failure {
            Some(Failure::Ended) => await_end(&mut child.0),
            Some(Failure::Known(_)) | None => None,
        };
        drop(child);
        let stderr = last_words.join().unwrap_or_default();
        match failure {
            Some(Failure::Known(error)) => answers.push(Err(error)),
            Some(Failure::Ended) => answers.push(Err(died(status, stderr))),
            None => {}
        }
        (report, answers)
    })
}

/// Why collecting answers stopped early.
enum Failure {
    Known(WorkerError),
    Ended,
}

fn collect(
    hear: &Receiver<Heard>,
    limits: Limits,
    wanted: usize,
    report: &mut Option<Report>,
    answers: &mut Vec<Answer>,
) -> Option<Failure> {
    let mut deadline = Instant::now() + limits.wall;
    while answers.len() < wanted {
        let left = deadline.saturating_duration_since(Instant::now());
        match hear.recv_timeout(left) {
            Ok(Heard::Report(said)) => *report = Some(said),
            Ok(Heard::Answer(answer)) => {
                answers.push(Ok(answer));
                deadline = Instant::now() + limits.wall;
            }
            Ok(Heard::TooMuch) => {
                let limit = limits.answer_bytes;
                return Some(Failure::Known(WorkerError::TooMuchOutput { limit }));
            }
            Ok(Heard::Nonsense(reason)) => {
                return Some(Failure::Known(WorkerError::BadAnswer { reason }));
            }
            Err(RecvTimeoutError::Timeout) => {
                let after = limits.wall;
                return Some(Failure::Known(WorkerError::TimedOut { after }));
            }
            Err(RecvTimeoutError::Disconnected) => return Some(Failure::Ended),
        }
    }
    None
}

/// Writes everything; a worker that stopped reading is noticed by its missing answer.
fn ask(stdin: ChildStdin, limits: Limits, jobs: &[Job<'_>]) {
    let mut to = BufWriter::new(stdin);
    let count = jobs.len() as u64;
    let opening = Opening {
        memory_bytes: limits.memory_bytes,
        cpu_seconds: limits.cpu_seconds.saturating_mul(count),
        stack_bytes: limits.stack_bytes,
        jobs: count,
    };
    let write_all = |to: &mut BufWriter<ChildStdin>| {
        opening.write(to)?;
        for job in jobs {
            let (kind, request) = match job {
                Job::Work(request) => (0, *request),
                Job::Drill(drill) => (drill.to_byte(), &[][..]),
            };
            to.write_all(&[kind])?;
            frame::write_block(to, request)?;
        }
        to.flush()
    };
    drop::<std::io::Result<()>>(write_all(&mut to));
}

fn listen(stdout: ChildStdout, limit: u64, wanted: usize, say: &SyncSender<Heard>) {
    let mut from = BufReader::new(stdout);
    let Ok(report) = introduction(&mut from) else {
        return;
    };
    let go_on = matches!(report, Heard::Report(_));
    if say.send(report).is_err() || !go_on {
        return;
    }
    for _ in 0..wanted {
        let heard = match frame::read_block(&mut from, limit) {
            Ok(Some(answer)) => Heard::Answer(answer),
            Ok(None) => Heard::TooMuch,
            Err(_) => return,
        };
        if say.send(heard).is_err() {
            return;
        }
    }
}

fn introduction(from: &mut impl Read) -> std::io::Result<Heard> {
    if let Err(error) = frame::read_magic(from) {
        return match error.kind() {
            std::io::ErrorKind::InvalidData => Ok(Heard::Nonsense("it is not a worker")),
            _ => Err(error),
        };
    }
    let mut report = [0; 2];
    from.read_exact(&mut report)?;
    Ok(Report::from_bytes(report).map_or(Heard::Nonsense("its report is unknown"), Heard::Report))
}

/// Reads to the end and keeps the last words only.
fn tail(mut stderr: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; STDERR_TAIL];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(STDERR_TAIL);
        kept.drain(..surplus);
    }
    printable_tail(&kept, STDERR_TAIL)
}

/// Its output has ended, so it is about to end itself.
fn await_end(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + ENDING;
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(pause),
            Ok(None) | Err(_) => return None,
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn died(status: Option<ExitStatus>, stderr: String) -> WorkerError {
    let ending = match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code), _)) => Ending::Exit(code),
        Some((None, Some(signal))) => Ending::Signal(signal),
        Some((None, None)) | None => Ending::Signal(SIGKILL),
    };
    let hint = match ending {
        Ending::Signal(SIGXCPU) => Some("it needed more processor time than it may use"),
        Ending::Signal(SIGABRT | SIGSEGV) if stderr.contains("overflowed its stack") => {
            Some("its input is nested too deeply")
        }
        Ending::Signal(SIGABRT) if stderr.contains("memory allocation of") => {
            Some("it needed more memory than it may use")
        }
        Ending::Signal(SIGKILL) => {
            Some("it was killed, most often because the machine or container ran out of memory")
        }
        Ending::Exit(super::child::EXIT_PANICKED) => Some("it panicked"),
        Ending::Exit(_) | Ending::Signal(_) => None,
    };
    WorkerError::Died {
        ending,
        hint,
        stderr,
    }
}
