//! `kubemate new`: commented starters for a project and its first resources. Nothing is overwritten.

use std::path::{Path, PathBuf};

use super::{Exit, Failure, output};
use crate::adapters::disk;
use crate::dsl::check::closest;
use crate::kinds::project::FILE;
use crate::names::{Name, TenantName};

/// Write a starter for a project, a tenant, an app or another kind.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to write: project, tenant, app or route.
    kind: String,
    /// Its name.
    name: String,
    /// The tenant that it belongs to; for apps and routes.
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Directory of the project.
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

struct Starter {
    path: String,
    text: String,
    next: &'static str,
}

const PROJECT: &str = include_str!("new/project.kdl");
const TENANT: &str = include_str!("new/tenant.kdl");
const APP: &str = include_str!("new/app.kdl");
const ROUTE: &str = include_str!("new/route.kdl");
const KINDS: &[&str] = &["project", "tenant", "app", "route"];

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let starter = starter(arguments)?;
    let path = arguments.directory.join(&starter.path);
    if arguments.kind != "project" && !arguments.directory.join(FILE).is_file() {
        return Err(usage(
            format!(
                "there is no `{FILE}` in `{}`",
                arguments.directory.display()
            ),
            "begin with `kubemate new project NAME`, or name the project with --directory",
        ));
    }
    if path.exists() {
        return Err(usage(
            format!(
                "`{}` is there already, and nothing is overwritten",
                path.display()
            ),
            "choose another name, or change the file itself",
        ));
    }
    write(&path, &starter.text)?;
    output::print(&format!("wrote {}\n", path.display()));
    output::note(starter.next);
    Ok(Exit::Ok)
}

fn starter(arguments: &Arguments) -> Result<Starter, Failure> {
    let name = &arguments.name;
    let named = |text: &str, tenant: &str| text.replace("NAME", name).replace("TENANT", tenant);
    let (path, text, next) = match arguments.kind.as_str() {
        "project" => {
            checked::<Name>(name)?;
            let next = "next: put in the uid of your cluster, then `kubemate new tenant NAME`";
            (FILE.to_owned(), named(PROJECT, ""), next)
        }
        "tenant" => {
            checked::<TenantName>(name)?;
            let next = "next: `kubemate new app NAME --tenant TENANT`";
            (
                format!("platform/tenants/{name}.kdl"),
                named(TENANT, ""),
                next,
            )
        }
        kind @ ("app" | "route") => {
            checked::<Name>(name)?;
            let Some(tenant) = &arguments.tenant else {
                return Err(usage(
                    format!("`{kind}` needs a tenant that it belongs to"),
                    "name it: `--tenant TENANT`",
                ));
            };
            checked::<TenantName>(tenant)?;
            let (text, file) = if kind == "app" {
                (APP, format!("tenants/{tenant}/{name}.kdl"))
            } else {
                (ROUTE, format!("tenants/{tenant}/{name}-route.kdl"))
            };
            (file, named(text, tenant), "next: `kubemate validate`")
        }
        other => {
            let help = match closest(other, KINDS.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are starters for {}", KINDS.join(", ")),
            };
            return Err(Failure::Usage {
                message: format!("there is no starter for `{other}`"),
                help,
            });
        }
    };
    Ok(Starter { path, text, next })
}

fn checked<T: std::str::FromStr>(name: &str) -> Result<(), Failure>
where
    T::Err: std::fmt::Display,
{
    match name.parse::<T>() {
        Ok(_) => Ok(()),
        Err(error) => Err(usage(format!("`{name}` {error}"), "choose another name")),
    }
}

fn usage(message: String, help: &str) -> Failure {
    Failure::Usage {
        message,
        help: help.to_owned(),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    Ok(disk::write(path, text)?)
}
