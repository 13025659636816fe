//! Letters under TLS: from the beginning and after STARTTLS, with certificates that hold only, and with
//! nothing said in the clear that could be told to somebody else.

use std::path::Path;

use rcgen::CertificateParams;

use super::server::{Mood, Server};
use super::{count, told};
use crate::alone::alone_with;
use crate::loopback;
use crate::notify::notice;

/// A server for this name, whose certificate is written down where it can be trusted.
fn server(mood: Mood, name: &str, trusted: &Path) -> Server {
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let (certificate, acceptor) = loopback::covered(params);
    std::fs::write(trusted, certificate.pem()).unwrap();
    Server::covered(mood, Some(acceptor))
}

/// Runs this where the certificates that are trusted stand in a file of its own.
fn trusting(test: &str, body: impl FnOnce(&Path)) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trusted.pem");
    let set = [("SSL_CERT_FILE", file.to_str().unwrap())];
    alone_with(test, &set, || {
        let file = std::env::var("SSL_CERT_FILE").unwrap();
        body(Path::new(&file));
    });
}

/// Where a line stands among those that were heard.
fn place(heard: &[String], start: &str) -> usize {
    let found = heard.iter().position(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("no {start}: {heard:#?}"))
}

#[test]
fn a_letter_goes_under_tls() {
    let test = "notify::mail::covered::a_letter_goes_under_tls";
    trusting(test, |trusted| {
        for (scheme, mood) in [
            ("smtps", Mood::Fine),
            ("smtp", Mood::Offers),
            // What was said in the clear breaks TLS, and is nobody's answer.
            ("smtp", Mood::Whispers),
        ] {
            let server = server(mood, "127.0.0.1", trusted);
            let (ended, heard) = told(&server, (scheme, ""), &notice(), 1);
            if mood == Mood::Whispers {
                assert_eq!(ended.unwrap_err().class(), "unreachable");
                assert_eq!(count(&heard, "MAIL"), 0, "{heard:#?}");
                continue;
            }
            assert_eq!(ended, Ok(()), "{scheme}");
            let covered = place(&heard, "(covered)");
            assert!(covered < place(&heard, "AUTH"), "{heard:#?}");
            assert!(covered < place(&heard, "MAIL"), "{heard:#?}");
            assert_eq!(count(&heard, "| next: "), 1, "{heard:#?}");
        }
    });
}

#[test]
fn s_13_a_certificate_that_does_not_hold_gets_no_letter() {
    let test = "notify::mail::covered::s_13_a_certificate_that_does_not_hold_gets_no_letter";
    trusting(test, |trusted| {
        for (scheme, mood) in [("smtps", Mood::Fine), ("smtp", Mood::Offers)] {
            let foreign = server(mood, "mail.example", trusted);
            let (ended, heard) = told(&foreign, (scheme, ""), &notice(), 1);
            let said = ended.unwrap_err().to_string();
            assert!(said.to_lowercase().contains("certificate"), "{said}");
            assert_eq!(count(&heard, "AUTH"), 0, "{heard:#?}");
            let unknown = server(mood, "127.0.0.1", trusted);
            // Another one is trusted by now.
            drop(server(mood, "127.0.0.1", trusted));
            let (ended, heard) = told(&unknown, (scheme, ""), &notice(), 1);
            let said = ended.unwrap_err().to_string();
            assert!(said.to_lowercase().contains("certificate"), "{said}");
            assert_eq!(count(&heard, "AUTH"), 0, "{heard:#?}");
        }
    });
}
