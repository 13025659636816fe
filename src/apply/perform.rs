//! One step: read again, check what the plan relied on, write, and say what to record.
//!
//! Nothing is decided here. Where the object is not as the plan saw it, the step stops and says what
//! moved; a write is bound to the very state that was checked.

use std::sync::Arc;

use crate::apply::books::Record;
use crate::apply::cluster::{Cluster, Delete, Deletion, Expect, Identity, Patch, Target, Write};
use crate::apply::outcome::Halt;
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{Desired, ObjectKey, Rendered, SET_LABEL};
use crate::plan::KEEP_ANNOTATION;
use crate::plan::claim::{self, Claims};
use crate::plan::digest;
use crate::plan::inventory::{Entry, Record as Digests};
use crate::plan::managed::Managed;
use crate::plan::mask::Mask;
use crate::plan::normalize;
use crate::plan::observed::Live;
use crate::plan::payload::{self, Payload};
use crate::plan::step::{Action, KeepWhy, Preconditions, Step};

/// How often a write that met a concurrent change is tried again.
const REPEATS: u32 = 6;

/// Kinds whose dependants must be gone before they count as gone.
const WITH_PODS: [&str; 8] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "JobSet",
    "ReplicationController",
];

/// What a step led to.
#[derive(Debug)]
pub(super) struct Written {
    /// What to record.
    pub(super) record: Record,
    /// The object as the server answered the write.
    pub(super) live: Option<Arc<Live>>,
}

impl From<Record> for Written {
    fn from(record: Record) -> Self {
        Self { record, live: None }
    }
}

/// How far a step came.
#[derive(Debug)]
pub(super) enum Effect {
    /// It is done.
    Done(Written),
    /// The object is being deleted; the step is done when it is gone.
    Leaving {
        /// The UID of what goes.
        uid: String,
    },
}

/// Everything a step is carried out with.
pub(super) struct Hands<'a, C> {
    pub(super) cluster: &'a C,
    pub(super) identity: &'a Identity,
    pub(super) rendered: &'a Rendered,
}

impl<C: Cluster> Hands<'_, C> {
    /// Carries out the first, or only, part of a step.
    pub(super) async fn perform(&self, step: &Step, entry: Option<Entry>) -> Result<Effect, Halt> {
        let done = |record| Ok(Effect::Done(record));
        match &step.action {
            Action::Create { .. } => done(self.create(step).await?),
            Action::Update {
                preconditions,
                takes,
                claims,
                ..
            } => {
                owned(entry.as_ref(), &preconditions.uid)?;
                let force = !takes.is_empty();
                done(self.change(step, preconditions, (force, claims)).await?)
            }
            Action::Adopt {
                preconditions,
                takes,
                claims,
                ..
            } => {
                let force = !takes.is_empty();
                done(self.change(step, preconditions, (force, claims)).await?)
            }
            Action::Replace { preconditions, .. } => {
                owned(entry.as_ref(), &preconditions.uid)?;
                self.replace(step, preconditions).await
            }
            Action::Delete { uid, label, .. } => {
                owned(entry.as_ref(), uid)?;
                self.delete(step, uid, label).await
            }
            Action::Release { .. } => done(Record::Forget.into()),
            Action::Keep { why } => done(self.keep(step, why, entry).into()),
        }
    }

    /// Makes an object, also as the second part of a replacement.
    pub(super) async fn create(&self, step: &Step) -> Result<Written, Halt> {
        let (desired, payload) = self.payload(step)?;
        let mut write = write_of(desired, &payload, Expect::Absent, false);
        let said = match self.cluster.write(self.identity, &write).await {
            Ok(object) => return written(desired, &payload, object),
            Err(problem) => problem,
        };
        if said.kind == ProblemKind::Unknown
            && let Some(record) = self.arrived(desired, &payload).await?
        {
            return Ok(record.into());
        }
        // Where both own a field, the conflict is told before the existence.
        if !matches!(said.kind, ProblemKind::Stale | ProblemKind::Conflict) {
            return Err(failed(said, desired));
        }
        // It is there. Either our own write arrived and its answer was lost, or someone was faster.
        let target = target(desired);
        for _ in 0..=REPEATS {
            let Some(live) = self.cluster.read(&target).await? else {
                let said = "it was made and deleted by someone else in the meantime";
                return Err(Halt::stopped(said));
            };
            if !self.made_by_us(&live) {
                let managers: Vec<&str> =
                    live.managed.others().map(|e| e.manager.as_str()).collect();
                let by = managers
                    .first()
                    .map(|m| format!(" by `{m}`"))
                    .unwrap_or_default();
                return Err(Halt::stopped(format!("it was made{by} in the meantime")));
            }
            write.expect = Expect::unchanged(&live);
            match self.cluster.write(self.identity, &write).await {
                Ok(object) => return written(desired, &payload, object),
                Err(problem) if problem.kind == ProblemKind::Stale => {}
                Err(problem) => return Err(failed(problem, desired)),
            }
        }
        Err(Halt::stopped("it changes all the time"))
    }

    async fn change(
        &self,
        step: &Step,
        wanted: &Preconditions,
        (force, claims): (bool, &Claims),
    ) -> Result<Written, Halt> {
        let (desired, payload) = self.payload(step)?;
        let (mut wanted, mut claimed) = (wanted.clone(), claims.is_empty());
        for _ in 0..=REPEATS {
            let mut live = self.checked(desired, &payload, &wanted).await?;
            if !claimed {
                match self.claim(desired, &payload, claims, &live).await? {
                    Some(ours) => live = ours,
                    None => continue,
                }
                claimed = true;
                wanted = digest::preconditions(&payload, &live);
            }
            let expect = Expect::unchanged(&live);
            let write = write_of(desired, &payload, expect, force);
            match self.cluster.write(self.identity, &write).await {
                Ok(object) => return written(desired, &payload, object),
                Err(problem) if lost(&problem) => {
                    if let Some(record) = self.arrived(desired, &payload).await? {
                        return Ok(record.into());
                    }
                    if problem.kind == ProblemKind::Unknown {
                        return Err(failed(problem, desired));
                    }
                }
                Err(problem) if problem.kind == ProblemKind::Conflict => {
                    return Err(Halt::stopped(format!(
                        "fields are owned by others now: {}",
                        problem.said
                    )));
                }
                Err(problem) => return Err(failed(problem, desired)),
            }
        }
        Err(Halt::stopped(
            "it changes all the time, so no write is bound to what was checked",
        ))
    }

    /// Makes the claimed fields ours and changes nothing else; none if the object changed meanwhile.
    async fn claim(
        &self,
        desired: &Desired,
        payload: &Payload,
        claims: &Claims,
        live: &Live,
    ) -> Result<Option<Live>, Halt> {
        if claims.digest_on(payload, live) != claims.digest {
            let said =
                "what is to be taken over from other managers changed since the plan was made";
            return Err(Halt::stopped(said));
        }
        let body = serde_json::json!({"metadata": {
            "managedFields": claim::managed_fields(live, payload, claims),
            "resourceVersion": live.resource_version,
        }});
        let patch = Patch {
            target: target(desired),
            body,
            dry_run: false,
        };
        match self.cluster.patch(self.identity, &patch).await {
            Ok(object) => {
                let ours = Live::new(object).map_err(|e| {
                    let what = format!("take over {}", desired.manifest.key);
                    Problem::new(ProblemKind::BadAnswer, what, e.to_string())
                })?;
                let same = normalize::comparable(&ours.body) == normalize::comparable(&live.body);
                same.then_some(Some(ours))
                    .ok_or_else(|| Halt::stopped("it changed while its fields were taken over"))
            }
            Err(problem) if problem.kind == ProblemKind::Stale => Ok(None),
            Err(problem) => Err(failed(problem, desired)),
        }
    }

    /// What to record if our own write did arrive though its answer did not: the object bears our marks,
    /// and the same write would change nothing.
    async fn arrived(&self, desired: &Desired, payload: &Payload) -> Result<Option<Record>, Halt> {
        // Where it cannot be read, nothing is known, and the problem at hand says so.
        let Ok(found) = self.cluster.read(&target(desired)).await else {
            return Ok(None);
        };
        let Some(live) = found.filter(|live| self.made_by_us(live)) else {
            return Ok(None);
        };
        let expect = Expect::unchanged(&live);
        let again = Write {
            dry_run: true,
            ..write_of(desired, payload, expect, false)
        };
        let Ok(object) = self.cluster.write(self.identity, &again).await else {
            return Ok(None);
        };
        let same = normalize::comparable(&object) == normalize::comparable(&live.body)
            && Managed::of(&object).ours() == live.managed.ours();
        Ok(same.then(|| Record::Set(digest::entry_after(desired, payload, &live))))
    }

    async fn replace(&self, step: &Step, wanted: &Preconditions) -> Result<Effect, Halt> {
        let (desired, payload) = self.payload(step)?;
        for _ in 0..=REPEATS {
            let live = self.checked(desired, &payload, wanted).await?;
            if self.remove(target(desired), &live).await?.is_some() {
                return Ok(Effect::Leaving { uid: live.uid });
            }
        }
        Err(Halt::stopped("it changes all the time"))
    }

    async fn delete(&self, step: &Step, uid: &str, label: &str) -> Result<Effect, Halt> {
        let target = Target::of(&step.key);
        for _ in 0..=REPEATS {
            let Some(live) = self.cluster.read(&target).await? else {
                return Ok(Effect::Done(Record::Forget.into()));
            };
            may_go(&live, uid, label)?;
            let going = live.deletion_timestamp.is_some();
            match if going {
                Some(Deletion::Started)
            } else {
                self.remove(target.clone(), &live).await?
            } {
                None => {}
                Some(Deletion::Gone) => return Ok(Effect::Done(Record::Forget.into())),
                Some(Deletion::Started) => return Ok(Effect::Leaving { uid: live.uid }),
            }
        }
        Err(Halt::stopped("it changes all the time"))
    }

    /// Deletes exactly what was read; none if it changed, or if only another look can tell.
    async fn remove(&self, target: Target, live: &Live) -> Result<Option<Deletion>, Halt> {
        let foreground = WITH_PODS.contains(&target.key.group_kind.kind.as_str());
        let delete = Delete {
            target,
            uid: live.uid.clone(),
            resource_version: live.resource_version.clone(),
            foreground,
        };
        match self.cluster.delete(self.identity, &delete).await {
            Ok(deletion) => Ok(Some(deletion)),
            Err(problem) if lost(&problem) => Ok(None),
            Err(problem) => Err(problem.into()),
        }
    }

    /// The object as it is, if the plan's view of it still holds.
    async fn checked(
        &self,
        desired: &Desired,
        payload: &Payload,
        wanted: &Preconditions,
    ) -> Result<Live, Halt> {
        let live = self.cluster.read(&target(desired)).await?;
        let live = live.ok_or_else(|| Halt::stopped("it was deleted since the plan was made"))?;
        let found = digest::preconditions(payload, &live);
        match moved(wanted, &found, &live) {
            Some(moved) => Err(Halt::Stopped(moved)),
            None => Ok(live),
        }
    }

    fn payload(&self, step: &Step) -> Result<(&Desired, Payload), Halt> {
        let payload = payload::for_step(step, self.rendered);
        let payload = payload.map_err(|error| Halt::stopped(error.to_string()))?;
        let desired = self.rendered.objects.get(&step.key);
        let desired = desired.ok_or_else(|| Halt::stopped("the render has no such object"))?;
        Ok((desired, payload))
    }

    fn made_by_us(&self, live: &Live) -> bool {
        let label = self.rendered.set.label();
        live.label(SET_LABEL) == Some(label.as_str()) && live.managed.has_our_apply()
    }

    fn keep(&self, step: &Step, why: &KeepWhy, entry: Option<Entry>) -> Record {
        match (why, entry) {
            (KeepWhy::Confirmed { uid }, Some(Entry::Pending { resource, .. })) => {
                Record::Set(Entry::Owned {
                    resource,
                    uid: uid.clone(),
                    record: None,
                })
            }
            (
                KeepWhy::SameResult {
                    desired,
                    declared,
                    owned_paths,
                },
                Some(Entry::Owned { uid, .. }),
            ) => {
                let rules = self
                    .rendered
                    .objects
                    .get(&step.key)
                    .map(|desired| &desired.rules);
                let record = Digests {
                    desired_digest: desired.clone(),
                    declared_digest: declared.clone(),
                    owned_paths_digest: owned_paths.clone(),
                    run_key: rules.and_then(|rules| rules.run_key.clone()),
                };
                Record::Set(Entry::Owned {
                    resource: step.resource.clone(),
                    uid,
                    record: Some(record),
                })
            }
            _ => Record::Nothing,
        }
    }
}

/// What a write led to, by the object as the server answered.
fn written(
    desired: &Desired,
    payload: &Payload,
    object: serde_json::Value,
) -> Result<Written, Halt> {
    let live = Live::new(object).map_err(|e| {
        let what = format!("apply {}", desired.manifest.key);
        Problem::new(ProblemKind::BadAnswer, what, e.to_string())
    })?;
    Ok(Written {
        record: Record::Set(digest::entry_after(desired, payload, &live)),
        live: Some(Arc::new(live)),
    })
}

/// A problem without the object's secrets.
fn failed(problem: Problem, desired: &Desired) -> Halt {
    let mask = Mask::new(&desired.manifest.key.group_kind, Some(&desired.rules));
    Halt::Failed(problem.masked(&mask))
}

/// Whether a failed call may be our own earlier one that arrived.
fn lost(problem: &Problem) -> bool {
    matches!(problem.kind, ProblemKind::Stale | ProblemKind::Unknown)
}

/// The object in the version that Git speaks.
fn target(desired: &Desired) -> Target {
    Target {
        key: desired.manifest.key.clone(),
        api_version: Some(desired.manifest.api_version.clone()),
    }
}

fn write_of(desired: &Desired, payload: &Payload, expect: Expect, force: bool) -> Write {
    Write {
        target: target(desired),
        body: payload.body.clone(),
        expect,
        force,
        dry_run: false,
    }
}

/// Only what the inventory owns under this UID is changed or deleted.
fn owned(entry: Option<&Entry>, uid: &str) -> Result<(), Halt> {
    if entry.and_then(Entry::uid) == Some(uid) {
        return Ok(());
    }
    Err(Halt::stopped(
        "the inventory does not own this object any more",
    ))
}

/// What stands against deleting an object now.
fn may_go(live: &Live, uid: &str, label: &str) -> Result<(), Halt> {
    let keep = live
        .annotation(KEEP_ANNOTATION)
        .is_some_and(|value| value != "false");
    if live.uid != uid {
        return Err(Halt::stopped(
            "it is another object of the same name by now",
        ));
    }
    if live.label(SET_LABEL) != Some(label) {
        return Err(Halt::stopped(format!(
            "its label `{SET_LABEL}` was removed or changed"
        )));
    }
    if keep {
        return Err(Halt::stopped(format!(
            "it was marked with `{KEEP_ANNOTATION}`"
        )));
    }
    Ok(())
}

/// What changed since the plan was made, the weightiest first.
fn moved(wanted: &Preconditions, found: &Preconditions, live: &Live) -> Option<String> {
    let Preconditions {
        uid,
        declared_digest,
        owned_paths_digest,
        foreign_owners,
    } = wanted;
    if *uid != found.uid {
        return Some("it was deleted and made anew by someone since the plan was made".into());
    }
    if live.deletion_timestamp.is_some() {
        return Some("it is being deleted".into());
    }
    if *foreign_owners != found.foreign_owners {
        let new = found
            .foreign_owners
            .iter()
            .find(|take| !foreign_owners.contains(take));
        return Some(match new {
            Some(take) => format!(
                "`{}` owns `{}` since the plan was made",
                take.manager, take.field
            ),
            None => "another manager gave up fields since the plan was made".into(),
        });
    }
    if *owned_paths_digest != found.owned_paths_digest {
        return Some("fields were taken from kubemate since the plan was made".into());
    }
    (*declared_digest != found.declared_digest)
        .then(|| "its fields were changed since the plan was made".into())
}

/// Whether two parts of a step are one call for the books: what goes is still tracked.
pub(super) fn is_replacement(step: &Step) -> bool {
    matches!(step.action, Action::Replace { .. })
}

/// The version in which a step's object is looked at.
pub(super) fn target_of(key: &ObjectKey, rendered: &Rendered) -> Target {
    rendered
        .objects
        .get(key)
        .map_or_else(|| Target::of(key), target)
}
