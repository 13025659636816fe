//! Objects become a project: it validates, it renders the same in meaning, and what it does not say is
//! listed.

mod guide;
mod live;
mod properties;

use insta::assert_snapshot;
use kubemate::import::{Imported, Options, Read, import, summary};
use kubemate::render::yaml;
use kubemate::source::SourceTree;
use serde_json::{Value, json};

use crate::language::{judge, tree};
use crate::served::{bank, rendered};

const SHOP: &str = include_str!("import/shop.yaml");

pub(crate) fn read(objects: impl IntoIterator<Item = Value>) -> Vec<Read> {
    let one = |body| Read {
        from: "test".into(),
        body,
    };
    objects.into_iter().map(one).collect()
}

pub(crate) fn of(objects: impl IntoIterator<Item = Value>, options: &Options) -> Imported {
    import(read(objects), options).unwrap()
}

/// The project that was made, judged by the same judge as any other.
pub(crate) fn valid(imported: &Imported) -> SourceTree {
    let files: Vec<(&str, &str)> = imported
        .files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let tree = tree(&files);
    let verdict = judge(&tree);
    let errors: Vec<_> = verdict
        .iter()
        .filter(|d| d.severity == kubemate::dsl::diagnostic::Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // Objects as they are, too, are judged and rendered.
    let project = &imported.files["kubemate.kdl"];
    let environment = project
        .lines()
        .find_map(|line| line.trim().strip_prefix("environment "))
        .unwrap();
    rendered(
        &tree,
        environment.split_whitespace().next().unwrap(),
        "main",
    );
    tree
}

/// Every difference in one line.
pub(crate) fn differences(imported: &Imported) -> Vec<String> {
    let all = imported.resources.iter().flat_map(|r| &r.differences);
    all.map(|d| {
        format!(
            "{:?} {} {}: {:?} → {:?}",
            d.what, d.object, d.path, d.before, d.after
        )
    })
    .collect()
}

fn kept(imported: &Imported) -> Vec<&str> {
    imported
        .kept
        .iter()
        .map(|told| told.object.as_str())
        .collect()
}

fn shop() -> Vec<Value> {
    yaml::documents(SHOP).unwrap()
}

#[test]
fn what_the_bank_renders_comes_back_the_same() {
    let bank = bank();
    for environment in ["dev", "prod"] {
        let objects = rendered(&bank, environment, "hq");
        let count = objects.len();
        let options = Options {
            project: "bank".into(),
            ..Options::default()
        };
        let imported = of(objects, &options);
        valid(&imported);
        assert_eq!(
            differences(&imported),
            Vec::<String>::new(),
            "{environment}"
        );
        assert_eq!(imported.left, [], "{environment}");
        // One ConfigMap is nobody's configuration and one claim nobody's volume, in the bank as here.
        assert_eq!(
            kept(&imported),
            [
                format!("ConfigMap/insights-{environment}/dashboards"),
                format!("PersistentVolumeClaim/insights-{environment}/reports")
            ]
        );
        assert_eq!(imported.same + imported.kept.len(), count);
        let added: Vec<&String> = imported.resources.iter().flat_map(|r| &r.added).collect();
        assert!(added.is_empty(), "{added:?}");
        // A project of another name makes its own of what bears the name of a project.
        let moved = of(rendered(&bank, environment, "hq"), &Options::default());
        let left: Vec<&str> = moved.left.iter().map(|told| told.object.as_str()).collect();
        assert_eq!(left.len(), 8 + 7, "{left:?}");
        assert!(
            left.iter().all(|name| name.contains("/kubemate-")),
            "{left:?}"
        );
    }
}

#[test]
fn what_a_chart_renders_becomes_words() {
    let imported = of(shop(), &Options::default());
    valid(&imported);
    let mut text = String::new();
    for (path, file) in imported
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".kdl"))
    {
        text.push_str(&format!("// ---- {path}\n{file}"));
    }
    assert_snapshot!("a_shop", text);
    assert_snapshot!("a_shop_in_words", summary::summary(&imported));
}

#[test]
fn nothing_that_is_secret_is_ever_written() {
    let imported = of(shop(), &Options::default());
    let written = format!(
        "{imported:?}{}{}",
        summary::summary(&imported),
        json!(imported)
    );
    assert!(!written.contains("hunter2"), "{written}");
    // Also not where the workload itself cannot become an app.
    let mut odd = shop();
    let web = odd.iter_mut().find(|o| o["kind"] == "Deployment").unwrap();
    web["metadata"]["name"] = json!("web.v1");
    let imported = of(odd, &Options::default());
    valid(&imported);
    assert!(!format!("{imported:?}").contains("hunter2"));
    let left: Vec<&str> = imported
        .left
        .iter()
        .map(|told| told.object.as_str())
        .collect();
    assert!(left.contains(&"Deployment.apps/shop/web.v1"), "{left:?}");
}

/// What was changed in an input is either rendered, or listed at its place.
#[test]
fn every_field_that_cannot_be_said_is_listed() {
    let fields = [
        (
            "/spec/template/spec/dnsConfig",
            json!({ "nameservers": ["10.0.0.10"] }),
        ),
        ("/spec/template/spec/schedulerName", json!("other")),
        ("/spec/template/spec/containers/0/tty", json!(true)),
        (
            "/spec/template/spec/containers/0/ports/0/hostPort",
            json!(8080),
        ),
        (
            "/spec/template/spec/containers/0/readinessProbe/httpGet/httpHeaders",
            json!([{ "name": "a", "value": "b" }]),
        ),
        (
            "/spec/template/spec/containers/0/lifecycle",
            json!({ "postStart": { "exec": { "command": ["a"] } } }),
        ),
        ("/spec/minReadySeconds", json!(7)),
        ("/spec/paused", json!(true)),
        ("/metadata/annotations", json!({ "example.com/x": "y" })),
        ("/metadata/labels/extra", json!("1")),
        ("/metadata/labels/job-name-of-ours", json!("1")),
        (
            "/spec/template/spec/volumes/1/emptyDir/medium",
            json!("HugePages"),
        ),
    ];
    let known = differences(&of(shop(), &Options::default()));
    for (pointer, value) in fields {
        let mut objects = shop();
        let web = objects
            .iter_mut()
            .find(|o| o["kind"] == "Deployment")
            .unwrap();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        web.pointer_mut(parent).unwrap()[name] = value;
        let imported = of(objects, &Options::default());
        valid(&imported);
        let new: Vec<String> = differences(&imported)
            .into_iter()
            .filter(|d| !known.contains(d))
            .collect();
        assert!(!new.is_empty(), "{pointer} is lost without a word");
    }
}

#[test]
fn exactly_what_it_was_or_as_it_is() {
    let options = Options {
        exact: true,
        ..Options::default()
    };
    let mut objects = shop();
    objects.retain(|o| !["Secret", "Ingress"].contains(&o["kind"].as_str().unwrap()));
    let web = objects
        .iter_mut()
        .find(|o| o["kind"] == "Deployment")
        .unwrap();
    web["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array_mut()
        .unwrap()
        .retain(|e| e["name"] != "API_TOKEN");
    let imported = of(objects, &options);
    valid(&imported);
    assert!(
        kept(&imported).contains(&"Deployment.apps/shop/web"),
        "{:?}",
        imported.kept
    );
    let apps = imported
        .resources
        .iter()
        .filter(|r| r.resource.starts_with("app/"));
    let changed: Vec<_> = apps.filter(|r| !r.differences.is_empty()).collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn namespaces_find_their_tenant() {
    let config = |namespace: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c", "namespace": namespace }, "data": {} });
    let tenants = |objects: Vec<Value>, tenant: Option<&str>| {
        let options = Options {
            tenant: tenant.map(str::to_owned),
            ..Options::default()
        };
        let imported = of(objects, &options);
        valid(&imported);
        let tenants = imported
            .resources
            .iter()
            .filter_map(|r| r.resource.strip_prefix("tenant/").map(str::to_owned));
        tenants.collect::<Vec<_>>()
    };
    assert_eq!(
        tenants(vec![config("pay-core"), config("pay-batch")], None),
        ["pay-batch", "pay-core"]
    );
    assert_eq!(
        tenants(vec![config("pay-core"), config("pay-batch")], Some("pay")),
        ["pay"]
    );
    // A namespace of the tenant's own name leaves no room for others beside it.
    assert_eq!(
        tenants(vec![config("pay"), config("pay-batch")], Some("pay")),
        ["pay-batch", "pay"]
    );
    assert_eq!(
        tenants(vec![config("pay"), config("other")], Some("pay")),
        ["other", "pay"]
    );
}

#[test]
fn what_the_cluster_keeps_is_left_out_with_the_reason() {
    let owned = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "shop", "ownerReferences": [{ "kind": "ReplicaSet", "name": "web-1" }] } });
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default", "namespace": "shop" } });
    let token = json!({ "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": { "name": "t", "namespace": "shop" } });
    let claim = json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data-store-0", "namespace": "shop" }, "spec": {} });
    let mut objects = shop();
    objects.extend([owned, account, token, claim]);
    let imported = of(objects, &Options::default());
    let left: Vec<String> = imported
        .left
        .iter()
        .map(|t| format!("{}: {}", t.object, t.why))
        .collect();
    for said in [
        "Pod/shop/p: ReplicaSet/web-1 made it",
        "ServiceAccount/shop/default: the cluster puts it into every namespace",
        "Secret/shop/t: a program keeps it",
        "PersistentVolumeClaim/shop/data-store-0: its StatefulSet made it, and finds it again",
    ] {
        assert!(left.iter().any(|l| l == said), "{said} is not in {left:#?}");
    }
}

#[test]
fn of_two_with_one_name_neither_is_lost() {
    let app = |namespace: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "cart", "namespace": namespace },
            "spec": {
                "selector": { "matchLabels": { "app": "cart" } },
                "template": {
                    "metadata": { "labels": { "app": "cart" } },
                    "spec": { "containers": [{
                        "name": "cart", "image": "registry.example/cart:1.0",
                        "envFrom": [{ "secretRef": { "name": "db" } }],
                    }] },
                },
            },
        })
    };
    let secret = |namespace: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "data": { "p": "eA==" },
            "metadata": { "name": "db", "namespace": namespace },
        })
    };
    let options = Options {
        tenant: Some("web".into()),
        ..Options::default()
    };
    let all = [app("web-a"), app("web-b"), secret("web-a"), secret("web-b")];
    let imported = of(all, &options);
    valid(&imported);
    let apps = imported
        .resources
        .iter()
        .filter(|r| r.resource == "app/cart");
    assert_eq!(apps.count(), 1);
    let told = imported.kept.first().unwrap();
    assert_eq!(told.object, "Deployment.apps/web-b/cart");
    assert!(
        told.why.contains("another one of this name"),
        "{}",
        told.why
    );
    let notes = imported.resources.iter().flat_map(|r| &r.notes);
    let differ = notes.filter(|note| note.contains("web-a and web-b"));
    assert_eq!(differ.count(), 1);
}

#[test]
fn a_service_of_several_families_is_not_made_one_without_a_word() {
    let lost = |policy: &str| {
        let mut objects = shop();
        let service = objects.iter_mut().find(|o| o["kind"] == "Service").unwrap();
        service["spec"]["ipFamilyPolicy"] = json!(policy);
        service["spec"]["ipFamilies"] = json!(["IPv6", "IPv4"]);
        let found = differences(&of(objects, &Options::default()));
        found.iter().filter(|d| d.contains("ipFamil")).count()
    };
    assert_eq!((lost("SingleStack"), lost("RequireDualStack")), (0, 2));
}

#[test]
fn what_its_definition_says_to_be_without_a_namespace_gets_none() {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "zones.net.example" },
        "spec": {
            "group": "net.example", "scope": "Cluster",
            "names": { "kind": "Zone", "plural": "zones", "singular": "zone", "listKind": "ZoneList" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object" } },
            }],
        },
    });
    let zone =
        json!({ "apiVersion": "net.example/v1", "kind": "Zone", "metadata": { "name": "z" } });
    let all = shop().into_iter().chain([zone, definition]);
    let options = Options {
        namespace: Some("shop".into()),
        ..Options::default()
    };
    let imported = of(all, &options);
    let mut told = imported.kept.iter().chain(&imported.left);
    assert!(
        told.any(|told| told.object == "Zone.net.example/z"),
        "{imported:?}"
    );
}

#[test]
fn no_name_breaks_a_line_of_the_summary() {
    let mut objects = shop();
    let web = objects
        .iter_mut()
        .find(|o| o["kind"] == "Deployment")
        .unwrap();
    web["metadata"]["annotations"]["x\nleft out"] = json!("1");
    let imported = of(objects, &Options::default());
    let text = summary::summary(&imported);
    assert!(
        !text.lines().any(|line| line.starts_with("left out]")),
        "{text}"
    );
}
