//! `kubemate approve`: see what waits, say yes to exactly one change, in the name of whoever asks, and see
//! whose yes counts. The cluster sees to it that nobody does so in another one's name.

use jiff::Timestamp;
use kube::ResourceExt as _;

use super::session::{self, ClusterArguments};
use super::{Exit, Failure, output, syncs};
use crate::adapters::approval::{self, Approval, ApprovalSpec, Waiting};
use crate::adapters::sync::{self, Sync};
use crate::apply::cluster::Cluster as _;
use crate::report::diagnostics::escape;
use crate::values::duration::Duration;

/// Most characters of a ticket.
const MAX_TICKET: usize = 100;
/// Most characters of a reason.
const MAX_REASON: usize = 300;
/// Longest time that an approval may be given for.
const LONGEST: std::time::Duration = std::time::Duration::from_hours(30 * 24);
/// Approvals that nothing waits for are kept for so long.
const KEPT: std::time::Duration = std::time::Duration::from_hours(30 * 24);

/// Show what waits for people's approval, or approve one change in the cluster.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The Sync that the change waits in.
    #[arg(value_name = "SYNC", required_unless_present_any = ["list", "clean"])]
    name: Option<String>,
    /// Approve the change of this digest.
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["list", "clean"])]
    digest: Option<String>,
    /// The ticket that says why.
    #[arg(long, value_name = "TICKET", requires = "digest", conflicts_with_all = ["list", "clean"])]
    ticket: Option<String>,
    /// Let the change through this freeze, as its `override` allows; that needs a reason.
    #[arg(
        long,
        value_name = "FREEZE",
        requires_all = ["digest", "reason"],
        conflicts_with_all = ["list", "clean"]
    )]
    freeze: Option<String>,
    /// Why, in a sentence.
    #[arg(long, value_name = "REASON", requires = "digest", conflicts_with_all = ["list", "clean"])]
    reason: Option<String>,
    /// For how long, as in `2h`; without it for as long as the rule says.
    #[arg(long = "for", value_name = "TIME", requires = "digest", conflicts_with_all = ["list", "clean"])]
    time: Option<Duration>,
    /// Show who approved what, what counts, and why the rest does not.
    #[arg(long)]
    list: bool,
    /// Delete Approvals that have ended, or that are older than 30 days and nothing waits for.
    #[arg(long, conflicts_with = "list")]
    clean: bool,
    #[command(flatten)]
    to: ClusterArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    session::runtime()?.block_on(async {
        let cluster = arguments.to.connect().await?;
        let (client, now) = (cluster.client()?, cluster.now());
        let all = sync::list(client.clone()).await;
        let all = all.map_err(|error| failed(&error))?;
        if arguments.list || arguments.clean {
            let given = approval::list(client.clone()).await;
            let mut given = given.map_err(|error| failed(&error))?;
            if let Some(name) = &arguments.name {
                let sync = syncs::named(&all, name)?.name_any();
                given.retain(|approval| approval.spec.sync == sync);
            }
            given.sort_by_key(Approval::made);
            return match arguments.clean {
                true => clean(client, &given, (&all, now)).await,
                false => Ok(list(&given, &all)),
            };
        }
        let name = arguments.name.as_deref().unwrap_or_default();
        let sync = syncs::named(&all, name)?;
        let open = open(sync)?;
        match arguments.digest.as_deref() {
            None => Ok(shown(&open, &sync.name_any())),
            Some(digest) => {
                let meant = (digest, arguments.freeze.as_deref());
                let waiting = chosen(&open, meant, &sync.name_any())?;
                approve(client, (sync, waiting), arguments, now).await
            }
        }
    })
}

/// The changes that wait, of which there is one at least.
fn open(sync: &Sync) -> Result<Vec<&Waiting>, Failure> {
    let all = sync.status.iter().flat_map(|status| &status.waiting);
    let open: Vec<&Waiting> = all.filter(|waiting| waiting.missing > 0).collect();
    let name = sync.name_any();
    match open.is_empty() {
        true => Err(Failure::Declined {
            message: format!("nothing waits for approval in `{name}`"),
            help: format!("`kubemate why {name}` says how it stands"),
        }),
        false => Ok(open),
    }
}

/// What waits, and how it is approved.
fn shown(open: &[&Waiting], name: &str) -> Exit {
    for waiting in open {
        show(waiting);
    }
    output::note(&escape::line(&format!(
        "nothing was approved; `kubemate approve {name} --digest DIGEST` approves one change"
    )));
    Exit::Ok
}

/// The change that is meant. Where pull requests change the same, the first of them goes first.
fn chosen<'s>(
    open: &[&'s Waiting],
    (digest, freeze): (&str, Option<&str>),
    name: &str,
) -> Result<&'s Waiting, Failure> {
    let is_meant =
        |waiting: &&&Waiting| waiting.intent == digest && waiting.freeze.as_deref() == freeze;
    let meant = open.iter().find(is_meant);
    meant.copied().ok_or_else(|| Failure::Declined {
        message: match freeze {
            Some(_) => "no change of this digest waits to be let through this freeze".to_owned(),
            None => "no change of this digest waits for approval".to_owned(),
        },
        help: format!("`kubemate approve {name}` says what waits"),
    })
}

async fn approve(
    client: kube::Client,
    (sync, waiting): (&Sync, &Waiting),
    arguments: &Arguments,
    now: Timestamp,
) -> Result<Exit, Failure> {
    let until = until(arguments.time.as_ref(), now)?;
    let (ticket, reason) = told(arguments, waiting)?;
    let caller = approval::caller(client.clone()).await;
    let (user, mut groups) = caller.map_err(|error| failed(&error))?;
    // Only those that the rule names are anybody's business.
    groups.retain(|group| waiting.groups.contains(group));
    groups.truncate(approval::MAX_GROUPS);
    show(waiting);
    let spec = ApprovalSpec {
        sync: sync.name_any(),
        pull: waiting.pull.clone(),
        commit: waiting.commit.clone(),
        intent: waiting.intent.clone(),
        user: user.clone(),
        groups,
        freeze: waiting.freeze.clone(),
        ticket,
        reason,
        until,
    };
    let made = approval::approve(client, spec).await;
    let made = made.map_err(|error| failed(&error))?;
    output::note(&escape::line(&format!(
        "approved by {user} ({made}); `kubemate approve --list` says whether it counts"
    )));
    Ok(Exit::Ok)
}

/// The ticket and the reason, as far as they are asked for.
fn told(
    arguments: &Arguments,
    waiting: &Waiting,
) -> Result<(Option<String>, Option<String>), Failure> {
    let (ticket, reason) = (arguments.ticket.clone(), arguments.reason.clone());
    let odd = |text: &String, most: usize| {
        let count = text.chars().count();
        text.trim().is_empty() || count > most || text.contains(char::is_control)
    };
    let missing = ticket.is_none() && waiting.ticket;
    if missing || ticket.iter().any(|text| odd(text, MAX_TICKET)) {
        let what = match missing {
            true => "this freeze is got through with a ticket only",
            false => "this is no ticket",
        };
        return Err(Failure::Usage {
            message: what.to_owned(),
            help: "write its number, as in --ticket CHG-1".to_owned(),
        });
    }
    if reason.iter().any(|text| odd(text, MAX_REASON)) {
        return Err(Failure::Usage {
            message: "this is no reason".to_owned(),
            help: "write one sentence, as in --reason \"the disk is full\"".to_owned(),
        });
    }
    Ok((ticket, reason))
}

/// When an approval for some time ends.
fn until(time: Option<&Duration>, now: Timestamp) -> Result<Option<String>, Failure> {
    let Some(time) = time.map(|time| time.to_std()) else {
        return Ok(None);
    };
    if time > LONGEST {
        return Err(Failure::Usage {
            message: "an approval ends after 30 days at most".to_owned(),
            help: "write a shorter time, as in --for 2h".to_owned(),
        });
    }
    let until = now.checked_add(time).unwrap_or(now);
    Ok(Some(until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

fn show(waiting: &Waiting) {
    let Waiting {
        set,
        intent,
        commit,
        pull,
        change,
        rule,
        ..
    } = waiting;
    let short = commit.get(..12).unwrap_or(commit);
    for line in [
        format!("{set}: #{pull} at {short}"),
        format!("  digest {intent}"),
        format!("  {change}"),
        format!("  {rule}"),
    ] {
        output::print(&format!("{}\n", escape::line(&line)));
    }
}

fn list(given: &[Approval], syncs: &[Sync]) -> Exit {
    for approval in given {
        output::print(&format!("{}\n", escape::line(&line(approval, syncs))));
    }
    if given.is_empty() {
        output::note("nobody approved anything in the cluster");
    }
    Exit::Ok
}

/// What an approval is about, if that still waits.
fn about<'s>(approval: &Approval, syncs: &'s [Sync]) -> Option<&'s Waiting> {
    let spec = &approval.spec;
    let mut of = syncs.iter().filter(|sync| sync.name_any() == spec.sync);
    let status = of.next()?.status.as_ref()?;
    let mut waiting = status.waiting.iter();
    waiting.find(|waiting| {
        let same = waiting.intent == spec.intent && waiting.pull == spec.pull;
        same && waiting.freeze == spec.freeze
    })
}

/// Who approved what, and what became of it.
fn line(approval: &Approval, syncs: &[Sync]) -> String {
    let spec = &approval.spec;
    let made = approval.made().map(|at| at.to_string());
    let made = made.unwrap_or_default();
    let ticket = spec.ticket.as_ref().map(|ticket| format!(", {ticket}"));
    let (what, became) = match about(approval, syncs) {
        None => (&spec.intent, "nothing waits for it".to_owned()),
        Some(waiting) => (&waiting.set, became(&spec.user, waiting)),
    };
    format!(
        "{} {what}: {} at {made}{}: {became}",
        spec.sync,
        spec.user,
        ticket.unwrap_or_default()
    )
}

fn became(user: &str, waiting: &Waiting) -> String {
    let start = format!("{user} ");
    let why = waiting.refused.iter().find_map(|r| r.strip_prefix(&start));
    match (waiting.by.iter().any(|by| by == user), why) {
        (true, _) if waiting.missing > 0 => format!("counts, and {} more must", waiting.missing),
        (true, _) => "counts".to_owned(),
        (false, Some(why)) => format!("does not count: {user} {why}"),
        (false, None) => "not looked at yet, or one of several of the same person".to_owned(),
    }
}

/// Whether an approval is of no use any more.
fn is_over(approval: &Approval, syncs: &[Sync], now: Timestamp) -> bool {
    let until = approval.spec.until.as_ref();
    let ended = until.is_some_and(|end| end.parse::<Timestamp>().is_ok_and(|end| end <= now));
    let kept = now.checked_sub(KEPT).ok();
    let old = approval
        .made()
        .zip(kept)
        .is_some_and(|(made, kept)| made < kept);
    ended || (old && about(approval, syncs).is_none())
}

async fn clean(
    client: kube::Client,
    given: &[Approval],
    (syncs, now): (&[Sync], Timestamp),
) -> Result<Exit, Failure> {
    let mut count = 0;
    for approval in given.iter().filter(|one| is_over(one, syncs, now)) {
        let deleted = approval::delete(client.clone(), approval).await;
        count += usize::from(deleted.map_err(|error| failed(&error))?);
    }
    output::note(&format!(
        "{count} of {} Approvals were deleted",
        given.len()
    ));
    Ok(Exit::Ok)
}

fn failed(error: &kube::Error) -> Failure {
    Failure::Syncs {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sync(waiting: &Value) -> Sync {
        serde_json::from_value(json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync", "metadata": {"name": "prod"},
            "spec": {"repository": "https://git.example/p.git", "environment": "prod", "cluster": "hq"},
            "status": {"waiting": waiting},
        }))
        .unwrap()
    }

    fn waits(intent: &str, missing: u32) -> Value {
        json!({"set": "hq/shop/prod", "intent": intent, "commit": "c", "pull": "7", "missing": missing,
            "by": ["cid"], "refused": ["ann opened it"]})
    }

    fn approval(user: &str, intent: &str, more: &Value) -> Approval {
        let mut spec =
            json!({"sync": "prod", "pull": "7", "commit": "c", "intent": intent, "user": user});
        spec.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Approval",
            "metadata": {"name": "a", "creationTimestamp": "2026-05-04T10:00:00Z"}, "spec": spec,
        }))
        .unwrap()
    }

    #[test]
    fn exactly_one_change_is_meant() {
        for none in [json!([]), json!([waits("i0", 0)])] {
            let none = sync(&none);
            let Err(Failure::Declined { message, .. }) = open(&none) else {
                panic!("something waits");
            };
            assert!(message.contains("nothing waits"), "{message}");
        }
        let some = sync(&json!([waits("i0", 0), waits("i1", 1), waits("i2", 1)]));
        let some = open(&some).unwrap();
        assert_eq!(some.len(), 2);
        let meant = |digest: &str, freeze: Option<&str>| {
            let found = chosen(&some, (digest, freeze), "prod").ok();
            found.map(|waiting| (waiting.intent.clone(), waiting.freeze.clone()))
        };
        assert_eq!(meant("i2", None), Some(("i2".to_owned(), None)));
        for other in ["i0", "i", ""] {
            assert_eq!(meant(other, None), None, "{other}");
        }
        assert_eq!(meant("i2", Some("year-end")), None);
        let mut through = waits("i2", 1);
        through["freeze"] = json!("year-end");
        let both = sync(&json!([waits("i2", 1), through]));
        let both = open(&both).unwrap();
        let found = chosen(&both, ("i2", Some("year-end")), "prod").unwrap();
        assert_eq!(found.freeze.as_deref(), Some("year-end"));
        let plain = chosen(&both, ("i2", None), "prod").unwrap();
        assert_eq!(plain.freeze, None);
    }

    #[test]
    fn each_approval_says_what_became_of_it() {
        let syncs = [sync(&json!([waits("i1", 1)]))];
        for (user, intent, became) in [
            ("cid", "i1", "counts, and 1 more must"),
            ("ann", "i1", "does not count: ann opened it"),
            ("dan", "i1", "not looked at yet"),
            ("cid", "i2", "nothing waits for it"),
        ] {
            let line = line(&approval(user, intent, &json!({})), &syncs);
            assert!(line.contains(became), "{line}");
        }
    }

    #[test]
    fn only_what_is_of_no_use_is_deleted() {
        let syncs = [sync(&json!([waits("i1", 1)]))];
        let over = |intent: &str, more: Value, now: &str| {
            is_over(
                &approval("cid", intent, &more),
                &syncs,
                now.parse().unwrap(),
            )
        };
        let (soon, late) = ("2026-05-05T10:00:00Z", "2026-07-04T10:00:00Z");
        assert!(!over("i1", json!({}), late), "it waits");
        assert!(over("i2", json!({}), late) && !over("i2", json!({}), soon));
        assert!(over("i1", json!({"until": "2026-05-05T09:00:00Z"}), soon));
        assert!(!over("i1", json!({"until": "2026-05-05T11:00:00Z"}), soon));
    }
}
