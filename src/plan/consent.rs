//! Who has agreed to a change, and who still has to. Pure: people and the time are arguments.
//!
//! A yes counts only if it is about the commit that is judged, is of somebody whom the rule names, is
//! of nobody who had a part in the change, and is not too old. What is not known counts as no.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::kinds::approval::{Approval, Part};

/// The people behind a change, as the forge calls them.
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
        let (mut by, mut refused) = (Vec::<String>::new(), Vec::new());
        for yes in &people.yeses {
            if by.iter().any(|known| alike(known, &yes.user)) {
                continue;
            }
            match objection(rule, people, yes, now) {
                None => by.push(yes.user.clone()),
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
            by,
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

/// Names of users are the same in any case.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether two names may be one person's. A cluster knows people by other names than a forge: with a
/// prefix, or as an address, as in `oidc:ana@bank.example`. In doubt they are one.
fn alike(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// A name without what clusters put around it.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let bare = lower.rsplit([':', '/', '#', '\\']).next();
    let bare = bare.and_then(|bare| bare.split('@').next());
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
        person.is_some_and(|user| same(user.as_str(), &yes.user))
            || group.is_some_and(|group| yes.groups.contains(group.as_str()))
    });
    if !named {
        return Some("may not agree to this".to_owned());
    }
    // Nobody agrees with himself, whatever the rule says.
    if alike(&people.author, &yes.user) {
        return Some("opened it".to_owned());
    }
    let excluded = |part: Part| rule.exclude.contains(&part);
    if excluded(Part::Committer) {
        let wrote =
            |writer: &Option<String>| writer.as_deref().is_some_and(|w| alike(w, &yes.user));
        if people.writers.iter().any(wrote) {
            return Some("wrote a part of it".to_owned());
        }
        if people.writers.is_empty() || people.writers.contains(&None) {
            return Some("may have written a part of it: the forge does not know the writer of a commit, by its e-mail".to_owned());
        }
    }
    let merged = people.merger.as_deref();
    if excluded(Part::Merger) && merged.is_some_and(|merger| alike(merger, &yes.user)) {
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
        }
    }

    fn people(yeses: &[Yes]) -> People {
        People {
            author: "ann".to_owned(),
            writers: vec![Some("ann".to_owned()), Some("ben".to_owned())],
            merger: None,
            yeses: yeses.to_vec(),
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
            ("@", true),
        ] {
            let consent = judged(&rule(json!({})), &people(&[yes(user, &["leads"], at)]));
            assert_eq!(consent.is_given(), counts, "{user}: {consent}");
        }
        let two = rule(json!({ "count": 2 }));
        let both_ways = [yes("cid", &[], at), yes("oidc:cid", &["leads"], at)];
        assert_eq!(judged(&two, &people(&both_ways)).missing, 1);
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
