//! A plain HTTP server on loopback that counts the calls that reach it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::{StreamExt as _, stream};

use super::super::Proxy;

/// The server, the proxy before it and a client; all end when it is dropped.
pub(super) struct Origin {
    /// The proxy under test.
    pub(super) proxy: Proxy,
    hits: Arc<AtomicUsize>,
    client: reqwest::Client,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// What every ordinary path answers.
pub(super) const ANSWER: &str = r#"{"kind":"ConfigMapList","items":[]}"#;

const GROUPS: &str =
    r#"{"kind":"APIGroupList","groups":[{"name":"apps"},{"name":"example.test"}]}"#;

impl Origin {
    /// Starts both.
    pub(super) async fn start() -> Self {
        super::super::super::install_tls();
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        let router = Router::new().fallback(move |request: Request| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { answer(&request) }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Self {
            proxy: Proxy::before_http(address),
            hits,
            client,
            task,
        }
    }

    /// A request through the proxy.
    pub(super) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.proxy.address());
        self.client.request(method.parse().unwrap(), url)
    }

    /// A GET through the proxy: status and body.
    pub(super) async fn get(&self, path: &str) -> reqwest::Result<(u16, String)> {
        let answer = self.request("GET", path).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// How many calls reached the server.
    pub(super) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Five events for a watch, the groups for discovery, and the same JSON for all the rest.
fn answer(request: &Request) -> Response {
    if request
        .uri()
        .query()
        .unwrap_or_default()
        .contains("watch=true")
    {
        // Two chunks for each event: lines must not be taken for chunks.
        let chunks = stream::iter(2..12).then(|half| async move {
            tokio::time::sleep(Duration::from_millis(3)).await;
            let part = if half % 2 == 0 {
                "{\"event\"".into()
            } else {
                format!(":{}}}\n", half / 2)
            };
            Ok::<_, std::io::Error>(part)
        });
        return Response::new(Body::from_stream(chunks));
    }
    let text = if request.uri().path() == "/apis" {
        GROUPS
    } else {
        ANSWER
    };
    let mut answer = Response::new(Body::from(text));
    answer
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    answer
        .headers_mut()
        .insert("x-origin", "yes".parse().unwrap());
    answer
}
