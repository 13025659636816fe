//! Every field of a kind's schema, and where a text writes it.

use std::collections::BTreeMap;
use std::ops::Range;

use kubemate::dsl::raw::RawNode;
use kubemate::dsl::shape::{Record, Shape, resolve};
use kubemate::kinds;
use kubemate::model::job::InputFile;
use kubemate::model::parse::parse_file;
use kubemate::source::{FileId, RepoPath};
use serde_json::Value;

/// A field of a schema.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// As in `app/port/service`.
    pub(super) path: String,
    /// Its name and its schema: where these are the same, it is written in the same way.
    pub(super) origin: String,
}

/// Where a text writes a field.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As in `app/port/service`.
    pub(super) path: String,
    /// What is left out to leave the field out.
    pub(super) whole: Range<usize>,
    /// Its value, where it has a single one; else where something can be added to it.
    pub(super) value: Option<Range<usize>>,
    /// The schema of the value.
    pub(super) schema: Value,
    /// Whether the value is a bare flag without text.
    pub(super) flag: bool,
    /// Where a child can be put: inside its block, or a new block behind it.
    pub(super) inside: Option<Inside>,
}

/// Where a child can be put.
#[derive(Debug, Clone)]
pub(super) enum Inside {
    /// Right behind the brace.
    Block(usize),
    /// A block of its own, here.
    Behind(usize),
}

/// Every field of a kind.
pub(super) fn fields(kind: &str) -> Vec<Field> {
    let schema = kinds::schema(kind).expect("a kind");
    let mut out = Vec::new();
    list(&schema.json, &schema.json, &schema.shape, kind, &mut out);
    out
}

fn list(root: &Value, schema: &Value, shape: &Shape, path: &str, out: &mut Vec<Field>) {
    let schema = resolve(root, schema);
    match shape {
        Shape::Record(record) => {
            for (name, field) in &record.fields {
                let path = format!("{path}/{name}");
                let mut own = schema["properties"][name].clone();
                for words in ["description", "default"] {
                    own.as_object_mut().unwrap().remove(words);
                }
                out.push(Field {
                    path: path.clone(),
                    origin: format!("{name} {own}"),
                });
                list(root, &schema["properties"][name], &field.shape, &path, out);
            }
        }
        Shape::Block(item) | Shape::Keyed(item) | Shape::Props(item) => {
            list(root, &schema["additionalProperties"], item, path, out);
        }
        Shape::Repeated(item) | Shape::Args(item) => {
            list(root, &schema["items"], item, path, out);
        }
        Shape::Scalar(_) => {}
    }
}

/// Every place of a text that writes a field of a kind.
pub(super) fn places(text: &str) -> Vec<Place> {
    let input = InputFile {
        id: FileId(0),
        path: RepoPath::new("a.kdl").unwrap(),
        text: text.to_owned(),
        known: None,
    };
    let (parsed, problems) = parse_file(&input);
    assert!(problems.is_empty(), "{problems:#?}");
    let mut out = Vec::new();
    for node in &parsed.nodes {
        let Some(schema) = kinds::schema(&node.name) else {
            continue;
        };
        let mut walk = Walk {
            text,
            root: &schema.json,
            out: &mut out,
        };
        walk.shape(node, 0, &schema.shape, &schema.json, &node.name);
    }
    out
}

struct Walk<'a> {
    text: &'a str,
    root: &'a Value,
    out: &'a mut Vec<Place>,
}

fn range(at: (u32, u32)) -> Range<usize> {
    at.0 as usize..at.1 as usize
}

impl Walk<'_> {
    fn add(
        &mut self,
        path: &str,
        mut whole: Range<usize>,
        value: Option<Range<usize>>,
        schema: &Value,
    ) {
        // A node goes with the semicolon that ends it.
        let rest = &self.text[whole.end..];
        let written = self.text[whole.clone()].strip_prefix(path.rsplit('/').next().unwrap());
        let node = written.is_some_and(|rest| !rest.starts_with('='));
        if node && rest.trim_start_matches(' ').starts_with(';') {
            whole.end += rest.find(';').unwrap_or_default() + 1;
        }
        self.out.push(Place {
            path: path.to_owned(),
            whole,
            value,
            schema: resolve(self.root, schema).clone(),
            flag: false,
            inside: None,
        });
    }

    /// What stands below a node, of which the first arguments are taken already.
    fn shape(&mut self, node: &RawNode, taken: usize, shape: &Shape, schema: &Value, path: &str) {
        let schema = resolve(self.root, schema).clone();
        match shape {
            Shape::Record(record) => self.record(node, taken, record, &schema, path),
            Shape::Block(item) => {
                for child in &node.children {
                    self.shape(child, 0, item, &schema["additionalProperties"], path);
                }
            }
            _ => {}
        }
    }

    fn record(
        &mut self,
        node: &RawNode,
        taken: usize,
        record: &Record,
        schema: &Value,
        path: &str,
    ) {
        let properties = &schema["properties"];
        for (index, arg) in node.args.iter().skip(taken).enumerate() {
            let at = range(arg.at);
            if let Some(name) = record.args.get(index) {
                self.add(
                    &format!("{path}/{name}"),
                    at.clone(),
                    Some(at),
                    &properties[name],
                );
            } else if let Some(name) = &record.rest {
                let items = resolve(self.root, &properties[name])["items"].clone();
                self.add(&format!("{path}/{name}"), at.clone(), Some(at), &items);
            }
        }
        for prop in &node.props {
            let (whole, value) = (prop.key_at.0 as usize..prop.at.1 as usize, range(prop.at));
            let schema = &properties[&prop.key];
            self.add(&format!("{path}/{}", prop.key), whole, Some(value), schema);
        }
        for child in &node.children {
            let Some(field) = record.fields.get(&child.name) else {
                continue;
            };
            let path = format!("{path}/{}", child.name);
            self.child(child, &field.shape, &properties[&child.name], &path);
        }
    }

    fn child(&mut self, node: &RawNode, shape: &Shape, schema: &Value, path: &str) {
        let schema = resolve(self.root, schema).clone();
        let (item, below, taken) = match shape {
            Shape::Keyed(item) => (&**item, &schema["additionalProperties"], 1),
            Shape::Repeated(item) => (&**item, &schema["items"], 0),
            other => (other, &schema, 0),
        };
        let below = resolve(self.root, below).clone();
        let arg = node.args.get(taken).map(|arg| range(arg.at));
        match item {
            Shape::Scalar(scalar) => {
                self.add(path, range(node.at), arg.clone(), &below);
                let place = self.out.last_mut().unwrap();
                place.flag = scalar.flag && arg.is_none();
            }
            Shape::Args(_) => self.add(path, range(node.at), arg, &below["items"]),
            Shape::Props(_) => {
                let value = node.props.first().map(|prop| range(prop.at));
                self.add(path, range(node.at), value, &below["additionalProperties"]);
            }
            Shape::Block(item) if matches!(**item, Shape::Scalar(_)) => {
                let value = node.children.first().and_then(|child| child.args.first());
                let value = value.map(|arg| range(arg.at));
                self.add(path, range(node.at), value, &below["additionalProperties"]);
            }
            _ => {
                self.add(path, range(node.at), None, &below);
                let inside = self.inside(node);
                self.out.last_mut().unwrap().inside = Some(inside);
                self.shape(node, taken, item, &below, path);
            }
        }
    }

    fn inside(&self, node: &RawNode) -> Inside {
        let entries = node
            .args
            .iter()
            .map(|a| a.at.1)
            .chain(node.props.iter().map(|p| p.at.1));
        let start = entries.chain([node.name_at.1]).max().unwrap() as usize;
        if node.block {
            let brace = self.text[start..].find('{').expect("a block has a brace");
            return Inside::Block(start + brace + 1);
        }
        Inside::Behind(start)
    }
}

/// A text with parts of it replaced; parts do not overlap.
pub(super) fn edited(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut sorted: Vec<_> = edits.iter().collect();
    sorted.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::new();
    let mut done = 0;
    for (range, with) in sorted {
        assert!(
            range.start >= done,
            "two edits of one place: {range:?} {with}"
        );
        out.push_str(&text[done..range.start]);
        out.push_str(with);
        done = range.end;
    }
    out + &text[done..]
}

/// The lines of a text, counted from 1, that a range touches.
pub(super) fn lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let line = |at: usize| 1 + text[..at.min(text.len())].matches('\n').count();
    let end = range.end.max(range.start + 1) - 1;
    line(range.start)..line(end) + 1
}

/// Texts of places by the definition they are of, for places that lack them.
pub(super) fn donors(text: &str, fields: &[Field]) -> BTreeMap<String, Vec<String>> {
    let origins: BTreeMap<&str, &str> = fields
        .iter()
        .map(|field| (field.path.as_str(), field.origin.as_str()))
        .collect();
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for place in places(text) {
        let Some(origin) = origins.get(place.path.as_str()) else {
            continue;
        };
        let name = place.path.rsplit('/').next().unwrap();
        let written = text[place.whole.clone()].trim().trim_end_matches(';');
        let node = match (&place.value, written.starts_with(name)) {
            // A property or a positional value, written as a node.
            (Some(value), _) if place.inside.is_none() && !written.contains('{') && !place.flag => {
                let rest = written.strip_prefix(name).unwrap_or_default();
                if rest.starts_with(' ') {
                    written.to_owned()
                } else {
                    format!("{name} {}", &text[value.clone()])
                }
            }
            _ => written.to_owned(),
        };
        out.entry((*origin).to_owned()).or_default().push(node);
    }
    out
}
