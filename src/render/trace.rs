//! Which data decided which rendered field: templates see a tree that notes what is read, and a second
//! run writes a mark of it into every interpolation.
//!
//! The first run's output is the truth; the second is only walked in step with it. A field written
//! by the template alone has no mark and falls back to the nearest one above.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use serde_json::{Map, Value as Json};

use super::engine;

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Data for templates.
#[derive(Debug, Clone)]
pub struct Tree(Arc<Branch>);

#[derive(Debug)]
enum Branch {
    Leaf(Value),
    List(Vec<Arc<Self>>),
    Map(Vec<(String, Arc<Self>)>),
}

impl Tree {
    /// A tree from the members of a JSON object.
    pub fn new(members: &Map<String, Json>) -> Self {
        Self(Arc::new(map(members)))
    }

    pub(super) fn plain(&self) -> Value {
        view(&self.0, String::new(), None)
    }

    pub(super) fn traced(&self, recorder: &Recorder) -> Value {
        view(&self.0, String::new(), Some(recorder))
    }
}

fn map(members: &Map<String, Json>) -> Branch {
    let each = members.iter();
    Branch::Map(each.map(|(k, v)| (k.clone(), branch(v))).collect())
}

fn branch(json: &Json) -> Arc<Branch> {
    Arc::new(match json {
        Json::Object(members) => map(members),
        Json::Array(list) => Branch::List(list.iter().map(branch).collect()),
        Json::Null => Branch::Leaf(Value::from(())),
        Json::Bool(b) => Branch::Leaf((*b).into()),
        Json::String(s) => Branch::Leaf(s.as_str().into()),
        Json::Number(n) => Branch::Leaf(match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => i.into(),
            (None, Some(u)) => u.into(),
            (None, None) => n.as_f64().unwrap_or_default().into(),
        }),
    })
}

fn view(branch: &Arc<Branch>, pointer: String, recorder: Option<&Recorder>) -> Value {
    match &**branch {
        Branch::Leaf(value) => {
            if let Some(recorder) = recorder {
                recorder.read(pointer);
            }
            value.clone()
        }
        Branch::List(_) | Branch::Map(_) => Value::from_object(View {
            branch: branch.clone(),
            pointer,
            recorder: recorder.cloned(),
        }),
    }
}

#[derive(Debug)]
struct View {
    branch: Arc<Branch>,
    pointer: String,
    recorder: Option<Recorder>,
}

impl View {
    fn child(&self, segment: &str, branch: &Arc<Branch>) -> Value {
        let pointer = match self.recorder {
            Some(_) => format!("{}/{}", self.pointer, crate::dsl::node::escape(segment)),
            None => String::new(),
        };
        view(branch, pointer, self.recorder.as_ref())
    }
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match &*self.branch {
            Branch::List(_) => ObjectRepr::Seq,
            Branch::Map(_) | Branch::Leaf(_) => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match &*self.branch {
            Branch::Leaf(_) => None,
            Branch::List(list) => {
                let index = usize::try_from(key.clone()).ok()?;
                Some(self.child(&index.to_string(), list.get(index)?))
            }
            Branch::Map(map) => {
                let name = key.as_str()?;
                let find = |name: &str| map.iter().find(|(k, _)| k == name);
                // Fields of kinds are kebab-case, names in templates cannot be.
                let (key, branch) = find(name).or_else(|| find(&name.replace('_', "-")))?;
                Some(self.child(key, branch))
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &*self.branch {
            Branch::List(list) => Enumerator::Seq(list.len()),
            Branch::Map(map) => {
                Enumerator::Values(map.iter().map(|(k, _)| Value::from(k.as_str())).collect())
            }
            Branch::Leaf(_) => Enumerator::NonEnumerable,
        }
    }
}

/// What was read between two interpolations, and the marks made of it.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Reads>>);

#[derive(Debug, Default)]
struct Reads {
    pending: Vec<String>,
    marks: Vec<Vec<String>>,
}

impl Recorder {
    fn read(&self, pointer: String) {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reads.pending.push(pointer);
    }

    /// The JSON of a value with a mark in every text below it.
    pub(super) fn mark(&self, value: &Value) -> String {
        let container = value
            .downcast_object_ref::<View>()
            .map(|v| (v.pointer.clone(), v.branch.clone()));
        match container {
            Some((pointer, branch)) => {
                let mut json = Json::Null;
                self.mark_below(&branch, &pointer, &mut json);
                self.take();
                json.to_string()
            }
            None => {
                let id = self.take();
                let text = value
                    .as_str()
                    .map_or_else(|| engine::json(value), str::to_owned);
                Json::String(format!("{OPEN}{id}{CLOSE}{text}")).to_string()
            }
        }
    }

    fn mark_below(&self, branch: &Branch, pointer: &str, out: &mut Json) {
        let below = |segment: &str| format!("{pointer}/{}", crate::dsl::node::escape(segment));
        *out = match branch {
            Branch::Leaf(value) => {
                self.read(pointer.to_owned());
                let id = self.take();
                Json::String(format!("{OPEN}{id}{CLOSE}{}", engine::json(value)))
            }
            Branch::List(list) => {
                let one = |(i, b): (usize, &Arc<Branch>)| {
                    let mut json = Json::Null;
                    self.mark_below(b, &below(&i.to_string()), &mut json);
                    json
                };
                list.iter().enumerate().map(one).collect()
            }
            Branch::Map(map) => {
                let one = |(k, b): &(String, Arc<Branch>)| {
                    let mut json = Json::Null;
                    self.mark_below(b, &below(k), &mut json);
                    (k.clone(), json)
                };
                Json::Object(map.iter().map(one).collect())
            }
        };
    }

    /// A new mark of everything read since the last one; the latest read, which decides, comes first.
    fn take(&self) -> usize {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pending = std::mem::take(&mut reads.pending);
        pending.reverse();
        reads.marks.push(pending);
        reads.marks.len() - 1
    }

    /// For every marked field of a document: its pointer and the data pointers behind it.
    pub fn fields(&self, truth: &Json, marked: &Json) -> Vec<(String, Vec<String>)> {
        let reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        walk(truth, marked, String::new(), &reads, &mut out);
        out
    }
}

fn walk(
    truth: &Json,
    marked: &Json,
    pointer: String,
    reads: &Reads,
    out: &mut Vec<(String, Vec<String>)>,
) {
    match (truth, marked) {
        (Json::Object(a), Json::Object(b)) => {
            for (key, value) in a {
                if let Some(other) = b.get(key) {
                    walk(
                        value,
                        other,
                        format!("{pointer}/{}", crate::dsl::node::escape(key)),
                        reads,
                        out,
                    );
                }
            }
        }
        (Json::Array(a), Json::Array(b)) => {
            for (index, (value, other)) in a.iter().zip(b).enumerate() {
                walk(value, other, format!("{pointer}/{index}"), reads, out);
            }
        }
        (_, Json::String(text)) => {
            let found: Vec<String> = marks(text)
                .flat_map(|id| reads.marks.get(id).cloned().unwrap_or_default())
                .collect();
            if !found.is_empty() {
                out.push((pointer, found));
            }
        }
        _ => {}
    }
}

fn marks(text: &str) -> impl Iterator<Item = usize> {
    text.split(OPEN)
        .skip(1)
        .filter_map(|rest| rest.split(CLOSE).next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_are_marked_per_field() {
        let data = json!({"app": {"env-from": "x", "ports": [{"n": 80}], "labels": {"a": "b"}}});
        let tree = Tree::new(data.as_object().unwrap());
        let recorder = Recorder::default();
        let root = tree.traced(&recorder);
        let app = root.get_attr("app").unwrap();
        let text = recorder.mark(&app.get_attr("env_from").unwrap());
        let marked = serde_json::from_str::<Json>(&text).unwrap();
        assert_eq!(
            recorder.fields(&json!("x"), &marked),
            [(String::new(), vec!["/app/env-from".to_owned()])]
        );
        let labels: Json =
            serde_json::from_str(&recorder.mark(&app.get_attr("labels").unwrap())).unwrap();
        let fields = recorder.fields(&json!({"a": "b"}), &labels);
        assert_eq!(
            fields,
            [("/a".to_owned(), vec!["/app/labels/a".to_owned()])]
        );
    }
}
