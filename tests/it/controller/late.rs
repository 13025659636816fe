//! A word about a Sync that comes after a newer one: the last of a leader that was. The one that leads
//! hears of it and says once more how it is.

use super::{Bed, Controller, GOOD, is};

#[test]
fn what_a_leader_that_was_says_late_does_not_stay() {
    let bed = Bed::new("late.git");
    let commit = bed.commit(GOOD);
    let _controller = Controller::start(bed.cluster.kubeconfig(), &bed);
    bed.sync("auto", "1s");
    let applied = |s: &serde_json::Value| {
        s["lastApplied"] == commit.as_str()
            && is(s, "Ready", "True")
            && s["story"].as_str().is_some_and(|s| s.contains("as wanted"))
    };
    bed.until("applied", applied);
    let late =
        serde_json::json!({"status": {"story": "called off", "lastApplied": "0".repeat(40)}});
    let name = bed.name.as_str();
    let patch = [
        "patch",
        "sync",
        name,
        "-n",
        "kubemate-system",
        "--subresource=status",
    ];
    let late = late.to_string();
    bed.cluster
        .kubectl(&[&patch[..], &["--type=merge", "-p", &late]].concat());
    bed.until("said once more", applied);
}
