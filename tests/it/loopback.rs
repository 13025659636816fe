//! A router served on loopback, for hosts, stores, forges and receivers that tests stand in for, and the
//! certificates of those that are called over TLS.

use std::sync::Arc;

use axum::Router;
use rcgen::{Certificate, CertificateParams, KeyPair};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

/// Serves it at an address that comes back too, until the runtime is dropped.
pub(crate) fn serve(app: Router) -> (Runtime, String) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, app).await });
    (runtime, address)
}

/// A certificate that nobody but itself vouches for, and what accepts connections with it.
pub(crate) fn covered(params: CertificateParams) -> (Certificate, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    (certificate, TlsAcceptor::from(Arc::new(config)))
}
