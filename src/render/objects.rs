//! One resource's requests into desired objects: rendered, parsed, identified, marked with the set.

use serde_json::{Map, Value, json};

use super::engine::{self, EngineError};
use super::trace::Tree;
use super::yaml::{self, YamlError};
use crate::dsl::diagnostic::Span;
use crate::dsl::node::Node;
use crate::kinds::ObjectRequest;
use crate::object::{Desired, Manifest, ManifestError, ResourceId, SET_LABEL, SetId, SourceMap};

/// Largest object in bytes, as JSON.
pub const MAX_OBJECT_BYTES: usize = 1024 * 1024;
/// Largest total of annotations of one object in bytes, a limit of the API server.
pub const MAX_ANNOTATION_BYTES: usize = 262_144;

/// Why a request gave no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The template failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its output is not YAML.
    #[error("template `{template}` wrote YAML that cannot be used: {source}")]
    Yaml {
        /// The template.
        template: &'static str,
        /// What is wrong with it.
        source: YamlError,
    },
    /// A document is not an object.
    #[error("template `{template}`: {source}")]
    Manifest {
        /// The template.
        template: &'static str,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// An object over [`MAX_OBJECT_BYTES`].
    #[error("{key} has {bytes} bytes; the API server takes at most about {} KiB", MAX_OBJECT_BYTES / 1024)]
    TooLarge {
        /// The object.
        key: String,
        /// Its size.
        bytes: usize,
    },
    /// Annotations over [`MAX_ANNOTATION_BYTES`].
    #[error(
        "the annotations of {key} have {bytes} bytes together; the API server takes at most {MAX_ANNOTATION_BYTES}"
    )]
    Annotations {
        /// The object.
        key: String,
        /// Their size.
        bytes: usize,
    },
}

/// Where a resource's objects go.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The resource.
    pub id: &'a ResourceId,
    /// Its values with their places.
    pub node: &'a Node,
    /// The set.
    pub set: &'a SetId,
    /// Whether fields are traced.
    pub trace: bool,
}

/// Renders one request.
pub fn render(request: &ObjectRequest, context: Context<'_>) -> Result<Vec<Desired>, RenderError> {
    let data = Tree::new(&request.data);
    let text = engine::render(request.template, &data)?;
    let bad_yaml = |source| RenderError::Yaml {
        template: request.template,
        source,
    };
    let documents = yaml::written(&text).map_err(bad_yaml)?;
    let maps = if context.trace {
        let (marked, recorder) = engine::render_marked(request.template, &data)?;
        let marked = yaml::written(&marked).map_err(bad_yaml)?;
        let map = |(truth, marked): (&Value, &Value)| {
            source_map(recorder.fields(truth, marked), request, context.node)
        };
        documents.iter().zip(&marked).map(map).collect()
    } else {
        vec![
            SourceMap {
                node: Some(context.node.place.key),
                ..SourceMap::default()
            };
            documents.len()
        ]
    };
    documents
        .into_iter()
        .zip(maps)
        .map(|(body, source)| desired(body, source, request, context))
        .collect()
}

fn desired(
    body: Value,
    source: SourceMap,
    request: &ObjectRequest,
    context: Context<'_>,
) -> Result<Desired, RenderError> {
    let body = mark(prune(body), context.set);
    let bad = |source| RenderError::Manifest {
        template: request.template,
        source,
    };
    let manifest = Manifest::new(body).map_err(bad)?;
    within_limits(&manifest)?;
    Ok(Desired {
        manifest,
        resource: context.id.clone(),
        source,
        needs: request.needs.clone(),
        rules: request.rules.clone(),
    })
}

/// Sizes that the API server would refuse after everything else went well.
pub fn within_limits(manifest: &Manifest) -> Result<(), RenderError> {
    let bytes = size(&manifest.body);
    if bytes > MAX_OBJECT_BYTES {
        return Err(RenderError::TooLarge {
            key: manifest.key.to_string(),
            bytes,
        });
    }
    let annotations = manifest
        .field("/metadata/annotations")
        .and_then(Value::as_object);
    let bytes: usize = annotations
        .into_iter()
        .flatten()
        .map(|(k, v)| k.len() + v.as_str().map_or(0, str::len))
        .sum();
    if bytes > MAX_ANNOTATION_BYTES {
        return Err(RenderError::Annotations {
            key: manifest.key.to_string(),
            bytes,
        });
    }
    Ok(())
}

/// The bytes of a value as JSON.
fn size(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail.
    drop(serde_json::to_writer(&mut count, value));
    count.0
}

/// The labels that every object of a set carries, on its own metadata only.
pub fn mark(mut body: Value, set: &SetId) -> Value {
    let metadata = body
        .as_object_mut()
        .map(|o| o.entry("metadata").or_insert_with(|| json!({})));
    let Some(metadata) = metadata.and_then(Value::as_object_mut) else {
        return body;
    };
    let labels = metadata
        .entry("labels")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert("app.kubernetes.io/managed-by".into(), "kubemate".into());
        labels.insert(SET_LABEL.into(), set.label().into());
    }
    body
}

/// What a template leaves empty is not sent: nulls anywhere, and maps of metadata without entries.
pub fn prune(mut value: Value) -> Value {
    drop_nulls(&mut value);
    value
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Pointers into template data become places in KDL.
fn source_map(
    fields: Vec<(String, Vec<String>)>,
    request: &ObjectRequest,
    node: &Node,
) -> SourceMap {
    let mut map = SourceMap {
        node: Some(node.place.key),
        ..SourceMap::default()
    };
    for (field, reads) in fields {
        let mut spans: Vec<Span> = reads
            .iter()
            .filter_map(|read| place(read, request, node))
            .collect();
        spans.dedup();
        if !spans.is_empty() {
            map.fields.insert(field, spans);
        }
    }
    map
}

fn place(read: &str, request: &ObjectRequest, node: &Node) -> Option<Span> {
    let (prefix, origin) = request
        .origins
        .iter()
        .filter(|(prefix, _)| read == prefix.as_str() || read.starts_with(&format!("{prefix}/")))
        .max_by_key(|(prefix, _)| prefix.len())?;
    let pointer = format!("{origin}{}", &read[prefix.len()..]);
    // Data that was made from a field, rather than copied, has parts that nobody wrote.
    let whole = || {
        Some(origin)
            .filter(|o| !o.is_empty())
            .and_then(|o| node.at(o))
    };
    let found = node.at(&pointer).or_else(whole)?;
    Some(found.place.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_30_an_object_has_a_limit_of_bytes() {
        let object = |bytes: usize, notes: usize| {
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "x".repeat(bytes)},
                "metadata": {"name": "a", "namespace": "b", "annotations": {"n": "x".repeat(notes)}}});
            within_limits(&Manifest::new(body).unwrap())
        };
        assert_eq!(object(MAX_OBJECT_BYTES - 1000, 100), Ok(()));
        assert!(matches!(
            object(MAX_OBJECT_BYTES, 0),
            Err(RenderError::TooLarge { .. })
        ));
        assert!(matches!(
            object(0, MAX_ANNOTATION_BYTES),
            Err(RenderError::Annotations { .. })
        ));
    }
}
