//! A mail server on loopback, which writes down the lines that it hears and can misbehave.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// Stands in the Secret, and nowhere else.
pub(super) const CANARY: &str = "AbCd-canary-55";

/// How a mail server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Fine,
    /// Knows no reader, and repeats what it was told.
    Refuses,
    /// Has no time now.
    Busy,
    /// Never answers `EHLO`.
    Hangs,
    /// Says more than anybody reads.
    Endless,
    /// Offers STARTTLS.
    Offers,
    /// The same, and says more behind its yes, which is not covered.
    Whispers,
}

/// What was heard, line by line; those of letters behind their headers begin with `| `.
type Heard = Arc<Mutex<Vec<String>>>;

/// A running mail server; stopped when it is dropped.
pub(super) struct Server {
    pub(super) runtime: Runtime,
    pub(super) place: String,
    heard: Heard,
}

impl Server {
    pub(super) fn start(mood: Mood) -> Self {
        Self::covered(mood, None)
    }

    /// One that can speak TLS: after STARTTLS where it offers that, else from the beginning.
    pub(super) fn covered(mood: Mood, tls: Option<TlsAcceptor>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let heard = Heard::default();
        let lines = Arc::clone(&heard);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(meet(stream, mood, tls.clone(), Arc::clone(&lines)));
            }
        });
        Self {
            runtime,
            place,
            heard,
        }
    }

    /// What it heard so far.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn meet(stream: TcpStream, mood: Mood, tls: Option<TlsAcceptor>, heard: Heard) {
    let greeting = "220 here is a mail server\r\n";
    match (tls, mood) {
        (Some(tls), Mood::Offers | Mood::Whispers) => {
            if let Some(stream) = converse(stream, greeting, mood, &heard).await
                && let Ok(stream) = tls.accept(stream).await
            {
                heard.lock().unwrap().push("(covered)".to_owned());
                converse(stream, "", Mood::Fine, &heard).await;
            }
        }
        (Some(tls), _) => {
            if let Ok(stream) = tls.accept(stream).await {
                heard.lock().unwrap().push("(covered)".to_owned());
                converse(stream, greeting, mood, &heard).await;
            }
        }
        (None, _) => drop(converse(stream, greeting, mood, &heard).await),
    }
}

/// One conversation; what remains of it when TLS is to begin.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    greeting: &str,
    mood: Mood,
    heard: &Heard,
) -> Option<S> {
    if mood == Mood::Endless {
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        return None;
    }
    let mut both = BufReader::new(stream);
    let mut answer = greeting.to_owned();
    // Whether the body of a letter has begun, while there is one.
    let mut letter = None;
    loop {
        let out = both.get_mut();
        out.write_all(answer.as_bytes()).await.ok()?;
        out.flush().await.ok()?;
        if answer.starts_with("220 begin") {
            return Some(both.into_inner());
        }
        answer = loop {
            let mut line = String::new();
            let read = both.read_line(&mut line).await.ok()?;
            let line = (read > 0).then(|| line.trim_end().to_owned())?;
            let shown = match letter {
                Some(true) => format!("| {line}"),
                Some(false) | None => line.clone(),
            };
            heard.lock().unwrap().push(shown);
            match letter {
                None => break answer_to(&line, mood, &mut letter).await,
                Some(_) if line == "." => {
                    letter = None;
                    break "250 taken\r\n".to_owned();
                }
                Some(body) => letter = Some(body || line.is_empty()),
            }
        };
    }
}

async fn answer_to(line: &str, mood: Mood, letter: &mut Option<bool>) -> String {
    let word = line.split(' ').next().unwrap_or_default();
    let said = match (word, mood) {
        ("EHLO", Mood::Hangs) => std::future::pending().await,
        ("EHLO", Mood::Offers | Mood::Whispers) => "250-here\r\n250 STARTTLS".to_owned(),
        ("EHLO", _) => "250-here\r\n250 AUTH PLAIN LOGIN".to_owned(),
        ("STARTTLS", Mood::Whispers) => "220 begin\r\n250 AUTH LOGIN".to_owned(),
        ("STARTTLS", _) => "220 begin".to_owned(),
        ("MAIL", Mood::Busy) => "451 come again".to_owned(),
        ("RCPT", Mood::Refuses) => format!("550 {line} {CANARY} is nobody, look at job 8f3a"),
        ("DATA", _) => {
            *letter = Some(false);
            "354 go on".to_owned()
        }
        _ => "250 fine".to_owned(),
    };
    said + "\r\n"
}
