//! Who may do what in a tenant's namespaces: the identity of its writes, and its members.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::member::{Member, MemberKind, Shipped};
use super::super::rights::{self, Rule};
use super::super::{IDENTITY, Tenant};
use crate::kinds::role::Role;
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::names::UserName;

/// kubemate's own account, which writes platform sets and speaks for tenants.
const KUBEMATE: (&str, &str) = ("kubemate-system", "kubemate");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_group: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

impl Subject {
    fn account(namespace: &str, name: &str) -> Self {
        Self {
            kind: "ServiceAccount",
            api_group: None,
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        }
    }

    fn login(kind: &'static str, name: &str) -> Self {
        Self {
            kind,
            api_group: Some("rbac.authorization.k8s.io"),
            namespace: None,
            name: name.to_owned(),
        }
    }
}

/// The ServiceAccount that every write of the tenant's set carries, and kubemate's right to it.
pub(super) fn identity(tenant: &Tenant, scope: &Scope<'_>, out: &mut Objects) {
    let home = tenant.home(scope);
    out.push(
        ObjectRequest::new("tenant/identity.yaml.j2")
            .set("name", &IDENTITY)
            .set("namespace", &home),
    );
    let (namespace, name) = KUBEMATE;
    let subjects = [Subject::account(namespace, name)];
    out.push(role("kubemate-impersonate", &home, &rights::impersonation()).set("subjects", &subjects));
}

/// Roles and bindings in one namespace.
pub(super) fn rights(tenant: &Tenant, scope: &Scope<'_>, namespace: &str, out: &mut Objects) {
    let subjects = [Subject::account(&tenant.home(scope), IDENTITY)];
    let mut rules = rights::identity();
    rules.extend(tenant.encrypted_secrets.then(rights::secrets));
    out.push(role(IDENTITY, namespace, &rules).set("subjects", &subjects));
    let mut by_role: BTreeMap<&str, Vec<(&UserName, &Member)>> = BTreeMap::new();
    for (name, member) in tenant.member.iter() {
        by_role.entry(member.role.name()).or_default().push((name, member));
    }
    for (name, members) in by_role {
        if let Some(rules) = rules_of(name, scope) {
            out.push(members_role(tenant, scope, (name, &rules), namespace, &members));
        }
    }
}

fn rules_of(name: &str, scope: &Scope<'_>) -> Option<Vec<Rule>> {
    let own = || scope.find::<Role>(name).map(Role::rules);
    Shipped::of(name).map(rights::shipped).or_else(own).filter(|rules| !rules.is_empty())
}

fn members_role(
    tenant: &Tenant,
    scope: &Scope<'_>,
    (name, rules): (&str, &[Rule]),
    namespace: &str,
    members: &[(&UserName, &Member)],
) -> ObjectRequest {
    let mut request = role(&format!("kubemate-role-{name}"), namespace, rules);
    let mut subjects = Vec::new();
    let mut until = Vec::new();
    for (index, (member_name, member)) in members.iter().enumerate() {
        let pointer = format!("/member/{}", member_name.as_str().replace('~', "~0").replace('/', "~1"));
        request.origins.insert(format!("/subjects/{index}/name"), pointer);
        subjects.push(match member.kind {
            MemberKind::User => Subject::login("User", member_name.as_str()),
            MemberKind::Group => Subject::login("Group", member_name.as_str()),
            MemberKind::ServiceAccount => {
                let own = member.namespace.as_ref().map(ToString::to_string);
                Subject::account(&own.unwrap_or_else(|| tenant.home(scope)), member_name.as_str())
            }
        });
        until.extend(member.until.map(|end| format!("{member_name} {end}")));
    }
    let until = (!until.is_empty()).then(|| until.join(", "));
    request.set("subjects", &subjects).set("until", &until)
}

fn role(name: &str, namespace: &str, rules: &[Rule]) -> ObjectRequest {
    ObjectRequest::new("tenant/role.yaml.j2")
        .set("name", &name)
        .set("namespace", &namespace)
        .set("rules", &rules)
        .set("until", &None::<String>)
}
