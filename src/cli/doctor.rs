//! `kubemate doctor`: what is missing for the controller to work, one line each, with the command that
//! mends it. Nothing is changed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::home::ForgeArguments;
use super::install::{self, Mode};
use super::session::{self, ClusterArguments};
use super::{Exit, Failure, output};
use crate::adapters::audit::Trail;
use crate::adapters::cluster::KubeCluster;
use crate::adapters::examine::{self, Definition, Right};
use crate::adapters::git::LocalRepository;
use crate::adapters::sync;
use crate::report::diagnostics::escape;
use crate::report::forge::Forge as _;

/// The oldest Kubernetes that is supported.
const OLDEST: u32 = 28;
/// By how many seconds clocks may differ: leases and tokens are about time.
const SKEW: i64 = 30;
/// How many names are listed.
const NAMED: usize = 5;

/// Say what is missing for the controller to work, and how to mend it.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    to: ClusterArguments,
    /// Which rights the controller is to have: as in `kubemate install --mode`.
    #[arg(long, value_enum, default_value = "observe")]
    mode: Mode,
    /// The branch that has to be at the forge. Without it no forge is asked.
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    #[command(flatten)]
    forge: ForgeArguments,
    /// An audit trail that has to be whole; may be repeated.
    #[arg(long, value_name = "TRAIL")]
    audit: Vec<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for each thing.
    Text,
    /// One JSON document.
    Json,
}

/// What was found about one thing.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    ok: bool,
    /// What is, or why it is not.
    text: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn ok(what: &str, text: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            ok: true,
            text: text.into(),
            fix: None,
        }
    }

    fn missing(what: &str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            ok: false,
            text: text.into(),
            fix: Some(fix.into()),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut findings = session::runtime()?.block_on(of_cluster(arguments));
    if let Some(branch) = &arguments.branch {
        findings.push(forge(arguments, branch));
    }
    for trail in &arguments.audit {
        findings.push(sink(trail)?);
    }
    match arguments.output {
        Format::Json => output::print(&format!("{:#}\n", serde_json::json!(findings))),
        Format::Text => findings
            .iter()
            .for_each(|finding| output::print(&line(finding))),
    }
    let ok = findings.iter().all(|finding| finding.ok);
    Ok(if ok { Exit::Ok } else { Exit::Error })
}

fn line(finding: &Finding) -> String {
    let sign = if finding.ok { "ok      " } else { "missing " };
    let mut text = escape::line(&format!("{sign} {}: {}", finding.what, finding.text)).into_owned();
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("\n         fix: {}", escape::line(fix)));
    }
    text + "\n"
}

fn install(mode: Mode) -> String {
    let mode = match mode {
        Mode::Observe => "observe",
        Mode::Apply => "apply",
    };
    format!("kubemate install --mode {mode} | kubectl apply --server-side -f -")
}

async fn of_cluster(arguments: &Arguments) -> Vec<Finding> {
    let to = &arguments.to;
    let connected = KubeCluster::connect(to.kubeconfig.as_deref(), to.context.as_deref()).await;
    let client = match connected.and_then(|cluster| cluster.client()) {
        Ok(client) => client,
        Err(problem) => {
            let fix = "name the cluster with --kubeconfig and --context";
            return vec![Finding::missing("cluster", problem.to_string(), fix)];
        }
    };
    let server = match examine::server(&client).await {
        Ok(server) => server,
        Err(error) => {
            let fix = "check the address in the kubeconfig and that the server is up";
            return vec![Finding::missing("cluster", error.to_string(), fix)];
        }
    };
    let mut findings = vec![version(&server), clock(&server)];
    for name in [
        "syncs.kubemate.dev",
        "holds.kubemate.dev",
        "approvals.kubemate.dev",
    ] {
        let found = examine::definition(&client, name).await;
        findings.push(definition(name, found));
    }
    findings.push(rights(&client, arguments.mode).await);
    findings.push(controller(&client, arguments.mode).await);
    findings.push(stores(&client).await);
    findings
}

fn version(server: &examine::Server) -> Finding {
    let text = format!("Kubernetes {}", server.version);
    match server.minor >= OLDEST {
        true => Finding::ok("version", text),
        false => {
            let text = format!("{text} is older than 1.{OLDEST}");
            Finding::missing("version", text, "upgrade the cluster")
        }
    }
}

fn clock(server: &examine::Server) -> Finding {
    match server.ahead {
        None => Finding::ok("clock", "the server does not tell the time"),
        Some(ahead) if ahead.abs() <= SKEW => Finding::ok("clock", "the same as here"),
        Some(ahead) => {
            let side = if ahead > 0 { "ahead of" } else { "behind" };
            let text = format!("the server's is {} s {side} the one here", ahead.abs());
            let fix = "set both clocks by NTP: leases and tokens are about time";
            Finding::missing("clock", text, fix)
        }
    }
}

fn definition(name: &str, found: Result<Definition, kube::Error>) -> Finding {
    let what = format!("definition {name}");
    let fix = "kubemate install --crd | kubectl apply --server-side -f -";
    match found {
        Ok(Definition::Served(versions)) if versions.iter().any(|v| v == "v1alpha1") => {
            Finding::ok(&what, format!("served in {}", versions.join(", ")))
        }
        Ok(Definition::Served(versions)) => {
            let text = format!("served in {}, and not in v1alpha1", versions.join(", "));
            Finding::missing(&what, text, fix)
        }
        Ok(Definition::NotServed(why)) => {
            Finding::missing(&what, format!("there, and not served: {why}"), fix)
        }
        Ok(Definition::Missing) => Finding::missing(&what, "not there", fix),
        Err(error) => unknown(&what, &error),
    }
}

/// What could not be found out is no good news.
fn unknown(what: &str, error: &kube::Error) -> Finding {
    let fix = "run this with an account that may read it, such as a cluster administrator's";
    Finding::missing(what, format!("not known: {error}"), fix)
}

async fn rights(client: &kube::Client, mode: Mode) -> Finding {
    let what = "rights";
    let wanted: Vec<Right> = match install::wanted::rights(mode) {
        Ok(rights) => rights,
        Err(error) => return Finding::missing(what, error.to_string(), install(mode)),
    };
    let count = wanted.len();
    match examine::denied(client, wanted).await {
        Err(error) => unknown(what, &error),
        Ok(denied) if denied.is_empty() => {
            let account = format!("{}/kubemate", sync::NAMESPACE);
            Finding::ok(what, format!("{account} has all {count}"))
        }
        Ok(denied) => {
            let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for right in &denied {
                let resource = match right.group.as_str() {
                    "" => right.resource.clone(),
                    group => format!("{}.{group}", right.resource),
                };
                by.entry(resource).or_default().push(&right.verb);
            }
            let named = by.iter().take(NAMED);
            let named: Vec<String> = named
                .map(|(r, verbs)| format!("{} {r}", verbs.join(" ")))
                .collect();
            let more = match by.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let text = format!(
                "{}/kubemate lacks {} of {count}: {}{more}",
                sync::NAMESPACE,
                denied.len(),
                named.join(", ")
            );
            Finding::missing(what, text, install(mode))
        }
    }
}

async fn controller(client: &kube::Client, mode: Mode) -> Finding {
    let what = "controller";
    match examine::replicas(client).await {
        Err(error) => unknown(what, &error),
        Ok(None) => Finding::missing(what, "not installed", install(mode)),
        Ok(Some((ready, wanted))) if ready >= wanted && wanted > 0 => {
            Finding::ok(what, format!("{ready} of {wanted} replicas are ready"))
        }
        Ok(Some((ready, wanted))) => {
            let text = format!("{ready} of {wanted} replicas are ready");
            let fix = format!(
                "kubectl -n {} describe deployment kubemate-controller",
                sync::NAMESPACE
            );
            Finding::missing(what, text, fix)
        }
    }
}

async fn stores(client: &kube::Client) -> Finding {
    let what = "secret stores";
    let versions = match examine::definition(client, "secretstores.external-secrets.io").await {
        Err(error) => return unknown(what, &error),
        Ok(Definition::Served(versions)) => versions,
        Ok(Definition::Missing | Definition::NotServed(_)) => {
            return Finding::ok(what, "External Secrets is not installed");
        }
    };
    let version = versions
        .iter()
        .find(|version| *version == "v1")
        .or(versions.first());
    match examine::stores(client, version.map_or("v1", String::as_str)).await {
        Err(error) => unknown(what, &error),
        Ok((count, unready)) => match unready.iter().next() {
            None => Finding::ok(what, format!("all {count} are ready")),
            Some((name, why)) => {
                let text = format!("{} of {count} are not ready; {name}: {why}", unready.len());
                let (namespace, name) = name.split_once('/').unwrap_or(("", name));
                let fix = format!("kubectl -n {namespace} describe secretstore {name}");
                Finding::missing(what, text, fix)
            }
        },
    }
}

fn forge(arguments: &Arguments, branch: &str) -> Finding {
    let what = "forge";
    let asked = || -> Result<bool, Failure> {
        let here = LocalRepository::discover(".".as_ref())?;
        let client = arguments.forge.client(&here)?;
        Ok(session::runtime()?.block_on(client.tip(branch))?.is_some())
    };
    match asked() {
        Ok(true) => Finding::ok(what, format!("answers, and has branch {branch}")),
        Ok(false) => {
            let fix = "name the branch that the clusters follow with --branch";
            Finding::missing(what, format!("it has no branch {branch}"), fix)
        }
        Err(failure) => {
            let fix = failure.help().unwrap_or("check the address and the token");
            Finding::missing(what, failure.to_string(), fix)
        }
    }
}

fn sink(name: &str) -> Result<Finding, Failure> {
    let what = format!("audit trail {name}");
    let read = async { Trail::named(name).await?.read().await };
    Ok(match session::runtime()?.block_on(read) {
        Ok(Ok((_, end))) => Finding::ok(&what, format!("{} lines, whole", end.lines())),
        Ok(Err(broken)) => {
            let fix = format!("kubemate audit verify {name}");
            Finding::missing(&what, format!("broken at {broken}"), fix)
        }
        Err(error) => {
            let fix = "check the address and the credential of the store";
            Finding::missing(&what, error.to_string(), fix)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(minor: u32, ahead: Option<i64>) -> examine::Server {
        let version = format!("v1.{minor}.0");
        examine::Server {
            version,
            minor,
            ahead,
        }
    }

    #[test]
    fn old_servers_and_wrong_clocks_are_found() {
        assert!(version(&server(28, None)).ok && !version(&server(27, None)).ok);
        for (ahead, ok) in [
            (None, true),
            (Some(0), true),
            (Some(-30), true),
            (Some(31), false),
            (Some(-31), false),
        ] {
            let found = clock(&server(30, ahead));
            assert_eq!((found.ok, found.fix.is_none()), (ok, ok), "{}", found.text);
        }
        assert!(clock(&server(30, Some(-60))).text.contains("60 s behind"));
    }
}
