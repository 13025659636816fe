//! What a collector gets of the controller: each pass is a trace, with its sets and what was done in them.

use std::collections::BTreeSet;

use super::{Bed, Controller, GOOD, is};
use crate::collector::{Collector, Span, path, said};

#[test]
fn a_pass_is_a_trace_down_to_each_change() {
    let (bed, collector) = (Bed::new("traced.git"), Collector::start());
    let commit = bed.commit(GOOD);
    let place = (bed.name.as_str(), bed.directory.path());
    let kubeconfig = bed.cluster.kubeconfig();
    let child = Controller::command(kubeconfig, &bed.host.address, place, &[])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)
        .env("NO_PROXY", "127.0.0.1")
        .spawn()
        .unwrap();
    let mut controller = Controller(child);
    bed.sync("auto", "1m");
    bed.until("applied", |s| {
        s["lastApplied"] == commit.as_str() && is(s, "Ready", "True")
    });
    controller.terminate();
    let spans = collector.spans();
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for name in [
        "pass", "fetch", "load", "render", "set", "observe", "plan", "apply", "call",
    ] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    let is_made = |span: &&Span| {
        said(span, "kind") == Some("deployments.apps") && said(span, "code") == Some("201")
    };
    let call = spans.iter().find(is_made).unwrap();
    assert_eq!(path(&spans, call), ["call", "apply", "set", "pass"]);
    let set = format!("here/dev/{}", bed.name);
    let is_ours = |span: &&Span| span.name == "set" && said(span, "set") == Some(set.as_str());
    let ours: Vec<&Span> = spans.iter().filter(is_ours).collect();
    assert!(!ours.is_empty(), "{names:?}");
    for span in &ours {
        assert_eq!(said(span, "sync"), Some(bed.name.as_str()));
        assert_eq!(said(span, "commit"), Some(commit.as_str()));
    }
    let applied = |span: &&Span| said(span, "outcome") == Some("applied");
    assert!(ours.iter().any(applied), "{ours:?}");
    assert!(
        !collector.holds("registry.bank.example"),
        "no value is told"
    );
    let log = std::fs::read_to_string(bed.directory.path().join("log")).unwrap();
    assert!(!log.contains("\"spans\":"), "the log is what it was: {log}");
}
