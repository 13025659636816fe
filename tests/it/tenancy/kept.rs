//! What the policies leave alone: what was there before something was taken from the tenant, what is going, and
//! what controllers make.

use serde_json::Value;

use super::fixture::{Fixture, Who};
use super::rows::Sent;
use crate::bed;

/// Tries until something holds, for as long as the API server may take to hear of a change.
fn comes(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("{what} never comes");
}

/// Changes what the tenant has by name, as the platform's set would.
fn give(fixture: &Fixture, word: &str, names: &str) {
    let namespace = fixture.web();
    let given = format!("kubemate.dev/{word}={names}");
    let args = ["annotate", "namespace", &namespace, "--overwrite", &given];
    bed::cluster().kubectl(&args);
}

/// Whether the tenant may write an object, which is not kept.
fn may(fixture: &Fixture, text: &str) -> bool {
    let args = ["create", "--dry-run=server", "-f", "-"];
    let user = fixture.fill("--as=system:serviceaccount:WEB:kubemate-tenant");
    let args = [&args[..], &[user.as_str()]].concat();
    bed::cluster()
        .try_kubectl(&args, &fixture.fill(text))
        .is_ok()
}

/// A Deployment of a class that is there, with something in its template that can be changed.
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME, namespace: WEB}\nspec: {replicas: 1, selector: {matchLabels: {a: NAME}}, template: {metadata: {labels: {a: NAME}, annotations: {round: ROUND}}, spec: {priorityClassName: kept-PROJECT, POD, containers: [{name: c, image: x, CONTAINER, resources: {requests: {cpu: 10m, memory: 16Mi}}}]}}}\n";

fn deployment(name: &str, round: &str) -> String {
    DEPLOYMENT
        .replace("NAME", name)
        .replace("ROUND", &format!("'{round}'"))
}

#[test]
fn what_a_controller_makes_goes_on_after_a_class_was_taken_away() {
    let fixture = Fixture::applied();
    let class = fixture.fill("kept-PROJECT");
    bed::cluster().kubectl(&["create", "priorityclass", &class, "--value=7"]);
    give(&fixture, "priority-classes", &class);
    comes("the class", || may(&fixture, &deployment("other", "1")));
    let kept = |round: &str| {
        let text = fixture.fill(&deployment("kept", round));
        let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let user = fixture.fill("--as=system:serviceaccount:WEB:kubemate-tenant");
        bed::cluster().try_kubectl(&[&args[..], &[user.as_str()]].concat(), &text)
    };
    let said = kept("1");
    assert!(said.is_ok(), "{said:?}");
    let sets = || {
        let namespace = fixture.web();
        let args = ["get", "replicasets", "-n", &namespace, "-l", "a=kept", "-o"];
        let path = "jsonpath={range .items[*]}{.status.replicas} {end}";
        let said = bed::cluster().kubectl(&[&args[..], &[path]].concat());
        said.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    comes("the first pod", || sets() == ["1"]);
    give(&fixture, "priority-classes", "batch");
    comes("the refusal", || !may(&fixture, &deployment("other", "1")));
    let said = kept("2");
    assert!(said.is_ok(), "what did not change is not judged: {said:?}");
    comes("a second set", || sets().len() == 2);
    bed::cluster().kubectl(&["delete", "priorityclass", &class]);
}

#[test]
fn what_is_going_loses_its_finalizers() {
    let fixture = Fixture::applied();
    let route = |name: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}, namespace: WEB, finalizers: [tests.example/kept]}}\nspec: {{parentRefs: [{{name: public}}], hostnames: [a.web.DOMAIN]}}\n"
        )
    };
    let going = route("going");
    let namespace = fixture.web();
    let args = ["create", "-f", "-"];
    let made = bed::cluster().try_kubectl(&args, &fixture.fill(&going));
    assert!(made.is_ok(), "{made:?}");
    give(&fixture, "hosts", "elsewhere.example");
    comes("the refusal", || !may(&fixture, &route("other")));
    let of = ["httproute", "going", "-n", namespace.as_str()];
    bed::cluster().kubectl(&[&["delete", "--wait=false"][..], &of].concat());
    let patch = |text: &str| {
        let user = fixture.fill("--as=system:serviceaccount:WEB:kubemate-tenant");
        let args = ["--type=merge", user.as_str(), "-p", text];
        bed::cluster().try_kubectl(&[&["patch"][..], &of, &args].concat(), "")
    };
    let hosts = fixture.fill("{\"spec\": {\"hostnames\": [\"b.web.DOMAIN\"]}}");
    let said = patch(&hosts);
    assert!(
        said.is_err(),
        "it is going, and takes a host along: {said:?}"
    );
    let said = patch("{\"metadata\": {\"finalizers\": []}}");
    assert!(said.is_ok(), "{said:?}");
    comes("its end", || {
        bed::cluster()
            .try_kubectl(&[&["get"][..], &of].concat(), "")
            .is_err()
    });
}

/// What programs of the platform make in a tenant's namespace: the answer to the question of an issuer, and a pod.
const MADE: &[&str] = &[
    "apiVersion: v1\nkind: Pod\nmetadata: {name: solver, namespace: WEB, ownerReferences: [OWNER]}\nspec: {priorityClassName: made-PROJECT, POD, containers: [{name: c, image: x, CONTAINER, resources: {requests: {cpu: 10m, memory: 16Mi}}}]}\n",
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: solver, namespace: WEB, ownerReferences: [OWNER]}\nspec: {parentRefs: [{name: edge, namespace: PAY}], hostnames: [a.web.DOMAIN], rules: [{backendRefs: [{name: web-api, port: 80}]}]}\n",
];
const OWNER: &str = "{apiVersion: acme.cert-manager.io/v1, kind: Challenge, name: a, uid: 5f1f4b1c-0000-4000-8000-000000000002, controller: true, blockOwnerDeletion: true}";

#[test]
fn controllers_are_believed_and_tenants_are_not() {
    let fixture = Fixture::applied();
    let class = fixture.fill("made-PROJECT");
    bed::cluster().kubectl(&["create", "priorityclass", &class, "--value=7"]);
    let rights = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: pods, namespace: WEB}\nrules: [{apiGroups: ['', gateway.networking.k8s.io], resources: [pods, httproutes], verbs: [create]}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: pods, namespace: WEB}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pods}\nsubjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: forger}]\n";
    let args = ["apply", "-f", "-"];
    let said = bed::cluster().try_kubectl(&args, &fixture.fill(rights));
    assert!(said.is_ok(), "{said:?}");
    for text in MADE {
        let text = fixture.fill(&text.replace("OWNER", OWNER));
        let dry = ["create", "--dry-run=server", "-f", "-"];
        comes("belief", || bed::cluster().try_kubectl(&dry, &text).is_ok());
        comes("a word of a policy to the forger", || {
            let forged = bed::cluster().try_kubectl(&[&dry[..], &["--as=forger"]].concat(), &text);
            let said = forged.expect_err("anybody may name an owner");
            said.contains("ValidatingAdmissionPolicy")
        });
    }
    bed::cluster().kubectl(&["delete", "priorityclass", &class]);
}

/// A claim of the platform's set.
const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: kept, namespace: WEB, labels: {kubemate.dev/set: PROJECT.ENV.platform}}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}\n";

#[test]
fn a_claim_of_the_platform_is_bound_and_not_the_tenants() {
    let fixture = Fixture::applied();
    let namespace = fixture.web();
    let said = fixture.send(&Who::Administrator, Sent::Object(CLAIM));
    assert!(said.is_ok(), "{said:?}");
    let of = ["persistentvolumeclaim", "kept", "-n", namespace.as_str()];
    let binder = "--as=system:serviceaccount:kube-system:persistent-volume-binder";
    // Others write to it meanwhile, so it is read again where they did.
    comes("a note of whoever binds claims", || {
        let body = bed::cluster().kubectl(&[&["get", "-o", "json"][..], &of].concat());
        let mut body: Value = serde_json::from_str(&body).expect("JSON");
        body["metadata"]["annotations"]["tests.example/noted"] = "yes".into();
        let said = bed::cluster().try_kubectl(&["replace", "-f", "-", binder], &body.to_string());
        let refused = said
            .as_ref()
            .is_err_and(|said| said.contains("ValidatingAdmissionPolicy"));
        assert!(!refused, "{said:?}");
        said.is_ok()
    });
    let said = fixture.send(&Who::Member, Sent::Object(CLAIM));
    let said = said.expect_err("it bears the mark of the platform");
    assert!(said.contains("the mark of the platform's set"), "{said}");
}

/// Beside what `operators` attempts, the same as honest tenants do it.
const BESIDE: &[&str] = &[
    "apiVersion: monitoring.coreos.com/v1alpha1\nkind: AlertmanagerConfig\nmetadata: {name: beside, namespace: WEB}\nspec: {route: {receiver: a}, receivers: [{name: a, webhookConfigs: [{url: 'https://pager.partner.example/'}, {url: 'http://web-api.WEB.svc:80/'}, {urlSecret: {name: a, key: b}}], emailConfigs: [{to: a@bank.example}], slackConfigs: [{apiURL: {name: a, key: b}}], snsConfigs: [{topicARN: a, sigv4: {accessKey: {name: a, key: b}, secretKey: {name: a, key: c}}}]}]}\n",
    "apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: beside, namespace: WEB}\nspec: {provider: {type: datadog, address: 'https://metrics.partner.example', secretRef: {name: a}}, query: up}\n",
    "apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: nearby, namespace: WEB}\nspec: {provider: {type: prometheus, address: 'http://metrics.WEB.svc:9090'}, query: up}\n",
    "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: beside, namespace: WEB}\nspec: {scaleTargetRef: {name: other}, triggers: [{type: kafka, metadata: {bootstrapServers: 'a.kafka.DOMAIN:9092,b.kafka.DOMAIN:9092', topic: a}, authenticationRef: {name: beside}}, {type: cron, metadata: {timezone: UTC, start: 0 1 * * *, end: 0 2 * * *}}]}\n",
    "apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: beside, namespace: WEB}\nspec: {podIdentity: {provider: none}, secretTargetRef: [{parameter: password, name: a, key: b}], boundServiceAccountToken: [{parameter: token, serviceAccountName: scaler}]}\n",
    "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: beside, namespace: WEB}\nspec: {selector: {}, targetLabels: [tier], endpoints: [{port: http, honorLabels: false, metricRelabelings: [{sourceLabels: [pod], targetLabel: instance}, {action: drop, sourceLabels: [__name__], regex: 'go_.*'}]}]}\n",
    "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: beside, namespace: WEB}\nspec: {chain: {middlewares: [{name: own}]}}\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: beside, namespace: WEB, annotations: {traefik.ingress.kubernetes.io/service.serverstransport: WEB-plain@kubernetescrd}}\nspec: {ports: [{port: 80}]}\n",
];
/// Of these a tenant has no right to write any.
const ASIDE: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: beside, namespace: WEB, annotations: {nginx.ingress.kubernetes.io/auth-url: 'https://$host/oauth2/auth', nginx.ingress.kubernetes.io/mirror-target: 'https://copy.partner.example$request_uri', nginx.ingress.kubernetes.io/auth-secret: users, nginx.ingress.kubernetes.io/auth-tls-secret: WEB/people, traefik.ingress.kubernetes.io/router.middlewares: WEB-beside@kubernetescrd}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n";

#[test]
fn what_programs_do_for_a_tenant_alone_is_let_through() {
    let fixture = Fixture::applied();
    for text in BESIDE {
        let said = fixture.send(&Who::Applier, Sent::Object(text));
        assert!(said.is_ok(), "{text}{said:?}");
    }
    let said = fixture.send(&Who::Administrator, Sent::Object(ASIDE));
    assert!(said.is_ok(), "{ASIDE}{said:?}");
}
