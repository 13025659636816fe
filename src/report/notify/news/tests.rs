//! The laws of news: nothing twice, an end once, a restart repeats nothing, a storm is quiet.

use proptest::prelude::*;

use super::*;

const ALL: [Topic; 7] = Topic::ALL;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn trouble(topic: Topic, about: &str, ripe: i64) -> Standing {
    Standing::Trouble(Trouble::new(topic, [about], at(ripe)))
}

fn well(since: i64) -> Standing {
    Standing::Well {
        since: at(since),
        applied: None,
    }
}

/// A receiver to which time passes; what it is told, with the second.
#[derive(Default)]
struct Life {
    ears: Ears,
    on: Vec<Topic>,
    told: Vec<(i64, Topic, u32)>,
    digests: Vec<(Topic, String, Option<String>)>,
}

impl Life {
    fn new(on: &[Topic]) -> Self {
        Self {
            on: on.to_vec(),
            ..Self::default()
        }
    }

    /// How it stands from `from` on, and until when.
    fn stands(&mut self, standing: &Standing, from: i64, until: i64) {
        let mut now = from;
        for _ in 0..100 {
            match self.ears.next(&self.on, standing, at(now)) {
                Next::Nothing => return,
                Next::Remember(told) => self.ears.remember(told),
                Next::Tell(told) => {
                    self.told.push((now, told.topic, told.changes));
                    let key = (told.topic, told.digest.clone(), told.commit.clone());
                    self.digests.push(key);
                    self.ears.remember(told);
                }
                Next::At(due) => {
                    let due = due.as_second() - 1_800_000_000;
                    assert!(due > now, "a wait ends");
                    if due > until {
                        return;
                    }
                    now = due;
                }
            }
        }
        panic!("it never comes to rest");
    }

    fn restart(&mut self) {
        self.ears = Ears::new(self.ears.told().cloned());
    }
}

#[test]
fn trouble_and_its_end_are_told_once() {
    let mut life = Life::new(&ALL);
    let broken = trouble(Topic::Stalled, "commit one", 0);
    for from in 0..50 {
        life.stands(&broken, from, from + 1);
    }
    life.restart();
    life.stands(&broken, 50, 60);
    life.stands(&Standing::Unclear, 60, 61);
    for from in 61..100 {
        life.stands(&well(61), from, from + 1);
    }
    life.restart();
    life.stands(&well(61), 100, 200);
    assert_eq!(
        life.told,
        [(0, Topic::Stalled, 0), (61, Topic::Recovered, 0)]
    );
}

#[test]
fn another_commit_that_is_broken_is_news() {
    let mut life = Life::new(&ALL);
    life.stands(&trouble(Topic::Stalled, "one", 0), 0, 10);
    life.stands(&trouble(Topic::Stalled, "two", 0), 10, 20);
    life.stands(&well(20), 20, 30);
    let topics: Vec<Topic> = life.told.iter().map(|(_, topic, _)| *topic).collect();
    assert_eq!(topics, [Topic::Stalled, Topic::Stalled, Topic::Recovered]);
}

#[test]
fn what_passes_by_itself_is_left_alone_for_a_while() {
    let mut life = Life::new(&ALL);
    for round in 0..20 {
        life.stands(
            &trouble(Topic::Failed, "source", round * 200 + 120),
            round * 200,
            round * 200 + 60,
        );
        life.stands(&well(round * 200 + 60), round * 200 + 60, round * 200 + 200);
    }
    assert!(life.told.is_empty(), "{:?}", life.told);
    life.stands(&trouble(Topic::Failed, "source", 5_120), 5_000, 6_000);
    assert_eq!(life.told, [(5_120, Topic::Failed, 0)]);
}

#[test]
fn what_goes_back_and_forth_is_told_once_with_a_count() {
    let mut life = Life::new(&ALL);
    let (minute, hours) = (60, 3);
    for round in 0..hours * 30 {
        let from = round * 2 * minute;
        life.stands(&trouble(Topic::Unhealthy, "web", 0), from, from + minute);
        life.stands(&well(from + minute), from + minute, from + 2 * minute);
    }
    let end = hours * 60 * minute;
    life.stands(&well(end - minute), end, end + 3_600);
    // The first time, its end, that it comes and goes, and that this is over.
    assert_eq!(life.told.len(), 4, "{:?}", life.told);
    assert_eq!(life.told[0], (0, Topic::Unhealthy, 0));
    assert_eq!(life.told[1], (minute, Topic::Recovered, 0));
    let (when, topic, changes) = life.told[2];
    assert!(
        when >= minute + 1_800 && topic == Topic::Unhealthy && changes >= 14,
        "{:?}",
        life.told
    );
    let (when, topic, changes) = life.told[3];
    assert_eq!((when, topic), (end - minute + 600, Topic::Recovered));
    assert!(changes > 60, "{:?}", life.told);
}

#[test]
fn only_what_it_asked_for_is_told() {
    let mut life = Life::new(&[Topic::Stalled]);
    life.stands(&trouble(Topic::Held, "a", 0), 0, 10);
    life.stands(&trouble(Topic::Stalled, "b", 0), 10, 20);
    life.stands(&well(20), 20, 30);
    // The end was not told, and is known all the same.
    life.stands(&trouble(Topic::Stalled, "b", 0), 40, 50);
    assert_eq!(life.told, [(10, Topic::Stalled, 0)]);
    life.stands(&trouble(Topic::Stalled, "b", 0), 50, 4_000);
    assert_eq!(life.told.last(), Some(&(10 + 1_800, Topic::Stalled, 0)));
}

#[test]
fn each_commit_that_is_applied_is_told_to_who_asked() {
    let applied = |commit: &str| Standing::Well {
        since: at(0),
        applied: Some(commit.to_owned()),
    };
    let mut life = Life::new(&ALL);
    life.stands(&applied("one"), 0, 10);
    life.stands(&trouble(Topic::Stalled, "two", 0), 10, 20);
    life.stands(&applied("three"), 20, 30);
    life.restart();
    life.stands(&applied("three"), 30, 40);
    life.stands(&applied("four"), 40, 50);
    let topics: Vec<Topic> = life.told.iter().map(|(_, topic, _)| *topic).collect();
    let expected = [
        Topic::Applied,
        Topic::Stalled,
        Topic::Recovered,
        Topic::Applied,
    ];
    assert_eq!(topics, expected);
    let mut quiet = Life::new(&[Topic::Stalled, Topic::Recovered]);
    quiet.stands(&applied("one"), 0, 10);
    quiet.stands(&applied("two"), 10, 20);
    assert!(quiet.told.is_empty(), "{:?}", quiet.told);
}

#[test]
fn applied_commits_do_not_hide_trouble() {
    let mut life = Life::new(&ALL);
    life.stands(&trouble(Topic::Failed, "source", 0), 0, 10);
    life.stands(&well(10), 10, 20);
    let applied = Standing::Well {
        since: at(10),
        applied: Some("one".to_owned()),
    };
    life.stands(&applied, 10_000, 10_010);
    life.stands(&trouble(Topic::Failed, "source", 0), 10_020, 10_030);
    assert_eq!(life.told.last(), Some(&(10_020, Topic::Failed, 0)));
}

#[test]
fn a_clock_that_is_set_back_silences_nobody_for_long() {
    let mut life = Life::new(&ALL);
    life.stands(&trouble(Topic::Stalled, "a", 0), 1_000_000, 1_000_010);
    life.stands(&well(1_000_020), 1_000_020, 1_000_030);
    life.stands(&trouble(Topic::Stalled, "a", 0), 10, 4_000);
    assert_eq!(life.told.len(), 3);
}

/// One of a few standings.
fn standing(choice: u8, now: i64) -> Standing {
    match choice {
        0 | 1 => well(now),
        2 => Standing::Unclear,
        3 => trouble(Topic::Failed, "source", now + 120),
        n => trouble(Topic::Unhealthy, &format!("set {n}"), 0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing twice in a row, never an end without trouble before it, and no storm, wherever it is
    /// started anew.
    #[test]
    fn the_laws_hold_for_any_history(
        steps in proptest::collection::vec((0_u8..9, 1_i64..900, any::<bool>()), 1..200)
    ) {
        let mut life = Life::new(&ALL);
        let mut now = 0;
        for (choice, lasts, restart) in steps {
            life.stands(&standing(choice, now), now, now + lasts);
            now += lasts;
            if restart {
                life.restart();
            }
        }
        for pair in life.digests.windows(2) {
            prop_assert_ne!(&pair[0], &pair[1]);
        }
        let mut open = false;
        for (_, topic, _) in &life.told {
            prop_assert!(open || *topic != Topic::Recovered, "an end of nothing");
            open = topic.is_trouble();
        }
        // Trouble is told at most so often; each may have one end.
        let quiet = i64::try_from(QUIET.as_secs()).unwrap();
        let most = 2 * (usize::try_from(FREE).unwrap() + 2);
        for (from, ..) in &life.told {
            let near = life.told.iter().filter(|(when, ..)| (*from..*from + quiet).contains(when));
            prop_assert!(near.count() <= most, "a storm: {:?}", life.told);
        }
    }

    /// A process that never ends and one that ends after each step tell the same.
    #[test]
    fn a_restart_neither_repeats_nor_forgets(
        steps in proptest::collection::vec((0_u8..9, 1_i64..900), 1..100)
    ) {
        let (mut lasting, mut mortal) = (Life::new(&ALL), Life::new(&ALL));
        let mut now = 0;
        for (choice, lasts) in steps {
            let standing = standing(choice, now);
            lasting.stands(&standing, now, now + lasts);
            mortal.stands(&standing, now, now + lasts);
            mortal.restart();
            now += lasts;
        }
        let first = |life: &Life| life.told.first().copied();
        prop_assert_eq!(first(&lasting), first(&mortal));
        for pair in mortal.digests.windows(2) {
            prop_assert_ne!(&pair[0], &pair[1]);
        }
    }
}
