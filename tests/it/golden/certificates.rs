//! cert-manager: the certificates of its own fixtures and chart, and of those who use it.

use super::case::{Case, reproduced};

const NEW: Case = Case {
    project: "cert-manager",
    left: &[("Issuer", "the platform")],
    platform: r#"
tenant shop {
  hosts "example.com" "whoami.docker.localhost" webhook jobset-webhook "webhook.default" "webhook.default.svc" "*.kueue-system.svc" "*.kueue-system.svc.cluster.local" "*.jobset-system.svc" "*.jobset-system.svc.cluster.local"
}
"#,
    ..Case::NEW
};

const CASES: &[Case] = &[
    Case {
        files: &["test/fixtures/cert-manager-resources.yaml"],
        same: &[("Certificate", "test1", 0), ("Certificate", "test2", 0)],
        kdl: r#"
certificate test1 tenant=shop issuer=selfsigned-issuer issuer-kind=namespace key=rsa { host "example.com" }
certificate test2 tenant=shop issuer=selfsigned-issuer issuer-kind=namespace key=rsa { host "example.com" }
"#,
        ..NEW
    },
    Case {
        files: &["make/config/samplewebhook/chart/templates/pki.yaml"],
        words: &[
            (
                "{{ include \"example-webhook.selfSignedIssuer\" . }}",
                "webhook-selfsign",
            ),
            (
                "{{ include \"example-webhook.rootCAIssuer\" . }}",
                "webhook-ca",
            ),
            (
                "{{ include \"example-webhook.rootCACertificate\" . }}",
                "webhook-ca-cert",
            ),
            (
                "{{ include \"example-webhook.servingCertificate\" . }}",
                "webhook-tls",
            ),
            ("{{ include \"example-webhook.fullname\" . }}", "webhook"),
            ("{{ include \"example-webhook.name\" . }}", "webhook"),
            ("{{ include \"example-webhook.chart\" . }}", "webhook-1"),
            ("{{ .Release.Namespace | quote }}", "\"default\""),
            ("{{ .Release.Namespace }}", "default"),
            ("{{ .Release.Name }}", "webhook"),
            ("{{ .Release.Service }}", "Helm"),
        ],
        same: &[("Certificate", "webhook-tls", 0)],
        left: &[
            ("Issuer", "the platform"),
            ("Certificate", "the platform: it is an authority"),
        ],
        kdl: r#"
certificate webhook-tls tenant=shop issuer=webhook-ca issuer-kind=namespace key=rsa duration="8760h" {
  host webhook
  host "webhook.default"
  host "webhook.default.svc"
}
"#,
        ..NEW
    },
    Case {
        project: "traefik",
        files: &["docs/content/expose/kubernetes/advanced.md"],
        same: &[("Certificate", "whoami", 0)],
        names: &[("Certificate", "/metadata/name", "whoami-tls-le")],
        kdl: r#"
certificate whoami-tls-le tenant=shop issuer=letsencrypt issuer-kind=namespace key=rsa { host "whoami.docker.localhost" }
"#,
        ..NEW
    },
    Case {
        project: "kueue",
        files: &["config/components/certmanager/certificate.yaml"],
        words: &[
            ("$(SERVICE_NAME)", "kueue-webhook-service"),
            ("$(SERVICE_NAMESPACE)", "kueue-system"),
        ],
        same: &[("Certificate", "serving-cert", 0)],
        names: &[("Certificate", "/metadata/name", "webhook-server-cert")],
        kdl: r#"
certificate webhook-server-cert tenant=shop issuer=selfsigned-issuer issuer-kind=namespace key=rsa {
  host "kueue-webhook-service.kueue-system.svc"
  host "kueue-webhook-service.kueue-system.svc.cluster.local"
}
"#,
        ..NEW
    },
    Case {
        project: "jobset",
        files: &["config/components/certmanager/certificate.yaml"],
        words: &[
            ("$(SERVICE_NAME)", "jobset-webhook-service"),
            ("$(SERVICE_NAMESPACE)", "jobset-system"),
        ],
        same: &[("Certificate", "serving-cert", 0)],
        names: &[("Certificate", "/metadata/name", "webhook-server-cert")],
        kdl: r#"
certificate webhook-server-cert tenant=shop issuer=selfsigned-issuer issuer-kind=namespace key=rsa duration="8760h" renew-before="720h" {
  host "jobset-webhook-service.jobset-system.svc"
  host "jobset-webhook-service.jobset-system.svc.cluster.local"
  common-name jobset-webhook
  usages server-auth client-auth
}
"#,
        ..NEW
    },
];

#[tokio::test]
async fn examples_of_cert_manager_are_said_in_kdl() {
    assert_eq!(reproduced(&["cert-manager"], CASES).await, 6);
}
