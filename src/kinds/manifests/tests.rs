//! Manifests: what is taken as it is written, what is refused, and where that is said.

use crate::kinds::tests as trial;

const NODE: &str = "manifests vendor {\n  from \"vendor/*.yaml\"\n  kinds ConfigMap ClusterRole RoleBinding Gizmo\n}\n";
const TENANTS: &str = "tenant payments { namespace core }\ntenant identity\n";
const MINE: &str = "manifests own tenant=payments { from \"*.yaml\"; kinds ConfigMap ClusterRole }\n";

/// What is said about one file of YAML of the platform.
fn said(yaml: &str) -> Vec<String> {
    trial::said(&[
        ("platform/tenants.kdl", TENANTS),
        ("platform/vendor.kdl", NODE),
        ("platform/vendor/a.yaml", yaml),
    ])
}

/// What is said about one file of YAML of a tenant.
fn said_of_tenant(yaml: &str) -> Vec<String> {
    trial::said(&[
        ("platform/tenants.kdl", TENANTS),
        ("tenants/payments/own.kdl", MINE),
        ("tenants/payments/a.yaml", yaml),
    ])
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: tools}\n";

#[test]
fn objects_are_taken_as_they_are() {
    let yaml = format!(
        "# shipped by somebody else\n{CONFIG}data: {{a: \"${{b}}\"}}\nstatus: {{x: 1}}\n---\n\
         apiVersion: v1\nkind: List\nitems:\n  - apiVersion: rbac.authorization.k8s.io/v1\n    \
         kind: ClusterRole\n    metadata: {{name: \"a:b\", creationTimestamp: null}}\n  \
         - apiVersion: example.com/v1\n    kind: Gizmo\n    metadata: {{name: g}}\n"
    );
    let all = trial::rendered(
        &[
            ("platform/tenants.kdl", "tenant identity\n"),
            ("platform/vendor.kdl", NODE),
            ("platform/vendor/a.yaml", &yaml),
        ],
        "dev",
    );
    let tenants = |key: &str| key.contains("identity") || key.starts_with("ValidatingAdmissionPolicy");
    let vendored: Vec<_> = all.iter().filter(|(key, _)| !tenants(key)).collect();
    insta::assert_json_snapshot!(vendored);
}

#[test]
fn an_object_knows_its_own_line() {
    let yaml = format!("{CONFIG}---\n# more\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: tools}}\n");
    let files = [
        ("platform/tenants.kdl", TENANTS),
        ("platform/vendor.kdl", NODE),
        ("platform/vendor/a.yaml", yaml.as_str()),
    ];
    let found = trial::said(&files);
    let expected = "KM0602 ConfigMap/a in tools is rendered twice: by `manifests/vendor` and by `manifests/vendor` @ apiVersion: v1";
    assert_eq!(found, [expected]);
}

#[test]
fn what_cannot_be_used_is_refused() {
    let cases = [
        "apiVersion: v1\nkind: ConfigMap\nkind: Gizmo\nmetadata: {name: a, namespace: tools}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: tools}\ndata: &x {}\n",
        "---\n---\nfirst: fine?\n---\na: [1\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: tools}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-, namespace: tools}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: tools}\n",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}}]\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: tools}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: tools, resourceVersion: '1'}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: tools, labels: {kubemate.dev/x: a}}\n",
        "just text\n",
    ];
    let found: Vec<Vec<String>> = cases.iter().map(|yaml| said(yaml)).collect();
    insta::assert_debug_snapshot!(found);
}

#[test]
fn a_tenant_stays_inside() {
    let own = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: payments-core}\n";
    assert_eq!(said_of_tenant(own), Vec::<String>::new());
    // The tenant has one namespace, so nothing else can be meant.
    assert_eq!(said_of_tenant(&own.replace(", namespace: payments-core", "")), Vec::<String>::new());
    let found: Vec<Vec<String>> = [
        own.replace("payments-core", "kube-system"),
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n".to_owned(),
    ]
    .iter()
    .map(|yaml| said_of_tenant(yaml))
    .collect();
    insta::assert_debug_snapshot!(found);
}

#[test]
fn patterns_mean_files_of_the_same_owner() {
    let node = |from: &str| format!("manifests own tenant=payments {{ from \"{from}\"; kinds ConfigMap }}\n");
    let judge = |from: &str, kinds: &str| {
        trial::said(&[
            ("platform/tenants.kdl", TENANTS),
            ("platform/vendor/a.yaml", CONFIG),
            ("tenants/payments/own.kdl", &node(from).replace("ConfigMap", kinds)),
            ("tenants/payments/files/a.yaml", ""),
        ])
    };
    assert_eq!(judge("files/*.yaml", "ConfigMap"), Vec::<String>::new());
    assert_eq!(judge("**/*.yaml", "ConfigMap"), Vec::<String>::new());
    insta::assert_debug_snapshot!([
        judge("file/*.yaml", "ConfigMap"),
        judge("*.yaml", "ConfigMap"),
        judge("../../platform/vendor/*.yaml", "ConfigMap"),
        judge("files/*.yaml", "Secret"),
        judge("files/*.yaml", "configmap"),
    ]);
}

#[test]
fn the_example_and_the_guide_are_true() {
    let example = include_str!("../../../examples/kinds/manifests.kdl");
    let guide = include_str!("../../../docs/kinds/manifests.md");
    let blocks = guide.split("```kdl\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert!(blocks.len() >= 2);
    for text in blocks.into_iter().chain([example]) {
        let (path, file) = match text.contains("tenant=") {
            true => ("tenants/payments/all.kdl", "tenants/payments/files/a.yaml"),
            false => ("platform/all.kdl", "platform/vendor/traefik/a.yaml"),
        };
        let found = trial::said(&[("platform/tenants.kdl", TENANTS), (path, text), (file, "")]);
        assert_eq!(found, Vec::<String>::new(), "{text}");
    }
}

/// What a tenant's own YAML may not do although its kind is free: kind, the rest of the object, words.
const LEADS_OUT: &[(&str, &str, &str, &str)] = &[
    ("v1", "Service", "spec: {externalIPs: [203.0.113.9]}", "meant for others"),
    ("v1", "Service", "spec: {}\nmetadata: {name: x, annotations: {external-dns.alpha.kubernetes.io/hostname: a.bank}}", "the host `a.bank`"),
    ("v1", "Service", "spec: {}\nmetadata: {name: x, annotations: {external-dns.kubernetes.io/internal-hostname: a.bank}}", "the host `a.bank`"),
    ("v1", "Service", "spec: {}\nmetadata: {name: x, annotations: {external-dns.alpha.kubernetes.io/target: 203.0.113.9}}", "the platform's to say"),
    ("v1", "Service", "spec: {type: ExternalName, externalName: a.identity.svc}", "Service of this cluster"),
    ("v1", "Service", "spec: {type: ExternalName, externalName: a.identity.svc.cluster.local.}", "Service of this cluster"),
    ("v1", "Service", "spec: {type: ExternalName, externalName: a.identity.svc.other.domain}", "Service of this cluster"),
    ("v1", "Service", "spec: {type: ExternalName, externalName: a.identity}", "Service of this cluster"),
    ("v1", "Service", "spec: {type: ExternalName, externalName: metadata.google.internal}", "Service of this cluster"),
    ("v1", "Service", "spec: {type: ExternalName, externalName: 169.254.169.254}", "or an address, `169.254.169.254`"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {chain: {middlewares: [{name: a}, {name: b, namespace: identity}]}}", "namespace `identity`"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {errors: {service: {name: b, namespace: identity}}}", "namespace `identity`"),
    ("traefik.io/v1alpha1", "TraefikService", "spec: {mirroring: {name: a, mirrors: [{name: b, namespace: identity}]}}", "namespace `identity`"),
    ("traefik.io/v1alpha1", "TraefikService", "spec: {failover: {service: {name: a}, fallback: {name: b, namespace: identity}}}", "namespace `identity`"),
    ("traefik.io/v1alpha1", "TraefikService", "spec: {highestRandomWeight: {services: [{name: a, middlewares: [{name: b, namespace: identity}]}]}}", "namespace `identity`"),
    ("traefik.io/v1alpha1", "TraefikService", "spec: {weighted: {services: [{name: api@internal}]}}", "`api@internal` is a name of another provider"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {chain: {middlewares: [{name: identity-login@kubernetescrd}]}}", "another provider"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {forwardAuth: {address: 'http://login.identity.svc/check'}}", "no host of the outside"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {namespaceSelector: {any: true}}", "all namespaces"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {namespaceSelector: {matchNames: [payments, identity]}}", "namespace `identity`"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a}, {port: b, bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token}]}", "`bearerTokenFile` is a file of Prometheus"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a, tlsConfig: {keyFile: /etc/a.key}}]}", "`tlsConfig.keyFile`"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {podMetricsEndpoints: [{port: a, relabelings: [{targetLabel: __address__, replacement: 'a.identity:80'}]}]}", "relabeling by `__address__`"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a, relabelings: [{targetLabel: '_$1', regex: '_(.+)'}]}]}", "relabeling by `_$1`"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a, relabelings: [{action: LabelMap, regex: '__meta_kubernetes_pod_label_a_(.+)'}]}]}", "targets of others"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a, relabelings: [{action: labelmap, regex: '__meta_kubernetes_pod_label_(.+)', replacement: __address__}]}]}", "targets of others"),
    ("monitoring.coreos.com/v1", "Probe", "spec: {targets: {staticConfig: {static: [shop.bank], relabelingConfigs: [{targetLabel: __param_target, replacement: 'http://a.identity'}]}}}", "relabeling by `__param_target`"),
    ("monitoring.coreos.com/v1", "Probe", "spec: {targets: {ingress: {namespaceSelector: {any: true}}}}", "all namespaces"),
    ("monitoring.coreos.com/v1", "Probe", "spec: {targets: {ingress: {namespaceSelector: {matchNames: [identity]}}}}", "namespace `identity`"),
    ("monitoring.coreos.com/v1", "Probe", "spec: {prober: {url: a.bank, path: /metrics}}", "`/metrics` is not where a prober answers"),
    ("monitoring.coreos.com/v1", "Probe", "spec: {targets: {staticConfig: {static: [shop.bank, 'http://a.identity.svc']}}}", "`http://a.identity.svc` is no host of the outside"),
    ("keda.sh/v1alpha1", "ScaledJob", "spec: {triggers: [{type: x, authenticationRef: {name: a, kind: ClusterTriggerAuthentication}}]}", "ClusterTriggerAuthentication"),
    ("keda.sh/v1alpha1", "ScaledObject", "spec: {triggers: [{type: aws-sqs-queue, metadata: {queueURL: orders, identityOwner: operator}}]}", "KEDA logs in as itself"),
    ("keda.sh/v1alpha1", "ScaledObject", "spec: {triggers: [{type: prometheus, metadata: {query: up, serverAddress: 'http://a.identity.svc:9090'}}]}", "`http://a.identity.svc:9090` is no host of the outside"),
    ("keda.sh/v1alpha1", "ScaledObject", "spec: {triggers: [{type: kafka, metadata: {bootstrapServers: 'a.bank:9092, b.identity.svc:9092'}}]}", "`b.identity.svc:9092` is no host of the outside"),
    ("keda.sh/v1alpha1", "TriggerAuthentication", "spec: {podIdentity: {provider: azure-workload}}", "`podIdentity` of `azure-workload`"),
    ("keda.sh/v1alpha1", "TriggerAuthentication", "spec: {gcpSecretManager: {podIdentity: {provider: gcp}}}", "`podIdentity` of `gcp`"),
    ("keda.sh/v1alpha1", "TriggerAuthentication", "spec: {boundServiceAccountToken: [{parameter: token, serviceAccountName: kubemate-tenant}]}", "no trigger has a token of"),
    ("keda.sh/v1alpha1", "TriggerAuthentication", "spec: {hashiCorpVault: {address: 'https://vault.bank', credential: {serviceAccount: /var/run/secrets/kubernetes.io/serviceaccount/token}}}", "is a file of KEDA"),
    ("keda.sh/v1alpha1", "TriggerAuthentication", "spec: {hashiCorpVault: {address: 'http://a.identity.svc'}}", "no host of the outside"),
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "spec: {receivers: [{name: a}, {name: b, webhookConfigs: [{url: 'http://a.identity.svc/'}]}]}", "`http://a.identity.svc/` is no host of the outside"),
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "spec: {receivers: [{name: a, emailConfigs: [{to: a@bank, smarthost: 'mail.identity.svc:25'}]}]}", "`mail.identity.svc:25` is no host of the outside"),
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "spec: {receivers: [{name: a, slackConfigs: [{httpConfig: {proxyURL: 'http://10.0.0.9:3128'}}]}]}", "`http://10.0.0.9:3128` is no host of the outside"),
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "spec: {receivers: [{name: a, snsConfigs: [{sigv4: {region: x, roleArn: y}}]}]}", "Alertmanager logs in as itself"),
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "spec: {receivers: [{name: a, telegramConfigs: [{botTokenFile: /etc/a}]}]}", "`/etc/a` is a file of Alertmanager"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a, metricRelabelings: [{targetLabel: namespace, replacement: identity}]}]}", "the label `namespace`"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a, metricRelabelings: [{action: LabelMap, regex: 'exported_(.+)'}]}]}", "the label `namespace`"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {podMetricsEndpoints: [{port: a, relabelings: [{targetLabel: namespace, replacement: identity}]}]}", "the label `namespace`"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {podTargetLabels: [tier, namespace]}", "the label `namespace`"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {podMetricsEndpoints: [{port: a, honorLabels: true}]}", "`honorLabels`"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {podMetricsEndpoints: [{port: a, proxyUrl: 'http://a.identity.svc:3128'}]}", "no host of the outside"),
    ("monitoring.coreos.com/v1", "Probe", "spec: {targets: {staticConfig: {static: [shop.bank], labels: {namespace: identity}}}}", "the label `namespace`"),
    ("v1", "Service", "spec: {}\nmetadata: {name: x, annotations: {traefik.ingress.kubernetes.io/service.serverstransport: identity-plain@kubernetescrd}}", "NAMESPACE-NAME@kubernetescrd"),
    ("v1", "Service", "spec: {}\nmetadata: {name: x, annotations: {traefik.ingress.kubernetes.io/service.serverstransport: payments-core-plain@kubernetescrd}}", "NAMESPACE-NAME@kubernetescrd"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {chain: {middlewares: [{name: a}]}}\nmetadata: {name: core-login}", "a name of another tenant's namespace"),
    ("traefik.io/v1alpha1", "ServersTransport", "spec: {}\nmetadata: {name: core.login}", "a name of another tenant's namespace"),
    ("flagger.app/v1beta1", "MetricTemplate", "spec: {provider: {type: prometheus, address: 'http://a.identity.svc:9090'}}", "no host of the outside"),
    ("flagger.app/v1beta1", "MetricTemplate", "spec: {provider: {type: externalmetrics, address: 'https://a.bank'}}", "Flagger logs in as itself"),
    ("flagger.app/v1beta1", "AlertProvider", "spec: {type: slack, address: 'http://a.identity.svc'}", "no host of the outside"),
    ("flagger.app/v1beta1", "Canary", "spec: {service: {gatewayRefs: [{name: g, namespace: identity}]}}", "namespace `identity`"),
    ("flagger.app/v1beta1", "Canary", "spec: {analysis: {metrics: [{name: a, templateRef: {name: t, namespace: identity}}]}}", "namespace `identity`"),
    ("flagger.app/v1beta1", "Canary", "spec: {analysis: {alerts: [{name: a, providerRef: {name: t, namespace: identity}}]}}", "namespace `identity`"),
    ("flagger.app/v1beta1", "Canary", "spec: {upstreamRef: {name: u, namespace: identity}}", "namespace `identity`"),
    ("flagger.app/v1beta1", "Canary", "spec: {analysis: {webhooks: [{name: a, url: 'http://loadtester.flagger-system/'}]}}", "no host of the outside"),
    ("v1", "PersistentVolumeClaim", "spec: {dataSourceRef: {kind: VolumeSnapshot, name: s, namespace: identity}}", "namespace `identity`"),
    ("v1", "Pod", "spec: {priorityClassName: high}", "it has low"),
    ("batch/v1", "Job", "spec: {template: {spec: {serviceAccountName: kubemate-tenant}}}", "nothing runs as"),
    ("batch/v1", "Job", "spec: {template: {spec: {serviceAccount: kubemate-tenant}}}", "nothing runs as"),
    ("apps/v1", "Deployment", "spec: {template: {metadata: {annotations: {external-dns.alpha.kubernetes.io/hostname: a.bank}}, spec: {}}}", "is read by external-dns"),
    ("apps/v1", "Deployment", "spec: {template: {metadata: {labels: {kueue.x-k8s.io/queue-name: nightly}}, spec: {}}}", "the queue `nightly`"),
    ("batch/v1", "CronJob", "spec: {jobTemplate: {metadata: {labels: {kueue.x-k8s.io/priority-class: high}}, spec: {template: {spec: {}}}}}", "it has low"),
];
/// The same kinds, inside.
const INSIDE: &[(&str, &str, &str)] = &[
    ("v1", "Service", "spec: {type: ExternalName, externalName: svc.partner.example}"),
    ("v1", "Service", "spec: {type: ExternalName, externalName: partner.example.}"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {chain: {middlewares: [{name: a}, {name: b, namespace: payments}]}}"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {forwardAuth: {address: 'http://login.payments.svc:8080/check'}}"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {namespaceSelector: {matchNames: [payments]}}"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: a, bearerTokenFile: '', tlsConfig: {ca: {secret: {name: a, key: b}}}}]}"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {podMetricsEndpoints: [{port: a, relabelings: [{sourceLabels: [__meta_kubernetes_pod_name], targetLabel: pod}, {action: labelmap, regex: '__meta_kubernetes_pod_label_(.+)'}, {action: drop, regex: a}]}]}"),
    ("monitoring.coreos.com/v1", "Probe", "spec: {prober: {url: 'prober.monitoring.svc:9115', path: /probe}, targets: {staticConfig: {static: [shop.bank, 'http://a.payments.svc']}}}"),
    ("monitoring.coreos.com/v1", "PodMonitor", "spec: {podTargetLabels: [tier], podMetricsEndpoints: [{port: a, honorLabels: false, metricRelabelings: [{sourceLabels: [pod], targetLabel: instance}, {action: labeldrop, regex: id}]}]}"),
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "spec: {receivers: [{name: a, webhookConfigs: [{url: 'https://pager.partner.example/x'}, {url: 'http://bot.payments.svc/'}], slackConfigs: [{apiURL: {name: a, key: b}}], emailConfigs: [{to: a@bank}], snsConfigs: [{sigv4: {accessKey: {name: a, key: b}, secretKey: {name: a, key: c}}}]}]}"),
    ("keda.sh/v1alpha1", "ScaledObject", "spec: {triggers: [{type: kafka, metadata: {bootstrapServers: 'kafka.bank:9092', topic: orders, limitToPartitionsWithLag: 'true'}, authenticationRef: {name: a}}, {type: prometheus, metadata: {serverAddress: 'http://metrics.payments.svc:9090', query: up}}]}"),
    ("keda.sh/v1alpha1", "TriggerAuthentication", "spec: {podIdentity: {provider: none}, secretTargetRef: [{parameter: password, name: a, key: b}], boundServiceAccountToken: [{parameter: token, serviceAccountName: scaler}]}"),
    ("flagger.app/v1beta1", "MetricTemplate", "spec: {provider: {type: datadog, address: 'https://api.partner.example', secretRef: {name: a}}, query: up}"),
    ("v1", "Service", "spec: {}\nmetadata: {name: x, annotations: {traefik.ingress.kubernetes.io/service.serverstransport: payments-plain@kubernetescrd}}"),
    ("traefik.io/v1alpha1", "Middleware", "spec: {chain: {middlewares: [{name: a}]}}\nmetadata: {name: corelogin}"),
    ("v1", "Pod", "spec: {priorityClassName: low, serviceAccountName: default}"),
    ("batch/v1", "Job", "spec: {template: {spec: {}}}\nmetadata: {name: x, labels: {kueue.x-k8s.io/priority-class: low}}"),
];

#[test]
fn what_a_tenant_takes_as_it_is_stays_inside() {
    let about = |version: &str, kind: &str, rest: &str| {
        let metadata = if rest.contains("metadata: {name:") { "" } else { "metadata: {name: x}\n" };
        let yaml = format!("apiVersion: {version}\nkind: {kind}\n{metadata}{rest}\n");
        let node = format!("manifests m tenant=payments {{ from \"x.yaml\"; kinds {kind} }}\n");
        let tenants = "tenant payments { priority-classes low }\ntenant payments-core\ntenant identity\n";
        trial::said(&[
            ("platform/tenants.kdl", tenants),
            ("tenants/payments/m.kdl", &node),
            ("tenants/payments/x.yaml", &yaml),
        ])
    };
    for (version, kind, rest, words) in LEADS_OUT {
        let found = about(version, kind, rest);
        assert!(found.iter().any(|said| said.contains(words)), "{kind} {rest}: {found:#?}");
    }
    for (version, kind, rest) in INSIDE {
        assert_eq!(about(version, kind, rest), Vec::<String>::new(), "{kind} {rest}");
    }
}
