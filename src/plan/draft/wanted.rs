//! What becomes of an object that Git wants.

use std::borrow::Cow;

use serde_json::Value;

use crate::object::{Desired, SetId};
use crate::plan::claim::{self, Claims};
use crate::plan::diff;
use crate::plan::digest;
use crate::plan::draft::unwanted::terminating;
use crate::plan::draft::{Context, Draft, keep, made_by_us, observed, owns};
use crate::plan::inventory::Entry;
use crate::plan::managed::{FieldTree, Managed};
use crate::plan::mask::Mask;
use crate::plan::normalize;
use crate::plan::observed::{ApiProblem, DryRun, Live, Observed};
use crate::plan::payload::{Payload, payload};
use crate::plan::step::{Action, AdoptFrom, KeepWhy, Take};
use crate::plan::{Drift, Finding, Level, Rule};

mod refused;
mod takes;

/// Everything about one wanted object.
struct Wanted<'a> {
    context: Context<'a>,
    desired: &'a Desired,
    entry: Option<&'a Entry>,
    mask: Mask,
}

/// The action for one wanted key.
pub(super) fn decide<'a>(
    context: Context<'a>,
    desired: &'a Desired,
    (entry, seen): (Option<&'a Entry>, Option<&'a Observed>),
    findings: &mut Vec<Finding>,
) -> Draft<'a> {
    let key = &desired.manifest.key;
    let mask = Mask::new(&key.group_kind, Some(&desired.rules));
    let wanted = Wanted {
        context,
        desired,
        entry,
        mask,
    };
    let mut found = Vec::new();
    let mut draft = match observed(context, key, seen) {
        Err(reason) => wanted.unreadable(reason, &mut found),
        Ok(Observed::Unreadable { reason }) => wanted.unreadable(reason.clone(), &mut found),
        Ok(Observed::Absent { dry_run }) => wanted.absent(dry_run, &mut found),
        Ok(Observed::Present(live)) => wanted.present(live, &mut found),
        Ok(Observed::Unchanged { uid }) => wanted.unchanged(uid, &mut found),
    };
    draft.desired = Some(desired);
    draft.spans = desired.source.node.into_iter().collect();
    for finding in &mut found {
        if finding.spans.is_empty() {
            finding.spans.clone_from(&draft.spans);
        }
    }
    findings.append(&mut found);
    draft
}

impl<'a> Wanted<'a> {
    fn unreadable(&self, reason: String, findings: &mut Vec<Finding>) -> Draft<'a> {
        let message = format!("it could not be read, so it is left as it is: {reason}");
        findings.push(self.finding(Level::Error, Rule::Unreadable, message));
        self.keep(KeepWhy::Unreadable { reason })
    }

    /// A finished run that was cleaned away is still finished.
    fn absent(&self, dry_run: &DryRun, findings: &mut Vec<Finding>) -> Draft<'a> {
        if self.same_run() {
            return self.keep(KeepWhy::SameRun);
        }
        let payload = payload(self.desired, self.set(), None, self.context.policy);
        if self.is_drift(&payload) {
            let report = self.leaves_drift();
            let then = if report {
                "that is left so"
            } else {
                "it is made again"
            };
            let message = format!("it was deleted outside of Git; {then}");
            findings.push(self.finding(Level::Notice, Rule::Drift, message));
            if report {
                return self.keep(KeepWhy::ReportedDrift);
            }
        }
        let mut unverified = None;
        let mut after = payload.body.clone();
        match dry_run {
            DryRun::Predicted { object, .. } => after = normalize::comparable(object),
            DryRun::Unverified { reason } => unverified = Some(reason.clone()),
            DryRun::NotNeeded | DryRun::InSync => {
                unverified = Some("the API server was not asked".into());
            }
            DryRun::Refused(problem) => findings.extend(self.refused(problem, &payload)),
        }
        let mut changes = diff::created(&payload.body, &self.mask);
        self.place(&mut changes, &payload.body, &FieldTree::default());
        let action = Action::Create {
            desired: payload.digest,
            changes,
            unverified,
        };
        Draft {
            action,
            body: Some(Cow::Owned(after)),
            ..self.keep(KeepWhy::InSync)
        }
    }

    fn present(&self, live: &'a Live, findings: &mut Vec<Finding>) -> Draft<'a> {
        let with_live = |draft: Draft<'a>| Draft {
            live: Some(live),
            ..draft
        };
        if live.deletion_timestamp.is_some() {
            let help = "it is made anew when it is gone";
            let finding = terminating(&self.desired.manifest.key, live).help(help);
            findings.push(finding);
            return with_live(self.keep(KeepWhy::Terminating));
        }
        if let Some(finding) = self.contested() {
            findings.push(finding);
            return with_live(self.keep(KeepWhy::Contested));
        }
        if live.dry_run == DryRun::InSync && owns(self.entry, live) && !self.same_run() {
            return with_live(Draft {
                body: Some(Cow::Borrowed(&live.body)),
                ..self.keep(KeepWhy::InSync)
            });
        }
        let payload = payload(self.desired, self.set(), Some(live), self.context.policy);
        if !owns(self.entry, live) {
            return with_live(match self.adoption(live, findings) {
                Some(from) => self.adopt(live, payload, from, findings),
                None => self.keep(KeepWhy::NotOurs),
            });
        }
        with_live(self.ours(live, payload, findings))
    }

    /// An object that is as it was when it was last looked at, and was in sync then.
    fn unchanged(&self, uid: &str, findings: &mut Vec<Finding>) -> Draft<'a> {
        if let Some(finding) = self.contested() {
            findings.push(finding);
            return self.keep(KeepWhy::Contested);
        }
        if self.entry.and_then(Entry::uid) != Some(uid) {
            return self.unreadable("only what is owned need not be read".into(), findings);
        }
        let why = if self.same_run() {
            KeepWhy::SameRun
        } else {
            KeepWhy::InSync
        };
        Draft {
            body: Some(Cow::Borrowed(&self.desired.manifest.body)),
            ..self.keep(why)
        }
    }

    /// Two sets that want one object would undo each other's writes for ever.
    fn contested(&self) -> Option<Finding> {
        let other = self
            .context
            .world
            .elsewhere
            .get(&self.desired.manifest.key)?;
        let message = format!("the set {} wants the same object", other.set);
        let finding = self.finding(Level::Error, Rule::WantedTwice, message);
        other
            .wants
            .then(|| finding.help("leave it in one of the two places"))
    }

    /// How an object that the inventory does not own may become ours.
    fn adoption(&self, live: &Live, findings: &mut Vec<Finding>) -> Option<AdoptFrom> {
        let key = &self.desired.manifest.key;
        if let Some(other) = self.context.world.elsewhere.get(key) {
            let owner = other.owns.as_deref() == Some(live.uid.as_str());
            if owner {
                return Some(AdoptFrom::Set(other.set.clone()));
            }
        }
        if made_by_us(self.context, live) {
            return Some(AdoptFrom::Recovered);
        }
        if self.desired.rules.adopt {
            return Some(AdoptFrom::Foreign);
        }
        let managers: std::collections::BTreeSet<&str> = live
            .managed
            .others()
            .map(|entry| entry.manager.as_str())
            .collect();
        let managers: Vec<&str> = managers.into_iter().take(5).collect();
        let by = if managers.is_empty() {
            String::new()
        } else {
            format!(" (managed by {})", managers.join(", "))
        };
        let message = format!("it exists already and does not belong to this set{by}");
        let help = format!(
            "give the resource another name, or take the object over with `kubemate adopt --object {}`",
            key.selector()
        );
        findings.push(
            self.finding(Level::Error, Rule::AdoptRefused, message)
                .help(help),
        );
        None
    }

    fn adopt(
        &self,
        live: &'a Live,
        payload: Payload,
        from: AdoptFrom,
        findings: &mut Vec<Finding>,
    ) -> Draft<'a> {
        let claims = claim::claims(self.desired, &payload, live, self.entry);
        let seen = self.compare(live, &payload, &claims, findings);
        let (level, message) = match &from {
            AdoptFrom::Foreign => (
                Level::Danger,
                "an existing object becomes part of this set".to_owned(),
            ),
            AdoptFrom::Recovered => (
                Level::Notice,
                "it bears our marks and is recorded again".to_owned(),
            ),
            AdoptFrom::Set(set) => (
                Level::Notice,
                format!("it comes from the set {set}, without a gap"),
            ),
        };
        findings.push(self.finding(level, Rule::Adopted, message));
        let action = Action::Adopt {
            desired: payload.digest.clone(),
            preconditions: digest::preconditions(&payload, live),
            changes: seen.changes,
            takes: seen.takes,
            yields: payload.yields,
            claims,
            from,
            unverified: seen.unverified,
        };
        Draft {
            action,
            body: Some(Cow::Owned(seen.after)),
            ..self.keep(KeepWhy::InSync)
        }
    }

    /// An object that the inventory owns with the live UID.
    fn ours(&self, live: &'a Live, payload: Payload, findings: &mut Vec<Finding>) -> Draft<'a> {
        let alive = |draft| Draft {
            body: Some(Cow::Borrowed(&live.body)),
            ..draft
        };
        if self.same_run() {
            return alive(self.keep(KeepWhy::SameRun));
        }
        if digest::in_sync(&payload, live, self.entry) {
            return alive(self.keep(KeepWhy::InSync));
        }
        if let Some(draft) = self.replace(live, &payload, findings) {
            return draft;
        }
        let claims = claim::claims(self.desired, &payload, live, self.entry);
        let seen = self.compare(live, &payload, &claims, findings);
        if seen.same {
            return alive(self.keep(KeepWhy::SameResult {
                desired: payload.digest.clone(),
                declared: digest::declared(&payload, live),
                owned_paths: live.managed.owned_paths_digest(),
            }));
        }
        if self.is_drift(&payload) {
            let report = self.leaves_drift() || self.leaves_to(&seen.takes);
            findings.push(self.drift(&seen.changes, live, report));
            if report {
                return alive(self.keep(KeepWhy::ReportedDrift));
            }
        }
        let action = Action::Update {
            desired: payload.digest.clone(),
            preconditions: digest::preconditions(&payload, live),
            changes: seen.changes,
            takes: seen.takes,
            yields: payload.yields,
            claims,
            unverified: seen.unverified,
        };
        Draft {
            action,
            body: Some(Cow::Owned(seen.after)),
            ..self.keep(KeepWhy::InSync)
        }
    }

    /// Git did not change since the last write, so the world did.
    fn is_drift(&self, payload: &Payload) -> bool {
        let record = self.entry.and_then(Entry::record);
        record.is_some_and(|record| record.desired_digest == payload.digest)
    }

    /// Whether what others change is only said, by policy or because a person holds it.
    fn leaves_drift(&self) -> bool {
        let policy = self.context.policy;
        policy.drift == Drift::Report || policy.held.contains(&self.desired.resource)
    }

    /// Whether all that changed was written by managers that the object is left to.
    fn leaves_to(&self, takes: &[Take]) -> bool {
        let left = self.context.policy.left.get(&self.desired.manifest.key);
        left.is_some_and(|to| {
            !takes.is_empty() && takes.iter().all(|take| to.contains(&take.manager))
        })
    }

    fn drift(&self, changes: &[diff::FieldChange], live: &Live, report: bool) -> Finding {
        let then = if report { "is left so" } else { "is undone" };
        let what = match changes.len() {
            1 => "1 field was".to_owned(),
            count => format!("{count} fields were"),
        };
        let who = changed_by(changes, live);
        let message = format!("{what} changed outside of Git{who}; that {then}");
        let mut finding = self.finding(Level::Notice, Rule::Drift, message);
        finding.fields = changes
            .iter()
            .map(|change| change.pointer.clone())
            .collect();
        finding
    }

    /// What a write would change, as the server predicts it, or as far as we can say ourselves.
    fn compare(
        &self,
        live: &Live,
        payload: &Payload,
        claims: &Claims,
        findings: &mut Vec<Finding>,
    ) -> Seen {
        let before = normalize::comparable(&live.body);
        let expected = || claim::outcome(live, payload, claims);
        let (after, managed, unverified) = match &live.dry_run {
            DryRun::Predicted { object, .. } => (
                normalize::comparable(object),
                Some(Managed::of(object)),
                None,
            ),
            DryRun::Unverified { reason } => (expected(), None, Some(reason.clone())),
            DryRun::NotNeeded | DryRun::InSync => {
                let why = "the API server was not asked".to_owned();
                (expected(), None, Some(why))
            }
            DryRun::Refused(problem) => {
                findings.extend(self.refused(problem, payload));
                (expected(), None, None)
            }
        };
        let takes = self.takes(live, payload, findings);
        self.told_claims(claims, findings);
        let mut shape = live.managed.shape();
        if let Some(predicted) = &managed {
            shape.to_mut().merge(&predicted.shape());
        }
        let mut changes = diff::diff(&before, &after, &shape, &self.mask);
        let ownership = managed.is_none_or(|m| m.ours() != live.managed.ours());
        let refused = matches!(live.dry_run, DryRun::Refused(_));
        let same =
            before == after && !ownership && takes.is_empty() && claims.is_empty() && !refused;
        let desired = &self.desired.manifest.body;
        for change in &mut changes {
            let pointer = digest::translate(&change.pointer, &after, desired, &shape);
            change.spans = self.desired.source.find(&pointer);
        }
        Seen {
            after,
            changes,
            takes,
            unverified,
            same,
        }
    }

    fn place(&self, changes: &mut [diff::FieldChange], from: &Value, shape: &FieldTree) {
        for change in changes {
            let pointer =
                digest::translate(&change.pointer, from, &self.desired.manifest.body, shape);
            change.spans = self.desired.source.find(&pointer);
        }
    }

    fn same_run(&self) -> bool {
        let key = self.desired.rules.run_key.as_ref();
        let before = self
            .entry
            .and_then(Entry::record)
            .and_then(|record| record.run_key.as_ref());
        key.is_some() && key == before
    }

    fn set(&self) -> &'a SetId {
        &self.context.rendered.set
    }

    fn finding(&self, level: Level, rule: Rule, message: impl Into<String>) -> Finding {
        Finding::new(level, rule, &self.desired.manifest.key, message)
    }

    fn keep(&self, why: KeepWhy) -> Draft<'a> {
        let mut draft = keep(&self.desired.manifest.key, &self.desired.resource, why);
        draft.desired = Some(self.desired);
        draft
    }
}

/// What comparing live and predicted says.
struct Seen {
    after: Value,
    changes: Vec<diff::FieldChange>,
    takes: Vec<Take>,
    unverified: Option<String>,
    same: bool,
}

/// The causes of a refusal, one per field, or the refusal as a whole.
fn causes(problem: &ApiProblem) -> impl Iterator<Item = (Option<&str>, &str)> {
    let whole = problem
        .causes
        .is_empty()
        .then_some((None, problem.message.as_str()));
    let each = problem
        .causes
        .iter()
        .map(|c| (Some(c.field.as_str()), c.message.as_str()));
    each.chain(whole)
}

/// Who wrote one of these fields last, and when, as far as the server tells; with a space before it.
fn changed_by(changes: &[diff::FieldChange], live: &Live) -> String {
    let owners = changes
        .iter()
        .flat_map(|change| live.managed.owners_of(&change.pointer, &live.body));
    let Some(last) = owners.max_by_key(|owner| owner.time.clone()) else {
        return String::new();
    };
    match &last.time {
        Some(time) => format!(" by {} at {time}", last.manager),
        None => format!(" by {}", last.manager),
    }
}
