//! `kubemate plan`: exactly what would change, and how dangerous it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::load;
use super::session::{self, Each, Scope, Session};
use super::{Exit, Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::disk;
use crate::adapters::judge::Choice;
use crate::apply::cluster::Cluster as _;
use crate::apply::prepare::prepare;
use crate::model::job::Want;
use crate::object::{Rendered, SetId};
use crate::plan::display::{self, Place, Places};
use crate::plan::saved::{SavedPlan, Stamp};
use crate::plan::season::Season;
use crate::plan::{Level, Neighbours, Plan, hold, intent};
use crate::source::SourceTree;

/// Most bytes of markdown: what the smallest forge takes in one comment.
const MARKDOWN_BUDGET: usize = 60_000;

/// Show exactly what would change, without changing anything.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
    /// Ask no cluster: compare with another commit, given by --base.
    #[arg(long, requires = "base")]
    offline: bool,
    /// The commit to compare with.
    #[arg(long, value_name = "REV", requires = "offline")]
    base: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// Save the plans below this directory, one file a set, for `kubemate apply`.
    #[arg(long, value_name = "DIR", conflicts_with = "offline")]
    out: Option<PathBuf>,
    /// Exit with 2 if there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// For people at a terminal.
    Text,
    /// For a comment on a pull request.
    Markdown,
    /// For programs; see schema/plan.json.
    Json,
    /// For code scanners.
    Sarif,
    /// For test reports.
    Junit,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (each, trees) = match &arguments.base {
        Some(base) => offline(arguments, base)?,
        None => live(arguments)?,
    };
    let find = |span: &crate::dsl::diagnostic::Span| -> Option<Place> {
        trees.iter().find_map(|tree| Place::of(tree, span))
    };
    let plans = &each.made;
    // Who reads a document does not see that a set is missing in it.
    match (arguments.output, each.lost) {
        (Output::Markdown | Output::Json | Output::Sarif | Output::Junit, true) => {
            output::note("nothing is printed, for it would not tell of every set");
        }
        (Output::Text, true) | (_, false) => print(&each, arguments.output, &find),
    }
    let refused = |plan: &Plan| plan.findings.iter().any(|f| f.level == Level::Error);
    let changes = plans.iter().any(|plan| !plan.is_empty() || refused(plan));
    Ok(each.exit(if changes && arguments.detailed_exitcode {
        Exit::Changes
    } else {
        Exit::Ok
    }))
}

fn live(arguments: &Arguments) -> Result<(Each<Plan>, Vec<SourceTree>), Failure> {
    let session = arguments.scope.open()?;
    let beside = session.neighbours();
    let Each { made, lost } = session::runtime()?.block_on(session::each_set(
        &session,
        &arguments.scope.to,
        async |cluster, rendered| plan_one(&session, cluster, rendered, &beside).await,
    ));
    if let Some(out) = &arguments.out {
        for (plan, _) in &made {
            save(&session, plan, out)?;
        }
    }
    // A saved plan may be carried out at another time, so only what is shown speaks of this one.
    let now = |(mut plan, season): (Plan, Season)| {
        hold::out_of_season(&mut plan, &season);
        plan
    };
    let made = made.into_iter().map(now).collect();
    Ok((Each { made, lost }, vec![session.loaded.tree]))
}

async fn plan_one(
    session: &Session,
    cluster: &KubeCluster,
    rendered: &Rendered,
    beside: &Neighbours<'_>,
) -> Result<(Plan, Season), Failure> {
    let (identity, policy) = (
        session.rights.identity(&rendered.set),
        session.rights.policy(&rendered.set),
    );
    let season = session.rights.season(&rendered.set, cluster.now());
    let plan = prepare(cluster, rendered, &identity, &policy, beside).await?;
    Ok((plan, season))
}

fn save(session: &Session, plan: &Plan, out: &std::path::Path) -> Result<(), Failure> {
    let stamp = stamp(session, &plan.cluster_uid);
    let commit = session.loaded.revision.to_string();
    let text = SavedPlan::new(plan.clone(), stamp, commit).to_text()?;
    let path = out.join(format!("{}.kmplan", plan.set.to_string().replace('/', "-")));
    disk::write(&path, &text)?;
    output::note(&format!("saved {}", path.display()));
    Ok(())
}

/// Where a plan of this session holds. The project's name stands for the repository.
pub(super) fn stamp(session: &Session, cluster_uid: &str) -> Stamp {
    let project = session
        .verdict
        .project
        .as_ref()
        .map(|f| f.project.name.to_string());
    Stamp {
        kubemate: env!("CARGO_PKG_VERSION").to_owned(),
        render: session.render_version(),
        cluster_uid: cluster_uid.to_owned(),
        repository: project.unwrap_or_default(),
    }
}

/// Two commits compared on rendered objects; sets whose files did not change are left out.
fn offline(arguments: &Arguments, base: &str) -> Result<(Each<Plan>, Vec<SourceTree>), Failure> {
    let (env, cluster) = (
        arguments.scope.env.as_deref(),
        arguments.scope.cluster.as_deref(),
    );
    let source = &arguments.scope.source;
    let base_files = load::load(&source.directory, Some(base))?;
    let head = Session::open_beside(source, (env, cluster), Some(&base_files.tree))?;
    // Sets that are the same in both commits have no changes, and are not rendered at all.
    let found = head.verdict.project.as_ref();
    let owners =
        found.and_then(|found| session::changed(found, &head.loaded.tree, &base_files.tree));
    let mut base = load::judge_by(&base_files, |found| {
        let mut targets = found.project.targets();
        targets.retain(|t| env.is_none_or(|e| t.environment == e));
        targets.retain(|t| cluster.is_none_or(|c| t.cluster == c));
        let want = Want::Render {
            targets,
            trace: false,
        };
        Ok(Choice {
            want,
            only: owners,
            check_others: false,
        })
    })?;
    load::require_valid(&base, &base_files)?;
    let before = base.take_rendered();
    let after: BTreeMap<&SetId, &Rendered> = head.sets.iter().map(|r| (&r.set, r)).collect();
    let (mut plans, now) = (Vec::new(), super::ci::now());
    for (set, head_set) in &after {
        let none = Rendered {
            set: (*set).clone(),
            objects: BTreeMap::new(),
        };
        let base_set = before.get(set).unwrap_or(&none);
        let policy = head.rights.policy(set);
        let span = tracing::info_span!("plan", set = %set);
        let planned = span.in_scope(|| intent::intent_at(base_set, head_set, &policy, now));
        let (announced, plan) = planned.map_err(crate::apply::prepare::PrepareError::from)?;
        if !plan.is_empty() {
            output::note(&format!("intent of {set}: {}", announced.digest));
            tell_season(set, &head.rights.season(set, now));
        }
        plans.push(plan);
    }
    for set in before.keys().filter(|set| !after.contains_key(set)) {
        output::note(&format!(
            "{set} is no longer wanted: its objects stay until `kubemate delete --set {set}`"
        ));
    }
    let each = Each {
        made: plans,
        lost: false,
    };
    Ok((each, vec![head.loaded.tree]))
}

/// Says when changes of a set are made, if not now.
fn tell_season(set: &SetId, season: &Season) {
    if !season.is_open() {
        output::note(&format!("{set}: {season}"));
    }
}

fn print(each: &Each<Plan>, format: Output, find: Places<'_>) {
    let all: Vec<&Plan> = each.made.iter().collect();
    let text = match format {
        Output::Text => {
            let style = display::Style {
                color: output::style().color,
            };
            let shown = all
                .iter()
                .filter(|p| !p.is_empty() || !p.findings.is_empty());
            let mut text: String = shown
                .map(|p| display::text::text(p, find, style))
                .collect::<Vec<_>>()
                .join("\n");
            // What is unknown is not "no changes".
            if text.is_empty() && !each.lost {
                text.push_str("no changes\n");
            }
            text
        }
        Output::Markdown => {
            let budget = MARKDOWN_BUDGET / all.len().max(1);
            all.iter()
                .map(|p| display::markdown::markdown(p, find, budget))
                .collect::<Vec<_>>()
                .join("\n")
        }
        Output::Json => {
            let plans: Vec<_> = all.iter().map(|p| display::json::json(p, find)).collect();
            format!("{:#}\n", serde_json::json!(plans))
        }
        Output::Sarif => format!(
            "{:#}\n",
            display::sarif::sarif(&all, find, env!("CARGO_PKG_VERSION"))
        ),
        Output::Junit => display::machines::junit(&all),
    };
    output::print(&text);
}
