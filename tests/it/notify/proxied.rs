//! Through a proxy of the environment go only notices for hosts that are named: what it can reach, and
//! where it thinks that a name leads, is judged by nobody else.

use std::net::TcpListener;

use kubemate::adapters::notify::{Notifier, Patience, Target, hosts};
use kubemate::report::notify::Service;

use super::{QUICK, notice};
use crate::alone::alone_with;

/// How many connections the proxy of a process gets that tells a receiver; nothing in that process.
fn through_a_proxy(test: &str, rules: &[&str]) -> Option<usize> {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let set = [
        ("HTTPS_PROXY", address.as_str()),
        ("https_proxy", address.as_str()),
        ("NO_PROXY", ""),
        ("no_proxy", ""),
    ];
    let here = alone_with(test, &set, || {
        let allowed = hosts(rules.iter().copied()).unwrap();
        let target = Target::new("https://receiver.example/x", None, &allowed);
        let target = target.unwrap_or_else(|error| panic!("{error}"));
        let once = Patience {
            attempts: 1,
            ..QUICK
        };
        let notifier = Notifier::new(allowed, once, Vec::new()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // Neither the proxy nor the host answers.
        let ended = runtime.block_on(notifier.send(Service::Slack, &target, &notice()));
        assert!(ended.is_err());
    });
    here.then(|| {
        proxy.set_nonblocking(true).unwrap();
        (0..100).take_while(|_| proxy.accept().is_ok()).count()
    })
}

#[test]
fn s_11_without_names_no_proxy_is_used() {
    let test = "notify::proxied::s_11_without_names_no_proxy_is_used";
    let connections = through_a_proxy(test, &[]);
    assert!(
        connections.is_none_or(|count| count == 0),
        "{connections:?}"
    );
}

#[test]
fn what_is_named_goes_through_the_proxy() {
    let test = "notify::proxied::what_is_named_goes_through_the_proxy";
    let connections = through_a_proxy(test, &["https://receiver.example/*"]);
    assert!(connections.is_none_or(|count| count > 0), "{connections:?}");
}
