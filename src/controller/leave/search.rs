//! One search for how the commits between two came in: with which pull requests, who stands behind those,
//! what they announced, and whether they account for all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::WAY_OUT;
use super::judge::{Brought, Found, Part};
use super::shown::{Offer, Shown, announced, applied};
use crate::adapters::git::Merge;
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::sync::Sync;
use crate::apply::cluster::Cluster as _;
use crate::controller::cycle::{Tools, fresh};
use crate::controller::desired::Desired;
use crate::controller::forges::{Merged, Origin};
use crate::model::job::Entitled;
use crate::object::SetId;
use crate::plan::consent;
use crate::plan::season::Exception;
use crate::source::repository::{CommitId, Repository as _};

/// Commits since the one applied last that are looked into.
const MAX_COMMITS: usize = 50;
/// What is said where the start of a pull request is not known.
const NO_BASE: &str = "the forge does not tell from where it went its own way";

/// What a search works with.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) tools: &'a Tools,
    pub(super) sync: &'a Sync,
    pub(super) wanted: &'a Desired,
}

/// Commits one after the other that came with one pull request.
struct Run {
    merged: Merged,
    /// What the first of them came on top of.
    before: CommitId,
    last: CommitId,
}

/// How one or more commits came in.
enum Way {
    Unknown(String),
    Pull(Box<Run>),
}

impl Search<'_> {
    /// How all changes between two commits came in; why it cannot be told.
    pub(super) async fn between(
        self,
        from: &str,
        to: &str,
        before: Option<Arc<Desired>>,
        shown: &mut Shown,
    ) -> Result<Found, String> {
        let odd = || "the status names no commit".to_owned();
        let from = CommitId::new(from).ok_or_else(odd)?;
        let to = CommitId::new(to).ok_or_else(odd)?;
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let remote = self.tools.sources.of(&self.sync.spec);
        let remote = remote.map_err(|error| said(&error))?;
        let before = match before {
            Some(before) => before,
            None => match self.render(&remote, &from).await {
                Ok(before) => Arc::new(before),
                // History was rewritten, and the commit is nowhere: what it asked for is written down.
                Err(_) if self.governed() == Some(false) => return Ok(Found::default()),
                Err(why) => return Err(why),
            },
        };
        let spec = &self.sync.spec;
        let rule = before.rule(spec).cloned();
        let exceptions = self.exceptions(&before);
        if rule.is_none() && exceptions.is_empty() {
            return Ok(Found::default());
        }
        let agreeing = self.agreeing(&before);
        let mut groups = rule.as_ref().map(consent::groups).unwrap_or_default();
        groups.extend(
            agreeing
                .values()
                .flat_map(|all| consent::member_groups(all)),
        );
        let parts = self.parts((&from, &to), &remote, &groups, shown).await;
        // Whether the rule stays as it is, is known all the same.
        let parts = parts.unwrap_or_else(|why| vec![Part::Unknown(format!("{why}; {WAY_OUT}"))]);
        let known = parts.iter().filter_map(|part| match part {
            Part::Pull(brought) => brought.offer.as_ref().ok(),
            Part::Unknown(_) => None,
        });
        let applied = applied(&before.sets, known.flat_map(|offer| offer.intents.iter()));
        Ok(Found {
            turns: self.wanted.rule(spec) != rule.as_ref(),
            rule,
            exceptions,
            agreeing,
            parts,
            applied,
        })
    }

    /// Who alone may agree to changes of sets, by the rules of the commit before.
    fn agreeing(self, before: &Desired) -> BTreeMap<SetId, Vec<Entitled>> {
        let sets = self.wanted.sets.iter().map(|rendered| &rendered.set);
        let agreeing = sets.filter_map(|set| {
            let members = before.rights.agreeing([set]).pop()?;
            Some((set.clone(), members))
        });
        agreeing.collect()
    }

    /// What lets changes through the freezes that sets are in, by the rules of the commit before.
    fn exceptions(self, before: &Desired) -> BTreeMap<SetId, Exception> {
        let now = self.tools.cluster.now();
        let sets = self.wanted.sets.iter().map(|rendered| &rendered.set);
        let excepted =
            sets.filter_map(|set| Some((set.clone(), before.rights.exception(set, now)?)));
        excepted.collect()
    }

    /// How all commits between two came in; why it cannot be told.
    async fn parts(
        self,
        (from, to): (&CommitId, &CommitId),
        remote: &RemoteRepository,
        groups: &BTreeSet<String>,
        shown: &mut Shown,
    ) -> Result<Vec<Part>, String> {
        let steps = steps(remote, from, to).await?;
        let mut parts = Vec::new();
        for way in self.ways(steps, groups).await {
            parts.push(match way {
                Way::Unknown(why) => Part::Unknown(why),
                Way::Pull(run) => Part::Pull(Box::new(self.brought(*run, remote, shown).await)),
            });
        }
        Ok(parts)
    }

    /// How each of some commits came in, those of one pull request together.
    async fn ways(self, steps: Vec<(CommitId, CommitId)>, groups: &BTreeSet<String>) -> Vec<Way> {
        let (mut ways, mut known) = (Vec::new(), BTreeSet::new());
        for (commit, before) in steps {
            let merged = match self.origin((&commit, &before), groups).await {
                Ok(merged) => merged,
                Err(why) => {
                    ways.push(Way::Unknown(why));
                    continue;
                }
            };
            let number = merged.pull.number;
            match ways.last_mut() {
                Some(Way::Pull(run)) if run.merged.pull.number == number => run.last = commit,
                _ if known.insert(number) => {
                    let last = commit;
                    ways.push(Way::Pull(Box::new(Run {
                        merged,
                        before,
                        last,
                    })));
                }
                _ => {
                    let commit = commit.short();
                    let why =
                        format!("#{number}: {commit} came after commits that are not its own");
                    ways.push(Way::Unknown(why));
                }
            }
        }
        ways
    }

    /// The pull request that a commit came with into the tracked branch; why it is not known.
    async fn origin(
        self,
        of: (&CommitId, &CommitId),
        groups: &BTreeSet<String>,
    ) -> Result<Merged, String> {
        let (tools, spec) = (self.tools, &self.sync.spec);
        let reference = &spec.reference;
        let branch = reference.strip_prefix("refs/heads/").ok_or_else(|| {
            format!("`{reference}` is no branch, so no pull request goes there; track a branch")
        })?;
        let origin = tools
            .forges
            .origin((spec.repository.as_str(), branch), of, groups);
        match origin.await {
            Ok(Some(Origin::Merged(merged))) => Ok(*merged),
            Ok(Some(Origin::Direct)) => Err(format!(
                "{} came without a pull request into `{branch}`",
                of.0.short()
            )),
            Ok(None) => Err("no forge is known here that could tell who agreed".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What a pull request announced, and whether that is all that came with it.
    async fn brought(self, run: Run, tracked: &RemoteRepository, shown: &mut Shown) -> Brought {
        let offer = self.announced(&run.merged, tracked, shown).await;
        let more = match &offer {
            Ok(_) => self.accounts(&run, tracked).await.err(),
            Err(_) => None,
        };
        Brought {
            merged: run.merged,
            offer,
            more,
        }
    }

    /// Whether a pull request accounts for all that came in with it; why it does not. A merge can hold
    /// more than its two sides, and nobody was shown that.
    async fn accounts(self, run: &Run, tracked: &RemoteRepository) -> Result<(), String> {
        let pull = &run.merged;
        let base = pull.base.clone().ok_or(NO_BASE)?;
        let offered = self.offered(pull)?;
        let merge = Merge {
            commit: run.last.clone(),
            before: run.before.clone(),
            base,
            head: pull.pull.head.clone(),
        };
        match tracked.is_plain(merge, &offered).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!(
                "{} is not what Git makes of {} and {}: it holds changes that nobody was shown",
                run.last.short(),
                run.before.short(),
                pull.pull.head.short()
            )),
            Err(error) => Err(error.to_string()),
        }
    }

    fn offered(self, merged: &Merged) -> Result<RemoteRepository, String> {
        let (sources, spec) = (&self.tools.sources, &self.sync.spec);
        let offered = sources.of_pull(spec, &merged.reference);
        offered.map_err(|error| error.to_string())
    }

    /// What a pull request announced, set by set.
    async fn announced(
        self,
        merged: &Merged,
        tracked: &RemoteRepository,
        shown: &mut Shown,
    ) -> Result<Arc<Offer>, String> {
        let base = merged.base.as_ref().ok_or(NO_BASE)?;
        let offered = self.offered(merged)?;
        let tip = offered.head().await.map_err(|error| error.to_string())?;
        if tip != merged.pull.head {
            return Err("its commits are not those that were agreed to any more".to_owned());
        }
        if let Some(known) = shown.recall(base, &tip) {
            return Ok(known);
        }
        let old = self.render(tracked, base).await?;
        let new = self.render(&offered, &tip).await?;
        let by = (self.wanted, &self.sync.spec);
        let offer = Arc::new(announced(by, (base, &old), (&tip, &new)));
        shown.note(base, &tip, &offer);
        Ok(offer)
    }

    /// Whether the commit that was applied last asked for approvals, as far as that is known.
    fn governed(self) -> Option<bool> {
        self.sync.status.as_ref()?.governed
    }

    async fn render(self, remote: &RemoteRepository, commit: &CommitId) -> Result<Desired, String> {
        let rendered = fresh(self.tools, self.sync, remote, commit).await;
        rendered.map_err(|trouble| format!("{}: {}", commit.short(), trouble.message))
    }
}

/// The commits after one up to another, each with the one that it came on top of.
async fn steps(
    remote: &RemoteRepository,
    from: &CommitId,
    to: &CommitId,
) -> Result<Vec<(CommitId, CommitId)>, String> {
    let steps = remote.since(from, to, MAX_COMMITS).await;
    steps.map_err(|error| error.to_string())?.ok_or_else(|| {
        let (from, to) = (from.short(), to.short());
        format!("{from} is not among the {MAX_COMMITS} commits before {to}, so it is not known what was agreed to")
    })
}
