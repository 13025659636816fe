//! `kubemate render`: the objects that a commit wants, as bytes that never differ.

use std::path::PathBuf;

use super::load::{self, SourceArguments};
use super::{Exit, Failure, output};
use crate::adapters::disk;
use crate::adapters::judge::Choice;
use crate::model::job::Want;
use crate::object::Rendered;
use crate::render::yaml;

/// Print the Kubernetes objects that a project renders to.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Render this environment only.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "yaml")]
    output: Output,
    /// Write one file per set below this directory: CLUSTER/ENVIRONMENT/OWNER.yaml.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// YAML documents.
    Yaml,
    /// A JSON list.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let loaded = arguments.source.load()?;
    let mut verdict = load::judge_by(&loaded, |found| {
        let targets = load::targets(found, arguments.env.as_deref())?;
        Ok(Choice::all(Want::Render {
            targets,
            trace: false,
        }))
    })?;
    load::require_valid(&verdict, &loaded)?;
    for (set, rendered) in verdict.take_rendered() {
        let text = text(&rendered, arguments.output)?;
        match &arguments.out {
            None => {
                if let Output::Yaml = arguments.output {
                    output::print(&format!("# {set}\n"));
                }
                output::print(&text);
            }
            Some(out) => {
                let extension = match arguments.output {
                    Output::Yaml => "yaml",
                    Output::Json => "json",
                };
                disk::write(&out.join(format!("{set}.{extension}")), &text)?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn text(rendered: &Rendered, output: Output) -> Result<String, Failure> {
    let bodies: Vec<_> = rendered
        .objects
        .values()
        .map(|d| &d.manifest.body)
        .collect();
    match output {
        Output::Json => Ok(format!("{:#}\n", serde_json::json!(bodies))),
        Output::Yaml => yaml::print(&bodies).map_err(|error| Failure::Print {
            set: rendered.set.to_string(),
            reason: error.to_string(),
        }),
    }
}
