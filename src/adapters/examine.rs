//! Looks at a cluster from outside, for people who ask what is missing: versions, clocks, definitions,
//! rights of the controller's account, and what stands in the way of secret stores. Reads only.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};

use super::sync;

/// How many rights are asked for at a time.
const AT_ONCE: usize = 8;

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version, as in `v1.36.3`.
    pub version: String,
    /// The minor version of Kubernetes.
    pub minor: u32,
    /// By how many seconds its clock is ahead of ours, where it tells the time.
    pub ahead: Option<i64>,
}

/// A definition of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition {
    /// It is not there.
    Missing,
    /// It is there, and the server does not serve it yet; why.
    NotServed(String),
    /// It is served in these versions.
    Served(Vec<String>),
}

/// A right, as a role gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// What may be done.
    pub verb: String,
    /// The API group.
    pub group: String,
    /// The plural of the kind, with its subresource.
    pub resource: String,
    /// The only object, if not all.
    pub name: Option<String>,
    /// The only namespace, if not all.
    pub namespace: Option<String>,
}

/// Asks a server for its version and its time.
pub async fn server(client: &Client) -> Result<Server, kube::Error> {
    let request = http::Request::get("/version").body(kube::client::Body::empty());
    let request = request.map_err(kube::Error::HttpError)?;
    let response = client.send(request).await?;
    let date = response.headers().get(http::header::DATE);
    let date = date.and_then(|date| date.to_str().ok()).map(str::to_owned);
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok());
    let ahead = theirs.map(|theirs| theirs.timestamp().as_second() - Timestamp::now().as_second());
    let info = client.apiserver_version().await?;
    let digits: String = info
        .minor
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    Ok(Server {
        version: info.git_version,
        minor: digits.parse().unwrap_or_default(),
        ahead,
    })
}

/// Looks for the definition of a kind, as in `syncs.kubemate.dev`.
pub async fn definition(client: &Client, name: &str) -> Result<Definition, kube::Error> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let Some(found) = api.get_opt(name).await? else {
        return Ok(Definition::Missing);
    };
    let status = found.status.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let established = conditions.iter().find(|c| c.type_ == "Established");
    if established.is_none_or(|condition| condition.status != "True") {
        let why = established.and_then(|condition| condition.message.clone());
        return Ok(Definition::NotServed(why.unwrap_or_default()));
    }
    let served = found
        .spec
        .versions
        .into_iter()
        .filter(|version| version.served);
    Ok(Definition::Served(
        served.map(|version| version.name).collect(),
    ))
}

/// Those of some rights that the controller's account does not have.
pub async fn denied(client: &Client, rights: Vec<Right>) -> Result<Vec<Right>, kube::Error> {
    let answers = stream::iter(rights).map(|right| {
        let client = client.clone();
        async move {
            let may = may(client, &right).await?;
            Ok::<_, kube::Error>((!may).then_some(right))
        }
    });
    let mut denied = Vec::new();
    let mut answers = answers.buffered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        denied.extend(answer?);
    }
    Ok(denied)
}

async fn may(client: Client, right: &Right) -> Result<bool, kube::Error> {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, sub)) => (resource.to_owned(), Some(sub.to_owned())),
        None => (right.resource.clone(), None),
    };
    let namespace = sync::NAMESPACE;
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{namespace}:kubemate")),
            groups: Some(vec![
                "system:authenticated".to_owned(),
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
            ]),
            resource_attributes: Some(ResourceAttributes {
                group: Some(right.group.clone()),
                resource: Some(resource),
                subresource,
                verb: Some(right.verb.clone()),
                name: right.name.clone(),
                namespace: right.namespace.clone(),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(client);
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// How many replicas of the controller there are: ready, and wanted. `None` if it is not installed.
pub async fn replicas(client: &Client) -> Result<Option<(i32, i32)>, kube::Error> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), sync::NAMESPACE);
    let found = api.get_opt("kubemate-controller").await?;
    Ok(found.map(|deployment| {
        let wanted = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let ready = deployment.status.and_then(|status| status.ready_replicas);
        (ready.unwrap_or_default(), wanted)
    }))
}

/// Secret stores that are not ready, by namespace and name, with why; and how many there are.
pub async fn stores(
    client: &Client,
    version: &str,
) -> Result<(usize, BTreeMap<String, String>), kube::Error> {
    let kind = GroupVersionKind::gvk("external-secrets.io", version, "SecretStore");
    let resource = ApiResource::from_gvk_with_plural(&kind, "secretstores");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let all = api.list(&ListParams::default()).await?.items;
    let mut unready = BTreeMap::new();
    for store in &all {
        let conditions = store
            .data
            .pointer("/status/conditions")
            .and_then(|c| c.as_array());
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|c| c["type"] == "Ready");
        if ready.is_some_and(|condition| condition["status"] == "True") {
            continue;
        }
        let why = ready.and_then(|condition| condition["message"].as_str());
        let namespace = store.metadata.namespace.clone().unwrap_or_default();
        let name = store.metadata.name.clone().unwrap_or_default();
        let why = why.unwrap_or("nobody has looked at it yet").to_owned();
        unready.insert(format!("{namespace}/{name}"), why);
    }
    Ok((all.len(), unready))
}
