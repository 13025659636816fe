//! Traces as a collector gets them: what is told, below what, and what never is; and collectors that are no
//! good, which change nothing of a run.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::bank::project::Bank;
use crate::bed;
use crate::collector::{Collector, Span, hex, path, said};

const PROJECT: &str = r#"project shop schema=1 {
  cluster lab uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  environment dev { cluster lab; let domain="dev.shop.example" }
  ownership {
    path "platform/**" owner=platform
    path "tenants/web/**" tenant=web
  }
}
"#;
/// What stands in a field, and must not leave with a trace.
const CANARY: &str = "canary-value-b01dface";
/// The credential for the collector, which stands in a header and nowhere else.
const KEY: &str = "canary-key-b01dface";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const JOB: &str = "b7ad6b7169203331";

/// A repository with a change on top of another commit.
struct Change {
    dir: TempDir,
    base: String,
}

impl Change {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let output = Command::new("git")
                .args(["-c", "user.name=ann", "-c", "user.email=ann@shop.example"])
                .args(["-c", "commit.gpgsign=false"])
                .args(args)
                .current_dir(dir.path())
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .output()
                .unwrap();
            assert!(output.status.success(), "{args:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let commit = |version: &str| {
            let app = format!(
                "app cart tenant=web {{\n  image \"registry.example/cart\"\n  version \"{version}\"\n  \
                 env {{ MOTTO \"{CANARY}-{version}\" }}\n}}\n"
            );
            let files = [
                ("kubemate.kdl", PROJECT),
                ("platform/tenants.kdl", "tenant web\n"),
                ("tenants/web/cart.kdl", app.as_str()),
            ];
            for (path, text) in files {
                let path = dir.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            git(&["add", "-A"]);
            git(&["commit", "-q", "-m", "x"]);
            git(&["rev-parse", "HEAD"])
        };
        git(&["init", "-q", "-b", "main"]);
        let base = commit("1.0.0");
        commit("1.0.1");
        Self { dir, base }
    }

    fn plan(&self, variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kubemate"))
            .args(["plan", "--offline", "--detailed-exitcode", "--base"])
            .arg(&self.base)
            .current_dir(self.dir.path())
            .env_clear()
            .env("XDG_CACHE_HOME", self.dir.path().join(".git/cache"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }
}

#[test]
fn a_run_is_one_trace_within_that_of_its_job_and_tells_no_value() {
    let (change, collector) = (Change::new(), Collector::start());
    let job = format!("00-{TRACE}-{JOB}-01");
    let key = format!("x-key={KEY}");
    let ended = change.plan(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address),
        ("OTEL_EXPORTER_OTLP_HEADERS", &key),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=platform"),
        ("TRACEPARENT", &job),
    ]);
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
    let change = Change::new();
    let plain = change.plan(&[]);
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
        let ended = change.plan(&[("OTEL_EXPORTER_OTLP_ENDPOINT", address)]);
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
