//! What is told of a project that is settled: its resources with everything that they say otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::super::project;
use super::super::text as words;
use super::super::{Difference, Imported, Resource, Told, named};
use super::{Done, State, id_of, is_secret};
use crate::kinds::import::Draft;
use crate::object::{ObjectKey, ResourceId};

impl State<'_> {
    pub(super) fn finish(self, done: Done, mut left: Vec<Told>) -> Imported {
        let resources = self.resources(&done);
        let mut files = done.files;
        for resource in &resources {
            if let Some(text) = files.get_mut(&resource.path) {
                *text = format!("{}{text}", words::comment(resource));
            }
        }
        let kept_keys = done.kept.values().flatten();
        let kept = kept_keys.map(|key| Told {
            object: named(key),
            why: self
                .given_up
                .get(key)
                .cloned()
                .unwrap_or_else(|| "no word of the language says it".into()),
        });
        let kept: Vec<Told> = kept.collect();
        left.extend(self.refused.iter().map(|(key, why)| Told {
            object: named(key),
            why: why.clone(),
        }));
        let changed: BTreeSet<&str> = resources
            .iter()
            .flat_map(|r| &r.differences)
            .map(|d| d.object.as_str())
            .collect();
        left.extend(self.lost_secrets());
        let secrets = self
            .intake
            .found
            .objects
            .keys()
            .filter(|key| is_secret(key))
            .count();
        let changed = changed.len() + secrets;
        let stand = self
            .intake
            .found
            .objects
            .keys()
            .filter(|key| !self.refused.contains_key(*key))
            .count();
        Imported {
            files,
            same: stand.saturating_sub(changed + kept.len()),
            changed,
            resources,
            kept,
            left,
        }
    }

    /// Secrets that no resource refers to.
    fn lost_secrets(&self) -> Vec<Told> {
        let secrets = self
            .intake
            .found
            .objects
            .keys()
            .filter(|key| is_secret(key));
        let place = |key: &ObjectKey| self.found.places.get(key.namespace.as_deref()?);
        let stands = |key: &ObjectKey| {
            let tenant = place(key).map(|place| place.tenant.as_str());
            let mut all = self.drafts.iter();
            all.any(|d| {
                matches!(d.kind, "secret" | "certificate")
                    && d.name == key.name
                    && d.path_of.as_deref() == tenant
            })
        };
        let lost = secrets.filter(|key| !stands(key));
        let told = |key: &ObjectKey| Told {
            object: named(key),
            why: self
                .given_up
                .get(key)
                .cloned()
                .unwrap_or_else(|| "a program keeps it".into()),
        };
        lost.map(told).collect()
    }

    fn resources(&self, done: &Done) -> Vec<Resource> {
        let mut of: BTreeMap<ResourceId, (Vec<Difference>, Vec<String>)> = BTreeMap::new();
        let added: BTreeSet<&ObjectKey> = done.sides.added().collect();
        for desired in done.rendered.iter().flat_map(|set| set.objects.values()) {
            let key = &desired.manifest.key;
            let entry = of.entry(desired.resource.clone()).or_default();
            entry.0.extend(done.sides.differences(key));
            if added.contains(key) {
                entry.1.push(named(key));
            }
        }
        let one = |draft: &Draft| {
            let (mut differences, added) = of.remove(&id_of(draft)).unwrap_or_default();
            let mut renamed: Vec<String> = draft
                .renamed
                .iter()
                .map(|(from, to)| format!("{} → {}", named(from), to.name))
                .collect();
            for translated in self.translated.iter().filter(|t| {
                draft.kind == "route" && t.to.iter().any(|(key, _)| key.name == draft.name)
            }) {
                renamed.push(format!("{} → HTTPRoute", named(&translated.from)));
                differences.extend(translated.lost.iter().map(|field| {
                    words::lost(&translated.from, field, self.original(&translated.from))
                }));
            }
            differences
                .sort_by(|a, b| (a.what, &a.object, &a.path).cmp(&(b.what, &b.object, &b.path)));
            Resource {
                resource: format!("{}/{}", draft.kind, draft.name),
                path: project::path(draft),
                notes: draft.notes.clone(),
                renamed,
                added,
                differences,
            }
        };
        let mut all: Vec<Resource> = self.drafts.iter().map(one).collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }
}
