//! A plan that somebody lets go in a comment, after the merge: only of a Sync in the mode `manual`, only by
//! its whole digest, and only while exactly that plan waits. Nobody agrees to anything by it: what rules hold
//! of the plan stays held.

use std::sync::Arc;

use kube::ResourceExt as _;

use super::entitled;
use super::reading::Scene;
use crate::adapters::sync::{Mode, Release, SetSummary, Sync};
use crate::kinds::role::Action;

/// Plans that are told in one answer.
const MOST_TOLD: usize = 10;

/// A plan that waits.
struct Open<'a> {
    sync: &'a Sync,
    set: &'a str,
    summary: &'a SetSummary,
    plan: &'a str,
}

/// The plans of some Syncs that wait for somebody to name them.
fn open(syncs: &[Arc<Sync>]) -> Vec<Open<'_>> {
    let manual = |sync: &&Arc<Sync>| sync.spec.mode == Mode::Manual && !sync.spec.suspend;
    let mut all = Vec::new();
    for sync in syncs.iter().filter(manual) {
        let sets = sync.status.iter().flat_map(|status| &status.sets);
        let open = sets.filter_map(|(set, summary)| {
            // Another rule of approvals has no steps: it is taken in the spec alone.
            let plan = summary.plan.as_deref().filter(|_| summary.pending > 0)?;
            if sync.is_let_go(plan) {
                return None;
            }
            Some(Open {
                sync,
                set,
                summary,
                plan,
            })
        });
        all.extend(open);
    }
    all
}

/// What waits, in a sentence and a line for each plan.
pub(super) fn told(syncs: &[Arc<Sync>]) -> (String, Vec<String>) {
    let open = open(syncs);
    if open.is_empty() {
        let manual = syncs.iter().any(|sync| sync.spec.mode == Mode::Manual);
        let why = match manual {
            true => "no plan waits for somebody to let it go",
            false => {
                "no Sync that follows this branch is in the mode manual, so nothing waits for a command"
            }
        };
        return (why.to_owned(), Vec::new());
    }
    let line = |open: &Open<'_>| {
        let Open {
            sync,
            set,
            summary,
            plan,
        } = open;
        let (name, pending) = (sync.name_any(), summary.pending);
        let held = match summary.held {
            0 => String::new(),
            held => format!(", {held} of them held by rules"),
        };
        format!("{set}: {pending} not done{held}: Sync {name}, plan {plan}")
    };
    let mut lines: Vec<String> = open.iter().take(MOST_TOLD).map(line).collect();
    if let Some(more) = open.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        lines.push(format!("and {more} more, in the status of their Syncs"));
    }
    let said =
        "these plans wait; apply with the whole digest of one of them lets exactly that one go";
    (said.to_owned(), lines)
}

/// Lets one plan go; both sentences are answers.
pub(super) async fn let_go(scene: &Scene<'_>, digest: &str) -> Result<String, String> {
    let open = open(scene.syncs);
    let Some(found) = open.iter().find(|open| open.plan == digest) else {
        return Err(
            "no plan of this digest waits here: it was let go, or another one took its place; apply alone says \
             what waits"
                .to_owned(),
        );
    };
    // Whose set it is, and who may, is said by what is merged.
    let merged = scene.followed().await?;
    let mut sets = merged.sets.keys();
    let Some(set) = sets.find(|set| set.to_string() == found.set) else {
        return Err(format!("the followed branch has no {} any more", found.set));
    };
    entitled::check(scene, &merged.rights, (set, Action::Apply)).await?;
    let name = found.sync.name_any();
    let release = Release {
        plan: digest.to_owned(),
        by: scene.user.to_owned(),
        pull: scene.pull.number.to_string(),
    };
    let sent = scene.gates.get(&name);
    let sent = sent.map(|gate| gate.try_send(release));
    if !matches!(sent, Some(Ok(()))) {
        return Err(format!("the Sync {name} takes no plan now; ask again"));
    }
    let (set, user) = (found.set, scene.user);
    let held = match found.summary.held {
        0 => "",
        _ => "; what rules hold of it waits on",
    };
    Ok(format!(
        "the plan of {set} that has this digest is let go, as {user} asked, and no other{held}"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sync(mode: &str, status: &Value) -> Arc<Sync> {
        let sync = json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync", "metadata": {"name": "prod"},
            "spec": {
                "repository": "https://git.example/p.git", "environment": "prod", "cluster": "hq", "mode": mode,
                "approved": ["b3:named"],
            },
            "status": status,
        });
        Arc::new(serde_json::from_value(sync).unwrap())
    }

    #[test]
    fn only_plans_that_wait_for_a_person_are_told() {
        let sets = json!({
            "hq/payments/prod": {"objects": 9, "pending": 2, "held": 1, "plan": "b3:waits"},
            "hq/platform/prod": {"objects": 9, "pending": 1, "plan": "b3:named"},
            "hq/search/prod": {"objects": 9, "pending": 1, "plan": "b3:released"},
            "hq/web/prod": {"objects": 9},
            "hq/prod rule of approvals": {"held": 1, "plan": "b3:rule"},
        });
        let released = json!([{"plan": "b3:released", "by": "ben", "pull": "7"}]);
        let status = json!({"sets": sets, "released": released});
        let (_, lines) = told(&[sync("manual", &status)]);
        assert_eq!(
            lines,
            ["hq/payments/prod: 2 not done, 1 of them held by rules: Sync prod, plan b3:waits"]
        );
        for (mode, said) in [
            ("auto", "is in the mode manual"),
            ("manual", "no plan waits"),
        ] {
            let (why, lines) = told(&[sync(mode, &json!({}))]);
            assert!(why.contains(said) && lines.is_empty(), "{why}");
        }
        assert!(told(&[sync("auto", &status)]).1.is_empty());
    }

    #[test]
    fn an_answer_is_not_endless() {
        let sets: serde_json::Map<String, Value> = (0..30)
            .map(|n| {
                let set = json!({"pending": 1, "plan": format!("b3:{n}")});
                (format!("hq/t{n}/prod"), set)
            })
            .collect();
        let (_, lines) = told(&[sync("manual", &json!({"sets": sets}))]);
        assert_eq!(lines.len(), MOST_TOLD + 1);
        assert!(lines[MOST_TOLD].contains("20 more"));
    }
}
