//! The way back of an app: a workload with the Services, configurations, claims and scalers around it.

mod access;
mod release;
mod run;
mod scale;
mod tasks;

use serde_json::{Value, json};

use super::Workload;
use crate::kinds::import::{Draft, Drafts, Fields, Found, Place, list, map, text};
use crate::kinds::pod::import::{self as pod, Back};
use crate::object::ObjectKey;

/// Labels of pods that every app has by itself.
const NAME_LABEL: &str = "app.kubernetes.io/name";
const TENANT_LABEL: &str = "app.kubernetes.io/part-of";
const VERSION_LABEL: &str = "app.kubernetes.io/version";
const ALL: [Workload; 5] = [Workload::Deployment, Workload::Stateful, Workload::Daemon, Workload::Job, Workload::CronJob];

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    for workload in ALL {
        let (group, kind) = workload.object();
        for (key, body, place) in found.of(group, kind) {
            if tasks::of(found, key, body).is_none() {
                let draft = one(found, (key, body, place), workload, drafts);
                drafts.all.extend(draft);
            }
        }
    }
}

fn one(
    found: &Found,
    (key, body, place): (&ObjectKey, &Value, &Place),
    workload: Workload,
    drafts: &mut Drafts,
) -> Option<Draft> {
    let job = body.pointer("/spec/jobTemplate").filter(|_| workload == Workload::CronJob);
    let holder = job.unwrap_or(body);
    let template = holder.pointer("/spec/template")?;
    let mut back = Back {
        found,
        key,
        place,
        owner: &key.name,
        spec: template.get("spec")?,
        ports: access::names(found, key, template),
        renamed: Vec::new(),
        notes: Vec::new(),
    };
    let mut fields = Fields::new();
    fields.put("name", key.name.as_str());
    fields.put("tenant", place.tenant.as_str());
    fields.may("namespace", place.name.as_deref());
    if workload != Workload::Deployment {
        fields.put("workload", workload.word());
    }
    let program = back.main()?;
    let Value::Object(main) = Value::from(pod::container(&mut back, program, drafts)) else {
        return None;
    };
    main.into_iter().for_each(|(name, value)| fields.put(&name, value));
    pod::pod(&mut back, &mut fields, workload.ends(), drafts);
    for claim in list(body, "/spec/volumeClaimTemplates") {
        pod::claimed(&back, claim, &mut fields, drafts);
    }
    metadata(&back, template, &mut fields);
    access::services(&mut back, template, &mut fields);
    match workload {
        Workload::Job | Workload::CronJob => run::run(body, holder, workload, &mut fields),
        Workload::Deployment | Workload::Stateful | Workload::Daemon => {
            scale::scale(&mut back, body, workload, &mut fields, drafts);
            release::release(&back, body, workload, &mut fields);
            tasks::tasks(&mut back, &mut fields, drafts);
        }
    }
    Some(Draft {
        kind: "app",
        name: key.name.clone(),
        path_of: (!back.opens_node()).then(|| place.tenant.clone()),
        fields: fields.into(),
        renamed: back.renamed,
        notes: back.notes,
    })
}

/// Labels and annotations of the pods, without those that come by themselves.
fn metadata(back: &Back<'_>, template: &Value, fields: &mut Fields) {
    let tag = fields.get("version").and_then(|v| text(v, "/tag")).map(str::to_owned);
    let own = |key: &str, value: &Value| match key {
        NAME_LABEL => value == back.owner,
        TENANT_LABEL => *value == back.place.tenant,
        VERSION_LABEL => value.as_str() == tag.as_deref(),
        _ => false,
    };
    for (key, value) in map(template, "/metadata/labels").filter(|(k, v)| !own(k, v)) {
        fields.entry("labels", key, value.clone());
    }
    let scraped = scrape(template, fields);
    for (key, value) in map(template, "/metadata/annotations") {
        let known = key.starts_with("kubemate.dev/") || (scraped && key.starts_with("prometheus.io/"));
        if !known {
            fields.entry("annotations", key, value.clone());
        }
    }
}

/// Moves the annotations that find metrics to the port that they name, where they say no more than that.
fn scrape(template: &Value, fields: &mut Fields) -> bool {
    let annotation = |name: &str| text(template, &format!("/metadata/annotations/prometheus.io~1{name}"));
    if annotation("scrape") != Some("true") {
        return false;
    }
    let number: Option<u64> = annotation("port").and_then(|port| port.parse().ok());
    let mut ports = fields.get("port").cloned().unwrap_or_default();
    let all = ports.as_object_mut().into_iter().flatten();
    for (_, port) in all {
        if port.get("number").and_then(Value::as_u64) == number && number.is_some() {
            port["scrape"] = json!(annotation("path").unwrap_or("/metrics"));
            fields.put("port", ports);
            return true;
        }
    }
    false
}
