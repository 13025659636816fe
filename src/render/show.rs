//! A resource as composed: every field, its value and where it was decided.

use serde_json::Value;

use crate::dsl::diagnostic::Span;
use crate::dsl::node::{Layer, Node, Place, escape};
use crate::kinds::scope::World;
use crate::model::job::{Shown, ShownField};
use crate::object::ResourceId;

/// The owner's resources of that kind and name on one target.
pub fn show(world: &World, own: &[ResourceId], kind: &str, name: &str) -> Vec<Shown> {
    let wanted = own.iter().filter(|id| id.kind == kind && id.name == name);
    wanted
        .filter_map(|id| {
            let member = world.resources.get(id)?;
            let json = member.resource.to_json().ok()?;
            let mut fields = Vec::new();
            walk(&json, &member.node, String::new(), &mut fields);
            Some(Shown {
                resource: id.clone(),
                fields,
            })
        })
        .collect()
}

fn walk(value: &Value, root: &Node, pointer: String, out: &mut Vec<ShownField>) {
    match value {
        Value::Null => {}
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                walk(value, root, format!("{pointer}/{}", escape(key)), out);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                walk(value, root, format!("{pointer}/{index}"), out);
            }
        }
        Value::Object(_) | Value::Array(_) => {}
        scalar => {
            let node = root.at(&pointer);
            out.push(ShownField {
                value: scalar.clone(),
                origin: node.map(|n| origin(&n.place)),
                earlier: node
                    .map(|n| n.earlier.iter().map(origin).collect())
                    .unwrap_or_default(),
                pointer,
            });
        }
    }
}

fn origin(place: &Place) -> (Span, String) {
    let layer = match &place.layer {
        Layer::Resource => "resource".to_owned(),
        Layer::Profile(name) => format!("profile {name}"),
        Layer::Environment(selector) => format!("in {selector}"),
    };
    (place.value, layer)
}
