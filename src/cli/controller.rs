//! `kubemate controller`: keeps what Syncs describe, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::session::{self, KeyedArguments};
use super::{Exit, Failure, load};
use crate::adapters::audit::Place;
use crate::adapters::notify::{self, Notifier};
use crate::adapters::sync::Shard;
use crate::controller::approvals::Approvals;
use crate::controller::attempt::Audit;
use crate::controller::commands::decide::Allowed;
use crate::controller::credentials::Credentials;
use crate::controller::cycle::Tools;
use crate::controller::fights::Fights;
use crate::controller::forges::{Forges, Rule};
use crate::controller::holds::Holds;
use crate::controller::sources::Sources;
use crate::controller::{self, Settings};
use crate::source::address::AllowList;
use crate::telemetry::{Log, Telemetry};

/// For how long threads that are busy are waited for at the very end.
const LAST: Duration = Duration::from_millis(500);

/// Keep what Syncs describe, until it is told to stop.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    to: KeyedArguments,
    /// A repository that may be fetched, or everything below with `/*` at the end; may be repeated.
    /// Without any, all that lie outside of this machine's networks may be.
    #[arg(long = "allow", value_name = "ADDRESS")]
    allowed: Vec<String>,
    /// The directory with HOST.token, HOST.user, HOST.ssh-key and `known_hosts`, and with
    /// HOST.forge-token and SYNC.hook-secret for the two options below.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// The directory for mirrors of repositories; it is only a cache.
    #[arg(long, value_name = "DIR", default_value = "/var/cache/kubemate")]
    mirrors: PathBuf,
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The forge of a Git host, which is then told what becomes of commits; may be repeated. KIND is
    /// github, gitlab, gitea or forgejo; API is the root of its API where that is not the usual one.
    #[arg(
        long = "forge",
        value_name = "KIND@HOST[=API]",
        requires = "credentials"
    )]
    forges: Vec<Rule>,
    /// Where calls of forges are taken, as POST to /hooks/SYNC. Without it none are.
    #[arg(long, value_name = "ADDRESS", requires = "credentials")]
    hooks: Option<SocketAddr>,
    /// Commands in comments of pull requests that are followed. Without it no comment is read.
    #[arg(
        long = "commands",
        value_name = "COMMAND",
        value_enum,
        value_delimiter = ',',
        requires_all = ["hooks", "forges"]
    )]
    commands: Vec<Word>,
    /// A host that receivers of notices may be at, as in `https://hooks.slack.com/*`, or
    /// `smtps://mail.bank.example/*` for mail; may be repeated. Without any, all that lie outside of this
    /// machine's networks may be.
    #[arg(long = "notify-allow", value_name = "ADDRESS")]
    told: Vec<String>,
    /// Where audit trails are kept, one for each Sync: a directory, s3://BUCKET/PREFIX, or `notes` for
    /// Git notes in the repository of the Sync. Without it none are kept.
    #[arg(long, value_name = "PLACE")]
    audit: Option<Place>,
    /// Do nothing that cannot be written into its audit trail first.
    #[arg(long, requires = "audit")]
    audit_required: bool,
    /// Keep only the Syncs with this value in the label kubemate.dev/shard, beside other controllers that
    /// keep other ones. Without it those without the label are kept.
    #[arg(long, value_name = "SHARD")]
    shard: Option<Shard>,
    /// The name of this process among several, on leases and events.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// A command that can be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Word {
    /// `/kubemate plan`: say what a pull request would change.
    Plan,
    /// `/kubemate hold`: leave drift of a resource alone for a while.
    Hold,
    /// `/kubemate apply`: let a plan go that waits after the merge, in the mode `manual`.
    Apply,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let telemetry = Telemetry::start(Log::Json);
    let runtime = session::runtime()?;
    let ended = runtime.block_on(keep(arguments));
    // A fetch from a host that hangs would keep the process alive until its own deadline.
    runtime.shutdown_timeout(LAST);
    if let Err(why) = telemetry.end() {
        tracing::warn!(why, "not all traces were sent");
    }
    ended
}

async fn keep(arguments: &Arguments) -> Result<Exit, Failure> {
    let wrong = |message: String| Failure::Usage {
        message,
        help: "write --allow https://HOST/PATH, or https://HOST/* for all of a host".to_owned(),
    };
    let rules = arguments.allowed.iter().map(String::as_str);
    let allowed = AllowList::parse(rules).map_err(|error| wrong(error.to_string()))?;
    let notifier = notifier(&arguments.told)?;
    let credentials = Credentials::new(arguments.credentials.clone());
    let sources = Sources::new(allowed, arguments.mirrors.clone(), credentials.clone())?;
    let to = &arguments.to;
    if !to.keys().are_apart() {
        return Err(Failure::Usage {
            message: "the keys of encrypted secrets are one file for all tenants".to_owned(),
            help: "give the controller a directory with a file TENANT.agekey for each tenant: with one key, a \
                tenant could have another one's file decrypted into its own namespace"
                .to_owned(),
        });
    }
    let tools = Tools {
        cluster: to.connect().await?,
        judge: Arc::new(load::judge()?),
        sources,
        forges: Forges::new(arguments.forges.clone(), credentials.clone()),
        notifier,
        audit: Audit::new(
            arguments.audit.clone(),
            arguments.audit_required,
            credentials.clone(),
        ),
        holds: Holds::default(),
        approvals: Approvals::default(),
        fights: Fights::default(),
        holder: arguments
            .name
            .clone()
            .unwrap_or_else(|| format!("kubemate-controller-{}", std::process::id())),
    };
    let stop = stop_on_signals()?;
    controller::run(
        Settings {
            tools,
            shard: arguments.shard.clone().unwrap_or_default(),
            listen: arguments.listen,
            hooks: arguments.hooks.map(|address| (address, credentials)),
            commands: Allowed {
                plan: arguments.commands.contains(&Word::Plan),
                hold: arguments.commands.contains(&Word::Hold),
                apply: arguments.commands.contains(&Word::Apply),
            },
        },
        stop,
    )
    .await?;
    Ok(Exit::Ok)
}

/// Who tells receivers at these hosts.
fn notifier(hosts: &[String]) -> Result<Notifier, Failure> {
    let told = notify::hosts(hosts.iter().map(String::as_str)).map_err(|error| Failure::Usage {
        message: format!("--notify-allow: {}", error.reason),
        help: "write --notify-allow https://HOST/*, or smtps://HOST/* for mail, once for each host"
            .to_owned(),
    })?;
    Notifier::new(told, notify::PATIENCE, Vec::new()).map_err(|error| Failure::Runtime {
        reason: error.to_string(),
    })
}

fn stop_on_signals() -> Result<CancellationToken, Failure> {
    let failed = |error: std::io::Error| Failure::Runtime {
        reason: error.to_string(),
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = CancellationToken::new();
    let ours = stop.clone();
    drop(tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: steps that were begun are finished");
        ours.cancel();
    }));
    Ok(stop)
}
