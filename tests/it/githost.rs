//! A Git host on loopback: `git http-backend` behind a small bridge that can misbehave.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

use crate::loopback;

/// How the host behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mood {
    Honest,
    /// Answers everything with this status.
    Status(u16),
    /// Sends every request to this address, with the rest of the path appended.
    Redirect(String),
    /// Sends every request to itself.
    Circle,
    /// One byte a second.
    Slow,
    /// A pack that never ends.
    Endless,
    /// Flips a bit in the middle of every pack.
    Corrupt,
    /// Sends this pack, whatever was asked for.
    Pack(Vec<u8>),
    /// Speaks of something else.
    Web,
    /// Answers with ten megabytes of headers.
    Headers,
    /// Answers with a gibibyte of zeros, packed small.
    Zeros,
}

/// What the host saw and how it feels.
#[derive(Debug)]
struct Shared {
    root: PathBuf,
    mood: Mutex<Mood>,
    authorization: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
    packs: Mutex<usize>,
}

/// A running host; stopped when it is dropped.
pub(crate) struct Host {
    pub(crate) runtime: Runtime,
    pub(crate) address: String,
    shared: Arc<Shared>,
}

impl Host {
    /// Serves the bare repositories below `root`.
    pub(crate) fn start(root: &Path) -> Self {
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            mood: Mutex::new(Mood::Honest),
            authorization: Mutex::default(),
            asked: Mutex::default(),
            packs: Mutex::default(),
        });
        let app = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&shared));
        let (runtime, address) = loopback::serve(app);
        Self {
            runtime,
            address,
            shared,
        }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// Every `Authorization` header that arrived.
    pub(crate) fn authorization(&self) -> Vec<String> {
        self.shared.authorization.lock().unwrap().clone()
    }

    /// Every path that was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many packs were asked for.
    pub(crate) fn packs(&self) -> usize {
        *self.shared.packs.lock().unwrap()
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(value) = headers.get("authorization") {
        shared
            .authorization
            .lock()
            .unwrap()
            .push(value.to_str().unwrap().to_owned());
    }
    shared.asked.lock().unwrap().push(uri.path().to_owned());
    if method == Method::POST {
        *shared.packs.lock().unwrap() += 1;
    }
    let mood = shared.mood.lock().unwrap().clone();
    let wants_pack = body.ends_with(b"0009done\n");
    let honest = backend(&shared.root, &method, &uri, body);
    match mood {
        Mood::Honest => honest.await,
        Mood::Status(status) => plain(status, Body::empty()),
        Mood::Redirect(to) => moved(&format!("{to}{uri}")),
        Mood::Circle => moved(&uri.to_string()),
        Mood::Slow => trickle(honest.await).await,
        Mood::Endless if wants_pack => endless(),
        Mood::Endless => honest.await,
        Mood::Corrupt if wants_pack => flip(honest.await).await,
        Mood::Corrupt => honest.await,
        Mood::Pack(pack) if wants_pack => banded(&pack),
        Mood::Pack(_) => honest.await,
        Mood::Web => plain(200, Body::from("<html>")),
        Mood::Headers => {
            let mut response = Response::builder();
            for number in 0..1300 {
                response = response.header(format!("x-{number}"), "x".repeat(8_000));
            }
            response.body(Body::empty()).unwrap()
        }
        Mood::Zeros => zeros(),
    }
}

fn plain(status: u16, body: Body) -> Response {
    Response::builder().status(status).body(body).unwrap()
}

fn moved(to: &str) -> Response {
    Response::builder()
        .status(302)
        .header("location", to)
        .body(Body::empty())
        .unwrap()
}

fn banded(pack: &[u8]) -> Response {
    let mut bytes = b"0008NAK\n".to_vec();
    for part in pack.chunks(60_000) {
        bytes.extend(format!("{:04x}\x01", part.len() + 5).into_bytes());
        bytes.extend(part);
    }
    bytes.extend(b"0000");
    Response::builder()
        .header("content-type", "application/x-git-upload-pack-result")
        .body(Body::from(bytes))
        .unwrap()
}

fn endless() -> Response {
    // Progress on the second band, for ever.
    let packet = Bytes::from([&b"0fff\x02"[..], &[b'.'; 0xffa]].concat());
    let stream = futures::stream::repeat(packet).map(Ok::<_, std::io::Error>);
    Response::builder()
        .header("content-type", "application/x-git-upload-pack-result")
        .body(Body::from_stream(
            futures::stream::iter([Ok(Bytes::from("0008NAK\n"))]).chain(stream),
        ))
        .unwrap()
}

fn zeros() -> Response {
    use std::io::Write as _;
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut packed = packed;
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..1024 {
        packed.write_all(&zeros).unwrap();
    }
    Response::builder()
        .header(
            "content-type",
            "application/x-git-upload-pack-advertisement",
        )
        .header("content-encoding", "gzip")
        .body(Body::from(packed.finish().unwrap()))
        .unwrap()
}

async fn trickle(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let stream = futures::stream::unfold((bytes, 0), |(bytes, at)| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let byte = bytes.get(at..=at).map(Bytes::copy_from_slice)?;
        Some((Ok::<_, std::io::Error>(byte), (bytes, at + 1)))
    });
    Response::from_parts(parts, Body::from_stream(stream))
}

async fn flip(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let mut bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap()
        .to_vec();
    let pack = bytes
        .windows(4)
        .position(|window| window == b"PACK")
        .unwrap();
    bytes[pack + 20] ^= 0x10;
    Response::from_parts(parts, Body::from(bytes))
}

/// Runs `git http-backend` for one request.
async fn backend(root: &Path, method: &Method, uri: &Uri, body: Bytes) -> Response {
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or(""))
        .env("CONTENT_TYPE", "application/x-git-upload-pack-request")
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = tokio::spawn(async move { stdin.write_all(&body).await });
    let output = child.wait_with_output().await.unwrap();
    drop(feed.await);
    let end = output
        .stdout
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = std::str::from_utf8(&output.stdout[..end]).unwrap();
    let mut response = Response::builder();
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(StatusCode::from_bytes(&value.as_bytes()[..3]).unwrap()),
            _ => response.header(name, value),
        };
    }
    response
        .body(Body::from(output.stdout[end + 4..].to_vec()))
        .unwrap()
}
