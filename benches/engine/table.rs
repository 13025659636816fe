//! Medians and how they are printed.

use std::time::Duration;

/// The middle one.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The lowest, the middle and the highest ratio of pairs that were measured one after the other.
pub(crate) fn ratios(of: &[Duration], to: &[Duration]) -> (f64, f64, f64) {
    let mut all: Vec<f64> = of
        .iter()
        .zip(to)
        .map(|(of, to)| of.as_secs_f64() / to.as_secs_f64())
        .collect();
    all.sort_by(f64::total_cmp);
    (all[0], all[all.len() / 2], all[all.len() - 1])
}

/// In milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

/// In seconds.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// So many in that time, each second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / time.as_secs_f64()
}

/// Marks what is beyond its limit.
pub(crate) fn over(kept: bool) -> &'static str {
    if kept { "" } else { " **over**" }
}
