//! Exit codes and the errors of commands: the one place that says what the caller's shell sees.

use std::process::ExitCode;

use crate::adapters::audit::AuditError;
use crate::adapters::disk::{DiskError, FileError};
use crate::adapters::worker::WorkerError;
use crate::apply::prepare::PrepareError;
use crate::apply::problem::Problem;
use crate::controller::ControllerError;
use crate::plan::saved::SavedPlanError;
use crate::report::forge::ForgeError;
use crate::source::repository::RepositoryError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Ok,
    /// Something went wrong that is not the input's fault.
    Error,
    /// There are changes; only with `--detailed-exitcode`.
    Changes,
    /// The input is invalid, or a rule refused it.
    Invalid,
    /// A saved plan no longer fits the world.
    Stale,
    /// Some steps were applied and some were not.
    Partly,
    /// Everything was applied and is not healthy in time.
    Unhealthy,
    /// The command line itself is wrong.
    Usage,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Changes => 2,
            Self::Invalid => 3,
            Self::Stale => 4,
            Self::Partly => 5,
            Self::Unhealthy => 6,
            Self::Usage => 64,
        }
    }

    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Changes => "changes",
            Self::Invalid => "invalid",
            Self::Stale => "stale",
            Self::Partly => "partly",
            Self::Unhealthy => "unhealthy",
            Self::Usage => "usage",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The directory cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The repository cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// No worker can be started.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A set cannot be printed.
    #[error("{set} cannot be printed: {reason}")]
    Print {
        /// The set.
        set: String,
        /// Why.
        reason: String,
    },
    /// A cluster was not reached, or refused.
    #[error(transparent)]
    Cluster(#[from] Problem),
    /// No plan could be made.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A saved plan does not hold here.
    #[error(transparent)]
    Saved(#[from] SavedPlanError),
    /// The program could not start its own machinery.
    #[error("no runtime could be started: {reason}")]
    Runtime {
        /// The system's reason.
        reason: String,
    },
    /// The controller could not go on.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// The Syncs, Holds or Approvals of a cluster cannot be read or written.
    #[error("the Syncs, Holds or Approvals of the cluster cannot be read or written: {reason}")]
    Syncs {
        /// Why.
        reason: String,
    },
    /// The arguments fit no meaning.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
    /// A forge did not do what it was asked.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// An audit trail cannot be used.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What is asked for is not done, for a reason that lies in the project.
    #[error("{message}")]
    Declined {
        /// Why.
        message: String,
        /// What to do instead.
        help: String,
    },
    /// The input was refused; the diagnostics are printed already.
    #[error("the input is not valid")]
    Refused,
}

impl Failure {
    /// The exit code it leads to.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Disk(_)
            | Self::Repository(_)
            | Self::Worker(_)
            | Self::File(_)
            | Self::Print { .. }
            | Self::Cluster(_)
            | Self::Prepare(_)
            | Self::Controller(_)
            | Self::Forge(_)
            | Self::Audit(_)
            | Self::Syncs { .. }
            | Self::Runtime { .. } => Exit::Error,
            Self::Saved(_) => Exit::Stale,
            Self::Usage { .. } => Exit::Usage,
            Self::Declined { .. } | Self::Refused => Exit::Invalid,
        }
    }

    /// What to do about it, where that is known and the message does not say it itself.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Usage { help, .. } | Self::Declined { help, .. } => Some(help),
            Self::Syncs { .. } => {
                Some("check the kubeconfig, and that `kubemate install` was applied")
            }
            Self::Saved(_) => Some("make the plan again with `kubemate plan --out DIR`"),
            Self::Disk(_)
            | Self::Repository(_)
            | Self::Worker(_)
            | Self::File(_)
            | Self::Print { .. }
            | Self::Cluster(_)
            | Self::Prepare(_)
            | Self::Controller(_)
            | Self::Runtime { .. }
            | Self::Forge(_)
            | Self::Audit(_)
            | Self::Refused => None,
        }
    }
}
