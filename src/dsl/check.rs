//! A tree against its schema: every violation becomes a diagnostic on the place that caused it, in
//! words of the field, never of the schema.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::codes;
use super::diagnostic::{Code, Diagnostic};
use super::node::{Data, Node, escape};
use super::schema::KindSchema;
use super::shape::{self, describe};
use crate::values;

/// How much of a resource a tree claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// A part as written: nothing is required, text with `${…}` is not judged yet.
    Fragment,
    /// A composed resource.
    Whole,
}

/// All violations of a tree.
pub fn check(node: &Node, kind: &KindSchema, extent: Extent) -> Vec<Diagnostic> {
    check_json(node, &node.to_json(), kind, extent)
}

/// The same where the tree is at hand as JSON too.
pub fn check_json(node: &Node, json: &Value, kind: &KindSchema, extent: Extent) -> Vec<Diagnostic> {
    let validator = match extent {
        Extent::Fragment => kind.fragment(),
        Extent::Whole => kind.full(),
    };
    if validator.is_valid(json) {
        return Vec::new();
    }
    let judge = Judge { node, kind, extent };
    let mut found = Vec::new();
    for error in validator.iter_errors(json) {
        judge.convert(&error, &mut found);
    }
    join_misspelt(&mut found);
    found.into_iter().map(|f| f.diagnostic).collect()
}

struct Found {
    diagnostic: Diagnostic,
    /// The object, and the field that is missing or the field that is meant.
    missing: Option<(String, String)>,
    meant: Option<(String, String)>,
}

struct Judge<'a> {
    node: &'a Node,
    kind: &'a KindSchema,
    extent: Extent,
}

impl Judge<'_> {
    fn convert(&self, error: &ValidationError<'_>, out: &mut Vec<Found>) {
        let pointer = error.instance_path().as_str().to_owned();
        let at = self.node.nearest(&pointer);
        if self.extent == Extent::Fragment && (at.template || at.mark == super::node::Mark::Remove)
        {
            return;
        }
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                out.extend(unexpected.iter().map(|name| self.unknown(&pointer, name)));
            }
            Kind::Required { property } => out.push(self.missing(&pointer, property, at)),
            Kind::PropertyNames { error } => out.push(plain(self.bad_name(&pointer, error))),
            _ => out.push(plain(self.bad_value(error, &pointer, at))),
        }
    }

    fn unknown(&self, pointer: &str, name: &str) -> Found {
        let place = self
            .node
            .nearest(&format!("{pointer}/{}", escape(name)))
            .place
            .key;
        let message = format!("unknown field `{name}`");
        let mut diagnostic =
            Diagnostic::error(codes::UNKNOWN_FIELD, place, message).label("not a field here");
        let known = self.fields(pointer);
        let meant = closest(name, known.iter().map(String::as_str)).map(str::to_owned);
        if let Some(meant) = &meant {
            let title = format!("did you mean `{meant}`?");
            diagnostic = diagnostic.fix(place, meant.clone(), title);
        } else if !known.is_empty() {
            diagnostic = diagnostic.help(format!("fields here: {}", known.join(", ")));
        }
        Found {
            diagnostic,
            missing: None,
            meant: meant.map(|m| (pointer.to_owned(), m)),
        }
    }

    fn missing(&self, pointer: &str, property: &Value, at: &Node) -> Found {
        let name = property.as_str().unwrap_or_default();
        let (what, place) = self.subject(pointer, at);
        let message = format!("{what} needs `{name}`");
        let mut diagnostic = Diagnostic::error(codes::MISSING_FIELD, place, message)
            .label(format!("`{name}` is missing"));
        let schema = self.kind.schema_at(pointer);
        if let Some(sub) = schema
            .and_then(|s| s.get("properties"))
            .and_then(|p| p.get(name))
        {
            let about = shape::first_sentence(describe(&self.kind.json, sub));
            let example = example(&self.kind.json, sub);
            let example = example.map_or(String::new(), |e| format!(", for example {e}"));
            if !about.is_empty() {
                diagnostic = diagnostic.help(format!("`{name}`: {}{example}", lower_first(&about)));
            }
        }
        Found {
            diagnostic,
            missing: Some((pointer.to_owned(), name.to_owned())),
            meant: None,
        }
    }

    /// What an object is called: its kind and name, or the field that holds it.
    fn subject(&self, pointer: &str, at: &Node) -> (String, super::diagnostic::Span) {
        match pointer.rsplit('/').next() {
            None | Some("") => {
                let name = self.node.text("name").unwrap_or_default();
                (format!("{} `{name}`", self.kind.name), at.place.key)
            }
            Some(last) => (format!("`{}`", super::node::unescape(last)), at.place.key),
        }
    }

    fn bad_name(&self, pointer: &str, error: &ValidationError<'_>) -> Diagnostic {
        let name = error.instance().as_str().unwrap_or_default();
        let place = self
            .node
            .nearest(&format!("{pointer}/{}", escape(name)))
            .place
            .key;
        let reason = match error.kind() {
            Kind::Format { format } => reason_of(format, name).0,
            _ => "is not a name that can be used here".to_owned(),
        };
        Diagnostic::error(codes::BAD_NAME, place, format!("`{name}` {reason}")).label("bad name")
    }

    fn bad_value(&self, error: &ValidationError<'_>, pointer: &str, at: &Node) -> Diagnostic {
        let field = pointer
            .rsplit('/')
            .find(|s| s.parse::<usize>().is_err())
            .unwrap_or_default();
        let field = super::node::unescape(field);
        let value = show(error.instance());
        let new = |code: Code, message: String| {
            Diagnostic::error(code, at.place.value, message).label(format!("in `{field}`"))
        };
        match error.kind() {
            Kind::Format { format } => {
                let text = error.instance().as_str().unwrap_or_default();
                let (reason, fix) = reason_of(format, text);
                let diagnostic = new(codes::BAD_VALUE, format!("{value} {reason}"));
                match fix {
                    Some(fix) => {
                        let title = format!("write \"{fix}\"");
                        diagnostic.fix(at.place.value, format!("\"{fix}\""), title)
                    }
                    None => diagnostic,
                }
            }
            Kind::Enum { options } => self.not_one_of(error, options, at, new),
            Kind::Type { kind } => {
                let wanted = wanted_types(kind);
                let message = format!(
                    "`{field}` must be {wanted}, not {}",
                    type_name(error.instance())
                );
                self.retype(new(codes::WRONG_TYPE, message), kind, at)
            }
            Kind::Minimum { limit } | Kind::ExclusiveMinimum { limit } => new(
                codes::OUT_OF_RANGE,
                format!("{value} is too small for `{field}`: at least {limit}"),
            ),
            Kind::Maximum { limit } | Kind::ExclusiveMaximum { limit } => new(
                codes::OUT_OF_RANGE,
                format!("{value} is too large for `{field}`: at most {limit}"),
            ),
            Kind::MinItems { limit } | Kind::MinProperties { limit } => new(
                codes::OUT_OF_RANGE,
                format!("`{field}` needs at least {limit}"),
            ),
            Kind::MaxItems { limit } | Kind::MaxProperties { limit } => new(
                codes::OUT_OF_RANGE,
                format!("`{field}` takes at most {limit}"),
            ),
            Kind::MaxLength { limit } => new(
                codes::OUT_OF_RANGE,
                format!("`{field}` is longer than {limit} characters"),
            ),
            _ => new(
                codes::BAD_VALUE,
                format!("{value} is not allowed for `{field}`"),
            ),
        }
    }

    fn not_one_of(
        &self,
        error: &ValidationError<'_>,
        options: &Value,
        at: &Node,
        new: impl Fn(Code, String) -> Diagnostic,
    ) -> Diagnostic {
        let options: Vec<&str> = options
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let value = error.instance().as_str().unwrap_or_default();
        let message = format!(
            "{} is not one of {}",
            show(error.instance()),
            options.join(", ")
        );
        let diagnostic = new(codes::NOT_ONE_OF, message);
        match closest(value, options.iter().copied()) {
            Some(meant) => {
                diagnostic.fix(at.place.value, meant, format!("did you mean `{meant}`?"))
            }
            None => diagnostic,
        }
    }

    /// `"3"` where a number is wanted, `true` in quotes: the same text without them.
    fn retype(&self, diagnostic: Diagnostic, kind: &TypeKind, at: &Node) -> Diagnostic {
        let Data::Text(text) = &at.data else {
            return diagnostic;
        };
        let wanted = wanted_types(kind);
        let bare = match text.as_str() {
            "true" | "yes" | "on" if wanted.contains("#true") => "#true",
            "false" | "no" | "off" if wanted.contains("#true") => "#false",
            number if wanted.contains("number") && number.parse::<f64>().is_ok() => number,
            _ => return diagnostic,
        };
        diagnostic.fix(at.place.value, bare, format!("write {bare}"))
    }

    fn fields(&self, pointer: &str) -> Vec<String> {
        let properties = self
            .kind
            .schema_at(pointer)
            .and_then(|s| s.get("properties"));
        properties
            .and_then(Value::as_object)
            .map(|p| p.keys().cloned().collect())
            .unwrap_or_default()
    }
}

fn plain(diagnostic: Diagnostic) -> Found {
    Found {
        diagnostic,
        missing: None,
        meant: None,
    }
}

/// "missing `tenant`" beside "unknown `tennant`" is one mistake.
fn join_misspelt(found: &mut Vec<Found>) {
    let meant: Vec<_> = found.iter().filter_map(|f| f.meant.clone()).collect();
    found.retain(|f| f.missing.as_ref().is_none_or(|m| !meant.contains(m)));
}

fn reason_of(format: &str, text: &str) -> (String, Option<String>) {
    match values::format(format).map(|f| (f.check)(text)) {
        Some(Err(error)) => (error.message, error.fix),
        _ => ("has the wrong form".to_owned(), None),
    }
}

/// Most known words that a misspelt one is compared with, and most that are listed.
const MAX_COMPARED: usize = 1_000;
const MAX_LISTED: usize = 30;

/// The known word that a misspelt one most likely means.
pub fn closest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let allowed = |candidate: &str| 1 + candidate.chars().count() / 4;
    known
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed(candidate))
        .take(MAX_COMPARED)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Known words for a person: all of them while they can be read at a glance.
pub fn listed(known: &[&str]) -> String {
    let shown = known.get(..MAX_LISTED).unwrap_or(known).join(", ");
    match known.len().saturating_sub(MAX_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn wanted_types(kind: &TypeKind) -> String {
    let name = |t: &str| match t {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "#true or #false",
        "array" => "a list",
        "object" => "a block with fields",
        _ => "something else",
    };
    let mut names: Vec<&str> = match kind {
        TypeKind::Single(one) => vec![name(&one.to_string())],
        TypeKind::Multiple(several) => several.iter().map(|t| name(&t.to_string())).collect(),
    };
    if names.contains(&"a number") {
        names.retain(|n| *n != "a whole number");
    }
    names.dedup();
    names.join(" or ")
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "#null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a block",
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Bool(b) => format!("`#{b}`"),
        Value::Null => "`#null`".to_owned(),
        Value::Number(n) => format!("`{n}`"),
        Value::Array(_) => "this list".to_owned(),
        Value::Object(_) => "this".to_owned(),
    }
}

fn example(root: &Value, schema: &Value) -> Option<String> {
    let found = schema
        .get("x-example")
        .or_else(|| shape::resolve(root, schema).get("x-example"))?;
    Some(match found {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    })
}

fn lower_first(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        // An acronym keeps its capitals.
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        Some(first) => std::iter::once(first).chain(chars).collect(),
        None => String::new(),
    }
}
