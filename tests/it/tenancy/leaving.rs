//! Attempts to reach what is others': their namespaces, hosts, Services, secrets and stores.

use super::rows::{By, Row, Sent, object, resource};

const OUT: &str = "leads out of the tenant";

pub(super) const ROWS: &[Row] = &[
    object(
        "an object in another tenant's namespace",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: PAY}\ndata: {a: b}\n",
        "outside tenant `web`",
        By::Rights,
    ),
    object(
        "another tenant's object, taken over",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: checkout-checkout, namespace: PAY}\ndata: {checkout.toml: x}\n",
        "outside tenant `web`",
        By::Rights,
    ),
    object(
        "an object in a namespace of the system",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: kube-system}\ndata: {a: b}\n",
        "outside tenant `web`",
        By::Rights,
    ),
    object(
        "kubemate's own books",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: kubemate-system}\ndata: {a: b}\n",
        "outside tenant `web`",
        By::Rights,
    ),
    resource(
        "an app in the name of another tenant",
        "app escape tenant=payments { image \"example/x\"; version \"1\" }",
        ("KM0411", "payments"),
        Sent::Object(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape, namespace: PAY}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}\n",
        ),
        By::Rights,
    ),
    resource(
        "a host of another tenant",
        "route escape tenant=web gateway=public { host \"checkout.pay.${domain}\"; rule path=\"/\" { to web-api port=http } }",
        ("KM0570", "no listener"),
        Sent::Object(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {parentRefs: [{name: public}], hostnames: [checkout.pay.DOMAIN]}\n",
        ),
        By::Policy("*.web.DOMAIN"),
    ),
    resource(
        "every host of the domain",
        "route escape tenant=web gateway=public { host \"*.${domain}\"; rule path=\"/\" { to web-api port=http } }",
        ("KM0570", "no listener"),
        Sent::Object(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {parentRefs: [{name: public}], hostnames: ['*.DOMAIN']}\n",
        ),
        By::Policy("*.web.DOMAIN"),
    ),
    object(
        "no host, which is any host",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds HTTPRoute }",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {parentRefs: [{name: public}]}\n",
        "write `route` instead",
        By::Policy("names its hosts"),
    ),
    resource(
        "a host of another tenant for gRPC",
        "route escape tenant=web gateway=public protocol=grpc { host \"checkout.pay.${domain}\"; rule { to web-api port=http } }",
        ("KM0570", "no listener"),
        Sent::Object(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {parentRefs: [{name: public}], hostnames: [checkout.pay.DOMAIN]}\n",
        ),
        By::Policy("*.web.DOMAIN"),
    ),
    object(
        "a host of another tenant by an Ingress",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Ingress }",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: escape, namespace: WEB}\nspec: {rules: [{host: checkout.pay.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
        "write `route` instead",
        By::Policy("*.web.DOMAIN"),
    ),
    object(
        "a host of another tenant by an IngressRoute",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds IngressRoute }",
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {routes: [{kind: Rule, match: 'Host(`a.web.DOMAIN`) || Host(`checkout.pay.DOMAIN`)', services: [{name: web-api, port: 80}]}]}\n",
        "write `route` instead",
        By::Policy("*.web.DOMAIN"),
    ),
    object(
        "an IngressRoute for all hosts",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds IngressRoute }",
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {routes: [{kind: Rule, match: 'Host(`a.web.DOMAIN`) || PathPrefix(`/`)', services: [{name: web-api, port: 80}]}]}\n",
        "write `route` instead",
        By::Policy("begins with its hosts"),
    ),
    resource(
        "a certificate for another tenant's host",
        "certificate escape tenant=web issuer=bank-ca { host \"checkout.pay.${domain}\" }",
        ("KM0564", "not one of tenant `web`"),
        Sent::Object(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: escape, namespace: WEB}\nspec: {secretName: escape, issuerRef: {name: bank-ca, kind: ClusterIssuer}, dnsNames: [checkout.pay.DOMAIN]}\n",
        ),
        By::Policy("*.web.DOMAIN"),
    ),
    object(
        "a certificate that signs others",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Certificate }",
        "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: escape, namespace: WEB}\nspec: {secretName: escape, isCA: true, issuerRef: {name: bank-ca, kind: ClusterIssuer}, dnsNames: [a.web.DOMAIN]}\n",
        "write `certificate` instead",
        By::Policy("signs no others"),
    ),
    resource(
        "a certificate by the name of somebody else",
        "certificate escape tenant=web issuer=bank-ca { host \"a.web.${domain}\"; common-name cluster-admin }",
        ("KM0564", "common name `cluster-admin`"),
        Sent::Object(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: escape, namespace: WEB}\nspec: {secretName: escape, issuerRef: {name: bank-ca, kind: ClusterIssuer}, dnsNames: [a.web.DOMAIN], commonName: cluster-admin}\n",
        ),
        By::Policy("*.web.DOMAIN"),
    ),
    resource(
        "a certificate signed by what the platform did not give",
        "certificate escape tenant=web issuer=root { host \"a.web.${domain}\"; issuer-ref group=\"pca.example\" kind=ClusterIssuer }",
        ("KM0564", "no issuers of `pca.example`"),
        Sent::Object(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: escape, namespace: WEB}\nspec: {secretName: escape, issuerRef: {name: root, kind: ClusterIssuer, group: pca.example}, dnsNames: [a.web.DOMAIN]}\n",
        ),
        By::Policy("sign nothing for tenant"),
    ),
    object(
        "a name in the DNS that is another tenant's",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Service }",
        "apiVersion: v1\nkind: Service\nmetadata: {name: escape, namespace: WEB, annotations: {external-dns.alpha.kubernetes.io/hostname: 'a.web.DOMAIN, checkout.pay.DOMAIN'}}\nspec: {ports: [{port: 80}]}\n",
        OUT,
        By::Policy("*.web.DOMAIN"),
    ),
    resource(
        "a route on another tenant's gateway",
        "route escape tenant=web gateway=\"payments/public\" { host \"a.web.${domain}\"; rule path=\"/\" { to web-api port=http } }",
        ("KM0570", "its own tenant only"),
        Sent::Object(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {parentRefs: [{name: public, namespace: PAY}], hostnames: [a.web.DOMAIN]}\n",
        ),
        By::Policy("leads out of tenant `web`"),
    ),
    resource(
        "another tenant's Service behind one's own route",
        "route escape tenant=web gateway=public { host \"a.web.${domain}\"; rule path=\"/\" { to \"payments/checkout\" port=http } }",
        ("KM0571", "payments/checkout"),
        Sent::Object(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {parentRefs: [{name: public}], hostnames: [a.web.DOMAIN], rules: [{backendRefs: [{name: checkout, namespace: PAY, port: 80}]}]}\n",
        ),
        By::Policy("leads out of tenant `web`"),
    ),
    object(
        "another tenant's middleware in a chain",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Middleware }",
        "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: escape, namespace: WEB}\nspec: {chain: {middlewares: [{name: login, namespace: PAY}]}}\n",
        OUT,
        By::Policy("leads out of tenant `web`"),
    ),
    object(
        "another tenant's Service behind a TraefikService",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds TraefikService }",
        "apiVersion: traefik.io/v1alpha1\nkind: TraefikService\nmetadata: {name: escape, namespace: WEB}\nspec: {weighted: {services: [{name: checkout, namespace: PAY, port: 80}]}}\n",
        OUT,
        By::Policy("leads out of tenant `web`"),
    ),
    object(
        "another tenant's Service behind one that fails over",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds TraefikService }",
        "apiVersion: traefik.io/v1alpha1\nkind: TraefikService\nmetadata: {name: escape, namespace: WEB}\nspec: {failover: {service: {name: web-api, port: 80}, fallback: {name: checkout, namespace: PAY, port: 80}}}\n",
        OUT,
        By::Policy("leads out of tenant `web`"),
    ),
    object(
        "another tenant's middleware by its name at the proxy",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Middleware }",
        "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: escape, namespace: WEB}\nspec: {chain: {middlewares: [{name: PAY-login@kubernetescrd}]}}\n",
        OUT,
        By::Policy("another provider of Traefik"),
    ),
    object(
        "the proxy's own pages behind one's own route",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds HTTPRoute }",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {parentRefs: [{name: public}], hostnames: [a.web.DOMAIN], rules: [{backendRefs: [{group: traefik.io, kind: TraefikService, name: api@internal}]}]}\n",
        "write `route` instead",
        By::Policy("another provider of Traefik"),
    ),
    object(
        "another tenant's middleware in an annotation of an Ingress",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Ingress }",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: escape, namespace: WEB, annotations: {traefik.ingress.kubernetes.io/router.middlewares: 'WEB-own@kubernetescrd, PAY-login@kubernetescrd'}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
        "write `route` instead",
        By::Policy("router.middlewares` leads out of tenant `web`"),
    ),
    object(
        "another tenant's rules for TLS",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds IngressRoute }",
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: escape, namespace: WEB}\nspec: {routes: [{kind: Rule, match: 'Host(`a.web.DOMAIN`)', services: [{name: web-api, port: 80}]}], tls: {options: {name: strict, namespace: PAY}}}\n",
        "write `route` instead",
        By::Policy("leads out of tenant `web`"),
    ),
    object(
        "another tenant's Service under a name of one's own",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Service }",
        "apiVersion: v1\nkind: Service\nmetadata: {name: escape, namespace: WEB}\nspec: {type: ExternalName, externalName: checkout.PAY.svc.cluster.local}\n",
        OUT,
        By::Policy("no other name for a Service"),
    ),
    object(
        "a Service that takes the traffic of an address",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Service }",
        "apiVersion: v1\nkind: Service\nmetadata: {name: escape, namespace: WEB}\nspec: {ports: [{port: 443}], externalIPs: [203.0.113.9]}\n",
        OUT,
        By::Policy("no externalIPs"),
    ),
    object(
        "another tenant's pods as endpoints of one's own Service",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds EndpointSlice }",
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: escape, namespace: WEB, labels: {kubernetes.io/service-name: web-api}}\naddressType: IPv4\nendpoints: [{addresses: [10.0.0.9]}]\n",
        "belongs to the platform",
        By::Rights,
    ),
    resource(
        "a secret of another tenant from the store",
        "secret escape tenant=web from=\"vault:kv/payments/checkout\" { keys password }",
        ("KM0555", "vault"),
        Sent::Object(
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: escape, namespace: WEB}\nspec: {secretStoreRef: {kind: ClusterSecretStore, name: vault}, target: {name: escape}, data: [{secretKey: a, remoteRef: {key: payments/checkout, property: password}}]}\n",
        ),
        By::Policy("the tenant's own stores"),
    ),
    resource(
        "a secret of another tenant in an app",
        "app escape tenant=web { image \"example/x\"; version \"1\"; env { P secret=\"payments/checkout-db\" key=password } }",
        ("KM0515", "checkout-db"),
        Sent::Order(&["get", "secrets", "-n", "PAY"]),
        By::Rights,
    ),
    object(
        "a login of the whole cluster for a trigger",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ScaledObject }",
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: escape, namespace: WEB}\nspec: {scaleTargetRef: {name: web-api}, triggers: [{type: kafka, metadata: {}, authenticationRef: {kind: ClusterTriggerAuthentication, name: all}}]}\n",
        OUT,
        By::Policy("of the tenant's own"),
    ),
];
