//! The order of a plan: a graph of real dependencies, no global barriers.
//!
//! Writes come after what they need; deletions after every write, and in reverse. A cycle can only come
//! from `needs` and is an error that shows it.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::ObjectKey;
use crate::plan::draft::Draft;
use crate::plan::step::{Action, Step, StepId, Until, Wait};

mod depends;

use depends::{Facts, depends, references};
pub(crate) use depends::{is_workload, pod_spec};

/// Most writes whose health one deletion waits for, of each sort; it waits for all others to be done.
const MAX_HEALTH_WAITS: usize = 256;

/// A circle of objects that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these objects wait for each other: {}", path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → "))]
pub struct Cycle {
    /// The circle; its first object comes again at its end.
    pub path: Vec<ObjectKey>,
}

/// Numbers the drafts in an order in which they may be executed.
pub(super) fn order(drafts: Vec<Draft<'_>>) -> Result<Vec<Step>, Cycle> {
    let edges = edges(&drafts);
    let sorted = sort(&drafts, &edges)?;
    let mut numbers = vec![StepId(0); drafts.len()];
    for (number, index) in sorted.iter().enumerate() {
        numbers[*index] = StepId(u32::try_from(number).unwrap_or(u32::MAX));
    }
    let mut needs = needs(&drafts);
    let mut drafts: Vec<Option<Draft<'_>>> = drafts.into_iter().map(Some).collect();
    let step = |index: usize| {
        let draft = drafts[index].take()?;
        let waits = edges[index].iter().map(|(on, until)| Wait {
            step: numbers[*on],
            until: *until,
        });
        let mut waits_for: Vec<Wait> = waits.collect();
        waits_for.sort();
        Some(Step {
            id: numbers[index],
            key: draft.key,
            resource: draft.resource,
            spans: draft.spans,
            action: draft.action,
            waits_for,
            needs: std::mem::take(&mut needs[index]),
            held_by: Vec::new(),
        })
    };
    Ok(sorted.into_iter().filter_map(step).collect())
}

/// What each write needs that this plan does not write.
fn needs(drafts: &[Draft<'_>]) -> Vec<Vec<ObjectKey>> {
    let writes = drafts.iter().filter(|d| d.action.writes());
    let present: BTreeSet<&ObjectKey> = writes.map(|d| &d.key).collect();
    let of = |draft: &Draft<'_>| {
        let desired = draft.desired.filter(|_| draft.action.writes());
        let needs = desired.map(|d| d.needs.iter()).unwrap_or_default();
        let outside = needs.filter(|key| !present.contains(key));
        outside.cloned().collect()
    };
    drafts.iter().map(of).collect()
}

/// For every draft the drafts it waits for.
type Edges = Vec<BTreeMap<usize, Until>>;

fn edges(drafts: &[Draft<'_>]) -> Edges {
    let mut edges: Edges = vec![BTreeMap::new(); drafts.len()];
    // Nothing waits in a plan that changes nothing, which is what most plans do.
    let changes = |d: &Draft<'_>| d.action.writes() || d.action.deletes();
    if !drafts.iter().any(changes) {
        return edges;
    }
    let facts = Facts::new(drafts);
    for (index, draft) in drafts.iter().enumerate() {
        let deletion = matches!(draft.action, Action::Delete { .. });
        if !deletion && !draft.action.writes() {
            continue;
        }
        for (on, until) in depends(draft, &facts) {
            if on == index {
                continue;
            }
            match (deletion, &drafts[on].action) {
                (false, action) if action.writes() => wait(&mut edges[index], on, until),
                // Deletions go the other way round: first what depends on it.
                (true, Action::Delete { .. }) => wait(&mut edges[on], index, Until::Done),
                _ => {}
            }
        }
        if deletion {
            for on in replacements(draft, &facts) {
                wait(&mut edges[index], on, Until::Healthy);
            }
            continue;
        }
        // What it uses today and Git no longer has goes only when it works without.
        let before = draft
            .live
            .map(|live| references(&draft.key, &live.body, &facts));
        for on in before.unwrap_or_default() {
            if matches!(drafts[on].action, Action::Delete { .. }) {
                wait(&mut edges[on], index, Until::Healthy);
            }
        }
    }
    edges
}

fn wait(edges: &mut BTreeMap<usize, Until>, on: usize, until: Until) {
    let entry = edges.entry(on).or_insert(until);
    *entry = (*entry).max(until);
}

/// The writes that may take the place of an object that goes: those of its resource, and for a
/// workload new ones in its namespace or of its name.
fn replacements(gone: &Draft<'_>, facts: &Facts) -> BTreeSet<usize> {
    let same_resource = facts
        .written_by_resource
        .get(&gone.resource)
        .into_iter()
        .flatten();
    let mut out: BTreeSet<usize> = same_resource.copied().take(MAX_HEALTH_WAITS).collect();
    if is_workload(&gone.key) {
        let namespace = gone.key.namespace.clone().unwrap_or_default();
        let beside = facts.new_workloads.get(&namespace).into_iter().flatten();
        let named = facts
            .new_workloads
            .get(&gone.key.name)
            .into_iter()
            .flatten();
        out.extend(beside.chain(named).copied().take(MAX_HEALTH_WAITS));
    }
    out
}

/// Deletions last; within what is free, by a kind's place in the reading order and by key.
fn sort(drafts: &[Draft<'_>], edges: &Edges) -> Result<Vec<usize>, Cycle> {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    let mut open: Vec<usize> = edges.iter().map(BTreeMap::len).collect();
    for (index, waits) in edges.iter().enumerate() {
        for on in waits.keys() {
            followers[*on].push(index);
        }
    }
    let rank = |index: usize| {
        let draft: &Draft<'_> = &drafts[index];
        let last = matches!(draft.action, Action::Delete { .. });
        let rank = depends::reading_rank(&draft.key);
        (
            last,
            if last { u8::MAX - rank } else { rank },
            &draft.key,
            index,
        )
    };
    let mut free: BTreeSet<_> = (0..drafts.len())
        .filter(|i| open[*i] == 0)
        .map(rank)
        .collect();
    let mut out = Vec::with_capacity(drafts.len());
    while let Some((_, _, _, index)) = free.pop_first() {
        out.push(index);
        for follower in &followers[index] {
            open[*follower] -= 1;
            if open[*follower] == 0 {
                free.insert(rank(*follower));
            }
        }
    }
    if out.len() == drafts.len() {
        Ok(out)
    } else {
        Err(cycle(drafts, edges, &open))
    }
}

/// Walks backwards among what could not be sorted until an object comes twice.
fn cycle(drafts: &[Draft<'_>], edges: &Edges, open: &[usize]) -> Cycle {
    let stuck = |index: &usize| open[*index] > 0;
    let Some(start) = (0..drafts.len()).find(stuck) else {
        return Cycle { path: Vec::new() };
    };
    let mut walk = vec![start];
    loop {
        let here = walk[walk.len() - 1];
        let Some(next) = edges[here].keys().copied().find(stuck) else {
            break;
        };
        if let Some(at) = walk.iter().position(|index| *index == next) {
            walk.drain(..at);
            walk.push(next);
            break;
        }
        walk.push(next);
    }
    Cycle {
        path: walk
            .into_iter()
            .map(|index| drafts[index].key.clone())
            .collect(),
    }
}
