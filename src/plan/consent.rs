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
    /// Who pushed them, as far as the forge tells; `None` for somebody whom it does not name.
    pub pushers: Vec<Option<String>>,
    /// When it was sent to another branch, where it may bring something else than people saw before.
    pub turned: Option<Timestamp>,
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
    // What is agreed to in the cluster is bound to what changes, whatever it was before.
    if let Some(turned) = people.turned.filter(|_| !yes.in_cluster)
        && yes.at.is_none_or(|at| at <= turned)
    {
        return Some("agreed before it was sent to another branch".to_owned());
    }
    let excluded = |part: Part| rule.exclude.contains(&part);
    if excluded(Part::Committer) {
        let theirs = |name: &Option<String>| name.as_deref().is_some_and(|name| yes.is_of(name));
        if people.writers.iter().any(theirs) {
            return Some("wrote a part of it".to_owned());
        }
        // The forge knows writers by their e-mail, which anybody can write who pushes.
        if people.pushers.iter().any(theirs) {
            return Some("pushed a part of it".to_owned());
        }
        if people.pushers.contains(&None) {
            return Some(
                "may have pushed a part of it: the forge does not name who did".to_owned(),
            );
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
mod tests;
