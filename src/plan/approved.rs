//! Approvals that were given in the cluster: which of them are heard about a change, and why the others
//! are not. Pure: since when the cluster vouches for their givers, and the time, are arguments.
//!
//! What is heard is judged by the rule like a review, in [`super::consent`]. What is not known is not heard.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::consent::Yes;
use super::season::Exception;

/// How names begin that are no person's: service accounts, nodes and the cluster's own parts.
pub const NO_PERSON: &str = "system:";

/// One approval, as the cluster keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The number of the pull request.
    pub pull: String,
    /// The last commit of the change.
    pub commit: String,
    /// The digest of what the change announced for one set.
    pub intent: String,
    /// Who gave it.
    pub user: String,
    /// Groups of the cluster that this person is in.
    pub groups: BTreeSet<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// Until when it holds, where its giver said so; a time that cannot be read has passed.
    pub until: Option<String>,
    /// The freeze that the change is to get through; without it the change itself is approved.
    pub freeze: Option<String>,
    /// The ticket that says why.
    pub ticket: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// It is not what its giver made any more, or nobody can tell.
    pub changed: bool,
}

/// What an approval must name to be about a change.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The number of the pull request.
    pub pull: &'a str,
    /// The last commit of the change.
    pub commit: &'a str,
    /// The digest of what it announces for one set.
    pub intent: &'a str,
    /// What it is to get through, if it is that which is asked for.
    pub exception: Option<&'a Exception>,
}

impl About<'_> {
    /// Whether an approval names this change, and the same freeze or none.
    pub fn is_meant(&self, one: &Given) -> bool {
        let freeze = self.exception.map(|exception| exception.freeze.as_str());
        one.intent == self.intent && one.freeze.as_deref() == freeze
    }
}

/// Since when the cluster lets nobody approve in another one's name; or why it is not known to.
pub type Vouched = Result<Timestamp, String>;

/// What is heard of some approvals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// What the rule is to judge.
    pub yeses: Vec<Yes>,
    /// What is not heard, and why; in words.
    pub refused: Vec<String>,
}

impl Heard {
    /// Listens to all that name this change.
    pub fn of(given: &[Given], about: About<'_>, vouched: &Vouched, now: Timestamp) -> Self {
        let mut heard = Self::default();
        for one in given.iter().filter(|one| about.is_meant(one)) {
            match objection(one, about, vouched, now) {
                None => heard.yeses.push(Yes {
                    user: one.user.clone(),
                    groups: one.groups.clone(),
                    at: one.at,
                    in_cluster: true,
                }),
                Some(why) => heard.refused.push(format!("{} {why}", one.user)),
            }
        }
        heard
    }
}

/// Why an approval is not heard.
fn objection(one: &Given, about: About<'_>, vouched: &Vouched, now: Timestamp) -> Option<String> {
    let since = match vouched {
        Ok(since) => *since,
        Err(why) => return Some(format!("is not counted: {why}")),
    };
    if one.changed {
        return Some(
            "approved with an Approval that was changed; it is to be made anew".to_owned(),
        );
    }
    if one.pull != about.pull {
        return Some("approved another pull request".to_owned());
    }
    if one.commit != about.commit {
        return Some("approved another commit".to_owned());
    }
    if one.user.starts_with(NO_PERSON) {
        return Some("is no person".to_owned());
    }
    let blank = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    if about.exception.is_some_and(|exception| exception.ticket) && blank(&one.ticket) {
        return Some("named no ticket".to_owned());
    }
    if about.exception.is_some() && blank(&one.reason) {
        return Some("gave no reason".to_owned());
    }
    let Some(at) = one.at else {
        return Some("approved at a time that is not known".to_owned());
    };
    if at <= since {
        return Some("approved before the cluster vouched for who approves".to_owned());
    }
    let until = one.until.as_ref()?;
    let holds = until.parse::<Timestamp>().is_ok_and(|end| now < end);
    (!holds).then(|| format!("approved until {until}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::approval::Approval;
    use crate::plan::consent::{Consent, People};

    const NOW: &str = "2026-05-04T12:00:00Z";

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rule() -> Approval {
        serde_json::from_value(json!({
            "name": "prod-change", "valid-for": "1h",
            "approver": [{ "user": "cid" }, { "group": "leads" }],
        }))
        .unwrap()
    }

    fn given(user: &str, groups: &[&str]) -> Given {
        Given {
            pull: "7".to_owned(),
            commit: "c1".to_owned(),
            intent: "i1".to_owned(),
            user: user.to_owned(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            at: Some(time("2026-05-04T11:30:00Z")),
            ..Given::default()
        }
    }

    fn heard(one: Given, vouched: &Vouched) -> Heard {
        let about = About {
            pull: "7",
            commit: "c1",
            intent: "i1",
            exception: None,
        };
        Heard::of(&[one], about, vouched, time(NOW))
    }

    #[test]
    fn what_is_not_known_to_be_so_is_not_heard() {
        let sound: Vouched = Ok(time("2026-05-04T10:00:00Z"));
        let none: Vouched = Err("the policy is missing".to_owned());
        let late: Vouched = Ok(time("2026-05-04T11:30:00Z"));
        let cid = || given("cid", &[]);
        let until = |text: &str| Given {
            until: Some(text.to_owned()),
            ..cid()
        };
        for (one, vouched, why) in [
            (cid(), &sound, ""),
            (given("dan", &["leads"]), &sound, ""),
            (
                given("system:serviceaccount:a:b", &["leads"]),
                &sound,
                "is no person",
            ),
            (cid(), &none, "the policy is missing"),
            (cid(), &late, "before the cluster vouched"),
            (
                Given {
                    commit: "c2".to_owned(),
                    ..cid()
                },
                &sound,
                "another commit",
            ),
            (
                Given {
                    pull: "8".to_owned(),
                    ..cid()
                },
                &sound,
                "another pull request",
            ),
            (
                Given {
                    changed: true,
                    ..cid()
                },
                &sound,
                "was changed",
            ),
            (Given { at: None, ..cid() }, &sound, "not known"),
            (until(NOW), &sound, "approved until"),
            (until("soon"), &sound, "approved until"),
            (until("2026-05-04T12:00:01Z"), &sound, ""),
        ] {
            let heard = heard(one.clone(), vouched);
            assert_eq!(heard.yeses.len(), usize::from(why.is_empty()), "{one:?}");
            let said = heard.refused.join(", ");
            assert!(said.contains(why), "{one:?}: {said}");
        }
        // What is about something else is nobody's business here.
        let other = Given {
            intent: "i2".to_owned(),
            ..cid()
        };
        assert_eq!(heard(other, &sound), Heard::default());
    }

    #[test]
    fn a_freeze_is_got_through_by_name_with_a_reason_and_a_ticket() {
        let sound: Vouched = Ok(time("2026-05-04T10:00:00Z"));
        let through = |freeze: &str, ticket: &str, reason: &str| Given {
            freeze: Some(freeze.to_owned()),
            ticket: Some(ticket.to_owned()),
            reason: Some(reason.to_owned()),
            ..given("cid", &[])
        };
        for (one, ticket, heard, why) in [
            (through("year-end", "CHG-1", "disk full"), true, 1, ""),
            (through("year-end", "", "disk full"), false, 1, ""),
            (through("year-end", " ", "disk full"), true, 0, "no ticket"),
            (through("year-end", "CHG-1", ""), true, 0, "no reason"),
            (through("other", "CHG-1", "disk full"), true, 0, ""),
            // A yes to the change is none to its time, and the other way round.
            (given("cid", &[]), true, 0, ""),
        ] {
            let exception = Exception {
                freeze: "year-end".to_owned(),
                ticket,
                rule: rule(),
            };
            let about = About {
                pull: "7",
                commit: "c1",
                intent: "i1",
                exception: Some(&exception),
            };
            let found = Heard::of(std::slice::from_ref(&one), about, &sound, time(NOW));
            assert_eq!(found.yeses.len(), heard, "{one:?}");
            assert!(found.refused.join(", ").contains(why), "{one:?}");
        }
        let other = heard(through("year-end", "CHG-1", "disk full"), &sound);
        assert_eq!(other, Heard::default());
    }

    #[test]
    fn what_is_heard_is_judged_like_a_review() {
        let sound: Vouched = Ok(time("2026-05-04T10:00:00Z"));
        let people = |yeses| People {
            author: "ann".to_owned(),
            writers: vec![Some("ben".to_owned())],
            yeses,
            ..People::default()
        };
        for (user, at, counts) in [
            ("dan", "2026-05-04T11:30:00Z", true),
            ("dan", "2026-05-04T10:59:59Z", false),
            ("ann", "2026-05-04T11:30:00Z", false),
            ("oidc:ben", "2026-05-04T11:30:00Z", false),
        ] {
            let one = Given {
                at: Some(time(at)),
                ..given(user, &["leads"])
            };
            let people = people(heard(one, &sound).yeses);
            let consent = Consent::of(&rule(), &people, time(NOW));
            assert_eq!(consent.is_given(), counts, "{user} at {at}: {consent}");
        }
    }
}
