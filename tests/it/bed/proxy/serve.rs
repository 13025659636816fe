//! Accepts connections on the proxy's own runtime until the proxy is dropped.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::Shared;
use super::forward::{Forwarder, forward};

const HANDSHAKE: Duration = Duration::from_secs(10);

/// The TLS side of the proxy, with a certificate that its kubeconfig trusts.
pub(super) fn acceptor(identity: &CertifiedKey<KeyPair>) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(identity.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .expect("a fresh certificate fits its key");
    Arc::new(config).into()
}

/// Serves until `stopped` resolves; connections that are open then are cut.
pub(super) fn run(
    listener: std::net::TcpListener,
    tls: Option<TlsAcceptor>,
    shared: &Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("the runtime takes the listener");
        let forwarder = Arc::new(Forwarder::new(Arc::clone(shared)));
        tokio::select! {
            // Either answer, also the one that nobody is left to give, ends the proxy.
            _ = stopped => {}
            () = accept(&listener, tls, forwarder) => {}
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn accept(listener: &TcpListener, tls: Option<TlsAcceptor>, forwarder: Arc<Forwarder>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (tls, forwarder) = (tls.clone(), Arc::clone(&forwarder));
        drop(tokio::spawn(async move {
            drop(stream.set_nodelay(true));
            let reset = Arc::new(AtomicBool::new(false));
            let stream = Cut {
                stream,
                reset: Arc::clone(&reset),
            };
            match tls {
                None => converse(stream, forwarder, reset).await,
                Some(tls) => {
                    let handshake = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await;
                    if let Ok(Ok(stream)) = handshake {
                        converse(stream, forwarder, reset).await;
                    }
                }
            }
        }));
    }
}

/// Answers the calls of one connection; a fault that cuts it is an error of the service.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    forwarder: Arc<Forwarder>,
    reset: Arc<AtomicBool>,
) {
    let service = service_fn(move |request| {
        let (forwarder, reset) = (Arc::clone(&forwarder), Arc::clone(&reset));
        async move {
            let answer = forward(forwarder, request).await;
            if answer.is_err() {
                reset.store(true, Ordering::Relaxed);
            }
            answer
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // How a connection ends is recorded call by call.
    drop(connection.await);
}

/// A connection that can end with a reset instead of a farewell.
struct Cut {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Cut {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
