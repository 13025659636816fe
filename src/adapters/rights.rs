//! In whose name each set is written, where, by whose leave and when: what a judged project says of it.
//!
//! A tenant that the platform does not know has no account and may write nowhere.

use jiff::Timestamp;

use super::judge::Verdict;
use crate::apply::cluster::Identity;
use crate::kinds::approval::Approval;
use crate::kinds::freeze::Ticket;
use crate::kinds::role::Action;
use crate::kinds::tenant;
use crate::model::job::{Entitled, RuleFact, TenantFact};
use crate::object::{Owner, SetId};
use crate::plan::Policy;
use crate::plan::season::{self, Calendar, Exception, Season};

/// The rights of every set of a project.
pub struct Rights {
    tenants: Vec<TenantFact>,
    rules: Vec<RuleFact>,
}

impl Rights {
    /// What a project gives its tenants, on every target that was rendered.
    pub fn of(verdict: &Verdict) -> Self {
        let outcomes = verdict.outcomes.iter();
        Self {
            tenants: outcomes
                .clone()
                .flat_map(|(_, o)| o.tenants.clone())
                .collect(),
            rules: outcomes.flat_map(|(_, o)| o.rules.clone()).collect(),
        }
    }

    /// In whose name a set is written.
    pub fn identity(&self, set: &SetId) -> Identity {
        match &set.owner {
            Owner::Platform => Identity::Own,
            Owner::Tenant(name) => Identity::ServiceAccount {
                namespace: self
                    .namespaces(name, set)
                    .first()
                    .cloned()
                    .unwrap_or_default(),
                name: tenant::IDENTITY.to_owned(),
            },
        }
    }

    /// What a set may do.
    pub fn policy(&self, set: &SetId) -> Policy {
        let namespaces = match &set.owner {
            Owner::Platform => None,
            Owner::Tenant(name) => Some(self.namespaces(name, set).iter().cloned().collect()),
        };
        Policy {
            namespaces,
            ..Policy::default()
        }
    }

    /// Who has to agree to changes of a set, if anybody has to.
    pub fn approval(&self, set: &SetId) -> Option<&Approval> {
        self.rule(set)?.approval.as_ref()
    }

    /// Whether changes of a set are made at this time.
    pub fn season(&self, set: &SetId, now: Timestamp) -> Season {
        let Some(rule) = self.rule(set) else {
            return Season::Open;
        };
        let calendar = Calendar {
            windows: &rule.windows,
            freezes: &rule.freezes,
        };
        calendar.at(set, now)
    }

    /// Who has to agree to changes on a target, whichever sets it has, if anybody has to.
    pub fn approval_on(&self, environment: &str, cluster: &str) -> Option<&Approval> {
        self.rule_on(environment, cluster)?.approval.as_ref()
    }

    /// What lets a change of a set through the freeze that it is in, if anything does.
    pub fn exception(&self, set: &SetId, now: Timestamp) -> Option<Exception> {
        let rule = self.rule(set)?;
        let (freeze, exception) = season::exception(&rule.freezes, set, now)?;
        let name = exception.approval.to_string();
        let mut rules = rule.exceptions.iter();
        let rule = rules.find(|approval| approval.name.as_str() == name)?;
        Some(Exception {
            freeze: freeze.name.to_string(),
            ticket: exception.ticket == Ticket::Required,
            rule: rule.clone(),
        })
    }

    /// The members of a set's tenant whose roles say that they may ask for this; none where none does.
    pub fn entitled(&self, set: &SetId, action: Action) -> Vec<&Entitled> {
        let Owner::Tenant(tenant) = &set.owner else {
            return Vec::new();
        };
        let all = self.rule(set).into_iter().flat_map(|rule| &rule.entitled);
        all.filter(|one| one.tenant == *tenant && one.may.contains(&action))
            .collect()
    }

    /// For each of some sets whose tenant's roles say who may agree to its changes: the members who may.
    pub fn agreeing<'s>(&self, sets: impl IntoIterator<Item = &'s SetId>) -> Vec<Vec<Entitled>> {
        let all = sets.into_iter();
        let all = all.map(|set| self.entitled(set, Action::Approve));
        all.filter(|members| !members.is_empty())
            .map(|members| members.into_iter().cloned().collect())
            .collect()
    }

    fn rule(&self, set: &SetId) -> Option<&RuleFact> {
        self.rule_on(&set.environment, &set.cluster)
    }

    fn rule_on(&self, environment: &str, cluster: &str) -> Option<&RuleFact> {
        let here =
            |r: &&RuleFact| r.target.environment == environment && r.target.cluster == cluster;
        self.rules.iter().find(here)
    }

    /// A tenant's namespaces on a set's target, the one of its account first.
    fn namespaces(&self, tenant: &str, set: &SetId) -> &[String] {
        let here = |t: &&TenantFact| {
            t.tenant == tenant
                && t.target.environment == set.environment
                && t.target.cluster == set.cluster
        };
        self.tenants
            .iter()
            .find(here)
            .map_or(&[], |fact| fact.namespaces.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsl::compose::Target;

    fn set(owner: Owner, environment: &str) -> SetId {
        SetId {
            project: "shop".to_owned(),
            cluster: "hq".to_owned(),
            owner,
            environment: environment.to_owned(),
        }
    }

    #[test]
    fn s_76_who_may_ask_for_what_is_said_by_roles_of_the_tenant() {
        let member = |tenant: &str, name: &str, may: &[Action], until: Option<&str>| Entitled {
            tenant: tenant.to_owned(),
            kind: crate::kinds::tenant::member::MemberKind::User,
            name: name.to_owned(),
            may: may.to_vec(),
            until: until.map(|text| text.parse().unwrap()),
        };
        let target = Target {
            environment: "prod".to_owned(),
            cluster: "hq".to_owned(),
        };
        let rights = Rights {
            tenants: Vec::new(),
            rules: vec![RuleFact {
                target,
                approval: None,
                windows: Vec::new(),
                freezes: Vec::new(),
                exceptions: Vec::new(),
                entitled: vec![
                    member("web", "ana", &[Action::Hold, Action::Apply], None),
                    member("web", "li", &[Action::Hold], Some("2026-05-04T12:00+00:00")),
                    member("pay", "eve", &[Action::Hold], None),
                ],
            }],
        };
        let names = |owner: Owner, environment: &str, action: Action| {
            let all = rights.entitled(&set(owner, environment), action);
            let names = all.iter().map(|one| one.name.clone());
            names.collect::<Vec<String>>().join(" ")
        };
        let web = || Owner::Tenant("web".to_owned());
        assert_eq!(names(web(), "prod", Action::Hold), "ana li");
        assert_eq!(names(web(), "prod", Action::Apply), "ana");
        assert_eq!(names(web(), "prod", Action::Approve), "");
        assert_eq!(names(web(), "dev", Action::Hold), "");
        assert_eq!(names(Owner::Platform, "prod", Action::Hold), "");
        for (now, holds) in [
            ("2026-05-04T11:59:59Z", true),
            ("2026-05-04T12:00:00Z", false),
        ] {
            let all = rights.entitled(&set(web(), "prod"), Action::Hold);
            let held = all.iter().map(|one| one.holds(now.parse().unwrap()));
            assert_eq!(held.collect::<Vec<bool>>(), [true, holds], "{now}");
        }
    }

    #[test]
    fn a_tenant_writes_in_its_own_namespaces_and_an_unknown_one_nowhere() {
        let target = Target {
            environment: "dev".to_owned(),
            cluster: "hq".to_owned(),
        };
        let namespaces = vec!["web-dev".to_owned(), "web-batch-dev".to_owned()];
        let fact = TenantFact {
            tenant: "web".to_owned(),
            target,
            namespaces: namespaces.clone(),
        };
        let rights = Rights {
            tenants: vec![fact],
            rules: Vec::new(),
        };
        let may = |set: &SetId| rights.policy(set).namespaces;
        let web = set(Owner::Tenant("web".to_owned()), "dev");
        assert_eq!(may(&web), Some(namespaces.into_iter().collect()));
        assert_eq!(
            rights.identity(&web),
            Identity::ServiceAccount {
                namespace: "web-dev".to_owned(),
                name: tenant::IDENTITY.to_owned()
            }
        );
        for nowhere in [
            set(Owner::Tenant("web".to_owned()), "prod"),
            set(Owner::Tenant("stranger".to_owned()), "dev"),
        ] {
            assert_eq!(may(&nowhere).map(|all| all.len()), Some(0), "{nowhere:?}");
        }
        assert_eq!(may(&set(Owner::Platform, "dev")), None);
    }
}
