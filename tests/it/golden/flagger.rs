//! Flagger: canaries behind Traefik and blue-green releases, with their measures and their calls.

use super::case::{Case, reproduced};

const NEW: Case = Case {
    project: "flagger",
    platform: "tenant shop { gateway public { listener http port=80 } }",
    ..Case::NEW
};

/// The app of all these examples.
macro_rules! podinfo {
    ($rest:literal) => {
        concat!(
            "app podinfo tenant=shop {\n  image \"ghcr.io/stefanprodan/podinfo\"\n  version \"6.0.0\"\n  resources { requests cpu=\"100m\" memory=\"64Mi\" }\n",
            $rest,
            "\n}\n"
        )
    };
}

/// Services have the name of their app.
const SERVICE: (&str, &str, &str) = ("Canary", "/spec/service/name", "podinfo");

const CASES: &[Case] = &[
    Case {
        files: &["docs/gitbook/tutorials/traefik-progressive-delivery.md"],
        same: &[("Canary", "podinfo", 0)],
        kdl: concat!(
            podinfo!(
                r#"  port http 9898 service=80
  autoscale min=2 max=4 { metric cpu target="99%" }
  rollout canary every="10s" timeout="1m" tolerate=9 {
    steps "5%" "10%" "15%" "20%" "25%" "30%" "35%" "40%" "45%" "50%"
    check error-rate max="1%" over="1m"
    check latency within="500ms" over="1m"
    call acceptance-test when=before url="http://flagger-loadtester.test/" timeout="10s" {
      settings { type bash; cmd "curl -sd 'test' http://podinfo-canary.test/token | grep token" }
    }
    call load-test url="http://flagger-loadtester.test/" timeout="5s" {
      settings { type cmd; cmd "hey -z 10m -q 10 -c 2 -host app.example.com http://traefik.traefik"; logCmdOutput "true" }
    }
  }"#
            ),
            r#"route podinfo tenant=shop gateway=public { host "app.example.com"; rule path="/" { to podinfo } }"#
        ),
        ..NEW
    },
    Case {
        files: &[
            "docs/gitbook/tutorials/kubernetes-blue-green.md",
            "kustomize/podinfo/hpa.yaml",
        ],
        same: &[
            ("Canary", "podinfo", 0),
            ("HorizontalPodAutoscaler", "podinfo", 0),
        ],
        kdl: podinfo!(
            r#"  port http 9898
  port grpc 9999
  autoscale min=2 max=4 { metric cpu target="99%" }
  rollout blue-green every="30s" timeout="1m" tolerate=1 looks=10 {
    check error-rate max="1%" over="1m"
    check latency within="500ms" over="30s"
    call smoke-test when=before url="http://flagger-loadtester.test/" timeout="15s" {
      settings { type bash; cmd "curl -sd 'anon' http://podinfo-canary.test:9898/token | grep token" }
    }
    call load-test url="http://flagger-loadtester.test/" timeout="5s" {
      settings { type cmd; cmd "hey -z 1m -q 10 -c 2 http://podinfo-canary.test:9898/" }
    }
  }"#
        ),
        ..NEW
    },
    Case {
        files: &["test/kubernetes/test-deployment.sh"],
        same: &[("Canary", "podinfo", 0)],
        names: &[SERVICE],
        kdl: podinfo!(
            r#"  port http 9898 service=80
  port grpc 9999
  rollout blue-green every="15s" timeout="1m" tolerate=9 looks=5 {
    check error-rate max="1%" over="1m"
    check latency within="500ms" over="30s"
    call gate when=consent url="http://flagger-loadtester.test/gate/approve"
    call acceptance-test when=before url="http://flagger-loadtester.test/" timeout="10s" {
      settings { type bash; cmd "curl -sd 'test' http://podinfo-svc-canary/token | grep token" }
    }
    call load-test url="http://flagger-loadtester.test/" timeout="5s" {
      settings { type cmd; cmd "hey -z 10m -q 10 -c 2 http://podinfo-svc-canary.test/" }
    }
  }"#
        ),
        ..NEW
    },
    Case {
        files: &["test/kubernetes/test-hpa.sh"],
        same: &[("Canary", "podinfo", 0)],
        names: &[SERVICE],
        kdl: podinfo!(
            r#"  port http 9898 service=80
  port grpc 9999
  autoscale min=2 max=4 { metric cpu target="99%" }
  rollout blue-green every="15s" timeout="1m" tolerate=9 looks=5 {
    check error-rate max="1%" over="1m"
    check latency within="500ms" over="30s"
    call gate when=consent url="http://flagger-loadtester.test/gate/approve"
    call acceptance-test when=before url="http://flagger-loadtester.test/" timeout="10s" {
      settings { type bash; cmd "curl -sd 'test' http://podinfo-svc-canary/token | grep token" }
    }
    call load-test url="http://flagger-loadtester.test/" timeout="5s" {
      settings { type cmd; cmd "hey -z 10m -q 10 -c 2 http://podinfo-svc-canary.test/" }
    }
  }"#
        ),
        ..NEW
    },
    Case {
        files: &["test/keda/test-scaledobject.sh"],
        words: &[(
            "flagger-prometheus.flagger-system:9090",
            "prometheus.partner.example:9090",
        )],
        same: &[("Canary", "podinfo", 0), ("ScaledObject", "podinfo-so", 0)],
        names: &[
            SERVICE,
            ("Canary", "/spec/autoscalerRef/name", "podinfo"),
            ("ScaledObject", "/metadata/name", "podinfo"),
        ],
        kdl: podinfo!(
            r##"  port http 9898 service=80
  port grpc 9999
  autoscale min=1 max=3 every="10s" cool-down="20s" {
    trigger load scaler=prometheus {
      settings {
        serverAddress "http://prometheus.partner.example:9090"
        metricName http_requests_total
        query #"sum(rate(http_requests_total{ app="podinfo" }[30s]))"#
        threshold "5"
      }
    }
  }
  rollout blue-green every="15s" timeout="1m" tolerate=9 looks=8 {
    check error-rate max="1%" over="1m"
    check latency within="500ms" over="30s"
    call load-test url="http://flagger-loadtester.test/" timeout="5s" {
      settings { type cmd; cmd "hey -z 2m -q 20 -c 2 http://podinfo-svc-canary.test/" }
    }
  }"##
        ),
        ..NEW
    },
    Case {
        files: &["test/traefik/test-canary.sh"],
        same: &[("Canary", "podinfo", 0)],
        unsaid: &[(
            "Canary",
            "/spec/service/apex",
            "labels of the made Service that its test looks for",
        )],
        kdl: concat!(
            podinfo!(
                r#"  port http 9898 service=80
  rollout canary every="15s" timeout="1m" tolerate=14 {
    steps "10%" "20%" "30%" "40%" "50%" "60%"
    check error-rate max="1%" over="1m"
    check latency within="500ms" over="1m"
    call gate when=consent url="http://flagger-loadtester.test/gate/approve"
    call acceptance-test when=before url="http://flagger-loadtester.test/" timeout="10s" {
      settings { type bash; cmd "curl -sd 'test' http://podinfo-canary.test/token | grep token" }
    }
    call traefik-acceptance-test when=before url="http://flagger-loadtester.test/" timeout="10s" {
      settings { type bash; cmd "curl -sd 'test' -H 'Host: app.example.com' http://traefik.traefik/token | grep token"; logCmdOutput "true" }
    }
    call load-test url="http://flagger-loadtester.test/" timeout="5s" {
      settings { type cmd; cmd "hey -z 2m -q 5 -c 2 -host app.example.com http://traefik.traefik"; logCmdOutput "true" }
    }
  }"#
            ),
            r#"route podinfo tenant=shop gateway=public { host "app.example.com"; rule path="/" { to podinfo } }"#
        ),
        ..NEW
    },
];

#[tokio::test]
async fn examples_of_flagger_are_said_in_kdl() {
    assert_eq!(
        reproduced(&["flagger", "keda", "gateway-api", "traefik"], CASES).await,
        8
    );
}
