//! Plain YAML of a tenant in shapes that hide what it is.

use crate::security::Project;

/// What is said about a tenant's manifests of these kinds.
fn said(kinds: &str, yaml: &str) -> String {
    let node = format!("manifests m tenant=a {{ from \"x.yaml\"; kinds {kinds} }}\n");
    let project = Project::new(&[
        ("tenants/a/m.kdl", node.as_bytes()),
        ("tenants/a/x.yaml", yaml.as_bytes()),
    ]);
    let said = project.refused(&["validate"]);
    assert_eq!(said, project.refused(&["render"]), "both say the same");
    assert!(said.contains("tenants/a/x.yaml:"), "{said}");
    said
}

fn object(version: &str, kind: &str, rest: &str) -> String {
    format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, namespace: a}}\n{rest}\n")
}

#[test]
fn s_50_every_object_is_judged_whatever_it_is_wrapped_in() {
    let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: x}}";
    let config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: a}}";
    let lists = [
        format!("apiVersion: v1\nkind: List\nitems: [{config}, {role}]\n"),
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleList\nitems: [{role}]\n"
        ),
        format!(
            "apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: List, items: [{role}]}}\n"
        ),
        format!("{config}\n---\n{role}\n"),
    ];
    for list in lists {
        let said = said("ConfigMap ClusterRole List ClusterRoleList", &list);
        let nested = list.contains("- {apiVersion: v1, kind: List");
        let why = if nested {
            "not an object"
        } else {
            "may not write ClusterRole"
        };
        assert!(said.contains(why), "{list}: {said}");
    }
    let meta = |meta: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {meta}\n");
    for (yaml, why) in [
        (meta("{name: x, namespace: A}"), "not a valid name"),
        (meta("{name: x, namespace: \"a \"}"), "not a valid name"),
        (meta("{name: x, namespace: \"../b\"}"), "not a valid name"),
        (meta("{name: x, namespace: b}"), "outside tenant `a`"),
        (meta("{generateName: x-, namespace: a}"), "generateName"),
        (meta("{name: X, namespace: a}"), "not a valid name"),
        (
            meta("{name: \"x/status\", namespace: a}"),
            "not a valid name",
        ),
        (meta("{name: [x], namespace: a}"), "is not text"),
    ] {
        let said = said("ConfigMap", &yaml);
        assert!(said.contains(why), "{yaml}: {said}");
    }
    let subresources = [
        ("policy/v1", "Eviction"),
        ("autoscaling/v1", "Scale"),
        ("authentication.k8s.io/v1", "TokenRequest"),
        ("authentication.k8s.io/v1", "TokenReview"),
        ("authorization.k8s.io/v1", "SubjectAccessReview"),
        ("authorization.k8s.io/v1", "LocalSubjectAccessReview"),
        ("v1", "Binding"),
    ];
    for (version, kind) in subresources {
        let said = said(kind, &object(version, kind, ""));
        assert!(said.contains("keeps none"), "{kind}: {said}");
    }
}

#[test]
fn s_40_kinds_that_reach_beyond_a_tenant_are_refused_with_their_line() {
    let kinds = [
        ("v1", "Namespace"),
        ("v1", "PersistentVolume"),
        ("v1", "ResourceQuota"),
        ("v1", "LimitRange"),
        ("v1", "ServiceAccount"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("apiregistration.k8s.io/v1", "APIService"),
        (
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
        ),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
        ),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"),
        ("external-secrets.io/v1", "SecretStore"),
        ("external-secrets.io/v1", "ClusterSecretStore"),
        ("kubemate.dev/v1alpha1", "Sync"),
        ("certificates.k8s.io/v1", "CertificateSigningRequest"),
    ];
    for (version, kind) in kinds {
        let said = said(kind, &object(version, kind, ""));
        assert!(said.contains("a tenant may not write"), "{kind}: {said}");
    }
}

#[test]
fn s_43_what_opens_a_node_is_refused_in_every_workload() {
    let pods = [
        "{hostNetwork: true, containers: [{name: c, image: x}]}",
        "{hostPID: true, containers: [{name: c, image: x}]}",
        "{hostIPC: true, containers: [{name: c, image: x}]}",
        "{containers: [{name: c, image: x}], volumes: [{name: v, hostPath: {path: /}}]}",
        "{containers: [{name: c, image: x, securityContext: {privileged: true}}]}",
        "{initContainers: [{name: i, image: x, securityContext: {privileged: true}}], containers: [{name: c, image: x}]}",
        "{containers: [{name: c, image: x, ports: [{containerPort: 80, hostPort: 80}]}]}",
    ];
    let around = [
        ("v1", "Pod", ["spec: ", ""]),
        ("apps/v1", "Deployment", ["spec: {template: {spec: ", "}}"]),
        ("apps/v1", "DaemonSet", ["spec: {template: {spec: ", "}}"]),
        ("apps/v1", "StatefulSet", ["spec: {template: {spec: ", "}}"]),
        ("batch/v1", "Job", ["spec: {template: {spec: ", "}}"]),
        (
            "batch/v1",
            "CronJob",
            ["spec: {jobTemplate: {spec: {template: {spec: ", "}}}}"],
        ),
    ];
    for (version, kind, [before, after]) in around {
        for pod in pods {
            let said = said(
                kind,
                &object(version, kind, &format!("{before}{pod}{after}")),
            );
            assert!(said.contains("may not open a node"), "{kind} {pod}: {said}");
        }
        let harmless =
            "{hostNetwork: false, containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}";
        let yaml = object(version, kind, &format!("{before}{harmless}{after}"));
        let node = format!("manifests m tenant=a {{ from \"x.yaml\"; kinds {kind} }}\n");
        let project = Project::new(&[
            ("tenants/a/m.kdl", node.as_bytes()),
            ("tenants/a/x.yaml", yaml.as_bytes()),
        ]);
        let said = project.run(&["validate"]);
        assert_eq!(said.code, 0, "{kind}: {}", said.text);
    }
}

#[test]
fn s_44_marks_of_kubemate_are_not_for_repositories_to_write() {
    for mark in [
        "labels: {kubemate.dev/owner: b}",
        "annotations: {kubemate.dev/keep: \"true\"}",
        "annotations: {kubemate.dev/force: \"true\"}",
        "annotations: {kubemate.dev/prune: \"false\"}",
        "annotations: {sub.kubemate.dev/ignore: \"true\"}",
        "labels: {kubemate.dev/environment: prod}",
    ] {
        let yaml = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: a, {mark}}}\n"
        );
        let said = said("ConfigMap", &yaml);
        assert!(said.contains("is reserved"), "{mark}: {said}");
    }
    // The mark of a set is put on by kubemate alone, whatever is written there.
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: a, labels: {kubemate.dev/set: shop.dev.t-b}}\n";
    let node = "manifests m tenant=a { from \"x.yaml\"; kinds ConfigMap }\n";
    let project = Project::new(&[
        ("tenants/a/m.kdl", node.as_bytes()),
        ("tenants/a/x.yaml", yaml.as_bytes()),
    ]);
    let said = project.run(&["render"]);
    assert!(!said.text.contains("shop.dev.t-b"), "{}", said.text);
    assert!(said.text.contains("shop.dev.t-a"), "{}", said.text);
}

#[test]
fn s_47_what_is_another_tenants_cannot_be_named() {
    let theirs = "secret db from=\"vault:kv/b/db\" tenant=b { keys password }\napp api tenant=b { image \"example/api\"; version \"1\"; port http 80 }\n";
    let store =
        "secret-store vault server=\"https://vault.example\" { allow tenant=b \"kv/b/*\" }\n";
    let app = |inside: &str| {
        format!("app x tenant=a {{\n  image \"example/x\"\n  version \"1\"\n  {inside}\n}}\n")
    };
    for mine in [
        app("env { P secret=db key=password }"),
        app("env-from secret=db"),
        app("env-from config=\"b/settings\""),
        app("needs app=api"),
        app("env { P secret=\"b/db\" key=password }"),
        "secret db tenant=a from=\"vault:kv/b/db\" { keys password }\n".to_owned(),
        "secret db tenant=b from=\"vault:kv/b/db\" { keys password }\n".to_owned(),
    ] {
        let project = Project::new(&[
            ("platform/store.kdl", store.as_bytes()),
            ("tenants/b/x.kdl", theirs.as_bytes()),
            ("tenants/a/x.kdl", mine.as_bytes()),
        ]);
        let said = project.refused(&["validate"]);
        assert!(said.contains("tenants/a/x.kdl:"), "{mine}: {said}");
    }
}
