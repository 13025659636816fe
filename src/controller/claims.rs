//! Whose set it is where several Syncs want the same one: the older Sync's. The other is refused, for two
//! that write would undo each other for ever. Who only observes, or is suspended, wants nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::adapters::sync::Sync;
use crate::object::{Rendered, SetId};

/// All Syncs of the shard, as they were read last.
#[derive(Default)]
pub(super) struct Claims {
    syncs: RwLock<BTreeMap<String, Arc<Sync>>>,
    /// Whether all of them were read since the lead was taken.
    known: watch::Sender<bool>,
}

impl Claims {
    /// Nothing is known of any Sync.
    pub(super) fn clear(&self) {
        self.known.send_replace(false);
        self.change(BTreeMap::clear);
    }

    /// A Sync was read.
    pub(super) fn note(&self, name: &str, sync: &Arc<Sync>) {
        self.change(|syncs| drop(syncs.insert(name.to_owned(), Arc::clone(sync))));
    }

    /// A Sync is gone.
    pub(super) fn forget(&self, name: &str) {
        self.change(|syncs| drop(syncs.remove(name)));
    }

    /// All Syncs were read.
    pub(super) fn complete(&self) {
        self.known.send_replace(true);
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Arc<Sync>>)) {
        change(&mut self.syncs.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until all Syncs were read: before that nobody knows whose a set is.
    pub(super) async fn read(&self) {
        let mut known = self.known.subscribe();
        // Its other end lives as long as this.
        known.wait_for(|known| *known).await.ok();
    }

    /// Of some sets those that an older Sync keeps, with its name.
    pub(super) fn of<'r>(
        &self,
        sync: &Sync,
        sets: impl Iterator<Item = &'r Rendered>,
    ) -> BTreeMap<SetId, String> {
        if !sync.writes() {
            return BTreeMap::new();
        }
        let syncs = self.syncs.read().unwrap_or_else(PoisonError::into_inner);
        let claimed = |set: &SetId| {
            let older =
                |(_, other): &(&String, &Arc<Sync>)| other.claims(set) && other.is_older(sync);
            syncs.iter().find(older).map(|(name, _)| name.clone())
        };
        let claimed = sets.filter_map(|r| Some((r.set.clone(), claimed(&r.set)?)));
        claimed.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use tokio::time::timeout;

    use super::*;
    use crate::object::Owner;

    fn sync(name: &str, made: &str, spec: &Value) -> Arc<Sync> {
        let mut all = json!({
            "repository": "https://git.example/p.git", "environment": "prod", "cluster": "hq", "mode": "auto",
        });
        all.as_object_mut()
            .unwrap()
            .extend(spec.as_object().unwrap().clone());
        let sync = json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync",
            "metadata": {"name": name, "creationTimestamp": made}, "spec": all, "status": {"project": "bank"},
        });
        Arc::new(serde_json::from_value(sync).unwrap())
    }

    fn rendered(owner: Owner) -> Rendered {
        let set = SetId {
            project: "bank".to_owned(),
            cluster: "hq".to_owned(),
            owner,
            environment: "prod".to_owned(),
        };
        Rendered {
            set,
            objects: BTreeMap::new(),
        }
    }

    #[test]
    fn the_older_sync_keeps_a_set_and_the_other_is_refused() {
        let (old, new) = ("2026-05-04T10:00:00Z", "2026-05-04T11:00:00Z");
        let all = [
            rendered(Owner::Platform),
            rendered(Owner::Tenant("web".to_owned())),
        ];
        let refused = |one: &Arc<Sync>, other: &Arc<Sync>| {
            let claims = Claims::default();
            for sync in [one, other] {
                claims.note(sync.metadata.name.as_deref().unwrap(), sync);
            }
            claims.of(one, all.iter()).len()
        };
        let first = sync("a", old, &json!({}));
        let second = sync("b", new, &json!({}));
        assert_eq!((refused(&first, &second), refused(&second, &first)), (0, 2));
        // Of two that were made at once the name decides.
        let twin = sync("b", old, &json!({}));
        assert_eq!((refused(&first, &twin), refused(&twin, &first)), (0, 2));
        // Only what both want is refused.
        let web = sync("a", old, &json!({"tenants": ["web"]}));
        assert_eq!(refused(&second, &web), 1);
        for other in [
            json!({"mode": "observe"}),
            json!({"suspend": true}),
            json!({"environment": "dev"}),
            json!({"cluster": "branch"}),
            json!({"tenants": ["other"]}),
        ] {
            assert_eq!(refused(&second, &sync("a", old, &other)), 0, "{other}");
        }
        // Who writes nothing is not refused either.
        let looks = sync("b", new, &json!({"mode": "observe"}));
        assert_eq!(refused(&looks, &first), 0);
    }

    #[test]
    fn a_sync_that_is_gone_claims_nothing() {
        let claims = Claims::default();
        let (old, new) = ("2026-05-04T10:00:00Z", "2026-05-04T11:00:00Z");
        let (first, second) = (sync("a", old, &json!({})), sync("b", new, &json!({})));
        claims.note("a", &first);
        let all = [rendered(Owner::Platform)];
        let refused = || claims.of(&second, all.iter()).into_values().next();
        assert_eq!(refused().as_deref(), Some("a"));
        claims.forget("a");
        assert_eq!(refused(), None);
        claims.note("a", &first);
        claims.clear();
        assert_eq!(refused(), None);
    }

    #[tokio::test]
    async fn nothing_is_known_before_all_were_read() {
        let claims = Claims::default();
        let soon = Duration::from_millis(10);
        assert!(timeout(soon, claims.read()).await.is_err());
        claims.complete();
        claims.read().await;
        claims.clear();
        assert!(timeout(soon, claims.read()).await.is_err());
    }
}
