//! Another program that writes again whatever is undone: after a while both leave off, and are named.

use std::time::{Duration, Instant};

use super::faulty::Faulty;
use super::{PATIENCE, is};

/// Writes into a ConfigMap.
fn write(faulty: &Faulty, config: &str, manager: &str) {
    let manager = format!("--field-manager={manager}");
    let patch = r#"{"data":{"n":"tuned"}}"#;
    let args = [
        "patch",
        "cm",
        config,
        "-n",
        &faulty.bed.name,
        "-p",
        patch,
        &manager,
    ];
    faulty.bed.cluster.kubectl(&args);
}

#[test]
fn a_fight_with_another_program_rests_and_both_are_named() {
    let mut faulty = Faulty::new("fights.git");
    faulty.bed.sync("auto", "1s");
    let first = faulty.push(1);
    faulty.applied(&first, 1);
    let told = || {
        let status = faulty.bed.status().to_string();
        status.contains("`autotuner` writes") && status.contains("k3")
    };
    let (mut writes, began) = (0, Instant::now());
    while !told() {
        if faulty.bed.value("k3") == "1" {
            write(&faulty, "k3", "autotuner");
            writes += 1;
        }
        let late = began.elapsed() > PATIENCE;
        assert!(!late, "{writes} writes: {:#}", faulty.bed.status());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(writes >= 10, "only {writes} writes");
    // It stays as the other one wants it; what else is changed is undone.
    write(&faulty, "k3", "autotuner");
    write(&faulty, "k4", "autotuner");
    faulty
        .bed
        .until("k4 is put back", |_| faulty.bed.value("k4") == "1");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(faulty.bed.value("k3"), "tuned");
    faulty.bed.until("it is told", |s| is(s, "Drifted", "True"));
    // What Git wants anew is written.
    let second = faulty.push(2);
    let next = |status: &serde_json::Value| status["lastApplied"] == second.as_str();
    faulty.bed.until("the next commit", next);
    assert_eq!(faulty.bed.value("k3"), "2");
    faulty.judge(&second, 2);
}
