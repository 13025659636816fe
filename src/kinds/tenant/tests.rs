//! Tenants: what they render to, and what is said about wrong ones.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::kinds::tests::{rendered, said, said_of};

const TENANT: &str = r#"
role release-manager { allow get list watch on="apps/deployments"; may plan promote hold }
tenant identity { network { to tenant=payments port=8443 } }
tenant payments {
  owner "payments@bank"
  namespace core
  namespace batch { quota cpu=10; labels { tier batch } }
  member ana role=admin
  member sre kind=group role=operator
  member li role=release-manager until="2026-12-01T18:00+08:00"
  member ci kind=service-account role=deployer
  quota cpu=40 memory="160Gi" storage="2Ti" pods=200 { count configmaps 500; gpu h200 2 }
  limits { default cpu="250m" memory="256Mi"; max cpu=8 memory="32Gi" }
  network isolation=strict {
    from ingress
    from tenant=identity port=8443
    to cidr="10.20.0.0/16" port=5432
  }
  gateway public class=traefik mode=shared {
    listener https port=443 host="*.${domain}" certificate=pay-wildcard
    listener http port=80 { redirect scheme=https }
  }
  in dev { quota cpu=12 memory="32Gi" }
}
"#;
const CERTIFICATE: &str =
    r#"certificate pay-wildcard tenant=payments issuer=bank-ca { host "*.${domain}" }"#;

fn files() -> [(&'static str, &'static str); 2] {
    [
        ("platform/tenants.kdl", TENANT),
        ("tenants/payments/certificates.kdl", CERTIFICATE),
    ]
}

#[test]
fn a_sound_tenant_is_not_complained_about() {
    assert_eq!(said(&files()), Vec::<String>::new());
}

#[test]
fn it_renders_into_the_platforms_set() {
    let objects = rendered(&files(), "prod");
    let platforms: Vec<&String> = objects
        .keys()
        .filter(|key| key.contains("payments") && key.ends_with("[platform]"))
        .collect();
    insta::assert_debug_snapshot!(platforms);
}

#[test]
fn its_objects_are_those_a_person_would_have_written() {
    let mut out = String::new();
    for (key, body) in rendered(&files(), "prod") {
        let role = key.starts_with("Role") && !key.contains("kubemate-role-release-manager");
        if key.contains("payments-core") && !role {
            writeln!(out, "# {key}\n{}", crate::render::yaml::print(&[&body]).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}

fn object(environment: &str, key: &str) -> Value {
    rendered(&files(), environment).remove(&format!("{key} [platform]")).unwrap()
}

#[test]
fn a_namespace_may_have_a_smaller_part() {
    let quota = |environment, namespace| {
        let key = format!("ResourceQuota/kubemate-quota in payments-{namespace}");
        object(environment, &key)["spec"]["hard"].clone()
    };
    assert_eq!(quota("prod", "core")["requests.cpu"], "40");
    assert_eq!(quota("prod", "batch")["requests.cpu"], "10");
    assert_eq!(quota("prod", "batch")["requests.memory"], "160Gi");
    assert_eq!(quota("dev", "core")["requests.cpu"], "12");
}

#[test]
fn no_right_inside_reaches_a_border() {
    let forbidden = [
        "namespaces", "networkpolicies", "resourcequotas", "limitranges", "roles", "rolebindings",
        "gateways", "secretstores",
    ];
    for (key, body) in rendered(&files(), "prod") {
        if !key.starts_with("Role.") || key.contains("kubemate-impersonate") {
            continue;
        }
        for rule in body["rules"].as_array().unwrap() {
            let listed = |field: &str| -> Vec<String> {
                rule[field].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
            };
            let reads = listed("verbs").iter().all(|v| ["get", "list", "watch"].contains(&v.as_str()));
            for resource in listed("resources") {
                assert!(reads || !forbidden.contains(&resource.as_str()), "{key}: {resource}");
                assert_ne!(resource, "*");
                assert_ne!(resource, "secrets", "{key}");
            }
            for verb in ["*", "bind", "escalate", "impersonate"] {
                assert!(!listed("verbs").contains(&verb.to_owned()), "{key}: {verb}");
            }
        }
    }
}

#[test]
fn kubemate_may_speak_for_this_tenant_only() {
    let role = object("prod", "Role.rbac.authorization.k8s.io/kubemate-impersonate in payments-core");
    assert_eq!(
        role["rules"],
        json!([{
            "apiGroups": [""],
            "resources": ["serviceaccounts"],
            "resourceNames": ["kubemate-tenant"],
            "verbs": ["impersonate"],
        }])
    );
}

#[test]
fn public_ports_become_entry_points() {
    let gateway = object("prod", "Gateway.gateway.networking.k8s.io/public in payments-core");
    let listeners = gateway["spec"]["listeners"].as_array().unwrap();
    let ports: Vec<_> = listeners.iter().map(|l| (l["name"].as_str().unwrap(), l["port"].as_u64().unwrap())).collect();
    assert_eq!(ports, [("https", 8443), ("http", 8000)]);
    assert_eq!(listeners[0]["hostname"], "*.pay.bank");
    let redirect = object("prod", "HTTPRoute.gateway.networking.k8s.io/public-http-redirect in payments-core");
    assert_eq!(redirect["spec"]["parentRefs"][0]["sectionName"], "http");
}

#[test]
fn an_empty_tenant_is_closed() {
    let objects = rendered(&[("platform/a.kdl", "tenant lending")], "prod");
    let keys: Vec<_> = objects.keys().map(|key| key.split(" [").next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "FlowSchema.flowcontrol.apiserver.k8s.io/kubemate-lending.bank.prod",
            "Namespace/lending",
            "NetworkPolicy.networking.k8s.io/default-deny in lending",
            "NetworkPolicy.networking.k8s.io/within-tenant in lending",
            "Role.rbac.authorization.k8s.io/kubemate-impersonate in lending",
            "Role.rbac.authorization.k8s.io/kubemate-tenant in lending",
            "RoleBinding.rbac.authorization.k8s.io/kubemate-impersonate in lending",
            "RoleBinding.rbac.authorization.k8s.io/kubemate-tenant in lending",
            "ServiceAccount/kubemate-tenant in lending",
            "ValidatingAdmissionPolicy.admissionregistration.k8s.io/kubemate-hosts.bank.prod",
            "ValidatingAdmissionPolicy.admissionregistration.k8s.io/kubemate-owned.bank.prod",
            "ValidatingAdmissionPolicy.admissionregistration.k8s.io/kubemate-reach.bank.prod",
            "ValidatingAdmissionPolicy.admissionregistration.k8s.io/kubemate-workloads.bank.prod",
            "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io/kubemate-hosts.bank.prod",
            "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io/kubemate-owned.bank.prod",
            "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io/kubemate-reach.bank.prod",
            "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io/kubemate-workloads.bank.prod",
        ]
    );
    let namespace = &objects["Namespace/lending [platform]"];
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn containers_that_say_nothing_get_little() {
    let limits = |text: &str| {
        let objects = rendered(&[("platform/a.kdl", text)], "prod");
        let found = objects.into_iter().find(|(key, _)| key.starts_with("LimitRange"));
        found.map(|(_, body)| body["spec"]["limits"][0].clone())
    };
    let small = json!({ "cpu": "100m", "memory": "128Mi" });
    assert_eq!(limits("tenant a"), None);
    assert_eq!(limits("tenant a { quota cpu=4 }").unwrap()["defaultRequest"], small);
    let tight = limits("tenant a { limits { max cpu=\"50m\" memory=\"1Gi\" } }").unwrap();
    assert_eq!(tight["defaultRequest"], json!({ "cpu": "50m", "memory": "128Mi" }));
    let high = limits("tenant a { limits { min cpu=1 } }").unwrap();
    assert_eq!(high["defaultRequest"]["cpu"], "1");
}

#[test]
fn open_tenants_have_no_policies() {
    let policies = |isolation: &str| -> Vec<String> {
        let text = format!("tenant a {{ network isolation={isolation} }}");
        let objects = rendered(&[("platform/a.kdl", &text)], "prod");
        objects.into_keys().filter(|key| key.starts_with("NetworkPolicy")).collect()
    };
    assert_eq!(policies("open").len(), 0);
    assert_eq!(policies("inbound").len(), 2);
}

/// Every rule with a tenant that breaks it; the snapshot shows the words.
const WRONG: &[&str] = &[
    "tenant kube { namespace system }",
    "tenant kubemate { namespace system }",
    "tenant default",
    "tenant a-tenant-with-quite-a-long-name { namespace with-a-name-that-makes-it-too-long-for-a-namespace }",
    "tenant pay { namespace ments-core }\ntenant pay-ments { namespace core }",
    "tenant a { namespace b { labels { \"pod-security.kubernetes.io/enforce\" privileged } } }",
    "tenant a { namespace b { labels { \"kubemate.dev/tenant\" other } } }",
    "tenant a { member ana role=admn }",
    "tenant a { member ana role=viewer until=\"2026-12-01T18:00\" }",
    "tenant a { member ana role=viewer namespace=build }",
    "tenant a { member \"system:masters\" kind=group role=viewer }",
    "tenant a { member kubemate-tenant kind=service-account role=admin }",
    "tenant a { member \"Li@bank\" kind=service-account role=viewer }",
    "tenant a { quota { count pods 5 } }",
    "tenant a { quota { count requests.cpu 5 } }",
    "tenant a { namespace b { quota cpu=5 memory=\"2Gi\" }; quota cpu=4 memory=\"1Gi\" }",
    "tenant a { namespace b { quota pods=5 { gpu h200 3 } }; quota pods=4 { gpu h200 2 } }",
    "tenant a { limits { min cpu=2; default cpu=1 } }",
    "tenant a { limits { default memory=\"2Gi\"; max memory=\"1Gi\" } }",
    "tenant a { network { from port=80 } }",
    "tenant a { network { from ingress cidr=\"10.0.0.0/8\" } }",
    "tenant a { network { from tenant=b } }",
    "tenant a { network { from tenant=a } }",
    "tenant a { network { to internet protocol=udp } }",
    "tenant a { network { to cidr=\"10.0.0.0/8\"; to cidr=\"10.2.0.0/16\" port=80 } }",
    "tenant a { network { to cidr=\"10.2.0.0/16\"; to cidr=\"10.0.0.0/8\" } }",
    "tenant a { network isolation=open { to internet } }",
    "tenant a { network { from tenant=b } }\ntenant b",
    "tenant a { gateway g }",
    "tenant a { gateway g namespace=core { listener http port=80 } }",
    "tenant a { gateway g { listener x port=80; listener y port=80 } }",
    "tenant a { gateway g { listener x port=80 }; gateway h { listener x port=80 } }",
    "tenant a { gateway g { listener x port=443 } }",
    "tenant a { gateway g { listener x port=8443 protocol=https } }",
    "tenant a { gateway g { listener x port=443 certificate=c } }",
    "tenant a { gateway g { listener x port=443 protocol=tls { redirect scheme=https } } }",
    "tenant a { gateway g { listener x port=9000 protocol=tcp host=\"a.bank\" } }",
    "tenant a { gateway g { listener x port=80 host=\"a.bank\" } }",
    "tenant a { gateway g { listener x port=80 host=\"a.${domain}\" } }\ntenant b { gateway g { listener x port=80 host=\"a.${domain}\" } }",
    "tenant a { gateway g class=own mode=dedicated { listener x port=80 } }\ntenant b { gateway g class=own { listener y port=8080 } }",
];

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in WRONG {
        let found = said_of(text);
        assert!(!found.is_empty(), "nothing is said about: {text}");
        writeln!(out, "{text}\n  {}", found.join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_right_passes() {
    for text in [
        "tenant a { network { to cidr=\"10.0.0.0/8\" port=80; to cidr=\"10.2.0.0/16\" port=81 } }",
        "tenant a { network { from tenant=b port=80 } }\ntenant b { network { to tenant=a } }",
        "tenant a { gateway g { listener x port=80 host=\"a.${domain}\"; listener y port=80 host=\"b.${domain}\" } }",
        "tenant a { gateway g { listener x port=80 } }\ntenant b { gateway g { listener x port=80 } }",
        "tenant a { member ana role=viewer until=\"2020-01-01T00:00Z\" }",
        "tenant a { namespace b { quota cpu=4 }; quota cpu=4 }",
        "tenant a { quota { count \"count/deployments.apps\" 5; count services.nodeports 0 } }",
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}

const APPS: &str = r#"
app web tenant=payments { image "r/web"; version "1"; autoscale min=2 max=MAX { metric cpu target="70%" }
  resources { requests cpu=1 memory="1Gi"; limits memory="1Gi" }
}
app worker tenant=payments replicas=2 { image "r/worker"; version "1"
  resources { requests cpu="500m" memory="2Gi"; limits memory="2Gi" }
}
"#;

fn said_with_apps(quota: &str, most: u32) -> Vec<String> {
    let tenant = format!("tenant payments {{ quota {quota} }}");
    let apps = APPS.replace("MAX", &most.to_string());
    said(&[("platform/a.kdl", &tenant), ("tenants/payments/apps.kdl", &apps)])
}

#[test]
fn apps_fit_into_the_quota_together() {
    assert_eq!(said_with_apps("cpu=3 memory=\"6Gi\" pods=4", 2), Vec::<String>::new());
    assert_eq!(
        said_with_apps("cpu=2 memory=\"6Gi\" pods=3", 2),
        [
            "KM0548 the apps of tenant `payments` request 3 of cpu together; its quota is 2 @ app",
            "KM0548 the apps of tenant `payments` request 4 of pods together; its quota is 3 @ app",
        ]
    );
    assert_eq!(
        said_with_apps("cpu=3", 4),
        ["(warning) KM0548 scaled to their maximum, the apps of tenant `payments` request 5 of cpu; its quota is 3 @ app"]
    );
}

#[test]
fn the_words_of_the_languages_own_example_are_accepted() {
    let tenant = TENANT
        .replace("namespace batch { quota cpu=10; labels { tier batch } }", "namespace batch")
        .replace("quota cpu=12", "quota cpu=8");
    assert_ne!(tenant, TENANT);
    let files = [
        ("platform/tenants.kdl", tenant.as_str()),
        ("tenants/payments/certificates.kdl", CERTIFICATE),
    ];
    assert_eq!(said(&files), Vec::<String>::new());
}

#[test]
fn what_is_the_tenants_by_name_stands_on_its_namespaces() {
    let text = "tenant a { namespace one; namespace two; hosts \"b.bank\" \"a.bank\"; priority-classes low high; queues q\n\
        gateway g { listener x port=8080 host=\"*.a.${domain}\"; listener y port=80 host=\"old.${domain}\" { redirect scheme=https } } }\n\
        tenant any { gateway g { listener z port=8081 } }\ntenant none";
    let objects = rendered(&[("platform/a.kdl", text)], "prod");
    let borne = |namespace: &str, word: &str| {
        let body = &objects[&format!("Namespace/{namespace} [platform]")];
        body["metadata"]["annotations"][format!("kubemate.dev/{word}")].clone()
    };
    for namespace in ["a-one", "a-two"] {
        assert_eq!(borne(namespace, "hosts"), "*.a.pay.bank a.bank b.bank old.pay.bank");
        assert_eq!(borne(namespace, "priority-classes"), "high low");
        assert_eq!(borne(namespace, "queues"), "q");
        assert_eq!(borne(namespace, "namespaces"), "a-one a-two");
    }
    assert_eq!(borne("any", "hosts"), "*", "a listener without a host answers to any");
    for word in ["hosts", "priority-classes", "queues"] {
        assert_eq!(borne("none", word), Value::Null);
    }
}

#[test]
fn policies_are_made_once_for_an_environment() {
    let policies = |text: &str, environment: &str| {
        let objects = rendered(&[("platform/a.kdl", text)], environment);
        objects.into_iter().filter(|(key, _)| key.starts_with("ValidatingAdmissionPolicy")).collect::<Vec<_>>()
    };
    assert_eq!(policies("storage-class fast external=#true", "prod").len(), 0, "nobody to keep inside");
    let one = policies("tenant b", "prod");
    assert_eq!(one.len(), 8);
    assert_eq!(policies("tenant a\ntenant b\ntenant c", "prod"), one, "they do not depend on the tenants");
    assert_ne!(policies("tenant b", "dev"), one, "an environment has its own");
}

#[test]
fn templates_of_pods_are_judged_when_they_change() {
    let objects = rendered(&[("platform/a.kdl", "tenant a")], "prod");
    let judged = |key: &str| key.starts_with("ValidatingAdmissionPolicy.") && key.contains("kubemate-workloads");
    let (_, policy) = objects.iter().find(|(key, _)| judged(key)).unwrap();
    let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array().unwrap();
    assert!(!rules.is_empty());
    for rule in rules {
        let changes = rule["operations"].as_array().unwrap().contains(&json!("UPDATE"));
        // A pod is made from a template that was judged, and only little of it changes afterwards.
        assert_eq!(changes, rule["resources"] != json!(["pods"]), "{rule}");
    }
}

#[test]
fn a_quota_counts_things_by_the_names_that_the_api_server_counts() {
    let text = "tenant a { quota { count services.nodeports 0; count services.loadbalancers 1; count services 5\n\
        count deployments.apps 7; storage-class fast \"5Gi\" } }";
    let objects = rendered(&[("platform/a.kdl", text)], "prod");
    let quota = &objects["ResourceQuota/kubemate-quota in a [platform]"]["spec"]["hard"];
    assert_eq!(
        *quota,
        json!({
            "services.nodeports": "0",
            "services.loadbalancers": "1",
            "count/services": "5",
            "count/deployments.apps": "7",
            "fast.storageclass.storage.k8s.io/requests.storage": "5Gi",
        })
    );
}

/// What an app is told that goes beyond what its tenant was given: tenant, app, words.
const BEYOND: &[(&str, &str, &str)] = &[
    ("quota { storage-class fast \"1Gi\" }", "workload=stateful replicas=2 { volume d mount=\"/d\" size=\"1Gi\" class=fast per-replica=#true", "2Gi of storage together; its quota is 1Gi"),
    ("quota storage=\"1Gi\"", "{ volume d mount=\"/d\" size=\"2Gi\"", "2Gi of storage together; its quota is 1Gi"),
    ("limits { max memory=\"1Gi\" }", "{ resources { requests memory=\"2Gi\"; limits memory=\"2Gi\" }", "a container requests 2Gi of memory; the most in tenant `payments` is 1Gi"),
    ("limits { min cpu=\"100m\" }", "{ sidecar s { image \"x\"; version \"1\"; resources { requests cpu=\"50m\" } }", "a container requests 50m of cpu; the least in tenant `payments` is 100m"),
    ("quota { count services.nodeports 0 }", "{ port http 80; expose http as=node-port", "takes 1 of `services.nodeports`; its quota is 0"),
    ("quota { count services.loadbalancers 0 }", "{ port http 80; expose http as=load-balancer", "takes 1 of `services.loadbalancers`; its quota is 0"),
    ("hosts \"*.a.bank\"", "{ port http 80; expose http as=load-balancer { annotations { \"external-dns.alpha.kubernetes.io/hostname\" \"x.a.bank, y.b.bank\" } }", "the host `y.b.bank` is not the tenant's"),
    ("hosts \"*.a.bank\"", "{ port http 80; expose http as=load-balancer { annotations { \"external-dns.kubernetes.io/internal-hostname\" \"y.b.bank\" } }", "the host `y.b.bank` is not the tenant's"),
    ("queues daily", "{ labels { \"kueue.x-k8s.io/queue-name\" nightly }", "tenant `payments` has no queue `nightly`"),
    ("priority-classes low", "{ labels { \"kueue.x-k8s.io/priority-class\" high }", "tenant `payments` has no priority class `high`"),
    ("priority-classes low", "{ placement priority=high", "tenant `payments` has no priority class `high`"),
];

#[test]
fn an_app_that_goes_beyond_what_was_given_is_told_so() {
    for (tenant, app, words) in BEYOND {
        let platform = format!("storage-class fast external=#true\ntenant payments {{ {tenant} }}");
        let app = format!("app x tenant=payments {}\n image \"r/x\"\n version \"1\" }}", app.replacen('{', "{\n", 1));
        let found = said(&[("platform/a.kdl", &platform), ("tenants/payments/x.kdl", &app)]);
        assert!(found.iter().any(|said| said.contains(words)), "{app}: {found:#?}");
        let free = "storage-class fast external=#true\ntenant payments { priority-classes high; queues nightly; hosts \"*.bank\" }";
        let found = said(&[("platform/a.kdl", free), ("tenants/payments/x.kdl", &app)]);
        assert!(!found.iter().any(|said| said.contains(words)), "{app}: {found:#?}");
    }
}

#[test]
fn what_a_tenant_has_others_ask_and_use_is_its_own() {
    let tenants = "tenant payments\ntenant payments-core\ntenant identity";
    let about = |app: &str| {
        let app = format!("app x tenant=payments {{ image \"r/x\"; version \"1\"; {app} }}");
        said(&[("platform/a.kdl", tenants), ("tenants/payments/x.kdl", &app)])
    };
    let trigger = |settings: &str| {
        about(&format!("autoscale min=1 max=2 {{ trigger q scaler=prometheus {{ settings {{ {settings} }} }} }}"))
    };
    let transport = |name: &str| {
        let key = "traefik.ingress.kubernetes.io/service.serverstransport";
        about(&format!("port http 80; expose http as=load-balancer {{ annotations {{ \"{key}\" \"{name}@kubernetescrd\" }} }}"))
    };
    let refused = [
        (trigger("serverAddress \"http://a.identity:9090\""), "`http://a.identity:9090` is no host of the outside"),
        (trigger("identityOwner operator"), "KEDA would log in as itself"),
        (transport("identity-a"), "no name of an object in a namespace of tenant `payments`"),
        (transport("payments-core-a"), "no name of an object in a namespace of tenant `payments`"),
    ];
    for (found, words) in refused {
        let told = |said: &String| said.starts_with("KM0564") && said.contains(words);
        assert!(found.iter().any(told), "{words}: {found:#?}");
    }
    for found in [trigger("serverAddress \"http://a.payments.svc:9090\""), transport("payments-a")] {
        assert!(!found.iter().any(|said| said.starts_with("KM0564")), "{found:#?}");
    }
    let objects = rendered(&[("platform/a.kdl", tenants)], "prod");
    let longer = |tenant: &str| {
        let body = &objects[&format!("Namespace/{tenant} [platform]")];
        body["metadata"]["annotations"]["kubemate.dev/longer"].clone()
    };
    assert_eq!(longer("payments"), "payments-core");
    assert_eq!(longer("payments-core"), Value::Null);
}

#[test]
fn the_name_of_a_redirection_is_taken() {
    let platform = "tenant payments { gateway g { listener web port=8080 host=\"*.${domain}\"; listener old port=80 { redirect scheme=https } } }";
    let route = "app a tenant=payments { image \"r/x\"; version \"1\"; port http 80 }\n\
        route g-old-redirect tenant=payments gateway=g { host \"a.${domain}\"; rule path=\"/\" { to a } }";
    let found = said(&[("platform/a.kdl", platform), ("tenants/payments/x.kdl", route)]);
    assert!(found.iter().any(|said| said.starts_with("KM0541")), "{found:#?}");
    let other = route.replace("g-old-redirect", "web");
    assert_eq!(said(&[("platform/a.kdl", platform), ("tenants/payments/x.kdl", &other)]), Vec::<String>::new());
}
