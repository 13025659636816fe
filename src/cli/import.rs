//! `kubemate import`: objects as they are become a project, with everything that it says otherwise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::session::{self, ClusterArguments};
use super::{Exit, Failure, output};
use crate::adapters::disk;
use crate::apply::cluster::Cluster as _;
use crate::import::{self, Imported, Options, Read, Told, summary};
use crate::names::{Name, TenantName};
use crate::render::yaml;
use crate::report::diagnostics::escape;

/// Turn manifests, or what runs in a cluster, into KDL, and list what it does not say.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// File of YAML or JSON, such as the output of `helm template`; may be given several times.
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "from_cluster",
        conflicts_with = "from_cluster"
    )]
    file: Vec<PathBuf>,
    /// Namespace of a cluster; may be given several times. Nothing is written there.
    #[arg(long, value_name = "NAMESPACE")]
    from_cluster: Vec<String>,
    #[command(flatten)]
    to: ClusterArguments,
    /// Write the files below this directory. Nothing is overwritten. Default: they are printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Tenant whose namespaces begin with its name. Default: each namespace is a tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Namespace of objects that name none. Default: the name of the tenant.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Environment that the objects are of. Default: what their namespaces say, else prod.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Name of the project.
    #[arg(long, value_name = "NAME", default_value = "imported")]
    project: String,
    /// Store for secrets whose source is not known.
    #[arg(long, value_name = "NAME", default_value = "vault")]
    store: String,
    /// Keep everything as it is that would be rendered otherwise.
    #[arg(long)]
    exact: bool,
    /// How to report.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What was read, from where.
#[derive(Default)]
struct Input {
    read: Vec<Read>,
    unread: Vec<Told>,
    uid: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    named::<Name>(&arguments.project)?;
    named::<Name>(&arguments.store)?;
    if let Some(tenant) = &arguments.tenant {
        named::<TenantName>(tenant)?;
    }
    let input = match arguments.from_cluster.is_empty() {
        true => files(&arguments.file)?,
        false => session::runtime()?.block_on(cluster(arguments))?,
    };
    let options = Options {
        project: arguments.project.clone(),
        tenant: arguments.tenant.clone(),
        namespace: arguments.namespace.clone(),
        environment: arguments.env.clone(),
        uid: input.uid,
        store: arguments.store.clone(),
        exact: arguments.exact,
    };
    let mut imported = import::import(input.read, &options).map_err(refused)?;
    // What could not be read may be anything: the project is not all of what was asked for.
    let exit = if input.unread.is_empty() {
        Exit::Ok
    } else {
        Exit::Error
    };
    imported.left.extend(input.unread);
    match &arguments.out {
        Some(out) => write(out, &imported.files)?,
        None => print(&imported.files),
    }
    report(&imported, arguments);
    Ok(exit)
}

fn named<T: std::str::FromStr>(name: &str) -> Result<(), Failure>
where
    T::Err: std::fmt::Display,
{
    match name.parse::<T>() {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Usage {
            message: format!("`{name}` {error}"),
            help: "choose another name".into(),
        }),
    }
}

fn refused(error: import::ImportError) -> Failure {
    let help = match &error {
        import::ImportError::NoNamespace(_) => {
            "name it: `--namespace NAMESPACE`, or `--tenant NAME`"
        }
        import::ImportError::Nothing(_) => "is there an object with a namespace among them?",
        import::ImportError::Refused(_) | import::ImportError::Tree(_) => {
            "if the name of a namespace is none for a tenant, name one: `--tenant NAME`"
        }
    };
    Failure::Usage {
        message: error.to_string(),
        help: help.into(),
    }
}

fn files(paths: &[PathBuf]) -> Result<Input, Failure> {
    let mut input = Input::default();
    for path in paths {
        let text = disk::read_text(path)?;
        let from = path.display().to_string();
        let documents = yaml::documents(&text).map_err(|error| Failure::Usage {
            message: format!("`{from}` is not YAML that can be used: {error}"),
            help: "no key twice, no anchors, no tags; one document after `---`".into(),
        })?;
        let read = documents.into_iter().map(|body| Read {
            from: from.clone(),
            body,
        });
        input.read.extend(read);
    }
    Ok(input)
}

async fn cluster(arguments: &Arguments) -> Result<Input, Failure> {
    let to = &arguments.to;
    let cluster = to.connect().await?;
    let exported = cluster.export(&arguments.from_cluster).await?;
    let uid = cluster.uid().await?;
    let read = exported.objects.into_iter().map(|body| Read {
        from: "the cluster".into(),
        body,
    });
    let unread = exported.unread.into_iter().map(|(object, why)| Told {
        object,
        why: format!("it could not be read: {why}"),
    });
    Ok(Input {
        read: read.collect(),
        unread: unread.collect(),
        uid: Some(uid),
    })
}

fn write(out: &Path, files: &BTreeMap<String, String>) -> Result<(), Failure> {
    if let Some(there) = files
        .keys()
        .map(|path| out.join(path))
        .find(|path| path.exists())
    {
        return Err(Failure::Usage {
            message: format!(
                "`{}` is there already, and nothing is overwritten",
                there.display()
            ),
            help: "name a directory that is empty, or that is not there yet".into(),
        });
    }
    for (path, text) in files {
        disk::write(&out.join(path), text)?;
    }
    Ok(())
}

fn print(files: &BTreeMap<String, String>) {
    for (index, (path, text)) in files.iter().enumerate() {
        let comment = if path.ends_with(".kdl") { "//" } else { "#" };
        let gap = if index == 0 { "" } else { "\n" };
        output::print(&format!("{gap}{comment} {path}\n{text}"));
    }
}

/// The report goes where it does not mix with the files.
fn report(imported: &Imported, arguments: &Arguments) {
    let text = match arguments.output {
        Output::Text => escape::block(&summary::summary(imported)),
        Output::Json => format!("{:#}\n", serde_json::json!(imported)),
    };
    match arguments.out {
        Some(_) => output::print(&text),
        None => output::note(text.trim_end()),
    }
    if let Some(out) = &arguments.out {
        output::note(&format!("next: kubemate validate {}", out.display()));
    }
}
