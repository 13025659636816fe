//! What keeps a pass from its work, in words, and whether time may help. Pure.

/// What keeps a pass from its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What sort.
    pub sort: Sort,
    /// What and where, for people.
    pub message: String,
}

/// Sorts of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The Sync itself makes no sense.
    BadSpec,
    /// The repository does not answer as it should.
    Source,
    /// The commit is not valid.
    InvalidCommit,
    /// Nobody signed the commit whose signature counts.
    Unsigned,
    /// The commit does not come after the one in force.
    Rewritten,
    /// The cluster is not the one that is meant.
    WrongCluster,
    /// This kubemate renders the commit that was applied otherwise.
    UpgradePending,
    /// The cluster does not answer.
    Cluster,
    /// A fault of kubemate's own.
    Internal,
}

impl Sort {
    /// The reason on conditions, and the label of metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadSpec => "BadSpec",
            Self::Source => "SourceFailed",
            Self::InvalidCommit => "InvalidCommit",
            Self::Unsigned => "NotSigned",
            Self::Rewritten => "HistoryRewritten",
            Self::WrongCluster => "WrongCluster",
            Self::UpgradePending => "UpgradePending",
            Self::Cluster => "ClusterFailed",
            Self::Internal => "InternalError",
        }
    }

    /// Whether time may help.
    pub fn passes(self) -> bool {
        match self {
            Self::Source | Self::Cluster | Self::Internal => true,
            Self::BadSpec
            | Self::InvalidCommit
            | Self::Unsigned
            | Self::Rewritten
            | Self::WrongCluster
            | Self::UpgradePending => false,
        }
    }
}

impl Trouble {
    /// Trouble with words for it.
    pub fn new(sort: Sort, message: impl Into<String>) -> Self {
        Self {
            sort,
            message: message.into(),
        }
    }
}
