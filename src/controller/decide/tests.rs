//! Every event in every phase, and how long the pauses are.

use super::*;

const NOW: Duration = Duration::from_secs(1000);
const MINUTE: Duration = Duration::from_mins(1);

fn in_phase(phase: Phase) -> State {
    State {
        phase,
        generation: 1,
        interval: MINUTE,
        tries: 0,
        again: false,
        rest_until: Duration::ZERO,
        ask_from: NOW + MINUTE,
        heard: NOW - MINUTE,
        heed_at: None,
        heed_from: Duration::ZERO,
    }
}

fn spec(generation: i64, suspended: bool) -> Event {
    Event::Spec {
        generation,
        suspended,
        interval: MINUTE,
    }
}

const RUNNING: Phase = Phase::Running;
const LATER: Phase = Phase::Waiting(Duration::from_secs(1030));
const DUE: Phase = Phase::Waiting(NOW);
const OFF: Phase = Phase::Suspended { running: false };
const RUNS_OUT: Phase = Phase::Suspended { running: true };
const SOON: Phase = Phase::Waiting(Duration::from_millis(1_000_100));

#[test]
fn each_event_in_each_phase() {
    use Effect::CallOff;
    const BEGIN: Effect = Effect::Begin { ask: None };
    let table = [
        // (before, event, after, asked again, effect)
        (LATER, Event::Tick, LATER, false, None),
        (DUE, Event::Tick, RUNNING, false, Some(BEGIN)),
        (RUNNING, Event::Tick, RUNNING, false, None),
        (OFF, Event::Tick, OFF, false, None),
        (LATER, spec(1, false), LATER, false, None),
        (LATER, spec(2, false), DUE, false, None),
        (LATER, spec(2, true), OFF, false, None),
        (RUNNING, spec(1, false), RUNNING, false, None),
        (RUNNING, spec(2, false), RUNNING, true, Some(CallOff)),
        (RUNNING, spec(2, true), RUNS_OUT, false, Some(CallOff)),
        (OFF, spec(2, true), OFF, false, None),
        (OFF, spec(2, false), DUE, false, None),
        (RUNS_OUT, spec(2, false), RUNNING, true, None),
        (LATER, Event::Drifted, DUE, false, None),
        (LATER, Event::Asked, DUE, false, None),
        (DUE, Event::Drifted, DUE, false, None),
        (RUNNING, Event::Drifted, RUNNING, true, None),
        (RUNNING, Event::Asked, RUNNING, true, None),
        (LATER, Event::Approved, DUE, false, None),
        (RUNNING, Event::Approved, RUNNING, false, None),
        (OFF, Event::Approved, OFF, false, None),
        (OFF, Event::Drifted, OFF, false, None),
        (OFF, Event::Asked, OFF, false, None),
        (RUNS_OUT, Event::Ended(Ending::CalledOff), OFF, false, None),
        (RUNNING, Event::Ended(Ending::CalledOff), SOON, false, None),
    ];
    for (before, event, phase, again, effect) in table {
        let (after, done) = decide(in_phase(before), event, NOW, 0.0);
        assert_eq!(
            (after.phase, after.again, done),
            (phase, again, effect),
            "{before:?} {event:?}"
        );
    }
}

/// The pause after an ending, without chance.
fn pause(ending: Ending, tries: u32) -> Duration {
    let state = State {
        tries,
        ..in_phase(RUNNING)
    };
    let (after, effect) = decide(state, Event::Ended(ending), NOW, 0.0);
    assert_eq!(effect, None);
    after.due().unwrap() - NOW
}

#[test]
fn the_first_change_is_followed_at_once_and_the_next_after_a_breath() {
    let (state, _) = decide(in_phase(RUNNING), Event::Ended(Ending::Settled), NOW, 0.0);
    let (state, _) = decide(state, Event::Drifted, NOW, 0.0);
    assert_eq!(state.phase, SOON);
    let rested = State {
        phase: Phase::Waiting(NOW + MINUTE),
        ..state
    };
    let (state, _) = decide(rested, Event::Drifted, NOW + MINUTE / 2, 0.0);
    assert_eq!(state.due(), Some(NOW + MINUTE / 2));
}

#[test]
fn failures_pause_longer_each_time_and_no_longer_than_five_minutes() {
    let pauses: Vec<u64> = (0..9).map(|n| pause(Ending::Failed, n).as_secs()).collect();
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300]);
    assert_eq!(pause(Ending::Failed, u32::MAX), LONGEST_RETRY);
}

#[test]
fn what_only_a_person_can_mend_is_looked_at_once_an_interval() {
    assert_eq!(pause(Ending::NeedsPerson, 7), MINUTE);
    assert_eq!(pause(Ending::Settled, 7), MINUTE);
}

#[test]
fn what_is_on_its_way_is_looked_at_soon_and_no_later_than_the_interval() {
    assert_eq!(pause(Ending::OnItsWay, 0), Duration::from_secs(2));
    assert_eq!(pause(Ending::OnItsWay, 20), MINUTE);
}

#[test]
fn chance_only_makes_it_later() {
    let state = State {
        tries: 0,
        ..in_phase(RUNNING)
    };
    let (after, _) = decide(state, Event::Ended(Ending::Failed), NOW, 1.0);
    assert_eq!(after.due().unwrap() - NOW, Duration::from_secs(3));
}

#[test]
fn a_new_spec_in_a_pass_is_followed_by_a_pass_at_once() {
    let (state, effect) = decide(in_phase(RUNNING), spec(2, false), NOW, 0.5);
    assert_eq!(effect, Some(Effect::CallOff));
    let (state, _) = decide(state, Event::Ended(Ending::CalledOff), NOW, 0.5);
    assert_eq!((state.phase, state.again), (SOON, false));
    let (state, effect) = decide(state, Event::Tick, NOW + BREATH, 0.5);
    assert_eq!(
        (state.phase, effect),
        (RUNNING, Some(Effect::Begin { ask: Some(NOW) }))
    );
}

#[test]
fn the_repository_is_asked_once_an_interval_whatever_the_cluster_does() {
    let mut state = State {
        ask_from: NOW,
        ..in_phase(DUE)
    };
    let mut asked = Vec::new();
    let mut now = NOW;
    // Something drifts every second for five minutes, and every pass is over at once.
    while now < NOW + 5 * MINUTE {
        let (next, effect) = decide(state, Event::Tick, now, 0.5);
        state = next;
        if let Some(Effect::Begin { ask }) = effect {
            if let Some(heard) = ask {
                // An answer that another Sync got meanwhile is as good.
                assert_eq!(
                    heard,
                    asked
                        .last()
                        .map_or(NOW - MINUTE, |last| NOW + Duration::from_secs(*last))
                );
                asked.push((now - NOW).as_secs());
            }
            (state, _) = decide(state, Event::Ended(Ending::Settled), now, 0.5);
        }
        now += Duration::from_secs(1);
        (state, _) = decide(state, Event::Drifted, now, 0.5);
    }
    assert_eq!(asked, [0, 60, 120, 180, 240]);
}

#[test]
fn who_asks_gets_an_answer_from_the_repository_and_drift_does_not() {
    for (event, asks) in [(Event::Asked, Some(NOW)), (Event::Drifted, None)] {
        for phase in [LATER, RUNNING] {
            let (mut state, _) = decide(in_phase(phase), event, NOW, 0.0);
            if phase == RUNNING {
                (state, _) = decide(state, Event::Ended(Ending::Settled), NOW, 0.0);
            }
            let (_, effect) = decide(state, Event::Tick, NOW + BREATH, 0.0);
            assert_eq!(
                effect,
                Some(Effect::Begin { ask: asks }),
                "{event:?} {phase:?}"
            );
        }
    }
}

/// A day in which every question fails.
#[test]
fn r_90_a_day_without_the_remote_costs_few_questions_at_times_of_their_own() {
    let asks = |chance: f64| {
        let mut state = in_phase(DUE);
        state.ask_from = Duration::ZERO;
        let mut asks = Vec::new();
        while state.due().unwrap() < NOW + Duration::from_hours(24) {
            let now = state.due().unwrap();
            let (running, effect) = decide(state, Event::Tick, now, chance);
            assert!(matches!(effect, Some(Effect::Begin { ask: Some(_) })));
            asks.push(now);
            let then = now + Duration::from_millis(300);
            (state, _) = decide(running, Event::Ended(Ending::Failed), then, chance);
        }
        asks
    };
    let (early, late) = (asks(0.0), asks(1.0));
    for all in [&early, &late] {
        assert!((150..400).contains(&all.len()), "{} questions", all.len());
        let apart = all.windows(2).map(|pair| pair[1] - pair[0]);
        let longest = apart.max().unwrap();
        assert!(longest < Duration::from_mins(8), "it comes back in time");
    }
    let same = early.iter().filter(|at| late.contains(at)).count();
    assert!(same < early.len() / 10, "many Syncs do not come together");
}

#[test]
fn approvals_make_passes_that_ask_no_repository_and_not_too_many() {
    let approved = |state, now| decide(state, Event::Approved, now, 0.0).0;
    let state = approved(in_phase(LATER), NOW);
    let (state, effect) = decide(state, Event::Tick, NOW, 0.0);
    assert_eq!(effect, Some(Effect::Begin { ask: None }));
    // What comes while a pass runs is not lost, and what comes soon after waits.
    let ended = Event::Ended(Ending::NeedsPerson);
    let during = approved(state.clone(), NOW + BREATH);
    let (during, _) = decide(during, ended, NOW + BREATH * 2, 0.0);
    assert_eq!(during.phase, Phase::Waiting(NOW + AGAIN));
    let (mut state, _) = decide(state, ended, NOW + BREATH * 2, 0.0);
    for more in 3..9 {
        state = approved(state, NOW + BREATH * more);
        assert_eq!(state.phase, Phase::Waiting(NOW + AGAIN));
    }
    let (state, effect) = decide(state, Event::Tick, NOW + AGAIN, 0.0);
    assert_eq!(effect, Some(Effect::Begin { ask: None }));
    // A pass that somebody else asked for has looked, too.
    let (state, _) = decide(state, ended, NOW + AGAIN, 0.0);
    let state = approved(state, NOW + AGAIN + BREATH);
    let (state, _) = decide(state, Event::Drifted, NOW + AGAIN + BREATH, 0.0);
    let (state, effect) = decide(state, Event::Tick, NOW + AGAIN + BREATH, 0.0);
    assert_eq!(effect, Some(Effect::Begin { ask: None }));
    assert_eq!(state.heed_at, None);
}
