//! `kubemate codeowners`: the forge's CODEOWNERS file, from the ownership of the project.

use super::load::{self, SourceArguments};
use super::{Exit, Failure, output};
use crate::kinds::project::Project;
use crate::model::job::Want;

/// Print a CODEOWNERS file that gives every path to the team that owns it.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The team of the platform on the forge.
    #[arg(long, value_name = "TEAM", default_value = "@platform")]
    platform: String,
    /// The team of a tenant on the forge; `{}` stands for the tenant's name.
    #[arg(long, value_name = "PATTERN", default_value = "@{}")]
    tenant: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let loaded = arguments.source.load()?;
    let verdict = load::judge_loaded(&loaded, &Want::Check)?;
    let Some(found) = &verdict.project else {
        load::require_valid(&verdict, &loaded)?;
        return Err(Failure::Refused);
    };
    output::print(&text(
        &found.project,
        &arguments.platform,
        &arguments.tenant,
    ));
    Ok(Exit::Ok)
}

/// Forges let the last matching line decide, kubemate the most specific one.
fn text(project: &Project, platform: &str, tenant: &str) -> String {
    let mut rules: Vec<(usize, String)> = Vec::new();
    for rule in project.ownership.path.iter() {
        let team = match &rule.tenant {
            Some(name) => tenant.replace("{}", name.as_str()),
            None => platform.to_owned(),
        };
        let glob = rule.glob.as_str();
        let specific = glob.find(['*', '?', '[', '{']).unwrap_or(usize::MAX);
        let pattern = glob.strip_suffix("**").unwrap_or(glob);
        rules.push((specific, format!("/{pattern} {team}\n")));
    }
    rules.sort_by_key(|(specific, _)| *specific);
    let mut out = String::from(
        "# Written by `kubemate codeowners`; change `ownership` in kubemate.kdl instead.\n",
    );
    out.push_str(&format!("* {platform}\n"));
    rules.iter().for_each(|(_, line)| out.push_str(line));
    out.push_str(&format!("/kubemate.kdl {platform}\n"));
    out
}
