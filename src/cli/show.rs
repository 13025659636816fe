//! `kubemate show app/checkout --env prod --why`: a resource as composed, with the origin of every field.

use super::load::{self, SourceArguments};
use super::{Exit, Failure, output};
use crate::dsl::diagnostic::Span;
use crate::model::job::{ShownField, Want};
use crate::report::diagnostics::escape;
use crate::source::SourceTree;

/// Show a resource as composed for an environment.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The resource, as in `app/checkout`.
    resource: String,
    /// The environment.
    #[arg(long, value_name = "ENV")]
    env: String,
    /// Say for every field where it was decided, and what it overrides.
    #[arg(long)]
    why: bool,
    #[command(flatten)]
    source: SourceArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let Some((kind, name)) = arguments.resource.split_once('/') else {
        return Err(Failure::Usage {
            message: format!("`{}` names no resource", arguments.resource),
            help: "write KIND/NAME, as in `app/checkout`".into(),
        });
    };
    let loaded = arguments.source.load()?;
    let checked = load::judge_loaded(&loaded, &Want::Check)?;
    let found = checked.project.as_ref().ok_or(Failure::Refused)?;
    let targets = load::targets(found, Some(&arguments.env))?;
    let target = targets.into_iter().next().ok_or(Failure::Refused)?;
    let want = Want::Show {
        kind: kind.into(),
        name: name.into(),
        target,
    };
    let verdict = load::judge_loaded(&loaded, &want)?;
    let shown: Vec<_> = verdict
        .outcomes
        .iter()
        .flat_map(|(_, o)| &o.shown)
        .collect();
    if shown.is_empty() {
        load::require_valid(&verdict, &loaded)?;
        return Err(Failure::Usage {
            message: format!(
                "there is no `{}` in `{}`",
                arguments.resource, arguments.env
            ),
            help: "`kubemate validate` lists what is wrong; names are KIND/NAME".into(),
        });
    }
    for resource in shown {
        output::print(&format!("{} in {}\n", resource.resource, arguments.env));
        for field in &resource.fields {
            output::print(&line(field, arguments.why, &loaded.tree));
        }
    }
    Ok(Exit::Ok)
}

fn line(field: &ShownField, why: bool, tree: &SourceTree) -> String {
    let path = field.pointer.trim_start_matches('/').replace('/', ".");
    let mut line = format!(
        "  {} = {}",
        escape::line(&path),
        escape::line(&field.value.to_string())
    );
    if why {
        match &field.origin {
            None => line.push_str("    default"),
            Some((span, layer)) => line.push_str(&format!("    {} ({layer})", place(*span, tree))),
        }
        for (span, layer) in field.earlier.iter().rev() {
            line.push_str(&format!(", over {} ({layer})", place(*span, tree)));
        }
    }
    line.push('\n');
    line
}

/// `path:line:column` of a span.
pub(super) fn place(span: Span, tree: &SourceTree) -> String {
    let Some(file) = tree.get(span.file) else {
        return "?".into();
    };
    let before = file
        .text()
        .and_then(|t| t.get(..span.start as usize))
        .unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{}:{line}:{column}", escape::line(file.path.as_str()))
}
