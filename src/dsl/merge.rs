//! One layer of a resource over another: maps merge by key, lists and values replace, marks remove
//! and replace; whatever is decided anew remembers where it was decided before.

use super::codes;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::node::{Data, Mark, Node};

/// Lays `over` on `base`.
pub fn merge(base: &mut Node, over: Node, out: &mut Diagnostics) {
    if !matches!((&base.data, &over.data), (Data::Map(_), Data::Map(_))) {
        replace(base, over);
        return;
    }
    let (Data::Map(fields), Data::Map(news)) = (&mut base.data, over.data) else {
        return;
    };
    for (key, mut new) in news {
        match (new.mark, fields.get_mut(&key)) {
            (Mark::Remove, Some(_)) => {
                fields.shift_remove(&key);
            }
            (Mark::Remove | Mark::Replace, None) => out.push(hits_nothing(&key, &new)),
            (Mark::Replace, Some(old)) => {
                refuse_marks(&new, out);
                replace(old, new);
            }
            (Mark::Merge, Some(old)) => merge(old, new, out),
            (Mark::Merge, None) => {
                refuse_marks(&new, out);
                strip_marks(&mut new);
                fields.insert(key, new);
            }
        }
    }
}

/// The first layer: there is nothing below that a mark could hit.
pub fn first(mut node: Node, out: &mut Diagnostics) -> Node {
    refuse_marks(&node, out);
    strip_marks(&mut node);
    node
}

fn replace(old: &mut Node, mut new: Node) {
    strip_marks(&mut new);
    let mut earlier = std::mem::take(&mut old.earlier);
    earlier.push(old.place.clone());
    earlier.append(&mut new.earlier);
    new.earlier = earlier;
    *old = new;
}

fn refuse_marks(node: &Node, out: &mut Diagnostics) {
    let Data::Map(map) = &node.data else { return };
    for (key, child) in map {
        match child.mark {
            Mark::Merge => refuse_marks(child, out),
            Mark::Remove | Mark::Replace => out.push(hits_nothing(key, child)),
        }
    }
}

fn strip_marks(node: &mut Node) {
    if let Data::Map(map) = &mut node.data {
        map.retain(|_, child| child.mark != Mark::Remove);
        map.values_mut().for_each(strip_marks);
    }
    node.mark = Mark::Merge;
}

fn hits_nothing(key: &str, node: &Node) -> Diagnostic {
    let (verb, what) = match node.mark {
        Mark::Remove => ("removes", "drop this line"),
        Mark::Merge | Mark::Replace => ("replaces", "write it without `(replace)`"),
    };
    let message = format!("this {verb} `{key}`, which was not set before");
    Diagnostic::error(codes::HITS_NOTHING, node.place.key, message)
        .label("nothing to hit")
        .help(format!(
            "set `{key}` in the resource or its profile, or {what}"
        ))
}
