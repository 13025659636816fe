//! The simulated API server as a [`Cluster`]: each method is the calls that it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::git::CLUSTER;
use super::hand::Hand;
use super::judge::Sent;
use super::server::WIDGET;
use crate::apply::cluster::{
    Cluster, Delete, Deletion, Expect, Identity, Lease, ListQuery, Patch, Question, Seen, Stored,
    Target, Write,
};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{Desired, GroupKind, ObjectKey, SetId};
use crate::plan::inventory::Inventory;
use crate::plan::observed::{Discovery, DryRun, Live, Observed, ServedKind, World as Looked};
use crate::plan::payload::{Payload, payload};
use crate::plan::{claim, digest};

/// For how long a lease is good without a renewal.
const VALID: Duration = Duration::from_secs(15);
/// How often a held lease is looked at.
const LOOK: Duration = Duration::from_millis(500);

impl Hand {
    /// What the server says to a write.
    async fn trial(
        &self,
        identity: &Identity,
        desired: &Desired,
        payload: &Payload,
        expect: Expect,
    ) -> Result<DryRun, Problem> {
        let mut write = Write {
            target: Target::wanted(desired),
            body: payload.body.clone(),
            expect,
            force: false,
            dry_run: true,
        };
        let problem = match self.write(identity, &write).await {
            Ok(object) => {
                let conflicts = Vec::new();
                return Ok(DryRun::Predicted { object, conflicts });
            }
            Err(problem) if problem.kind == ProblemKind::Conflict => problem,
            Err(problem) => return Err(problem),
        };
        let conflicts = problem.api.map(|api| api.conflicts).unwrap_or_default();
        write.force = true;
        let object = self.write(identity, &write).await?;
        Ok(DryRun::Predicted { object, conflicts })
    }

    async fn look(&self, question: Question<'_>, key: &ObjectKey) -> Result<Observed, Problem> {
        let Question {
            rendered,
            inventory,
            policy,
            identity,
        } = question;
        let found = self.read(&Target::of(key)).await?;
        let Some(desired) = rendered.objects.get(key) else {
            let dry_run = DryRun::NotNeeded;
            let absent = Observed::Absent { dry_run };
            return Ok(found.map_or(absent, |live| Observed::Present(Box::new(live))));
        };
        let payload = payload(desired, &rendered.set, found.as_ref(), policy);
        let Some(live) = found else {
            let dry_run = self
                .trial(identity, desired, &payload, Expect::Absent)
                .await?;
            return Ok(Observed::Absent { dry_run });
        };
        let entry = inventory.entries.get(key);
        let claims = claim::claims(desired, &payload, &live, entry);
        let dry_run = if live.deletion_timestamp.is_some() {
            DryRun::NotNeeded
        } else if digest::in_sync(&payload, &live, entry) {
            DryRun::InSync
        } else if claims.is_empty() {
            let expect = Expect::unchanged(&live);
            self.trial(identity, desired, &payload, expect).await?
        } else {
            DryRun::Predicted {
                object: claim::outcome(&live, &payload, &claims),
                conflicts: Vec::new(),
            }
        };
        Ok(Observed::Present(Box::new(live.with_dry_run(dry_run))))
    }

    /// Takes, renews or gives back a lease that stands at a version.
    async fn put_lease(
        &self,
        set: &SetId,
        holder: &str,
        before: Option<u64>,
    ) -> Result<Lease, Problem> {
        let (life, of, by) = (self.name.clone(), set.clone(), holder.to_owned());
        let world = Arc::clone(&self.world);
        let put = self.change("take a lease", true, move |server| {
            server.lease(&life, (&of, by.as_str()), before, world.time())
        });
        let version = put.await?.to_string();
        Ok(Lease {
            set: set.clone(),
            holder: holder.to_owned(),
            version,
            valid: VALID,
        })
    }
}

fn live(body: Value) -> Live {
    Live::new(body).unwrap()
}

fn discovery() -> Discovery {
    let kind = |group: &str, kind: &str, version: &str| ServedKind {
        group_kind: GroupKind::new(group, kind),
        versions: vec![version.to_owned()],
        namespaced: true,
    };
    Discovery {
        complete: true,
        unreadable_groups: BTreeSet::new(),
        kinds: vec![
            kind("", "ConfigMap", "v1"),
            kind("sim.example", WIDGET, "v1"),
        ],
    }
}

impl Cluster for Hand {
    fn now(&self) -> Timestamp {
        let began: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        began.checked_add(self.world.time()).unwrap()
    }

    async fn uid(&self) -> Result<String, Problem> {
        self.ask("read the UID", |_| CLUSTER.to_owned()).await
    }

    async fn observe(&self, question: Question<'_>) -> Result<Looked, Problem> {
        question.identity.check(&question.rendered.set)?;
        let cluster_uid = self.uid().await?;
        let wanted = question.rendered.objects.keys();
        let keys: BTreeSet<&ObjectKey> = wanted.chain(question.inventory.entries.keys()).collect();
        let mut objects = BTreeMap::new();
        for key in keys {
            let seen = match self.look(question, key).await {
                // It changed between the look and the question.
                Err(problem) if problem.kind == ProblemKind::Stale => {
                    self.look(question, key).await
                }
                seen => seen,
            };
            let unreadable = |problem: Problem| Observed::Unreadable {
                reason: problem.to_string(),
            };
            objects.insert(key.clone(), seen.unwrap_or_else(unreadable));
        }
        Ok(Looked {
            cluster_uid,
            objects,
            discovery: discovery(),
            ..Looked::default()
        })
    }

    async fn read(&self, target: &Target) -> Result<Option<Live>, Problem> {
        let (key, what) = (&target.key, format!("read {}", target.key));
        let found = self.ask(&what, |server| {
            let object = server.objects.get(key);
            object.map(|object| live(object.whole()))
        });
        found.await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Value>, Problem> {
        let (all, _) = self.list_kind(&query.group_kind).await?;
        Ok(all.into_iter().filter_map(|(.., object)| object).collect())
    }

    async fn write(&self, identity: &Identity, write: &Write) -> Result<Value, Problem> {
        let what = format!("apply {}", write.target.key);
        let (by, write) = (self.caller(identity), write.clone());
        if write.dry_run {
            let said = self.ask(&what, move |server| server.apply(&by, &write));
            return said.await?;
        }
        self.sends(&by, &write.target.key, &Sent::Write(&write.body));
        // What is made late, when nobody wants it any more, is in nobody's books: a server gives up a
        // request long before a lease runs out.
        let late = write.expect != Expect::Absent;
        let done = self.change(&what, late, move |server| server.apply(&by, &write));
        done.await
    }

    async fn patch(&self, identity: &Identity, patch: &Patch) -> Result<Value, Problem> {
        let what = format!("patch {}", patch.target.key);
        let (by, patch) = (self.caller(identity), patch.clone());
        self.sends(&by, &patch.target.key, &Sent::Patch(&patch.body));
        let done = self.change(&what, true, move |server| server.patch(&patch));
        done.await
    }

    async fn delete(&self, identity: &Identity, delete: &Delete) -> Result<Deletion, Problem> {
        let what = format!("delete {}", delete.target.key);
        let (by, delete) = (self.caller(identity), delete.clone());
        let sent = Sent::Delete { uid: &delete.uid };
        self.sends(&by, &delete.target.key, &sent);
        let done = self.change(&what, true, move |server| server.delete(&delete));
        done.await
    }

    fn watch(&self, target: &Target, seen: &Live) -> BoxStream<'static, Result<Seen, Problem>> {
        let (world, key) = (Arc::clone(&self.world), target.key.clone());
        let version: u64 = seen.resource_version.parse().unwrap();
        let news = world.server().news.subscribe();
        let lag = self.dice().millis(1, 2000);
        let breaks = self.one_in(5);
        let begin = (world, key, version, news);
        let events = futures::stream::unfold(begin, move |mut at| async move {
            sleep(lag).await;
            loop {
                let mut changes = at.0.server().since(at.2, |key| *key == at.1);
                if let Some((version, _, now)) = changes.pop() {
                    at.2 = version;
                    let seen = now.map(|body| Seen::Present(Arc::new(live(body))));
                    return Some((Ok(seen.unwrap_or(Seen::Gone)), at));
                }
                at.3.changed().await.ok()?;
            }
        });
        match breaks {
            true => events.take(1).boxed(),
            false => events.boxed(),
        }
    }

    async fn load(&self, set: &SetId) -> Result<Stored, Problem> {
        let found = self.ask("read the inventory", |server| {
            server.books.get(set).cloned()
        });
        let found = found.await?;
        let version = found.as_ref().map(|(version, _)| version.to_string());
        let inventory = found.map(|(_, inventory)| inventory);
        Ok(Stored {
            inventory: inventory.unwrap_or_else(|| Inventory::new(set.clone())),
            version,
            parts: Vec::new(),
        })
    }

    async fn store(&self, before: &Stored, inventory: &Inventory) -> Result<Stored, Problem> {
        let version = before.version.as_ref().map(|v| v.parse::<u64>().unwrap());
        let page = inventory.clone();
        let put = self.change("write the inventory", true, move |server| {
            server.store(version, &page)
        });
        match put.await {
            Ok(version) => Ok(Stored {
                inventory: inventory.clone(),
                version: Some(version.to_string()),
                parts: Vec::new(),
            }),
            // A lost answer looks like this too: what is stored tells.
            Err(problem) if matches!(problem.kind, ProblemKind::Unknown | ProblemKind::Stale) => {
                let stored = self.load(&inventory.set).await?;
                match stored.version.is_some() && stored.inventory == *inventory {
                    true => Ok(stored),
                    false => Err(problem),
                }
            }
            Err(problem) => Err(problem),
        }
    }

    async fn take_lease(
        &self,
        set: &SetId,
        holder: &str,
        wait: Duration,
    ) -> Result<Lease, Problem> {
        let end = Instant::now() + wait;
        let mut seen: Option<(u64, Instant)> = None;
        loop {
            let found = self.ask("read a lease", |server| server.leases.get(set).cloned());
            let found = found.await?;
            let free = match &found {
                None => true,
                Some((by, version)) => {
                    let now = Instant::now();
                    let known = seen.filter(|(known, _)| known == version);
                    let (_, since) = *seen.insert(known.unwrap_or((*version, now)));
                    by.is_empty() || by == holder || since.elapsed() >= VALID
                }
            };
            if free {
                let before = found.as_ref().map(|(_, version)| *version);
                match self.put_lease(set, holder, before).await {
                    Err(problem) if problem.kind == ProblemKind::Stale => {}
                    done => return done,
                }
            }
            if Instant::now() + LOOK >= end {
                let said = "somebody else works on it";
                return Err(Problem::new(ProblemKind::Leased, "take a lease", said));
            }
            sleep(LOOK).await;
        }
    }

    async fn renew_lease(&self, lease: &Lease) -> Result<Lease, Problem> {
        let version = lease.version.parse().unwrap();
        self.put_lease(&lease.set, &lease.holder, Some(version))
            .await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), Problem> {
        let life = self.name.as_str();
        self.world.server().judge.gives_back(life, &lease.set);
        let version = lease.version.parse().unwrap();
        self.put_lease(&lease.set, "", Some(version))
            .await
            .map(drop)
    }
}
