//! Generated apps, routes and tenants: whatever fields are put together, the API server takes what
//! becomes of them. The same seeds give the same texts in every run, and a name tells its seed.

use std::fmt::Write as _;

use serde_json::Value;

use super::{APPS_NEED, SECRET, objects_in, served};
use crate::bank::project::OPERATORS;
use crate::effort;

/// Parts of an app: for which workloads, as letters, and the text.
const APP: &[(&str, &str)] = &[
    (
        "dsnjc",
        "env { LOG_LEVEL info; RETRIES 3; NODE fact=node-name; DB secret=checkout-db key=password }",
    ),
    ("dsnjc", "env-from secret=checkout-db prefix=DB_"),
    (
        "dsnjc",
        "config settings mount=\"/etc/settings\" { value basket \"50\"; file \"a.toml\" \"x = 1\" }",
    ),
    (
        "dsnjc",
        "volume tmp mount=\"/tmp\" size=\"1Gi\" ephemeral=#true",
    ),
    (
        "dsnjc",
        "volume shm mount=\"/dev/shm\" size=\"64Mi\" memory=#true",
    ),
    (
        "dsnjc",
        "volume db mount=\"/etc/db\" secret=checkout-db { item password \"pg/password\" }",
    ),
    (
        "dsnjc",
        "volume shared mount=\"/shared\" size=\"10Gi\" access=many sub-path=\"a\"",
    ),
    (
        "s",
        "volume data mount=\"/data\" size=\"50Gi\" class=ssd per-replica=#true",
    ),
    (
        "dsnjc",
        "init schema { image \"r/schema\"; version \"1\"; command check }",
    ),
    (
        "dsnjc",
        "sidecar proxy { image \"r/proxy\"; version \"1\"; args \"-q\"; resources { requests cpu=\"10m\" } }",
    ),
    (
        "dsnjc",
        "placement { spread by=zone skew=2 strict=#true; node-label \"tier=core\"; tolerate spot for=\"5m\" }",
    ),
    (
        "dsnjc",
        "security user=1000 group=1000 volume-group=2000 { capabilities NET_BIND_SERVICE }",
    ),
    ("dsnjc", "shutdown grace=\"45s\" { exec \"/bin/bye\" }"),
    (
        "dsnjc",
        "labels { \"example.com/tier\" web }; annotations { \"example.com/contact\" \"a@b\" }",
    ),
    (
        "dsn",
        "probe readiness path=\"/r\" port=http tls=#true every=\"5s\" timeout=\"2s\"",
    ),
    ("dsn", "probe liveness { exec \"/bin/alive\" }"),
    ("dsn", "probe startup grpc=\"\" port=http failures=30"),
    ("dsn", "port events 7946 protocol=udp"),
    (
        "dsn",
        "before deploy { task migrate retries=0 timeout=\"30m\" { run \"migrate up\"; env { MODE up } } }",
    ),
    ("dsn", "after deploy { task warm { command warm } }"),
    ("ds", "disruption max-unavailable=\"20%\""),
    ("jc", "retries 0"),
    ("jc", "timeout \"2h\""),
    ("jc", "parallel 2; completions 4"),
];
/// How many pods, and how they are replaced: one of these.
const NUMBER: &[(&str, &str)] = &[
    ("dsn", ""),
    ("ds", "replicas 3"),
    (
        "ds",
        "autoscale min=2 max=5 { metric cpu target=\"70%\"; scale-down over=\"5m\" by=\"10%\" every=\"2m\" }",
    ),
    (
        "ds",
        "autoscale min=1 max=5 { metric queue average=30 external=#true { labels { queue a } }; scale-up by=4 }",
    ),
    (
        "ds",
        "autoscale min=0 max=5 every=\"15s\" { trigger q scaler=kafka total=#true { settings { topic a }; login { password secret=checkout-db key=password } }; fallback replicas=2 }",
    ),
    (
        "d",
        "replicas 2; rollout rolling surge=\"50%\" unavailable=1 timeout=\"15m\"",
    ),
    ("d", "rollout recreate"),
    (
        "d",
        "autoscale min=2 max=4; rollout blue-green every=\"1h\" tolerate=2 looks=5 { check latency within=\"1s\"; call t when=before url=\"https://t.bank\" timeout=\"90s\" { settings { a b } } }",
    ),
    (
        "d",
        "autoscale min=0 max=4 { trigger q scaler=cron { settings { start \"0 1 * * *\"; end \"0 2 * * *\"; timezone UTC; desiredReplicas \"3\" } } }; rollout blue-green every=\"90s\"",
    ),
    ("n", "rollout rolling unavailable=\"10%\""),
    ("jc", ""),
];
const ROUTE: &[&str] = &[
    "header X-Version \"2\"",
    "query trace 1",
    "request-headers { set X-Edge public; add X-Via edge; remove X-Internal }",
    "response-headers { set X-Frame-Options DENY; remove Server }",
    "retry 2 on=\"5xx\" idempotent=#true wait=\"100ms\"",
    "rate-limit 100 per=\"1s\" by=client-ip burst=200 behind=1",
    "in-flight 20 by=header header=X-Team",
    "circuit-breaker error-rate=\"30%\" over=\"1m\" recover=\"10s\"",
    "auth url=\"https://auth.bank/check\"",
    "cors { origins \"https://bank\"; methods GET; credentials #true; max-age \"10m\" }",
];
const METHODS: &[&str] = &[
    "",
    "methods GET",
    "methods GET POST",
    "methods PUT DELETE PATCH",
];
const REWRITE: &[&str] = &[
    "",
    "rewrite prefix=\"/\"",
    "rewrite path=\"/p\" host=\"h.bank\"",
    "rewrite prefix=\"/v2\"",
];
const TENANT: &[&str] = &[
    "owner \"team@bank\"",
    "member ana role=admin; member sre kind=group role=operator",
    "member ci kind=service-account namespace=build role=deployer",
    "quota cpu=40 memory=\"160Gi\" storage=\"2Ti\" pods=200 { count configmaps 500; gpu h200 2 }",
    "limits { default cpu=\"250m\" memory=\"256Mi\"; min cpu=\"10m\" memory=\"16Mi\"; max cpu=8 memory=\"32Gi\" }",
    "gateway public class=traefik { listener web port=8000 host=\"*.NAME.${domain}\"; listener old port=80 { redirect scheme=https } }",
];
const NETWORK: &[&str] = &[
    "",
    "network isolation=strict { from ingress }",
    "network { from ingress; from monitoring port=9090; to internet port=443 }",
    "network { to cidr=\"10.20.0.0/16\" port=5432; to cidr=\"10.20.1.53/32\" port=53 protocol=udp }",
];

/// Apps that generated routes lead to.
pub(crate) const APPS: &str = r#"
app plain tenant=payments namespace=core { image "r/a"; version "1"; port http 8080 }
app released tenant=payments namespace=core {
  image "r/b"
  version "1"
  port http 8080
  rollout canary every="1m" { steps "5%" "50%" }
}
"#;

/// A source of choices that is the same in every run.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

pub(crate) fn app(seed: u64) -> String {
    let dice = &mut Dice(seed);
    let (letter, workload, must) = *dice.one(&[
        ("d", "deployment", "port http 8080 service=80"),
        ("s", "stateful", "port http 8080"),
        ("n", "daemon", "port http 8080"),
        ("j", "job", "run \"2026-12-31\""),
        (
            "c",
            "cron-job",
            "schedule \"30 2 * * 1-5\" zone=\"Asia/Shanghai\" overlap=forbid keep=3",
        ),
    ]);
    let mut text = format!(
        "app v{seed} tenant=payments namespace=core workload={workload} {{\n  image \"harbor.bank/v\"\n  version \"{seed}\"\n  {must}\n  resources {{ requests cpu=\"100m\" memory=\"128Mi\"; limits memory=\"256Mi\" }}\n"
    );
    for (fits, part) in APP {
        if fits.contains(letter) && dice.roll(2) == 0 {
            writeln!(text, "  {part}").unwrap();
        }
    }
    let number: Vec<&str> = NUMBER
        .iter()
        .filter(|(fits, _)| fits.contains(letter))
        .map(|n| n.1)
        .collect();
    writeln!(text, "  {}\n}}", dice.one(&number)).unwrap();
    text
}

pub(crate) fn route(seed: u64) -> String {
    let dice = &mut Dice(seed);
    let path = *dice.one(&[
        "path=\"/a\"",
        "path-exact=\"/a\"",
        "path-regex=\"/a[0-9]+\"",
        "",
    ]);
    let to = *dice.one(&[
        "to plain",
        "to released",
        "to plain weight=9; to released weight=1",
    ]);
    let mut text = format!(
        "route r{seed} tenant=payments namespace=core gateway=public {{\n  host \"r{seed}.${{domain}}\"\n  rule {path} {{\n    {to}\n"
    );
    writeln!(text, "    {}", dice.one(METHODS)).unwrap();
    // A prefix is put in place of a prefix only.
    let rewrite = *dice.one(REWRITE);
    if path.starts_with("path=") || !rewrite.contains("prefix") {
        writeln!(text, "    {rewrite}").unwrap();
    }
    for part in ROUTE {
        if dice.roll(3) == 0 {
            writeln!(text, "    {part}").unwrap();
        }
    }
    text + "  }\n}\n"
}

pub(crate) fn tenant(seed: u64) -> String {
    let dice = &mut Dice(seed);
    let name = format!("t{seed}");
    let mut text = format!("tenant {name} {{\n");
    for part in TENANT {
        if dice.roll(2) == 0 {
            writeln!(text, "  {}", part.replace("NAME", &name)).unwrap();
        }
    }
    writeln!(text, "  {}\n}}", dice.one(NETWORK)).unwrap();
    text
}

/// What becomes of a few generated texts in a file, and of the files beside it.
pub(crate) fn of(path: &str, one: fn(u64) -> String, beside: &str) -> Vec<Value> {
    many(effort::cases(40, 300).into(), "prod", (path, one), beside)
}

/// The same with so many seeds, in an environment of this name.
pub(super) fn many(
    seeds: u64,
    environment: &str,
    (path, one): (&str, fn(u64) -> String),
    beside: &str,
) -> Vec<Value> {
    let text: String = (0..seeds).map(one).collect();
    eprintln!(
        "seeds 0 to {} for {path}; a seed is the number in a name",
        seeds - 1
    );
    let all = objects_in(
        environment,
        &[
            ("platform/tenants.kdl", APPS_NEED),
            ("tenants/payments/secret.kdl", SECRET),
            ("tenants/payments/beside.kdl", beside),
            (path, &text),
        ],
    );
    let count = usize::try_from(seeds).unwrap();
    assert!(all.len() > 2 * count, "{} objects of {count}", all.len());
    all
}

#[tokio::test]
async fn any_app_is_what_its_controllers_read() {
    let all = many(
        effort::cases(300, 1000).into(),
        "prod",
        ("tenants/payments/apps.kdl", app),
        "",
    );
    served(&OPERATORS, all).await;
}

#[tokio::test]
async fn any_route_is_what_gateways_read() {
    let all = many(
        effort::cases(300, 1000).into(),
        "prod",
        ("tenants/payments/routes.kdl", route),
        APPS,
    );
    served(&OPERATORS, all).await;
}

#[tokio::test]
async fn any_tenant_is_what_clusters_read() {
    let all = many(
        effort::cases(300, 1000).into(),
        "prod",
        ("platform/more.kdl", tenant),
        "",
    );
    served(&OPERATORS, all).await;
}
