//! What `kubemate explain` prints: kinds and fields out of their schemas, codes out of the catalogue.
//!
//! Pure text. It says nothing that the schema and the catalogue do not say.

mod field;
mod wrap;

use serde_json::Value;

use self::field::Place;
use self::wrap::{indented, wrapped};
use crate::dsl::check::closest;
use crate::dsl::codes::{self, Entry, Example, Files};
use crate::dsl::schema::{Home, KindSchema};
use crate::dsl::shape::describe;
use crate::kinds;

/// Columns of explanations.
const WIDTH: usize = 96;

/// Deeper than the fields of any kind.
const MAX_DEPTH: usize = 8;

/// A topic that nothing is known about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unknown {
    /// What is not known.
    pub message: String,
    /// What may be meant.
    pub help: String,
}

/// Names of everything that is written at top level and has fields.
pub fn kind_names() -> impl Iterator<Item = &'static str> + Clone {
    ["project", "test"]
        .into_iter()
        .chain(kinds::NAMES.iter().copied())
}

/// The schema of a kind, of the project or of tests.
pub fn kind(name: &str) -> Option<&'static KindSchema> {
    match name {
        "project" => kinds::project::schema(),
        "test" => kinds::test::schema(),
        other => kinds::schema(other),
    }
}

/// Explains a code such as `KM0201`, a kind such as `app`, or a field such as `app.autoscale.min`.
pub fn explain(topic: &str) -> Result<String, Unknown> {
    let number = topic
        .strip_prefix("KM")
        .or_else(|| topic.strip_prefix("km"));
    if let Some(number) = number.filter(|n| n.chars().all(|c| c.is_ascii_digit())) {
        return codes::find(number).map(code).ok_or_else(|| Unknown {
            message: format!("there is no code `{topic}`"),
            help: "codes are written as in KM0201; the message that you want explained names one"
                .into(),
        });
    }
    let mut path = topic.split('.');
    let first = path.next().unwrap_or_default();
    let Some(schema) = kind(first) else {
        return Err(unknown(
            "kind",
            first,
            &kind_names().collect::<Vec<_>>(),
            "",
        ));
    };
    let place = path.try_fold(Place::root(schema), |place, name| {
        place.step(name).ok_or_else(|| {
            let known = place.field_names();
            unknown("field", name, &known, &format!(" in `{}`", place.path()))
        })
    })?;
    Ok(place.text(schema))
}

/// The list of kinds, each with one sentence.
pub fn overview() -> String {
    let mut out =
        String::from("Kinds of top-level nodes; `kubemate explain KIND` tells more about one.\n\n");
    let width = kind_names().map(str::len).max().unwrap_or(0);
    for name in kind_names() {
        let about = kind(name).map_or("", |k| describe(&k.json, &k.json));
        let about = crate::dsl::shape::first_sentence(about);
        out.push_str(&format!("  {name:width$}  {about}\n"));
    }
    out.push_str(
        "\nBeside them: `let`, `profile` and `in`, which say how resources are composed.\n",
    );
    out
}

fn unknown(what: &str, name: &str, known: &[&str], place: &str) -> Unknown {
    let help = match closest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("there are no {what}s{place}"),
        None => format!("{what}s: {}", known.join(", ")),
    };
    Unknown {
        message: format!("there is no {what} `{name}`{place}"),
        help,
    }
}

/// Who may write a kind, as a sentence.
pub fn home(kind: &KindSchema) -> &'static str {
    match kind.home {
        Home::Platform => "Written on paths of the platform.",
        Home::Tenant => {
            "Belongs to a tenant: written with `tenant=NAME`, on a path of that tenant."
        }
        Home::Either => "Belongs to a tenant with `tenant=NAME`, to the platform without.",
        Home::Project => "Written once, in `kubemate.kdl`.",
    }
}

/// All fields of a kind: path, type, and what each is.
pub fn fields(kind: &KindSchema) -> Vec<(String, String, String)> {
    let mut out = Vec::new();
    Place::root(kind).all(MAX_DEPTH, &mut out);
    out
}

/// A code with its examples.
pub fn code(entry: &Entry) -> String {
    let mut out = format!(
        "{}: {}\n\n{}",
        entry.code,
        entry.title,
        wrapped(entry.about, WIDTH)
    );
    match entry.example {
        Example::Shown { bad, good } => {
            out.push_str(&format!("\nRefused:\n\n{}", files(bad)));
            out.push_str(&format!("\nAccepted:\n\n{}", files(good)));
        }
        Example::Unshown(why) => out.push_str(&format!("\nThere is no example: {why}.\n")),
    }
    out
}

fn files(files: Files) -> String {
    let one = |(path, text): &(&str, &str)| {
        // A reader must see what the example is about.
        let shown: String = text.chars().map(visible).collect();
        format!("    // {path}\n{}", indented(&shown, 4))
    };
    files.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn visible(c: char) -> String {
    match c {
        '\u{200b}' => "<U+200B>".into(),
        c => c.into(),
    }
}

/// A JSON value as KDL writes it.
fn kdl(value: &Value) -> String {
    match value {
        Value::String(text) if plain(text) => text.clone(),
        Value::String(text) => format!("\"{text}\""),
        Value::Bool(flag) => format!("#{flag}"),
        Value::Null => "#null".into(),
        other => other.to_string(),
    }
}

fn plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
