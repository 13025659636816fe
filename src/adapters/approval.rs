//! `Approval` objects: a person's yes to one change, beside the reviews at the forge. Who gave it is what
//! the API server saw, as long as the admission policy in [`vouch`] stands.

pub mod vouch;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions};
use kube::{Api, Client, CustomResource, CustomResourceExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sync::NAMESPACE;
use crate::plan::approved::Given;

/// How names of Approvals begin.
const NAME: &str = "approval-";
/// Approvals that are read at once.
const PAGE: u32 = 500;
/// Pages that are read at most.
const MAX_PAGES: usize = 20;
/// Bytes of one field at most, wherever the object came from.
const MAX_FIELD: usize = 300;
/// The same of a reason, which is a sentence in any language.
const MAX_REASON: usize = 1200;
/// Groups of one Approval at most.
pub const MAX_GROUPS: usize = 100;

/// A person's yes to what one pull request changes in one set. It never changes; who made it deletes it to
/// take it back.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "kubemate.dev",
    version = "v1alpha1",
    kind = "Approval",
    plural = "approvals",
    namespaced,
    derive = "PartialEq",
    printcolumn = r#"{"name":"Sync","type":"string","jsonPath":".spec.sync"}"#,
    printcolumn = r#"{"name":"User","type":"string","jsonPath":".spec.user"}"#,
    printcolumn = r#"{"name":"Intent","type":"string","jsonPath":".spec.intent"}"#,
    printcolumn = r#"{"name":"Ticket","type":"string","jsonPath":".spec.ticket"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalSpec {
    /// The Sync that the change waits in.
    #[schemars(length(min = 1, max = 253))]
    pub sync: String,
    /// The number of the pull request.
    #[schemars(length(min = 1, max = 20))]
    pub pull: String,
    /// The last commit of the pull request.
    #[schemars(length(min = 1, max = 64))]
    pub commit: String,
    /// The digest of what is approved, as the status of the Sync names it.
    #[schemars(length(min = 1, max = 128))]
    pub intent: String,
    /// Who approves: whoever makes the object, as the API server knows them.
    #[schemars(length(min = 1, max = 253))]
    pub user: String,
    /// Groups of that person that matter; none but those that the API server knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_GROUPS), inner(length(max = 253)))]
    pub groups: Vec<String>,
    /// The freeze that the change is let through, as the status of the Sync names it. Without it the change
    /// itself is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub freeze: Option<String>,
    /// The ticket that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub ticket: Option<String>,
    /// Why, in a sentence; a change is let through a freeze only with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub reason: Option<String>,
    /// When it ends, as in `2026-05-04T12:00:00Z`. A time that cannot be read has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub until: Option<String>,
}

/// A change that needs approval, in the status of its Sync.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Waiting {
    /// The set.
    pub set: String,
    /// The digest of what changes in it: what an Approval names.
    pub intent: String,
    /// The last commit of the pull request: what an Approval names.
    pub commit: String,
    /// The number of the pull request.
    pub pull: String,
    /// What changes and how dangerous it is, in one sentence.
    pub change: String,
    /// Who agreed and who has to, in one sentence.
    pub rule: String,
    /// The freeze that it is to be let through: what an Approval names, if this is not about the change itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze: Option<String>,
    /// Whether a ticket must be named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ticket: bool,
    /// How many more people have to agree.
    pub missing: u32,
    /// Groups that may agree.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Who agreed, so that it counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Agreements that do not count, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}

impl Approval {
    /// What it says, for whoever judges it; nothing where a field is longer than any that is sound.
    pub fn given(&self) -> Option<Given> {
        let ApprovalSpec {
            sync,
            pull,
            commit,
            intent,
            user,
            groups,
            freeze,
            ticket,
            reason,
            until,
        } = &self.spec;
        let fits = |text: &String| text.len() <= MAX_FIELD;
        let mut fields = [sync, pull, commit, intent, user].into_iter();
        let sound = fields.all(fits)
            && groups.len() <= MAX_GROUPS
            && groups.iter().all(fits)
            && [freeze, ticket, until].into_iter().flatten().all(fits)
            && reason.iter().all(|text| text.len() <= MAX_REASON);
        sound.then(|| Given {
            pull: pull.clone(),
            commit: commit.clone(),
            intent: intent.clone(),
            user: user.clone(),
            groups: groups.iter().cloned().collect(),
            at: self.made(),
            until: until.clone(),
            freeze: freeze.clone(),
            ticket: ticket.clone(),
            reason: reason.clone(),
            // The API server counts what was written to all but the metadata.
            changed: self.metadata.generation != Some(1),
        })
    }

    /// When it was made.
    pub fn made(&self) -> Option<Timestamp> {
        let made = self.metadata.creation_timestamp.as_ref();
        made.map(|time| time.0)
    }
}

/// The CRD as YAML, as it is committed and installed.
pub fn crd_yaml() -> Result<String, serde_json::Error> {
    super::sync::yaml_of(&Approval::crd())
}

/// All Approvals as an API.
pub fn api(client: Client) -> Api<Approval> {
    Api::namespaced(client, NAMESPACE)
}

/// All Approvals, as far as that many are ever read.
pub async fn list(client: Client) -> Result<Vec<Approval>, kube::Error> {
    let api = api(client);
    let mut all = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    for _ in 0..MAX_PAGES {
        let page = api.list(&params).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    Ok(all)
}

/// The name and the groups of whoever asks, as the API server knows them.
pub async fn caller(client: Client) -> Result<(String, Vec<String>), kube::Error> {
    let api: Api<SelfSubjectReview> = Api::all(client);
    let answer = api
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await?;
    let user = answer.status.and_then(|status| status.user_info);
    let user = user.unwrap_or_default();
    Ok((
        user.username.unwrap_or_default(),
        user.groups.unwrap_or_default(),
    ))
}

/// Makes an Approval, and returns its name.
pub async fn approve(client: Client, spec: ApprovalSpec) -> Result<String, kube::Error> {
    let approval = Approval {
        metadata: ObjectMeta {
            generate_name: Some(NAME.to_owned()),
            namespace: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        spec,
    };
    let made = api(client)
        .create(&PostParams::default(), &approval)
        .await?;
    Ok(made.metadata.name.unwrap_or_default())
}

/// Deletes exactly this Approval. False if it is gone already, or another one has its name.
pub async fn delete(client: Client, approval: &Approval) -> Result<bool, kube::Error> {
    let name = approval.metadata.name.as_deref().unwrap_or_default();
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            uid: approval.metadata.uid.clone(),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    match api(client).delete(name, &params).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_too_long_says_nothing() {
        let approval = |user: &str| -> Approval {
            serde_json::from_value(json!({
                "apiVersion": "kubemate.dev/v1alpha1", "kind": "Approval",
                "metadata": {"name": "a", "creationTimestamp": "2026-05-04T12:00:00Z", "generation": 1},
                "spec": {"sync": "prod", "pull": "7", "commit": "c", "intent": "i", "user": user},
            }))
            .unwrap()
        };
        let given = approval("ana").given().unwrap();
        assert_eq!((given.user.as_str(), given.at.is_some()), ("ana", true));
        assert!(given.groups.is_empty() && given.until.is_none() && !given.changed);
        for generation in [None, Some(2)] {
            let mut approval = approval("ana");
            approval.metadata.generation = generation;
            assert!(approval.given().unwrap().changed, "{generation:?}");
        }
        assert!(approval(&"a".repeat(MAX_FIELD + 1)).given().is_none());
    }

    #[test]
    fn the_committed_crd_is_the_generated_one() {
        let committed = include_str!("../../schema/approval-crd.yaml");
        let how = "write it anew: the third part of `kubemate install --crd`";
        assert_eq!(committed, crd_yaml().unwrap(), "{how}");
    }
}
