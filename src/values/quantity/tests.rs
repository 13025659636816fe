//! Quantities against results of the API server's own implementation, and their arithmetic.

use std::str::FromStr;

use super::*;
use crate::values::tests::{bad, good, round_trip};

fn read(text: &str) -> Quantity {
    Quantity::from_str(text).unwrap()
}

#[test]
fn is_printed_as_the_server_prints_it() {
    good::<Quantity>(&[
        ("0", "0"),
        ("0n", "0"),
        ("-0", "0"),
        ("0Ki", "0"),
        ("1Ki", "1Ki"),
        ("1024Ki", "1Mi"),
        ("6144", "6144"),
        ("6144Mi", "6Gi"),
        ("1001Gi", "1001Gi"),
        ("0.5Mi", "512Ki"),
        ("1.5Gi", "1536Mi"),
        ("0.05Ti", "54975581388800m"),
        ("0.5Ki", "512"),
        ("7Ei", "7Ei"),
        ("5n", "5n"),
        ("4u", "4u"),
        ("3m", "3m"),
        ("8k", "8k"),
        ("1000k", "1M"),
        ("1080m", "1080m"),
        ("1000m", "1"),
        ("0.1", "100m"),
        ("1.", "1"),
        (".001", "1m"),
        ("+1", "1"),
        ("-1500m", "-1500m"),
        ("100000", "100k"),
        ("2024", "2024"),
        ("1234567M", "1234567M"),
        ("1E", "1E"),
        ("1e3", "1e3"),
        ("1E9", "1e9"),
        ("1000e6", "1e9"),
        ("1e-3", "1e-3"),
        ("80e-3", "80e-3"),
        ("12e2", "1200"),
        ("9223372036854775807", "9223372036854775807"),
        ("0.0000000001", "1n"),
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("1.1n", "2n"),
        ("1e-9999", "1e-9"),
        ("0e9999", "0"),
        ("000.500", "500m"),
        (
            "1099511627776109951162777600n",
            "1099511627776109951162777600n",
        ),
    ]);
    round_trip::<Quantity>("-?[0-9]{1,12}(\\.[0-9]{0,10})?(n|u|m|k|M|G|Ki|Mi|Gi|Ti|e-?[0-9])?");
}

#[test]
fn says_what_is_wrong() {
    let refused = bad::<Quantity>(&[
        "",
        ".",
        "-",
        "Mi",
        "1.1.M",
        "1+1.0M",
        "0.1mi",
        "1K",
        "1i",
        "1e",
        "1 Mi",
        " 1",
        "8Ei",
        "1e99",
        "99999999999999999999",
        "0x10",
        "1,5",
        "1_000",
        "١",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not an amount: it is empty; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `.` is not an amount: it has no number; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `-` is not an amount: it has no number; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `Mi` is not an amount: it has no number; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `1.1.M` is not an amount: it has two points; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `1+1.0M` is not an amount: the suffix `+1.0M` is unknown; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `0.1mi` is not an amount: the suffix `mi` is unknown; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi" => 0.1Mi
    `1K` is not an amount: the suffix `K` is unknown; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi" => 1Ki
    `1i` is not an amount: the suffix `i` is unknown; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `1e` is not an amount: the suffix `e` is unknown; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `1 Mi` is not an amount: there must be no space in it; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi" => 1Mi
    ` 1` is not an amount: it has no number; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi" => 1
    `8Ei` is not an amount: it is larger than Kubernetes can count, or has too many digits; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `1e99` is not an amount: it is larger than Kubernetes can count, or has too many digits; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `99999999999999999999` is not an amount: it is larger than Kubernetes can count, or has too many digits; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `0x10` is not an amount: the suffix `x10` is unknown; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    `1,5` is not an amount: it has a `,` where a point belongs; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi" => 1.5
    `1_000` is not an amount: the suffix `_000` is unknown; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi" => 1000
    `١` is not an amount: it has no number; write a number with an optional suffix (m; k M G T P E; Ki Mi Gi Ti Pi Ei), for example "512Mi"
    "#);
}

#[test]
fn is_compared_and_hashed_by_value() {
    let same = [
        read("1Gi"),
        read("1073741824"),
        read("1024Mi"),
        read("1073741824000m"),
    ];
    let set: std::collections::HashSet<_> = same.into_iter().collect();
    assert_eq!(set.len(), 1);
    assert!(read("1G") < read("1Gi") && read("-1") < Quantity::ZERO);
}

#[test]
fn adds_up_exactly_and_keeps_the_style() {
    assert_eq!((read("0.1") + read("0.2")).to_string(), "300m");
    assert_eq!((read("512Mi") + read("1Gi")).to_string(), "1536Mi");
    assert_eq!((read("1Gi") - read("512Mi")).to_string(), "512Mi");
    assert_eq!((read("1") - read("3")).to_string(), "-2");
    let sum: Quantity = ["250m", "1", "750m"].map(read).into_iter().sum();
    assert_eq!(sum, Quantity::whole(2));
    let memory: Quantity = ["1Gi", "1Gi"].map(read).into_iter().sum();
    assert_eq!(
        memory.to_string(),
        "2Gi",
        "nothing takes the style of what is added"
    );
    assert_eq!(read("256Mi").times(4).to_string(), "1Gi");
    let largest = Quantity::whole(i64::MAX);
    assert!(
        largest + largest > largest,
        "the sum of two amounts always fits"
    );
}

#[test]
fn rounds_up_to_whole_numbers() {
    assert_eq!((read("1500m").ceil(), read("-1500m").ceil()), (2, -1));
    assert_eq!(
        (read("100u").ceil_millis(), read("250m").ceil_millis()),
        (1, 250)
    );
    assert!(read("2").is_whole() && !read("0.5").is_whole());
    assert_eq!(Quantity::bytes(1 << 30), read("1Gi"));
    assert_eq!(Quantity::millis(1500), read("1.5"));
}
