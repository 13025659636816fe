//! Certificates that do not hold are refused, each with its cause.

use kubemate::adapters::git::http;
use kubemate::adapters::git::remote::RemoteRepository;
use kubemate::adapters::reach::Reach;
use kubemate::source::address::{AllowList, RemoteAddress};
use kubemate::source::repository::{Repository, RepositoryError};
use rcgen::CertificateParams;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Bed;
use crate::loopback::covered;

/// Fetches from a host with this certificate, which is trusted or not.
fn fetch(params: CertificateParams, trusted: bool) -> RepositoryError {
    let bed = Bed::new();
    let (certificate, acceptor) = covered(params);
    let listener = bed
        .host
        .runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    bed.host.runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
            drop(stream.write_all(answer).await);
            drop(stream.shutdown().await);
        }
    });
    let roots = trusted.then(|| reqwest::Certificate::from_der(certificate.der()).unwrap());
    let client = http::client(roots.into_iter().collect(), Reach::Anywhere).unwrap();
    let mut options = bed.options();
    options.address = RemoteAddress::parse(&format!("https://127.0.0.1:{port}/org/r.git")).unwrap();
    let allowed = AllowList::parse([options.address.to_string().as_str()]).unwrap();
    let remote = RemoteRepository::new(options, &allowed, client).unwrap();
    bed.host.runtime.block_on(remote.head()).unwrap_err()
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

#[test]
fn a_trusted_certificate_is_taken() {
    assert_eq!(
        fetch(named("127.0.0.1"), true).class(),
        "no-such-repository"
    );
}

#[test]
fn s_13_unknown_foreign_and_expired_certificates_are_refused() {
    let mut expired = named("127.0.0.1");
    expired.not_before = rcgen::date_time_ymd(2001, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let refused = [
        (named("127.0.0.1"), false),
        (named("other.example"), true),
        (expired, true),
    ];
    for (params, trusted) in refused {
        let error = fetch(params, trusted);
        assert_eq!(error.class(), "unreachable", "{error}");
        assert!(
            error.to_string().to_lowercase().contains("certificate"),
            "{error}"
        );
    }
}

#[test]
fn s_13_an_old_tls_is_refused() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(8) {
            let mut stream = stream.unwrap();
            let mut hello = [0; 4096];
            drop(stream.read(&mut hello));
            // A server hello of TLS 1.1 with a cipher of its time.
            let mut answer = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
            answer.extend([7; 32]);
            answer.extend([0, 0, 0x2f, 0]);
            drop(stream.write_all(&answer));
        }
    });
    let bed = Bed::new();
    let mut options = bed.options();
    options.address = RemoteAddress::parse(&format!("https://127.0.0.1:{port}/org/r.git")).unwrap();
    let allowed = AllowList::parse([options.address.to_string().as_str()]).unwrap();
    let client = http::client(Vec::new(), Reach::Anywhere).unwrap();
    let remote = RemoteRepository::new(options, &allowed, client).unwrap();
    let error = bed.host.runtime.block_on(remote.head()).unwrap_err();
    assert_eq!(error.class(), "unreachable", "{error}");
    let said = error.to_string().to_lowercase();
    assert!(
        said.contains("incompatible") || said.contains("version"),
        "{said}"
    );
}
