//! Who has agreed to a change, and who still has to. Pure: people and the time are arguments.
//!
//! A yes counts only if it is about the commit that is judged, is of somebody whom the rule names, is
//! of nobody who had a part in the change, and is not too old. What is not known counts as no.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::kinds::approval::{Approval, Part};
use crate::kinds::tenant::member::MemberKind;
use crate::model::job::Entitled;

/// The people behind a change, as the forge calls them; those who agreed in the cluster as that does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Who opened it.
    pub author: String,
    /// Who wrote its commits; `None` for a commit whose writer the forge does not know.
    pub writers: Vec<Option<String>>,
    /// Who merged it, once that is done.
    pub merger: Option<String>,
    /// Who agreed to its last commit.
    pub yeses: Vec<Yes>,
    /// For each tenant that it changes and whose roles say who may agree to that: the members who may.
    pub only: Vec<Vec<Entitled>>,
}

/// One agreement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Yes {
    /// Who.
    pub user: String,
    /// The groups of the rule that this person is in.
    pub groups: BTreeSet<String>,
    /// When, where the forge tells.
    pub at: Option<Timestamp>,
    /// It was said in the cluster, which knows people by other names than the forge.
    pub in_cluster: bool,
}

impl Yes {
    /// Whether whom a rule names said it. A cluster has two users where two names differ in case.
    fn is_by(&self, user: &str) -> bool {
        match self.in_cluster {
            true => self.user == user,
            false => same(user, &self.user),
        }
    }

    /// Whether somebody whom the forge calls so said it. In doubt it was.
    fn is_of(&self, name: &str) -> bool {
        match self.in_cluster {
            true => alike(name, &self.user),
            false => same(name, &self.user),
        }
    }

    /// Whether this member of a tenant said it.
    fn is_by_member(&self, member: &Entitled) -> bool {
        match member.kind {
            MemberKind::User => self.is_by(&member.name),
            MemberKind::Group => self.groups.contains(&member.name),
            MemberKind::ServiceAccount => false,
        }
    }

    /// Whether one person said both. In doubt one did.
    fn is_of_one_with(&self, other: &Self) -> bool {
        match (self.in_cluster, other.in_cluster) {
            (true, true) => plain(&self.user) == plain(&other.user),
            (true, false) => self.is_of(&other.user),
            (false, _) => other.is_of(&self.user),
        }
    }
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The rule's name.
    pub approval: String,
    /// Who agreed, so that it counts.
    pub by: Vec<String>,
    /// How many more have to.
    pub missing: u32,
    /// Who may: people and groups as the rule names them.
    pub of: Vec<String>,
    /// Agreements that do not count, and why; in words.
    pub refused: Vec<String>,
}

impl Consent {
    /// Judges what people said by a rule.
    pub fn of(rule: &Approval, people: &People, now: Timestamp) -> Self {
        let (mut by, mut refused) = (Vec::<&Yes>::new(), Vec::new());
        for yes in &people.yeses {
            if by.iter().any(|known| known.is_of_one_with(yes)) {
                continue;
            }
            match objection(rule, people, yes, now) {
                None => by.push(yes),
                Some(why) => refused.push(format!("{} {why}", yes.user)),
            }
        }
        let given = u32::try_from(by.len()).unwrap_or(u32::MAX);
        let person = |user: &crate::names::UserName| user.to_string();
        let approvers = rule.approver.iter().filter_map(|approver| {
            let group = approver.group.as_ref();
            let user = approver.user.as_ref();
            user.map(person)
                .or_else(|| group.map(|group| format!("group {group}")))
        });
        Self {
            approval: rule.name.to_string(),
            missing: rule.count.saturating_sub(given),
            of: approvers.collect(),
            by: by.iter().map(|yes| yes.user.clone()).collect(),
            refused,
        }
    }

    /// Whether the change may go.
    pub fn is_given(&self) -> bool {
        self.missing == 0
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.approval;
        match (self.missing, self.by.is_empty()) {
            (0, true) => write!(f, "`{name}` needs nobody")?,
            (0, false) => write!(f, "`{name}` is given by {}", self.by.join(", "))?,
            (n, _) => {
                write!(f, "`{name}` waits for {n} of {}", self.of.join(", "))?;
                if !self.by.is_empty() {
                    write!(f, ", given by {}", self.by.join(", "))?;
                }
            }
        }
        match self.refused.is_empty() {
            true => Ok(()),
            false => write!(f, "; not counted: {}", self.refused.join(", ")),
        }
    }
}

/// The groups that a rule names.
pub fn groups(rule: &Approval) -> BTreeSet<String> {
    let named = rule.approver.iter().filter_map(|a| a.group.as_ref());
    named.map(ToString::to_string).collect()
}

/// The groups among members of a tenant.
pub fn member_groups(members: &[Entitled]) -> BTreeSet<String> {
    let groups = members.iter().filter(|m| m.kind == MemberKind::Group);
    groups.map(|member| member.name.clone()).collect()
}

/// Names of users are the same in any case.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// What stands between the parts of a name, as clusters put them together.
const SEAMS: [char; 5] = [':', '/', '#', '\\', '@'];

/// Whether the name of a forge may be that of somebody whom a cluster knows, as `ana` is in
/// `oidc:ana@bank.example`: if they have a part in common.
fn alike(forge: &str, cluster: &str) -> bool {
    !parts(forge).is_disjoint(&parts(cluster))
}

/// The parts of a name, each also without what is hung on it: `ana_bank` and `ana+ops` may be `ana`.
fn parts(name: &str) -> BTreeSet<String> {
    let lower = name.to_lowercase();
    let mut parts = BTreeSet::new();
    for part in lower.split(SEAMS) {
        let before = |at: char| part.rsplit_once(at).map_or(part, |(before, _)| before);
        parts.extend([part, before('_'), before('+')].map(str::to_owned));
    }
    parts.remove("");
    parts
}

/// A cluster's name of a person without what stands around it: `ana+ops@bank.example` is `ana`.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let bare = lower.rsplit([':', '/', '#', '\\']).next();
    let bare = bare.and_then(|bare| bare.split(['@', '+']).next());
    match bare.unwrap_or_default() {
        "" => lower,
        bare => bare.to_owned(),
    }
}

/// Why an agreement does not count.
fn objection(rule: &Approval, people: &People, yes: &Yes, now: Timestamp) -> Option<String> {
    let named = rule.approver.iter().any(|approver| {
        let person = approver.user.as_ref();
        let group = approver.group.as_ref();
        person.is_some_and(|user| yes.is_by(user.as_str()))
            || group.is_some_and(|group| yes.groups.contains(group.as_str()))
    });
    if !named {
        return Some("may not agree to this".to_owned());
    }
    let may = |member: &Entitled| member.holds(now) && yes.is_by_member(member);
    if !people.only.iter().all(|members| members.iter().any(may)) {
        return Some("may not agree for a tenant, as the roles of its members say".to_owned());
    }
    // Nobody agrees with himself, whatever the rule says.
    if yes.is_of(&people.author) {
        return Some("opened it".to_owned());
    }
    let excluded = |part: Part| rule.exclude.contains(&part);
    if excluded(Part::Committer) {
        let wrote = |writer: &Option<String>| writer.as_deref().is_some_and(|w| yes.is_of(w));
        if people.writers.iter().any(wrote) {
            return Some("wrote a part of it".to_owned());
        }
        if people.writers.is_empty() || people.writers.contains(&None) {
            return Some("may have written a part of it: the forge does not know the writer of a commit, by its e-mail".to_owned());
        }
    }
    let merged = people.merger.as_deref();
    if excluded(Part::Merger) && merged.is_some_and(|merger| yes.is_of(merger)) {
        return Some("merged it".to_owned());
    }
    let limit = rule.valid_for.as_ref()?;
    let Some(at) = yes.at else {
        return Some("agreed at a time that the forge does not tell".to_owned());
    };
    let age = now.duration_since(at).unsigned_abs();
    (at < now && age > limit.to_std()).then(|| format!("agreed more than {limit} ago"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(more: serde_json::Value) -> Approval {
        let mut value = json!({
            "name": "prod-change",
            "approver": [{ "user": "cid" }, { "group": "leads" }],
        });
        value
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    fn yes(user: &str, groups: &[&str], at: &str) -> Yes {
        Yes {
            user: user.to_owned(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            at: Some(at.parse().unwrap()),
            in_cluster: false,
        }
    }

    fn in_cluster(user: &str, groups: &[&str], at: &str) -> Yes {
        Yes {
            in_cluster: true,
            ..yes(user, groups, at)
        }
    }

    fn people(yeses: &[Yes]) -> People {
        People {
            author: "ann".to_owned(),
            writers: vec![Some("ann".to_owned()), Some("ben".to_owned())],
            merger: None,
            yeses: yeses.to_vec(),
            only: Vec::new(),
        }
    }

    const NOW: &str = "2026-05-04T12:00:00Z";

    fn judged(rule: &Approval, people: &People) -> Consent {
        Consent::of(rule, people, NOW.parse().unwrap())
    }

    #[test]
    fn who_has_a_part_in_a_change_does_not_agree_to_it() {
        let at = "2026-05-04T11:00:00Z";
        for (user, groups, counts) in [
            ("cid", &[][..], true),
            ("CID", &[], true),
            ("dan", &["leads"], true),
            ("dan", &["other"], false),
            ("dan", &[], false),
            ("ann", &["leads"], false),
            ("Ann", &["leads"], false),
            ("ben", &["leads"], false),
        ] {
            let consent = judged(&rule(json!({})), &people(&[yes(user, groups, at)]));
            assert_eq!(consent.is_given(), counts, "{user} {groups:?}: {consent}");
            assert_eq!(consent.refused.is_empty(), counts, "{consent}");
        }
        let mut merged = people(&[yes("cid", &[], at)]);
        merged.merger = Some("cid".to_owned());
        assert!(judged(&rule(json!({})), &merged).is_given());
        let strict = rule(json!({ "exclude": ["merger"] }));
        assert!(!judged(&strict, &merged).is_given());
        // What the forge does not know is no yes.
        let mut unknown = people(&[yes("cid", &[], at)]);
        unknown.writers.push(None);
        assert!(!judged(&rule(json!({})), &unknown).is_given());
        assert!(
            judged(&strict, &unknown).is_given(),
            "only the merger is asked about"
        );
        // Not even a rule that excludes nobody lets somebody agree with himself.
        let loose = rule(json!({ "exclude": [] }));
        assert!(!judged(&loose, &people(&[yes("ann", &["leads"], at)])).is_given());
    }

    #[test]
    fn names_of_a_cluster_are_compared_with_those_of_the_forge() {
        let at = "2026-05-04T11:00:00Z";
        for (user, counts) in [
            ("oidc:dan@bank.example", true),
            ("oidc:ann@bank.example", false),
            ("https://login.bank.example#ann", false),
            ("BANK\\Ben", false),
            ("ben@elsewhere.example", false),
            ("oidc:ANN_bank@bank.example", false),
            ("ann+ops@bank.example", false),
            ("ann:dan", false),
            ("annette", true),
            ("@", true),
        ] {
            let yes = in_cluster(user, &["leads"], at);
            let consent = judged(&rule(json!({})), &people(&[yes]));
            assert_eq!(consent.is_given(), counts, "{user}: {consent}");
        }
        for (user, counts) in [("cid", true), ("CID", false), ("oidc:cid", false)] {
            let consent = judged(&rule(json!({})), &people(&[in_cluster(user, &[], at)]));
            assert_eq!(consent.is_given(), counts, "{user}: {consent}");
        }
        // A forge's names are compared with each other as they are.
        for (user, counts) in [("ann_ops", true), ("ANN", false)] {
            let consent = judged(&rule(json!({})), &people(&[yes(user, &["leads"], at)]));
            assert_eq!(consent.is_given(), counts, "{user}: {consent}");
        }
        let mut managed = people(&[in_cluster("oidc:ann@bank", &["leads"], at)]);
        managed.author = "ann_bank".to_owned();
        managed.writers = vec![Some("ann_bank".to_owned())];
        assert!(!judged(&rule(json!({})), &managed).is_given());
        let merged = People {
            merger: Some("may".to_owned()),
            ..people(&[in_cluster("oidc:may@bank", &["leads"], at)])
        };
        assert!(!judged(&rule(json!({ "exclude": ["merger"] })), &merged).is_given());
        assert!(judged(&rule(json!({})), &merged).is_given());
    }

    #[test]
    fn who_agrees_at_the_forge_and_in_the_cluster_counts_once() {
        let at = "2026-05-04T11:00:00Z";
        let two = rule(json!({ "count": 2 }));
        let (forge, leads) = (yes("cid", &[], at), &["leads"][..]);
        for (other, missing) in [
            (in_cluster("oidc:cid@bank", leads, at), 1),
            (in_cluster("oidc:dan@bank", leads, at), 0),
            (yes("cid_ops", leads, at), 0),
        ] {
            for both in [
                [forge.clone(), other.clone()],
                [other.clone(), forge.clone()],
            ] {
                assert_eq!(judged(&two, &people(&both)).missing, missing, "{both:?}");
            }
        }
        let cluster = |user: &str| in_cluster(user, leads, at);
        let both = [cluster("oidc:cid@bank"), cluster("oidc:dan@bank")];
        assert_eq!(judged(&two, &people(&both)).missing, 0);
        for other in ["cid@bank", "oidc:cid+ops@bank"] {
            let both = [cluster("oidc:cid@bank"), cluster(other)];
            assert_eq!(judged(&two, &people(&both)).missing, 1, "{other}");
        }
    }

    #[test]
    fn s_81_where_roles_of_a_tenant_say_who_agrees_nobody_else_does() {
        let at = "2026-05-04T11:00:00Z";
        let member = |kind: MemberKind, name: &str, until: Option<&str>| Entitled {
            tenant: "web".to_owned(),
            kind,
            name: name.to_owned(),
            may: vec![crate::kinds::role::Action::Approve],
            until: until.map(|text| text.parse().unwrap()),
        };
        let (user, group) = (MemberKind::User, MemberKind::Group);
        let (over, later) = ("2026-05-04T12:00+00:00", "2026-05-04T12:01+00:00");
        let cid = || yes("cid", &[], at);
        let dan = || yes("dan", &["leads", "web-leads"], at);
        let eve = || yes("eve", &["web-leads"], at);
        for (who, only, counts) in [
            (cid(), vec![member(user, "cid", None)], true),
            (cid(), vec![member(user, "dan", None)], false),
            (cid(), vec![member(user, "cid", Some(over))], false),
            (cid(), vec![member(user, "cid", Some(later))], true),
            (dan(), vec![member(group, "web-leads", None)], true),
            (cid(), vec![member(group, "web-leads", None)], false),
            // A role alone does not make somebody whom the rule names.
            (eve(), vec![member(group, "web-leads", None)], false),
        ] {
            let mut people = people(std::slice::from_ref(&who));
            people.only = vec![only.clone()];
            let consent = judged(&rule(json!({})), &people);
            assert_eq!(consent.is_given(), counts, "{who:?} {only:?}: {consent}");
            // Each tenant that is changed is asked about.
            people.only.push(vec![member(user, "mia", None)]);
            assert!(!judged(&rule(json!({})), &people).is_given());
        }
        assert_eq!(
            member_groups(&[member(user, "cid", None), member(group, "ops", None)]),
            BTreeSet::from(["ops".to_owned()])
        );
    }

    #[test]
    fn people_count_once_and_not_for_ever() {
        let two = rule(json!({ "count": 2, "valid-for": "1h" }));
        let fresh = "2026-05-04T11:30:00Z";
        let twice = [yes("cid", &[], fresh), yes("Cid", &["leads"], fresh)];
        let consent = judged(&two, &people(&twice));
        assert_eq!((consent.missing, consent.by.len()), (1, 1), "{consent}");
        assert!(
            consent
                .to_string()
                .contains("waits for 1 of cid, group leads")
        );
        let both = [yes("cid", &[], fresh), yes("dan", &["leads"], fresh)];
        assert!(judged(&two, &people(&both)).is_given());
        let old = [yes("cid", &[], "2026-05-04T10:59:59Z"), both[1].clone()];
        let consent = judged(&two, &people(&old));
        assert!(
            consent.to_string().contains("more than 1h ago"),
            "{consent}"
        );
        let timeless = [
            Yes {
                at: None,
                ..both[0].clone()
            },
            both[1].clone(),
        ];
        assert!(!judged(&two, &people(&timeless)).is_given());
    }
}
