//! The steps of a plan: inert data, each with exactly what its execution needs.
//!
//! A step never carries the body it writes. Apply takes it from the same [`Rendered`] through
//! [`crate::plan::payload::for_step`], which checks the digest, so that a saved plan holds no secret.
//!
//! [`Rendered`]: crate::object::Rendered

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dsl::diagnostic::Span;
use crate::object::{ObjectKey, ResourceId, SetId};
use crate::plan::claim::Claims;
use crate::plan::diff::FieldChange;
use crate::plan::finding::Rule;

/// The number of a step in its plan. Steps are in an order in which they may be executed, so a step
/// waits only for smaller numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

/// What will be done with one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// The object.
    pub key: ObjectKey,
    /// The resource it comes from, or came from.
    pub resource: ResourceId,
    /// The places of the resource in KDL; none for what Git no longer has.
    pub spans: Vec<Span>,
    /// What will be done.
    pub action: Action,
    /// Steps of this plan that come first. A deletion comes, besides these, after every writing step
    /// of the plan: see [`crate::plan::Plan::after_all_writes`].
    pub waits_for: Vec<Wait>,
    /// Objects outside this plan's set, or not changed by it, that must be healthy first.
    pub needs: Vec<ObjectKey>,
    /// Rules that keep the step from being executed; empty means that it may go. A step that waits for
    /// a held one is not attempted.
    pub held_by: Vec<Rule>,
}

impl Step {
    /// Takes out the places in KDL.
    pub(crate) fn forget_places(&mut self) {
        self.spans.clear();
        let changes = self.action.changes_mut();
        changes.iter_mut().for_each(|change| change.spans.clear());
    }
}

/// One edge of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// The step that comes first.
    pub step: StepId,
    /// How far it must have come.
    pub until: Until,
}

/// How far an earlier step must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// The API server accepted it; for a delete: the object is gone.
    Done,
    /// And the object is healthy.
    Healthy,
}

/// The verbs of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Make an object that does not exist.
    Create {
        /// Digest of what is sent.
        desired: String,
        /// All its fields, masked.
        changes: Vec<FieldChange>,
        /// Why the server's word is missing, where it is.
        unverified: Option<String>,
    },
    /// Change an object we own.
    Update {
        /// Digest of what is desired.
        desired: String,
        /// What must still hold right before the write.
        preconditions: Preconditions,
        /// What changes, masked.
        changes: Vec<FieldChange>,
        /// Fields taken from other managers; the write is forced only if there is one.
        takes: Vec<Take>,
        /// Fields left to other managers (JSON pointers into the desired body).
        yields: Vec<Take>,
        /// What is taken over with its history before the write.
        #[serde(default, skip_serializing_if = "Claims::is_empty")]
        claims: Claims,
        /// Why the server's word is missing, where it is.
        unverified: Option<String>,
    },
    /// Delete an object we own and make it anew.
    Replace {
        /// Digest of what is sent.
        desired: String,
        /// What must still hold right before the delete.
        preconditions: Preconditions,
        /// What changes, masked.
        changes: Vec<FieldChange>,
        /// Why an update cannot do it.
        why: String,
    },
    /// Delete an object we own and Git no longer has.
    Delete {
        /// The UID the delete is bound to.
        uid: String,
        /// The set label it must still bear.
        label: String,
        /// How many objects go, with a Namespace's content or a CRD's instances.
        total: u64,
    },
    /// Make an existing object ours.
    Adopt {
        /// Digest of what is desired.
        desired: String,
        /// What must still hold right before the write.
        preconditions: Preconditions,
        /// What changes, masked.
        changes: Vec<FieldChange>,
        /// Fields taken from other managers.
        takes: Vec<Take>,
        /// Fields left to other managers.
        yields: Vec<Take>,
        /// What is taken over with its history before the write.
        #[serde(default, skip_serializing_if = "Claims::is_empty")]
        claims: Claims,
        /// How it comes to us.
        from: AdoptFrom,
        /// Why the server's word is missing, where it is.
        unverified: Option<String>,
    },
    /// Forget an object without touching it.
    Release {
        /// Why.
        why: ReleaseWhy,
    },
    /// Leave it as it is; what is tracked stays tracked.
    Keep {
        /// Why.
        why: KeepWhy,
    },
}

/// What must hold for the object right before a write, whatever else changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preconditions {
    /// The UID.
    pub uid: String,
    /// Digest of the declared paths as the server has them.
    pub declared_digest: String,
    /// Digest of the paths we own.
    pub owned_paths_digest: String,
    /// Other managers of declared paths.
    pub foreign_owners: Vec<Take>,
}

/// A field and its manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// The field as a JSON pointer into the object.
    pub field: String,
    /// Who owns it.
    pub manager: String,
}

/// How an existing object comes to a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdoptFrom {
    /// It is no one's, and the resource allows to take it.
    Foreign,
    /// It bears our mark and our apply entry: we made it and the record was lost or not finished.
    Recovered,
    /// Another set gives it up.
    Set(SetId),
}

/// Why an object is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReleaseWhy {
    /// It does not exist any more.
    Gone,
    /// Another set has it or wants it.
    Moved(SetId),
    /// The object of this name is another one: its UID is not ours.
    OtherObject,
    /// It was announced and never written by us.
    NeverWritten,
}

/// Why an object stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeepWhy {
    /// Live and desired are the same and nothing is recorded anew.
    InSync,
    /// The server would change nothing, though the text of what is desired changed: only the record is
    /// written.
    SameResult {
        /// The new record's digest of what is desired.
        desired: String,
        /// The new record's digest of the declared paths.
        declared: String,
        /// The new record's digest of the paths we own.
        owned_paths: String,
    },
    /// It could not be read.
    Unreadable {
        /// Why, in words.
        reason: String,
    },
    /// It bears the keep mark.
    KeepMark,
    /// It is being deleted already.
    Terminating,
    /// This run was started or finished before.
    SameRun,
    /// An announced write did happen: the record becomes owned with this UID.
    Confirmed {
        /// The UID.
        uid: String,
    },
    /// It is no longer wanted, and one of the rules about deletion does not let it go.
    NotDeletable,
    /// Drift that the policy only reports.
    ReportedDrift,
    /// It exists and may not be taken; nothing is tracked.
    NotOurs,
    /// Two sets want it; what is tracked stays tracked.
    Contested,
    /// Another set wants it and does not have it yet: until then it stays tracked.
    Leaving(SetId),
}

impl Action {
    /// The verb, one lower-case word.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Create { .. } => Verb::Create,
            Self::Update { .. } => Verb::Update,
            Self::Replace { .. } => Verb::Replace,
            Self::Delete { .. } => Verb::Delete,
            Self::Adopt { .. } => Verb::Adopt,
            Self::Release { .. } => Verb::Release,
            Self::Keep { .. } => Verb::Keep,
        }
    }

    /// Whether the object is written so that it exists afterwards.
    pub fn writes(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Update { .. }
            | Self::Replace { .. }
            | Self::Adopt { .. } => true,
            Self::Delete { .. } | Self::Release { .. } | Self::Keep { .. } => false,
        }
    }

    /// Whether the object is left alone and what is recorded of it changes.
    pub fn records(&self) -> bool {
        let Self::Keep { why } = self else {
            return false;
        };
        matches!(why, KeepWhy::SameResult { .. } | KeepWhy::Confirmed { .. })
    }

    /// Whether the object is deleted, for good or on the way.
    pub fn deletes(&self) -> bool {
        matches!(self, Self::Replace { .. } | Self::Delete { .. })
    }

    /// The changed fields; none where nothing is written.
    pub fn changes(&self) -> &[FieldChange] {
        match self {
            Self::Create { changes, .. }
            | Self::Update { changes, .. }
            | Self::Replace { changes, .. }
            | Self::Adopt { changes, .. } => changes,
            Self::Delete { .. } | Self::Release { .. } | Self::Keep { .. } => &[],
        }
    }

    /// The same, to be edited.
    pub(crate) fn changes_mut(&mut self) -> &mut [FieldChange] {
        match self {
            Self::Create { changes, .. }
            | Self::Update { changes, .. }
            | Self::Replace { changes, .. }
            | Self::Adopt { changes, .. } => changes,
            Self::Delete { .. } | Self::Release { .. } | Self::Keep { .. } => &mut [],
        }
    }

    /// The digest of what is desired, where something is written.
    pub fn desired(&self) -> Option<&str> {
        match self {
            Self::Create { desired, .. }
            | Self::Update { desired, .. }
            | Self::Replace { desired, .. }
            | Self::Adopt { desired, .. } => Some(desired),
            Self::Delete { .. } | Self::Release { .. } | Self::Keep { .. } => None,
        }
    }

    /// Fields taken from other managers.
    pub fn takes(&self) -> &[Take] {
        match self {
            Self::Update { takes, .. } | Self::Adopt { takes, .. } => takes,
            _ => &[],
        }
    }

    /// Fields left to other managers.
    pub fn yields(&self) -> &[Take] {
        match self {
            Self::Update { yields, .. } | Self::Adopt { yields, .. } => yields,
            _ => &[],
        }
    }

    /// What is taken over from other managers before the write.
    pub fn claims(&self) -> &[Take] {
        match self {
            Self::Update { claims, .. } | Self::Adopt { claims, .. } => &claims.from,
            _ => &[],
        }
    }

    /// Why the server's word is missing, where it is.
    pub fn unverified(&self) -> Option<&str> {
        match self {
            Self::Create { unverified, .. }
            | Self::Update { unverified, .. }
            | Self::Adopt { unverified, .. } => unverified.as_deref(),
            _ => None,
        }
    }
}

/// The verb of an action, the order is the one of importance to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// See [`Action::Delete`].
    Delete,
    /// See [`Action::Replace`].
    Replace,
    /// See [`Action::Adopt`].
    Adopt,
    /// See [`Action::Release`].
    Release,
    /// See [`Action::Update`].
    Update,
    /// See [`Action::Create`].
    Create,
    /// See [`Action::Keep`].
    Keep,
}

impl Verb {
    /// The word for people and for wire formats.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Adopt => "adopt",
            Self::Release => "release",
            Self::Update => "update",
            Self::Create => "create",
            Self::Keep => "keep",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
