//! Fields that other managers own: what is taken, and what stops the object.

use crate::plan::claim::Claims;
use crate::plan::draft::wanted::Wanted;
use crate::plan::managed::Operation;
use crate::plan::observed::{Conflict, DryRun, Live};
use crate::plan::payload::{Payload, is_by_hand};
use crate::plan::pointer::pointer;
use crate::plan::step::Take;
use crate::plan::{Conflicts, Finding, Level, Rule};

impl Wanted<'_> {
    /// The fields that a write takes from others. A field of another applier that no policy speaks of
    /// is a finding that holds the step.
    pub(super) fn takes(
        &self,
        live: &Live,
        payload: &Payload,
        findings: &mut Vec<Finding>,
    ) -> Vec<Take> {
        let conflicts: &[Conflict] = match &live.dry_run {
            DryRun::Predicted { conflicts, .. } => conflicts,
            DryRun::Refused(problem) => &problem.conflicts,
            DryRun::NotNeeded | DryRun::InSync | DryRun::Unverified { .. } => &[],
        };
        let mut takes = Vec::new();
        for conflict in conflicts {
            let field = pointer(&conflict.field, &payload.body);
            let take = Take {
                field,
                manager: conflict.manager.clone(),
            };
            match self.rule(live, &conflict.manager) {
                Conflicts::Force => takes.push(take),
                Conflicts::Report | Conflicts::Yield => {
                    findings.push(self.conflict(&take, conflict));
                }
            }
        }
        takes.sort();
        takes.dedup();
        for take in &takes {
            let message = format!("the field is taken back from `{}`", take.manager);
            let finding = self.finding(Level::Notice, Rule::Takeover, message);
            findings.push(self.at(finding, &take.field));
        }
        takes
    }

    /// What is taken over together with its history.
    pub(super) fn told_claims(&self, claims: &Claims, findings: &mut Vec<Finding>) {
        for take in &claims.from {
            let Take { field, manager } = take;
            let message = if field.is_empty() {
                format!(
                    "everything that `{manager}` manages is taken over, and what Git does not declare of it is removed"
                )
            } else {
                format!("the entry that `{manager}` put in the place of a declared one is removed")
            };
            let finding = self.finding(Level::Notice, Rule::Takeover, message);
            findings.push(if field.is_empty() {
                finding
            } else {
                finding.field(field)
            });
        }
    }

    fn rule(&self, live: &Live, manager: &str) -> Conflicts {
        if let Some(rule) = self.context.policy.conflicts.get(manager) {
            return *rule;
        }
        let applies = live
            .managed
            .others()
            .any(|e| e.manager == manager && e.operation == Operation::Apply);
        if applies && !is_by_hand(manager) {
            Conflicts::Report
        } else {
            Conflicts::Force
        }
    }

    fn conflict(&self, take: &Take, conflict: &Conflict) -> Finding {
        let Conflict { manager, field } = conflict;
        let message =
            format!("`{manager}` applies `{field}` as well, so the object is not written");
        let help = format!(
            "take the field out of one of the two, or say in the policy what to do about `{manager}`"
        );
        let finding = self
            .finding(Level::Error, Rule::OwnershipConflict, message)
            .help(help);
        self.at(finding, &take.field)
    }

    pub(super) fn at(&self, finding: Finding, pointer: &str) -> Finding {
        let spans = self.desired.source.find(pointer);
        Finding { spans, ..finding }.field(pointer)
    }
}
