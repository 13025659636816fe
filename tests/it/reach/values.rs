//! Other values for a field, and wrong ones, from its schema alone.

use serde_json::Value;

/// Formats of values, each with some that differ; a reference names something that the projects of
/// these tests have.
const FORMATS: &[(&str, &[&str])] = &[
    ("absolute-path", &["\"/other\""]),
    ("app-ref", &["ledger", "checkout-next", "basket"]),
    ("approval-ref", &["night-shift", "prod-change"]),
    ("calendar-window", &["\"Sun 02:00-04:00\""]),
    ("cidr", &["\"10.9.0.0/16\"", "\"10.9.1.1/32\""]),
    ("component-ref", &["external-secrets"]),
    ("component-version", &["\"1.22\"", "\"1.4\""]),
    ("config-key", &["password", "username", "other", "basket"]),
    ("cpu-quantity", &["\"15m\"", "\"300m\"", "7", "50"]),
    ("cron", &["\"15 4 * * *\""]),
    (
        "date-time",
        &["\"2027-03-01T18:00+08:00\"", "\"2026-08-01T00:00+08:00\""],
    ),
    (
        "digest",
        &["\"sha256:0f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f\""],
    ),
    (
        "duration",
        &[
            "\"90s\"",
            "\"7m\"",
            "\"40m\"",
            "\"3h\"",
            "\"700h\"",
            "\"3s\"",
            "\"100ms\"",
        ],
    ),
    ("email", &["\"other@bank\""]),
    ("env-var-name", &["OTHER"]),
    ("environment-ref", &["dev"]),
    ("gateway-ref", &["plain", "public"]),
    ("group-name", &["\"other.example.com\""]),
    ("group-resource", &["configmaps", "\"batch/jobs\""]),
    ("header-name", &["X-Other"]),
    (
        "host-name",
        &[
            "\"other.${domain}\"",
            "\"other.bank\"",
            "\"*.other.${domain}\"",
        ],
    ),
    ("host-port", &["\"other.bank\"", "\"other.bank:8443\""]),
    ("http-method", &["HEAD", "POST", "PUT"]),
    ("image-repository", &["\"harbor.bank/payments/other\""]),
    ("kind-name", &["ConfigMap"]),
    ("label-key", &["\"example.com/other\""]),
    ("label-match", &["\"tier=other\""]),
    ("label-value", &["other"]),
    (
        "memory-quantity",
        &[
            "\"96Mi\"",
            "\"3Gi\"",
            "\"64Gi\"",
            "\"24Mi\"",
            "\"120Gi\"",
            "\"5Ti\"",
        ],
    ),
    ("name", &["other", "ledger", "metrics", "proxy", "core"]),
    ("namespace-name", &["default"]),
    ("namespace-ref", &["batch", "core"]),
    ("object-name", &["other"]),
    ("pattern", &["\"other.*\""]),
    ("percent", &["\"7%\"", "\"30%\"", "\"60%\"", "\"8%\""]),
    ("port", &["30081", "8181", "9444", "7"]),
    ("port-name", &["metrics", "http", "other", "grpc"]),
    ("port-ref", &["metrics", "http", "grpc", "8080"]),
    ("quantity", &["3", "7"]),
    ("registry-ref", &["quay-mirror", "harbor"]),
    ("relative-glob", &["\"vendor/other/*.yaml\""]),
    (
        "relative-path",
        &["other", "\"files/other.toml\"", "\"other/file\""],
    ),
    ("resource-name", &["\"example.com/gpu\""]),
    ("role-ref", &["admin", "operator", "log-reader"]),
    ("secret-ref", &["checkout-db", "other-db", "harbor-pull"]),
    ("secret-source", &["\"vault:kv/payments/other\""]),
    ("share", &["\"40%\"", "2", "\"12%\""]),
    ("status-code", &["404", "308", "500", "301", "307"]),
    ("status-pattern", &["\"503\"", "\"502\""]),
    ("storage-class-ref", &["ssd", "fast", "shared", "image"]),
    ("tenant-name", &["identity"]),
    ("tenant-ref", &["identity", "payments"]),
    ("time-zone", &["\"Europe/Berlin\""]),
    (
        "url",
        &["\"https://other.bank\"", "\"https://other.bank/check\""],
    ),
    ("url-path", &["\"/other\""]),
    ("user-name", &["other"]),
    ("utilization", &["\"55%\""]),
    ("version", &["\"9.9\""]),
];

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Other values in KDL than the one written, the likeliest first. None: nothing is known about values
/// like these, and the table above needs a line.
pub(super) fn others(schema: &Value, written: &str) -> Option<Vec<String>> {
    let plain = written.trim_matches('"');
    let mut all: Vec<String> = Vec::new();
    if let Some(words) = schema["enum"].as_array() {
        all.extend(
            words
                .iter()
                .filter_map(Value::as_str)
                .map(|word| format!("\"{word}\"")),
        );
    } else if let Some(format) = schema["format"].as_str().filter(|f| !is_number(f)) {
        let known = FORMATS.iter().find(|(name, _)| *name == format);
        let (_, known) = known?;
        all.extend(known.iter().map(ToString::to_string));
    } else if types(schema).contains(&"string") {
        all.push(format!("\"{plain}x\""));
        all.push(format!("\"other-{plain}\""));
        all.push("\"1\"".to_owned());
    } else if types(schema).contains(&"boolean") {
        all.extend(["#true", "#false"].map(str::to_owned));
    } else if types(schema).contains(&"integer") || types(schema).contains(&"number") {
        let number: i64 = plain.parse().unwrap_or(1);
        all.extend([number + 1, number - 1, 2, 5].map(|n| n.to_string()));
    } else {
        return None;
    }
    all.retain(|other| other.trim_matches('"') != plain);
    (!all.is_empty()).then_some(all)
}

fn is_number(format: &str) -> bool {
    format.starts_with("int") || format.starts_with("uint")
}

/// Values that no field like this takes, the likeliest to be refused first.
pub(super) fn wrong(schema: &Value) -> Vec<&'static str> {
    let text = types(schema).contains(&"string");
    if schema["enum"].is_array() {
        vec!["no-such-word"]
    } else if text && schema["format"].is_string() {
        vec!["\"%% wrong %%\"", "#true", "\"\""]
    } else if text {
        vec!["1.5", "#true", "#null", "\"\""]
    } else {
        vec!["no-such-word", "-1"]
    }
}
