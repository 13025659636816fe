//! Hands a letter to a mail server, within bounds. Nothing is said in the clear but to this machine, and the
//! letter is plain text whose headers nobody else can write into.

use std::error::Error as _;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0, To};
use lettre::message::{Mailbox, Mailboxes, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::letterbox::{Cover, Letterbox};
use super::{CONNECT, ONE_TRY};
use crate::adapters::reach::Reach;
use crate::adapters::retry::Ending;
use crate::report::notify::NotifyError;
use crate::report::notify::body::{self, Notice};

/// Most bytes that a server may say over one connection.
const MOST_SAID: usize = 128 * 1024;
/// For how long the end of a conversation is waited for.
const GOODBYE: Duration = Duration::from_secs(2);

/// Tells a notice to whoever reads a letterbox; `reach` says where the name of its server may lead.
pub(super) async fn hand_over(
    letterbox: &Letterbox,
    notice: &Notice,
    reach: Reach,
) -> Result<(), (Ending, NotifyError)> {
    let Some(letter) = letter(letterbox, notice) else {
        let reason = "no letter can be made with the address in its key `from`".to_owned();
        return Err((Ending::Final, NotifyError::People { reason }));
    };
    let told = timeout(ONE_TRY, Box::pin(tell(letterbox, &letter, reach))).await;
    let Ok(told) = told else {
        return Err((Ending::Unknown, letterbox.unreachable("no answer in time")));
    };
    // It has the letter: how the conversation ends does not matter any more.
    let mut connection = told?;
    drop(timeout(GOODBYE, connection.quit()).await);
    Ok(())
}

/// A notice as a letter. Tries of the same notice have the same identity.
fn letter(letterbox: &Letterbox, notice: &Notice) -> Option<Message> {
    let (subject, text) = body::letter(notice);
    let made_by_program = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    // Said apart from the headers, so that nobody is lost who stands there in a way that is not understood.
    let envelope = Envelope::new(Some(letterbox.from.clone()), letterbox.to.clone());
    let readers: Mailboxes = letterbox.to.iter().cloned().map(Mailbox::from).collect();
    let builder = Message::builder()
        .envelope(envelope.ok()?)
        .from(letterbox.from.clone().into())
        .header(To::from(readers))
        .message_id(Some(format!("<{}@{}>", notice.id, letterbox.from.domain())))
        .subject(subject)
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .raw_header(made_by_program);
    builder.body(text).ok()
}

/// The whole conversation up to the letter.
async fn tell(
    letterbox: &Letterbox,
    letter: &Message,
    reach: Reach,
) -> Result<AsyncSmtpConnection, (Ending, NotifyError)> {
    let lost = |error: io::Error| {
        let reason = error.to_string();
        (Ending::Unknown, letterbox.unreachable(&reason))
    };
    let failed = |error: Error| failed(letterbox, &error);
    let stream = connect(letterbox, reach).await.map_err(lost)?;
    let hello = ClientId::Domain(letterbox.from.domain().to_owned());
    let greeted = AsyncSmtpConnection::connect_with_transport(stream, &hello).await;
    let mut connection = greeted.map_err(failed)?;
    if letterbox.cover == Cover::StartTls {
        if !connection.can_starttls() {
            let said = "it offers no STARTTLS, and nothing is said in the clear";
            return Err((Ending::Final, letterbox.unreachable(said)));
        }
        let tls = TlsParameters::new_rustls(letterbox.host().to_owned()).map_err(failed)?;
        connection.starttls(tls, &hello).await.map_err(failed)?;
    }
    if let Some((user, password)) = &letterbox.login {
        let login = Credentials::new(user.clone(), password.expose_secret().to_owned());
        let known = [Mechanism::Plain, Mechanism::Login];
        connection.auth(&known, &login).await.map_err(failed)?;
    }
    let text = letter.formatted();
    let sent = connection.send(letter.envelope(), &text).await;
    sent.map_err(failed)?;
    Ok(connection)
}

/// A connection to the server of a letterbox, covered where that is so from the beginning.
async fn connect(letterbox: &Letterbox, reach: Reach) -> io::Result<Box<dyn AsyncTokioStream>> {
    let found = reach.addresses(letterbox.host(), letterbox.port).await?;
    let stream = timeout(CONNECT, TcpStream::connect(found.as_slice())).await??;
    let peer = stream.peer_addr()?;
    if letterbox.cover != Cover::Tls {
        return Ok(Bounded::of(stream, peer));
    }
    let name = ServerName::try_from(letterbox.host().to_owned()).map_err(io::Error::other)?;
    let mut roots = RootCertStore::empty();
    let known = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(known.certs);
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let covered = connector.connect(name, stream).await?;
    Ok(Bounded::of(covered, peer))
}

/// What it means that a server did not take a letter. A code of 500 and more is its last word.
fn failed(letterbox: &Letterbox, error: &Error) -> (Ending, NotifyError) {
    let words = match (error.status(), error.source()) {
        (Some(code), Some(said)) => format!("{} {said}", u16::from(code)),
        (Some(code), None) => u16::from(code).to_string(),
        (None, _) => error.to_string(),
    };
    if error.is_permanent() {
        (Ending::Final, letterbox.refused(&words))
    } else if error.is_client() {
        (Ending::Final, letterbox.unreachable(&words))
    } else {
        (Ending::Unknown, letterbox.unreachable(&words))
    }
}

/// A connection of which little is read.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    peer: SocketAddr,
    left: usize,
}

impl<S> Bounded<S>
where
    S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin + 'static,
{
    fn of(stream: S, peer: SocketAddr) -> Box<dyn AsyncTokioStream> {
        Box::new(Self {
            stream,
            peer,
            left: MOST_SAID,
        })
    }
}

impl<S> AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other("its answer is too large")));
        }
        // Byte by byte, so that nothing which was said in the clear is still unread when TLS begins.
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut one))?;
        self.left -= one.filled().len();
        buffer.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
