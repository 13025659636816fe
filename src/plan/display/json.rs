//! A plan as JSON for machines: wire types of their own, with a version.
//!
//! Fields are only ever added under one version.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::object::ObjectKey;
use crate::plan::Plan;
use crate::plan::diff::{FieldChange, Shown};
use crate::plan::display::{Places, place, summary};
use crate::plan::finding::Finding;
use crate::plan::step::{Step, Take, Until, Verb};

/// The version of this form.
pub const VERSION: u32 = 1;

/// A plan on the wire.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanJson {
    /// The version of this form.
    version: u32,
    /// The set, as `CLUSTER/ENVIRONMENT/OWNER`.
    set: String,
    /// The UID of the cluster's `kube-system` namespace.
    cluster_uid: String,
    /// The digest of the plan's content.
    digest: String,
    /// What a confirmation of its deletions names.
    deletes_digest: String,
    /// One line for people.
    summary: String,
    /// Whether anything would be written, deleted or forgotten.
    changes: bool,
    /// Steps in an order in which they may be executed.
    steps: Vec<StepJson>,
    /// Findings, the worst first.
    findings: Vec<FindingJson>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ObjectJson {
    group: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StepJson {
    id: u32,
    verb: &'static str,
    object: ObjectJson,
    /// The resource in KDL, as `KIND/TENANT/NAME`.
    resource: String,
    /// Steps that come first, with how far they must have come.
    waits_for: Vec<WaitJson>,
    /// Rules that keep the step from being executed.
    held_by: Vec<&'static str>,
    /// Changed fields; secrets are masked.
    fields: Vec<FieldJson>,
    /// Fields taken from other managers.
    takes: Vec<TakeJson>,
    /// Fields left to other managers.
    yields: Vec<TakeJson>,
    /// Fields taken over from other managers together with their history, so that what is not declared
    /// of them goes; an empty field means everything that the manager has.
    claims: Vec<TakeJson>,
    /// Why the API server's word is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WaitJson {
    step: u32,
    until: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TakeJson {
    field: String,
    manager: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FieldJson {
    pointer: String,
    path: String,
    /// Left out where there was no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// Left out where there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// Whether values are secret and only the change is told.
    masked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceJson>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PlaceJson {
    path: String,
    line: u32,
    column: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FindingJson {
    level: &'static str,
    code: String,
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectJson>,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    help: String,
    fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceJson>,
}

/// The published schema of what `kubemate plan -o json` prints: one plan per set.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let generator = settings.into_generator();
    generator.into_root_schema_for::<Vec<PlanJson>>().to_value()
}

/// The plan on the wire.
pub fn json(plan: &Plan, places: Places<'_>) -> PlanJson {
    PlanJson {
        version: VERSION,
        set: plan.set.to_string(),
        cluster_uid: plan.cluster_uid.clone(),
        digest: plan.digest.clone(),
        deletes_digest: plan.deletes_digest.clone(),
        summary: summary(plan),
        changes: !plan.is_empty(),
        steps: plan
            .steps
            .iter()
            .filter(|s| s.action.verb() != Verb::Keep)
            .map(|s| step(s, places))
            .collect(),
        findings: plan.findings.iter().map(|f| finding(f, places)).collect(),
    }
}

fn step(step: &Step, places: Places<'_>) -> StepJson {
    let wait = |wait: &crate::plan::step::Wait| WaitJson {
        step: wait.step.0,
        until: match wait.until {
            Until::Done => "done",
            Until::Healthy => "healthy",
        },
    };
    let take = |take: &Take| TakeJson {
        field: take.field.clone(),
        manager: take.manager.clone(),
    };
    StepJson {
        id: step.id.0,
        verb: step.action.verb().word(),
        object: object(&step.key),
        resource: step.resource.to_string(),
        waits_for: step.waits_for.iter().map(wait).collect(),
        held_by: step.held_by.iter().map(|rule| rule.word()).collect(),
        fields: step
            .action
            .changes()
            .iter()
            .map(|change| field(change, places))
            .collect(),
        takes: step.action.takes().iter().map(take).collect(),
        yields: step.action.yields().iter().map(take).collect(),
        claims: step.action.claims().iter().map(take).collect(),
        unverified: step.action.unverified().map(str::to_owned),
    }
}

fn object(key: &ObjectKey) -> ObjectJson {
    let ObjectKey {
        group_kind,
        namespace,
        name,
    } = key.clone();
    ObjectJson {
        group: group_kind.group,
        kind: group_kind.kind,
        namespace,
        name,
    }
}

fn field(change: &FieldChange, places: Places<'_>) -> FieldJson {
    let value = |shown: &Shown| match shown {
        Shown::Absent | Shown::Masked => None,
        Shown::Plain(value) => Some(value.clone()),
    };
    FieldJson {
        pointer: change.pointer.clone(),
        path: change.path.clone(),
        before: value(&change.before),
        after: value(&change.after),
        masked: change.before == Shown::Masked || change.after == Shown::Masked,
        place: place_json(&change.spans, places),
    }
}

fn finding(finding: &Finding, places: Places<'_>) -> FindingJson {
    FindingJson {
        level: finding.level.word(),
        code: finding.rule.code().to_string(),
        rule: finding.rule.word(),
        object: finding.key.as_ref().map(object),
        message: finding.message.clone(),
        help: finding.help.clone(),
        fields: finding.fields.clone(),
        place: place_json(&finding.spans, places),
    }
}

fn place_json(spans: &[crate::dsl::diagnostic::Span], places: Places<'_>) -> Option<PlaceJson> {
    let place = place(spans, places)?;
    Some(PlaceJson {
        path: place.path,
        line: place.line,
        column: place.column,
    })
}
