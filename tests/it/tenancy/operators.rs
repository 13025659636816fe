//! Attempts to have programs of the platform do it: Alertmanager, Flagger, KEDA, Prometheus and the proxies.

use super::rows::{By, Row, Sent, object, resource};

const OUT: &str = "leads out of the tenant";

pub(super) const ROWS: &[Row] = &[
    object(
        "another tenant's Service, called by an alert",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds AlertmanagerConfig }",
        "apiVersion: monitoring.coreos.com/v1alpha1\nkind: AlertmanagerConfig\nmetadata: {name: escape, namespace: WEB}\nspec: {route: {receiver: escape}, receivers: [{name: escape, webhookConfigs: [{url: 'http://checkout.PAY.svc/'}]}]}\n",
        OUT,
        By::Policy("no Service of tenant `web`"),
    ),
    object(
        "an alert by way of another tenant's proxy",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds AlertmanagerConfig }",
        "apiVersion: monitoring.coreos.com/v1alpha1\nkind: AlertmanagerConfig\nmetadata: {name: escape, namespace: WEB}\nspec: {route: {receiver: escape}, receivers: [{name: escape, webhookConfigs: [{url: 'https://pager.partner.example/', httpConfig: {proxyUrl: 'http://checkout.PAY.svc:80'}}]}]}\n",
        OUT,
        By::Policy("no Service of tenant `web`"),
    ),
    object(
        "the account of Alertmanager in a cloud",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds AlertmanagerConfig }",
        "apiVersion: monitoring.coreos.com/v1alpha1\nkind: AlertmanagerConfig\nmetadata: {name: escape, namespace: WEB}\nspec: {route: {receiver: escape}, receivers: [{name: escape, snsConfigs: [{topicARN: a, sigv4: {region: x}}]}]}\n",
        OUT,
        By::Policy("its account in a cloud"),
    ),
    object(
        "another tenant's metrics, asked for a rollout",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds MetricTemplate }",
        "apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: escape, namespace: WEB}\nspec: {provider: {type: prometheus, address: 'http://checkout.PAY.svc:80'}, query: up}\n",
        OUT,
        By::Policy("no Service of tenant `web`"),
    ),
    object(
        "the token of Flagger, sent to a host of one's own",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds MetricTemplate }",
        "apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: escape, namespace: WEB}\nspec: {provider: {type: externalmetrics, address: 'https://a.partner.example'}, query: up}\n",
        OUT,
        By::Policy("Flagger logs in as itself"),
    ),
    resource(
        "another tenant's Service, asked by a trigger",
        "app escape tenant=web { image \"example/x\"; version \"1\"; autoscale min=1 max=2 { trigger q scaler=prometheus { settings { serverAddress \"http://checkout.PAY.svc\"; query up; threshold \"1\" } } } }",
        ("KM0564", "no Service of tenant `web`"),
        Sent::Object(
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: escape, namespace: WEB}\nspec: {scaleTargetRef: {name: web-api}, triggers: [{type: prometheus, metadata: {serverAddress: 'http://checkout.PAY.svc', query: up, threshold: '1'}}]}\n",
        ),
        By::Policy("no Service of tenant `web`"),
    ),
    resource(
        "the identity of KEDA for a trigger",
        "app escape tenant=web { image \"example/x\"; version \"1\"; autoscale min=1 max=2 { trigger q scaler=aws-sqs-queue { settings { queueURL \"https://sqs.partner.example/1/a\"; identityOwner operator } } } }",
        ("KM0564", "KEDA would log in as itself"),
        Sent::Object(
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: escape, namespace: WEB}\nspec: {scaleTargetRef: {name: web-api}, triggers: [{type: aws-sqs-queue, metadata: {queueURL: 'https://sqs.partner.example/1/a', identityOwner: operator}}]}\n",
        ),
        By::Policy("the identity of KEDA's pods"),
    ),
    object(
        "the identity of KEDA for the login of a trigger",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds TriggerAuthentication }",
        "apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: escape, namespace: WEB}\nspec: {podIdentity: {provider: azure-workload, identityId: a}}\n",
        OUT,
        By::Policy("the identity of KEDA's pods"),
    ),
    object(
        "the token of KEDA, sent to a vault of one's own",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds TriggerAuthentication }",
        "apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: escape, namespace: WEB}\nspec: {hashiCorpVault: {address: 'https://vault.partner.example', authentication: kubernetes, mount: a, role: a, credential: {serviceAccount: /var/run/secrets/kubernetes.io/serviceaccount/token}, secrets: [{parameter: a, path: b, key: c}]}}\n",
        OUT,
        By::Policy("the identity of KEDA's pods"),
    ),
    object(
        "a token of the account that writes the tenant's objects, for a trigger",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds TriggerAuthentication }",
        "apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: escape, namespace: WEB}\nspec: {boundServiceAccountToken: [{parameter: token, serviceAccountName: kubemate-tenant}]}\n",
        OUT,
        By::Policy("no trigger has a token of"),
    ),
    object(
        "another tenant's name on one's own metrics",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ServiceMonitor }",
        "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {}, endpoints: [{port: http, metricRelabelings: [{targetLabel: namespace, replacement: PAY}]}]}\n",
        OUT,
        By::Policy("leaves the label `namespace` to Prometheus"),
    ),
    object(
        "another tenant's name, said by one's own pods",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ServiceMonitor }",
        "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {}, endpoints: [{port: http, honorLabels: true}]}\n",
        OUT,
        By::Policy("leaves the label `namespace` to Prometheus"),
    ),
    object(
        "another tenant's Service as a proxy for metrics",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ServiceMonitor }",
        "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {}, endpoints: [{port: http, proxyUrl: 'http://checkout.PAY.svc:80'}]}\n",
        OUT,
        By::Policy("no Service of tenant `web`"),
    ),
    object(
        "another tenant's Service, sent a copy of each request",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Ingress }",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: escape, namespace: WEB, annotations: {nginx.ingress.kubernetes.io/mirror-target: 'http://checkout.PAY.svc$request_uri'}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
        "write `route` instead",
        By::Policy("no Service of tenant `web`"),
    ),
    object(
        "another tenant's Service, asked about each request",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Ingress }",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: escape, namespace: WEB, annotations: {nginx.ingress.kubernetes.io/auth-url: 'http://checkout.PAY.svc/check'}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
        "write `route` instead",
        By::Policy("no Service of tenant `web`"),
    ),
    object(
        "another tenant's Secret for a login at the proxy",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Ingress }",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: escape, namespace: WEB, annotations: {nginx.ingress.kubernetes.io/auth-secret: PAY/users}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
        "write `route` instead",
        By::Policy("reads from another namespace"),
    ),
    object(
        "configuration of another proxy in an Ingress",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Ingress }",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: escape, namespace: WEB, annotations: {nginx.org/location-snippets: 'return 200;'}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
        "write `route` instead",
        By::Policy("no snippets"),
    ),
    object(
        "a middleware that the proxy takes for another tenant's",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Middleware }",
        "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: ENV-login, namespace: WEB}\nspec: {chain: {middlewares: [{name: own}]}}\n",
        "a name of another tenant's namespace",
        By::Policy("a name of another tenant's namespace"),
    ),
    object(
        "another tenant's middleware by a name that could be one's own",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Ingress }",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: escape, namespace: WEB, annotations: {traefik.ingress.kubernetes.io/router.middlewares: WEB-ENV-login@kubernetescrd}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
        "write `route` instead",
        By::Policy("router.middlewares` leads out of tenant `web`"),
    ),
    resource(
        "another tenant's settings for the way to a Service",
        "app escape tenant=web { image \"example/x\"; version \"1\"; port http 80; expose http as=load-balancer { annotations { \"traefik.ingress.kubernetes.io/service.serverstransport\" \"PAY-plain@kubernetescrd\" } } }",
        (
            "KM0564",
            "is no name of an object in a namespace of tenant `web`",
        ),
        Sent::Object(
            "apiVersion: v1\nkind: Service\nmetadata: {name: escape, namespace: WEB, annotations: {traefik.ingress.kubernetes.io/service.serverstransport: PAY-plain@kubernetescrd}}\nspec: {ports: [{port: 80}]}\n",
        ),
        By::Policy("serverstransport` leads out of tenant `web`"),
    ),
    object(
        "a login for the triggers of everybody",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ClusterTriggerAuthentication }",
        "apiVersion: keda.sh/v1alpha1\nkind: ClusterTriggerAuthentication\nmetadata: {name: escape-ENV}\nspec: {podIdentity: {provider: azure-workload}}\n",
        "belongs to the platform",
        By::Rights,
    ),
    object(
        "targets for Prometheus that are not selected",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ScrapeConfig }",
        "apiVersion: monitoring.coreos.com/v1alpha1\nkind: ScrapeConfig\nmetadata: {name: escape, namespace: WEB}\nspec: {staticConfigs: [{targets: ['checkout.PAY.svc:80']}]}\n",
        "belongs to the platform",
        By::Rights,
    ),
];
