//! When a request is asked again, and how long to wait before: one policy for forges and receivers of
//! notices. Pure.
//!
//! What was refused for being too much was not done, so it is always asked again. What broke off
//! may have been done, so only requests that may be repeated are.

use std::time::Duration;

/// How long one is willing to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Most requests for one thing.
    pub attempts: u32,
    /// All of them together, waiting included.
    pub total: Duration,
    /// The wait before the second; doubled for each after it.
    pub first_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            total: Duration::from_secs(60),
            first_wait: Duration::from_millis(500),
        }
    }
}

/// How a request ended that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Not done, because of too many requests; the forge asks to wait this long, if it says.
    Limited(Option<Duration>),
    /// Nobody knows whether it was done: the connection broke, or a gateway gave up.
    Unknown,
    /// It is decided.
    Final,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait, then ask again.
    Wait(Duration),
    /// Take the ending as it is.
    GiveUp,
}

/// Facts of an answer that tell about limits.
#[derive(Debug, Clone, Default)]
pub(super) struct Hints {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) remaining: Option<String>,
    pub(super) reset: Option<String>,
    pub(super) secondary: bool,
}

impl Hints {
    /// How the answer is to be taken; `now` in seconds since 1970.
    pub(super) fn ending(&self, now: u64) -> Ending {
        let wait = || {
            let after = self
                .retry_after
                .as_deref()
                .and_then(|v| v.trim().parse::<u64>().ok());
            // A time of reset that has passed asks for no wait beyond our own.
            let reset = self
                .reset
                .as_deref()
                .and_then(|v| v.trim().parse::<u64>().ok());
            after
                .or_else(|| reset.map(|at| at.saturating_sub(now)))
                .map(Duration::from_secs)
        };
        let exhausted = self.remaining.as_deref().map(str::trim) == Some("0");
        match self.status {
            429 => Ending::Limited(wait()),
            403 if self.retry_after.is_some() || exhausted || self.secondary => {
                Ending::Limited(wait())
            }
            408 | 500 | 502..=504 => Ending::Unknown,
            _ => Ending::Final,
        }
    }
}

/// Whether to ask again after `attempt` requests that took `spent` together.
pub(super) fn next(
    patience: &Patience,
    ending: Ending,
    repeatable: bool,
    attempt: u32,
    spent: Duration,
) -> Next {
    if attempt >= patience.attempts {
        return Next::GiveUp;
    }
    let own = patience
        .first_wait
        .saturating_mul(1 << (attempt - 1).min(16));
    let wait = match ending {
        Ending::Final => return Next::GiveUp,
        Ending::Unknown if !repeatable => return Next::GiveUp,
        Ending::Unknown => own,
        Ending::Limited(asked) => asked.unwrap_or_default().max(own),
    };
    if spent + wait >= patience.total {
        return Next::GiveUp;
    }
    Next::Wait(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn hints(
        status: u16,
        after: Option<&str>,
        remaining: Option<&str>,
        reset: Option<&str>,
    ) -> Hints {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Hints {
            status,
            retry_after: own(after),
            remaining: own(remaining),
            reset: own(reset),
            secondary: false,
        }
    }

    #[test]
    fn limits_are_told_from_refusals() {
        let now = 1_000;
        for (hints, ending) in [
            (
                hints(429, Some("7"), None, None),
                Ending::Limited(Some(S(7))),
            ),
            (hints(429, None, None, None), Ending::Limited(None)),
            (
                hints(403, None, Some("0"), Some("1030")),
                Ending::Limited(Some(S(30))),
            ),
            (
                hints(403, None, Some("0"), Some("10")),
                Ending::Limited(Some(S(0))),
            ),
            (hints(403, None, Some("12"), Some("1030")), Ending::Final),
            (hints(403, Some("x"), None, None), Ending::Limited(None)),
            (hints(502, None, None, None), Ending::Unknown),
            (hints(422, None, None, None), Ending::Final),
            (hints(401, None, None, None), Ending::Final),
        ] {
            assert_eq!(hints.ending(now), ending, "{hints:?}");
        }
        let secondary = Hints {
            status: 403,
            secondary: true,
            ..Hints::default()
        };
        assert_eq!(secondary.ending(now), Ending::Limited(None));
    }

    #[test]
    fn every_road_ends() {
        let patience = Patience::default();
        for ending in [
            Ending::Limited(None),
            Ending::Limited(Some(S(5))),
            Ending::Unknown,
        ] {
            let (mut attempt, mut spent) = (1, Duration::ZERO);
            while let Next::Wait(wait) = next(&patience, ending, true, attempt, spent) {
                spent += wait;
                attempt += 1;
                assert!(attempt <= patience.attempts && spent < patience.total);
            }
        }
    }

    #[test]
    fn what_may_have_been_done_is_not_done_twice() {
        let patience = Patience::default();
        let ask = |ending, repeatable| next(&patience, ending, repeatable, 1, Duration::ZERO);
        assert_eq!(ask(Ending::Unknown, false), Next::GiveUp);
        assert_eq!(ask(Ending::Unknown, true), Next::Wait(patience.first_wait));
        assert_eq!(ask(Ending::Limited(Some(S(3))), false), Next::Wait(S(3)));
        assert_eq!(ask(Ending::Limited(Some(S(3600))), true), Next::GiveUp);
        assert_eq!(ask(Ending::Final, true), Next::GiveUp);
    }
}
