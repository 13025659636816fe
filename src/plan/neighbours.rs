//! What the other sets of a project say about the objects of one set: who else wants them, who gives them
//! up, and which hosts and paths they serve.
//!
//! Everything is read from complete renders. An object that another set made and does not want any more
//! bears that set's label and our own apply entry: that, and no record, is the proof that it may move.

use std::collections::BTreeMap;

use crate::object::along::Along;
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
        let (mut all, mut wanted) = (Self::default(), Vec::new());
        for rendered in sets {
            let set = &rendered.set;
            all.labels.insert(set.label(), set);
            wanted.extend(rendered.objects.keys().map(|key| (key, set)));
            for (key, desired) in &rendered.objects {
                for address in addresses(key, &desired.manifest.body) {
                    all.routes.entry(address).or_default().push((set, key));
                }
            }
        }
        // Sorted runs are merged, where each key looked up in a growing map would cost many times that.
        wanted.sort_by_key(|(key, _)| *key);
        let of_one = wanted.chunk_by(|(one, _), (other, _)| one == other);
        let of_one = of_one.filter_map(|pairs| {
            let (key, _) = pairs.first()?;
            Some((*key, pairs.iter().map(|(_, set)| *set).collect()))
        });
        all.wanted = of_one.collect();
        all
    }

    /// Adds to what was seen of one set what the others say about it.
    pub fn tell(&self, world: &mut World, rendered: &Rendered, inventory: &Inventory) {
        let (mut seen, mut sets) = (Along::new(&world.objects), Along::new(&self.wanted));
        for key in rendered.objects.keys() {
            let said = wants(sets.find(&key), &rendered.set);
            let said = said.or_else(|| match seen.find(key)? {
                Observed::Present(live) => self.gives_up(live, &rendered.set),
                Observed::Absent { .. }
                | Observed::Unreadable { .. }
                | Observed::Unchanged { .. } => None,
            });
            said.map(|said| world.elsewhere.insert(key.clone(), said));
        }
        let (mut wanted, mut sets) = (Along::new(&rendered.objects), Along::new(&self.wanted));
        for key in inventory.entries.keys() {
            if wanted.find(key).is_none() {
                let said = wants(sets.find(&key), &rendered.set);
                said.map(|said| world.elsewhere.insert(key.clone(), said));
            }
        }
        for key in inventory.entries.keys().filter(|key| is_holder(key)) {
            if let Some(needed) = self.needs(key, world, rendered) {
                world.needed.insert(key.clone(), needed);
            }
        }
        world.routes = self.routes_beside(rendered);
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

/// Of the sets that want an object, one beside this one.
fn wants(sets: Option<&Vec<&SetId>>, set: &SetId) -> Option<Elsewhere> {
    let other = sets?.iter().find(|other| beside(other, set))?;
    Some(Elsewhere {
        set: (*other).clone(),
        wants: true,
        owns: None,
    })
}

/// Whether two sets are different ones on one cluster.
fn beside(one: &SetId, other: &SetId) -> bool {
    one != other && one.cluster == other.cluster
}
