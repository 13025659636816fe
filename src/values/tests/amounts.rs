//! Amounts, durations, shares and ports: tables of good and bad texts.

use super::{bad, good, round_trip};
use crate::values::Grammar;
use crate::values::{duration, network, percent, resources};

#[test]
fn cpu() {
    good::<resources::CpuQuantity>(&[
        ("250m", "250m"),
        ("8", "8"),
        ("0.5", "500m"),
        ("0", "0"),
        ("2.50", "2500m"),
        ("1e3", "1e3"),
        ("1000m", "1"),
    ]);
    let refused = bad::<resources::CpuQuantity>(&[
        "", "-1", "250 m", "512Mi", "0.0001", "two", "1 core", "250mcpu",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not an amount of CPU: it is empty; write cores, or thousandths of a core with an `m`, for example "250m"
    `-1` is not an amount of CPU: it is less than 0; write cores, or thousandths of a core with an `m`, for example "250m"
    `250 m` is not an amount of CPU: there must be no space in it; write cores, or thousandths of a core with an `m`, for example "250m" => 250m
    `512Mi` is not an amount of CPU: it would be 536870912 cores; write cores, or thousandths of a core with an `m`, for example "250m"
    `0.0001` is not an amount of CPU: it is finer than a thousandth of a core; write cores, or thousandths of a core with an `m`, for example "250m"
    `two` is not an amount of CPU: it has no number; write cores, or thousandths of a core with an `m`, for example "250m"
    `1 core` is not an amount of CPU: there must be no space in it; write cores, or thousandths of a core with an `m`, for example "250m" => 1
    `250mcpu` is not an amount of CPU: the suffix `mcpu` is unknown; write cores, or thousandths of a core with an `m`, for example "250m" => 250m
    "#);
    round_trip::<resources::CpuQuantity>("[0-9]{1,4}(\\.[0-9]{1,3})?m?");
}

#[test]
fn memory() {
    good::<resources::MemoryQuantity>(&[
        ("512Mi", "512Mi"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("0", "0"),
        ("500k", "500k"),
        ("2Ti", "2Ti"),
        ("1e9", "1e9"),
    ]);
    let refused = bad::<resources::MemoryQuantity>(&[
        "512MB", "512 Mi", "512m", "100m", "700m", "1500m", "512", "-1Gi", "512mi", "2 GB",
        "1,5Gi", "lots", "0.3", "64K",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `512MB` is not an amount of memory: the suffix `MB` is unknown; write a number with Ki, Mi, Gi or Ti, for example "512Mi" => 512Mi
    `512 Mi` is not an amount of memory: there must be no space in it; write a number with Ki, Mi, Gi or Ti, for example "512Mi" => 512Mi
    `512m` of memory is half a byte: did you mean 512Mi? => 512Mi
    `100m` of memory is a small part of a byte: did you mean 100Mi? => 100Mi
    `700m` of memory is less than a byte: did you mean 700Mi? => 700Mi
    `1500m` of memory is about 2 bytes: did you mean 1500Mi? => 1500Mi
    `512` is not an amount of memory: it is only 512 bytes; write a number with Ki, Mi, Gi or Ti, for example "512Mi" => 512Mi
    `-1Gi` is not an amount of memory: it is less than 0; write a number with Ki, Mi, Gi or Ti, for example "512Mi"
    `512mi` is not an amount of memory: the suffix `mi` is unknown; write a number with Ki, Mi, Gi or Ti, for example "512Mi" => 512Mi
    `2 GB` is not an amount of memory: there must be no space in it; write a number with Ki, Mi, Gi or Ti, for example "512Mi" => 2Gi
    `1,5Gi` is not an amount of memory: it has a `,` where a point belongs; write a number with Ki, Mi, Gi or Ti, for example "512Mi" => 1.5Gi
    `lots` is not an amount of memory: it has no number; write a number with Ki, Mi, Gi or Ti, for example "512Mi"
    `0.3` is not an amount of memory: it has a part of a byte; write a number with Ki, Mi, Gi or Ti, for example "512Mi"
    `64K` is not an amount of memory: the suffix `K` is unknown; write a number with Ki, Mi, Gi or Ti, for example "512Mi" => 64Ki
    "#);
    round_trip::<resources::MemoryQuantity>("[0-9]{1,6}(\\.[0-9])?(Ki|Mi|Gi|Ti|k|M|G)");
}

#[test]
fn duration() {
    good::<duration::Duration>(&[
        ("1h30m", "1h30m"),
        ("90m", "1h30m"),
        ("72h", "3d"),
        ("7d", "7d"),
        ("500ms", "500ms"),
        ("0s", "0s"),
        ("60s", "1m"),
        ("1d2h3m4s5ms", "1d2h3m4s5ms"),
        ("0h30m", "30m"),
    ]);
    let refused = bad::<duration::Duration>(&[
        "",
        "30",
        "30 s",
        "30sec",
        "1.5h",
        "5 minutes",
        "1 hour 30 min",
        "30m1h",
        "1h1h",
        "2w",
        "1y",
        "-5m",
        "s",
        "3651d",
        "99999999999999999999s",
        "1h 30m",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a duration: it is empty; write whole numbers with the units d, h, m, s, ms, for example "1h30m"
    `30` is not a duration: the unit of 30 is missing; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 30s
    `30 s` is not a duration: there must be no space in it; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 30s
    `30sec` is not a duration: the unit `sec` is unknown; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 30s
    `1.5h` is not a duration: it has a fraction; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 1h30m
    `5 minutes` is not a duration: there must be no space in it; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 5m
    `1 hour 30 min` is not a duration: there must be no space in it; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 1h30m
    `30m1h` is not a duration: `h` comes too late or twice; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 1h30m
    `1h1h` is not a duration: `h` comes too late or twice; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 2h
    `2w` is not a duration: the unit `w` is unknown; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 14d
    `1y` is not a duration: the unit `y` is unknown; write whole numbers with the units d, h, m, s, ms, for example "1h30m"
    `-5m` is not a duration: it is less than 0; write whole numbers with the units d, h, m, s, ms, for example "1h30m"
    `s` is not a duration: a number is missing; write whole numbers with the units d, h, m, s, ms, for example "1h30m"
    `3651d` is not a duration: it is over ten years; write whole numbers with the units d, h, m, s, ms, for example "1h30m"
    `99999999999999999999s` is not a duration: it is over ten years; write whole numbers with the units d, h, m, s, ms, for example "1h30m"
    `1h 30m` is not a duration: there must be no space in it; write whole numbers with the units d, h, m, s, ms, for example "1h30m" => 1h30m
    "#);
    round_trip::<duration::Duration>(
        "([0-9]{1,2}d)?([0-9]{1,2}h)?([0-9]{1,2}m)?([0-9]{1,2}s)?([0-9]{1,3}ms)?",
    );
}

#[test]
fn percent() {
    good::<percent::Percent>(&[
        ("70%", "70%"),
        ("0.5%", "0.5%"),
        ("0%", "0%"),
        ("100%", "100%"),
        ("1.50%", "1.5%"),
        ("007%", "7%"),
    ]);
    let refused = bad::<percent::Percent>(&[
        "",
        "70",
        "70 %",
        "0,5%",
        "101%",
        "-5%",
        "%",
        "0.0001%",
        "seventy",
        "70percent",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a share: the `%` is missing; write a number from 0 to 100 and a `%`, for example "70%"
    `70` is not a share: the `%` is missing; write a number from 0 to 100 and a `%`, for example "70%" => 70%
    `70 %` is not a share: there must be no space in it; write a number from 0 to 100 and a `%`, for example "70%" => 70%
    `0,5%` is not a share: it has a `,` where a point belongs; write a number from 0 to 100 and a `%`, for example "70%" => 0.5%
    `101%` is not a share: it is more than 100%; write a number from 0 to 100 and a `%`, for example "70%"
    `-5%` is not a share: it is less than 0%; write a number from 0 to 100 and a `%`, for example "70%"
    `%` is not a share: a number is missing before the `%`; write a number from 0 to 100 and a `%`, for example "70%"
    `0.0001%` is not a share: it is finer than a thousandth of a percent; write a number from 0 to 100 and a `%`, for example "70%"
    `seventy` is not a share: the `%` is missing; write a number from 0 to 100 and a `%`, for example "70%"
    `70percent` is not a share: the `%` is missing; write a number from 0 to 100 and a `%`, for example "70%" => 70%
    "#);
    round_trip::<percent::Percent>("[0-9]{1,2}(\\.[0-9]{1,3})?%");
}

#[test]
fn utilization() {
    good::<percent::Utilization>(&[("70%", "70%"), ("150%", "150%"), ("80.0%", "80%")]);
    let refused = bad::<percent::Utilization>(&["0%", "1001%", "70", "0.5%"]);
    insta::assert_snapshot!(refused, @r#"
    `0%` is not a degree of use: it is 0%; write a whole number from 1 to 1000 and a `%`, for example "70%"
    `1001%` is not a degree of use: it is more than 1000%; write a whole number from 1 to 1000 and a `%`, for example "70%"
    `70` is not a degree of use: the `%` is missing; write a whole number from 1 to 1000 and a `%`, for example "70%" => 70%
    `0.5%` is not a degree of use: it has a fraction; write a whole number from 1 to 1000 and a `%`, for example "70%"
    "#);
    round_trip::<percent::Utilization>("[0-9]{1,4}%");
}

#[test]
fn port() {
    good::<network::Port>(&[("1", "1"), ("8443", "8443"), ("65535", "65535")]);
    let refused = bad::<network::Port>(&["0", "65536", "080", "http", "-1", "", ":8080"]);
    insta::assert_snapshot!(refused, @r#"
    `0` is not a port: it is outside the range; write a number from 1 to 65535, for example "8443"
    `65536` is not a port: it is outside the range; write a number from 1 to 65535, for example "8443"
    `080` is not a port: it is outside the range; write a number from 1 to 65535, for example "8443" => 80
    `http` is not a port: it is not a whole number; write a number from 1 to 65535, for example "8443"
    `-1` is not a port: it is not a whole number; write a number from 1 to 65535, for example "8443"
    `` is not a port: it is not a whole number; write a number from 1 to 65535, for example "8443"
    `:8080` is not a port: it is not a whole number; write a number from 1 to 65535, for example "8443" => 8080
    "#);
    round_trip::<network::Port>("[0-9]{1,5}");
}

#[test]
fn port_ref() {
    good::<network::PortRef>(&[("http", "http"), ("8443", "8443")]);
    let refused = bad::<network::PortRef>(&["70000", "HTTP", "", "a_b"]);
    insta::assert_snapshot!(refused, @r#"
    `70000` is not a port: the number is outside the range; write the name of a port or a number from 1 to 65535, for example "http"
    `HTTP` is not a port: `H` is not allowed; write the name of a port or a number from 1 to 65535, for example "http" => http
    `` is not a port: it is empty; write the name of a port or a number from 1 to 65535, for example "http"
    `a_b` is not a port: `_` is not allowed; write the name of a port or a number from 1 to 65535, for example "http" => a-b
    "#);
    round_trip::<network::PortRef>("[a-z0-9-]{1,8}");
}

#[test]
fn an_amount_knows_its_unit() {
    let cpu = resources::CpuQuantity::parse("1.5").unwrap();
    assert_eq!((cpu.millicores(), cpu.quantity().ceil()), (1500, 2));
    assert_eq!(resources::MemoryQuantity::parse("1Ki").ok(), None);
    assert_eq!(
        resources::MemoryQuantity::parse("1Gi").unwrap().bytes(),
        1 << 30
    );
}

#[test]
fn a_duration_is_counted_and_printed_for_kubernetes() {
    let read = |text| duration::Duration::parse(text).unwrap();
    let text = |text| read(text).go_duration();
    let texts = ["7d", "1d1m", "90s", "500ms", "0s"].map(text);
    assert_eq!(texts, ["168h", "24h1m", "1m30s", "500ms", "0s"]);
    assert_eq!(
        (read("1ms").to_seconds(), read("1m").to_seconds()),
        (1, 60),
        "never shorter"
    );
    assert!(read("1m").is_whole_seconds() && !read("1s1ms").is_whole_seconds());
    assert_eq!(duration::Duration::from_secs(90), read("1m30s"));
    assert_eq!(read("1s").to_std(), std::time::Duration::from_secs(1));
    assert!(read("59m") < read("1h"));
}

#[test]
fn a_share_is_a_number_too() {
    let read = |text| percent::Percent::parse(text).unwrap();
    assert_eq!(
        (read("70%").whole(), read("0.5%").whole()),
        (Some(70), None)
    );
    assert_eq!(
        (read("0.5%").thousandths(), read("25%").ratio()),
        (500, 0.25)
    );
    assert_eq!(percent::Utilization::parse("150%").unwrap().percent(), 150);
}

#[test]
fn plain_numbers_are_read_where_they_are_natural() {
    let json = |text| {
        serde_json::from_str::<resources::CpuQuantity>(text)
            .unwrap()
            .to_string()
    };
    assert_eq!(["8", "0.5", "\"250m\""].map(json), ["8", "500m", "250m"]);
    let port: network::PortRef = serde_json::from_str("8443").unwrap();
    assert_eq!(serde_json::to_string(&port).unwrap(), "8443");
    assert_eq!(
        serde_json::to_string(&network::PortRef::parse("http").unwrap()).unwrap(),
        "\"http\""
    );
    let error = serde_json::from_str::<network::Port>("90000")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("`90000` is not a port: it is outside the range"),
        "{error}"
    );
    let error = serde_json::from_str::<duration::Duration>("30")
        .unwrap_err()
        .to_string();
    assert!(error.contains("expected a duration"), "{error}");
}

#[test]
fn the_schema_bounds_plain_numbers() {
    let schema = schemars::generate::SchemaGenerator::default().subschema_for::<network::Port>();
    insta::assert_json_snapshot!(schema, @r#"
    {
      "description": "A port: write a number from 1 to 65535.",
      "type": [
        "string",
        "integer"
      ],
      "format": "port",
      "x-example": "8443",
      "minimum": 1,
      "maximum": 65535
    }
    "#);
}
