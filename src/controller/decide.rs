//! When a Sync is looked at next: a pure state machine of one Sync.
//!
//! Time is an argument, as span since the process began, so that no clock of the wall can move it back.
//! Chance is an argument too. Nothing here knows what a pass does.

use std::time::Duration;

/// The first pause after a failure that may pass.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest pause after failures.
const LONGEST_RETRY: Duration = Duration::from_mins(5);
/// How soon it is looked again at what is on its way.
const SETTLING: Duration = Duration::from_secs(2);
/// The shortest pause between two passes, whatever asks for them.
const BREATH: Duration = Duration::from_millis(100);

/// The shortest time between two questions to a forge who agreed, and between two passes that were asked
/// for by approvals in the cluster.
pub(super) const AGAIN: Duration = Duration::from_secs(10);

/// What is known about one Sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What it is doing.
    pub phase: Phase,
    /// The generation of the spec that the next pass is about.
    pub generation: i64,
    /// How often repository and cluster are compared.
    pub interval: Duration,
    /// Passes that failed or were not settled, one after the other.
    pub tries: u32,
    /// Something asked for a pass while one was running.
    pub again: bool,
    /// No pass begins before this time, so that passes never follow one another without a breath.
    pub rest_until: Duration,
    /// From this time on a pass asks the repository too.
    pub ask_from: Duration,
    /// What the repository was asked after this time is news.
    pub heard: Duration,
    /// A pass is due then because somebody approved something in the cluster, or took that back.
    pub heed_at: Option<Duration>,
    /// No pass is due for that reason before this time.
    pub heed_from: Duration,
}

/// What a Sync is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing before this time.
    Waiting(Duration),
    /// A pass.
    Running,
    /// Nothing, on purpose. A pass may still be running out.
    Suspended {
        /// Whether one is.
        running: bool,
    },
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The spec was read.
    Spec {
        /// Its generation.
        generation: i64,
        /// Whether it is suspended.
        suspended: bool,
        /// How often to look.
        interval: Duration,
    },
    /// Time has come.
    Tick,
    /// The repository may have changed: someone says so, or a person asks for a look.
    Asked,
    /// Objects of the Sync changed on the cluster.
    Drifted,
    /// Somebody approved something in the cluster, or took that back.
    Approved,
    /// The pass has ended.
    Ended(Ending),
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All is as it should be.
    Settled,
    /// Something is on its way, as an object that is not healthy yet.
    OnItsWay,
    /// Only a person can help: a new commit, a yes, another spec.
    NeedsPerson,
    /// Something failed that may go well later.
    Failed,
    /// It was called off, as by a newer commit.
    CalledOff,
}

impl Ending {
    /// The label of metrics and spans.
    pub fn word(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::OnItsWay => "on-its-way",
            Self::NeedsPerson => "needs-person",
            Self::Failed => "failed",
            Self::CalledOff => "called-off",
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Begin a pass.
    Begin {
        /// Ask the repository for its head, unless somebody did after this time; where there is none, the
        /// commit of the last pass is looked after.
        ask: Option<Duration>,
    },
    /// Call the running pass off.
    CallOff,
}

impl State {
    /// A Sync that was never looked at: due at once.
    pub fn new() -> Self {
        Self {
            phase: Phase::Waiting(Duration::ZERO),
            generation: 0,
            interval: Duration::from_mins(1),
            tries: 0,
            again: false,
            rest_until: Duration::ZERO,
            ask_from: Duration::ZERO,
            heard: Duration::ZERO,
            heed_at: None,
            heed_from: Duration::ZERO,
        }
    }

    /// When a tick is wanted; `None` while only an event can help.
    pub fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Waiting(due) => Some(due),
            Phase::Running | Phase::Suspended { .. } => None,
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// The next state and what is to be done. `chance` is between 0 and 1.
pub fn decide(state: State, event: Event, now: Duration, chance: f64) -> (State, Option<Effect>) {
    match event {
        Event::Spec {
            generation,
            suspended,
            interval,
        } => {
            let changed = generation != state.generation;
            let state = State {
                generation,
                interval,
                ..state
            };
            let state = if changed { asking(state, now) } else { state };
            spec(state, changed, suspended, now)
        }
        Event::Tick => match state.phase {
            Phase::Waiting(due) if due <= now => begin(state, now),
            Phase::Waiting(_) | Phase::Running | Phase::Suspended { .. } => (state, None),
        },
        Event::Asked => (soon(asking(state, now), now), None),
        Event::Drifted => (soon(state, now), None),
        Event::Approved => {
            let at = state.heed_at.unwrap_or(state.heed_from.max(now));
            let heed_at = Some(at);
            (heeding(State { heed_at, ..state }), None)
        }
        Event::Ended(ending) => {
            let rest_until = now + BREATH;
            let state = State {
                rest_until,
                ..state
            };
            (heeding(ended(state, ending, now, chance)), None)
        }
    }
}

/// The next pass asks the repository; what was asked before is no answer to that.
fn asking(state: State, now: Duration) -> State {
    State {
        ask_from: Duration::ZERO,
        heard: now,
        ..state
    }
}

/// A pass as soon as one may begin.
fn soon(state: State, now: Duration) -> State {
    match state.phase {
        Phase::Waiting(due) => {
            let soonest = state.rest_until.max(now);
            waiting(state, due.min(soonest))
        }
        Phase::Running => State {
            again: true,
            ..state
        },
        Phase::Suspended { .. } => state,
    }
}

/// A wait ends where a pass is due for an approval. A pass that runs may have looked before it.
fn heeding(state: State) -> State {
    match (state.phase, state.heed_at) {
        (Phase::Waiting(due), Some(at)) => {
            let soonest = state.rest_until.max(at);
            waiting(state, due.min(soonest))
        }
        _ => state,
    }
}

fn spec(state: State, changed: bool, suspended: bool, now: Duration) -> (State, Option<Effect>) {
    match (state.phase, suspended) {
        (Phase::Running, true) => (
            State {
                phase: Phase::Suspended { running: true },
                ..state
            },
            Some(Effect::CallOff),
        ),
        (Phase::Waiting(_), true) => (
            State {
                phase: Phase::Suspended { running: false },
                ..state
            },
            None,
        ),
        (Phase::Suspended { .. }, true) => (state, None),
        // A pass that runs out still ends; the next one comes after it.
        (Phase::Suspended { running: true }, false) => (
            State {
                phase: Phase::Running,
                again: true,
                tries: 0,
                ..state
            },
            None,
        ),
        (Phase::Suspended { running: false }, false) => {
            (waiting(State { tries: 0, ..state }, now), None)
        }
        (Phase::Running, false) if changed => (
            State {
                again: true,
                tries: 0,
                ..state
            },
            Some(Effect::CallOff),
        ),
        (Phase::Waiting(_), false) if changed => (waiting(State { tries: 0, ..state }, now), None),
        (Phase::Running | Phase::Waiting(_), false) => (state, None),
    }
}

fn begin(state: State, now: Duration) -> (State, Option<Effect>) {
    let ask = (now >= state.ask_from).then_some(state.heard);
    let (ask_from, heard) = match ask {
        Some(_) => (now + state.interval, now),
        None => (state.ask_from, state.heard),
    };
    let heed_from = match state.heed_at {
        Some(_) => now + AGAIN,
        None => state.heed_from,
    };
    let state = State {
        phase: Phase::Running,
        again: false,
        ask_from,
        heard,
        heed_at: None,
        heed_from,
        ..state
    };
    (state, Some(Effect::Begin { ask }))
}

fn waiting(state: State, until: Duration) -> State {
    State {
        phase: Phase::Waiting(until),
        ..state
    }
}

fn ended(state: State, ending: Ending, now: Duration, chance: f64) -> State {
    if let Phase::Suspended { .. } = state.phase {
        return State {
            phase: Phase::Suspended { running: false },
            again: false,
            ..state
        };
    }
    // What did not go well may have to do with the commit.
    let state = match ending {
        Ending::Failed | Ending::CalledOff => asking(state, now),
        Ending::Settled | Ending::OnItsWay | Ending::NeedsPerson => state,
    };
    if state.again {
        return waiting(
            State {
                again: false,
                tries: 0,
                ..state
            },
            now + BREATH,
        );
    }
    let tries = match ending {
        Ending::Settled | Ending::NeedsPerson | Ending::CalledOff => 0,
        Ending::OnItsWay | Ending::Failed => state.tries.saturating_add(1),
    };
    let pause = match ending {
        // Passes over drift do not put off the question to the repository.
        Ending::Settled | Ending::NeedsPerson => {
            spread(state.interval, chance, 0.1).min(state.ask_from.saturating_sub(now).max(BREATH))
        }
        Ending::CalledOff => BREATH,
        Ending::OnItsWay => backoff(SETTLING, tries, chance).min(state.interval.max(SETTLING)),
        Ending::Failed => backoff(FIRST_RETRY, tries, chance),
    };
    waiting(State { tries, ..state }, now + pause)
}

/// Twice as long after each try, up to a limit, and up to half longer by chance.
fn backoff(first: Duration, tries: u32, chance: f64) -> Duration {
    let factor = 1_u32 << tries.saturating_sub(1).min(16);
    spread(first.saturating_mul(factor).min(LONGEST_RETRY), chance, 0.5)
}

/// Longer by a share that chance decides, so that many Syncs do not come together.
fn spread(pause: Duration, chance: f64, share: f64) -> Duration {
    pause + pause.mul_f64(share * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
