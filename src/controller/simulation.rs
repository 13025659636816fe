//! Whole lives of two replicas on paused time, each from one seed: faults before and after the effect of a
//! call, effects that come late, death at any change, lost watches, commits that are broken, moved back or
//! nowhere any more, and people who write by hand. A judge hears every call, and in the end all must be as
//! Git says, and stay so.
//!
//! Real are the lead, the beat of passes, the choice of a commit, the passes with what watches show, plans,
//! their execution, and the status. Simulated are the API server, Git and the clock; the watch of Syncs, HTTP
//! and forges are left out, and sets are handed over as they are rendered.

mod cluster;
mod dice;
mod fields;
mod git;
mod hand;
mod judge;
mod replica;
mod server;
mod story;

/// Seeds of a usual run.
const USUAL: u64 = 200;
/// Seeds of a long run at most.
const LONG: u64 = 10_000;

/// A number that a run was asked to use.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may be told to try harder"
)]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Names the seed, however its story ends.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was KUBEMATE_SEED={}", self.0);
        }
    }
}

fn wrong_in(seed: u64) -> Vec<String> {
    let _named = Named(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(story::tell(seed))
}

/// `KUBEMATE_SEEDS` says how many, `KUBEMATE_SEED` which one alone.
#[test]
fn r_20_seeded_lives_of_two_replicas() {
    let count = asked("KUBEMATE_SEEDS").unwrap_or(USUAL).clamp(1, LONG);
    let (first, end) = match asked("KUBEMATE_SEED") {
        Some(seed) => (seed, seed + 1),
        None => (0, count),
    };
    for seed in first..end {
        let wrong = wrong_in(seed);
        let told = wrong.join("\n  ");
        assert!(wrong.is_empty(), "KUBEMATE_SEED={seed}:\n  {told}");
    }
}
