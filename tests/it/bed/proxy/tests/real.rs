//! The proxy before the real API server.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher;
use kube::{Api, Client, Config};
use serde_json::json;

use super::super::super::{cluster, unique_name};
use super::super::{Fault, Match, Proxy, Rule, Verb, WatchFault};

fn map(name: &str) -> Patch<serde_json::Value> {
    Patch::Apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"},
    }))
}

async fn apply(api: &Api<ConfigMap>, name: &str) -> kube::Result<ConfigMap> {
    api.patch(name, &PatchParams::apply("bed-test").force(), &map(name))
        .await
}

#[tokio::test]
async fn an_apply_whose_reply_is_lost_took_effect() {
    let cluster = cluster();
    let namespace = cluster.unique_namespace().await;
    let proxy = Proxy::before(cluster.kubeconfig());
    let maps: Api<ConfigMap> = Api::namespaced(proxy.client().await, &namespace);
    let covers = || Match::writes().resource("configmaps").verb(Verb::Apply);
    proxy.add(Rule::new(covers(), Fault::ResetAfter).nth(1));
    proxy.add(Rule::new(covers(), Fault::ResetBefore).nth(1));
    assert!(apply(&maps, "lost-reply").await.is_err());
    assert!(apply(&maps, "never-sent").await.is_err());
    apply(&maps, "fine").await.unwrap();
    let direct: Api<ConfigMap> = Api::namespaced(cluster.client().await, &namespace);
    let there = direct
        .list(&kube::api::ListParams::default())
        .await
        .unwrap();
    let there: BTreeSet<_> = there
        .items
        .into_iter()
        .filter_map(|map| map.metadata.name)
        .collect();
    assert!(
        there.contains("lost-reply") && there.contains("fine"),
        "{there:?}"
    );
    assert!(!there.contains("never-sent"), "{there:?}");
    let statuses: Vec<_> = proxy
        .writes()
        .iter()
        .map(|call| call.upstream_status)
        .collect();
    assert_eq!(statuses, [Some(201), None, Some(201)]);
}

#[tokio::test]
async fn a_watcher_survives_streams_that_end_with_410_and_early() {
    let cluster = cluster();
    let namespace = cluster.unique_namespace().await;
    let proxy = Proxy::before(cluster.kubeconfig());
    let maps: Api<ConfigMap> = Api::namespaced(proxy.client().await, &namespace);
    let watches = || Match::any().verb(Verb::Watch).namespace(&namespace);
    proxy.add(Rule::new(watches(), Fault::Watch(WatchFault::ErrorAfter(1, 410))).nth(1));
    proxy.add(Rule::new(watches(), Fault::Watch(WatchFault::CloseAfter(1))).nth(1));
    let mut events = pin!(kube::runtime::WatchStreamExt::default_backoff(watcher(
        maps.clone(),
        watcher::Config::default()
    )));
    let wanted: BTreeSet<String> = (0..5).map(|at| format!("map-{at}")).collect();
    for name in &wanted {
        apply(&maps, name).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    let all = async {
        while !seen.is_superset(&wanted) {
            match events.next().await {
                Some(Ok(watcher::Event::Apply(map) | watcher::Event::InitApply(map))) => {
                    seen.extend(map.metadata.name);
                }
                Some(_) => {}
                None => break,
            }
        }
    };
    let limit = tokio::time::timeout(Duration::from_mins(5), all).await;
    assert!(
        limit.is_ok(),
        "not every object was seen after the faults: {seen:?}"
    );
}

#[tokio::test]
async fn discovery_loses_a_group_and_finds_it_again() {
    let proxy = Proxy::before(cluster().kubeconfig());
    let client = proxy.client().await;
    proxy.add(Rule::new(Match::any(), Fault::WithoutGroup("apps".into())));
    let names = |list: k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList| {
        list.groups
            .into_iter()
            .map(|group| group.name)
            .collect::<BTreeSet<_>>()
    };
    let smaller = names(client.list_api_groups().await.unwrap());
    assert!(
        !smaller.contains("apps") && smaller.contains("batch"),
        "{smaller:?}"
    );
    proxy.heal();
    assert!(names(client.list_api_groups().await.unwrap()).contains("apps"));
}

#[tokio::test]
async fn a_caller_with_a_token_is_nobody_else() {
    let cluster = cluster();
    let namespace = cluster.unique_namespace().await;
    let account = unique_name("account");
    cluster.kubectl(&["-n", &namespace, "create", "serviceaccount", &account]);
    let token = cluster.kubectl(&["-n", &namespace, "create", "token", &account]);
    let proxy = Proxy::before(cluster.kubeconfig());
    let options = kube::config::KubeConfigOptions::default();
    let file = kube::config::Kubeconfig::read_from(proxy.kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(file, &options)
        .await
        .unwrap();
    config.auth_info.token = Some(token.trim().into());
    let maps: Api<ConfigMap> = Api::namespaced(Client::try_from(config).unwrap(), &namespace);
    let refused = apply(&maps, "not-mine").await.unwrap_err().to_string();
    assert!(refused.contains(&account), "{refused}");
    assert_eq!(proxy.calls()[0].upstream_status, Some(403));
}
