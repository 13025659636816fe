//! `kubemate hold` and `kubemate holds`: leave changes to one resource alone for a while, and see what
//! is left alone. A hold is an object in the cluster with a permission of its own.

use jiff::Timestamp;

use super::session::{self, ClusterArguments};
use super::{Exit, Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::hold::{self, HoldSpec, LONGEST, MAX_TICKET};
use crate::apply::cluster::Cluster as _;
use crate::report::diagnostics::escape;
use crate::values::duration::Duration;

/// Leave changes to one resource that were made outside of Git alone for a while.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The resource as KDL names it: app/checkout, or app/payments/checkout for that of one tenant.
    #[arg(value_name = "KIND/NAME")]
    resource: String,
    /// The environment.
    #[arg(long, value_name = "ENV")]
    env: String,
    /// For how long, as in `2h`; a week at most.
    #[arg(
        long = "for",
        value_name = "TIME",
        required_unless_present = "end",
        conflicts_with = "end"
    )]
    time: Option<Duration>,
    /// The ticket that says why.
    #[arg(long, value_name = "TICKET", required_unless_present = "end")]
    ticket: Option<String>,
    /// End it now.
    #[arg(long)]
    end: bool,
    #[command(flatten)]
    to: ClusterArguments,
}

/// Show what people hold.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    to: ClusterArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    session::runtime()?.block_on(async {
        let cluster = connect(&arguments.to).await?;
        let spec = spec(arguments, cluster.now())?;
        let client = cluster.client()?;
        if arguments.end {
            let ended = hold::end(client, &spec).await;
            let ended = ended.map_err(|error| failed(&error))?;
            output::note(match ended {
                true => "the hold has ended; what was changed is undone",
                false => "there is no such hold",
            });
            return Ok(if ended { Exit::Ok } else { Exit::Error });
        }
        let begun = hold::begin(client, &spec).await;
        begun.map_err(|error| failed(&error))?;
        output::note(&format!(
            "changes to {} in {} are left alone until {}",
            spec.resource, spec.environment, spec.until
        ));
        Ok(Exit::Ok)
    })
}

pub(super) fn list(arguments: &List) -> Result<Exit, Failure> {
    session::runtime()?.block_on(async {
        let cluster = connect(&arguments.to).await?;
        let all = hold::list(cluster.client()?).await;
        let all = all.map_err(|error| failed(&error))?;
        let now = cluster.now();
        let mut lines: Vec<String> = all.iter().map(|hold| line(&hold.spec, now)).collect();
        lines.sort();
        for line in &lines {
            output::print(&format!("{}\n", escape::line(line)));
        }
        if lines.is_empty() {
            output::note("nothing is held");
        }
        Ok(Exit::Ok)
    })
}

async fn connect(to: &ClusterArguments) -> Result<KubeCluster, Failure> {
    to.connect().await
}

fn line(spec: &HoldSpec, now: Timestamp) -> String {
    let end = if spec.is_active(now) {
        "until"
    } else {
        "ended"
    };
    let (environment, resource) = (&spec.environment, &spec.resource);
    let by = spec.by.as_ref().map(|user| format!(", by {user}"));
    format!(
        "{environment} {resource}: {end} {}, {}{}",
        spec.until,
        spec.ticket,
        by.unwrap_or_default()
    )
}

/// What is asked for, if it can be.
fn spec(arguments: &Arguments, now: Timestamp) -> Result<HoldSpec, Failure> {
    let wrong = |message: String, help: &str| Failure::Usage {
        message,
        help: help.to_owned(),
    };
    let plain = |part: &str| {
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        !part.is_empty() && part.bytes().all(word)
    };
    let parts: Vec<&str> = arguments.resource.split('/').collect();
    if !matches!(parts.len(), 2 | 3) || !parts.iter().all(|part| plain(part)) {
        let message = format!("`{}` is no resource", arguments.resource.escape_debug());
        return Err(wrong(message, "write KIND/NAME, as in app/checkout"));
    }
    let time = arguments
        .time
        .as_ref()
        .map(|time| time.to_std())
        .unwrap_or_default();
    if time > LONGEST {
        return Err(wrong(
            "a hold ends after a week at most".to_owned(),
            "put what is to stay into Git",
        ));
    }
    let ticket = arguments.ticket.clone().unwrap_or_default();
    if ticket.chars().count() > MAX_TICKET || ticket.chars().any(char::is_control) {
        return Err(wrong(
            "this is no ticket".to_owned(),
            "write its number, as in --ticket INC-1",
        ));
    }
    Ok(HoldSpec {
        resource: arguments.resource.clone(),
        environment: arguments.env.clone(),
        until: HoldSpec::end(now, time),
        ticket,
        by: None,
    })
}

fn failed(error: &kube::Error) -> Failure {
    Failure::Syncs {
        reason: error.to_string(),
    }
}
