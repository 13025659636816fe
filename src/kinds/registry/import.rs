//! The way back of registries: a pod says which secrets it logs in with, and its images where.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::host_of;
use crate::kinds::import::{Draft, Drafts, Fields, Found, list, text};
use crate::kinds::pod::import::image;
use crate::names::grammar::Grammar as _;
use crate::values::image::ImageRepository;

/// Where a workload has its pod.
const PODS: [&str; 2] = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];

/// What one pod fetches from, and the secrets that it logs in with.
struct Pod<'f> {
    hosts: BTreeSet<String>,
    secrets: BTreeSet<&'f str>,
}

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    let at = |body| PODS.iter().filter_map(move |at| Value::pointer(body, at));
    let pods: Vec<Pod<'_>> = found.objects.values().flat_map(at).map(pod).collect();
    let secrets: BTreeSet<&str> = pods.iter().flat_map(|pod| pod.secrets.iter().copied()).collect();
    let mut registries: BTreeMap<&str, &str> = BTreeMap::new();
    for secret in secrets {
        for host in hosts_of(&pods, secret) {
            registries.entry(host).or_insert(secret);
        }
    }
    drafts.all.extend(registries.into_iter().map(|(host, secret)| draft(host, secret)));
}

fn pod(spec: &Value) -> Pod<'_> {
    let containers = list(spec, "/containers").chain(list(spec, "/initContainers"));
    let images = containers.filter_map(|one| text(one, "/image"));
    let hosts = images.filter_map(|reference| {
        let (repository, _) = image(reference);
        Some(host_of(&ImageRepository::read(&repository).ok()?).to_owned())
    });
    let secrets = list(spec, "/imagePullSecrets").filter_map(|one| text(one, "/name"));
    Pod { hosts: hosts.collect(), secrets: secrets.collect() }
}

/// The hosts that no pod fetches from without the secret: the one that every pod with it fetches from,
/// else all of them.
fn hosts_of<'p>(pods: &'p [Pod<'_>], secret: &str) -> BTreeSet<&'p str> {
    let with = |pod: &&Pod<'_>| pod.secrets.contains(secret);
    let all = pods.iter().filter(with).flat_map(|pod| pod.hosts.iter());
    let mut own: BTreeSet<&str> = all
        .filter(|host| pods.iter().filter(|pod| pod.hosts.contains(*host)).all(|pod| with(&pod)))
        .map(String::as_str)
        .collect();
    let everywhere = |host: &&str| pods.iter().filter(with).all(|pod| pod.hosts.contains(*host));
    let alone = own.iter().copied().find(everywhere);
    if let Some(one) = alone {
        own.retain(|host| *host == one);
    }
    own
}

fn draft(host: &str, secret: &str) -> Draft {
    let name = host.replace(['.', ':'], "-");
    let mut fields = Fields::new();
    fields.put("name", name.as_str());
    fields.put("host", host);
    fields.put("pull-secret", secret);
    Draft {
        kind: "registry",
        name,
        path_of: None,
        fields: fields.into(),
        renamed: Vec::new(),
        notes: Vec::new(),
    }
}
