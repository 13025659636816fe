//! What the other sets of a project say about the objects of one set: who else wants them, who gives them
//! up, and which hosts and paths they serve.
//!
//! Everything is read from complete renders. An object that another set made and does not want any more
//! bears that set's label and our own apply entry: that, and no record, is the proof that it may move.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::{ObjectKey, Rendered, SET_LABEL, SetId};
use crate::plan::check::{Address, addresses};
use crate::plan::holder::{holds, is_holder};
use crate::plan::inventory::Inventory;
use crate::plan::observed::{Elsewhere, Live, Observed, RouteFact, World};

/// All sets of a project, indexed once for all of them.
#[derive(Debug, Default)]
pub struct Neighbours<'a> {
    wanted: BTreeMap<&'a ObjectKey, Vec<&'a SetId>>,
    labels: BTreeMap<String, &'a SetId>,
    routes: BTreeMap<Address, Vec<(&'a SetId, &'a ObjectKey)>>,
}

impl<'a> Neighbours<'a> {
    /// The sets of a project; the one that is asked for later may be among them.
    pub fn of(sets: impl IntoIterator<Item = &'a Rendered>) -> Self {
        let mut all = Self::default();
        for rendered in sets {
            let set = &rendered.set;
            all.labels.insert(set.label(), set);
            for (key, desired) in &rendered.objects {
                all.wanted.entry(key).or_default().push(set);
                for address in addresses(key, &desired.manifest.body) {
                    all.routes.entry(address).or_default().push((set, key));
                }
            }
        }
        all
    }

    /// Adds to what was seen of one set what the others say about it.
    pub fn tell(&self, world: &mut World, rendered: &Rendered, inventory: &Inventory) {
        let wanted = rendered.objects.keys();
        let keys: BTreeSet<&ObjectKey> = wanted.chain(inventory.entries.keys()).collect();
        for key in keys {
            let live = match world.objects.get(key) {
                Some(Observed::Present(live)) if rendered.objects.contains_key(key) => Some(live),
                _ => None,
            };
            let said = self.wants(key, &rendered.set);
            let said = said.or_else(|| self.gives_up(live?, &rendered.set));
            if let Some(said) = said {
                world.elsewhere.insert(key.clone(), said);
            }
        }
        for key in inventory.entries.keys().filter(|key| is_holder(key)) {
            if let Some(needed) = self.needs(key, world, rendered) {
                world.needed.insert(key.clone(), needed);
            }
        }
        world.routes = self.routes_beside(rendered);
    }

    fn wants(&self, key: &ObjectKey, set: &SetId) -> Option<Elsewhere> {
        let sets = self.wanted.get(key)?;
        let other = sets.iter().find(|other| beside(other, set))?;
        Some(Elsewhere {
            set: (*other).clone(),
            wants: true,
            owns: None,
        })
    }

    /// What another set wants that would go with an object which this set gives up.
    fn needs(
        &self,
        key: &ObjectKey,
        world: &World,
        rendered: &Rendered,
    ) -> Option<(ObjectKey, SetId)> {
        let Some(Observed::Present(live)) = world.objects.get(key) else {
            return None;
        };
        if rendered.objects.contains_key(key) {
            return None;
        }
        let wanted = self.wanted.iter();
        wanted
            .filter(|(other, _)| holds(key, &live.body, other))
            .find_map(|(other, sets)| {
                let set = sets.iter().find(|set| beside(set, &rendered.set))?;
                Some(((*other).clone(), (*set).clone()))
            })
    }

    /// Another set made the object, and nobody but this one wants it.
    fn gives_up(&self, live: &Live, set: &SetId) -> Option<Elsewhere> {
        let other = self.labels.get(live.label(SET_LABEL)?)?;
        let moves = beside(other, set) && live.managed.has_our_apply();
        moves.then(|| Elsewhere {
            set: (*other).clone(),
            wants: false,
            owns: Some(live.uid.clone()),
        })
    }

    /// Where requests go that a route of this set asks for as well.
    fn routes_beside(&self, rendered: &Rendered) -> Vec<RouteFact> {
        let mut facts = Vec::new();
        for (key, desired) in &rendered.objects {
            for address in addresses(key, &desired.manifest.body) {
                let others = self.routes.get(&address).into_iter().flatten();
                let others = others.filter(|(set, _)| beside(set, &rendered.set));
                let (host, path, gateway) = &address;
                facts.extend(others.map(|(set, route)| RouteFact {
                    host: host.clone(),
                    path: path.clone(),
                    gateway: gateway.clone(),
                    set: set.to_string(),
                    route: route.to_string(),
                }));
            }
        }
        facts.sort();
        facts.dedup();
        facts
    }
}

/// Whether two sets are different ones on one cluster.
fn beside(one: &SetId, other: &SetId) -> bool {
    one != other && one.cluster == other.cluster
}
