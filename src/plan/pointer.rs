//! Fields as the API server names them, as JSON pointers.

use serde_json::Value;

use crate::plan::managed::{escape, step_into};

/// A field as the server writes it, `.spec.containers[name="a"].image` or `spec.ports[0].port`, as a
/// JSON pointer into a body.
pub fn pointer(field: &str, body: &Value) -> String {
    let mut out = String::new();
    let mut value = Some(body);
    for part in parts(field) {
        let part = match part {
            Part::Name(name) => name,
            Part::Inside(inside) => item(&inside, value).unwrap_or(inside),
        };
        value = value.and_then(|v| step_into(v, &part));
        out.push('/');
        out.push_str(&escape(&part));
    }
    out
}

enum Part {
    Name(String),
    Inside(String),
}

/// Splits at dots and brackets; brackets may hold quoted text with anything in it.
fn parts(field: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut name = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match c {
            '.' if name.is_empty() => {}
            '.' => out.push(Part::Name(std::mem::take(&mut name))),
            '[' => {
                if !name.is_empty() {
                    out.push(Part::Name(std::mem::take(&mut name)));
                }
                let (mut inside, mut quoted) = (String::new(), false);
                for c in chars.by_ref() {
                    quoted ^= c == '"';
                    if c == ']' && !quoted {
                        break;
                    }
                    inside.push(c);
                }
                out.push(Part::Inside(inside));
            }
            c => name.push(c),
        }
    }
    if !name.is_empty() {
        out.push(Part::Name(name));
    }
    out
}

/// The index of the item meant by `0`, `name="a"`, `containerPort=80,protocol="TCP"` or `="value"`.
fn item(inside: &str, value: Option<&Value>) -> Option<String> {
    if inside.parse::<usize>().is_ok() {
        return Some(inside.to_owned());
    }
    let list = value?.as_array()?;
    let pairs: Vec<(&str, Value)> = inside
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(key, text)| Some((key, serde_json::from_str(text).ok()?)))
        .collect();
    let fits = |item: &Value| {
        !pairs.is_empty()
            && pairs.iter().all(|(key, wanted)| match *key {
                "" => item == wanted,
                key => item.get(key) == Some(wanted),
            })
    };
    list.iter().position(fits).map(|index| index.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn server_paths_become_pointers() {
        let body = json!({"metadata":{"annotations":{"a.b/c":"x"}},"spec":{
            "containers":[{"name":"a"},{"name":"b.c","ports":[{"containerPort":80,"protocol":"TCP"}]}]}});
        for (path, expected) in [
            (
                ".spec.containers[name=\"b.c\"].image",
                "/spec/containers/1/image",
            ),
            ("spec.containers[0].image", "/spec/containers/0/image"),
            (
                ".spec.containers[name=\"b.c\"].ports[containerPort=80,protocol=\"TCP\"].name",
                "/spec/containers/1/ports/0/name",
            ),
            (".spec.replicas", "/spec/replicas"),
        ] {
            assert_eq!(pointer(path, &body), expected, "{path}");
        }
    }
}
