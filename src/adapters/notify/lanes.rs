//! How many calls go to one host at the same time, so that one that hangs is in nobody else's way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// Calls to one host at the same time.
const ABREAST: usize = 4;
/// Hosts with a lane of their own; what comes on top of them shares one.
const MAX_LANES: usize = 64;

/// A lane for each host.
#[derive(Default)]
pub(super) struct Lanes(Mutex<BTreeMap<String, Arc<Semaphore>>>);

impl Lanes {
    /// The lane of a host.
    pub(super) fn of(&self, host: &str) -> Arc<Semaphore> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= MAX_LANES && !lanes.contains_key(host) {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        let full = lanes.len() >= MAX_LANES && !lanes.contains_key(host);
        let name = if full { String::new() } else { host.to_owned() };
        let lane = lanes
            .entry(name)
            .or_insert_with(|| Arc::new(Semaphore::new(ABREAST)));
        Arc::clone(lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_lanes_of_their_own_and_there_are_not_many() {
        let lanes = Lanes::default();
        let one = lanes.of("one");
        assert!(Arc::ptr_eq(&one, &lanes.of("one")));
        assert!(!Arc::ptr_eq(&one, &lanes.of("two")));
        let busy: Vec<_> = (0..1_000).map(|n| lanes.of(&format!("h{n}"))).collect();
        assert!(Arc::ptr_eq(&busy[998], &busy[999]), "the rest shares one");
        assert!(lanes.0.lock().unwrap().len() <= MAX_LANES + 1);
        drop(busy);
        lanes.of("another");
        assert!(lanes.0.lock().unwrap().len() <= MAX_LANES);
        assert!(Arc::ptr_eq(&one, &lanes.of("one")), "a lane in use stays");
    }
}
