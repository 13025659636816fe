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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::apply::cluster::Stored;
    use crate::apply::outcome::{Outcome, StepReport};
    use crate::object::{Desired, Manifest, ObjectRules, Owner, ResourceId, SetId, SourceMap};
    use crate::plan::{Inventory, Level, StepId};

    fn resource() -> ResourceId {
        ResourceId {
            kind: "app".to_owned(),
            tenant: None,
            name: "a".to_owned(),
        }
    }

    /// A set that wants one Deployment.
    fn rendered() -> Rendered {
        let body = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "n"}, "spec": {"replicas": 1},
        });
        let desired = Desired {
            manifest: Manifest::new(body).unwrap(),
            resource: resource(),
            source: SourceMap::default(),
            needs: Vec::new(),
            rules: ObjectRules::default(),
        };
        Rendered {
            set: SetId {
                project: "bank".to_owned(),
                cluster: "hq".to_owned(),
                owner: Owner::Platform,
                environment: "dev".to_owned(),
            },
            objects: BTreeMap::from([(desired.manifest.key.clone(), desired)]),
        }
    }

    /// The Deployment as it stands, of which its controller has seen the first generation.
    fn answer(generation: u64) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": generation,
            },
            "spec": {"replicas": 1},
            "status": {
                "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
                "availableReplicas": 1,
                "conditions": [
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": ""},
                    {"type": "Available", "status": "True"},
                ],
            },
        })
    }

    /// Whether no other look is needed after a plan of one step, of which there is something to say.
    fn is_settled(action: Action, heard: Option<Value>, rule: Option<Rule>, end: Outcome) -> bool {
        let (rendered, policy) = (rendered(), Policy::default());
        let now: Timestamp = "2026-05-04T10:00:00Z".parse().unwrap();
        let key = rendered.objects.keys().next().unwrap();
        let step = Step {
            id: StepId(0),
            key: key.clone(),
            resource: resource(),
            spans: Vec::new(),
            action,
            waits_for: Vec::new(),
            needs: Vec::new(),
            held_by: Vec::new(),
        };
        let answers = Answers::new(&rendered, &policy, now);
        if let Some(body) = heard {
            answers.hear(&step, &Live::new(body).unwrap());
        }
        let ended = StepReport {
            key: key.clone(),
            verb: step.action.verb(),
            outcome: end,
            health: None,
        };
        let report = Report {
            set: rendered.set.clone(),
            steps: BTreeMap::from([(StepId(0), ended)]),
            stored: Stored {
                inventory: Inventory::new(rendered.set.clone()),
                version: None,
                parts: Vec::new(),
            },
            bookkeeping: None,
        };
        let finding = rule.map(|rule| Finding::new(Level::Notice, rule, key, "it is so"));
        let plan = Plan {
            set: rendered.set.clone(),
            cluster_uid: String::new(),
            steps: vec![step],
            findings: finding.into_iter().collect(),
            deletes_digest: String::new(),
            digest: String::new(),
        };
        answers.settled(&plan, &report).is_some()
    }

    #[test]
    fn no_look_is_saved_where_an_answer_leaves_something_open() {
        let create = || Action::Create {
            desired: String::new(),
            changes: Vec::new(),
            unverified: None,
        };
        let keep = |why| Action::Keep { why };
        let delete = Action::Delete {
            uid: "u".to_owned(),
            label: String::new(),
            total: 1,
        };
        let stopped = Outcome::Stopped {
            moved: "it moved".to_owned(),
        };
        let mut going = answer(1);
        going["metadata"]["deletionTimestamp"] = "2026-05-04T09:59:00Z".into();
        let fine = || Some(answer(1));
        for (action, heard, rule, end, settled) in [
            (create(), fine(), None, Outcome::Done, true),
            (create(), fine(), Some(Rule::Drift), Outcome::Done, true),
            (keep(KeepWhy::InSync), None, None, Outcome::Done, true),
            (create(), None, None, Outcome::Done, false),
            (create(), Some(answer(2)), None, Outcome::Done, false),
            (create(), Some(going), None, Outcome::Done, false),
            (create(), fine(), Some(Rule::Frozen), Outcome::Done, false),
            (create(), fine(), None, stopped, false),
            (keep(KeepWhy::KeepMark), None, None, Outcome::Done, false),
            (delete, fine(), None, Outcome::Done, false),
        ] {
            let told = format!("{action:?} {rule:?} {end:?}");
            assert_eq!(is_settled(action, heard, rule, end), settled, "{told}");
        }
    }
}
