//! A plan as a file: saved, shown, verified and executed once.
//!
//! It is bound to content, not to a commit, and holds no secret. Whatever does not fit is an error that
//! names both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::{ObjectKey, SetId, canonical};
use crate::plan::{Action, Finding, Level, Plan, Rule, Step, Verb, digest};

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
    /// For a set that is not here.
    #[error("the plan is for the set {set}, which this project does not have here")]
    OtherSet {
        /// The plan's.
        set: SetId,
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

    /// What of the plan may be done now, by a plan that was made now. A step that is still the same goes
    /// by the rules and confirmations of now, and what is done already is left alone. A step that is not
    /// the same does not go if it would make or delete something; a change stays bound to its own
    /// preconditions, and to the rules of both times.
    pub fn as_of(&self, now: &Plan) -> Plan {
        let today: BTreeMap<&ObjectKey, &Step> = now.steps.iter().map(|s| (&s.key, s)).collect();
        let mut plan = self.plan.clone();
        let mut found = Vec::new();
        for step in &mut plan.steps {
            let fresh = today.get(&step.key);
            if let Some(fresh) = fresh {
                if fresh.action.verb() == Verb::Keep {
                    step.action = fresh.action.clone();
                }
                if same(&fresh.action, &step.action) {
                    step.held_by.clone_from(&fresh.held_by);
                    continue;
                }
                step.held_by.extend(&fresh.held_by);
            }
            if let Verb::Create | Verb::Delete | Verb::Replace = step.action.verb() {
                let message = format!(
                    "to {} it is not what it was when the plan was made",
                    step.action.verb()
                );
                let finding = Finding::new(Level::Error, Rule::Stale, &step.key, message);
                found.push(finding.help("make the plan again"));
                step.held_by.push(Rule::Stale);
            }
            step.held_by.sort();
            step.held_by.dedup();
        }
        plan.findings.retain(|finding| !finding.holds());
        let holds = now.findings.iter().filter(|finding| finding.holds());
        plan.findings.extend(holds.cloned().chain(found));
        plan.findings.sort();
        plan.findings.dedup();
        plan
    }
}

/// Whether two actions do the same. How it is shown is left out, for places in KDL move.
fn same(a: &Action, b: &Action) -> bool {
    let bare = |action: &Action| {
        let mut action = action.clone();
        match &mut action {
            Action::Create {
                changes,
                unverified,
                ..
            }
            | Action::Update {
                changes,
                unverified,
                ..
            }
            | Action::Adopt {
                changes,
                unverified,
                ..
            } => {
                changes.clear();
                *unverified = None;
            }
            Action::Replace { changes, .. } => changes.clear(),
            Action::Delete { .. } | Action::Release { .. } | Action::Keep { .. } => {}
        }
        action
    };
    bare(a) == bare(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Owner;

    fn plan() -> Plan {
        let mut plan = Plan {
            set: SetId {
                project: "bank".into(),
                cluster: "hq".into(),
                owner: Owner::Platform,
                environment: "prod".into(),
            },
            cluster_uid: "uid".into(),
            steps: Vec::new(),
            findings: Vec::new(),
            deletes_digest: "b3:none".into(),
            digest: String::new(),
        };
        plan.digest = plan.content_digest();
        plan
    }

    #[test]
    fn an_edited_plan_is_refused_though_its_seal_was_made_anew() {
        let stamp = Stamp {
            kubemate: "1".into(),
            render: 1,
            cluster_uid: "uid".into(),
            repository: "git.example/bank".into(),
        };
        let mut saved = SavedPlan::new(plan(), stamp, "0".repeat(40));
        assert!(SavedPlan::read(&saved.to_text().unwrap()).is_ok());
        saved.plan.deletes_digest = "b3:more".into();
        saved.seal = saved.content_seal();
        let error = SavedPlan::read(&saved.to_text().unwrap()).unwrap_err();
        let SavedPlanError::Edited { found, said } = error else {
            panic!("{error}");
        };
        assert_eq!(said, plan().digest);
        assert_eq!(found, saved.plan.content_digest());
    }
}
