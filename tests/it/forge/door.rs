//! The door by which calls of forges come in: only what is signed is heard, once, and however many
//! calls there are, few looks come of them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubemate::controller::commands::Call;
use kubemate::controller::credentials::Credentials;
use kubemate::controller::hooks::{Door, serve};
use kubemate::controller::serve::Vitals;
use kubemate::report::forge::webhook::MAX_BODY;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::hooks::{SECRET, hex, mac, push};
use crate::bed::PATIENCE;

/// A call as GitHub makes it: what is sent before the body.
pub(crate) fn head(name: &str, (event, id): (&str, &str), body: &[u8]) -> String {
    let sum = hex(&mac(&[body]));
    format!(
        "POST /hooks/{name} HTTP/1.1\r\nhost: hooks\r\nconnection: close\r\nx-github-event: {event}\r\n\
         x-github-delivery: {id}\r\nx-hub-signature-256: sha256={sum}\r\n"
    )
}

/// Sends this and returns the status that is answered.
pub(crate) fn send(address: SocketAddr, head: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let length = body.len();
    let head = format!("{head}content-length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    status(&mut stream)
}

fn status(stream: &mut TcpStream) -> u16 {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
}

struct Bed {
    runtime: Runtime,
    address: SocketAddr,
    calls: mpsc::Receiver<String>,
    commands: mpsc::Receiver<Call>,
    vitals: Arc<Vitals>,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Bed {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        for name in ["dev", "other"] {
            let file = directory.path().join(format!("{name}.hook-secret"));
            std::fs::write(file, SECRET).unwrap();
        }
        std::fs::write(directory.path().join("weak.hook-secret"), "short").unwrap();
        let (tell, calls) = mpsc::channel(64);
        let (ask, commands) = mpsc::channel(4);
        let vitals = Arc::new(Vitals::default());
        vitals.leads(true);
        let credentials = Credentials::new(Some(directory.path().to_owned()));
        let door = Door::new(credentials, Arc::clone(&vitals), tell, Some(ask));
        let stop = CancellationToken::new();
        let here = "127.0.0.1:0".parse().unwrap();
        let served = runtime.block_on(serve(here, door, stop.clone()));
        Self {
            address: served.unwrap().0,
            runtime,
            calls,
            commands,
            vitals,
            stop,
            _directory: directory,
        }
    }

    fn push(&self, name: &str, id: &str) -> u16 {
        let body = push().to_string();
        send(
            self.address,
            &head(name, ("push", id), body.as_bytes()),
            body.as_bytes(),
        )
    }

    /// The names that came through: so many at least, and then those within a time without any.
    fn heard_after(&mut self, least: usize, quiet: Duration) -> Vec<String> {
        let mut all = Vec::new();
        while all.len() < least {
            let next = self
                .runtime
                .block_on(async { tokio::time::timeout(PATIENCE, self.calls.recv()).await });
            all.push(next.expect("in time").expect("a name"));
        }
        all.extend(self.heard(quiet));
        all
    }

    /// The names that came through within a time without any.
    fn heard(&mut self, quiet: Duration) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Some(name)) = self
            .runtime
            .block_on(async { tokio::time::timeout(quiet, self.calls.recv()).await })
        {
            all.push(name);
        }
        all
    }
}

const QUIET: Duration = Duration::from_millis(300);

#[test]
fn s_70_a_signed_push_comes_through_and_nothing_else_does() {
    let mut bed = Bed::new();
    let body = push().to_string();
    let body = body.as_bytes();
    let signed = head("dev", ("push", "1"), body);
    let unsigned = "POST /hooks/dev HTTP/1.1\r\nhost: hooks\r\nconnection: close\r\n";
    let forged = signed.replace("sha256=", "sha256=0");
    for (head, body, expected) in [
        (unsigned, body, 401),
        (&forged, body, 401),
        (&signed, &b"another body"[..], 401),
        (&signed.replace("/dev", "/nobody"), body, 401),
        (&signed.replace("/dev", "/weak"), body, 401),
        (&signed.replace("/dev", "/..%2fdev"), body, 401),
        (&signed.replace("/dev", "/dev/more"), body, 404),
        (&signed.replace("POST", "GET"), body, 405),
        (&head("dev", ("push", "1"), b"{ no json"), b"{ no json", 400),
        (&head("dev", ("ping", "2"), body), body, 202),
        (&head("dev", ("issue_comment", "3"), body), body, 202),
    ] {
        assert_eq!(send(bed.address, head, body), expected, "{head}");
    }
    assert_eq!(bed.heard(QUIET), Vec::<String>::new());

    assert_eq!(send(bed.address, &signed, body), 202);
    assert_eq!(bed.heard_after(1, QUIET), ["dev"]);

    // A process that does not lead cannot look, and does not pretend to.
    bed.vitals.leads(false);
    assert_eq!(bed.push("other", "4"), 503);
    assert_eq!(bed.heard(QUIET), Vec::<String>::new());
}

#[test]
fn s_75_a_repeated_call_is_taken_and_comes_to_nothing() {
    let mut bed = Bed::new();
    assert_eq!(bed.push("dev", "one"), 202);
    assert!((0..20).all(|_| bed.push("dev", "one") == 202));
    // Longer than a beat: what was asked again would have come.
    assert_eq!(bed.heard_after(1, Duration::from_millis(2_500)), ["dev"]);
    // The same number from another forge is another call.
    assert_eq!(bed.push("other", "one"), 202);
    assert_eq!(bed.heard_after(1, QUIET), ["other"]);
}

#[test]
fn s_75_a_thousand_calls_come_to_few_looks() {
    let mut bed = Bed::new();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let bed = &bed;
            scope.spawn(move || {
                for n in 0..125 {
                    assert_eq!(bed.push("dev", &format!("{thread}-{n}")), 202);
                }
            });
        }
    });
    let beats = usize::try_from(began.elapsed().as_secs() / 2).unwrap();
    let heard = bed.heard_after(2, Duration::from_millis(2_500));
    // The first at once, the last one after all others, and one each beat between them.
    assert!(heard.len() <= beats + 3, "{}", heard.len());
}

#[test]
fn s_72_what_is_too_large_is_not_read() {
    let bed = Bed::new();
    let head = head("dev", ("push", "1"), b"");
    let mut stream = TcpStream::connect(bed.address).unwrap();
    let announced = format!("{head}content-length: {}\r\n\r\n", MAX_BODY + 1);
    stream.write_all(announced.as_bytes()).unwrap();
    assert_eq!(status(&mut stream), 413);

    let mut stream = TcpStream::connect(bed.address).unwrap();
    let unannounced = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n",
        MAX_BODY + 1
    );
    stream.write_all(unannounced.as_bytes()).unwrap();
    stream.write_all(&vec![b' '; MAX_BODY + 1]).unwrap();
    assert_eq!(status(&mut stream), 413);
}

#[test]
fn s_72_silent_connections_are_few_and_leave_their_places() {
    let bed = Bed::new();
    let silent: Vec<_> = (0..64)
        .map(|_| TcpStream::connect(bed.address).unwrap())
        .collect();
    let address = bed.address;
    let body = push().to_string();
    let call = std::thread::spawn(move || {
        send(
            address,
            &head("dev", ("push", "1"), body.as_bytes()),
            body.as_bytes(),
        )
    });
    std::thread::sleep(QUIET);
    assert!(!call.is_finished(), "there was a place too many");
    drop(silent);
    assert_eq!(call.join().unwrap(), 202);
}

#[test]
fn s_76_a_new_comment_that_is_a_command_comes_through_once_and_few_wait() {
    let mut bed = Bed::new();
    let send = |id: &str, action: &str, text: &str| {
        let body = json!({
            "action": action, "issue": { "number": 7, "pull_request": {} },
            "comment": { "id": 5, "user": { "login": "ann" }, "body": text },
            "repository": { "full_name": "team/platform" },
        });
        let body = body.to_string();
        let head = head("dev", ("issue_comment", id), body.as_bytes());
        assert_eq!(send(bed.address, &head, body.as_bytes()), 202, "{text}");
    };
    send("1", "edited", "/kubemate plan");
    send("2", "created", "> /kubemate plan");
    send("3", "created", "```\n/kubemate plan\n```");
    send("4", "created", "/kubemate plan");
    send("4", "created", "/kubemate plan");
    // More than can wait; what is odd comes through to be refused.
    (10..20).for_each(|n| send(&n.to_string(), "created", "/kubemate plan; ls"));
    let mut words = Vec::new();
    while let Ok(call) = bed.commands.try_recv() {
        words.push(call.command.map(|command| command.word()).ok());
    }
    assert_eq!(words, [Some("plan"), None, None, None]);
}
