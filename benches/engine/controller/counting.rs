//! A plain HTTP server before the API server that passes everything on and counts what passes: so it is
//! known what one client asks for. It speaks with the administrator's rights. It can break some calls.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::BodyExt as _;
use kube::Client;
use tokio::task::JoinHandle;

/// One request that passed: its method, and its path with the query.
pub(super) type Call = (String, String);

struct Shared {
    client: Client,
    calls: Mutex<Vec<Call>>,
    /// Of so many calls one is broken; of none where it is zero.
    breaks: usize,
    passed: AtomicUsize,
}

/// A running server; it ends when it is dropped.
pub(super) struct Counting {
    shared: Arc<Shared>,
    kubeconfig: tempfile::NamedTempFile,
    task: JoinHandle<()>,
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Counting {
    pub(super) async fn start(client: Client) -> Self {
        Self::breaking(client, 0).await
    }

    /// One that breaks one of so many calls: by turns before it has an effect, and after it.
    pub(super) async fn breaking(client: Client, breaks: usize) -> Self {
        let shared = Arc::new(Shared {
            client,
            calls: Mutex::default(),
            breaks,
            passed: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "counted",
            "clusters": [{"name": "counted", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "counted", "user": {}}],
            "contexts": [{"name": "counted", "context": {"cluster": "counted", "user": "counted"}}],
        });
        let mut kubeconfig = tempfile::NamedTempFile::new().unwrap();
        kubeconfig.write_all(text.to_string().as_bytes()).unwrap();
        Self {
            shared,
            kubeconfig,
            task,
        }
    }

    /// A kubeconfig that leads through it.
    pub(super) fn kubeconfig(&self) -> &Path {
        self.kubeconfig.path()
    }

    /// What passed since it was asked last, but for Leases and watches.
    pub(super) fn taken(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *self.shared.calls.lock().unwrap());
        calls.retain(|(_, path)| !path.contains("/leases") && !path.contains("watch="));
        calls
    }

    /// Everything that passed since it was asked last.
    pub(super) fn all(&self) -> Vec<Call> {
        std::mem::take(&mut *self.shared.calls.lock().unwrap())
    }
}

/// Whether a call changes something.
pub(super) fn changes((method, path): &Call) -> bool {
    method != "GET" && !path.contains("dryRun=")
}

/// How many calls there were of each method and resource.
pub(super) fn by_kind(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (method, path) in calls {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let how = match method.as_str() {
            "GET" if query.contains("watch=") => "WATCH",
            _ if query.contains("dryRun=") => "DRY-RUN",
            method => method,
        };
        *counts
            .entry(format!("{how} {}", resource(path)))
            .or_default() += 1;
    }
    counts
}

/// What a path leads to, as in `configmaps` or `syncs/status`.
fn resource(path: &str) -> String {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let after = if parts[0] == "api" { 2 } else { 3 };
    match parts.get(after..).unwrap_or_default() {
        ["namespaces", _, resource, _, below] => format!("{resource}/{below}"),
        ["namespaces", _, resource, ..] | [resource, ..] => (*resource).to_owned(),
        [] => "discovery".to_owned(),
    }
}

/// An answer that says that something broke.
fn broken(status: u16, said: String) -> Response {
    Response::builder()
        .status(status)
        .body(Body::from(said))
        .unwrap()
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let call = (request.method().to_string(), request.uri().to_string());
    shared.calls.lock().unwrap().push(call);
    let number = shared.passed.fetch_add(1, Ordering::Relaxed) + 1;
    let breaks = shared.breaks > 0 && number.is_multiple_of(shared.breaks);
    let after = breaks && (number / shared.breaks).is_multiple_of(2);
    if breaks && !after {
        return broken(503, "it is broken before it has an effect".to_owned());
    }
    let (mut parts, body) = request.into_parts();
    for name in ["host", "connection", "transfer-encoding"] {
        drop(parts.headers.remove(name));
    }
    let path = parts.uri.path_and_query().map(ToString::to_string);
    parts.uri = path.unwrap_or_default().parse().unwrap();
    let body = body.collect().await.unwrap().to_bytes();
    let request = http::Request::from_parts(parts, kube::client::Body::from(body.to_vec()));
    match shared.client.send(request).await {
        Ok(_) if after => broken(500, "it is broken after its effect".to_owned()),
        Ok(response) => response.map(Body::new),
        Err(error) => broken(502, error.to_string()),
    }
}
