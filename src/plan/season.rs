//! When changes are made: change windows and freezes. Pure; the time is an argument.
//!
//! Of several windows for one set any may be open. A freeze wins over all of them.

use std::fmt;

use jiff::Timestamp;

use crate::kinds::approval::Approval;
use crate::kinds::change_window::ChangeWindow;
use crate::kinds::freeze::{Freeze, Override};
use crate::names::reference::{EnvironmentRef, TenantRef};
use crate::object::{Owner, SetId};
use crate::values::time::TimeZone;

/// Windows and freezes that are looked at to find the next time at most.
const MAX_TURNS: usize = 32;

/// Whether now is a time for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Season {
    /// It is.
    Open,
    /// A window opens later.
    Closed {
        /// The windows.
        windows: Vec<String>,
        /// When the change is made; `None` if that is not to be seen.
        next: Option<String>,
    },
    /// Nothing is changed for a while.
    Frozen {
        /// The freeze.
        freeze: String,
        /// When the change is made.
        next: Option<String>,
        /// The approval by which it gets through all the same, if there is any.
        exception: Option<String>,
    },
}

impl Season {
    /// Whether changes are made now.
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

impl fmt::Display for Season {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = |next: &Option<String>| match next {
            Some(at) => format!("made at {at}"),
            None => "made when somebody changes that".to_owned(),
        };
        match self {
            Self::Open => f.write_str("changes are made now"),
            Self::Closed { windows, next } => {
                write!(
                    f,
                    "outside of change window {}: {}",
                    windows.join(", "),
                    then(next)
                )
            }
            Self::Frozen {
                freeze,
                next,
                exception,
            } => {
                write!(f, "inside freeze {freeze}: {}", then(next))?;
                match exception {
                    Some(approval) => write!(f, ", or with approval `{approval}`"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What lets a change through the freeze that a set is in.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// The freeze.
    pub freeze: String,
    /// Whether a ticket must be named.
    pub ticket: bool,
    /// Who has to agree.
    pub rule: Approval,
}

/// The freeze that a set is in at this time, if people can let changes through. Nothing gets through two.
pub fn exception<'f>(
    freezes: &'f [Freeze],
    set: &SetId,
    now: Timestamp,
) -> Option<(&'f Freeze, &'f Override)> {
    let mut all = frozen(freezes, set, now);
    match (all.next(), all.next()) {
        (Some(freeze), None) => Some((freeze, freeze.exception.as_ref()?)),
        _ => None,
    }
}

/// The freezes that a set is in at this time.
fn frozen<'f>(
    freezes: &'f [Freeze],
    set: &SetId,
    now: Timestamp,
) -> impl Iterator<Item = &'f Freeze> {
    freezes.iter().filter(move |freeze| {
        let here = covers(&freeze.env, &freeze.tenant, set);
        here && span(freeze).is_some_and(|(from, to)| from <= now && now < to)
    })
}

/// What a platform says about times.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'a> {
    /// Its change windows.
    pub windows: &'a [ChangeWindow],
    /// Its freezes.
    pub freezes: &'a [Freeze],
}

impl Calendar<'_> {
    /// Whether changes of a set are made at this time, and if not, when.
    pub fn at(&self, set: &SetId, now: Timestamp) -> Season {
        if let Some(freeze) = self.freeze(set, now) {
            return Season::Frozen {
                freeze: format!("`{}`", freeze.name),
                next: self.next(set, now),
                exception: exception(self.freezes, set, now).map(|(_, e)| e.approval.to_string()),
            };
        }
        if self.is_open(set, now) {
            return Season::Open;
        }
        let windows = self.windows(set).map(|w| format!("`{}`", w.name));
        Season::Closed {
            windows: windows.collect(),
            next: self.next(set, now),
        }
    }

    fn windows<'s>(&'s self, set: &'s SetId) -> impl Iterator<Item = &'s ChangeWindow> {
        self.windows
            .iter()
            .filter(|w| covers(&w.env, &w.tenant, set))
    }

    fn is_open(&self, set: &SetId, now: Timestamp) -> bool {
        let mut windows = self.windows(set).peekable();
        let none = windows.peek().is_none();
        none || windows.any(|w| w.open.iter().any(|open| open.contains_at(now, &w.zone)))
    }

    fn freeze(&self, set: &SetId, now: Timestamp) -> Option<&Freeze> {
        frozen(self.freezes, set, now).next()
    }

    /// The next time at which changes are made, by the clocks of the first window.
    fn next(&self, set: &SetId, now: Timestamp) -> Option<String> {
        let mut at = now;
        for _ in 0..MAX_TURNS {
            if let Some((_, end)) = self.freeze(set, at).and_then(span) {
                at = end;
            } else if self.is_open(set, at) {
                let utc = TimeZone::utc();
                let zone = self.windows(set).next().map_or(&utc, |window| &window.zone);
                let clock = zone.rules().to_datetime(at).strftime("%Y-%m-%d %H:%M");
                return Some(format!("{clock} {zone}"));
            } else {
                let opens = self.windows(set).flat_map(|w| {
                    w.open
                        .iter()
                        .filter_map(move |open| open.next_open(at, &w.zone))
                });
                at = opens.min()?;
            }
        }
        None
    }
}

/// From when to when a freeze holds.
fn span(freeze: &Freeze) -> Option<(Timestamp, Timestamp)> {
    let utc = TimeZone::utc();
    let zone = freeze.zone.as_ref().unwrap_or(&utc);
    freeze.from.timestamp(zone).zip(freeze.to.timestamp(zone))
}

fn covers(environments: &[EnvironmentRef], tenants: &[TenantRef], set: &SetId) -> bool {
    let here = environments.is_empty() || environments.iter().any(|e| e.name() == set.environment);
    let theirs = match &set.owner {
        Owner::Platform => tenants.is_empty(),
        Owner::Tenant(tenant) => tenants.is_empty() || tenants.iter().any(|t| t.name() == tenant),
    };
    here && theirs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(owner: Owner, environment: &str) -> SetId {
        SetId {
            project: "bank".to_owned(),
            cluster: "hq".to_owned(),
            owner,
            environment: environment.to_owned(),
        }
    }

    fn nights() -> Vec<ChangeWindow> {
        let window = json!({
            "name": "nights", "env": ["prod"], "zone": "Asia/Shanghai",
            "open": ["Tue,Thu 20:00-23:00"],
        });
        vec![serde_json::from_value(window).unwrap()]
    }

    fn year_end() -> Vec<Freeze> {
        let freeze = json!({
            "name": "year-end", "from": "2026-12-29T00:00", "to": "2027-01-04T00:00",
            "zone": "Asia/Shanghai", "tenant": ["payments"],
            "override": { "approval": "cto" },
        });
        vec![serde_json::from_value(freeze).unwrap()]
    }

    #[test]
    fn a_window_opens_by_the_clocks_of_its_zone() {
        let windows = nights();
        let calendar = Calendar {
            windows: &windows,
            freezes: &[],
        };
        let platform = set(Owner::Platform, "prod");
        let at = |time: &str| calendar.at(&platform, time.parse().unwrap());
        // Tuesday, 20:00 in Shanghai.
        assert!(at("2026-05-05T12:00:00Z").is_open());
        assert!(at("2026-05-05T14:59:59Z").is_open());
        let closed = at("2026-05-05T15:00:00Z");
        assert_eq!(
            closed.to_string(),
            "outside of change window `nights`: made at 2026-05-07 20:00 Asia/Shanghai"
        );
        assert!(
            calendar
                .at(
                    &set(Owner::Platform, "dev"),
                    "2026-05-05T15:00:00Z".parse().unwrap()
                )
                .is_open()
        );
    }

    #[test]
    fn a_freeze_wins_over_open_windows_and_says_when_it_goes_on() {
        let (windows, freezes) = (nights(), year_end());
        let calendar = Calendar {
            windows: &windows,
            freezes: &freezes,
        };
        let payments = set(Owner::Tenant("payments".to_owned()), "prod");
        // Tuesday, in the window.
        let inside = "2026-12-29T12:30:00Z".parse().unwrap();
        assert_eq!(
            calendar.at(&payments, inside).to_string(),
            "inside freeze `year-end`: made at 2027-01-05 20:00 Asia/Shanghai, or with approval `cto`"
        );
        assert!(
            calendar
                .at(&set(Owner::Tenant("web".to_owned()), "prod"), inside)
                .is_open()
        );
        assert!(calendar.at(&set(Owner::Platform, "prod"), inside).is_open());
        let found = exception(&freezes, &payments, inside).unwrap();
        assert_eq!(found.1.approval.to_string(), "cto");
        // Nothing gets through two freezes at once.
        let two = [year_end(), year_end()].concat();
        assert!(exception(&two, &payments, inside).is_none());
        // A freeze without windows ends by itself.
        let alone = Calendar {
            windows: &[],
            freezes: &freezes,
        };
        assert!(
            alone
                .at(&payments, inside)
                .to_string()
                .contains("made at 2027-01-03 16:00 UTC")
        );
        assert!(
            alone
                .at(&payments, "2027-01-03T16:00:00Z".parse().unwrap())
                .is_open()
        );
    }
}
