//! The images that an object makes a cluster fetch, wherever a pod's template stands in it.

use serde_json::Value;

use crate::dsl::codes;
use crate::dsl::diagnostic::{Diagnostic, Span};
use crate::dsl::node::escape;
use crate::kinds::Scope;
use crate::kinds::image_policy::judge;
use crate::object::Desired;
use crate::values::Grammar as _;
use crate::values::image::ImageReference;

/// Lists of a pod whose items have an image.
const LISTS: &[&str] = &["containers", "initContainers", "ephemeralContainers"];

/// One image of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// The image as it is written.
    pub image: String,
    /// Pointer to it.
    pub pointer: String,
    /// The container's or volume's name, empty where it has none.
    pub name: String,
}

/// All images of an object, those of containers and of volumes made of images; also in templates of
/// pods inside of other kinds.
pub fn images(body: &Value) -> Vec<Used> {
    let mut all = Vec::new();
    walk(body, "", &mut all);
    all
}

fn walk(value: &Value, at: &str, out: &mut Vec<Used>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                let pointer = format!("{at}/{}", escape(key));
                if let Some(list) = child.as_array() {
                    items(key, list, &pointer, out);
                }
                walk(child, &pointer, out);
            }
        }
        Value::Array(list) => {
            for (index, child) in list.iter().enumerate() {
                walk(child, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

fn items(key: &str, list: &[Value], at: &str, out: &mut Vec<Used>) {
    let image = match key {
        "volumes" => "/image/reference",
        key if LISTS.contains(&key) => "/image",
        _ => return,
    };
    for (index, item) in list.iter().enumerate() {
        if let Some(found) = item.pointer(image).and_then(Value::as_str) {
            let name = item.get("name").and_then(Value::as_str);
            out.push(Used {
                image: found.to_owned(),
                pointer: format!("{at}/{index}{image}"),
                name: name.unwrap_or_default().to_owned(),
            });
        }
    }
}

/// What the platform's policies refuse about the images of an object.
pub(super) fn refused(desired: &Desired, scope: &Scope<'_>) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    if !judge::any(scope) {
        return out;
    }
    for used in images(&desired.manifest.body) {
        let place = desired.source.find(&used.pointer).first().copied();
        match ImageReference::parse(&used.image) {
            Ok(image) => {
                let breaches = judge::judge((&image).into(), scope).into_iter();
                out.extend(breaches.map(|breach| on(desired, place, breach)));
            }
            // The API server takes names that nobody can fetch; a policy cannot judge them.
            Err(error) => {
                let message = format!("no policy can judge the image `{}`: {error}", used.image);
                out.push(match place {
                    Some(at) => Diagnostic::error(codes::IMAGE_REGISTRY, at, message),
                    None => Diagnostic::global(codes::IMAGE_REGISTRY, message),
                });
            }
        }
    }
    for diagnostic in &mut out {
        diagnostic.environments = vec![scope.target.environment.clone()];
    }
    out
}

fn on(desired: &Desired, place: Option<Span>, breach: judge::Breach) -> Diagnostic {
    match place {
        Some(at) => breach.at(at).label(desired.manifest.key.to_string()),
        None => Diagnostic::global(breach.code, breach.message).help(breach.help),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_found_wherever_a_pod_is_written() {
        let pod = json!({
            "containers": [{"name": "a", "image": "r/a:1"}],
            "initContainers": [{"name": "b", "image": "r/b:1"}, {"name": "none"}],
            "volumes": [{"name": "v", "image": {"reference": "r/v:1"}}, {"name": "w", "emptyDir": {}}],
        });
        for (body, at) in [
            (json!({"kind": "Pod", "spec": pod}), "/spec"),
            (
                json!({"spec": {"template": {"spec": pod}}}),
                "/spec/template/spec",
            ),
            (
                json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}),
                "/spec/jobTemplate/spec/template/spec",
            ),
            (
                json!({"kind": "Operator", "spec": {"nodes": [{"podTemplate": pod}]}}),
                "/spec/nodes/0/podTemplate",
            ),
        ] {
            let found = images(&body);
            let names: Vec<&str> = found.iter().map(|u| u.image.as_str()).collect();
            assert_eq!(names, ["r/a:1", "r/b:1", "r/v:1"], "{body}");
            for used in &found {
                assert!(used.pointer.starts_with(at), "{}", used.pointer);
                assert_eq!(body.pointer(&used.pointer), Some(&json!(used.image)));
            }
        }
    }

    #[test]
    fn what_is_called_alike_is_no_image() {
        let body = json!({"data": {"containers": "x", "image": "r/a"},
            "spec": {"properties": {"containers": {"type": "array", "items": {"image": "string"}}}}});
        assert_eq!(images(&body), []);
    }
}
