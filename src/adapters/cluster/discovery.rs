//! What the API server serves, read from aggregated discovery.
//!
//! A group that is stale or did not answer is named as such: from an incomplete answer nobody may
//! conclude that a kind, or an object of it, does not exist.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::adapters::cluster::request::segment;
use crate::object::{GroupKind, ObjectKey};
use crate::plan::observed::{Discovery, ServedKind};

/// Where the objects of a kind are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) group_kind: GroupKind,
    pub(super) version: String,
    pub(super) plural: String,
    pub(super) namespaced: bool,
    /// Whether it can be listed and read, which excludes reviews and the like.
    pub(super) listable: bool,
}

impl Resource {
    /// The path of all objects, or of those in a namespace.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let (group, version) = (&self.group_kind.group, &self.version);
        let root = match group.as_str() {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        match namespace {
            Some(namespace) if self.namespaced => {
                format!("{root}/namespaces/{}/{}", segment(namespace), self.plural)
            }
            _ => format!("{root}/{}", self.plural),
        }
    }

    /// The path of one object.
    pub(super) fn path_of(&self, key: &ObjectKey) -> String {
        format!(
            "{}/{}",
            self.path(key.namespace.as_deref()),
            segment(&key.name)
        )
    }

    /// As in `apps/v1`.
    pub(super) fn api_version(&self) -> String {
        match self.group_kind.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// Everything that is served.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    /// By kind, the preferred version first.
    resources: BTreeMap<GroupKind, Vec<Resource>>,
    /// Groups that did not answer freshly.
    stale: BTreeSet<String>,
}

impl Catalogue {
    /// Reads the two documents of aggregated discovery.
    pub(super) fn read(documents: &[&[u8]]) -> Result<Self, String> {
        let mut catalogue = Self::default();
        for document in documents {
            let list: GroupList = serde_json::from_slice(document).map_err(|e| e.to_string())?;
            if list.kind != "APIGroupDiscoveryList" {
                return Err(format!(
                    "the answer is a {} and not an APIGroupDiscoveryList; Kubernetes 1.28 or newer is needed",
                    list.kind
                ));
            }
            list.items
                .into_iter()
                .for_each(|group| catalogue.add(group));
        }
        if catalogue.resources.is_empty() {
            return Err("the answer names no kind at all".into());
        }
        Ok(catalogue)
    }

    fn add(&mut self, group: Group) {
        let name = group.metadata.name;
        for version in group.versions {
            if version.freshness.as_deref() != Some("Current") {
                self.stale.insert(name.clone());
            }
            for resource in version.resources {
                let Some(kind) = resource
                    .response_kind
                    .map(|r| r.kind)
                    .filter(|k| !k.is_empty())
                else {
                    continue;
                };
                let verbs: BTreeSet<&str> = resource.verbs.iter().map(String::as_str).collect();
                let group_kind = GroupKind::new(&name, &kind);
                let served = Resource {
                    group_kind: group_kind.clone(),
                    version: version.name.clone(),
                    plural: resource.plural,
                    namespaced: resource.scope == "Namespaced",
                    listable: verbs.contains("list") && verbs.contains("get"),
                };
                self.resources.entry(group_kind).or_default().push(served);
            }
        }
    }

    /// The kind in a version, or in the preferred one. Of two resources with one kind, the one whose
    /// objects can be listed.
    pub(super) fn find(&self, group_kind: &GroupKind, version: Option<&str>) -> Option<&Resource> {
        let version = version.map(|v| v.rsplit_once('/').map_or(v, |(_, version)| version));
        let fits = |r: &&Resource| version.is_none_or(|version| r.version == version);
        let all = self.resources.get(group_kind)?;
        all.iter()
            .filter(fits)
            .find(|r| r.listable)
            .or_else(|| all.iter().find(fits))
    }

    /// Kinds whose objects live in namespaces and can be listed, in their preferred version.
    pub(super) fn namespaced(&self) -> impl Iterator<Item = &Resource> {
        let first = |list: &'_ Vec<Resource>| list.iter().position(|r| r.listable && r.namespaced);
        self.resources
            .values()
            .filter_map(move |list| list.get(first(list)?))
    }

    /// Kinds whose objects can be listed, in their preferred version.
    pub(super) fn listable(&self) -> impl Iterator<Item = &Resource> {
        self.resources
            .values()
            .filter_map(|list| list.iter().find(|resource| resource.listable))
    }

    /// Whether a group answered freshly.
    pub(super) fn knows(&self, group: &str) -> bool {
        !self.stale.contains(group)
    }

    /// Whether everything answered freshly.
    pub(super) fn complete(&self) -> bool {
        self.stale.is_empty()
    }

    /// As the planner reads it.
    pub(super) fn to_data(&self) -> Discovery {
        let kind = |(group_kind, list): (&GroupKind, &Vec<Resource>)| ServedKind {
            group_kind: group_kind.clone(),
            versions: list.iter().map(|r| r.version.clone()).collect(),
            namespaced: list.iter().any(|r| r.namespaced),
        };
        Discovery {
            complete: self.complete(),
            unreadable_groups: self.stale.clone(),
            kinds: self.resources.iter().map(kind).collect(),
        }
    }
}

#[derive(Deserialize)]
struct GroupList {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: GroupMetadata,
    #[serde(default)]
    versions: Vec<ServedVersion>,
}

/// The core group has no name.
#[derive(Default, Deserialize)]
struct GroupMetadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct ServedVersion {
    #[serde(rename = "version")]
    name: String,
    #[serde(default)]
    resources: Vec<ResourceEntry>,
    freshness: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceEntry {
    #[serde(rename = "resource")]
    plural: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(freshness: &str) -> Catalogue {
        let list = json!({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[
            {"metadata":{"name":"apps"},"versions":[{"version":"v1","freshness":"Current","resources":[
                {"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced","verbs":["get","list"]}]}]},
            {"metadata":{"name":"x.io"},"versions":[{"version":"v1","freshness":freshness,"resources":[]}]}]});
        Catalogue::read(&[list.to_string().as_bytes()]).unwrap()
    }

    #[test]
    fn a_stale_group_makes_the_answer_incomplete() {
        assert!(read("Current").to_data().complete);
        let stale = read("Stale").to_data();
        assert!(!stale.complete && stale.unreadable_groups.contains("x.io"));
        assert!(!stale.proves_absence(&GroupKind::new("x.io", "X")));
        assert!(stale.proves_absence(&GroupKind::new("apps", "Deployment")));
    }

    #[test]
    fn another_document_is_not_an_empty_catalogue() {
        for text in [
            "{\"kind\":\"APIGroupList\",\"groups\":[]}",
            "<html>",
            "{\"kind\":\"APIGroupDiscoveryList\"}",
        ] {
            assert!(Catalogue::read(&[text.as_bytes()]).is_err(), "{text}");
        }
    }
}
