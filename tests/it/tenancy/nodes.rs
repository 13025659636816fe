//! Attempts to reach nodes, tokens and what the platform keeps inside the tenant.

use super::rows::{By, Row, Sent, object};

const NODE: &str = "may not open a node";
const DEPLOYMENT: &str = "manifests escape tenant=web { from \"escape.yaml\"; kinds Deployment }";

pub(super) const ROWS: &[Row] = &[
    object(
        "a path of the node",
        DEPLOYMENT,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}], volumes: [{name: h, hostPath: {path: /}}]}}}\n",
        NODE,
        By::Policy("opens no node"),
    ),
    object(
        "a privileged container",
        DEPLOYMENT,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}}}\n",
        NODE,
        By::Policy("opens no node"),
    ),
    object(
        "the network of the node",
        DEPLOYMENT,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {hostNetwork: true, containers: [{name: c, image: x}]}}}\n",
        NODE,
        By::Policy("opens no node"),
    ),
    object(
        "the processes of the node, from a job",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds CronJob }",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: escape, namespace: WEB}\nspec: {schedule: '0 0 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, hostPID: true, containers: [{name: c, image: x}]}}}}}\n",
        NODE,
        By::Policy("opens no node"),
    ),
    object(
        "a port of the node",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds DaemonSet }",
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x, ports: [{containerPort: 80, hostPort: 80}]}]}}}\n",
        NODE,
        By::Policy("opens no node"),
    ),
    object(
        "a pod of one's own with a path of the node",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds Pod }",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: escape, namespace: WEB}\nspec: {containers: [{name: c, image: x}], volumes: [{name: h, hostPath: {path: /}}]}\n",
        NODE,
        By::PodSecurity,
    ),
    Row {
        name: "a token of the account that writes the tenant's objects",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds TokenRequest }",
        yaml: "apiVersion: authentication.k8s.io/v1\nkind: TokenRequest\nmetadata: {name: kubemate-tenant, namespace: WEB}\nspec: {audiences: []}\n",
        told: ("KM0603", "keeps none"),
        sent: Sent::Order(&["create", "token", "kubemate-tenant", "-n", "WEB"]),
        by: By::Rights,
    },
    Row {
        name: "a lasting token of that account",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds Secret }",
        yaml: "apiVersion: v1\nkind: Secret\nmetadata: {name: escape, namespace: WEB, annotations: {kubernetes.io/service-account.name: kubemate-tenant}}\ntype: kubernetes.io/service-account-token\n",
        told: ("KM0603", "no secret"),
        sent: Sent::Object(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: escape, namespace: WEB, annotations: {kubernetes.io/service-account.name: kubemate-tenant}}\ntype: kubernetes.io/service-account-token\n",
        ),
        by: By::Rights,
    },
    object(
        "pods that run as that account",
        DEPLOYMENT,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: escape, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {serviceAccountName: kubemate-tenant, containers: [{name: c, image: x}]}}}\n",
        "nothing runs as",
        By::Policy("nothing runs as"),
    ),
    object(
        "that account itself, changed",
        "manifests escape tenant=web { from \"escape.yaml\"; kinds ServiceAccount }",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: kubemate-tenant, namespace: WEB}\nautomountServiceAccountToken: true\n",
        "write `app` instead",
        By::Owned,
    ),
    Row {
        name: "that account itself, deleted",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds ServiceAccount }",
        yaml: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: kubemate-tenant, namespace: WEB}\n",
        told: ("KM0603", "write `app` instead"),
        sent: Sent::Order(&["delete", "serviceaccount", "kubemate-tenant", "-n", "WEB"]),
        by: By::Owned,
    },
    Row {
        name: "the mark of the platform on an object of one's own",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, labels: {kubemate.dev/owner: platform}}\n",
        told: ("KM0603", "reserved"),
        sent: Sent::Object(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, labels: {kubemate.dev/set: PROJECT.ENV.platform}}\n",
        ),
        by: By::Owned,
    },
    Row {
        name: "the redirection to https, which is the platform's",
        kdl: "route public-old-redirect tenant=web gateway=public { host \"a.web.${domain}\"; rule path=\"/\" { to web-api port=http } }",
        yaml: "",
        told: ("KM0541", "public-old-redirect"),
        sent: Sent::Object(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: public-old-redirect, namespace: WEB}\nspec: {parentRefs: [{name: public}], hostnames: [a.web.DOMAIN]}\n",
        ),
        by: By::Owned,
    },
    Row {
        name: "the mark of another tenant on an object of one's own",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, labels: {kubemate.dev/owner: payments}}\n",
        told: ("KM0603", "reserved"),
        sent: Sent::Object(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, labels: {kubemate.dev/set: PROJECT.ENV.t-payments}}\n",
        ),
        by: By::Claim("the mark of another set"),
    },
    Row {
        name: "a node that owns an object of one's own",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, ownerReferences: [{apiVersion: v1, kind: Node, name: a, uid: 5f1f4b1c-0000-4000-8000-000000000003, blockOwnerDeletion: true}]}\n",
        told: ("KM0605", "metadata.ownerReferences"),
        sent: Sent::Object(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, ownerReferences: [{apiVersion: v1, kind: Node, name: a, uid: 5f1f4b1c-0000-4000-8000-000000000003, blockOwnerDeletion: true}]}\n",
        ),
        by: By::Claim("not owned by the platform"),
    },
    Row {
        name: "the account that writes the tenant's objects as an owner",
        kdl: "manifests escape tenant=web { from \"escape.yaml\"; kinds ConfigMap }",
        yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, ownerReferences: [{apiVersion: v1, kind: ServiceAccount, name: kubemate-tenant, uid: 5f1f4b1c-0000-4000-8000-000000000003, blockOwnerDeletion: true}]}\n",
        told: ("KM0605", "metadata.ownerReferences"),
        sent: Sent::Object(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escape, namespace: WEB, ownerReferences: [{apiVersion: v1, kind: ServiceAccount, name: kubemate-tenant, uid: 5f1f4b1c-0000-4000-8000-000000000003, blockOwnerDeletion: true}]}\n",
        ),
        by: By::Claim("not owned by the platform"),
    },
];
