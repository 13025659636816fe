//! A commit that was applied stays as it was applied, whichever kubemate looks at it: one that renders other
//! bytes for it writes nothing and says so. Moving on is a commit, whose plan people see. Pure.

use super::cycle::{Seen, Sort, Trouble};
use super::status;
use crate::adapters::sync::{Mark, SyncSpec, SyncStatus};
use crate::object::Rendered;
use crate::plan::digest;

/// What these sets come to, byte by byte, and what of the spec says which they are.
pub(super) fn mark(spec: &SyncSpec, sets: &[Rendered]) -> Mark {
    let SyncSpec {
        repository,
        path,
        environment,
        cluster,
        tenants,
        ..
    } = spec;
    let parts = serde_json::json!([repository, path, environment, cluster, tenants]);
    let sets = sets.iter().map(|r| (r.set.to_string(), r.digest()));
    let bytes: Vec<(String, String)> = sets.collect();
    Mark {
        spec: digest::of_value(&parts),
        bytes: digest::of_value(&serde_json::json!(bytes)),
    }
}

/// Why nothing may be written, where the commit in force was applied and is rendered otherwise now.
pub(super) fn pending(before: &SyncStatus, seen: &Seen) -> Option<Trouble> {
    let (known, now) = (before.rendered.as_ref()?, seen.rendered.as_ref()?);
    let same_commit = before.last_applied.is_some() && before.last_applied == seen.in_force;
    let differs = same_commit && known.spec == now.spec && known.bytes != now.bytes;
    differs.then(|| {
        let said = format!(
            "kubemate {} renders {} otherwise than the one that applied it, so nothing is written, not even to \
             undo drift; push a commit, whose plan shows what changes, or go back to the other version",
            env!("CARGO_PKG_VERSION"),
            status::short(seen.in_force.as_deref()),
        );
        Trouble::new(Sort::UpgradePending, said)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::object::{Desired, Manifest, ObjectRules, Owner, ResourceId, SetId, SourceMap};

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn marked(spec: &str, bytes: &str) -> Mark {
        Mark {
            spec: spec.to_owned(),
            bytes: bytes.to_owned(),
        }
    }

    #[test]
    fn only_other_bytes_for_the_commit_that_was_applied_wait() {
        for (applied, known, in_force, now, waits) in [
            (
                ONE,
                Some(marked("s", "a")),
                ONE,
                Some(marked("s", "a")),
                false,
            ),
            (
                ONE,
                Some(marked("s", "a")),
                ONE,
                Some(marked("s", "b")),
                true,
            ),
            // A commit is how one moves on.
            (
                ONE,
                Some(marked("s", "a")),
                TWO,
                Some(marked("s", "b")),
                false,
            ),
            // Another spec asks for something else.
            (
                ONE,
                Some(marked("s", "a")),
                ONE,
                Some(marked("t", "b")),
                false,
            ),
            (ONE, None, ONE, Some(marked("s", "b")), false),
            (ONE, Some(marked("s", "a")), ONE, None, false),
        ] {
            let before = SyncStatus {
                last_applied: Some(applied.to_owned()),
                rendered: known.clone(),
                ..SyncStatus::default()
            };
            let seen = Seen {
                in_force: Some(in_force.to_owned()),
                rendered: now.clone(),
                ..Seen::default()
            };
            let found = pending(&before, &seen).map(|trouble| trouble.sort);
            assert_eq!(
                found == Some(Sort::UpgradePending),
                waits,
                "{known:?} {now:?}"
            );
        }
    }

    fn spec(more: &serde_json::Value) -> SyncSpec {
        let mut all = json!({
            "repository": "https://git.example/p.git", "environment": "prod", "cluster": "hq",
        });
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    /// A set of one ConfigMap.
    fn rendered(owner: Owner, value: &str) -> Rendered {
        let object = Desired {
            manifest: Manifest::new(json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "a", "namespace": "n"}, "data": {"n": value},
            }))
            .unwrap(),
            resource: ResourceId {
                kind: "manifests".to_owned(),
                tenant: None,
                name: "base".to_owned(),
            },
            source: SourceMap::default(),
            needs: Vec::new(),
            rules: ObjectRules::default(),
        };
        Rendered {
            set: SetId {
                project: "bank".to_owned(),
                cluster: "hq".to_owned(),
                owner,
                environment: "prod".to_owned(),
            },
            objects: BTreeMap::from([(object.manifest.key.clone(), object)]),
        }
    }

    #[test]
    fn a_mark_is_of_what_is_rendered_and_of_what_says_so() {
        let one = [rendered(Owner::Platform, "1")];
        let plain = mark(&spec(&json!({})), &one);
        assert_eq!(
            plain,
            mark(&spec(&json!({"mode": "auto", "prune": false})), &one)
        );
        let other = mark(&spec(&json!({"path": "bank"})), &one);
        assert!(plain.spec != other.spec && plain.bytes == other.bytes);
        let web = rendered(Owner::Tenant("web".to_owned()), "1");
        for sets in [
            Vec::new(),
            vec![rendered(Owner::Platform, "2")],
            vec![web.clone()],
            [&one[..], &[web]].concat(),
        ] {
            let other = mark(&spec(&json!({})), &sets);
            assert!(plain.spec == other.spec && plain.bytes != other.bytes);
        }
    }
}
