//! The rows, tried: by the language at their line, and by the API server without kubemate.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fixture::{Fixture, Who};
use super::rows::{self, By, Row, Sent};
use crate::bed;

/// What is wrong with the way a row is refused by the language.
fn misjudged(fixture: &Fixture, row: &Row) -> Option<String> {
    let (code, said) = fixture.judged(row);
    let file = if row.yaml.is_empty() {
        "escape.kdl"
    } else {
        "escape.yaml"
    };
    let place = format!("tenants/web/{file}:");
    let (number, words) = (row.told.0, fixture.fill(row.told.1));
    let sound =
        code == 3 && said.contains(&place) && said.contains(number) && said.contains(&words);
    (!sound).then(|| {
        format!(
            "{}: exit code {code}, wanted {number} `{words}` at {place}\n{said}",
            row.name
        )
    })
}

#[test]
fn every_attempt_is_an_error_at_its_line() {
    let fixture = Fixture::new();
    let calm = fixture.bank.run(bed::cluster().kubeconfig(), &["validate"]);
    assert_eq!(calm.code, 0, "{}", calm.end());
    let rows = rows::all();
    assert!(rows.len() >= 60, "{}", rows.len());
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "every row has a name of its own");
    let complaints = complaints(&rows, |share| {
        // Each share has a project of its own to write its rows into.
        let fixture = Fixture::new();
        share
            .iter()
            .filter_map(|row| misjudged(&fixture, row))
            .collect()
    });
    assert!(
        complaints.is_empty(),
        "{} of {}:\n{}",
        complaints.len(),
        rows.len(),
        complaints.join("\n\n")
    );
}

/// Goes through the rows in a few shares at a time.
fn complaints(rows: &[Row], judge: impl Fn(&[Row]) -> Vec<String> + Sync) -> Vec<String> {
    const SHARES: usize = 4;
    let judge = &judge;
    std::thread::scope(|scope| {
        let share = rows.len().div_ceil(SHARES);
        let started: Vec<_> = rows
            .chunks(share)
            .map(|rows| scope.spawn(move || judge(rows)))
            .collect();
        let ended = started
            .into_iter()
            .map(|thread| thread.join().expect("a share is judged"));
        ended.flatten().collect()
    })
}

/// Words of an API server that says no.
const NO: &[&str] = &["Forbidden", "forbidden"];

/// What is wrong with the way that somebody is refused by the API server.
fn allowed(fixture: &Fixture, row: &Row, who: &Who) -> Option<String> {
    let complain = |said: &str| Some(format!("{} by {who:?}: {said}", row.name));
    let said = match (fixture.send(who, row.sent), row.sent) {
        (Ok(_), Sent::Idle(text, words)) => {
            let name = text
                .split("name: ")
                .nth(1)
                .and_then(|rest| rest.split(',').next());
            let why = fixture.idle(name.unwrap_or_default());
            return if why.contains(words) {
                None
            } else {
                complain(&format!("pods: {why}"))
            };
        }
        (Ok(said), _) => return complain(&format!("it was done: {said}")),
        (Err(said), _) => said,
    };
    if !NO.iter().any(|no| said.contains(no)) {
        return complain(&said);
    }
    let by_policy = said.contains("ValidatingAdmissionPolicy");
    let right = match row.by {
        By::Rights => !by_policy,
        // Who has no right to the kind at all never comes as far as a policy.
        By::Policy(words) => {
            !by_policy && *who != Who::Administrator
                || by_policy && said.contains(&fixture.fill(words))
        }
        By::PodSecurity => {
            said.contains("violates PodSecurity") || *who != Who::Administrator && !by_policy
        }
        By::Claim(words) => by_policy && said.contains(&fixture.fill(words)),
        By::Owned => by_policy && said.contains("the mark of the platform's set"),
        By::Bounds => said.contains("exceeded quota"),
    };
    if right { None } else { complain(&said) }
}

/// Everybody whom a row must stop.
fn tried_by(row: &Row) -> Vec<Who> {
    let mut all = vec![Who::Applier, Who::Member];
    if matches!(row.by, By::Policy(_) | By::PodSecurity) {
        all.push(Who::Administrator);
    }
    all
}

#[test]
fn every_attempt_ends_at_the_api_server_without_kubemate() {
    let fixture = Fixture::applied();
    let before = fixture.bank.snapshot(fixture.bank.dev());
    let complaints = complaints(&rows::all(), |share| {
        let each = |row: &Row| -> Vec<String> {
            let all = tried_by(row);
            all.iter()
                .filter_map(|who| allowed(&fixture, row, who))
                .collect()
        };
        share.iter().flat_map(each).collect()
    });
    assert!(
        complaints.is_empty(),
        "{}:\n{}",
        complaints.len(),
        complaints.join("\n\n")
    );
    let after = fixture.bank.snapshot(fixture.bank.dev());
    assert_eq!(before, after, "nothing that is the bank's was changed");
}

/// What tenants do every day, in the same forms.
const EVERYDAY: &[&str] = &[
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: fine, namespace: WEB}\nspec: {parentRefs: [{name: public}], hostnames: [a.web.DOMAIN, b.c.web.DOMAIN], rules: [{backendRefs: [{name: web-api, port: 80}]}]}\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: fine, namespace: WEB}\nspec: {type: ExternalName, externalName: api.partner.example}\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: named, namespace: WEB, annotations: {external-dns.alpha.kubernetes.io/hostname: a.web.DOMAIN, external-dns.alpha.kubernetes.io/ttl: 1m}}\nspec: {ports: [{port: 80}]}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fine, namespace: WEB}\ndata: {a: b}\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: fine, namespace: WEB}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {priorityClassName: batch, POD, containers: [{name: c, image: x, CONTAINER}]}}}\n",
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: fine, namespace: WEB, labels: {kueue.x-k8s.io/queue-name: nightly}}\nspec: {template: {spec: {restartPolicy: Never, POD, containers: [{name: c, image: x, CONTAINER}]}}}\n",
    "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: fine, namespace: WEB}\nspec: {secretName: fine, issuerRef: {name: bank-ca, kind: ClusterIssuer}, dnsNames: [a.web.DOMAIN, web-api.WEB.svc]}\n",
    "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: fine, namespace: WEB}\nspec: {chain: {middlewares: [{name: other}]}}\n",
    "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: asked, namespace: WEB}\nspec: {forwardAuth: {address: 'http://web-api.WEB.svc:80/check'}}\n",
    "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: fine, namespace: WEB}\nspec: {selector: {}, namespaceSelector: {matchNames: [WEB]}, endpoints: [{port: http, tlsConfig: {ca: {secret: {name: ca, key: ca.crt}}}, relabelings: [{sourceLabels: [__meta_kubernetes_pod_name], targetLabel: pod}, {action: labelmap, regex: '__meta_kubernetes_pod_label_(.+)'}]}]}\n",
    "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: fine, namespace: WEB}\nspec: {secretStoreRef: {kind: SecretStore, name: vault}, target: {name: fine}, data: [{secretKey: a, remoteRef: {key: web/a}}]}\n",
];

/// What only somebody with more rights than a tenant's writes there, and the policies let pass.
const OTHERS: &[&str] = &[
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: solver, namespace: WEB, annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 0.0.0.0/0}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /.well-known/acme-challenge/x, pathType: ImplementationSpecific, backend: {service: {name: web-api, port: {number: 8089}}}}]}}]}\n",
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: named, namespace: WEB, annotations: {traefik.ingress.kubernetes.io/router.middlewares: WEB-fine@kubernetescrd}}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
    "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: fine, namespace: WEB}\nspec: {routes: [{kind: Rule, match: '(Host(`a.web.DOMAIN`) || Host(`b.web.DOMAIN`)) && PathPrefix(`/x`)', services: [{name: web-api, port: 80}]}]}\n",
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: fine, namespace: WEB}\nspec: {rules: [{host: a.web.DOMAIN, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-api, port: {number: 80}}}}]}}]}\n",
];

#[test]
fn what_is_the_tenants_own_passes_and_the_policies_are_sound() {
    let fixture = Fixture::applied();
    for text in EVERYDAY {
        for who in [Who::Applier, Who::Member] {
            let said = fixture.send(&who, Sent::Object(text));
            assert!(said.is_ok(), "{who:?}: {text}{said:?}");
        }
    }
    for text in OTHERS {
        let said = fixture.send(&Who::Administrator, Sent::Object(text));
        assert!(said.is_ok(), "{text}{said:?}");
    }
    let suffix = fixture.fill(".PROJECT.ENV");
    let args = [
        "get",
        "flowschema",
        &format!("kubemate-web{suffix}"),
        "-o",
        "jsonpath={.metadata.uid}",
    ];
    let flow = bed::cluster().kubectl(&args);
    // What is refused is printed with its headers, and they name the flow.
    let order = Sent::Order(&["get", "secrets", "-n", "WEB", "-v=8"]);
    let said = fixture
        .send(&Who::Applier, order)
        .expect_err("secrets are not the tenant's to read");
    assert!(
        !flow.is_empty() && said.contains(&flow),
        "{flow} is not the flow of the tenant's calls: {said}"
    );
    for word in ["hosts", "owned", "reach", "workloads"] {
        let name = format!("kubemate-{word}{suffix}");
        let args = [
            "get",
            "validatingadmissionpolicy",
            name.as_str(),
            "-o",
            "json",
        ];
        let mut checked = Value::Null;
        for _ in 0..600 {
            let live: Value = serde_json::from_str(&bed::cluster().kubectl(&args)).expect("JSON");
            checked = live["status"]["typeChecking"].clone();
            if !checked.is_null() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        assert_eq!(
            checked,
            serde_json::json!({}),
            "{name}: what the API server warns of"
        );
    }
}
