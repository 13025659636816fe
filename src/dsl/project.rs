//! One node of KDL into a [`Node`] tree by its [`Shape`]: names find their field, positional values
//! their name, and every value keeps its place.
//!
//! Projection judges form only: what is written twice, where a value is missing, what has no place.
//! Unknown names are kept in the tree; the schema check reports them together with missing ones.

use indexmap::IndexMap;

use super::codes;
use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::node::{Data, Layer, Mark, Node, Place};
use super::raw::{self, Range, RawNode, Scalar};
use super::shape::{Record, Shape};
use crate::source::FileId;

/// Where and for which layer nodes are projected, and what was found on the way.
pub struct Projector<'a> {
    file: FileId,
    layer: Layer,
    out: &'a mut Diagnostics,
}

impl<'a> Projector<'a> {
    /// A projector for nodes of one file and layer.
    pub fn new(file: FileId, layer: Layer, out: &'a mut Diagnostics) -> Self {
        Self { file, layer, out }
    }

    /// The body of a node whose shape is a record, the children named in `skip` left out.
    pub fn record(&mut self, raw: &RawNode, record: &Record, skip: &[&str]) -> Node {
        let mut map = IndexMap::new();
        self.positional(raw, record, &mut map);
        for prop in &raw.props {
            let (name, shape) = field(record, &prop.key);
            let node = self.value(&prop.value, prop.at, prop.key_at, shape);
            self.insert(&mut map, name, node);
        }
        for child in raw
            .children
            .iter()
            .filter(|c| !skip.contains(&c.name.as_str()))
        {
            let (name, shape) = field(record, &child.name);
            self.child(child, name, shape, &mut map);
        }
        let mut node = Node::new(Data::Map(map), self.place(raw.name_at, raw.at));
        node.mark = self.mark(raw);
        node
    }

    fn positional(&mut self, raw: &RawNode, record: &Record, map: &mut IndexMap<String, Node>) {
        let mut rest = Vec::new();
        for (index, arg) in raw.args.iter().enumerate() {
            if let Some(name) = record.args.get(index) {
                let shape = record.fields.get(name).map(|f| &f.shape);
                let node = self.value(&arg.value, arg.at, arg.at, shape);
                self.insert(map, name, node);
            } else if let Some(name) = &record.rest {
                let shape = record.fields.get(name).map(|f| f.shape.item());
                rest.push(self.value(&arg.value, arg.at, arg.at, shape));
            } else {
                self.unexpected(raw, record.args.len(), arg.at);
            }
        }
        if let (Some(name), Some(first)) = (&record.rest, rest.first()) {
            let place = first.place.clone();
            self.insert(map, name, Node::new(Data::List(rest), place));
        }
    }

    fn child(
        &mut self,
        raw: &RawNode,
        name: &str,
        shape: Option<&Shape>,
        map: &mut IndexMap<String, Node>,
    ) {
        match shape {
            Some(Shape::Repeated(item)) => {
                let node = self.node(raw, Some(item));
                match map.get_mut(name).map(|n| &mut n.data) {
                    Some(Data::List(list)) => list.push(node),
                    _ => {
                        let place = node.place.clone();
                        map.insert(name.to_owned(), Node::new(Data::List(vec![node]), place));
                    }
                }
            }
            Some(Shape::Keyed(item)) => self.keyed(raw, name, item, map),
            Some(Shape::Props(item)) => {
                for prop in &raw.props {
                    let node = self.value(&prop.value, prop.at, prop.key_at, Some(item));
                    let group = self.group(map, name, raw);
                    self.insert_into(group, &prop.key, node);
                }
                for arg in &raw.args {
                    self.unexpected(raw, 0, arg.at);
                }
            }
            _ => {
                let node = self.node(raw, shape);
                self.insert(map, name, node);
            }
        }
    }

    fn keyed(&mut self, raw: &RawNode, name: &str, item: &Shape, map: &mut IndexMap<String, Node>) {
        let Some(label) = raw.args.first() else {
            let message = format!("`{}` needs a name", raw.name);
            let at = self.span(raw.name_at);
            let example = format!("write it right after the node: `{} NAME …`", raw.name);
            self.out.push(
                Diagnostic::error(codes::NEEDS_VALUE, at, message)
                    .label("no name given")
                    .help(example),
            );
            return;
        };
        let key = match &label.value {
            Scalar::Text(text) => text.clone(),
            other => other.to_json().to_string(),
        };
        let mut inner = raw.clone();
        let label_at = label.at;
        inner.args.remove(0);
        let mut node = self.node(&inner, Some(item));
        node.place.key = self.span(label_at);
        let group = self.group(map, name, raw);
        self.insert_into(group, &key, node);
    }

    /// The map that holds all nodes of one repeated name.
    fn group<'m>(
        &self,
        map: &'m mut IndexMap<String, Node>,
        name: &str,
        raw: &RawNode,
    ) -> &'m mut IndexMap<String, Node> {
        let place = self.place(raw.name_at, raw.at);
        let node = map
            .entry(name.to_owned())
            .or_insert_with(|| Node::new(Data::Map(IndexMap::new()), place));
        if !matches!(node.data, Data::Map(_)) {
            node.data = Data::Map(IndexMap::new());
        }
        match &mut node.data {
            Data::Map(map) => map,
            _ => unreachable!("just made a map"),
        }
    }

    /// One node as a value of its shape; without a shape (an unknown field) as far as it goes.
    fn node(&mut self, raw: &RawNode, shape: Option<&Shape>) -> Node {
        let mut node = match shape {
            Some(Shape::Record(record)) => self.record(raw, record, &[]),
            Some(Shape::Block(item)) => self.block(raw, item),
            Some(Shape::Args(item)) => self.list(raw, item),
            Some(shape) => self.single(raw, Some(shape)),
            None => {
                // Its inside cannot be judged: the unknown name is the one thing to say.
                Node::new(Data::Null, self.place(raw.name_at, raw.at))
            }
        };
        node.place.key = self.span(raw.name_at);
        node.mark = self.mark(raw);
        node
    }

    fn block(&mut self, raw: &RawNode, item: &Shape) -> Node {
        self.no_entries(raw, "its entries stand in `{ }`");
        let mut map = IndexMap::new();
        for child in &raw.children {
            let node = self.node(child, Some(item));
            self.insert_into(&mut map, &child.name, node);
        }
        Node::new(Data::Map(map), self.place(raw.name_at, raw.at))
    }

    fn list(&mut self, raw: &RawNode, item: &Shape) -> Node {
        for prop in &raw.props {
            self.no_place(raw, prop.key_at, "it takes plain values only");
        }
        self.no_children(raw);
        let items: Vec<Node> = raw
            .args
            .iter()
            .map(|arg| self.value(&arg.value, arg.at, arg.at, Some(item)))
            .collect();
        if items.is_empty() && raw.mark.is_none() {
            self.needs_value(raw);
        }
        Node::new(Data::List(items), self.place(raw.name_at, raw.at))
    }

    fn single(&mut self, raw: &RawNode, shape: Option<&Shape>) -> Node {
        for prop in &raw.props {
            self.no_place(raw, prop.key_at, "it takes one plain value");
        }
        self.no_children(raw);
        for arg in raw.args.iter().skip(1) {
            self.unexpected(raw, 1, arg.at);
        }
        let flag = matches!(shape, Some(Shape::Scalar(scalar)) if scalar.flag);
        match raw.args.first() {
            Some(arg) => self.value(&arg.value, arg.at, raw.name_at, shape),
            None if flag => Node::new(Data::Bool(true), self.place(raw.name_at, raw.name_at)),
            None => {
                if raw.mark.is_none() {
                    self.needs_value(raw);
                }
                Node::new(Data::Null, self.place(raw.name_at, raw.name_at))
            }
        }
    }

    /// A single value; where the field takes several or a record, it is the first of them.
    fn value(&mut self, value: &Scalar, at: Range, key: Range, shape: Option<&Shape>) -> Node {
        let place = self.place(key, at);
        match shape {
            Some(Shape::Record(record)) if !record.args.is_empty() => {
                let inner = record.fields.get(&record.args[0]).map(|f| &f.shape);
                let node = self.value(value, at, at, inner);
                let map = IndexMap::from([(record.args[0].clone(), node)]);
                Node::new(Data::Map(map), place)
            }
            Some(Shape::Args(item) | Shape::Repeated(item)) => {
                let node = self.value(value, at, at, Some(item));
                Node::new(Data::List(vec![node]), place)
            }
            Some(Shape::Scalar(scalar)) => {
                let mut node = Node::new(data(value), place);
                node.template = scalar.interpolate && has_template(value);
                node
            }
            _ => Node::new(data(value), place),
        }
    }

    fn insert(&mut self, map: &mut IndexMap<String, Node>, name: &str, node: Node) {
        self.insert_into(map, name, node);
    }

    fn insert_into(&mut self, map: &mut IndexMap<String, Node>, name: &str, node: Node) {
        if let Some(first) = map.get(name) {
            let message = format!("`{name}` is set twice");
            self.out.push(
                Diagnostic::error(codes::SET_TWICE, node.place.key, message)
                    .label("set again here")
                    .related(first.place.key, "first set here")
                    .help("keep one of the two: a fact has one place"),
            );
            return;
        }
        map.insert(name.to_owned(), node);
    }

    fn mark(&mut self, raw: &RawNode) -> Mark {
        match raw.mark.as_deref() {
            None => Mark::Merge,
            Some("remove") => Mark::Remove,
            Some("replace") => Mark::Replace,
            Some(other) => {
                let message = format!("`({other})` is not known before a node");
                let at = self.span(raw.name_at);
                self.out.push(
                    Diagnostic::error(codes::UNKNOWN_MARK, at, message)
                        .help("inside `in` blocks a node may be marked `(remove)` or `(replace)`"),
                );
                Mark::Merge
            }
        }
    }

    fn unexpected(&mut self, raw: &RawNode, takes: usize, at: Range) {
        let takes = match takes {
            0 => "no plain value".to_owned(),
            1 => "one plain value".to_owned(),
            n => format!("{n} plain values"),
        };
        let message = format!("`{}` takes {takes}", raw.name);
        let diagnostic = Diagnostic::error(codes::TOO_MANY_VALUES, self.span(at), message);
        self.out.push(diagnostic.label("one too many"));
    }

    fn no_place(&mut self, raw: &RawNode, at: Range, why: &str) {
        let message = format!("`{}` cannot have this: {why}", raw.name);
        self.out.push(
            Diagnostic::error(codes::NO_PLACE, self.span(at), message).label("has no place here"),
        );
    }

    fn no_children(&mut self, raw: &RawNode) {
        if let Some(child) = raw.children.first() {
            self.no_place(raw, child.name_at, "it takes no block");
        }
    }

    fn no_entries(&mut self, raw: &RawNode, why: &str) {
        let args = raw.args.iter().map(|a| a.at);
        let props = raw.props.iter().map(|p| p.key_at);
        for at in args.chain(props).collect::<Vec<_>>() {
            self.no_place(raw, at, why);
        }
    }

    fn needs_value(&mut self, raw: &RawNode) {
        let message = format!("`{}` needs a value", raw.name);
        let at = self.span(raw.name_at);
        self.out
            .push(Diagnostic::error(codes::NEEDS_VALUE, at, message).label("no value given"));
    }

    fn span(&self, range: Range) -> Span {
        raw::span(self.file, range)
    }

    fn place(&self, key: Range, value: Range) -> Place {
        Place {
            key: self.span(key),
            value: self.span(value),
            layer: self.layer.clone(),
        }
    }
}

/// The field of that name, also by a name it had before.
fn field<'r>(record: &'r Record, written: &'r str) -> (&'r str, Option<&'r Shape>) {
    if let Some(field) = record.fields.get(written) {
        return (written, Some(&field.shape));
    }
    let renamed = record
        .fields
        .iter()
        .find(|(_, f)| f.renamed_from.iter().any(|old| old == written));
    renamed.map_or((written, None), |(name, field)| {
        (name.as_str(), Some(&field.shape))
    })
}

fn data(value: &Scalar) -> Data {
    match value {
        Scalar::Null => Data::Null,
        Scalar::Bool(b) => Data::Bool(*b),
        Scalar::Int(i) => Data::Int(*i),
        Scalar::Float(f) => Data::Float(*f),
        Scalar::Text(s) => Data::Text(s.clone()),
    }
}

fn has_template(value: &Scalar) -> bool {
    matches!(value, Scalar::Text(text) if text.contains("${"))
}
