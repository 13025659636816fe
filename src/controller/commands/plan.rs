//! The plan of a pull request that somebody asks for: its head against the commit from which it went its
//! own way, by the rules of what was applied last. Two commits are compared and no cluster is asked, so
//! that nothing of an unmerged commit ever reaches one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::reading::{Scene, Side};
use crate::adapters::forge::people;
use crate::adapters::git::remote::RemoteRepository;
use crate::apply::cluster::Cluster as _;
use crate::dsl::diagnostic::{Diagnostics, Span};
use crate::kinds::approval::Approval;
use crate::model::rules;
use crate::object::{Rendered, SetId};
use crate::plan::consent::{self, Consent, People};
use crate::plan::display::Place;
use crate::plan::intent::{self, Intent};
use crate::plan::{Plan, Policy};
use crate::report::forge::comment::{self, Comment, Judged, Report};
use crate::report::forge::{Forge as _, Instance};
use crate::source::RepoPath;
use crate::source::repository::{CommitId, Repository as _};

/// Where the rest of a plan is found that does not fit.
const POINTER: &str = "The whole plan is what `kubemate plan` prints for this commit.";

/// What came out.
#[derive(Default)]
struct Judgement {
    diagnostics: Diagnostics,
    plans: Vec<Plan>,
    intents: Vec<Intent>,
    consents: Vec<Consent>,
    incomparable: Option<String>,
    remarks: Vec<String>,
}

/// The comment about a pull request; the error says why there can be none.
pub(super) async fn plan(scene: &Scene<'_>, instance: &Instance) -> Result<Comment, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let spec = scene.spec().ok_or("no Sync follows its branch")?;
    let tracked = scene.tools.sources.of(spec).map_err(|e| said(&e))?;
    let before = tracked.head().await.map_err(|e| said(&e))?;
    let base = scene.desk.forge.fork_point(scene.pull, &before).await;
    let base = base.map_err(|e| said(&e))?;
    let base = base.ok_or("the forge does not tell from where it went its own way")?;
    let head = scene.head().await?;
    let old = Arc::new(scene.side(&tracked, &base).await?);
    let ruling = ruling(scene, &tracked, (&base, &old)).await?;
    let judgement = judge(scene, &head, &old, &ruling).await?;
    let prefix = match spec.path.as_str() {
        "" => String::new(),
        path => format!("{}/", path.trim_end_matches('/')),
    };
    let places = |span: &Span| {
        let place = Place::of(&head.tree, span)?;
        let path = format!("{prefix}{}", place.path);
        Some(Place { path, ..place })
    };
    let judged = match &judgement.incomparable {
        _ if judgement.diagnostics.has_errors() => Judged::Invalid,
        Some(why) => Judged::Incomparable(why),
        None => Judged::Planned(&judgement.plans),
    };
    let report = Report {
        instance,
        head: &scene.pull.head,
        base: Some(&base),
        judged,
        intents: &judgement.intents,
        consents: &judgement.consents,
        diagnostics: &judgement.diagnostics,
        remarks: &judgement.remarks,
        link: None,
        places: &places,
    };
    let budget = scene.desk.forge.caps().comment_bytes;
    Ok(comment::comment_beside(&report, budget, POINTER))
}

/// What each Sync applied last, whose rules hold for it; the base where nothing was applied yet.
struct Ruling {
    applied: BTreeMap<String, Arc<Side>>,
    base: Arc<Side>,
}

impl Ruling {
    /// The rules for one Sync.
    fn of(&self, applied: Option<&str>) -> &Side {
        let found = applied.and_then(|commit| self.applied.get(commit));
        found.unwrap_or(&self.base)
    }

    fn all(&self) -> impl Iterator<Item = &Side> {
        let base = self.applied.is_empty().then_some(&self.base);
        self.applied.values().chain(base).map(|side| &**side)
    }
}

/// Reads the revisions whose rules hold. One that cannot be read is no leave to go without rules.
async fn ruling(
    scene: &Scene<'_>,
    tracked: &RemoteRepository,
    (base, old): (&CommitId, &Arc<Side>),
) -> Result<Ruling, String> {
    let mut applied = BTreeMap::new();
    for sync in scene.syncs {
        let last = sync.status.as_ref().and_then(|s| s.last_applied.clone());
        let Some(last) = last.filter(|last| !applied.contains_key(last)) else {
            continue;
        };
        let side = match CommitId::new(&last) {
            Some(commit) if commit == *base => Arc::clone(old),
            Some(commit) => Arc::new(scene.side(tracked, &commit).await?),
            None => return Err("the status of a Sync names no commit".to_owned()),
        };
        if side.project.is_none() {
            return Err("the rules of what was applied last cannot be read".to_owned());
        }
        applied.insert(last, side);
    }
    Ok(Ruling {
        applied,
        base: Arc::clone(old),
    })
}

async fn judge(
    scene: &Scene<'_>,
    head: &Side,
    old: &Side,
    ruling: &Ruling,
) -> Result<Judgement, String> {
    let mut out = Judgement {
        diagnostics: own_rules(head, old, ruling),
        ..Judgement::default()
    };
    out.diagnostics.append(head.diagnostics.clone());
    out.diagnostics = std::mem::take(&mut out.diagnostics).finish();
    out.remarks.push(format!(
        "{} asked for this. Two commits were compared, no cluster was asked.",
        scene.user
    ));
    if scene.left > 0 {
        out.remarks.push(format!(
            "{} more Syncs that follow this branch are not in this plan.",
            scene.left
        ));
    }
    if out.diagnostics.has_errors() {
        return Ok(out);
    }
    if old.diagnostics.has_errors() && !old.is_empty() {
        out.incomparable = Some("the commit from which it went its own way is not valid".into());
        return Ok(out);
    }
    compare(scene, (head, old), ruling, &mut out)?;
    agree(scene, (head, ruling), &mut out).await;
    Ok(out)
}

/// Errors about files that would profit from rules of their own.
fn own_rules(head: &Side, old: &Side, ruling: &Ruling) -> Diagnostics {
    let mut out = Diagnostics::default();
    let Some(new) = &head.project else { return out };
    let is_touched = |path: &RepoPath| {
        let find = |side: &Side| side.tree.find(path.as_str()).map(|(_, file)| file.clone());
        find(head) != find(old)
    };
    let paths = head.tree.files().iter().map(|file| file.path.clone());
    let mut touched: Option<BTreeSet<RepoPath>> = None;
    for found in ruling.all().filter_map(|side| side.project.as_ref()) {
        if rules::altered(&found.project, &new.project) {
            let all = || paths.clone().filter(is_touched).collect();
            let touched = touched.get_or_insert_with(all);
            out.append(rules::own_rules(
                &found.project,
                &new.project,
                &head.tree,
                touched,
            ));
        }
    }
    out
}

/// What changes, set by set.
fn compare(
    scene: &Scene<'_>,
    (head, old): (&Side, &Side),
    ruling: &Ruling,
    out: &mut Judgement,
) -> Result<(), String> {
    let now = scene.tools.cluster.now();
    for (set, wanted) in &head.sets {
        let Some(spec) = scene.keeper(set) else {
            continue;
        };
        let rules = ruling.of(applied(scene, set).as_deref());
        let rights = match rules.has_target(set) {
            true => &rules.rights,
            // About a target that is new, the rules in force say nothing.
            false => &head.rights,
        };
        let policy = Policy {
            prune: spec.prune,
            ..rights.policy(set)
        };
        let none = Rendered {
            set: set.clone(),
            objects: BTreeMap::new(),
        };
        let before = old.sets.get(set).unwrap_or(&none);
        let made = intent::intent_at(before, wanted, &policy, now);
        let (announced, plan) = made.map_err(|error| error.to_string())?;
        if !plan.is_empty() {
            out.intents.push(announced);
            let season = rules.rights.season(set, now);
            if !season.is_open() {
                out.remarks.push(format!("{set}: {season}."));
            }
        }
        out.plans.push(plan);
    }
    let gone = old.sets.keys().filter(|set| !head.sets.contains_key(set));
    for set in gone.filter(|set| scene.keeper(set).is_some()) {
        let left = format!("{set} is no longer wanted: its objects stay until they are deleted.");
        out.remarks.push(left);
    }
    Ok(())
}

/// The commit that the keeper of a set applied last.
fn applied(scene: &Scene<'_>, set: &SetId) -> Option<String> {
    let keeper = scene.keeper(set)?;
    let mut syncs = scene.syncs.iter();
    let sync = syncs.find(|sync| sync.spec == *keeper)?;
    sync.status.as_ref()?.last_applied.clone()
}

/// Who agreed, where the rules in force ask for it; that a rule changes makes no plan, and needs the leave
/// that it asks for. What cannot be found out is said and counts as no.
async fn agree(scene: &Scene<'_>, (head, ruling): (&Side, &Ruling), out: &mut Judgement) {
    let mut asked: BTreeMap<String, &Approval> = BTreeMap::new();
    for plan in &out.plans {
        let rules = ruling.of(applied(scene, &plan.set).as_deref());
        let rule = rules.rights.approval(&plan.set);
        let stays = rule == head.rights.approval(&plan.set);
        if let Some(rule) = rule.filter(|_| !stays || !plan.is_empty()) {
            asked.insert(rule.name.to_string(), rule);
        }
    }
    if asked.is_empty() {
        return;
    }
    let groups = asked.values().flat_map(|rule| consent::groups(rule));
    let mut groups: BTreeSet<String> = groups.collect();
    let mut only = Vec::new();
    for plan in out.plans.iter().filter(|plan| !plan.is_empty()) {
        let rules = ruling.of(applied(scene, &plan.set).as_deref());
        only.extend(rules.rights.agreeing([&plan.set]));
    }
    groups.extend(only.iter().flat_map(|all| consent::member_groups(all)));
    let people = match people(&scene.desk.forge, scene.pull, &groups).await {
        Ok(people) => people,
        Err(error) => {
            let why = format!("It is not known who agreed: {error}.");
            out.remarks.push(why);
            People::default()
        }
    };
    let people = People { only, ..people };
    let now = scene.tools.cluster.now();
    let rules = asked.values();
    out.consents = rules.map(|rule| Consent::of(rule, &people, now)).collect();
}
