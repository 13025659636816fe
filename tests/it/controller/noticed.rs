//! What receivers are told of commits that break and are mended: each thing once, also across a restart,
//! and their URL to nobody.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{BROKEN, Bed, Controller, GOOD, PATIENCE, is};
use crate::notify::listener::{Listener, Mood};

/// Stands in the URL, and nowhere else.
const CANARY: &str = "AbCd-canary-77";

/// The Secret of a receiver at this listener.
fn secret(bed: &Bed, listener: &Listener) {
    let text = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": bed.name, "namespace": "kubemate-system" },
        "stringData": { "url": format!("{}/hook/{CANARY}", listener.address) },
    });
    bed.cluster
        .kubectl_with(&["apply", "-f", "-"], &text.to_string());
}

/// Gives the Sync one receiver, whose Secret has the name of the Sync.
fn notify(bed: &Bed) {
    let patch = json!({ "spec": { "notify": [
        { "name": "team", "type": "webhook", "secret": bed.name }
    ] } });
    let patch = patch.to_string();
    let args = [
        "patch",
        "sync",
        &bed.name,
        "-n",
        "kubemate-system",
        "--type",
        "merge",
        "-p",
        &patch,
    ];
    bed.cluster.kubectl(&args);
}

fn begin(bed: &Bed, listener: &Listener) -> Controller {
    let rule = format!("{}/*", listener.address);
    let more = ["--notify-allow", &rule];
    Controller::start_with(bed.cluster.kubeconfig(), &bed.host.address, bed, &more)
}

/// What was told so far, in order.
fn told(listener: &Listener) -> Vec<(String, String)> {
    let heard = listener.heard();
    let word = |told: &Value, key: &str| told[key].as_str().unwrap_or_default().to_owned();
    let told = heard.iter().map(|call| call.json());
    told.map(|told| (word(&told, "topic"), word(&told, "story")))
        .collect()
}

/// Waits until the last thing that was told has this topic, and returns all.
fn until_told(bed: &Bed, listener: &Listener, topic: &str) -> Vec<(String, String)> {
    let began = Instant::now();
    loop {
        let told = told(listener);
        if told.last().is_some_and(|(last, _)| last == topic) {
            return told;
        }
        let status = || bed.status();
        assert!(
            began.elapsed() < PATIENCE,
            "never {topic}: {told:?}, {:#}",
            status()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_broken_commit_is_told_once_and_so_is_its_end() {
    let (bed, listener) = (Bed::new("noticed.git"), Listener::start());
    secret(&bed, &listener);
    let good = bed.commit(GOOD);
    let mut controller = begin(&bed, &listener);
    bed.sync("auto", "1s");
    notify(&bed);
    bed.until("applied", |s| {
        s["lastApplied"] == good.as_str() && is(s, "Ready", "True") && is(s, "Healthy", "True")
    });
    assert!(
        told(&listener).is_empty(),
        "all is well: {:?}",
        told(&listener)
    );

    let broken = bed.commit(BROKEN);
    let all = until_told(&bed, &listener, "stalled");
    assert!(all[0].1.contains("tenants/shop/web.kdl:2:3"), "{all:?}");
    let call = listener.heard()[0].json();
    assert_eq!(
        (&call["sync"], &call["commit"]),
        (&json!(bed.name), &json!(broken))
    );
    bed.until("it is written down", |s| {
        s["receivers"]["team"]["told"]["topic"] == "stalled"
    });
    controller.terminate();
    controller = begin(&bed, &listener);
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(told(&listener).len(), 1, "nothing is told twice");

    bed.commit(&GOOD.replace("1.0.0", "1.0.1"));
    until_told(&bed, &listener, "recovered");
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(told(&listener).len(), 2, "{:?}", told(&listener));
    assert!(controller.lives());
    nothing_told(&bed);
    let name = bed.name.as_str();
    for kind in ["sync", "secret"] {
        bed.cluster
            .kubectl(&["delete", kind, name, "-n", "kubemate-system"]);
    }
}

#[test]
fn a_receiver_that_fails_is_named_and_holds_up_no_apply() {
    let (bed, listener) = (Bed::new("unheard.git"), Listener::start());
    listener.answers(Mood::Echo(404));
    secret(&bed, &listener);
    bed.commit(BROKEN);
    let mut controller = begin(&bed, &listener);
    bed.sync("auto", "1s");
    notify(&bed);
    let status = bed.until("the failure is written down", |s| {
        let failure = &s["receivers"]["team"]["failure"];
        failure.as_str().is_some_and(|why| why.contains("HTTP 404"))
    });
    assert!(status["receivers"]["team"]["told"].is_null(), "{status:#}");
    let good = bed.commit(GOOD);
    bed.until("applied all the same", |s| {
        s["lastApplied"] == good.as_str() && is(s, "Ready", "True")
    });
    let name = bed.name.as_str();
    let events = || {
        bed.cluster
            .kubectl(&["get", "events", "-n", "kubemate-system", "-o", "json"])
    };
    let began = Instant::now();
    while !events().contains("NotNotified") {
        assert!(began.elapsed() < PATIENCE, "no event says so");
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(controller.lives());
    nothing_told(&bed);
    for kind in ["sync", "secret"] {
        bed.cluster
            .kubectl(&["delete", kind, name, "-n", "kubemate-system"]);
    }
}

/// The URL stands neither in the log nor in what the cluster shows of the Sync.
fn nothing_told(bed: &Bed) {
    let log = std::fs::read_to_string(bed.directory.path().join("log")).unwrap();
    let events = ["get", "events", "-n", "kubemate-system", "-o", "json"];
    let said = bed.cluster.kubectl(&events) + &bed.status().to_string() + &log;
    assert!(!said.contains(CANARY), "a URL is told");
}
