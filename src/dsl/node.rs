//! A resource as data with places: the tree that projection makes, composition merges and checks read.

use indexmap::IndexMap;
use serde_json::Value;

use super::diagnostic::Span;

/// Which layer of a resource set a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The resource's own node.
    Resource,
    /// A profile that the resource uses, by name.
    Profile(String),
    /// An `in` block, by what it names, as in `prod` or `prod cluster=sh-b`.
    Environment(String),
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the field: property key, node name or, for positional values, the value.
    pub key: Span,
    /// The value: of a node with children, all of it.
    pub value: Span,
    /// Who set it.
    pub layer: Layer,
}

/// What an override does to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Merge, the unmarked way.
    Merge,
    /// `(remove)`: the field must be there and goes away.
    Remove,
    /// `(replace)`: the field must be there; what it held is forgotten.
    Replace,
}

/// A value, where it stands, and where it stood in weaker layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub data: Data,
    /// The place that decided it.
    pub place: Place,
    /// Places that said something else before, weakest first.
    pub earlier: Vec<Place>,
    /// What the author asked for.
    pub mark: Mark,
    /// Whether `${…}` in the text is still to be replaced.
    pub template: bool,
}

/// The value of a [`Node`].
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// No value.
    Null,
    /// A flag.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list; an element's place is its own.
    List(Vec<Node>),
    /// Fields or keyed entries, in the order of writing.
    Map(IndexMap<String, Node>),
}

impl Node {
    /// A value without history.
    pub fn new(data: Data, place: Place) -> Self {
        Self {
            data,
            place,
            earlier: Vec::new(),
            mark: Mark::Merge,
            template: false,
        }
    }

    /// A field of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The text of a field of a map.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node at a JSON pointer.
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        pointer
            .split('/')
            .skip(1)
            .try_fold(self, |node, segment| match &node.data {
                Data::Map(map) => map.get(&unescape(segment)),
                Data::List(list) => list.get(segment.parse::<usize>().ok()?),
                _ => None,
            })
    }

    /// The node at a JSON pointer, or the nearest one above that exists.
    pub fn nearest(&self, pointer: &str) -> &Self {
        let mut at = pointer;
        loop {
            if let Some(node) = self.at(at) {
                return node;
            }
            match at.rsplit_once('/') {
                Some((parent, _)) => at = parent,
                None => return self,
            }
        }
    }

    /// As plain JSON.
    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(b) => (*b).into(),
            Data::Int(i) => (*i).into(),
            Data::Float(f) => (*f).into(),
            Data::Text(s) => s.as_str().into(),
            Data::List(list) => list.iter().map(Self::to_json).collect(),
            Data::Map(map) => {
                Value::Object(map.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
            }
        }
    }

    /// How many values there are, itself included.
    pub fn count(&self) -> usize {
        1 + match &self.data {
            Data::List(list) => list.iter().map(Self::count).sum(),
            Data::Map(map) => map.values().map(Self::count).sum(),
            _ => 0,
        }
    }
}

/// A key as a segment of a JSON pointer.
pub fn escape(key: &str) -> String {
    if key.contains(['~', '/']) {
        key.replace('~', "~0").replace('/', "~1")
    } else {
        key.to_owned()
    }
}

/// A segment of a JSON pointer as a key.
pub fn unescape(segment: &str) -> String {
    if segment.contains('~') {
        segment.replace("~1", "/").replace("~0", "~")
    } else {
        segment.to_owned()
    }
}
