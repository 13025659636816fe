//! Objects that are taken as they are written: split into documents, read strictly, Lists unpacked,
//! and held to every rule that rendered objects are held to. Each is traced to its own lines.

use std::ops::Range;

use serde_json::Value;

use super::objects::{Context, mark, prune, within_limits};
use super::reach::Bounds;
use super::{guard, yaml};
use crate::dsl::codes;
use crate::dsl::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::Verbatim;
use crate::object::{Desired, Manifest, ObjectRules, Owner, SourceMap};

/// Fields of metadata that only the API server may write.
const SERVERS: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "managedFields",
    "selfLink",
    "creationTimestamp",
    "deletionTimestamp",
    "ownerReferences",
];
/// Kinds of the API server itself that stand in a namespace, by their groups.
const NAMESPACED: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "ReplicationController",
            "ResourceQuota",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "apps",
        &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("batch", &["CronJob", "Job"]),
    ("coordination.k8s.io", &["Lease"]),
    ("discovery.k8s.io", &["EndpointSlice"]),
    ("networking.k8s.io", &["Ingress", "NetworkPolicy"]),
    ("policy", &["PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io", &["Role", "RoleBinding"]),
];

/// Kinds that are questions or orders to the API server: it answers them and keeps nothing.
const NEVER_KEPT: &[(&str, &[&str])] = &[
    ("", &["Binding", "Status"]),
    (
        "authentication.k8s.io",
        &["SelfSubjectReview", "TokenRequest", "TokenReview"],
    ),
    (
        "authorization.k8s.io",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    ("autoscaling", &["Scale"]),
    ("policy", &["Eviction"]),
];

/// One document of a file.
struct Document<'t> {
    /// The text, its first line without the `---`.
    text: String,
    /// Number of its first line, from 1.
    line: usize,
    /// Bytes of its first line that says something.
    head: Range<usize>,
    file: &'t Verbatim,
}

/// The objects of a file; complete, or the problems say why not.
pub fn objects(
    file: &Verbatim,
    context: Context<'_>,
    bounds: &Bounds,
) -> (Vec<Desired>, Vec<Diagnostic>) {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for document in split(file) {
        let values = match yaml::documents(&document.text) {
            Ok(values) => values,
            Err(error) => {
                problems.push(document.unreadable(&error));
                continue;
            }
        };
        for value in values.into_iter().flat_map(unpack) {
            match document.desired(value, context, bounds) {
                Ok(desired) => all.push(desired),
                Err(problem) => problems.push(*problem),
            }
        }
    }
    (all, problems)
}

/// The documents of a file that say something. A line that starts with `---` or `...` always ends a
/// document in YAML, also inside a block of text.
fn split(file: &Verbatim) -> Vec<Document<'_>> {
    let mut documents: Vec<Document<'_>> = Vec::new();
    let mut current: Option<Document<'_>> = None;
    let mut at = 0;
    for (index, line) in file.text.split_inclusive('\n').enumerate() {
        let marker = ["---", "..."].iter().find(|m| {
            line.strip_prefix(**m)
                .is_some_and(|r| r.is_empty() || r.starts_with(char::is_whitespace))
        });
        if marker.is_some() {
            documents.extend(current.take());
        }
        let content = marker.map_or(line, |marker| &line[marker.len()..]);
        let document = current.get_or_insert_with(|| Document {
            text: String::new(),
            line: index + 1,
            head: 0..0,
            file,
        });
        let said = content.trim();
        if document.head.is_empty() && !said.is_empty() && !said.starts_with('#') {
            let start = at + line.find(said).unwrap_or(0);
            document.head = start..start + said.len();
        }
        // As wide as the marker was, so that columns stay.
        document.text.push_str(marker.map_or("", |_| "   "));
        document.text.push_str(content);
        at += line.len();
    }
    documents.extend(current);
    documents.retain(|document| !document.head.is_empty());
    documents
}

/// The objects of a List, or the object itself.
fn unpack(mut value: Value) -> Vec<Value> {
    let list = value
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("List"))
        && value.pointer("/metadata/name").is_none();
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if list => items,
        Some(items) => {
            value["items"] = items;
            vec![value]
        }
        None => vec![value],
    }
}

impl Document<'_> {
    fn span(&self) -> Span {
        Span::new(self.file.file, self.head.clone())
    }

    fn problem(&self, code: Code, message: String) -> Diagnostic {
        Diagnostic::error(code, self.span(), message)
    }

    fn unreadable(&self, error: &yaml::YamlError) -> Diagnostic {
        let message = format!("`{}` is not YAML that can be used: {error}", self.file.path);
        let yaml::YamlError::Refused {
            line: Some(line), ..
        } = error
        else {
            return self.problem(codes::BAD_MANIFEST, message);
        };
        let line = self.line + line.saturating_sub(1);
        let mut lines = self.file.text.split_inclusive('\n');
        let start: usize = lines.by_ref().take(line - 1).map(str::len).sum();
        let length = lines.next().map_or(0, |line| line.trim_end().len());
        let span = Span::new(self.file.file, start..start + length);
        Diagnostic::error(codes::BAD_MANIFEST, span, message)
            .help("no key twice, no anchors, no tags; one document after `---`")
    }

    fn desired(
        &self,
        mut body: Value,
        context: Context<'_>,
        bounds: &Bounds,
    ) -> Result<Desired, Box<Diagnostic>> {
        body = prune(body);
        at_home(&mut body, &context.set.owner, &bounds.namespaces);
        // What the cluster says about an object is never wanted.
        body.as_object_mut().map(|map| map.shift_remove("status"));
        let manifest = Manifest::new(body).map_err(|error| {
            self.problem(
                codes::BAD_MANIFEST,
                format!("this is not an object: {error}"),
            )
        })?;
        self.allowed(&manifest, &context.set.owner)?;
        let manifest = Manifest {
            body: mark(manifest.body, context.set),
            ..manifest
        };
        within_limits(&manifest)
            .map_err(|error| self.problem(codes::BAD_MANIFEST, error.to_string()))?;
        let desired = Desired {
            manifest,
            resource: context.id.clone(),
            source: SourceMap {
                node: Some(self.span()),
                ..SourceMap::default()
            },
            needs: Vec::new(),
            rules: ObjectRules::default(),
        };
        match guard::refuse(&desired, &context.set.owner, bounds, true) {
            Some(why) => Err(Box::new(self.problem(codes::FORBIDDEN_OBJECT, why))),
            None => Ok(desired),
        }
    }

    fn allowed(&self, manifest: &Manifest, owner: &Owner) -> Result<(), Box<Diagnostic>> {
        let key = &manifest.key;
        let (group, kind) = (&key.group_kind.group, &key.group_kind.kind);
        if group.is_empty() && kind == "Secret" {
            let message = format!("{key} is refused: a Secret in Git is no secret");
            let problem = self.problem(codes::FORBIDDEN_OBJECT, message);
            return Err(Box::new(
                problem.help("write a `secret` that names where it is kept"),
            ));
        }
        if !self.file.kinds.contains(kind) {
            let message =
                format!("{key} is refused: `{kind}` is not among the `kinds` that are expected");
            let problem = self.problem(codes::FORBIDDEN_OBJECT, message);
            return Err(Box::new(
                problem.help(format!("if it is wanted, add `{kind}` to `kinds`")),
            ));
        }
        if manifest.field("/sops").is_some() {
            let message = format!("{key} is encrypted, and there is no key to decrypt it with");
            let problem = self.problem(codes::BAD_MANIFEST, message);
            return Err(Box::new(problem.help(
                "ciphertext is never applied as it is; write a `secret` that names where the value is kept",
            )));
        }
        let written = SERVERS
            .iter()
            .find(|field| manifest.field(&format!("/metadata/{field}")).is_some());
        if let Some(field) = written {
            let message =
                format!("{key} has `metadata.{field}`, which the API server alone decides");
            let problem = self.problem(codes::BAD_MANIFEST, message);
            return Err(Box::new(problem.help(
                "remove it: it comes from an object that was read from a cluster",
            )));
        }
        let in_list = |list: &[(&str, &[&str])]| {
            let mut list = list.iter();
            list.any(|(g, kinds)| g == group && kinds.contains(&kind.as_str()))
        };
        if in_list(NEVER_KEPT) {
            let message =
                format!("{key} is refused: the API server answers a {kind} and keeps none");
            return Err(Box::new(self.problem(codes::FORBIDDEN_OBJECT, message)));
        }
        if in_list(NAMESPACED) && key.namespace.is_none() && *owner == Owner::Platform {
            let message = format!("{key} has no namespace, and a {kind} needs one");
            let problem = self.problem(codes::BAD_MANIFEST, message);
            return Err(Box::new(problem.help(
                "write `metadata.namespace`: nothing is put into `default` by itself",
            )));
        }
        Ok(())
    }
}

/// Puts an object that names no namespace into the tenant's only one, as everything of a tenant.
fn at_home(body: &mut Value, owner: &Owner, namespaces: &[String]) {
    let (Owner::Tenant(_), [only]) = (owner, namespaces) else {
        return;
    };
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata
            .entry("namespace")
            .or_insert_with(|| only.as_str().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn file(text: &str) -> Verbatim {
        Verbatim {
            path: "a.yaml".into(),
            file: FileId(0),
            text: text.into(),
            kinds: Vec::new(),
        }
    }

    #[test]
    fn documents_are_split_where_yaml_ends_them() {
        let text =
            "# head\n---\na: 1\n--- # second\n\nb: |\n  x\n----\n---\n# nothing\n...\n--- {c: 1}\n";
        let file = file(text);
        let found: Vec<_> = split(&file)
            .iter()
            .map(|d| (d.line, text[d.head.clone()].to_owned()))
            .collect();
        let expected = [(2, "a: 1"), (4, "b: |"), (12, "{c: 1}")];
        assert_eq!(found, expected.map(|(line, head)| (line, head.to_owned())));
    }

    #[test]
    fn lists_are_unpacked_and_lookalikes_are_not() {
        let list =
            serde_json::json!({"kind": "RoleBindingList", "items": [{"kind": "A"}, {"kind": "B"}]});
        assert_eq!(unpack(list).len(), 2);
        let named =
            serde_json::json!({"kind": "BanList", "metadata": {"name": "x"}, "items": [1, 2]});
        assert_eq!(unpack(named.clone()), [named]);
    }
}
