//! Traces as a collector gets them: what is told, below what, and what never is; and collectors that are no
//! good, which change nothing of a run.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Command, Output};

use crate::bank::project::Bank;
use crate::bed;
use crate::collector::{Collector, Span, hex, path, said};
use crate::forge::ci::{Job, PROJECT};

/// What stands in a field, and must not leave with a trace.
const CANARY: &str = "canary-value-b01dface";
/// The credential for the collector, which stands in a header and nowhere else.
const KEY: &str = "canary-key-b01dface";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const JOB: &str = "b7ad6b7169203331";
const CART: &str = "tenants/web/cart.kdl";

/// A repository in which a tenant's app goes to another version.
fn change() -> Job {
    let app = |version: &str| {
        format!(
            "app cart tenant=web {{\n  image \"registry.example/cart\"\n  version \"{version}\"\n  \
             env {{ MOTTO \"{CANARY}-{version}\" }}\n}}\n"
        )
    };
    let (before, after) = (app("1.0.0"), app("1.0.1"));
    let base = [
        ("kubemate.kdl", PROJECT),
        ("platform/tenants.kdl", "tenant web\n"),
        (CART, before.as_str()),
    ];
    Job::over(&base, &[(CART, after.as_str())])
}

/// Plans it with these variables alone.
fn plan(change: &Job, variables: &[(&str, &str)]) -> Output {
    let directory = change.dir.path();
    Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .args(["plan", "--offline", "--detailed-exitcode", "--base"])
        .arg(&change.base)
        .current_dir(directory)
        .env_clear()
        .env("XDG_CACHE_HOME", directory.join(".git/cache"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn a_run_is_one_trace_within_that_of_its_job_and_tells_no_value() {
    let (change, collector) = (change(), Collector::start());
    let job = format!("00-{TRACE}-{JOB}-01");
    let key = format!("x-key={KEY}");
    let ended = plan(
        &change,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address),
            ("OTEL_EXPORTER_OTLP_HEADERS", &key),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=platform"),
            ("TRACEPARENT", &job),
        ],
    );
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let spans = collector.spans();
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    let wanted = ["kubemate plan", "load", "plan", "render"];
    assert_eq!(names, BTreeSet::from(wanted), "{ended:?}");
    let root = spans.iter().find(|s| s.name == "kubemate plan").unwrap();
    assert_eq!(hex(&root.parent_span_id), JOB);
    assert_eq!(said(root, "outcome"), Some("changes"));
    for span in &spans {
        assert_eq!(hex(&span.trace_id), TRACE, "{}", span.name);
        let path = path(&spans, span);
        assert_eq!(path.last().unwrap(), "kubemate plan", "{path:?}");
    }
    let set = spans.iter().filter(|s| s.name == "plan");
    let sets: BTreeSet<_> = set.filter_map(|span| said(span, "set")).collect();
    assert!(sets.contains("lab/dev/web"), "{sets:?}");
    for told in ["kubemate", "platform", env!("CARGO_PKG_VERSION")] {
        assert!(collector.holds(told), "{told}");
    }
    for secret in [CANARY, KEY] {
        assert!(!collector.holds(secret), "{secret}");
    }
    assert!(collector.was_shown(KEY));
}

#[test]
fn a_collector_that_is_no_good_changes_nothing_of_a_run() {
    let change = change();
    let plain = plan(&change, &[]);
    assert_eq!(plain.status.code(), Some(2), "{plain:?}");
    // It takes connections and never answers.
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = format!("http://{}", hole.local_addr().unwrap());
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let strange = format!("http://user:{KEY}@[");
    for (address, why) in [
        (mute.as_str(), "the collector"),
        (closed.as_str(), "the collector"),
        (strange.as_str(), "is not an address"),
    ] {
        let ended = plan(&change, &[("OTEL_EXPORTER_OTLP_ENDPOINT", address)]);
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(
            ended.status.code(),
            plain.status.code(),
            "{address}: {told}"
        );
        assert_eq!(ended.stdout, plain.stdout, "{address}: {told}");
        assert!(told.contains("not all traces were sent: "), "{told}");
        assert!(told.contains(why) && !told.contains(KEY), "{told}");
    }
}

#[test]
fn what_an_apply_changes_is_in_its_trace_by_kind_and_not_by_name() {
    let (bank, collector) = (Bank::of(&["web"]), Collector::start());
    let ended = bank
        .command(bed::cluster().kubeconfig(), &["apply", "--env", bank.dev()])
        .env("NO_PROXY", "127.0.0.1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let spans = collector.spans();
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for name in ["load", "render", "set", "observe", "plan", "apply", "call"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    let is_made = |span: &&Span| {
        span.name == "call"
            && said(span, "kind") == Some("deployments.apps")
            && said(span, "verb") == Some("apply")
            && said(span, "code") == Some("201")
    };
    let call = spans.iter().find(is_made).unwrap();
    assert_eq!(
        path(&spans, call),
        ["call", "apply", "set", "kubemate apply"]
    );
    assert!(!collector.holds("web-api"), "no object is named");
}
