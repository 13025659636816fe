//! Rules: which calls break, how often, and how.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::call::{Call, Verb};

/// No fault holds a call longer than this, whatever its rule says.
pub(super) const LONGEST: Duration = Duration::from_mins(2);

/// What can go wrong with a call.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Answers with this status and these headers; the server sees nothing.
    Status(u16, Vec<(&'static str, String)>),
    /// Answers with this status and the API server's own words for what is wrong; it sees nothing.
    Said(u16, &'static str),
    /// Lets the call take effect, then answers with this status all the same.
    StatusAfter(u16),
    /// Waits before passing the call on to the rules that follow.
    Delay(Duration),
    /// Cuts the connection; the server sees nothing.
    ResetBefore,
    /// Lets the call take effect and cuts the connection instead of answering.
    ResetAfter,
    /// Sends this many bytes of the answer's body and cuts the connection.
    Truncate(usize),
    /// Sends the answer's body with this pause after each byte of its first kilobyte.
    Drip(Duration),
    /// Answers 200 with a page of HTML, as a captive portal does.
    Html,
    /// Answers 200 with this body, labelled JSON; empty is possible.
    Body(String),
    /// Accepts the call and says nothing for this long, then cuts the connection.
    BlackHole(Duration),
    /// Takes an API group out of discovery answers.
    WithoutGroup(String),
    /// Breaks the stream of a watch.
    Watch(WatchFault),
    /// Holds the call at a gate before the server sees it.
    PauseBefore(Gate),
    /// Holds the answer at a gate after the call took effect.
    PauseAfter(Gate),
}

/// What can go wrong with the stream of a watch; events are counted from 1 for each watch.
#[derive(Clone, Debug)]
pub(crate) enum WatchFault {
    /// Ends the stream cleanly after so many events.
    CloseAfter(usize),
    /// Sends an ERROR event with this code after so many events, and ends the stream.
    ErrorAfter(usize, u16),
    /// Leaves one event out.
    Drop(usize),
    /// Sends one event twice.
    Duplicate(usize),
    /// Swaps one event with the one that follows it.
    Swap(usize),
    /// Sends nothing for this long after so many events.
    StallAfter(usize, Duration),
}

impl Fault {
    /// The name under which the record keeps it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Status(..) => "Status",
            Self::Said(..) => "Said",
            Self::StatusAfter(_) => "StatusAfter",
            Self::Delay(_) => "Delay",
            Self::ResetBefore => "ResetBefore",
            Self::ResetAfter => "ResetAfter",
            Self::Truncate(_) => "Truncate",
            Self::Drip(_) => "Drip",
            Self::Html => "Html",
            Self::Body(_) => "Body",
            Self::BlackHole(_) => "BlackHole",
            Self::WithoutGroup(_) => "WithoutGroup",
            Self::Watch(_) => "Watch",
            Self::PauseBefore(_) => "PauseBefore",
            Self::PauseAfter(_) => "PauseAfter",
        }
    }

    /// Too many requests, with the seconds to wait.
    pub(crate) fn too_many(seconds: u32) -> Self {
        Self::Status(429, vec![("retry-after", seconds.to_string())])
    }
}

/// A place where calls wait until the test lets them go, two minutes at most.
#[derive(Clone)]
pub(crate) struct Gate {
    reached: Arc<(Mutex<usize>, Condvar)>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Self {
        Self {
            reached: Arc::default(),
            open: Arc::new(Semaphore::new(0)),
        }
    }

    /// Waits until a call stands at the gate; false if none came in time. Blocks the thread.
    pub(crate) fn wait_reached(&self, limit: Duration) -> bool {
        let (count, changed) = &*self.reached;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(count, limit, |count| *count == 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 > 0
    }

    /// Opens the gate for good.
    pub(crate) fn open(&self) {
        self.open.close();
    }

    pub(super) async fn pass(&self) {
        let (count, changed) = &*self.reached;
        *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        changed.notify_all();
        // The semaphore never has a permit: acquiring ends when the gate opens by closing it.
        drop(tokio::time::timeout(LONGEST, self.open.acquire()).await);
    }
}

/// Which calls a rule speaks of; what is not set matches everything.
#[derive(Clone, Default)]
pub(crate) struct Match {
    verbs: Vec<Verb>,
    resource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    subresource: Option<String>,
    path: Option<String>,
    user: Option<String>,
    writes: Option<bool>,
}

impl Match {
    /// Every call.
    pub(crate) fn any() -> Self {
        Self::default()
    }

    /// Calls that change something; dry runs are none.
    pub(crate) fn writes() -> Self {
        Self {
            writes: Some(true),
            ..Self::default()
        }
    }

    /// Calls that change nothing, dry runs included.
    pub(crate) fn reads() -> Self {
        Self {
            writes: Some(false),
            ..Self::default()
        }
    }

    /// Calls with this verb; said again, with one more.
    pub(crate) fn verb(mut self, verb: Verb) -> Self {
        self.verbs.push(verb);
        self
    }

    /// Calls on this resource, as `configmaps` or, where the group matters, `deployments.apps`.
    pub(crate) fn resource(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// Calls in this namespace.
    pub(crate) fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Calls on objects of this name.
    pub(crate) fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Calls on this subresource.
    pub(crate) fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// Calls whose path starts like this, such as `/openapi`.
    pub(crate) fn path(mut self, prefix: &str) -> Self {
        self.path = Some(prefix.to_owned());
        self
    }

    /// Calls made for this impersonated user.
    pub(crate) fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    fn covers(&self, call: &Call) -> bool {
        fn fits(wanted: Option<&String>, found: Option<&str>) -> bool {
            wanted.is_none_or(|wanted| found == Some(wanted.as_str()))
        }
        let target = &call.target;
        let full = format!("{}.{}", target.resource, target.group);
        (self.verbs.is_empty() || self.verbs.contains(&call.verb))
            && (fits(self.resource.as_ref(), Some(target.resource.as_str()))
                || fits(self.resource.as_ref(), Some(full.as_str())))
            && fits(self.namespace.as_ref(), target.namespace.as_deref())
            && fits(self.name.as_ref(), target.name.as_deref())
            && fits(self.subresource.as_ref(), target.subresource.as_deref())
            && self
                .path
                .as_ref()
                .is_none_or(|prefix| call.path.starts_with(prefix.as_str()))
            && fits(self.user.as_ref(), call.impersonated())
            && self
                .writes
                .is_none_or(|writes| writes == (call.verb.writes() && !call.dry_run()))
    }
}

/// When a rule fires among the calls that it covers, counted from 1.
#[derive(Clone, Copy)]
enum When {
    Always,
    Nth(usize),
    First(usize),
    Chance(f64),
}

/// Calls, how many of them, and what happens to them.
#[derive(Clone)]
pub(crate) struct Rule {
    covers: Match,
    when: When,
    fault: Fault,
    seen: usize,
}

impl Rule {
    /// Breaks every call that the match covers.
    pub(crate) fn new(covers: Match, fault: Fault) -> Self {
        Self {
            covers,
            when: When::Always,
            fault,
            seen: 0,
        }
    }

    /// Only the n-th such call.
    pub(crate) fn nth(mut self, n: usize) -> Self {
        self.when = When::Nth(n);
        self
    }

    /// Only the first n such calls.
    pub(crate) fn first(mut self, n: usize) -> Self {
        self.when = When::First(n);
        self
    }

    /// Each such call with this chance between 0 and 1, drawn from the proxy's seed.
    pub(crate) fn chance(mut self, chance: f64) -> Self {
        self.when = When::Chance(chance);
        self
    }
}

/// The rules of a proxy with the state of their counters and of their chances.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    random: u64,
}

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(super) fn seed(&mut self, seed: u64) {
        self.random = seed;
    }

    /// The faults for a call: any delays, then at most one that decides.
    pub(super) fn judge(&mut self, call: &Call) -> Vec<Fault> {
        let mut faults = Vec::new();
        for at in 0..self.rules.len() {
            if !self.rules[at].covers.covers(call) {
                continue;
            }
            self.rules[at].seen += 1;
            let seen = self.rules[at].seen;
            let fires = match self.rules[at].when {
                When::Always => true,
                When::Nth(n) => seen == n,
                When::First(n) => seen <= n,
                When::Chance(chance) => self.draw() < chance,
            };
            if fires {
                let fault = self.rules[at].fault.clone();
                let goes_on = matches!(fault, Fault::Delay(_) | Fault::WithoutGroup(_));
                faults.push(fault);
                if !goes_on {
                    break;
                }
            }
        }
        faults
    }

    /// The next number between 0 and 1 of the seeded sequence (SplitMix64).
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default();
        f64::from(top) / (f64::from(u32::MAX) + 1.0)
    }
}
