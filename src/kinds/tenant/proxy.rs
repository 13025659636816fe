//! Names at Traefik, which knows NAMESPACE-NAME only: `a-b` in the namespace `web` and `b` in `web-a` are one name there.
//! It is that of the longer namespace. The policy `kubemate-reach` says the same at the API server.

use std::collections::BTreeSet;

use super::Tenant;
use crate::dsl::compose::Target;
use crate::kinds::Scope;

/// What the annotations begin with in which an Ingress or a Service names objects of Traefik.
const ANNOTATIONS: &str = "traefik.ingress.kubernetes.io/";
/// What names end with that are NAMESPACE-NAME.
const OBJECTS: &str = "@kubernetescrd";

impl Tenant {
    /// Namespaces of other tenants on the cluster that begin with one of this tenant's and a dash, as the proxy calls them.
    pub fn longer(&self, scope: &Scope<'_>) -> BTreeSet<String> {
        let own: Vec<String> = self.namespaces(scope).into_iter().map(|(_, namespace, _)| plain(&namespace)).collect();
        let others = scope.platforms::<Self>().map(|(_, other)| other).filter(|other| {
            let (name, other) = (self.name.as_str(), other.name.as_str());
            name != other && (name.starts_with(other) || other.starts_with(name))
        });
        let all = others.flat_map(|other| other.on_cluster(scope)).map(|namespace| plain(&namespace));
        all.filter(|namespace| own.iter().any(|own| begins(namespace, own))).collect()
    }

    /// Its namespaces in all environments of the cluster.
    fn on_cluster(&self, scope: &Scope<'_>) -> Vec<String> {
        let cluster = &scope.target.cluster;
        let here = scope.project.environment.iter().filter(|(_, of)| of.cluster.keys().any(|name| name.as_str() == cluster));
        let targets = here.map(|(name, _)| Target { environment: name.to_string(), cluster: cluster.clone() });
        let tenant = self.name.as_str();
        let named = |target: Target| -> Vec<String> {
            if self.namespace.is_empty() {
                return vec![scope.project.namespace(tenant, None, &target)];
            }
            self.namespace.keys().map(|name| scope.project.namespace(tenant, Some(name.as_str()), &target)).collect()
        };
        targets.flat_map(named).collect()
    }
}

/// What the proxy makes of the name of something: one dash for all that is no letter and no digit.
pub fn plain(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

fn begins(name: &str, namespace: &str) -> bool {
    name.strip_prefix(namespace).is_some_and(|rest| rest.starts_with('-'))
}

/// Whether a name is one of a namespace, and of no longer one of others.
pub fn is_of(name: &str, namespace: &str, longer: &[String]) -> bool {
    let theirs = |other: &String| other.len() > namespace.len() && begins(name, other);
    begins(name, namespace) && !longer.iter().any(theirs)
}

/// Whether an annotation names what is not in the tenant's own namespaces; `longer` are those of others.
pub fn borrows(key: &str, value: &str, own: &[String], longer: &[String]) -> bool {
    let is_own = |name: &str| name.ends_with(OBJECTS) && own.iter().any(|own| is_of(name, own, longer));
    let mut names = value.split(',').map(str::trim).filter(|name| name.contains('@'));
    key.starts_with(ANNOTATIONS) && names.any(|name| !is_own(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_the_longest_namespace_that_it_begins_with() {
        let (own, longer) = (["web".to_owned()], ["web-a".to_owned()]);
        let borrowed = |value: &str| borrows("traefik.ingress.kubernetes.io/router.middlewares", value, &own, &longer);
        assert!(!borrowed("web-b@kubernetescrd, web-ab@kubernetescrd"));
        assert!(!borrowed("plain"));
        for value in ["web-b@kubernetescrd,web-a-b@kubernetescrd", "pay-b@kubernetescrd", "web-b@file", "api@internal"] {
            assert!(borrowed(value), "{value}");
        }
        let is_own = |name: &str| is_of(&plain(&format!("web-{name}")), "web", &longer);
        assert!(is_own("b") && is_own("ab") && is_own("a"));
        assert!(!is_own("a-b") && !is_own("a.b") && !is_own("a--b"));
        assert!(is_of("web-a-x-b", "web-a-x", &longer), "the longest is the tenant's own");
        assert!(!borrows("example.com/note", "pay-b@kubernetescrd", &own, &longer));
    }
}
