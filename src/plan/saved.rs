//! A plan as a file: saved, shown, verified and executed once.
//!
//! It is bound to content, not to a commit, and holds no secret. Whatever does not fit is an error that
//! names both sides.

use serde::{Deserialize, Serialize};

use crate::object::canonical;
use crate::plan::{Plan, digest};

/// The version of the file's form.
const FORMAT: u32 = 1;

/// Where a plan holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// The version of kubemate.
    pub kubemate: String,
    /// The render version of the project.
    pub render: u32,
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster_uid: String,
    /// The repository, by the name it has everywhere.
    pub repository: String,
}

/// A saved plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// The version of the file's form.
    format: u32,
    /// Where it holds.
    pub stamp: Stamp,
    /// The commit it was made from, for people and for places in KDL; nothing is bound to it.
    pub commit: String,
    /// The plan.
    pub plan: Plan,
    /// The digest of everything above.
    seal: String,
}

/// Why a saved plan is not executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// Not a plan file.
    #[error("this is not a plan of kubemate, or it is damaged: {0}")]
    Damaged(String),
    /// Another form of file.
    #[error(
        "the plan has file version {found} and this kubemate reads {FORMAT}; make the plan again"
    )]
    Format {
        /// The version found.
        found: u64,
    },
    /// Its content was changed after it was made.
    #[error(
        "the plan was edited after it was made: its content has the digest {found}, it says {said}"
    )]
    Edited {
        /// The digest of what is there.
        found: String,
        /// The digest it carries.
        said: String,
    },
    /// For another cluster.
    #[error("the plan was made for the cluster with UID {plan}, and this is {here}")]
    OtherCluster {
        /// The plan's.
        plan: String,
        /// The present one.
        here: String,
    },
    /// For another repository.
    #[error("the plan was made from the repository {plan}, and this is {here}")]
    OtherRepository {
        /// The plan's.
        plan: String,
        /// The present one.
        here: String,
    },
    /// Made by another kubemate.
    #[error("the plan was made by kubemate {plan}, and this is {here}; make the plan again")]
    OtherKubemate {
        /// The plan's.
        plan: String,
        /// The present one.
        here: String,
    },
    /// Made with another render version.
    #[error(
        "the plan was made with render version {plan}, and this is {here}; make the plan again"
    )]
    OtherRender {
        /// The plan's.
        plan: u32,
        /// The present one.
        here: u32,
    },
}

impl SavedPlan {
    /// A plan to be saved.
    pub fn new(plan: Plan, stamp: Stamp, commit: String) -> Self {
        let mut saved = Self {
            format: FORMAT,
            stamp,
            commit,
            plan,
            seal: String::new(),
        };
        saved.seal = saved.content_seal();
        saved
    }

    fn content_seal(&self) -> String {
        let bare = Self {
            seal: String::new(),
            ..self.clone()
        };
        digest::of_text(
            &serde_json::to_value(&bare)
                .map(|v| canonical(&v))
                .unwrap_or_default(),
        )
    }

    /// The file's text.
    pub fn to_text(&self) -> Result<String, SavedPlanError> {
        let text = serde_json::to_string_pretty(self);
        text.map(|t| t + "\n")
            .map_err(|e| SavedPlanError::Damaged(e.to_string()))
    }

    /// Reads a file and checks that its content is what was made.
    pub fn read(text: &str) -> Result<Self, SavedPlanError> {
        let damaged = |e: serde_json::Error| SavedPlanError::Damaged(e.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(damaged)?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(found) if found == u64::from(FORMAT) => {}
            Some(found) => return Err(SavedPlanError::Format { found }),
            None => return Err(SavedPlanError::Damaged("it has no file version".into())),
        }
        let saved: Self = serde_json::from_value(value).map_err(damaged)?;
        let found = saved.plan.content_digest();
        if found != saved.plan.digest {
            return Err(SavedPlanError::Edited {
                found,
                said: saved.plan.digest,
            });
        }
        let found = saved.content_seal();
        if found != saved.seal {
            return Err(SavedPlanError::Edited {
                found,
                said: saved.seal,
            });
        }
        Ok(saved)
    }

    /// Checks that it holds here and now.
    pub fn verify(&self, here: &Stamp) -> Result<(), SavedPlanError> {
        let Stamp {
            kubemate,
            render,
            cluster_uid,
            repository,
        } = here;
        let pair = |plan: &str, here: &str| (plan.to_owned(), here.to_owned());
        for uid in [&self.stamp.cluster_uid, &self.plan.cluster_uid] {
            if uid != cluster_uid {
                let (plan, here) = pair(uid, cluster_uid);
                return Err(SavedPlanError::OtherCluster { plan, here });
            }
        }
        if self.stamp.repository != *repository {
            let (plan, here) = pair(&self.stamp.repository, repository);
            return Err(SavedPlanError::OtherRepository { plan, here });
        }
        if self.stamp.kubemate != *kubemate {
            let (plan, here) = pair(&self.stamp.kubemate, kubemate);
            return Err(SavedPlanError::OtherKubemate { plan, here });
        }
        if self.stamp.render != *render {
            return Err(SavedPlanError::OtherRender {
                plan: self.stamp.render,
                here: *render,
            });
        }
        Ok(())
    }
}
