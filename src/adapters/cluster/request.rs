//! Requests to the API server as values: paths, parameters, bodies. Nothing is sent here.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::adapters::cluster::discovery::Resource;
use crate::apply::cluster::{Delete, Expect, Patch, Write};
use crate::object::{FIELD_MANAGER, ObjectKey};

/// For how long a call about one object may take, repetitions included.
pub(super) const OBJECT_LIMIT: Duration = Duration::from_mins(1);
/// The same for lists and discovery.
pub(super) const LIST_LIMIT: Duration = Duration::from_mins(2);
/// The same for leases.
pub(super) const LEASE_LIMIT: Duration = Duration::from_secs(5);

/// When a request may be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whatever happened to the first: reading, and server-side apply.
    Always,
    /// Only if the server certainly did nothing.
    IfUntouched,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) content_type: &'static str,
    pub(super) accept: &'static str,
    pub(super) repeat: Repeat,
    pub(super) limit: Duration,
    /// What is tried, as in `read Secret/a in n`.
    pub(super) what: String,
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
/// Only metadata of each item.
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

impl Request {
    /// A GET of a path.
    pub(super) fn get(path: String, what: String) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            body: None,
            content_type: "",
            accept: JSON,
            repeat: Repeat::Always,
            limit: OBJECT_LIMIT,
            what,
        }
    }

    /// A request with a JSON body.
    pub(super) fn send(method: Method, path: String, body: &Value, what: String) -> Self {
        Self {
            method,
            body: Some(body.to_string().into_bytes()),
            content_type: JSON,
            repeat: Repeat::IfUntouched,
            ..Self::get(path, what)
        }
    }

    /// What the server serves below `/api` or `/apis`.
    pub(super) fn discovery(path: &str) -> Self {
        let what = "read what the API server serves".into();
        Self {
            accept: DISCOVERY,
            limit: LIST_LIMIT,
            ..Self::get(path.into(), what)
        }
    }

    /// One page of a list.
    pub(super) fn page(path: String, labels: &str, token: &str, what: String) -> Self {
        let mut query = vec![("limit", "500".to_owned())];
        if !labels.is_empty() {
            query.push(("labelSelector", labels.to_owned()));
        }
        if !token.is_empty() {
            query.push(("continue", token.to_owned()));
        }
        Self {
            query,
            limit: LIST_LIMIT,
            ..Self::get(path, what)
        }
    }

    /// The same with metadata only.
    #[must_use]
    pub(super) fn metadata_only(self) -> Self {
        Self {
            accept: METADATA_LIST,
            ..self
        }
    }

    /// A single object's metadata only.
    #[must_use]
    pub(super) fn one_metadata_only(self) -> Self {
        Self {
            accept: METADATA,
            ..self
        }
    }

    /// A server-side apply. Create and "only if unchanged" are both told by the resourceVersion: the
    /// server never has a stored object at version 1, so 1 asks for an object that is not there. With
    /// a version alone, what was deleted meanwhile would be made anew; the UID refuses that.
    pub(super) fn apply(resource: &Resource, write: &Write) -> Self {
        let key = &write.target.key;
        let mut body = write.body.clone();
        if let Some(metadata) = body.get_mut("metadata") {
            match &write.expect {
                Expect::Absent => metadata["resourceVersion"] = "1".into(),
                Expect::Unchanged {
                    uid,
                    resource_version,
                } => {
                    metadata["uid"] = uid.as_str().into();
                    metadata["resourceVersion"] = resource_version.as_str().into();
                }
                Expect::Same { uid } => metadata["uid"] = uid.as_str().into(),
            }
        }
        let mut query = vec![
            ("fieldManager", FIELD_MANAGER.to_owned()),
            ("fieldValidation", "Strict".into()),
        ];
        if write.force {
            query.push(("force", "true".into()));
        }
        if write.dry_run {
            query.push(("dryRun", "All".into()));
        }
        let verb = if write.dry_run { "try" } else { "apply" };
        Self {
            query,
            content_type: APPLY,
            repeat: Repeat::Always,
            ..Self::send(
                Method::PATCH,
                resource.path_of(key),
                &body,
                format!("{verb} {key}"),
            )
        }
    }

    /// A merge patch.
    pub(super) fn merge(resource: &Resource, patch: &Patch) -> Self {
        let key = &patch.target.key;
        let mut query = vec![
            ("fieldManager", FIELD_MANAGER.to_owned()),
            ("fieldValidation", "Strict".into()),
        ];
        if patch.dry_run {
            query.push(("dryRun", "All".into()));
        }
        let verb = if patch.dry_run { "try" } else { "take over" };
        Self {
            query,
            content_type: MERGE,
            ..Self::send(
                Method::PATCH,
                resource.path_of(key),
                &patch.body,
                format!("{verb} {key}"),
            )
        }
    }

    /// A dry-run of a POST. It is decoded strictly before anything else is looked at, and the refusal
    /// names every field that does not belong, where server-side apply names the first.
    pub(super) fn spell(resource: &Resource, key: &ObjectKey, body: &Value) -> Self {
        let path = resource.path(key.namespace.as_deref());
        let query = vec![
            ("dryRun", "All".to_owned()),
            ("fieldValidation", "Strict".into()),
        ];
        Self {
            query,
            ..Self::send(Method::POST, path, body, format!("try {key}"))
        }
    }

    /// A delete of exactly the object that was judged.
    pub(super) fn delete(resource: &Resource, delete: &Delete) -> Self {
        let key = &delete.target.key;
        let propagation = if delete.foreground {
            "Foreground"
        } else {
            "Background"
        };
        let body = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation,
            "preconditions": {"uid": delete.uid, "resourceVersion": delete.resource_version},
        });
        Self::send(
            Method::DELETE,
            resource.path_of(key),
            &body,
            format!("delete {key}"),
        )
    }

    /// A watch of what a selector chooses, as in `fieldSelector` and `metadata.name=a`.
    pub(super) fn watch(path: String, (by, which): (&'static str, String), since: &str) -> Self {
        let what = format!("watch {path} ({which})");
        let query = vec![
            ("watch", "1".to_owned()),
            ("allowWatchBookmarks", "true".into()),
            (by, which),
            ("resourceVersion", since.to_owned()),
            ("timeoutSeconds", "290".into()),
        ];
        Self {
            query,
            ..Self::get(path, what)
        }
    }

    /// Whether nothing is changed by it though it is not a GET.
    pub(super) fn is_dry_run(&self) -> bool {
        self.query.iter().any(|(name, _)| *name == "dryRun")
    }

    /// A span for a request that changes something; others have none. It names the kind and no object.
    pub(super) fn span(&self) -> tracing::Span {
        if self.method == Method::GET || self.is_dry_run() {
            return tracing::Span::none();
        }
        tracing::info_span!(
            "call",
            kind = self.kind(),
            verb = self.verb(),
            code = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
            otel.kind = "client"
        )
    }

    fn verb(&self) -> &'static str {
        match (&self.method, self.content_type) {
            (&Method::PATCH, APPLY) => "apply",
            (&Method::PATCH, _) => "patch",
            (&Method::POST, _) => "create",
            (&Method::PUT, _) => "update",
            (&Method::DELETE, _) => "delete",
            _ => "other",
        }
    }

    /// The kind as the path names it, as in `deployments.apps`.
    fn kind(&self) -> String {
        let mut parts = self.path.split('/').skip(1);
        let group = match parts.next() {
            Some("apis") => parts.next(),
            _ => None,
        };
        // Behind the version.
        let rest: Vec<&str> = parts.skip(1).collect();
        let plural = match rest.as_slice() {
            ["namespaces", _, plural, ..] | [plural, ..] => *plural,
            [] => "",
        };
        match group {
            Some(group) => format!("{plural}.{group}"),
            None => plural.to_owned(),
        }
    }

    /// Path and parameters.
    pub(super) fn uri(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            self.query
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        format!("{}?{}", self.path, query.finish())
    }
}

/// One part of a path, in which nothing can start another part or the parameters.
pub(super) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b':');
    let dots = text == "." || text == "..";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) && !dots {
            out.push(char::from(byte));
        } else {
            let hex = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
            out.push('%');
            out.push(hex(byte >> 4).to_ascii_uppercase());
            out.push(hex(byte & 15).to_ascii_uppercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::cluster::Target;
    use crate::object::GroupKind;
    use serde_json::json;

    fn deployments() -> Resource {
        Resource {
            group_kind: GroupKind::new("apps", "Deployment"),
            version: "v1".into(),
            plural: "deployments".into(),
            namespaced: true,
            listable: true,
        }
    }

    fn key(name: &str) -> ObjectKey {
        ObjectKey {
            group_kind: GroupKind::new("apps", "Deployment"),
            namespace: Some("n".into()),
            name: name.into(),
        }
    }

    #[test]
    fn create_asks_for_an_object_that_is_not_there() {
        let write = Write {
            target: Target::of(&key("a")),
            body: json!({"metadata":{"name":"a"}}),
            expect: Expect::Absent,
            force: false,
            dry_run: false,
        };
        let request = Request::apply(&deployments(), &write);
        assert_eq!(
            request.uri(),
            "/apis/apps/v1/namespaces/n/deployments/a?fieldManager=kubemate&fieldValidation=Strict"
        );
        let body: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
        assert_eq!(body, json!({"metadata":{"name":"a","resourceVersion":"1"}}));
        assert_eq!(write.body, json!({"metadata":{"name":"a"}}));
    }

    #[test]
    fn a_change_names_the_object_and_the_state_it_is_about() {
        let write = Write {
            target: Target::of(&key("a")),
            body: json!({"metadata":{"name":"a"}}),
            expect: Expect::Unchanged {
                uid: "u".into(),
                resource_version: "7".into(),
            },
            force: false,
            dry_run: true,
        };
        let body = Request::apply(&deployments(), &write).body.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({"metadata":{"name":"a","uid":"u","resourceVersion":"7"}})
        );
    }

    fn body_of(request: Request) -> Value {
        serde_json::from_slice(&request.body.unwrap()).unwrap()
    }

    #[test]
    fn a_delete_names_the_object_and_the_state_that_were_judged() {
        for (foreground, policy) in [(true, "Foreground"), (false, "Background")] {
            let delete = Delete {
                target: Target::of(&key("a")),
                uid: "u".into(),
                resource_version: "7".into(),
                foreground,
            };
            let request = Request::delete(&deployments(), &delete);
            assert_eq!(request.repeat, Repeat::IfUntouched);
            let body = body_of(request);
            let judged = json!({"uid": "u", "resourceVersion": "7"});
            assert_eq!(body["preconditions"], judged);
            assert_eq!(body["propagationPolicy"], policy);
        }
    }

    #[test]
    fn every_write_is_read_strictly() {
        let target = || Target::of(&key("a"));
        let body = json!({"metadata": {"name": "a"}});
        for dry_run in [true, false] {
            let write = Write {
                target: target(),
                body: body.clone(),
                expect: Expect::Absent,
                force: true,
                dry_run,
            };
            let patch = Patch {
                target: target(),
                body: body.clone(),
                dry_run,
            };
            let requests = [
                Request::apply(&deployments(), &write),
                Request::merge(&deployments(), &patch),
                Request::spell(&deployments(), &key("a"), &body),
            ];
            for uri in requests.map(|request| request.uri()) {
                assert!(uri.contains("fieldValidation=Strict"), "{uri}");
            }
        }
    }

    #[test]
    fn a_span_says_which_kind_is_changed_how_and_no_name() {
        for (path, kind) in [
            (
                "/apis/apps/v1/namespaces/n/deployments/a",
                "deployments.apps",
            ),
            ("/apis/apps/v1/namespaces/n/deployments", "deployments.apps"),
            ("/api/v1/namespaces/n/secrets/a", "secrets"),
            ("/api/v1/namespaces/n", "namespaces"),
            ("/api/v1/namespaces", "namespaces"),
            ("/apis/x.example/v1/things/a", "things.x.example"),
            ("/api", ""),
        ] {
            let request = Request::get(path.into(), String::new());
            assert_eq!(request.kind(), kind, "{path}");
        }
        let write = Write {
            target: Target::of(&key("a")),
            body: json!({"metadata":{"name":"a"}}),
            expect: Expect::Absent,
            force: false,
            dry_run: false,
        };
        let request = Request::apply(&deployments(), &write);
        assert_eq!(request.verb(), "apply");
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        let path = deployments().path_of(&key("../../secrets/x?force=true"));
        assert!(
            path.ends_with("/deployments/..%2F..%2Fsecrets%2Fx%3Fforce%3Dtrue"),
            "{path}"
        );
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("system:node"), "system:node");
    }
}
