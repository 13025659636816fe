//! `Sync` objects: what the controller keeps on its cluster, and how that goes.
//!
//! The types here are the CRD. A Sync never holds a credential, and its status never holds the value of
//! a secret: only names, counts, commits and sentences about places in KDL.

mod demands;
mod mark;
mod release;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, CustomResource, CustomResourceExt as _, ResourceExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::approval::Waiting;
use super::listed;
use crate::object::{Owner, SetId};
use crate::report::notify::{MAX_RECEIVERS, Receiver, ReceiverStatus};

pub use demands::{History, Signed, Verify};
pub use mark::Mark;
pub use release::Release;

/// The namespace of all Syncs and of the controller.
pub const NAMESPACE: &str = "kubemate-system";
/// Who writes the status.
const MANAGER: &str = "kubemate-controller";
/// The label that says whose part of the Syncs one belongs to.
pub const SHARD: &str = "kubemate.dev/shard";
/// The annotation that asks for a look now: any new value does.
pub const ASKED: &str = "kubemate.dev/reconcile-at";
/// Sets in one status at most; the rest is counted.
pub const MAX_SETS: usize = 100;
/// Changes in one status that need approval.
pub const MAX_WAITING: usize = 20;
/// Plans in one status that were let go in comments.
pub const MAX_RELEASED: usize = MAX_SETS;
/// Bytes of one message at most.
pub const MAX_MESSAGE: usize = 2000;

/// What the API server lets through as an address; the controller checks it once more, and closer. Plain
/// http is for loopback alone.
const REPOSITORY: &str = concat!(
    r"^((https://|ssh://([A-Za-z0-9._][A-Za-z0-9._-]*@)?)[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*",
    r"|http://(127\.|\[::1\])[0-9.:]*)(/[A-Za-z0-9._~+][A-Za-z0-9._~+-]*)+/?$",
);

/// Keeps one environment of a project on this cluster as its repository says.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "kubemate.dev",
    version = "v1alpha1",
    kind = "Sync",
    plural = "syncs",
    namespaced,
    status = "SyncStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Mode","type":"string","jsonPath":".spec.mode"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Healthy","type":"string","jsonPath":".status.conditions[?(@.type=='Healthy')].status"}"#,
    printcolumn = r#"{"name":"Drifted","type":"string","jsonPath":".status.conditions[?(@.type=='Drifted')].status"}"#,
    printcolumn = r#"{"name":"Applied","type":"string","jsonPath":".status.lastApplied"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Story","type":"string","jsonPath":".status.story"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SyncSpec {
    /// Address of the Git repository: https://HOST/PATH or ssh://USER@HOST/PATH. The controller must be
    /// allowed to fetch it.
    #[schemars(length(max = 1024), regex(pattern = REPOSITORY))]
    pub repository: String,
    /// The tracked ref by its full name.
    #[serde(rename = "ref", default = "main_branch")]
    pub reference: String,
    /// Whose signature is demanded before anything of a commit is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// What happens when the tracked ref no longer comes after the commit in force.
    #[serde(default)]
    pub history: History,
    /// A yes to rewritten history, by the full id of the commit that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_history: Option<String>,
    /// Directory of the project inside the repository; the top where it is left out.
    #[serde(default)]
    pub path: String,
    /// The environment of the project.
    pub environment: String,
    /// The name that the project gives to this cluster. Its UID is checked before anything is written.
    pub cluster: String,
    /// The tenants whose sets may be touched; then the platform's set is left alone. Without it all
    /// sets are kept, the platform's too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<String>>,
    /// How often repository and cluster are compared, as in `1m`; from 1s to 1d.
    #[serde(default = "one_minute")]
    pub interval: String,
    /// What the controller may do by itself.
    #[serde(default)]
    pub mode: Mode,
    /// Stops the Sync without forgetting anything.
    #[serde(default)]
    pub suspend: bool,
    /// Whether objects that are no longer wanted are deleted.
    #[serde(default = "yes")]
    pub prune: bool,
    /// What happens to changes that were made outside of Git.
    #[serde(default)]
    pub drift: Drift,
    /// In the mode `manual`: digests of the plans that may be applied, as the status names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<String>,
    /// A yes to deletions that need one, by their digest, as `kubemate plan` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_deletes: Option<String>,
    /// Who is told how it goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_RECEIVERS))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub notify: Vec<Receiver>,
}

fn main_branch() -> String {
    "refs/heads/main".to_owned()
}

fn one_minute() -> String {
    "1m".to_owned()
}

fn yes() -> bool {
    true
}

/// What the controller may do by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Plan and report, write nothing.
    #[default]
    Observe,
    /// Apply only plans that are approved by their digest.
    Manual,
    /// Apply what the rules allow.
    Auto,
}

/// What happens to changes that were made outside of Git.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// They are undone.
    #[default]
    Revert,
    /// They are reported.
    Report,
}

/// How it goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncStatus {
    /// The generation of the spec that this is about.
    pub observed_generation: i64,
    /// Ready, Reconciling, Stalled, Healthy and Drifted.
    pub conditions: Vec<Condition>,
    /// The commit that was looked at last.
    pub last_attempted: Option<String>,
    /// The name of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The last commit that is valid: it stays in force while a newer one is not.
    pub last_valid: Option<String>,
    /// The commit that was in force when history was rewritten under it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewritten: Option<String>,
    /// Whether the commit that was applied last asks for approvals of what comes after it. Only needed where
    /// that commit is nowhere any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governed: Option<bool>,
    /// Tenants whose own files are not valid in that commit, and the commit that each is kept at.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub behind: BTreeMap<String, String>,
    /// The last commit that was applied completely.
    pub last_applied: Option<String>,
    /// What was rendered for that commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rendered: Option<Mark>,
    /// The whole story in one line.
    pub story: String,
    /// How each set is, by its name.
    pub sets: BTreeMap<String, SetSummary>,
    /// How many sets are left out above.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_sets: u32,
    /// Changes that need approval, and who gave it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// In the mode `manual`: plans that somebody let go in a comment of a pull request, as long as they wait.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<Release>,
    /// How it goes with each receiver of `notify`, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub receivers: BTreeMap<String, ReceiverStatus>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// How one set is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SetSummary {
    /// Objects that are wanted.
    pub objects: u32,
    /// Steps that are not done.
    pub pending: u32,
    /// Steps that wait for a yes or are refused by a rule.
    pub held: u32,
    /// Objects that were changed outside of Git.
    pub drifted: u32,
    /// Objects that are not healthy.
    pub unhealthy: u32,
    /// The digest of the plan, while it is not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What is in the way, one sentence; empty if nothing is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The CRD as YAML, as it is committed and installed.
pub fn crd_yaml() -> Result<String, serde_json::Error> {
    yaml_of(&Sync::crd())
}

/// A CRD as YAML. Kubernetes knows no unsigned numbers and warns of every format that it does not know.
pub(super) fn yaml_of(crd: &impl Serialize) -> Result<String, serde_json::Error> {
    fn signed(value: &mut Value) {
        match value {
            Value::Object(members) => {
                if members
                    .get("format")
                    .is_some_and(|format| format == "uint32")
                {
                    members.insert("format".to_owned(), "int64".into());
                }
                members.values_mut().for_each(signed);
            }
            Value::Array(items) => items.iter_mut().for_each(signed),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut value = serde_json::to_value(crd)?;
    signed(&mut value);
    serde_saphyr::to_string(&value).map_err(<serde_json::Error as serde::ser::Error>::custom)
}

/// Which of a cluster's Syncs one controller keeps: those with its name in the label [`SHARD`], or those
/// without that label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shard(Option<String>);

impl Shard {
    /// The label selector of its Syncs.
    pub fn selector(&self) -> String {
        match &self.0 {
            Some(name) => format!("{SHARD}={name}"),
            None => format!("!{SHARD}"),
        }
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// Takes what Kubernetes takes for a label and for the name of an object: at most 63 of a-z, 0-9
    /// and `-`, the last not first and not last.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (1..=63).contains(&text.len())
            && text.chars().all(plain)
            && !text.starts_with('-')
            && !text.ends_with('-');
        good.then(|| Self(Some(text.to_owned()))).ok_or_else(|| {
            "a shard is named by at most 63 of a-z, 0-9 and `-`, and begins and ends without `-`".to_owned()
        })
    }
}

/// All Syncs as an API.
pub fn api(client: Client) -> Api<Sync> {
    Api::namespaced(client, NAMESPACE)
}

/// Replaces the status of a Sync.
pub async fn write_status(
    client: Client,
    name: &str,
    status: &SyncStatus,
) -> Result<(), kube::Error> {
    let body = json!({
        "apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "status": status,
    });
    let params = PatchParams::apply(MANAGER).force();
    drop(
        api(client)
            .patch_status(name, &params, &Patch::<Value>::Apply(body))
            .await?,
    );
    Ok(())
}

/// What a person asks of a Sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To stop without forgetting anything.
    Suspend,
    /// To go on.
    Resume,
    /// To look now.
    Reconcile,
}

impl Ask {
    /// What was done, in words that follow a name.
    pub const fn done(self) -> &'static str {
        match self {
            Self::Suspend => "suspended; what is applied stays, and nothing is written",
            Self::Resume => "goes on",
            Self::Reconcile => "is looked at now",
        }
    }
}

/// Asks something of a Sync. `now` is the time of the asking.
pub async fn ask(
    client: Client,
    name: &str,
    ask: Ask,
    now: jiff::Timestamp,
) -> Result<(), kube::Error> {
    let body = match ask {
        Ask::Suspend => json!({"spec": {"suspend": true}}),
        Ask::Resume => json!({"spec": {"suspend": false}}),
        Ask::Reconcile => json!({"metadata": {"annotations": {ASKED: now.to_string()}}}),
    };
    let patch = Patch::Merge(body);
    drop(
        api(client)
            .patch(name, &PatchParams::default(), &patch)
            .await?,
    );
    Ok(())
}

/// All Syncs, by name.
pub async fn list(client: Client) -> Result<Vec<Sync>, kube::Error> {
    let mut all = listed::all(&api(client)).await?;
    all.sort_by_key(kube::ResourceExt::name_any);
    Ok(all)
}

impl Sync {
    /// A condition's status, as in `True`; empty where it is not known yet.
    pub fn condition(&self, kind: &str) -> &str {
        let conditions = self.status.iter().flat_map(|s| &s.conditions);
        conditions
            .into_iter()
            .find(|c| c.type_ == kind)
            .map_or("", |c| c.status.as_str())
    }

    /// Whether the controller writes anything for this Sync: it does unless it is suspended or only
    /// observes.
    pub(crate) fn writes(&self) -> bool {
        match self.spec.mode {
            Mode::Observe => false,
            Mode::Manual | Mode::Auto => !self.spec.suspend,
        }
    }

    /// Whether it may turn out to keep a set: it is for the same environment, and the controller has not
    /// found out yet of which project.
    pub fn may_keep(&self, set: &SetId) -> bool {
        let known = self
            .status
            .as_ref()
            .is_some_and(|status| status.project.is_some());
        self.writes() && !known && self.covers(set)
    }

    /// Whether its spec is about a set, of whichever project.
    fn covers(&self, set: &SetId) -> bool {
        let here = self.spec.environment == set.environment && self.spec.cluster == set.cluster;
        let theirs = match (&self.spec.tenants, &set.owner) {
            (None, _) => true,
            (Some(_), Owner::Platform) => false,
            (Some(tenants), Owner::Tenant(name)) => tenants.iter().any(|tenant| tenant == name),
        };
        here && theirs
    }

    /// Whether the controller wants to write a set for this Sync, as far as it knows the Sync's project.
    pub fn claims(&self, set: &SetId) -> bool {
        let status = self.status.as_ref();
        let project = status.and_then(|status| status.project.as_ref());
        self.writes() && self.covers(set) && project == Some(&set.project)
    }

    /// Whether it was there before another one; of two that were made at once the name decides.
    pub fn is_older(&self, other: &Self) -> bool {
        let made = |sync: &Self| sync.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (made(self), self.name_any()) < (made(other), other.name_any())
    }

    /// Whether it is said to be refused a set that another one keeps.
    pub(crate) fn is_refused(&self) -> bool {
        let mut conditions = self.status.iter().flat_map(|status| &status.conditions);
        conditions.any(|c| c.type_ == "Ready" && c.reason == "SetClaimed")
    }

    /// Whether somebody let the plan of this digest go, in the spec or in a comment.
    pub fn is_let_go(&self, digest: &str) -> bool {
        let released = self.status.iter().flat_map(|status| &status.released);
        let mut named = released.map(|release| &release.plan);
        self.spec.approved.iter().any(|plan| plan == digest) || named.any(|plan| plan == digest)
    }

    /// Whether the controller writes a set for this Sync.
    pub fn keeps(&self, set: &SetId) -> bool {
        let status = self.status.as_ref();
        let has = |status: &SyncStatus| {
            status.project.as_ref() == Some(&set.project)
                && status.sets.contains_key(&set.to_string())
        };
        self.writes() && status.is_some_and(has)
    }

    /// One line for people: the name, how it goes, and why.
    pub fn line(&self) -> String {
        let story = self
            .status
            .as_ref()
            .map(|s| s.story.as_str())
            .filter(|s| !s.is_empty());
        let state = match (self.spec.suspend, self.condition("Ready")) {
            (true, _) => "suspended",
            (false, "True") => "ready",
            (false, "") => "new",
            (false, _) => "not ready",
        };
        let story = story.unwrap_or("the controller has not looked at it yet");
        format!("{}: {state}: {story}", self.name_any())
    }
}

/// A message that fits into a status: cut at a character, marked as cut.
pub fn fitting(text: &str) -> String {
    if text.len() <= MAX_MESSAGE {
        return text.to_owned();
    }
    let mut end = MAX_MESSAGE;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} …", &text[..end])
}

#[cfg(test)]
mod tests;
