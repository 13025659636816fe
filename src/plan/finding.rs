//! What a plan has to say beyond its steps: refusals, dangers, and things worth knowing.

use serde::{Deserialize, Serialize};

use crate::dsl::diagnostic::{Code, Span};
use crate::object::ObjectKey;

/// One thing worth saying about a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Which rule says so.
    pub rule: Rule,
    /// The object, `None` for the plan as a whole.
    pub key: Option<ObjectKey>,
    /// One sentence without full stop: what and why. Never holds a secret value.
    pub message: String,
    /// What to do about it, one sentence without full stop; may be empty.
    pub help: String,
    /// The fields it is about, as JSON pointers.
    pub fields: Vec<String>,
    /// Places in KDL.
    pub spans: Vec<Span>,
}

/// How bad a finding is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The step cannot be done as it is.
    Error,
    /// The step needs an explicit yes.
    Confirm,
    /// It will be done and may hurt.
    Danger,
    /// It is good to know.
    Notice,
}

impl Level {
    /// The word for people and wire formats.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Confirm => "confirm",
            Self::Danger => "danger",
            Self::Notice => "notice",
        }
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $code:literal;)+) => {
        /// The rules, each with a stable word and code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule { $($(#[doc = $doc])+ #[serde(rename = $word)] $name,)+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The stable code.
            pub fn code(self) -> Code {
                match self { $(Self::$name => Code($code),)+ }
            }

            /// What the rule is about, one sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

rules! {
    /// Nothing is wanted any more though the set owns objects.
    EmptyRender = "empty-render", 701;
    /// An object could not be read, so nothing is done with it.
    Unreadable = "unreadable", 702;
    /// More objects would be deleted than goes without a yes.
    DeletionBudget = "deletion-budget", 703;
    /// An object of a kind whose deletion always needs a yes.
    ProtectedDelete = "protected-delete", 704;
    /// What would go with a Namespace or CRD could not be listed.
    UnreadableContents = "unreadable-contents", 705;
    /// A Namespace or CRD still holds what no set owns, or what is still wanted.
    StillInUse = "still-in-use", 706;
    /// The object exists and belongs to someone else.
    AdoptRefused = "adopt-refused", 707;
    /// An existing object becomes ours.
    Adopted = "adopted", 708;
    /// Two sets want the same object.
    WantedTwice = "wanted-twice", 709;
    /// Another manager owns a field that is declared.
    OwnershipConflict = "ownership-conflict", 710;
    /// A field is taken from another manager.
    Takeover = "takeover", 711;
    /// A field that cannot be changed in place was changed.
    Immutable = "immutable", 712;
    /// An object is deleted and made anew.
    Replaced = "replaced", 713;
    /// Stored data may be lost.
    DataLoss = "data-loss", 714;
    /// Someone may do more than before.
    RbacWidening = "rbac-widening", 715;
    /// Pods are restarted.
    Restart = "restart", 716;
    /// A run-to-completion object is started again.
    Rerun = "rerun", 717;
    /// More is asked for than a quota allows.
    QuotaExceeded = "quota-exceeded", 718;
    /// Two routes serve the same host and path.
    RouteOverlap = "route-overlap", 719;
    /// The API server refused the object.
    Refused = "refused", 720;
    /// The API server does not serve the kind.
    KindNotServed = "kind-not-served", 721;
    /// An object outside of what the set may write.
    OutOfBounds = "out-of-bounds", 722;
    /// An unwanted object bears the keep mark.
    KeepMark = "keep-mark", 723;
    /// An object is being deleted and waits for its finalizers.
    Terminating = "terminating", 724;
    /// An owned object lost the mark of its set, so it is not deleted.
    MarkLost = "mark-lost", 725;
    /// An object of the same name is not the one we made.
    OtherObject = "other-object", 726;
    /// An announced object exists and is not ours.
    NotOurs = "not-ours", 727;
    /// An object changed outside of Git.
    Drift = "drift", 728;
    /// The change was not part of what was approved.
    NotAnnounced = "not-announced", 729;
    /// A CRD's scope changes or a stored version goes.
    CrdUnsafe = "crd-unsafe", 730;
    /// The server could not check the step before the plan is executed.
    Unverified = "unverified", 731;
    /// An object is too large for the API server.
    TooLarge = "too-large", 732;
    /// Something with stored data gets another name or namespace.
    Moved = "moved", 733;
    /// The cluster refuses the identity that would write.
    Denied = "denied", 734;
    /// An object bears our marks, and neither Git nor the inventory has it.
    LeftBehind = "left-behind", 735;
    /// A saved plan was made for another state of the world.
    Stale = "stale", 736;
    /// The change was not agreed to.
    Unapproved = "unapproved", 737;
    /// The change waits for its time.
    OutOfWindow = "out-of-window", 738;
    /// Nothing is changed during a freeze.
    Frozen = "frozen", 739;
    /// Values are encrypted, and cannot be decrypted here.
    Sealed = "sealed", 740;
    /// A membership has an end.
    Ends = "ends", 741;
    /// A membership has ended, and nothing else changes.
    Ended = "ended", 742;
}

impl Finding {
    /// A finding about one object.
    pub fn new(level: Level, rule: Rule, key: &ObjectKey, message: impl Into<String>) -> Self {
        Self {
            key: Some(key.clone()),
            ..Self::about_plan(level, rule, message)
        }
    }

    /// A finding about the plan as a whole.
    pub fn about_plan(level: Level, rule: Rule, message: impl Into<String>) -> Self {
        Self {
            level,
            rule,
            key: None,
            message: message.into(),
            help: String::new(),
            fields: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// A field it is about.
    #[must_use]
    pub fn field(mut self, pointer: impl Into<String>) -> Self {
        self.fields.push(pointer.into());
        self
    }

    /// Whether the step may not be executed because of it.
    pub fn holds(&self) -> bool {
        match self.level {
            Level::Error | Level::Confirm => true,
            Level::Danger | Level::Notice => false,
        }
    }
}
