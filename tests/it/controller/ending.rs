//! A membership ends while nothing changes in Git: the controller takes the member out at its time, also
//! in a freeze, and nobody else.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Bed, Controller, GOOD, is};

/// What is between now and the end at least, so that everything stands before.
const AHEAD: i64 = 75;

/// The next whole minute that is far enough away.
fn end() -> Timestamp {
    let second = (Timestamp::now().as_second() + AHEAD).div_euclid(60) + 1;
    Timestamp::from_second(second * 60).unwrap()
}

fn members(bed: &Bed) -> Vec<String> {
    let here = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}", bed.name);
    let binding = bed
        .cluster
        .get(&format!("{here}/rolebindings/kubemate-role-viewer"));
    let subjects = binding["subjects"].as_array().cloned().unwrap_or_default();
    subjects
        .iter()
        .map(|s| s["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_member_is_taken_out_when_the_time_has_come() {
    let bed = Bed::new("ending.git");
    let end = end();
    let written = end.strftime("%Y-%m-%dT%H:%MZ").to_string();
    let mut files = bed.files(GOOD, "");
    let tenant = format!(
        "tenant {} {{\n  member ana role=viewer until=\"2099-01-01T00:00Z\"\n  member li role=viewer until=\"{written}\"\n  \
         member sre kind=group role=viewer\n  quota cpu=4 memory=\"8Gi\" pods=20\n}}\n",
        bed.name
    );
    // From the end on nothing may change.
    let freeze = format!("freeze audit env=dev from=\"{written}\" to=\"2098-01-01T00:00Z\"\n");
    files[1].1 = format!("{tenant}{freeze}");
    let commit = bed.commit_files(files);
    let _controller = Controller::start(bed.cluster.kubeconfig(), &bed);
    bed.sync("auto", "1s");
    let applied = |s: &Value| s["lastApplied"] == commit.as_str() && is(s, "Ready", "True");
    bed.until("applied", applied);
    let before = members(&bed);
    assert!(
        Timestamp::now() < end,
        "this machine is too slow to see anything before {end}"
    );
    assert_eq!(before, ["ana", "li", "sre"]);
    bed.until("li is taken out", |_| {
        members(&bed).iter().all(|name| name != "li")
    });
    assert!(Timestamp::now() >= end, "too early");
    assert_eq!(members(&bed), ["ana", "sre"]);
    bed.until("ready with the same commit", applied);
    // And it stays so.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(members(&bed), ["ana", "sre"]);
    assert!(applied(&bed.status()), "{:#}", bed.status());
}
