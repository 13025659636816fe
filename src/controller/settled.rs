//! What the answers to writes tell: where everything came back as Git wants it, and healthy, no other look
//! is needed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::sights::Found;
use crate::apply::outcome::Report;
use crate::health::health;
use crate::object::{ObjectKey, Rendered};
use crate::plan::observed::Live;
use crate::plan::payload::payload;
use crate::plan::step::KeepWhy;
use crate::plan::{Action, Finding, Plan, Policy, Rule, Step};

/// The answers to the writes of one plan.
pub(super) struct Answers<'a> {
    rendered: &'a Rendered,
    policy: &'a Policy,
    now: Timestamp,
    good: Mutex<BTreeMap<ObjectKey, Found>>,
}

impl<'a> Answers<'a> {
    /// None yet.
    pub(super) fn new(rendered: &'a Rendered, policy: &'a Policy, now: Timestamp) -> Self {
        Self {
            rendered,
            policy,
            now,
            good: Mutex::default(),
        }
    }

    /// Hears how the server answered a write. Where nothing is left to others, the next plan would find
    /// this object in sync.
    pub(super) fn hear(&self, step: &Step, live: &Live) {
        let Some(desired) = self.rendered.objects.get(&step.key) else {
            return;
        };
        let payload = payload(desired, &self.rendered.set, Some(live), self.policy);
        let whole = payload.yields.is_empty() && step.action.yields().is_empty();
        let stays = live.deletion_timestamp.is_none();
        if whole && stays && health(&live.body, self.now).is_settled() {
            let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
            good.insert(step.key.clone(), Found::as_wanted(live));
        }
    }

    /// Everything that was written, if nothing is left to do, to wait for or to say.
    pub(super) fn settled(self, plan: &Plan, report: &Report) -> Option<Vec<(ObjectKey, Found)>> {
        let good = self
            .good
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let as_wanted = |step: &Step| match &step.action {
            Action::Keep { why } => *why == KeepWhy::InSync,
            Action::Create { .. } | Action::Update { .. } => good.contains_key(&step.key),
            Action::Replace { .. }
            | Action::Adopt { .. }
            | Action::Delete { .. }
            | Action::Release { .. } => false,
        };
        // The write has answered what a plan had to say about these.
        let moot = |finding: &Finding| {
            let key = finding.key.as_ref();
            let written = key.is_some_and(|key| good.contains_key(key));
            written && matches!(finding.rule, Rule::Drift | Rule::Unverified)
        };
        let settled =
            report.complete() && plan.steps.iter().all(as_wanted) && plan.findings.iter().all(moot);
        settled.then(|| good.into_iter().collect())
    }
}
