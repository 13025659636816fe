//! Another program that writes again whatever is undone: after a while both leave off, and are named.

use std::time::{Duration, Instant};

use super::faulty::Faulty;
use super::{PATIENCE, is};

#[test]
fn a_fight_with_another_program_rests_and_both_are_named() {
    let mut faulty = Faulty::new("fights.git");
    faulty.bed.sync("auto", "1s");
    let first = faulty.push(1);
    faulty.applied(&first, 1);
    let name = faulty.bed.name.clone();
    let value = || {
        let args = ["get", "cm", "k3", "-n", &name, "-o", "jsonpath={.data.n}"];
        faulty.bed.cluster.kubectl(&args)
    };
    let write = || {
        let patch = r#"{"data":{"n":"tuned"}}"#;
        let args = [
            "patch",
            "cm",
            "k3",
            "-n",
            &name,
            "-p",
            patch,
            "--field-manager=autotuner",
        ];
        faulty.bed.cluster.kubectl(&args);
    };
    let told = || {
        let status = faulty.bed.status().to_string();
        status.contains("`autotuner` writes") && status.contains("k3")
    };
    let (mut writes, began) = (0, Instant::now());
    while !told() {
        if value() == "1" {
            write();
            writes += 1;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{writes} writes: {:#}",
            faulty.bed.status()
        );
    }
    assert!(writes >= 10, "only {writes} writes");
    // It stays as the other one wants it; what else is changed is undone.
    write();
    let other = [
        "patch",
        "cm",
        "k4",
        "-n",
        &name,
        "-p",
        r#"{"data":{"n":"no"}}"#,
    ];
    faulty.bed.cluster.kubectl(&other);
    std::thread::sleep(Duration::from_secs(4));
    let other = ["get", "cm", "k4", "-n", &name, "-o", "jsonpath={.data.n}"];
    assert_eq!(
        (value(), faulty.bed.cluster.kubectl(&other)),
        ("tuned".into(), "1".into())
    );
    assert!(
        is(&faulty.bed.status(), "Drifted", "True"),
        "{:#}",
        faulty.bed.status()
    );
    // What Git wants anew is written.
    let second = faulty.push(2);
    faulty.bed.until("the next commit", |status| {
        status["lastApplied"] == second.as_str()
    });
    assert_eq!(value(), "2");
    faulty.judge(&second, 2);
}
