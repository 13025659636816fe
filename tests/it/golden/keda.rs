//! KEDA: the scaled objects that its own tests put into clusters, with what they log in with.

use super::case::{Case, reproduced};

const NEW: Case = Case {
    project: "keda",
    ..Case::NEW
};

/// Everything of an app has its name.
const NAMED: &[(&str, &str, &str)] = &[
    ("ScaledObject", "/metadata/name", "worker"),
    ("ScaledObject", "/spec/scaleTargetRef/name", "worker"),
];

macro_rules! app {
    ($kdl:literal) => {
        concat!(
            "app worker tenant=shop {\n  image \"r/worker\"\n  version \"1\"\n  resources { requests cpu=\"100m\" memory=\"64Mi\" }\n",
            $kdl,
            "\n}\n"
        )
    };
}

const CASES: &[Case] = &[
    Case {
        files: &["tests/scalers/prometheus/prometheus_test.go"],
        words: &[
            ("{{.ScaledObjectName}}", "so"),
            ("{{.TestNamespace}}", "shop"),
            ("{{.DeploymentName}}", "d"),
            ("{{.MinReplicaCount}}", "0"),
            ("{{.MaxReplicaCount}}", "2"),
            ("{{.PrometheusServerName}}", "prometheus"),
            ("{{.MonitoredAppName}}", "monitored"),
        ],
        same: &[("ScaledObject", "so", 0)],
        names: NAMED,
        kdl: app!(
            r##"autoscale min=0 max=2 every="3s" cool-down="1s" {
    trigger load scaler=prometheus {
      settings {
        serverAddress "http://prometheus.shop.svc"
        threshold "20"
        activationThreshold "20"
        query #"sum(rate(http_requests_total{app="monitored"}[2m]))"#
      }
    }
  }"##
        ),
        ..NEW
    },
    Case {
        files: &["tests/scalers/cron/cron_test.go"],
        words: &[
            ("{{.ScaledObjectName}}", "so"),
            ("{{.TestNamespace}}", "default"),
            ("{{.DeploymentName}}", "d"),
            ("{{.StartMin}}", "5"),
            ("{{.EndMin}}", "25"),
        ],
        same: &[("ScaledObject", "so", 0)],
        names: NAMED,
        kdl: app!(
            r#"autoscale min=1 max=10 every="5s" cool-down="5s" {
    trigger hours scaler=cron {
      settings { timezone "Etc/UTC"; start "5 * * * *"; end "25 * * * *"; desiredReplicas "4" }
    }
    scale-down over="15s"
  }"#
        ),
        ..NEW
    },
    Case {
        files: &["tests/scalers/rabbitmq/rabbitmq_queue_http/rabbitmq_queue_http_test.go"],
        words: &[
            ("{{.ScaledObjectName}}", "so"),
            ("{{.TestNamespace}}", "default"),
            ("{{.DeploymentName}}", "d"),
            ("{{.QueueName}}", "orders"),
        ],
        same: &[("ScaledObject", "so", 0)],
        names: NAMED,
        kdl: app!(
            r#"autoscale min=0 max=4 every="5s" cool-down="10s" {
    trigger orders scaler=rabbitmq {
      settings { queueName orders; hostFromEnv RabbitApiHost; protocol http; mode QueueLength; value "10" }
    }
  }"#
        ),
        ..NEW
    },
    Case {
        files: &["tests/scalers/redis/redis_standalone_lists/redis_standalone_lists_test.go"],
        words: &[
            ("{{.ScaledObjectName}}", "so"),
            ("{{.TestNamespace}}", "default"),
            ("{{.DeploymentName}}", "d"),
            ("{{.TriggerAuthenticationName}}", "login"),
            ("{{.SecretName}}", "redis"),
            ("{{.MinReplicaCount}}", "0"),
            ("{{.MaxReplicaCount}}", "2"),
            ("{{.RedisList}}", "mail"),
        ],
        same: &[
            ("ScaledObject", "so", 0),
            ("TriggerAuthentication", "login", 0),
        ],
        names: LOGGED_IN,
        platform: STORE,
        kdl: concat!(
            "secret redis tenant=shop from=\"vault:kv/redis\" { keys password }\n",
            app!(
                r#"autoscale min=0 max=2 every="5s" cool-down="10s" {
    trigger source scaler=redis {
      settings { hostFromEnv REDIS_HOST; portFromEnv REDIS_PORT; listName mail; listLength "5"; activationListLength "10" }
      login { password secret=redis key=password }
    }
  }"#
            )
        ),
        ..NEW
    },
    Case {
        files: &["tests/scalers/mysql/mysql_test.go"],
        words: &[
            ("{{.ScaledObjectName}}", "so"),
            ("{{.TestNamespace}}", "default"),
            ("{{.DeploymentName}}", "d"),
            ("{{.SecretName}}", "mysql"),
        ],
        same: &[
            ("ScaledObject", "so", 0),
            ("TriggerAuthentication", "keda-trigger-auth-mysql-secret", 0),
        ],
        names: LOGGED_IN,
        platform: STORE,
        kdl: concat!(
            "secret mysql tenant=shop from=\"vault:kv/mysql\" { keys mysql_conn_str }\n",
            app!(
                r#"autoscale min=0 max=2 every="5s" cool-down="10s" {
    trigger source scaler=mysql {
      settings {
        queryValue "4"
        activationQueryValue "100"
        query "SELECT CEIL(COUNT(*) / 5) FROM task_instance WHERE state='running' OR state='queued'"
      }
      login { connectionString secret=mysql key=mysql_conn_str }
    }
  }"#
            )
        ),
        ..NEW
    },
    Case {
        files: &["tests/scalers/graphite/graphite_test.go"],
        words: &[
            ("{{.ScaledObjectName}}", "so"),
            ("{{.TestNamespace}}", "shop"),
            ("{{.DeploymentName}}", "d"),
            ("{{.MinReplicaCount}}", "0"),
            ("{{.MaxReplicaCount}}", "5"),
        ],
        same: &[("ScaledObject", "so", 0)],
        names: NAMED,
        kdl: app!(
            r#"autoscale min=0 max=5 every="5s" cool-down="10s" {
    trigger requests scaler=graphite {
      settings {
        serverAddress "http://graphite.shop.svc:8080"
        threshold "100"
        activationThreshold "50"
        query https_metric
        queryTime "-10Seconds"
      }
    }
  }"#
        ),
        ..NEW
    },
    Case {
        files: &["config/samples/keda_v1alpha1_scaledobject.yaml"],
        same: &[("ScaledObject", "example-scaledobject", 0)],
        names: NAMED,
        kdl: app!(
            r#"autoscale min=0 max=100 every="30s" cool-down="5m" {
    trigger example scaler=example-trigger { settings { property example-property } }
  }"#
        ),
        ..NEW
    },
];

/// A trigger that logs in does so by an object of its own name.
const LOGGED_IN: &[(&str, &str, &str)] = &[
    ("ScaledObject", "/metadata/name", "worker"),
    ("ScaledObject", "/spec/scaleTargetRef/name", "worker"),
    (
        "ScaledObject",
        "/spec/triggers/0/authenticationRef/name",
        "worker-source",
    ),
    ("TriggerAuthentication", "/metadata/name", "worker-source"),
];

const STORE: &str = r#"
tenant shop
secret-store vault server="https://vault.bank" { allow tenant=shop "kv/redis" "kv/mysql" }
"#;

#[tokio::test]
async fn examples_of_keda_are_said_in_kdl() {
    assert_eq!(reproduced(&["keda"], CASES).await, 9);
}
