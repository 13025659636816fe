//! What a kind may see while it is checked and rendered: its target, its own identity and the other
//! resources of its tenant and of the platform. Never another tenant's.

use std::collections::{BTreeMap, BTreeSet};

use super::Resource;
use super::project::Project;
use super::sources::Sources;
use crate::dsl::compose::Target;
use crate::dsl::node::Node;
use crate::object::ResourceId;

/// The typed resources of one target that one owner sees.
#[derive(Debug, Default)]
pub struct World {
    /// Resources by identity.
    pub resources: BTreeMap<ResourceId, std::sync::Arc<Member>>,
    /// The owner's other files.
    pub sources: std::sync::Arc<Sources>,
    /// Kind and name of everything that is written down, also of what is broken.
    pub declared: std::sync::Arc<BTreeSet<(String, String)>>,
}

impl World {
    /// Without resources, for an owner with these other files.
    pub fn with(sources: std::sync::Arc<Sources>) -> Self {
        Self {
            sources,
            ..Self::default()
        }
    }
}

/// A resource with the tree it was decoded from.
#[derive(Debug)]
pub struct Member {
    /// The typed resource.
    pub resource: Resource,
    /// Its values with their places.
    pub node: Node,
}

/// A kind's type as found in a [`Resource`].
pub trait Typed: super::Kind + Sized + 'static {
    /// The typed value, if the resource is of this kind.
    fn of(resource: &Resource) -> Option<&Self>;
}

/// The view from one resource.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The project.
    pub project: &'a Project,
    /// Environment and cluster.
    pub target: &'a Target,
    /// The resource itself.
    pub id: &'a ResourceId,
    /// Everything in sight.
    pub world: &'a World,
}

impl<'a> Scope<'a> {
    /// A resource by reference, as written in KDL: the same tenant first, then the platform's.
    /// `TENANT/NAME` finds only what is in sight.
    pub fn find<K: Typed>(&self, reference: &str) -> Option<&'a K> {
        let (tenant, name) = match reference.split_once('/') {
            Some((tenant, name)) => (Some(tenant.to_owned()), name),
            None => (self.id.tenant.clone(), reference),
        };
        self.get(tenant, name).or_else(|| self.get(None, name))
    }

    /// Whether a resource of that kind and name is written down, also where it is broken.
    pub fn declares<K: Typed>(&self, name: &str) -> bool {
        let names = &self.world.declared;
        names.contains(&(K::NAME.to_owned(), name.to_owned()))
    }

    fn get<K: Typed>(&self, tenant: Option<String>, name: &str) -> Option<&'a K> {
        let id = ResourceId {
            kind: K::NAME.to_owned(),
            tenant,
            name: name.to_owned(),
        };
        K::of(&self.world.resources.get(&id)?.resource)
    }

    /// All resources of a kind in sight, in order of identity.
    pub fn all<K: Typed>(&self) -> impl Iterator<Item = (&'a ResourceId, &'a K)> {
        let all = self.world.resources.iter();
        all.filter_map(|(id, member)| K::of(&member.resource).map(|kind| (id, kind)))
    }

    /// The resources of a kind that belong to the platform itself, in order of name.
    pub fn platforms<K: Typed>(&self) -> impl Iterator<Item = (&'a ResourceId, &'a K)> {
        let first = ResourceId {
            kind: K::NAME.to_owned(),
            tenant: None,
            name: String::new(),
        };
        let from = self.world.resources.range(first..);
        from.take_while(|(id, _)| id.kind == K::NAME && id.tenant.is_none())
            .filter_map(|(id, member)| K::of(&member.resource).map(|kind| (id, kind)))
    }

    /// The resources of a kind that belong to the same tenant.
    pub fn own<K: Typed>(&self) -> impl Iterator<Item = (&'a ResourceId, &'a K)> {
        let tenant = self.id.tenant.clone();
        self.all::<K>().filter(move |(id, _)| id.tenant == tenant)
    }

    /// The tree of a resource in sight, for places of what another resource says.
    pub fn node(&self, id: &ResourceId) -> Option<&'a Node> {
        self.world.resources.get(id).map(|member| &member.node)
    }

    /// The Kubernetes namespace of a tenant's namespace NAME, the tenant's first one without a name:
    /// `TENANT[-NAME]`, plus `-ENVIRONMENT` where two environments share a cluster.
    pub fn namespace(&self, tenant: &str, name: Option<&str>) -> String {
        self.project.namespace(tenant, name, self.target)
    }
}
