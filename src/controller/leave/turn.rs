//! A commit that brings another rule of approvals. A rule has no objects that could be held, so the commit is not
//! called applied until people agreed to it by the rule that it replaces: until then what comes after it is judged
//! by that one.

use serde_json::json;

use super::Leave;
use crate::adapters::sync::{Sync, SyncStatus, fitting};
use crate::controller::desired::Desired;
use crate::controller::set::SetResult;
use crate::plan::digest;

/// What is said of a rule that nobody agreed to, beside the sets; `None` where the rule stays, people agreed to it,
/// or a person took it by its digest.
pub(in crate::controller) fn turned(
    sync: &Sync,
    (before, wanted): (&SyncStatus, &Desired),
    leave: &Leave,
) -> Option<SetResult> {
    let spec = &sync.spec;
    let unruled = &leave.bound.as_ref()?.unruled;
    if unruled.is_empty() {
        return None;
    }
    // Of this rule after that commit, so that no other one is meant and none at another time.
    let rule = serde_json::to_value(wanted.rule(spec)).unwrap_or_default();
    let digest = digest::of_value(&json!({"after": before.last_applied, "rule": rule}));
    if spec.approved.contains(&digest) {
        return None;
    }
    let why = unruled.join("; ");
    let said = format!(
        "nobody agreed to another rule of approvals by the one that was applied last, which stays in force: {why}; \
         to take it all the same, put {digest} into `approved` of the Sync"
    );
    Some(SetResult {
        // No set is called so.
        name: format!("{}/{} rule of approvals", spec.cluster, spec.environment),
        held: 1,
        plan: Some(digest),
        message: fitting(&said),
        ..SetResult::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::Bound;
    use super::*;
    use crate::adapters::judge::Verdict;
    use crate::adapters::rights::Rights;
    use crate::controller::cycle::Seen;
    use crate::controller::decide::Ending;
    use crate::controller::status::{after, ending};
    use crate::dsl::compose::Target;
    use crate::model::job::{Outcome, RuleFact};
    use crate::object::Owner;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    /// A commit without sets, whose rule lets this person approve.
    fn wanted(user: &str) -> Desired {
        let rule = json!({ "name": "leads", "approver": [{ "user": user }] });
        let fact = RuleFact {
            target: Target {
                environment: "prod".to_owned(),
                cluster: "hq".to_owned(),
            },
            approval: Some(serde_json::from_value(rule).unwrap()),
            windows: Vec::new(),
            freezes: Vec::new(),
            exceptions: Vec::new(),
            entitled: Vec::new(),
        };
        let outcome = Outcome {
            rules: vec![fact],
            ..Outcome::default()
        };
        let rights = Rights::of(&Verdict {
            outcomes: vec![(Owner::Platform, outcome)],
            ..Verdict::default()
        });
        Desired::plain(Vec::new(), "uid", rights)
    }

    fn sync(approved: &[String]) -> Sync {
        serde_json::from_value(json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync", "metadata": {"name": "prod"},
            "spec": {"repository": "https://git.bank.example/p.git", "environment": "prod",
                "cluster": "hq", "mode": "auto", "approved": approved},
        }))
        .unwrap()
    }

    fn leave(unruled: &[&str]) -> Leave {
        Leave {
            bound: Some(Bound {
                unruled: unruled.iter().map(|why| (*why).to_owned()).collect(),
                ..Bound::default()
            }),
            ..Leave::default()
        }
    }

    #[test]
    fn s_82_a_rule_that_nobody_agreed_to_is_not_in_force_for_what_comes_after() {
        let before = SyncStatus {
            last_applied: Some(ONE.to_owned()),
            governed: Some(true),
            ..SyncStatus::default()
        };
        let eased = wanted("eve");
        let at = (&before, &eased);
        assert_eq!(turned(&sync(&[]), at, &leave(&[])), None);
        assert_eq!(turned(&sync(&[]), at, &Leave::default()), None);
        let held = turned(&sync(&[]), at, &leave(&["#7: nobody"])).unwrap();
        assert!(held.message.contains("#7: nobody"), "{}", held.message);
        let digest = held.plan.clone().unwrap();
        assert!(held.message.contains(&digest), "{}", held.message);

        // Nothing else is to do, and still the commit is not called applied.
        let seen = Seen {
            attempted: Some(TWO.to_owned()),
            in_force: Some(TWO.to_owned()),
            sets: vec![held],
            governed: true,
            ..Seen::default()
        };
        let spec = sync(&[]).spec;
        assert_eq!(ending(&seen, &spec), Ending::NeedsPerson);
        let next = after(&before, &spec, 1, &seen, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(next.last_applied.as_deref(), Some(ONE));
        assert!(next.story.contains("#7: nobody"), "{}", next.story);

        // A person takes exactly this rule after exactly that commit.
        let taken = sync(&[digest]);
        let leave = leave(&["#7: nobody"]);
        assert_eq!(turned(&taken, at, &leave), None);
        let other = wanted("mallory");
        assert!(turned(&taken, (&before, &other), &leave).is_some());
        let later = SyncStatus {
            last_applied: Some(TWO.to_owned()),
            ..before
        };
        assert!(turned(&taken, (&later, &eased), &leave).is_some());
    }
}
