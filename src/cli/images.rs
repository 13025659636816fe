//! `kubemate images`: every image that a project makes its clusters fetch, for a mirror or a scanner.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::load::SourceArguments;
use super::session::Session;
use super::{Exit, Failure, output};
use crate::render::images::images;
use crate::report::diagnostics::escape;

/// List every image that the rendered objects use, sorted, each once.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The images of this environment only.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// The images of this cluster only.
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
    /// Say below each image where it is used; JSON always does.
    #[arg(long = "where")]
    places: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// One image a line.
    Text,
    /// A JSON list.
    Json,
}

/// One use of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    set: String,
    object: String,
    container: String,
    place: Option<String>,
}

type Uses = BTreeMap<String, BTreeSet<Use>>;

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let session = Session::open(
        &arguments.source,
        arguments.env.as_deref(),
        arguments.cluster.as_deref(),
    )?;
    let uses = uses(&session);
    output::print(&match arguments.output {
        Output::Text => text(&uses, arguments.places),
        Output::Json => format!("{:#}\n", machine(&uses)),
    });
    Ok(Exit::Ok)
}

fn uses(session: &Session) -> Uses {
    let mut all = Uses::new();
    for rendered in &session.sets {
        for (key, desired) in &rendered.objects {
            for used in images(&desired.manifest.body) {
                let spans = desired.source.find(&used.pointer);
                let place = spans.first().and_then(|span| session.place(span));
                all.entry(used.image).or_default().insert(Use {
                    set: rendered.set.to_string(),
                    object: key.to_string(),
                    container: used.name,
                    place: place.map(|place| place.to_string()),
                });
            }
        }
    }
    all
}

fn text(uses: &Uses, places: bool) -> String {
    let mut out = String::new();
    for (image, users) in uses {
        line(&mut out, image);
        for user in users.iter().filter(|_| places) {
            let Use {
                set,
                object,
                container,
                place,
            } = user;
            let place = place
                .as_deref()
                .map(|p| format!(", {p}"))
                .unwrap_or_default();
            line(&mut out, &format!("  {set}: {object} ({container}){place}"));
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    let written = writeln!(out, "{}", escape::line(text));
    debug_assert!(written.is_ok(), "writing to a string succeeds");
}

fn machine(uses: &Uses) -> Value {
    let one = |user: &Use| {
        json!({
            "set": user.set,
            "object": user.object,
            "container": user.container,
            "place": user.place,
        })
    };
    let all = uses.iter().map(|(image, users)| {
        let users: Vec<Value> = users.iter().map(one).collect();
        json!({ "image": image, "used": users })
    });
    Value::Array(all.collect())
}
