//! Judges what replicas do, call by call: I1 in whose name, I2 only what the books own and the commit does
//! not want is deleted, I4 nothing is made that no book announces, I7 "applied" is true; and nothing is
//! written without a lease, the status neither, nor over what a controller of the cluster has.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::fields::leaves;
use super::server::Object;
use crate::apply::cluster::Identity;
use crate::object::{ObjectKey, Owner, Rendered, SET_LABEL, SetId};
use crate::plan::inventory::{Entry, Inventory};
use crate::plan::normalize;

/// The field that an autoscaler has.
pub(super) const SCALED: &str = "/spec/replicas";
/// For how long what was begun may run out after a lease is lost.
const RUN_OUT: Duration = Duration::from_secs(120);
/// After so long every watch has shown a change.
const SHOWN: Duration = Duration::from_secs(150);

/// A change that is sent.
pub(super) enum Sent<'a> {
    Write(&'a Value),
    Patch(&'a Value),
    Delete { uid: &'a str },
}

/// Who sends.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Caller {
    /// One life of one replica.
    pub(super) life: String,
    pub(super) identity: Identity,
}

/// What it knows of the past, and what was wrong.
#[derive(Default)]
pub(super) struct Judge {
    /// Every valid commit.
    pub(super) commits: BTreeMap<String, Vec<Rendered>>,
    /// The namespace of each tenant.
    pub(super) homes: BTreeMap<String, String>,
    /// The books as they are stored.
    pub(super) books: BTreeMap<SetId, Inventory>,
    /// Who holds which lease; with the time since when somebody else does.
    leases: BTreeMap<(String, SetId), Option<Duration>>,
    /// The commit of the pass of each life.
    passes: BTreeMap<String, String>,
    /// When somebody else wrote to an object last.
    touched: BTreeMap<ObjectKey, Duration>,
    pub(super) wrong: Vec<String>,
}

impl Judge {
    fn check(&mut self, right: bool, said: impl FnOnce() -> String) {
        if !right {
            self.wrong.push(said());
        }
    }

    /// A pass over a commit begins.
    pub(super) fn begins(&mut self, life: &str, commit: &str) {
        let known = self.commits.contains_key(commit);
        self.check(known, || {
            format!("{life} takes {commit} for valid, which is not")
        });
        self.passes.insert(life.to_owned(), commit.to_owned());
    }

    pub(super) fn leased(&mut self, life: &str, set: &SetId, now: Duration) {
        for ((other, of), lost) in &mut self.leases {
            if of == set && other != life {
                lost.get_or_insert(now);
            }
        }
        self.leases.insert((life.to_owned(), set.clone()), None);
    }

    /// A lease is given back: nothing that was begun under it runs on.
    pub(super) fn gives_back(&mut self, life: &str, set: &SetId) {
        self.leases.remove(&(life.to_owned(), set.clone()));
    }

    fn holds(&self, life: &str, set: &SetId, now: Duration) -> bool {
        match self.leases.get(&(life.to_owned(), set.clone())) {
            None => false,
            Some(None) => true,
            Some(Some(lost)) => now < *lost + RUN_OUT,
        }
    }

    pub(super) fn touched(&mut self, key: &ObjectKey, now: Duration) {
        self.touched.insert(key.clone(), now);
    }

    /// The set that a call is about: by the label of what is sent, else by what the commit wants or the
    /// books own.
    fn set_of(&self, life: &str, key: &ObjectKey, sent: &Sent<'_>) -> Option<SetId> {
        let commit = self.passes.get(life)?;
        let sets = self.commits.get(commit)?;
        let set = match sent {
            Sent::Write(body) => {
                let label = body["metadata"]["labels"][SET_LABEL].as_str()?;
                sets.iter().map(|r| &r.set).find(|s| s.label() == label)
            }
            Sent::Patch(_) => sets
                .iter()
                .find(|r| r.objects.contains_key(key))
                .map(|r| &r.set),
            Sent::Delete { uid } => {
                let mut books = self.books.iter();
                let owner = books
                    .find(|(_, books)| books.entries.get(key).and_then(Entry::uid) == Some(*uid));
                owner.map(|(set, _)| set)
            }
        };
        set.cloned()
    }

    /// A change of an object is sent.
    pub(super) fn sends(
        &mut self,
        by: &Caller,
        key: &ObjectKey,
        sent: &Sent<'_>,
        (seat, now): (&SetId, Duration),
    ) {
        let (life, said) = (by.life.as_str(), format!("{}: {key}", by.life));
        let Some(set) = self.set_of(life, key, sent) else {
            let what = match sent {
                Sent::Delete { .. } => "is deleted, and no inventory owns it",
                Sent::Write(_) | Sent::Patch(_) => "is written for no set of the commit",
            };
            self.wrong.push(format!("{said} {what}"));
            return;
        };
        self.named(by, key, &set);
        let (leads, leased) = (self.holds(life, seat, now), self.holds(life, &set, now));
        self.check(leads, || format!("{said} is written without the lead"));
        self.check(leased, || {
            format!("{said} is written without the lease of {set}")
        });
        match sent {
            Sent::Write(body) => self.content(life, key, &set, body),
            Sent::Patch(body) => {
                let only: Vec<&String> = body["metadata"].as_object().unwrap().keys().collect();
                let right = only == ["managedFields", "resourceVersion"];
                self.check(right, || format!("{said} is patched: {only:?}"));
            }
            Sent::Delete { .. } => {
                let wants = |r: &Rendered| r.objects.contains_key(key);
                let commit = self.passes.get(life).and_then(|c| self.commits.get(c));
                let wanted = commit.is_some_and(|sets| sets.iter().any(wants));
                self.check(!wanted, || format!("{said} is deleted and wanted"));
            }
        }
    }

    /// I1.
    fn named(&mut self, by: &Caller, key: &ObjectKey, set: &SetId) {
        let right = match (&set.owner, &by.identity) {
            (Owner::Platform, Identity::Own) => true,
            (Owner::Tenant(tenant), Identity::ServiceAccount { namespace, .. }) => {
                let home = self.homes.get(tenant);
                home == Some(namespace) && home == key.namespace.as_ref()
            }
            (Owner::Platform | Owner::Tenant(_), _) => false,
        };
        let said = || format!("{}: {key} of {set} as {:?}", by.life, by.identity);
        self.check(right, said);
    }

    /// What is written is what the commit of the pass says, less what is left to an autoscaler.
    fn content(&mut self, life: &str, key: &ObjectKey, set: &SetId, body: &Value) {
        let commit = self.passes.get(life).cloned().unwrap_or_default();
        let sets = self.commits.get(&commit).into_iter().flatten();
        let of_set = sets
            .filter(|r| r.set == *set)
            .find_map(|r| r.objects.get(key));
        let wanted = of_set.map(|desired| leaves(&normalize::desired_body(desired, set)));
        let Some(mut wanted) = wanted else {
            self.wrong.push(format!(
                "{life}: {key} is written, and {commit} does not want it"
            ));
            return;
        };
        let sent = leaves(body);
        if !sent.contains_key(SCALED) {
            wanted.remove(SCALED);
        }
        self.check(sent == wanted, || {
            format!("{life}: {key} is not written as {commit} says")
        });
    }

    /// A write has its effect: what it took from whom, and whether it made the object.
    pub(super) fn written(
        &mut self,
        by: &Caller,
        (key, set_label): (&ObjectKey, &str),
        made: bool,
        taken: &[(String, String)],
    ) {
        let mut books = self.books.iter();
        let announced =
            books.any(|(set, books)| set.label() == set_label && books.entries.contains_key(key));
        self.check(!made || announced, || {
            format!("{}: {key} is made, and no inventory has it", by.life)
        });
        for (path, manager) in taken.iter().filter(|(path, _)| path == SCALED) {
            let said = format!("{}: {path} of {key} is taken from {manager}", by.life);
            self.wrong.push(said);
        }
    }

    /// The status is written.
    pub(super) fn reports(&mut self, life: &str, (seat, now): (&SetId, Duration)) {
        let leads = self.holds(life, seat, now);
        self.check(leads, || {
            format!("{life}: the status is written without the lead")
        });
    }

    /// I7, of a pass that began then: what nobody else wrote to lately is as the commit says.
    pub(super) fn applied(
        &mut self,
        life: &str,
        commit: &str,
        objects: &BTreeMap<ObjectKey, Object>,
        began: Duration,
    ) {
        let Some(sets) = self.commits.get(commit) else {
            let said = format!("{life} has applied {commit}, which is not valid");
            self.wrong.push(said);
            return;
        };
        let lately = |key: &ObjectKey| {
            let touched = self.touched.get(key);
            touched.is_some_and(|at| began < *at + SHOWN)
        };
        let wrong: Vec<String> = sets
            .iter()
            .flat_map(|r| missing(r, objects))
            .filter(|(key, _)| !lately(key))
            .map(|(key, why)| format!("{life} has applied {commit}, and {key} {why}"))
            .collect();
        self.wrong.extend(wrong);
    }
}

/// What a set wants and does not have.
pub(super) fn missing(
    rendered: &Rendered,
    objects: &BTreeMap<ObjectKey, Object>,
) -> Vec<(ObjectKey, String)> {
    let mut out = Vec::new();
    for (key, desired) in &rendered.objects {
        let Some(object) = objects.get(key) else {
            out.push((key.clone(), "is not there".to_owned()));
            continue;
        };
        let scaled = object.is_scaled();
        for (path, value) in leaves(&normalize::desired_body(desired, &rendered.set)) {
            if object.body.pointer(&path) != Some(&value) && !(scaled && path == SCALED) {
                out.push((key.clone(), format!("is otherwise at {path}")));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
