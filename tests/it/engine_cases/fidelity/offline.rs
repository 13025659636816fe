//! The plan of two commits says what the plan against the cluster says: the same verbs for the same
//! objects, the same fields. Where it cannot, it is for one of a few reasons, and each has a test.

mod reasons;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use kubemate::apply::prepare::{Prepared, look};
use kubemate::names::grammar::Grammar as _;
use kubemate::object::{ObjectKey, Rendered};
use kubemate::plan::intent::intent;
use kubemate::plan::normalize::desired_body;
use kubemate::plan::payload::payload;
use kubemate::plan::{Neighbours, Observed, Plan, Policy, Rule, Verb};
use kubemate::values::quantity::Quantity;
use serde_json::Value;

use super::fields::{below, leaves};
use super::project::Random;
use super::texts::{Texts, furnish};
use super::{AT_ONCE, EACH, engine, leave, projects};
use crate::bed;
use crate::engine::{Engine, told};

/// Why the two plans say something else about an object. `docs/reference/offline-plans.md` explains
/// each to users, by these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// The server, or a policy of its, fills in or changes fields that nobody declares.
    FilledIn,
    /// To the server both spellings are one value.
    SameValue,
    /// The field cannot change, and the object may be made anew.
    Replaced,
    /// The object was changed or deleted outside of Git.
    Drift,
    /// A field is left to another manager, who has it.
    LeftToOthers,
    /// The object exists and belongs to someone else.
    NotOurs,
    /// The object could not be read.
    NotRead,
}

impl Why {
    /// Every reason, with its word in the documentation.
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::FilledIn, "filled in"),
        (Self::SameValue, "same value"),
        (Self::Replaced, "replaced"),
        (Self::Drift, "drift"),
        (Self::LeftToOthers, "left to others"),
        (Self::NotOurs, "not ours"),
        (Self::NotRead, "not read"),
    ];
}

/// Verb and changed fields.
type Said = (Verb, BTreeSet<String>);

fn said(plan: &Plan) -> BTreeMap<&ObjectKey, Said> {
    let steps = plan.steps.iter();
    let told = steps.filter(|step| !matches!(step.action.verb(), Verb::Keep));
    let one = |step: &'_ kubemate::plan::step::Step| {
        let fields = step.action.changes().iter().map(|c| c.path.clone());
        (step.action.verb(), fields.collect())
    };
    told.map(|step| (&step.key, one(step))).collect()
}

/// Two plans of one change, and what the one against the cluster was made from.
pub(super) struct Pair<'a> {
    pub(super) seen: &'a Prepared,
    pub(super) offline: &'a Plan,
    pub(super) base: &'a Rendered,
    pub(super) head: &'a Rendered,
}

impl Pair<'_> {
    /// Objects about which the plans say something else, with the reason, if it is a known one.
    pub(super) fn differences(&self) -> Vec<(ObjectKey, Option<Why>, String)> {
        let (server, offline) = (said(&self.seen.plan), said(self.offline));
        let keys: BTreeSet<&ObjectKey> = server.keys().chain(offline.keys()).copied().collect();
        let mut out = Vec::new();
        for key in keys {
            let (one, other) = (server.get(key), offline.get(key));
            if one != other {
                let told = format!("{key}: server {one:?}, offline {other:?}");
                out.push((key.clone(), self.reason(key, one, other), told));
            }
        }
        out
    }

    fn reason(
        &self,
        key: &ObjectKey,
        server: Option<&Said>,
        offline: Option<&Said>,
    ) -> Option<Why> {
        let findings = self.seen.plan.findings.iter();
        let has = |rule: Rule| {
            let mut about = findings.clone().filter(|f| f.key.as_ref() == Some(key));
            about.any(|f| f.rule == rule)
        };
        let (none, verb) = (BTreeSet::new(), server.map(|(verb, _)| *verb));
        let fields = |said: Option<&'_ Said>| said.map_or(none.clone(), |(_, f)| f.clone());
        if has(Rule::Unreadable) {
            return Some(Why::NotRead);
        }
        if has(Rule::AdoptRefused) || has(Rule::Adopted) {
            return Some(Why::NotOurs);
        }
        if verb == Some(Verb::Replace) {
            return Some(Why::Replaced);
        }
        let gone = self.base.objects.contains_key(key) && verb == Some(Verb::Create);
        if has(Rule::Drift) || gone {
            return Some(Why::Drift);
        }
        self.of_fields(key, &fields(server), &fields(offline))
    }

    /// Why the fields of an update are others.
    fn of_fields(
        &self,
        key: &ObjectKey,
        server: &BTreeSet<String>,
        offline: &BTreeSet<String>,
    ) -> Option<Why> {
        let Some(Observed::Present(live)) = self.seen.world.objects.get(key) else {
            return None;
        };
        let side = |side: &Rendered| {
            let desired = side.objects.get(key)?;
            Some(leaves(&desired_body(desired, &side.set)))
        };
        let (base, head) = (side(self.base)?, side(self.head)?);
        let now = leaves(&live.body);
        let declared =
            |path: &&String| !below(&base, path).is_empty() || !below(&head, path).is_empty();
        let moved = |path: &&String| {
            let mut fields = below(&base, path).into_iter();
            let same = |live: &Value, value: &Value| live == value || same_amount(live, value);
            fields.any(|(field, value)| !now.get(&field).is_some_and(|live| same(live, &value)))
        };
        let more: Vec<&String> = server.difference(offline).collect();
        let fewer: Vec<&String> = offline.difference(server).collect();
        let sent = payload(
            self.head.objects.get(key)?,
            &self.head.set,
            Some(live),
            &Policy::default(),
        );
        if !sent.yields.is_empty() && more.is_empty() {
            return Some(Why::LeftToOthers);
        }
        if more.iter().any(declared) {
            return Some(Why::Drift);
        }
        if !more.is_empty() {
            return Some(Why::FilledIn);
        }
        Some(if fewer.iter().any(moved) {
            Why::Drift
        } else {
            Why::SameValue
        })
    }
}

/// Whether two values are one amount in two spellings.
fn same_amount(one: &Value, other: &Value) -> bool {
    let amount = |value: &Value| match value {
        Value::String(text) => Quantity::read(text).ok(),
        _ => Quantity::read(&value.to_string()).ok(),
    };
    amount(one).is_some_and(|one| amount(other) == Some(one))
}

/// Plans the change from what was applied to what is wanted now, both ways.
pub(super) async fn both(engine: &Engine, base: &Rendered) -> (Prepared, Plan) {
    let (identity, policy) = (&engine.identity, &engine.policy);
    let alone = Neighbours::of([&engine.rendered]);
    let seen = look(&engine.cluster, &engine.rendered, identity, policy, &alone).await;
    let (_, offline) = intent(base, &engine.rendered, policy).expect("an offline plan");
    (seen.expect("a plan"), offline)
}

struct Count {
    plans: usize,
    same: usize,
    reasons: BTreeMap<Why, usize>,
}

async fn story(seed: u64, count: &Mutex<Count>) {
    let mut random = Random::new(seed ^ 0x0ff1);
    let mut engine = engine().await;
    let mut texts = Texts::new(&bed::unique_name("o"), "none", &mut random);
    engine.rendered.objects = texts.rendered();
    engine.apply_all().await;
    for turn in 1..=EACH {
        let base = engine.rendered.clone();
        let mut edits = Vec::new();
        while engine.rendered.objects == base.objects {
            edits = texts.edit(&mut random);
            engine.rendered.objects = texts.rendered();
        }
        let (seen, offline) = both(&engine, &base).await;
        let pair = Pair {
            seen: &seen,
            offline: &offline,
            base: &base,
            head: &engine.rendered,
        };
        let differences = pair.differences();
        {
            let mut count = count.lock().unwrap();
            count.plans += 1;
            count.same += usize::from(differences.is_empty());
            for (_, why, told) in &differences {
                let at = format!("seed {seed}, turn {turn}: {told}, edits {edits:?}");
                let why = why.unwrap_or_else(|| panic!("no known reason: {at}"));
                eprintln!("{why:?}: {at}");
                *count.reasons.entry(why).or_default() += 1;
            }
        }
        let report = engine.carry_out(&seen.plan).await.expect("a run");
        assert!(
            report.complete(),
            "seed {seed}: {}",
            told(&seen.plan, &report)
        );
    }
    leave(&engine);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn offline_plans_say_what_plans_against_the_cluster_say() {
    furnish();
    let count = Mutex::new(Count {
        plans: 0,
        same: 0,
        reasons: BTreeMap::new(),
    });
    let next = std::sync::atomic::AtomicU64::new(0);
    let lane = || async {
        loop {
            let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= projects() {
                return;
            }
            story(seed, &count).await;
        }
    };
    futures::future::join_all((0..AT_ONCE).map(|_| lane())).await;
    let Count {
        plans,
        same,
        reasons,
    } = count.into_inner().unwrap();
    eprintln!("{same} of {plans} plans are the same; otherwise {reasons:?}");
    assert!(same * 100 >= plans * 99, "{same} of {plans}: {reasons:?}");
}
