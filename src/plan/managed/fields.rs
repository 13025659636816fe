//! Trees of paths back in the form the API server stores, and parts of them handed to someone else.

use serde_json::{Map, Value, json};

use crate::object::FIELD_MANAGER;
use crate::plan::managed::{
    FieldTree, ManagerEntry, Operation, fits, segment, step_into, unescape,
};

impl FieldTree {
    /// The tree as a FieldsV1 value.
    pub fn to_fields(&self) -> Value {
        let mut map = Map::new();
        if self.owned && !self.children.is_empty() {
            map.insert(".".into(), json!({}));
        }
        for (name, below) in &self.children {
            map.insert(name.clone(), below.to_fields());
        }
        Value::Object(map)
    }

    /// Whether it owns nothing.
    pub fn is_empty(&self) -> bool {
        !self.owned && self.children.is_empty()
    }

    /// Takes what is owned at and below a pointer into `object` out, and returns it as a tree from the
    /// root on; none where nothing is owned there. The empty pointer means everything.
    pub fn cut(&mut self, pointer: &str, object: &Value) -> Option<Self> {
        let Some(rest) = pointer.strip_prefix('/') else {
            return (!self.is_empty()).then(|| std::mem::take(self));
        };
        let (part, rest) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let part = unescape(part);
        let name = self.name_of(&part, object)?;
        let below = step_into(object, &part)?;
        let child = self.children.get_mut(&name)?;
        let cut = child.cut(rest, below)?;
        if child.is_empty() {
            self.children.remove(&name);
        }
        Some(Self {
            owned: false,
            children: [(name, cut)].into_iter().collect(),
        })
    }

    /// The name of the child that a part of a pointer leads to.
    fn name_of(&self, part: &str, object: &Value) -> Option<String> {
        let Value::Array(items) = object else {
            let name = format!("f:{part}");
            return self.children.contains_key(&name).then_some(name);
        };
        let index: usize = part.parse().ok()?;
        let item = items.get(index)?;
        let mut names = self.children.keys();
        names
            .find(|name| fits(&segment(name), item, index))
            .cloned()
    }
}

impl ManagerEntry {
    /// An entry of ours that owns these fields.
    pub fn our_own(api_version: &str, fields: FieldTree) -> Self {
        Self {
            manager: FIELD_MANAGER.to_owned(),
            operation: Operation::Apply,
            subresource: String::new(),
            api_version: api_version.to_owned(),
            time: None,
            fields,
        }
    }

    /// The entry as the API server stores it.
    pub fn to_json(&self) -> Value {
        let operation = match self.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let mut entry = json!({
            "manager": self.manager, "operation": operation, "apiVersion": self.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_fields(),
        });
        if let Some(map) = entry.as_object_mut() {
            if let Some(time) = &self.time {
                map.insert("time".into(), time.as_str().into());
            }
            if !self.subresource.is_empty() {
                map.insert("subresource".into(), self.subresource.as_str().into());
            }
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> FieldTree {
        FieldTree::read(&json!({"f:spec":{"f:ports":{".":{},
            "k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:name":{}},
            "k:{\"port\":81,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:type":{}}}))
    }

    #[test]
    fn what_was_read_is_written_again() {
        assert_eq!(FieldTree::read(&tree().to_fields()), tree());
    }

    #[test]
    fn a_cut_and_what_is_left_are_the_whole() {
        let object = json!({"spec":{"type":"ClusterIP","ports":[
            {"port":81,"protocol":"TCP"},{"port":80,"protocol":"TCP","name":"a"}]}});
        for pointer in [
            "",
            "/spec",
            "/spec/ports/0",
            "/spec/ports/1/name",
            "/spec/type",
        ] {
            let mut left = tree();
            let cut = left.cut(pointer, &object).unwrap();
            assert!(
                left.is_empty() == pointer.is_empty() || pointer == "/spec",
                "{pointer}"
            );
            left.merge(&cut);
            assert_eq!(left, tree(), "{pointer}");
        }
        assert_eq!(tree().cut("/spec/clusterIP", &object), None);
    }
}
