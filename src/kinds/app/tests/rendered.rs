//! What apps become, as a reader of Kubernetes would write it.

use super::*;

const CHECKOUT: &str = r#"app checkout tenant=payments namespace=core {
  image "${registry}/checkout"
  port http 8080 speaks=http
  port metrics 9090 scrape="/metrics"
  args "--listen" ":9000"
  env {
    LOG_LEVEL info
    RETRIES 3
    DB_HOST "pg.${namespace}.svc"
    DB_PASSWORD secret=checkout-db key=password
    POD fact=pod-name
  }
  env-from secret=checkout-db prefix=DB_
  config checkout mount="/etc/checkout" {
    file "checkout.toml" from="files/checkout.toml"
    value basket 50
  }
  volume tmp mount="/tmp" size="1Gi" ephemeral=#true
  volume cache mount="/var/cache" size="10Gi" class=fast per-replica=#true
  probe readiness path="/readyz" port=http every="5s"
  probe liveness { exec checkout "--alive" }
  resources {
    requests cpu="100m" memory="128Mi"
    limits memory="256Mi"
  }
  autoscale min=3 max=20 {
    metric cpu target="70%"
    scale-down over="5m" by="10%"
  }
  before deploy { task migrate image="${registry}/checkout-migrate" { run "migrate up" } }
  after deploy { task notify { command notify } }
  placement {
    spread by=zone
    node-label "tier=core"
    tolerate spot for="5m"
  }
  shutdown grace="45s"
  in dev {
    version "2.15.0-rc1"
    env { LOG_LEVEL debug }
    (remove)autoscale
    replicas 1
  }
  in prod {
    version "2.14.0" digest="sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f"
    autoscale min=6 max=60
  }
}
"#;

const OTHERS: &str = r#"app settlement tenant=payments namespace=batch workload=cron-job {
  schedule "30 2 * * 1-5" zone="Asia/Shanghai" overlap=forbid keep=3
  image "${registry}/settlement"
  version "1.9.2"
  env-from secret=checkout-db prefix=DB_
  retries 0
}
app ledger tenant=payments namespace=core workload=stateful replicas=3 {
  image "${registry}/ledger"
  version "5.0.1"
  port grpc 7000
  needs app=importer healthy
  volume data mount="/data" size="50Gi" class=ssd per-replica=#true
  volume shared mount="/shared" size="1Gi" access=many
  sidecar tls-proxy { image "${registry}/proxy"; version "1.2"; port tls 8443; mount data "/data" read-only=#true }
  expose grpc as=load-balancer port=443 { from "10.0.0.0/8" }
}
app importer tenant=payments namespace=batch workload=job {
  image "${registry}/importer"
  version 7
  run "2026-12-31"
  sidecar proxy { image "${registry}/proxy"; version "1.2" }
}
app agent tenant=payments namespace=core workload=daemon {
  image "${registry}/agent"
  version "3"
}
"#;

fn all(environment: &str) -> Vec<Desired> {
    let files = [
        ("tenants/payments/checkout.kdl", CHECKOUT),
        ("tenants/payments/others.kdl", OTHERS),
    ];
    let secret = ("tenants/payments/secret.kdl", SECRET);
    objects(&payments(), &[files[0], files[1], secret], environment)
}

fn text(all: &[Desired], of: &str) -> String {
    let mine = all.iter().filter(|d| d.resource.name == of);
    let mut out = String::new();
    for desired in mine {
        out.push_str("---\n");
        out.push_str(&serde_saphyr::to_string(&desired.manifest.body).unwrap());
    }
    out
}

#[test]
fn objects_are_those_a_person_would_have_written() {
    let prod = all("prod");
    for app in ["checkout", "settlement", "ledger", "importer", "agent"] {
        insta::assert_snapshot!(app, text(&prod, app));
    }
}

/// What the types of Kubernetes keep of a document.
pub(super) fn typed(body: &Value) -> Value {
    use k8s_openapi::api::{apps::v1 as apps, autoscaling::v2 as autoscaling, batch::v1 as batch};
    use k8s_openapi::api::{core::v1 as core, policy::v1 as policy};
    fn through<T: serde::de::DeserializeOwned + serde::Serialize>(body: &Value) -> Value {
        let typed: T = serde_json::from_value(body.clone()).unwrap();
        serde_json::to_value(typed).unwrap()
    }
    match body["kind"].as_str().unwrap() {
        "Deployment" => through::<apps::Deployment>(body),
        "StatefulSet" => through::<apps::StatefulSet>(body),
        "DaemonSet" => through::<apps::DaemonSet>(body),
        "Job" => through::<batch::Job>(body),
        "CronJob" => through::<batch::CronJob>(body),
        "Service" => through::<core::Service>(body),
        "ServiceAccount" => through::<core::ServiceAccount>(body),
        "ConfigMap" => through::<core::ConfigMap>(body),
        "PersistentVolumeClaim" => through::<core::PersistentVolumeClaim>(body),
        "HorizontalPodAutoscaler" => through::<autoscaling::HorizontalPodAutoscaler>(body),
        "PodDisruptionBudget" => through::<policy::PodDisruptionBudget>(body),
        other => panic!("no type for {other}"),
    }
}

#[test]
fn kubernetes_knows_every_field() {
    for environment in ["dev", "prod"] {
        for desired in all(environment) {
            let body = &desired.manifest.body;
            assert_eq!(&typed(body), body, "{}", desired.manifest.key);
        }
    }
}

#[test]
fn a_promotion_changes_what_runs_and_nothing_else() {
    let secret = ("tenants/payments/secret.kdl", SECRET);
    let of = |text: &str| {
        objects(
            &payments(),
            &[("tenants/payments/checkout.kdl", text), secret],
            "prod",
        )
    };
    let (before, after) = (of(CHECKOUT), of(&CHECKOUT.replace("2.14.0", "2.14.1")));
    let pairs = before
        .iter()
        .zip(&after)
        .filter(|(a, b)| a.manifest != b.manifest);
    let changed: Vec<String> = pairs.map(|(a, _)| a.manifest.key.to_string()).collect();
    assert_eq!(
        changed,
        [
            "Job.batch/checkout-migrate in payments-core",
            "Deployment.apps/checkout in payments-core",
            "Job.batch/checkout-notify in payments-core",
        ]
    );
}

#[test]
fn replicas_belong_to_whoever_decides_them() {
    let (dev, prod) = (all("dev"), all("prod"));
    assert_eq!(
        field(find(&dev, "Deployment", "checkout"), "/spec/replicas"),
        1
    );
    assert_eq!(
        field(find(&prod, "Deployment", "checkout"), "/spec/replicas"),
        &Value::Null
    );
    assert_eq!(
        field(
            find(&prod, "HorizontalPodAutoscaler", "checkout"),
            "/spec/maxReplicas"
        ),
        60
    );
    assert!(
        dev.iter()
            .all(|d| d.manifest.key.group_kind.kind != "HorizontalPodAutoscaler")
    );
}

#[test]
fn every_pod_has_the_safe_defaults() {
    let prod = all("prod");
    let specs = [
        "/spec/template/spec",
        "/spec/jobTemplate/spec/template/spec",
    ];
    let pods: Vec<&Value> = prod
        .iter()
        .flat_map(|d| specs.iter().filter_map(|at| d.manifest.field(at)))
        .collect();
    assert_eq!(pods.len(), 7);
    for pod in pods {
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"],
            "RuntimeDefault"
        );
        let init = pod
            .get("initContainers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for container in pod["containers"].as_array().unwrap().iter().chain(init) {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false);
            assert_eq!(context["readOnlyRootFilesystem"], true);
            assert_eq!(context["capabilities"]["drop"], serde_json::json!(["ALL"]));
        }
    }
}

#[test]
fn a_changed_configuration_rolls_the_pods_and_reruns_the_tasks() {
    let other = CHECKOUT.replace("basket 50", "basket 51");
    let at = "/spec/template/metadata/annotations/kubemate.dev~1config";
    let secret = ("tenants/payments/secret.kdl", SECRET);
    let of = |text: &str| {
        let all = objects(
            &payments(),
            &[("tenants/payments/checkout.kdl", text), secret],
            "prod",
        );
        let sum = field(find(&all, "Deployment", "checkout"), at).clone();
        (
            sum,
            find(&all, "Job", "checkout-migrate").rules.run_key.clone(),
        )
    };
    let (before, after) = (of(CHECKOUT), of(&other));
    assert!(before.0.is_string() && before.1.is_some());
    assert_ne!(before.0, after.0);
    assert_ne!(before.1, after.1);
    assert_eq!(
        before,
        of(&CHECKOUT.replace("spread by=zone", "spread by=node"))
    );
}

#[test]
fn pods_say_which_of_their_variables_are_no_secrets() {
    let text = CHECKOUT.replacen("LOG_LEVEL info", "LOG_LEVEL info; SORT_KEY id public=#true", 1);
    let secret = ("tenants/payments/secret.kdl", SECRET);
    let files = [("tenants/payments/checkout.kdl", text.as_str()), secret];
    let all = objects(&payments(), &files, "prod");
    let at = "/spec/template/metadata/annotations/kubemate.dev~1public";
    for (kind, name) in [("Deployment", "checkout"), ("Job", "checkout-migrate")] {
        assert_eq!(field(find(&all, kind, name), at), "SORT_KEY", "{kind}");
    }
}

#[test]
fn the_order_of_writing_is_what_the_author_asked_for() {
    let prod = all("prod");
    let needs = |kind: &str, name: &str| -> Vec<String> {
        find(&prod, kind, name)
            .needs
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(
        needs("Deployment", "checkout"),
        ["Job.batch/checkout-migrate in payments-core"]
    );
    assert_eq!(
        needs("Job", "checkout-notify"),
        ["Deployment.apps/checkout in payments-core"]
    );
    assert_eq!(
        needs("StatefulSet", "ledger"),
        ["Job.batch/importer in payments-batch"]
    );
    assert_eq!(
        find(&prod, "Job", "importer").rules.run_key.as_deref(),
        Some("2026-12-31")
    );
}

#[test]
fn fields_lead_back_to_their_lines() {
    let prod = all("prod");
    let deployment = find(&prod, "Deployment", "checkout");
    let container = "/spec/template/spec/containers/0";
    let lines = |pointer: &str| -> Vec<&str> {
        let spans = deployment.source.find(pointer);
        spans.iter().map(|span| &CHECKOUT[span.range()]).collect()
    };
    assert_eq!(lines(&format!("{container}/image")), ["\"2.14.0\""]);
    assert_eq!(lines(&format!("{container}/env/0/value")), ["info"]);
    assert_eq!(
        lines(&format!("{container}/resources/limits/memory")),
        ["\"256Mi\""]
    );
}

const RELEASED: &str = r#"app shop tenant=payments namespace=core {
  image "${registry}/shop"
  version "1.0.0"
  port http 8080 service=80 speaks=http
  port metrics 9090
  resources { requests cpu=1 }
  autoscale min=2 max=5
  rollout canary every="5m" timeout="15m" {
    steps "5%" "25%" "50%"
    check error-rate max="0.5%" over="2m"
    check latency within="500ms"
    on-fail rollback
  }
}
app till tenant=payments namespace=core {
  image "${registry}/till"
  version "1.0.0"
  port http 8080
  rollout blue-green every="1m" tolerate=2 looks=10 {
    check error-rate max="1%"
    call smoke when=before url="https://tests.bank/smoke" timeout="30s" { settings { suite till; cases "12" } }
    call load url="https://load.bank/start"
  }
  needs app=shop healthy
  after deploy { task tell { command tell } }
}
app mail tenant=payments namespace=core {
  image "${registry}/mail"
  version "1.0.0"
  resources { requests cpu=1 }
  autoscale min=1 max=30 every="15s" cool-down="10m" {
    trigger orders scaler=kafka {
      settings { topic orders; lagThreshold "50" }
      login { password secret=checkout-db key=password }
    }
    trigger night scaler=cron { settings { timezone "Asia/Shanghai"; start "0 2 * * *"; end "0 4 * * *" } }
    metric cpu target="70%"
    fallback replicas=6
    scale-down over="5m"
  }
}
route shop tenant=payments gateway=public { host "shop.${domain}"; rule path="/" { to shop port=http } }
"#;

#[test]
fn what_flagger_and_keda_do_is_asked_of_them() {
    let files = [
        ("tenants/payments/shop.kdl", RELEASED),
        ("tenants/payments/secret.kdl", SECRET),
    ];
    let all = objects(&payments(), &files, "prod");
    for app in ["shop", "till", "mail"] {
        insta::assert_snapshot!(app, text(&all, app));
    }
    let made_by_flagger = ["Service"];
    for desired in all.iter().filter(|d| d.resource.name != "mail") {
        let kind = desired.manifest.key.group_kind.kind.as_str();
        assert!(!made_by_flagger.contains(&kind), "{}", desired.manifest.key);
        assert_eq!(field(desired, "/spec/replicas"), &Value::Null);
    }
    let needs = |kind: &str, name: &str| -> Vec<String> {
        find(&all, kind, name).needs.iter().map(ToString::to_string).collect()
    };
    assert_eq!(needs("Deployment", "till"), ["Canary.flagger.app/shop in payments-core"]);
    assert_eq!(needs("Job", "till-tell"), ["Canary.flagger.app/till in payments-core"]);
    assert_eq!(
        needs("ScaledObject", "mail"),
        ["TriggerAuthentication.keda.sh/mail-orders in payments-core"]
    );
}

#[test]
fn the_only_namespace_needs_no_name() {
    let text = "app x tenant=identity { image i\n version 1 }";
    let all = objects(&Owner::Platform, &[("platform/x.kdl", text)], "prod");
    assert_eq!(
        find(&all, "Deployment", "x")
            .manifest
            .key
            .namespace
            .as_deref(),
        Some("identity")
    );
}
