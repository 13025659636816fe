//! Letters on their way: what a mail server hears, what is tried again and what is not, that nothing is said
//! in the clear unasked, and that no text writes a header or a command of its own.

mod covered;
mod server;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubemate::adapters::notify::{Letterbox, Notifier, Patience, Post, hosts};
use kubemate::report::notify::NotifyError;
use kubemate::report::notify::body::{Facts, Notice};
use kubemate::source::address::AllowList;

use self::server::{CANARY, Mood, Server};
use super::{QUICK, notice};

/// Sends a notice to a server, with what its URL begins and ends with, and returns how that ended and what
/// was heard.
fn told(
    server: &Server,
    (scheme, query): (&str, &str),
    notice: &Notice,
    attempts: u32,
) -> (Result<(), NotifyError>, Vec<String>) {
    let place = format!("{scheme}://{}", server.place);
    let allowed = hosts([format!("{place}/*").as_str()]).unwrap();
    let url = format!("{place}{query}");
    let post = Post {
        url: &url,
        from: "kubemate@bank.example",
        to: "team@bank.example,\nnight@bank.example",
        login: Some(("kubemate", CANARY)),
    };
    let letterbox = Letterbox::new(post, &allowed);
    let letterbox = letterbox.unwrap_or_else(|error| panic!("{error}"));
    let patience = Patience { attempts, ..QUICK };
    let notifier = Notifier::new(allowed, patience, Vec::new()).unwrap();
    let ended = server.runtime.block_on(notifier.post(&letterbox, notice));
    if let Err(error) = &ended {
        let said = format!("{error} {error:?}");
        assert!(!said.contains(CANARY), "{said}");
        assert!(!said.contains("team@bank.example"), "{said}");
    }
    (ended, server.heard())
}

/// Without TLS, as the URL has to say.
const CLEAR: (&str, &str) = ("smtp", "?tls=none");

/// How many lines begin so.
fn count(heard: &[String], start: &str) -> usize {
    heard.iter().filter(|line| line.starts_with(start)).count()
}

#[test]
fn a_letter_arrives_at_all_its_readers() {
    let server = Server::start(Mood::Fine);
    let (ended, heard) = told(&server, CLEAR, &notice(), 3);
    assert_eq!(ended, Ok(()));
    let login = STANDARD.encode(format!("\0kubemate\0{CANARY}"));
    for line in [
        "EHLO bank.example",
        &format!("AUTH PLAIN {login}"),
        "MAIL FROM:<kubemate@bank.example>",
        "RCPT TO:<team@bank.example>",
        "RCPT TO:<night@bank.example>",
        "From: kubemate@bank.example",
        "Subject: kubemate: shop: only a person can help",
        "Message-ID: <msg_7@bank.example>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "| next: kubemate why sync/shop",
    ] {
        assert_eq!(count(&heard, line), 1, "{line}: {heard:#?}");
    }
    assert_eq!(count(&heard, "Content-Type: text/plain"), 1);
}

#[test]
fn what_a_server_says_decides_and_its_words_show_no_secret() {
    for (mood, tries, class, words) in [
        (Mood::Refuses, 1, "refused", "550 "),
        (Mood::Busy, 3, "unreachable", "451 come again"),
    ] {
        let server = Server::start(mood);
        let (ended, heard) = told(&server, CLEAR, &notice(), 3);
        let error = ended.unwrap_err();
        assert_eq!(error.class(), class, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(count(&heard, "MAIL"), tries, "{mood:?}: {heard:#?}");
        assert!(!error.lasting().contains("8f3a"), "{}", error.lasting());
    }
}

#[test]
fn a_server_that_hangs_or_never_ends_is_given_up() {
    let server = Server::start(Mood::Hangs);
    let (ended, heard) = told(&server, CLEAR, &notice(), 1);
    assert!(ended.unwrap_err().to_string().contains("no answer in time"));
    assert_eq!(count(&heard, "AUTH"), 0);
    let server = Server::start(Mood::Endless);
    let (ended, _) = told(&server, CLEAR, &notice(), 1);
    assert!(ended.unwrap_err().to_string().contains("too large"));
}

#[test]
fn without_tls_nothing_is_said_unless_somebody_wants_it_so() {
    let server = Server::start(Mood::Fine);
    let (ended, heard) = told(&server, ("smtp", ""), &notice(), 1);
    assert!(ended.unwrap_err().to_string().contains("STARTTLS"));
    for word in ["AUTH", "MAIL", "RCPT", "DATA"] {
        assert_eq!(count(&heard, word), 0, "{heard:#?}");
    }
}

#[test]
fn s_65_no_text_writes_a_header_or_a_command() {
    let server = Server::start(Mood::Fine);
    let evil =
        "x\r\nBcc: <evil@example.org>\r\n\r\n.\r\nMAIL FROM:<evil@example.org>\r\n".to_owned();
    let evil = Notice {
        facts: Facts {
            sync: evil.clone(),
            project: Some(evil.clone()),
            environment: evil.clone(),
            cluster: evil.clone(),
            commit: Some(evil.clone()),
            story: evil,
        },
        ..notice()
    };
    let (ended, heard) = told(&server, CLEAR, &evil, 1);
    assert_eq!(ended, Ok(()));
    assert_eq!(count(&heard, "Bcc"), 0, "{heard:#?}");
    assert_eq!(
        (count(&heard, "MAIL FROM:"), count(&heard, "RCPT TO:")),
        (1, 2)
    );
    let told = heard.iter().filter(|line| line.starts_with("Subject:"));
    assert_eq!(told.count(), 1, "one letter: {heard:#?}");
}

fn letterbox(url: &str, (from, to): (&str, &str), allowed: &AllowList) -> Result<(), NotifyError> {
    let post = Post {
        url,
        from,
        to,
        login: None,
    };
    Letterbox::new(post, allowed).map(drop)
}

#[test]
fn s_11_only_servers_that_may_be_called_are() {
    let open = AllowList::default();
    let here = hosts(["smtp://127.0.0.1:2525/*"]).unwrap();
    for (url, allowed, good) in [
        ("smtps://mail.example", &open, true),
        ("smtp://mail.example:2587/", &open, true),
        ("smtp://127.0.0.1:2525?tls=none", &here, true),
        ("smtp://127.0.0.1:2525?tls=none", &open, false),
        ("smtp://127.0.0.1:2526?tls=none", &here, false),
        ("smtp://mail.example?tls=none", &open, false),
        ("smtps://mail.example?tls=none", &open, false),
        ("smtps://10.0.0.1", &open, false),
        ("smtps://0x7f.1", &open, false),
        ("smtps://mail.kube-system.svc", &open, false),
        ("smtps://mail", &open, false),
        ("smtps://mail.example", &here, false),
        ("smtps://u:p@mail.example", &open, false),
        ("smtps://mail.example/x", &open, false),
        ("https://mail.example", &open, false),
        ("mail.example", &open, false),
    ] {
        let made = letterbox(url, ("a@bank.example", "b@bank.example"), allowed);
        assert_eq!(made.is_ok(), good, "{url}: {made:?}");
    }
}

#[test]
fn s_65_an_address_is_nothing_but_an_address() {
    let many = "a@b.example,".repeat(21);
    let good = "a@b.example";
    for (from, to) in [
        ("kubemate", good),
        (good, ""),
        (good, "a@b.example>\r\nDATA"),
        ("a@b.example\r\nBcc: c@d.example", good),
        (good, "\"a b\"@c.example"),
        (good, "Ann <ann@b.example>"),
        (good, many.as_str()),
    ] {
        let made = letterbox("smtps://mail.example", (from, to), &AllowList::default());
        assert!(made.is_err(), "{from} {to}");
        let said = made.unwrap_err().to_string();
        assert!(!said.contains("b.example"), "{said}");
    }
    let list = "a@b.example, c@d.example\n\n e+f@g.example,";
    let made = letterbox("smtps://mail.example", (good, list), &AllowList::default());
    assert_eq!(made, Ok(()));
}
