//! A Git remote in memory: a ref that moves, also back, commits that are not valid, and times when nobody
//! answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::dice::Dice;
use super::replica::Replica;
use crate::adapters::judge::Verdict;
use crate::adapters::rights::Rights;
use crate::controller::cycle::{Sort, Trouble};
use crate::controller::desired::Desired;
use crate::controller::force::Source;
use crate::controller::heads::Answer;
use crate::dsl::compose::Target;
use crate::model::job::{Outcome, TenantFact};
use crate::object::{
    Desired as Wanted, Manifest, ObjectKey, ObjectRules, Owner, Rendered, ResourceId, SetId,
    SourceMap,
};
use crate::source::repository::{CommitId, RepositoryError};

/// The UID of the cluster.
pub(super) const CLUSTER: &str = "uid-of-the-cluster";
/// The namespace of the tenant.
pub(super) const HOME: &str = "web-dev";
/// The names of objects: so many of each kind in each namespace.
const NAMES: u64 = 3;

/// A commit: what each set wants.
#[derive(Clone)]
pub(super) struct Commit {
    pub(super) sets: Vec<Rendered>,
    pub(super) valid: bool,
    /// It can be fetched.
    pub(super) there: bool,
}

/// The remote.
pub(super) struct Remote {
    pub(super) head: String,
    pub(super) commits: BTreeMap<String, Commit>,
    pub(super) down: bool,
}

pub(super) fn set(owner: Owner) -> SetId {
    SetId {
        project: "shop".to_owned(),
        cluster: "hq".to_owned(),
        owner,
        environment: "dev".to_owned(),
    }
}

pub(super) fn tenant() -> Owner {
    Owner::Tenant("web".to_owned())
}

/// In whose name the sets are written.
fn rights() -> Rights {
    let fact = TenantFact {
        tenant: "web".to_owned(),
        target: Target {
            environment: "dev".to_owned(),
            cluster: "hq".to_owned(),
        },
        namespaces: vec![HOME.to_owned()],
    };
    let outcome = Outcome {
        tenants: vec![fact],
        ..Outcome::default()
    };
    Rights::of(&Verdict {
        outcomes: vec![(Owner::Platform, outcome)],
        ..Verdict::default()
    })
}

/// An object as Git has it.
pub(super) fn body(kind: &str, namespace: &str, name: &str, value: u64) -> Value {
    let metadata = json!({"name": name, "namespace": namespace});
    let data = json!({"a": value.to_string(), "b": "fixed"});
    match kind {
        "ConfigMap" => {
            json!({"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data})
        }
        _ => json!({"apiVersion": "sim.example/v1", "kind": kind, "metadata": metadata,
            "spec": {"replicas": 2, "data": data}}),
    }
}

fn wanted(body: Value, needs: Vec<ObjectKey>) -> (ObjectKey, Wanted) {
    let manifest = Manifest::new(body).unwrap();
    let key = manifest.key.clone();
    let resource = ResourceId {
        kind: "test".to_owned(),
        tenant: None,
        name: key.name.clone(),
    };
    let wanted = Wanted {
        manifest,
        resource,
        source: SourceMap::default(),
        needs,
        rules: ObjectRules::default(),
    };
    (key, wanted)
}

/// One of all objects that may ever be wanted.
pub(super) fn any(dice: &mut Dice) -> Value {
    let kind = match dice.one_in(2) {
        true => "ConfigMap",
        false => super::server::WIDGET,
    };
    let namespace = match dice.one_in(2) {
        true => HOME,
        false => "base",
    };
    let name = format!("n{}", dice.below(NAMES));
    body(kind, namespace, &name, dice.below(4))
}

/// The first commit: one object for each set, so that no set is ever empty.
pub(super) fn first() -> Vec<Rendered> {
    let one = |owner: Owner, namespace: &str| {
        let (key, wanted) = wanted(body("ConfigMap", namespace, "always", 0), Vec::new());
        Rendered {
            set: set(owner),
            objects: [(key, wanted)].into(),
        }
    };
    vec![one(Owner::Platform, "base"), one(tenant(), HOME)]
}

/// Another commit on top of one: some objects more, some fewer, some otherwise. `fixed` are those that
/// stay.
pub(super) fn edited(
    before: &[Rendered],
    fixed: &mut Vec<ObjectKey>,
    dice: &mut Dice,
) -> Vec<Rendered> {
    let mut sets = before.to_vec();
    for _ in 0..=dice.below(3) {
        let (key, mut object) = wanted(any(dice), Vec::new());
        let namespace = key.namespace.clone();
        let of = sets.iter().position(|r| r.objects.contains_key(&key));
        let home = usize::from(namespace.as_deref() == Some(HOME));
        match of {
            // From one set to the other. Until it is there the object is in no book, so it stays wanted.
            Some(at) if home == 1 && dice.one_in(4) => {
                let moved = sets[at].objects.remove(&key).unwrap();
                sets[1 - at].objects.insert(key.clone(), moved);
                fixed.push(key);
            }
            Some(at) if !fixed.contains(&key) && dice.one_in(2) => {
                sets[at].objects.remove(&key);
            }
            at => {
                let at = at.unwrap_or(home);
                let mut others = sets[at].objects.keys();
                let widget = others.find(|k| k.group_kind.kind != key.group_kind.kind);
                if key.group_kind.kind == "ConfigMap" && dice.one_in(3) {
                    object.needs.extend(widget.cloned());
                }
                sets[at].objects.insert(key, object);
            }
        }
    }
    for rendered in &mut sets {
        let keys: Vec<ObjectKey> = rendered.objects.keys().cloned().collect();
        for object in rendered.objects.values_mut() {
            object.needs.retain(|need| keys.contains(need));
        }
    }
    sets
}

impl Remote {
    pub(super) fn new(sets: Vec<Rendered>) -> Self {
        let mut remote = Self {
            head: String::new(),
            commits: BTreeMap::new(),
            down: false,
        };
        remote.push(sets, true);
        remote
    }

    /// Moves the ref to a new commit; returns its name.
    pub(super) fn push(&mut self, sets: Vec<Rendered>, valid: bool) -> String {
        let id = format!("{:040x}", self.commits.len() + 1);
        let commit = Commit {
            sets,
            valid,
            there: true,
        };
        self.commits.insert(id.clone(), commit);
        self.head.clone_from(&id);
        id
    }

    /// The last commit that is valid.
    pub(super) fn valid(&self) -> &Commit {
        let mut commits = self.commits.values().rev();
        commits.find(|commit| commit.valid).unwrap()
    }
}

/// The tracked ref as one replica sees it.
pub(super) struct Tracked<'a>(pub(super) &'a Replica);

fn nobody() -> RepositoryError {
    RepositoryError::Git {
        reason: "nobody answers".to_owned(),
    }
}

impl Source for Tracked<'_> {
    async fn head(&mut self, question: Option<(Instant, Duration)>) -> Option<Answer> {
        let (_, patience) = question?;
        let hand = &self.0.hand;
        let time = hand.dice().millis(5, 300);
        sleep(time.min(patience)).await;
        if time > patience {
            return None;
        }
        let remote = hand.world.remote();
        let head = CommitId::new(&remote.head).unwrap();
        Some(if remote.down { Err(nobody()) } else { Ok(head) })
    }

    async fn admit(&mut self, _: &CommitId) -> Result<Option<String>, Trouble> {
        Ok(None)
    }

    async fn desired(&mut self, commit: &CommitId) -> Result<Arc<Desired>, Trouble> {
        let hand = &self.0.hand;
        let time = hand.dice().millis(1, 500);
        sleep(time).await;
        let remote = hand.world.remote();
        let known = remote.commits.get(commit.as_str());
        match known.filter(|commit| commit.there && !remote.down) {
            None => Err(Trouble::new(Sort::Source, nobody().to_string())),
            Some(commit) if !commit.valid => Err(Trouble::new(Sort::InvalidCommit, "a mistake")),
            Some(commit) => Ok(Arc::new(Desired::plain(
                commit.sets.clone(),
                CLUSTER,
                rights(),
            ))),
        }
    }
}
