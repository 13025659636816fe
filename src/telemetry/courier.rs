//! The way to a collector: the HTTP client that everything else uses, within bounds. It follows no redirect,
//! and nothing of an answer is told.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect;
use tokio::runtime::{Builder, Runtime};

/// For how long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends batches. The thread that calls it is no one's runtime, so it has one of its own.
pub(super) struct Courier {
    http: reqwest::Client,
    runtime: Option<Runtime>,
}

impl Courier {
    pub(super) fn new(patience: Duration) -> Result<Self, String> {
        // Another part of the program may have chosen already; then its choice stands.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT.min(patience))
            .timeout(patience)
            // Between two batches nobody would see that a connection was closed.
            .pool_max_idle_per_host(0)
            .referer(false)
            .build()
            .map_err(|_| "no HTTP client could be made".to_owned())?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime could be started: {error}"))?;
        Ok(Self {
            http,
            runtime: Some(runtime),
        })
    }
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        // A name that is still looked up keeps nobody waiting.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        match &self.runtime {
            Some(runtime) => runtime.block_on(exchange(&self.http, request)),
            None => Err("the way to the collector is closed".into()),
        }
    }
}

async fn exchange(
    http: &reqwest::Client,
    request: reqwest::Request,
) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request).await?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > MAX_ANSWER {
            return Err("the answer is too long".into());
        }
        body.extend_from_slice(&part);
    }
    let mut told = Response::new(Bytes::from(body));
    *told.status_mut() = answer.status();
    *told.headers_mut() = answer.headers().clone();
    Ok(told)
}
