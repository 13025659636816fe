//! What goes into the judgement of one owner's files, and what comes out. Plain data that crosses the
//! border to a worker process.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dsl::compose::Target;
use crate::dsl::diagnostic::{Diagnostics, Span};
use crate::dsl::raw::RawNode;
use crate::kinds::Claim;
use crate::kinds::approval::Approval;
use crate::kinds::change_window::ChangeWindow;
use crate::kinds::freeze::Freeze;
use crate::kinds::role::Action;
use crate::kinds::sources::Unusable;
use crate::kinds::tenant::member::MemberKind;
use crate::object::{Owner, Rendered, ResourceId};
use crate::source::{FileId, RepoPath};
use crate::values::time::{DateTime, TimeZone};

/// A file as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its id in the whole tree, so that spans mean the same everywhere.
    pub id: FileId,
    /// Where it is.
    pub path: RepoPath,
    /// What it says.
    pub text: String,
    /// Its nodes as read before, packed; they travel beside the job.
    #[serde(skip)]
    pub known: Option<Vec<u8>>,
}

/// A file of KDL after parsing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParsedFile {
    /// Its id in the whole tree.
    pub id: FileId,
    /// Where it is.
    pub path: RepoPath,
    /// Its top-level nodes that could be read.
    pub nodes: Vec<RawNode>,
    /// Kind and name of nodes that could not be read, as far as they can be told: they exist, so
    /// references to them are not wrong.
    pub unread: Vec<(String, String)>,
}

/// What is asked of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// Judge for all targets.
    Check,
    /// Judge for all targets and render some.
    Render {
        /// The targets to render.
        targets: Vec<Target>,
        /// Whether to trace every rendered field to its KDL.
        trace: bool,
    },
    /// Judge, and return one resource as composed for one target.
    Show {
        /// The resource: kind and name.
        kind: String,
        /// Its name.
        name: String,
        /// The target.
        target: Target,
    },
    /// Judge, and run `test` nodes.
    Test,
}

/// One owner's files with everything needed to judge them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Whose files these are.
    pub owner: Owner,
    /// The platform's files, already parsed; empty for the platform's own job.
    pub platform: Vec<ParsedFile>,
    /// The platform's other files that its resources read.
    pub files: Vec<InputFile>,
    /// Places among the owner's other files that cannot be used.
    pub unusable: Vec<Unusable>,
    /// What is asked.
    pub want: Want,
}

/// The platform where a tenant could stand, as who refers or who is exported to.
pub const PLATFORM: &str = "";

/// A reference into another tenant, settled when all owners are known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Foreign {
    /// The kind of the name.
    pub kind: String,
    /// The other tenant.
    pub tenant: String,
    /// The name.
    pub name: String,
    /// The tenant that refers, [`PLATFORM`] for the platform.
    pub from: String,
    /// Where.
    pub at: Span,
}

/// A name that other tenants may refer to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Export {
    /// What it is.
    pub resource: ResourceId,
    /// The tenants it is exported to, and [`PLATFORM`]; empty for all.
    pub to: Vec<String>,
}

/// The verdict of one `test` node's expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestVerdict {
    /// The test's name.
    pub test: String,
    /// The environment it ran for.
    pub environment: String,
    /// What was expected, in words.
    pub expectation: String,
    /// Whether this owner has what the expectation looks at.
    pub seen: bool,
    /// Why it does not hold; `None` if it does.
    pub failure: Option<String>,
    /// Where it is written.
    pub at: Span,
}

/// One field of a composed resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownField {
    /// JSON pointer.
    pub pointer: String,
    /// The value; masked where it is a secret.
    pub value: Value,
    /// Where it was decided, and by which layer; `None` for a default.
    pub origin: Option<(Span, String)>,
    /// Where weaker layers said something else, weakest first.
    pub earlier: Vec<(Span, String)>,
}

/// A resource as composed for one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Which resource.
    pub resource: ResourceId,
    /// All its fields, defaults included.
    pub fields: Vec<ShownField>,
}

/// What the platform says about a tenant on one target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TenantFact {
    /// The tenant.
    pub tenant: String,
    /// Environment and cluster.
    pub target: Target,
    /// Its namespaces; the first holds the ServiceAccount of its writes.
    pub namespaces: Vec<String>,
}

/// What the platform says about changes on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleFact {
    /// Environment and cluster.
    pub target: Target,
    /// Who has to agree to changes of the environment, if anybody has to.
    pub approval: Option<Approval>,
    /// Its change windows.
    pub windows: Vec<ChangeWindow>,
    /// Its freezes.
    pub freezes: Vec<Freeze>,
    /// Approvals by which changes get through its freezes.
    pub exceptions: Vec<Approval>,
    /// What members of tenants may ask of kubemate, where their roles say so.
    pub entitled: Vec<Entitled>,
}

/// A member of a tenant whose role says what to ask of kubemate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitled {
    /// The tenant.
    pub tenant: String,
    /// What the name stands for.
    pub kind: MemberKind,
    /// The name.
    pub name: String,
    /// What may be asked.
    pub may: Vec<Action>,
    /// When the membership ends, if it does.
    pub until: Option<DateTime>,
}

impl Entitled {
    /// Whether the membership is not over. An end that cannot be told has come.
    pub fn holds(&self, now: Timestamp) -> bool {
        let holds = |end: DateTime| end.timestamp(&TimeZone::utc()).is_some_and(|end| now < end);
        self.until.is_none_or(holds)
    }
}

/// What a job found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Problems of this owner's files.
    pub diagnostics: Diagnostics,
    /// The KDL files as parsed: the platform's are input to the other owners. Of the others only what
    /// could not be read is told.
    pub parsed: Vec<ParsedFile>,
    /// Names taken in spaces that all owners share.
    pub claims: Vec<Claim>,
    /// References into other tenants.
    pub foreign: Vec<Foreign>,
    /// Names for other tenants.
    pub exports: Vec<Export>,
    /// How many resources were judged.
    pub resources: usize,
    /// Complete renders of the sets asked for; empty if anything is wrong.
    pub rendered: Vec<Rendered>,
    /// The tenants of the targets that were rendered; from the platform's job only.
    pub tenants: Vec<TenantFact>,
    /// What holds for changes on the targets that were rendered; from the platform's job only.
    pub rules: Vec<RuleFact>,
    /// The resources asked for.
    pub shown: Vec<Shown>,
    /// Test verdicts.
    pub tests: Vec<TestVerdict>,
    /// Sound files that were read now, packed; they travel beside the outcome.
    #[serde(skip)]
    pub fresh: Vec<(FileId, Vec<u8>)>,
}

impl Outcome {
    /// Drops what was read, which nobody but the owner may see: what could not be read stays known.
    pub fn forget_parsed(&mut self) {
        self.parsed.retain(|file| !file.unread.is_empty());
        self.parsed.iter_mut().for_each(|file| file.nodes.clear());
    }
}
