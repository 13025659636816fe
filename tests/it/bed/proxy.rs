//! A proxy in front of the API server (or any HTTP server) that records every call and breaks
//! those that its rules name.
//!
//! It runs on a thread of its own, so that a test may block, and ends when it is dropped. With
//! rules that name nothing it must change no byte of what passes through it.

mod call;
mod forward;
mod rule;
mod serve;
#[cfg(test)]
mod tests;
mod upstream;
mod watch;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub(crate) use call::{Call, Verb};
pub(crate) use rule::{Fault, Gate, Match, Rule, WatchFault};
use upstream::Upstream;

/// What the connections of one proxy share.
struct Shared {
    upstream: Upstream,
    rules: Mutex<rule::Rules>,
    calls: Mutex<Vec<Call>>,
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> MutexGuard<'_, rule::Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running proxy; dropping it ends its thread and every connection through it.
pub(crate) struct Proxy {
    address: SocketAddr,
    kubeconfig: Option<tempfile::NamedTempFile>,
    ca: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of the API server of a kubeconfig. It speaks TLS with a certificate of
    /// its own, and to the server with the kubeconfig's identity, or with the caller's bearer
    /// token where there is one.
    pub(crate) fn before(kubeconfig: &Path) -> Self {
        super::install_tls();
        let upstream = Upstream::of_kubeconfig(kubeconfig);
        let identity =
            rcgen::generate_simple_self_signed(vec!["127.0.0.1".into(), "localhost".into()]);
        let identity = identity.expect("a certificate can be made");
        let mut proxy = Self::start(upstream, Some(serve::acceptor(&identity)));
        proxy.ca = identity.cert.pem();
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        file.write_all(kubeconfig_text(proxy.address, &proxy.ca()).as_bytes())
            .expect("it can be written");
        proxy.kubeconfig = Some(file);
        proxy
    }

    /// A proxy in front of a plain HTTP server on loopback that speaks TLS, as webhooks must.
    pub(crate) fn before_http_with_tls(server: SocketAddr) -> Self {
        super::install_tls();
        let identity = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]);
        let identity = identity.expect("a certificate can be made");
        let tls = Some(serve::acceptor(&identity));
        let mut proxy = Self::start(Upstream::of_http(server), tls);
        proxy.ca = identity.cert.pem();
        proxy
    }

    /// Who signed the proxy's certificate, as base64 of PEM; empty without TLS.
    pub(crate) fn ca(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(&self.ca)
    }

    /// A proxy in front of a plain HTTP server on loopback, speaking plain HTTP itself.
    pub(crate) fn before_http(server: SocketAddr) -> Self {
        Self::start(Upstream::of_http(server), None)
    }

    fn start(upstream: Upstream, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener =
            std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        listener
            .set_nonblocking(true)
            .expect("a listener can be non-blocking");
        let shared = Arc::new(Shared {
            upstream,
            rules: Mutex::new(rule::Rules::default()),
            calls: Mutex::new(Vec::new()),
        });
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve::run(listener, tls, &served, stopped));
        Self {
            address,
            kubeconfig: None,
            ca: String::new(),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where the proxy listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The path of a kubeconfig that leads through the proxy.
    pub(crate) fn kubeconfig(&self) -> &Path {
        self.kubeconfig
            .as_ref()
            .expect("a proxy before HTTP has no kubeconfig")
            .path()
    }

    /// A client through the proxy, bound to the runtime that calls this.
    pub(crate) async fn client(&self) -> kube::Client {
        super::client_of(self.kubeconfig()).await
    }

    /// Adds a rule. Rules are asked in the order of their addition; the first that fires decides,
    /// except that a delay is followed by whatever the later rules say.
    pub(crate) fn add(&self, rule: Rule) {
        self.shared.rules().add(rule);
    }

    /// Removes all rules: from the next call on everything passes.
    pub(crate) fn heal(&self) {
        self.shared.rules().clear();
    }

    /// Sets the seed from which chances are drawn.
    pub(crate) fn seed(&self, seed: u64) {
        self.shared.rules().seed(seed);
    }

    /// Everything recorded so far, in the order of arrival.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls().clone()
    }

    /// The recorded calls that could change something, dry runs excepted.
    pub(crate) fn writes(&self) -> Vec<Call> {
        self.calls()
            .into_iter()
            .filter(|call| call.verb.writes() && !call.dry_run())
            .collect()
    }

    /// Empties the record.
    pub(crate) fn forget(&self) {
        self.shared.calls().clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn kubeconfig_text(address: SocketAddr, ca: &str) -> String {
    serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
        "clusters": [{"name": "proxy", "cluster": {
            "server": format!("https://{address}"), "certificate-authority-data": ca,
        }}],
        "users": [{"name": "proxy", "user": {"token": upstream::ADMINISTRATOR}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
    })
    .to_string()
}
