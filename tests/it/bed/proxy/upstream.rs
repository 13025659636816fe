//! The server behind the proxy: where it is, as whom to speak to it, and a pool of connections.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::config::Kubeconfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The token in a proxy's kubeconfig, which stands for the identity of the kubeconfig behind it.
/// It exists because kubectl asks for a name and a password where it finds no credentials.
pub(super) const ADMINISTRATOR: &str = "administrator-behind-the-proxy";

type Pool = Client<Connector, Full<Bytes>>;

/// The server behind the proxy.
pub(super) struct Upstream {
    base: String,
    as_administrator: Connector,
    as_caller: Connector,
}

impl Upstream {
    pub(super) fn of_http(server: SocketAddr) -> Self {
        let connector = Connector {
            address: server,
            tls: None,
        };
        Self {
            base: format!("http://{server}"),
            as_administrator: connector.clone(),
            as_caller: connector,
        }
    }

    /// Reads where the server is and the client certificate of the kubeconfig's current context.
    pub(super) fn of_kubeconfig(path: &Path) -> Self {
        let file = Kubeconfig::read_from(path).expect("the kubeconfig can be read");
        let cluster = file
            .clusters
            .first()
            .and_then(|named| named.cluster.as_ref());
        let cluster = cluster.expect("the kubeconfig names a cluster");
        let user = file
            .auth_infos
            .first()
            .and_then(|named| named.auth_info.as_ref());
        let user = user.expect("the kubeconfig names a user");
        let server = cluster
            .server
            .as_deref()
            .expect("the cluster has an address");
        let uri: Uri = server.parse().expect("the address of the cluster is a URL");
        let address = uri.authority().expect("the address has a host").as_str();
        let address = address
            .parse()
            .expect("the control plane listens on an address with a port");
        let mut roots = RootCertStore::empty();
        let ca = decoded(cluster.certificate_authority_data.as_deref());
        for certificate in CertificateDer::pem_slice_iter(&ca).flatten() {
            roots
                .add(certificate)
                .expect("the authority of the cluster is a certificate");
        }
        let certificate = decoded(user.client_certificate_data.as_deref());
        let key = user.client_key_data.as_ref();
        let key = decoded(key.map(secrecy::ExposeSecret::expose_secret));
        let chain = CertificateDer::pem_slice_iter(&certificate)
            .flatten()
            .collect();
        let key = PrivateKeyDer::from_pem_slice(&key).expect("the user has a private key");
        let builder = || ClientConfig::builder().with_root_certificates(roots.clone());
        let known = builder()
            .with_client_auth_cert(chain, key)
            .expect("the certificate fits the key");
        let connector = |config: ClientConfig| Connector {
            address,
            tls: Some(Arc::new(config).into()),
        };
        Self {
            base: format!("https://{address}"),
            as_administrator: connector(known),
            as_caller: connector(builder().with_no_client_auth()),
        }
    }

    /// Pools for calls with and without credentials of their own; make them on the runtime that uses them.
    pub(super) fn pools(&self) -> Pools {
        let pool =
            |connector: &Connector| Client::builder(TokioExecutor::new()).build(connector.clone());
        Pools {
            base: self.base.clone(),
            as_administrator: pool(&self.as_administrator),
            as_caller: pool(&self.as_caller),
        }
    }
}

/// Connections to the server, kept alive between calls.
pub(super) struct Pools {
    base: String,
    as_administrator: Pool,
    as_caller: Pool,
}

impl Pools {
    /// Sends a request on as it came, with the caller's own credentials where it brought some.
    pub(super) async fn send(
        &self,
        mut parts: http::request::Parts,
        body: Bytes,
    ) -> Result<http::Response<hyper::body::Incoming>, String> {
        let tail = parts
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        parts.uri = format!("{}{tail}", self.base)
            .parse()
            .map_err(|error| format!("{error}"))?;
        parts.headers.remove(http::header::HOST);
        let administrator = format!("Bearer {ADMINISTRATOR}");
        let authorization = parts.headers.get(http::header::AUTHORIZATION);
        let own = authorization.is_some_and(|value| value != administrator.as_str());
        if !own {
            parts.headers.remove(http::header::AUTHORIZATION);
        }
        let pool = if own {
            &self.as_caller
        } else {
            &self.as_administrator
        };
        let request = http::Request::from_parts(parts, Full::new(body));
        pool.request(request)
            .await
            .map_err(|error| error.to_string())
    }
}

fn decoded(text: Option<&str>) -> Vec<u8> {
    let text = text.expect("the kubeconfig carries its certificates and keys inline");
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("they are base64")
}

/// Opens connections to the one server.
#[derive(Clone)]
struct Connector {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { address, tls } = self.clone();
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let Some(tls) = tls else {
                return Ok(TokioIo::new(Wire(Box::new(stream))));
            };
            let stream = tls
                .connect(ServerName::IpAddress(address.ip().into()), stream)
                .await?;
            Ok(TokioIo::new(Wire(Box::new(stream))))
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection, encrypted or not.
struct Wire(Box<dyn Stream>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
