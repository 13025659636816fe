//! Work on untrusted text in a process of its own: this program, started again as `kubemate worker`.
//!
//! The child gets bytes and returns bytes. It has an empty environment, no files, no network, and
//! limits on memory, CPU, time and output, so nothing in a request can abort, stall or fill the parent:
//! whatever happens to a child comes back as a [`WorkerError`]. No credential ever enters a request.

mod child;
mod confine;
mod drill;
mod frame;
mod process;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub use child::worker_main;
pub use confine::{Confinement, Report};
pub use drill::Drill;

/// What one request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Private memory, the stack included.
    pub memory_bytes: u64,
    /// Processor time in whole seconds.
    pub cpu_seconds: u64,
    /// Time until the answer is complete.
    pub wall: Duration,
    /// Size of the answer.
    pub answer_bytes: u64,
    /// Stack of the thread that works.
    pub stack_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 * 1024 * 1024,
            cpu_seconds: 60,
            wall: Duration::from_mins(1),
            answer_bytes: 64 * 1024 * 1024,
            stack_bytes: 16 * 1024 * 1024,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// No process could be started.
    #[error("no worker process could be started: {reason}")]
    Spawn {
        /// The system's reason.
        reason: String,
    },
    /// The process ended before it answered.
    #[error("the worker process ended with {ending}{}", hint.map(|h| format!(": {h}")).unwrap_or_default())]
    Died {
        /// How it ended.
        ending: Ending,
        /// What that means, where it is known.
        hint: Option<&'static str>,
        /// The last 4 KiB it wrote to its standard error, escaped.
        stderr: String,
    },
    /// It did not answer in time and was killed.
    #[error("the worker process gave no answer within {} ms and was stopped", after.as_millis())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// Its answer is over the limit; it was killed.
    #[error("the worker's answer is larger than {limit} bytes")]
    TooMuchOutput {
        /// The limit.
        limit: u64,
    },
    /// The request is over the limit; nothing was started.
    #[error("a request of {bytes} bytes is larger than the {limit} bytes a worker takes")]
    RequestTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It answered something that is no answer.
    #[error("the worker process answered nonsense: {reason}")]
    BadAnswer {
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl WorkerError {
    /// A word for metrics and events.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Spawn { .. } => "spawn",
            Self::Died { .. } => "died",
            Self::TimedOut { .. } => "timed-out",
            Self::TooMuchOutput { .. } => "too-much-output",
            Self::RequestTooLarge { .. } => "request-too-large",
            Self::BadAnswer { .. } => "bad-answer",
        }
    }
}

/// The answer to one request.
pub type Answer = Result<Vec<u8>, WorkerError>;

/// Starts worker processes.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The program to start, with the one argument `worker`.
    pub program: PathBuf,
    /// What each request may use.
    pub limits: Limits,
    /// How many processes may run at the same time.
    pub parallel: usize,
    /// How many requests one process answers, one after the other.
    pub batch: usize,
}

impl Worker {
    /// Workers of this program.
    pub fn new(program: PathBuf, limits: Limits) -> Self {
        let parallel = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(8);
        Self {
            program,
            limits,
            parallel,
            batch: 16,
        }
    }

    /// Workers of the program that is running, also after its file was replaced.
    pub fn this_program(limits: Limits) -> Result<Self, WorkerError> {
        let running = PathBuf::from("/proc/self/exe");
        let program = if running.exists() {
            running
        } else {
            std::env::current_exe().map_err(|error| WorkerError::Spawn {
                reason: error.to_string(),
            })?
        };
        Ok(Self::new(program, limits))
    }

    /// Answers one request in a process of its own.
    pub fn run(&self, request: &[u8]) -> Answer {
        self.alone(process::Job::Work(request))
    }

    /// Answers many requests, several in one process. A request that fails is tried once more in a
    /// process of its own, so that it fails by its own doing and none of the others ever does.
    pub fn run_batch(&self, requests: &[&[u8]]) -> Vec<Answer> {
        let jobs: Vec<_> = requests
            .iter()
            .map(|request| process::Job::Work(request))
            .collect();
        self.batch_of(&jobs)
    }

    /// Lets a worker misbehave on purpose, to see that it is stopped.
    pub fn drill(&self, drill: Drill) -> Answer {
        self.alone(process::Job::Drill(drill))
    }

    /// [`Worker::run_batch`] for drills.
    pub fn drill_batch(&self, drills: &[Drill]) -> Vec<Answer> {
        let jobs: Vec<_> = drills
            .iter()
            .map(|drill| process::Job::Drill(*drill))
            .collect();
        self.batch_of(&jobs)
    }

    /// How well this machine confines a worker.
    pub fn examine(&self) -> Result<Report, WorkerError> {
        let (report, answers) = process::talk(self, &[process::Job::Drill(Drill::Echo)]);
        match answers.into_iter().next() {
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => report.ok_or(WorkerError::BadAnswer {
                reason: "it did not introduce itself",
            }),
        }
    }

    fn alone(&self, job: process::Job<'_>) -> Answer {
        let (_, answers) = process::talk(self, &[job]);
        let nothing = Err(WorkerError::BadAnswer {
            reason: "it gave no answer",
        });
        answers.into_iter().next().unwrap_or(nothing)
    }

    fn batch_of(&self, jobs: &[process::Job<'_>]) -> Vec<Answer> {
        // Small rounds are shared out evenly.
        let size = jobs.len().div_ceil(self.parallel.max(1));
        let chunks: Vec<_> = jobs.chunks(size.clamp(1, self.batch.max(1))).collect();
        let next = AtomicUsize::new(0);
        let done = Mutex::new(vec![Vec::new(); chunks.len()]);
        thread::scope(|scope| {
            for _ in 0..self.parallel.clamp(1, chunks.len().max(1)) {
                scope.spawn(|| {
                    while let Some((at, chunk)) = take(&next, &chunks) {
                        let answers = self.chunk(chunk);
                        if let Ok(mut done) = done.lock()
                            && let Some(place) = done.get_mut(at)
                        {
                            *place = answers;
                        }
                    }
                });
            }
        });
        done.into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .into_iter()
            .flatten()
            .collect()
    }

    /// Every round answers at least one job for good, so there are at most two processes for each.
    fn chunk(&self, jobs: &[process::Job<'_>]) -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
        while let Some(rest) = jobs.get(answers.len()..).filter(|rest| !rest.is_empty()) {
            let (_, given) = process::talk(self, rest);
            answers.extend(given);
            let shared_process = rest.len() > 1;
            if let Some(last) = answers.last_mut()
                && last.is_err()
                && shared_process
                && let Some(job) = jobs.get(answers.len() - 1)
            {
                let second = self.alone(*job);
                if let Some(last) = answers.last_mut() {
                    *last = second;
                }
            }
        }
        answers
    }
}

fn take<'a, T>(next: &AtomicUsize, chunks: &[&'a [T]]) -> Option<(usize, &'a [T])> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    chunks.get(at).map(|chunk| (at, *chunk))
}

/// The work itself: bytes in, bytes out.
pub type Work = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// Where requests are answered.
#[derive(Clone)]
pub enum Workers {
    /// In processes, as everywhere but in tests and benches.
    Processes(Worker),
    /// In this process, on a thread with a large stack, without any limit on what it uses.
    InProcess(Work),
}

impl Workers {
    /// Answers every request, in order.
    pub fn run_batch(&self, requests: &[&[u8]]) -> Vec<Answer> {
        match self {
            Self::Processes(worker) => worker.run_batch(requests),
            Self::InProcess(work) => requests.iter().map(|r| in_process(work, r)).collect(),
        }
    }

    /// Answers one request.
    pub fn run(&self, request: &[u8]) -> Answer {
        match self {
            Self::Processes(worker) => worker.run(request),
            Self::InProcess(work) => in_process(work, request),
        }
    }
}

fn in_process(work: &Work, request: &[u8]) -> Answer {
    let stack = usize::try_from(Limits::default().stack_bytes).unwrap_or(usize::MAX);
    let died = || WorkerError::Died {
        ending: Ending::Exit(child::EXIT_PANICKED),
        hint: Some("it panicked"),
        stderr: String::new(),
    };
    thread::scope(|scope| {
        let call = || catch_unwind(AssertUnwindSafe(|| work(request)));
        match thread::Builder::new()
            .stack_size(stack)
            .spawn_scoped(scope, call)
        {
            Ok(thread) => thread.join().ok().and_then(Result::ok).ok_or_else(died),
            Err(error) => Err(WorkerError::Spawn {
                reason: error.to_string(),
            }),
        }
    })
}
