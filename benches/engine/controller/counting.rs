//! A plain HTTP server before the API server that passes everything on and counts what passes: so it is
//! known what one client asks for. It speaks with the administrator's rights.

use std::io::Write as _;
use std::path::Path;
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
        let calls = Mutex::default();
        let shared = Arc::new(Shared { client, calls });
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

    /// What passed since it was asked last and changes something, Leases included.
    pub(super) fn changing(&self) -> usize {
        let calls = std::mem::take(&mut *self.shared.calls.lock().unwrap());
        let reads = |(method, path): &&Call| method == "GET" || path.contains("dryRun=");
        calls.len() - calls.iter().filter(reads).count()
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let call = (request.method().to_string(), request.uri().to_string());
    shared.calls.lock().unwrap().push(call);
    let (mut parts, body) = request.into_parts();
    for name in ["host", "connection", "transfer-encoding"] {
        drop(parts.headers.remove(name));
    }
    let path = parts.uri.path_and_query().map(ToString::to_string);
    parts.uri = path.unwrap_or_default().parse().unwrap();
    let body = body.collect().await.unwrap().to_bytes();
    let request = http::Request::from_parts(parts, kube::client::Body::from(body.to_vec()));
    match shared.client.send(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            let text = Body::from(error.to_string());
            Response::builder().status(502).body(text).unwrap()
        }
    }
}
