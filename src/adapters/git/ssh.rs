//! Git over ssh, by starting the `ssh` program: its known hosts, agents and key types come for free.
//!
//! The program gets no shell on this side, no configuration, and nothing of an address that was not
//! checked. Host keys are always verified. It is killed at the deadline and at the end.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};

use super::guard::Guard;
use super::session::Session;
use crate::adapters::text::printable_tail;

/// How much of what ssh complains about is kept.
const STDERR_TAIL: usize = 1024;

/// libgit2's view of a remote over ssh.
pub(super) struct Ssh(pub(super) Arc<Session>);

impl SmartSubtransport for Ssh {
    fn action(
        &self,
        _url: &str,
        service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        match service {
            Service::UploadPackLs | Service::UploadPack => {}
            Service::ReceivePackLs | Service::ReceivePack => {
                return Err(git2::Error::from_str("nothing is pushed over ssh"));
            }
        }
        let pipe =
            Pipe::start(&self.0).map_err(|error| git2::Error::from_str(&error.to_string()))?;
        Ok(Box::new(pipe))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// A running ssh.
struct Pipe {
    session: Arc<Session>,
    child: Arc<Mutex<Child>>,
    stdin: ChildStdin,
    stdout: ChildStdout,
    complaint: Option<JoinHandle<Vec<u8>>>,
    guard: Guard,
    /// Dropped at the end, which ends the thread that watches the deadline.
    _done: Sender<()>,
}

impl Pipe {
    fn start(session: &Arc<Session>) -> io::Result<Self> {
        let refused = |error: io::Error| {
            let program = session.ssh.program.display().to_string();
            session.fail(session.unreachable(format!("`{program}` could not be started: {error}")))
        };
        let command =
            command(session).map_err(|error| session.fail(session.unreachable(error.to_string())));
        let mut child = command?.spawn().map_err(refused)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(mut stderr)) = pipes else {
            return Err(io::Error::other("ssh has no pipes"));
        };
        let complaint = thread::spawn(move || {
            let mut kept = Vec::new();
            let mut buffer = [0; STDERR_TAIL];
            while let Ok(count @ 1..) = stderr.read(&mut buffer) {
                kept.extend_from_slice(&buffer[..count]);
                kept.drain(..kept.len().saturating_sub(STDERR_TAIL));
            }
            kept
        });
        let child = Arc::new(Mutex::new(child));
        let done = watch(Arc::clone(&child), session.until);
        let (session, guard) = (Arc::clone(session), session.guard());
        Ok(Self {
            session,
            child,
            stdin,
            stdout,
            complaint: Some(complaint),
            guard,
            _done: done,
        })
    }

    /// Why ssh said nothing more: the deadline, or what it complained about.
    fn ended(&mut self) -> io::Error {
        kill(&self.child);
        let said = self
            .complaint
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        if self.session.is_late() {
            return self.session.fail(self.session.timed_out());
        }
        let reason = match printable_tail(&said, STDERR_TAIL) {
            said if said.is_empty() => "ssh ended without an answer".to_owned(),
            said => said,
        };
        self.session.fail(self.session.unreachable(reason))
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.stdout.read(into) {
            Ok(0) if !into.is_empty() => Err(self.ended()),
            Ok(count) => {
                let received = into.get(..count).unwrap_or_default();
                self.session
                    .receive(received, Some(&mut self.guard))
                    .map(|()| count)
            }
            Err(_) => Err(self.ended()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdin.write(bytes).map_err(|_| self.ended())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdin.flush()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        kill(&self.child);
    }
}

fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // Both fail only for a process that has ended and was awaited.
    drop(child.kill());
    drop(child.wait());
}

/// Kills the child at the deadline, so that no read waits longer.
fn watch(child: Arc<Mutex<Child>>, until: Instant) -> Sender<()> {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let left = until.saturating_duration_since(Instant::now());
        if ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
            kill(&child);
        }
    });
    done
}

/// The path was checked to hold no quote, so quoting it for the far shell is safe.
fn command(session: &Session) -> io::Result<Command> {
    let address = &session.address;
    let host = address.host().trim_start_matches('[').trim_end_matches(']');
    let at = session.reach.pinned(host, address.port().unwrap_or(22))?;
    let mut command = Command::new(&session.ssh.program);
    command.env_clear();
    for name in ["PATH", "HOME", "SSH_AUTH_SOCK"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let known = session
        .ssh
        .known_hosts
        .as_ref()
        .map_or("/dev/null".into(), |p| p.display().to_string());
    command
        .args([
            "-F",
            "/dev/null",
            "-T",
            "-oBatchMode=yes",
            "-oStrictHostKeyChecking=yes",
        ])
        .args([
            "-oForwardAgent=no",
            "-oClearAllForwardings=yes",
            "-oPermitLocalCommand=no",
        ])
        .arg(format!("-oUserKnownHostsFile={known}"))
        .args(["-oGlobalKnownHostsFile=/dev/null", "-oConnectTimeout=10"]);
    if let Some(key) = &session.ssh.key {
        command.arg("-oIdentitiesOnly=yes").arg("-i").arg(key);
    }
    if let Some(port) = address.port() {
        command.arg("-p").arg(port.to_string());
    }
    if let Some(user) = address.user() {
        command.arg("-l").arg(user);
    }
    if let Some(at) = at {
        // Keys of hosts are known by name all the same.
        let known = match address.port() {
            Some(port) => format!("[{host}]:{port}"),
            None => host.to_owned(),
        };
        command
            .arg(format!("-oHostName={at}"))
            .arg(format!("-oHostKeyAlias={known}"));
    }
    command
        .arg("--")
        .arg(host)
        .arg(format!("git-upload-pack '/{}'", address.path()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}
