//! Fights: what another program writes again as often as it is undone is left alone for a while, so that
//! the two do not wear out each other and the API server. What people do by hand is no fight, and neither is
//! what is written to the platform's objects, which hold the bounds of tenants: that is always undone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::object::ObjectKey;
use crate::plan::payload::is_by_hand;
use crate::plan::{Plan, Policy, Rule, StepId};

/// So many times undone,
const TIMES: usize = 10;
/// within this time, is a fight.
const WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// For how long the first one rests; each further one twice as long.
const REST: Duration = Duration::from_mins(10);
/// The longest rest.
const LONGEST: Duration = Duration::from_hours(4);
/// Objects of one set that are followed at most; more of them are undone without being counted.
const MAX: usize = 200;

/// What is undone again and again: by the label of a set, and by object.
#[derive(Default)]
pub struct Fights {
    all: Mutex<BTreeMap<String, BTreeMap<ObjectKey, Fight>>>,
}

/// One object that others write to.
#[derive(Default)]
struct Fight {
    undone: VecDeque<Timestamp>,
    rests: u32,
    until: Option<Timestamp>,
    with: BTreeSet<String>,
}

/// A fight that rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rest {
    /// The object.
    pub(super) key: ObjectKey,
    /// What is said of it.
    pub(super) said: String,
}

impl Fight {
    /// One more time; true if it rests from now on.
    fn undone(&mut self, now: Timestamp) -> bool {
        self.undone.push_back(now);
        while self
            .undone
            .front()
            .is_some_and(|first| now.duration_since(*first) > WITHIN)
        {
            self.undone.pop_front();
        }
        let fights = self.undone.len() >= TIMES;
        if fights {
            let rest = REST.saturating_mul(1 << self.rests.min(16)).min(LONGEST);
            self.until = now.checked_add(rest).ok();
            self.rests += 1;
            self.undone.clear();
        }
        fights
    }

    fn rests(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Whether nothing of it matters any more: a rest was followed by at least as long a peace.
    fn is_over(&self, now: Timestamp) -> bool {
        let last = self.undone.back().copied().max(self.until);
        let peace = SignedDuration::try_from(LONGEST).unwrap_or(SignedDuration::MAX);
        last.is_none_or(|last| now.duration_since(last) > peace)
    }
}

impl Fights {
    /// Counts what a plan has undone, of the steps that were done.
    pub(super) fn count(&self, set: &str, plan: &Plan, done: &BTreeSet<StepId>, now: Timestamp) {
        let drifted = plan.findings.iter().filter(|f| f.rule == Rule::Drift);
        let drifted: BTreeSet<_> = drifted.filter_map(|f| f.key.as_ref()).collect();
        let undone = plan
            .steps
            .iter()
            .filter(|step| done.contains(&step.id) && drifted.contains(&step.key));
        for step in undone {
            let others: BTreeSet<String> = step
                .action
                .takes()
                .iter()
                .filter(|take| !is_by_hand(&take.manager))
                .map(|take| take.manager.clone())
                .collect();
            if !others.is_empty() {
                self.undone(set, &step.key, others, now);
            }
        }
    }

    fn undone(&self, set: &str, key: &ObjectKey, others: BTreeSet<String>, now: Timestamp) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let fights = all.entry(set.to_owned()).or_default();
        fights.retain(|_, fight| !fight.is_over(now));
        if fights.len() >= MAX && !fights.contains_key(key) {
            return;
        }
        let fight = fights.entry(key.clone()).or_default();
        fight.with = others;
        if fight.undone(now) {
            tracing::warn!(%key, with = ?fight.with, "two programs write the same fields in turns");
        }
    }

    /// Leaves what rests to whom it is fought with, and says so.
    pub(super) fn temper(&self, set: &str, policy: &mut Policy, now: Timestamp) -> Vec<Rest> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let fights = all.get(set).into_iter().flatten();
        let resting = fights.filter(|(_, fight)| fight.rests(now));
        let rests = resting.filter_map(|(key, fight)| {
            policy.left.insert(key.clone(), fight.with.clone());
            let with: Vec<String> = fight.with.iter().map(|name| format!("`{name}`")).collect();
            let until = fight.until?.round(jiff::Unit::Second).ok()?;
            let said = format!(
                "{} writes what Git says otherwise, {TIMES} times in a row; it is left alone until {until}: take the \
                 field out of Git, or stop who writes it",
                with.join(" and "),
            );
            Some(Rest {
                key: key.clone(),
                said,
            })
        });
        rests.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::GroupKind;
    use crate::plan::Drift;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn write(fights: &Fights, name: &str, seconds: i64) {
        let key = ObjectKey {
            group_kind: GroupKind::new("apps", "Deployment"),
            namespace: Some("web".into()),
            name: name.into(),
        };
        let others = BTreeSet::from(["autotuner".to_owned()]);
        fights.undone("set", &key, others, at(seconds));
    }

    fn resting(fights: &Fights, set: &str, seconds: i64) -> Vec<String> {
        let mut policy = Policy::default();
        let rests = fights.temper(set, &mut policy, at(seconds));
        assert_eq!(rests.len(), policy.left.len());
        assert_eq!(policy.drift, Drift::Revert, "the others are undone");
        rests.into_iter().map(|rest| rest.said).collect()
    }

    #[test]
    fn ten_times_in_ten_minutes_is_a_fight_and_rests() {
        let fights = Fights::default();
        (0..9).for_each(|n| write(&fights, "web", n * 60));
        assert_eq!(resting(&fights, "set", 480), Vec::<String>::new());
        write(&fights, "web", 540);
        let said = resting(&fights, "set", 541).join("");
        assert!(
            said.contains("`autotuner`") && said.contains("10 times"),
            "{said}"
        );
        assert_eq!(resting(&fights, "another", 541), Vec::<String>::new());
        assert!(!resting(&fights, "set", 540 + 599).is_empty());
        assert_eq!(resting(&fights, "set", 540 + 600), Vec::<String>::new());
    }

    #[test]
    fn what_happens_now_and_then_is_none() {
        let fights = Fights::default();
        for n in 0..1000 {
            write(&fights, "web", n * 67);
            assert_eq!(resting(&fights, "set", n * 67), Vec::<String>::new());
        }
    }

    #[test]
    fn who_begins_again_rests_longer_and_peace_forgets() {
        let fights = Fights::default();
        let (mut now, mut lengths) = (0, Vec::new());
        for _ in 0..6 {
            (0..10).for_each(|n| write(&fights, "web", now + n));
            let began = now + 9;
            now = began;
            while !resting(&fights, "set", now).is_empty() {
                now += 60;
            }
            lengths.push((now - began) / 60);
        }
        assert_eq!(lengths, [10, 20, 40, 80, 160, 240]);
        now += 5 * 3600;
        (0..10).for_each(|n| write(&fights, "web", now + n));
        assert!(!resting(&fights, "set", now + 9 + 599).is_empty());
        assert!(resting(&fights, "set", now + 9 + 600).is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let fights = Fights::default();
        (0..MAX + 10).for_each(|n| write(&fights, &n.to_string(), 0));
        assert_eq!(fights.all.lock().unwrap()["set"].len(), MAX);
        // What is over makes room.
        write(&fights, "new", 5 * 3600);
        assert_eq!(fights.all.lock().unwrap()["set"].len(), 1);
    }
}
