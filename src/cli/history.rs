//! `kubemate history`: which commits changed what one resource renders, and what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use super::propose::Named;
use super::session::Session;
use super::{Exit, Failure, audit, load, output};
use crate::adapters::git::{Commit, LocalRepository};
use crate::object::{Desired, ObjectKey, ResourceId};
use crate::plan::digest;
use crate::report::audit::{Event, Line};
use crate::report::diagnostics::escape;
use crate::source::repository::CommitId;

/// Most commits that are looked at.
const MAX_COMMITS: usize = 1_000;

/// Show which commits changed what is rendered, of one resource or of all.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The resource: app/checkout, tenant/payments, or app/payments/checkout for that of one tenant.
    #[arg(value_name = "KIND/NAME")]
    resource: Option<Named>,
    /// Directory of the project.
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// This environment only.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// The newest commit to look at: a full ref name, HEAD or a commit id.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    rev: String,
    /// How many commits that changed something to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// An audit trail to take attempts from; may be repeated.
    #[arg(long, value_name = "TRAIL")]
    audit: Vec<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object for each commit.
    Json,
}

/// One commit that changed something.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    commit: CommitId,
    at: String,
    author: String,
    subject: String,
    changes: Vec<Change>,
    /// Why it is not known what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'static str>,
    /// What was done about it.
    attempts: Vec<String>,
}

/// What a commit changed of one resource in one environment.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Change {
    resource: String,
    environment: String,
    created: usize,
    changed: usize,
    deleted: usize,
    /// The version before and after, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<[Option<String>; 2]>,
}

/// What resources render: digests by cluster and object, and the version they say.
type Objects =
    BTreeMap<(ResourceId, String), BTreeMap<(String, ObjectKey), (String, Option<String>)>>;

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let repository = LocalRepository::discover(&arguments.directory)?;
    let newest = repository.resolve(&arguments.rev)?;
    let lines = audit::lines_of(&arguments.audit)?;
    let log = repository.log(&newest, MAX_COMMITS)?;
    let mut shown = 0;
    // What the older side of one commit renders is the newer side of the next.
    let mut known: Option<(CommitId, Option<Objects>)> = None;
    for commit in &log {
        if shown == arguments.limit {
            break;
        }
        if !touches(&repository, commit) {
            continue;
        }
        let now = match known.take() {
            Some((id, objects)) if id == commit.id => objects,
            _ => objects(&repository, &commit.id, arguments)?,
        };
        let earlier = match &commit.parent {
            None => Some(Objects::new()),
            Some(parent) => {
                let earlier = objects(&repository, parent, arguments)?;
                known = Some((parent.clone(), earlier.clone()));
                earlier
            }
        };
        let told = told(commit, (earlier.as_ref(), now.as_ref()), &lines, arguments);
        if !told.changes.is_empty() || told.unknown.is_some() {
            shown += 1;
            output::print(&match arguments.output {
                Format::Text => text(&told),
                Format::Json => serde_json::to_string(&told).unwrap_or_default() + "\n",
            });
        }
    }
    if shown == 0 {
        output::note("no commit changed it");
    } else if log.len() == MAX_COMMITS {
        output::note(&format!(
            "only the last {MAX_COMMITS} commits were looked at"
        ));
    }
    Ok(Exit::Ok)
}

/// Whether a commit changed files of the project at all.
fn touches(repository: &LocalRepository, commit: &Commit) -> bool {
    let Some(parent) = &commit.parent else {
        return true;
    };
    // What cannot be compared, as at the border of a shallow clone, is looked at.
    let Ok(changed) = repository.changed_paths(parent, &commit.id) else {
        return true;
    };
    let root = repository.root();
    let below = |path: &str| root.is_empty() || path.starts_with(&format!("{root}/"));
    changed.unnameable > 0 || changed.paths.iter().any(|path| below(path.as_str()))
}

/// What a commit renders of what is asked for; `None` if it is not valid.
fn objects(
    repository: &LocalRepository,
    commit: &CommitId,
    arguments: &Arguments,
) -> Result<Option<Objects>, Failure> {
    let Ok(loaded) = repository.load(commit, repository.root()) else {
        // The project was not there yet, or is too large to be read.
        return Ok(None);
    };
    let env = arguments.env.as_deref();
    let judged = Session::judge(loaded, |checked| match load::targets(checked, None) {
        // An environment that an older commit does not have is not wrong.
        Ok(all) => Ok(all
            .into_iter()
            .filter(|t| env.is_none_or(|e| t.environment == e))
            .collect()),
        Err(failure) => Err(failure),
    })?;
    let Ok(session) = judged else {
        return Ok(None);
    };
    let mut found = Objects::new();
    for rendered in &session.sets {
        for (key, desired) in &rendered.objects {
            let named = arguments.resource.as_ref();
            if named.is_some_and(|named| !named.is(&desired.resource)) {
                continue;
            }
            let of = (desired.resource.clone(), rendered.set.environment.clone());
            let digest = digest::of_desired(desired, &rendered.set);
            let at = (rendered.set.cluster.clone(), key.clone());
            found
                .entry(of)
                .or_default()
                .insert(at, (digest, version(desired)));
        }
    }
    Ok(Some(found))
}

/// The version that an object says it is of.
fn version(desired: &Desired) -> Option<String> {
    let label = "app.kubernetes.io~1version";
    let places = ["/metadata/labels/", "/spec/template/metadata/labels/"];
    let found = places
        .iter()
        .find_map(|place| desired.manifest.field(&format!("{place}{label}")));
    found.and_then(|value| value.as_str()).map(str::to_owned)
}

fn told(
    commit: &Commit,
    (earlier, now): (Option<&Objects>, Option<&Objects>),
    lines: &[Line],
    arguments: &Arguments,
) -> Told {
    let (changes, unknown) = match (earlier, now) {
        (Some(earlier), Some(now)) => (changes(earlier, now), None),
        (_, None) => (Vec::new(), Some("this commit is not valid")),
        (None, Some(_)) => (
            Vec::new(),
            Some("the commit before it is not valid, or not in this clone"),
        ),
    };
    let env = arguments.env.as_deref();
    let of = lines
        .iter()
        .filter(|line| line.entry.commit == commit.id.as_str());
    let of = of.filter(|line| {
        let environment = line.entry.set.split('/').nth(1);
        env.is_none_or(|env| environment == Some(env))
    });
    let at = jiff::Timestamp::from_second(commit.time).unwrap_or_default();
    Told {
        commit: commit.id.clone(),
        at: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        author: commit.author.clone(),
        subject: commit.subject.clone(),
        changes,
        unknown,
        attempts: of
            .filter(|line| !matches!(line.entry.event, Event::Begun | Event::Asked))
            .map(audit::told)
            .collect(),
    }
}

fn changes(earlier: &Objects, now: &Objects) -> Vec<Change> {
    let keys: BTreeSet<_> = earlier.keys().chain(now.keys()).collect();
    let (nothing, mut found) = (BTreeMap::new(), Vec::new());
    for key in keys {
        let before = earlier.get(key).unwrap_or(&nothing);
        let after = now.get(key).unwrap_or(&nothing);
        let says = |side: &BTreeMap<_, (String, Option<String>)>| {
            side.values().find_map(|(_, version)| version.clone())
        };
        let (old, new) = (says(before), says(after));
        let moved = |(at, (digest, _)): &(&_, &(String, Option<String>))| {
            before.get(*at).is_some_and(|(other, _)| other != digest)
        };
        let change = Change {
            resource: key.0.to_string(),
            environment: key.1.clone(),
            created: after.keys().filter(|at| !before.contains_key(at)).count(),
            changed: after.iter().filter(moved).count(),
            deleted: before.keys().filter(|at| !after.contains_key(at)).count(),
            version: (old != new).then_some([old, new]),
        };
        if change.created + change.changed + change.deleted > 0 {
            found.push(change);
        }
    }
    found
}

fn text(told: &Told) -> String {
    let (at, short) = (&told.at, told.commit.short());
    let mut lines = vec![format!("{at} {short} {}: {}", told.author, told.subject)];
    for change in &told.changes {
        let counts = [
            (change.created, "created"),
            (change.changed, "changed"),
            (change.deleted, "deleted"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let version = change.version.as_ref().map(|[old, new]| {
            let word = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
            format!(", version {} → {}", word(old), word(new))
        });
        lines.push(format!(
            "  {} in {}: {}{}",
            change.resource,
            change.environment,
            counts.join(", "),
            version.unwrap_or_default()
        ));
    }
    if let Some(why) = told.unknown {
        lines.push(format!("  not known, for {why}"));
    }
    let attempts = told.attempts.iter();
    lines.extend(attempts.map(|attempt| format!("  {attempt}")));
    // A break in what others wrote makes no line of ours.
    let lines = lines.iter().map(|line| escape::line(line));
    lines.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_makes_no_lines() {
        let told = Told {
            commit: CommitId::new(&"1".repeat(40)).unwrap(),
            at: "2026-05-04T10:00:00Z".to_owned(),
            author: "ann\rbob".to_owned(),
            subject: "one\n2026-05-04T11:00:00Z 222222222222 eve: two".to_owned(),
            changes: Vec::new(),
            unknown: None,
            attempts: vec!["failed\nand did all".to_owned()],
        };
        let text = text(&told);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains('\r'), "{text}");
    }
}
