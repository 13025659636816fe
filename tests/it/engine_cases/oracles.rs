//! What must hold after every case, judged from the proxy's record and the cluster, never from reports:
//! I1 a tenant's writes carry the tenant's identity, I2 only what an inventory owns is deleted, and only
//! in that life of it, I4 nothing that was made is forgotten.

use std::collections::BTreeMap;

use kubemate::object::{Owner, SetId};

use crate::bank::project::{Bank, stored};
use crate::bed::proxy::{Call, Proxy, Verb};

/// What the sets own before something happens to them.
pub(crate) struct Watched {
    sets: Vec<SetId>,
    /// The set that owns each UID.
    owned: BTreeMap<String, SetId>,
}

impl Watched {
    /// Looks at the sets of one environment.
    pub(crate) fn new(sets: Vec<SetId>) -> Self {
        let mut watched = Self {
            sets,
            owned: BTreeMap::new(),
        };
        watched.learn();
        watched
    }

    /// Also knows what is owned now.
    pub(crate) fn learn(&mut self) {
        for (set, stored) in self.sets.iter().zip(stored(&self.sets)) {
            let uids = stored.inventory.entries.values().filter_map(|e| e.uid());
            self.owned
                .extend(uids.map(|uid| (uid.to_owned(), set.clone())));
        }
    }

    /// Checks I1, I2 and I4.
    pub(crate) fn judge(&self, bank: &Bank, proxy: &Proxy) {
        self.judge_with(proxy, |set| bank.marked(set));
    }

    /// The same for another project; `marked` tells what is live with the mark of a set, by UID.
    pub(crate) fn judge_with(
        &self,
        proxy: &Proxy,
        marked: impl Fn(&SetId) -> BTreeMap<String, String>,
    ) {
        for call in &proxy.writes() {
            judge_write(&self.sets, call, |uid| self.owned.get(uid).cloned());
        }
        nothing_lost(&self.sets, marked);
    }
}

/// I1 and I2 for one write; `owner` tells whose inventory has a UID.
pub(crate) fn judge_write(sets: &[SetId], call: &Call, owner: impl Fn(&str) -> Option<SetId>) {
    let told = format!("{} {}", call.method, call.path);
    if call.target.namespace.as_deref() == Some("kubemate-system") {
        assert_eq!(call.impersonated(), None, "books are our own: {told}");
        return;
    }
    let body = call.json();
    let set = match call.verb {
        Verb::Delete => {
            let uid = body["preconditions"]["uid"].as_str();
            let uid = uid.unwrap_or_else(|| panic!("a delete without a UID: {told}"));
            owner(uid).unwrap_or_else(|| panic!("not in an inventory: {told}"))
        }
        Verb::Apply | Verb::Create => {
            if body["metadata"]["name"] == "kubemate-system" {
                return;
            }
            let label = body["metadata"]["labels"]["kubemate.dev/set"].as_str();
            let mut of = sets
                .iter()
                .filter(|set| Some(set.label().as_str()) == label);
            let set = of.next();
            set.unwrap_or_else(|| panic!("written for no set: {told}"))
                .clone()
        }
        other => panic!("{other:?} is never sent: {told}"),
    };
    let user = call.impersonated();
    match &set.owner {
        Owner::Platform => assert_eq!(user, None, "{told}"),
        Owner::Tenant(tenant) => {
            let user = user.unwrap_or_else(|| panic!("with our own rights: {told}"));
            let home = |namespace: &str| {
                let rest = namespace.strip_prefix(tenant.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            let account = user.strip_prefix("system:serviceaccount:");
            let account = account.and_then(|a| a.strip_suffix(":kubemate-tenant"));
            assert!(account.is_some_and(home), "{told} as {user}");
            assert!(call.target.namespace.as_deref().is_some_and(home), "{told}");
        }
    }
}

/// I4: what is live with the mark of a set is in its inventory, or announced there.
pub(crate) fn nothing_lost(sets: &[SetId], marked: impl Fn(&SetId) -> BTreeMap<String, String>) {
    for (set, stored) in sets.iter().zip(stored(sets)) {
        let known: Vec<&str> = stored
            .inventory
            .entries
            .values()
            .filter_map(|entry| entry.uid())
            .collect();
        let pending: Vec<String> = stored
            .inventory
            .entries
            .iter()
            .filter(|(_, entry)| entry.uid().is_none())
            .map(|(key, _)| format!("{} {}", key.group_kind.kind, key.name))
            .collect();
        for (uid, name) in marked(set) {
            assert!(
                known.contains(&uid.as_str()) || pending.contains(&name),
                "{name} of {set} is in no inventory"
            );
        }
    }
}
