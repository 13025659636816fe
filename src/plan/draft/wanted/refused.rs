//! What a refusal of the API server means: a replacement, or an error at its line.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::dsl::diagnostic::Span;
use crate::plan::claim::Claims;
use crate::plan::draft::Draft;
use crate::plan::draft::wanted::{Wanted, causes};
use crate::plan::observed::{ApiProblem, DryRun, Live};
use crate::plan::payload::Payload;
use crate::plan::pointer::pointer;
use crate::plan::step::{Action, KeepWhy};
use crate::plan::{Finding, Level, Rule, diff, digest, normalize};

/// Kinds that are never deleted in order to be made anew: what they hold would be lost.
const NEVER_REPLACED: [(&str, &str); 5] = [
    ("", "PersistentVolumeClaim"),
    ("", "PersistentVolume"),
    ("", "Namespace"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apps", "StatefulSet"),
];

/// Fields that the API server never lets change, by kind. The server's own refusal counts as well;
/// this list only explains before it is asked.
const IMMUTABLE: &[(&str, &str, &[&str])] = &[
    ("rbac.authorization.k8s.io", "RoleBinding", &["/roleRef"]),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        &["/roleRef"],
    ),
    (
        "batch",
        "Job",
        &["/spec/template", "/spec/selector", "/spec/completionMode"],
    ),
    ("apps", "Deployment", &["/spec/selector"]),
    ("apps", "ReplicaSet", &["/spec/selector"]),
    ("apps", "DaemonSet", &["/spec/selector"]),
    (
        "apps",
        "StatefulSet",
        &[
            "/spec/selector",
            "/spec/serviceName",
            "/spec/volumeClaimTemplates",
            "/spec/podManagementPolicy",
        ],
    ),
    (
        "",
        "PersistentVolumeClaim",
        &[
            "/spec/accessModes",
            "/spec/storageClassName",
            "/spec/volumeName",
            "/spec/selector",
            "/spec/volumeMode",
        ],
    ),
    ("", "Service", &["/spec/clusterIP", "/spec/clusterIPs"]),
    ("", "Secret", &["/type"]),
    (
        "storage.k8s.io",
        "StorageClass",
        &[
            "/provisioner",
            "/parameters",
            "/reclaimPolicy",
            "/volumeBindingMode",
        ],
    ),
    (
        "scheduling.k8s.io",
        "PriorityClass",
        &["/value", "/preemptionPolicy"],
    ),
    (
        "gateway.networking.k8s.io",
        "GatewayClass",
        &["/spec/controllerName"],
    ),
    (
        "trainer.kubeflow.org",
        "TrainJob",
        &[
            "/spec/runtimeRef",
            "/spec/trainer",
            "/spec/initializer",
            "/spec/activeDeadlineSeconds",
        ],
    ),
    (
        "jobset.x-k8s.io",
        "JobSet",
        &[
            "/spec/network",
            "/spec/successPolicy",
            "/spec/failurePolicy",
        ],
    ),
    ("kueue.x-k8s.io", "LocalQueue", &["/spec/clusterQueue"]),
    (
        "kueue.x-k8s.io",
        "AdmissionCheck",
        &["/spec/controllerName"],
    ),
    ("kueue.x-k8s.io", "Topology", &["/spec/levels"]),
];

impl<'a> Wanted<'a> {
    /// A replacement, if an update is impossible: a run with a new key, or a change of what cannot be
    /// changed. Refusals of one are findings that hold the step.
    pub(super) fn replace(
        &self,
        live: &'a Live,
        payload: &Payload,
        findings: &mut Vec<Finding>,
    ) -> Option<Draft<'a>> {
        let rerun = self.desired.rules.run_key.is_some();
        let fields = self.immutable_fields(live, payload);
        if fields.is_empty() && !rerun {
            return None;
        }
        let key = &self.desired.manifest.key;
        let before = normalize::comparable(&live.body);
        let mut changes = diff::diff(&before, &payload.body, &live.managed.shape(), &self.mask);
        // Without the server's word what only the live side has is mostly its defaults, not a change.
        changes.retain(|change| change.after != diff::Shown::Absent);
        self.place(&mut changes, &payload.body, &live.managed.shape());
        let why = match fields.first() {
            _ if rerun => "it runs to completion and its run key changed".to_owned(),
            Some(field) => format!("`{}` cannot be changed in place", dotted(field)),
            None => return None,
        };
        let mut found = self.replace_findings(live, &fields, rerun);
        if !rerun {
            let spans = self.lines_of(&fields, (live, payload), &changes);
            let all = found.iter_mut();
            all.for_each(|finding| finding.spans.clone_from(&spans));
        }
        let possible = !found.iter().any(Finding::holds);
        findings.extend(found);
        let desired = payload.digest.clone();
        let preconditions = digest::preconditions(payload, live);
        let action = if possible {
            Action::Replace {
                desired,
                preconditions,
                changes,
                why,
            }
        } else {
            // Held; even if it were sent, the API server would refuse it and nothing is deleted.
            let (takes, yields) = (Vec::new(), payload.yields.clone());
            let (unverified, claims) = (None, Claims::default());
            Action::Update {
                desired,
                preconditions,
                changes,
                takes,
                yields,
                claims,
                unverified,
            }
        };
        let kept = self.keep(KeepWhy::InSync);
        Some(Draft {
            key: key.clone(),
            action,
            live: Some(live),
            body: Some(Cow::Owned(payload.body.clone())),
            ..kept
        })
    }

    fn replace_findings(&self, live: &Live, fields: &[String], rerun: bool) -> Vec<Finding> {
        if rerun {
            let message = "it is started again: its run key changed";
            return vec![self.finding(Level::Danger, Rule::Rerun, message)];
        }
        let names: Vec<String> = fields.iter().map(|field| dotted(field)).collect();
        let names = names.join("`, `");
        let group_kind = &self.desired.manifest.key.group_kind;
        let pair = (group_kind.group.as_str(), group_kind.kind.as_str());
        let finding = if NEVER_REPLACED.contains(&pair) {
            let message = format!(
                "`{names}` cannot be changed, and a {} is never deleted to be made anew, since its data would be lost",
                group_kind.kind
            );
            self.finding(Level::Error, Rule::Immutable, message)
                .help("put the old value back, or use a new name and move the data")
        } else if !self.desired.rules.replace {
            let message = format!("`{names}` cannot be changed in place");
            self.finding(Level::Error, Rule::Immutable, message).help(
                "put the old value back, use a new name, or allow this object to be deleted and made anew",
            )
        } else if !self.context.world.offline
            && !matches!(live.recreate, Some(DryRun::Predicted { .. }))
        {
            let message = format!(
                "`{names}` cannot be changed in place, and the API server did not confirm that the object could be made anew"
            );
            self.finding(Level::Error, Rule::Immutable, message)
        } else {
            let message = format!(
                "it is deleted and made anew, because `{names}` cannot be changed in place; it is missing in between"
            );
            self.finding(Level::Danger, Rule::Replaced, message)
        };
        vec![fields.iter().fold(finding, |all, field| all.field(field))]
    }

    /// The lines of what cannot change. A server may name what no field is called, such as
    /// `spec.persistentvolumesource`: it means something of what changes beside that.
    fn lines_of(
        &self,
        fields: &[String],
        (live, payload): (&Live, &Payload),
        changes: &[diff::FieldChange],
    ) -> Vec<Span> {
        let one = |field: &String| {
            let known = [&payload.body, &live.body].map(|body| body.pointer(field).is_some());
            let parent = field.rsplit_once('/').map_or("", |(parent, _)| parent);
            let beside = format!("{parent}/");
            let changed = changes.iter().filter(|c| c.pointer.starts_with(&beside));
            let changed: Vec<Span> = changed.flat_map(|change| change.spans.clone()).collect();
            match known {
                [false, false] if !changed.is_empty() => changed,
                [false, true] => self.namesakes(field, &live.body, &payload.body),
                _ => self.desired.source.find(field),
            }
        };
        let mut spans = Vec::new();
        for span in fields.iter().flat_map(one) {
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
        spans
    }

    /// Where pods name what a list that Git no longer has was about, such as the mounts of a claim.
    fn namesakes(&self, field: &str, live: &Value, wanted: &Value) -> Vec<Span> {
        let gone = live.pointer(field).and_then(Value::as_array);
        let names = gone.into_iter().flatten().filter_map(name);
        let names: BTreeSet<&str> = names.collect();
        let pod = "/spec/template/spec";
        let lists = ["volumes", "containers", "initContainers"].map(|list| format!("{pod}/{list}"));
        let mut found = Vec::new();
        for list in lists {
            for (at, item) in items(wanted, &list) {
                let mounts = format!("{at}/volumeMounts");
                let inside = items(wanted, &mounts);
                let all = std::iter::once((at, item)).chain(inside);
                let named = all.filter(|(_, item)| name(item).is_some_and(|n| names.contains(n)));
                found.extend(named.flat_map(|(at, _)| self.desired.source.find(&at)));
            }
        }
        if found.is_empty() {
            return self.desired.source.find(field);
        }
        found
    }

    /// Declared fields that would change and cannot.
    fn immutable_fields(&self, live: &Live, payload: &Payload) -> Vec<String> {
        let key = &self.desired.manifest.key;
        let mut fields: Vec<String> = IMMUTABLE
            .iter()
            .filter(|(group, kind, _)| {
                key.group_kind.group == *group && key.group_kind.kind == *kind
            })
            .flat_map(|(_, _, fields)| fields.iter())
            .filter(|field| self.changes_at(field, live, payload))
            .map(|field| (*field).to_owned())
            .collect();
        let frozen = live.body.get("immutable") == Some(&Value::Bool(true));
        if frozen && key.group_kind.group.is_empty() {
            let data = ["/data", "/binaryData", "/immutable"];
            fields.extend(
                data.iter()
                    .filter(|f| self.changes_at(f, live, payload))
                    .map(|f| (*f).to_owned()),
            );
        }
        if let DryRun::Refused(problem) = &live.dry_run {
            let said = problem
                .causes
                .iter()
                .filter(|c| says_immutable(&c.message) || c.reason == "FieldValueForbidden");
            fields.extend(said.map(|cause| pointer(&cause.field, &payload.body)));
        }
        fields.sort();
        fields.dedup();
        // What says more is enough.
        let all = fields.clone();
        fields.retain(|field| {
            let below = format!("{field}/");
            !all.iter().any(|other| other.starts_with(&below))
        });
        fields
    }

    /// Whether a declared field differs from the live one in what is declared. With a prediction, the
    /// server accepted the change, so the list is wrong about it.
    fn changes_at(&self, field: &str, live: &Live, payload: &Payload) -> bool {
        if !self.context.world.offline && matches!(live.dry_run, DryRun::Predicted { .. }) {
            return false;
        }
        match (payload.body.pointer(field), live.body.pointer(field)) {
            (Some(declared), Some(current)) => !contained(declared, current),
            (Some(_), None) => true,
            // What we wrote and Git no longer has.
            (None, Some(_)) => live.managed.ours().owns(field, &live.body),
            (None, None) => false,
        }
    }

    /// The server's refusal, one finding per field it names. Immutable fields are told elsewhere.
    pub(super) fn refused(&self, problem: &ApiProblem, payload: &Payload) -> Vec<Finding> {
        if !problem.conflicts.is_empty() {
            return Vec::new();
        }
        let words = self.mask.words(problem);
        let withheld = words != problem.message;
        let (rule, help) = match problem.status {
            403 if problem.reason == "Forbidden" && problem.causes.is_empty() => (
                Rule::Denied,
                "let the identity that writes this set do it, or take the object out",
            ),
            413 => (Rule::TooLarge, "make the object smaller"),
            _ => (Rule::Refused, ""),
        };
        let one = |(field, message): (Option<&str>, &str)| {
            let said = if withheld {
                words.clone()
            } else {
                message.to_owned()
            };
            let message = match field {
                Some(field) if !field.is_empty() => {
                    format!("the API server refuses `{field}`: {said}")
                }
                _ => format!("the API server refuses it: {said}"),
            };
            let finding = self.finding(Level::Error, rule, message).help(help);
            match field {
                Some(field) => self.at(finding, &pointer(field, &payload.body)),
                None => finding,
            }
        };
        causes(problem).map(one).collect()
    }
}

/// Whether everything declared stands in the live value; the server may have added defaults.
fn contained(declared: &Value, live: &Value) -> bool {
    match (declared, live) {
        (Value::Object(map), Value::Object(found)) => map
            .iter()
            .all(|(name, value)| found.get(name).is_some_and(|f| contained(value, f))),
        (Value::Array(items), Value::Array(found)) => {
            items.len() == found.len() && items.iter().zip(found).all(|(a, b)| contained(a, b))
        }
        _ => declared == live,
    }
}

/// The items of a list, each with its pointer.
fn items<'a>(body: &'a Value, list: &str) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
    let items = body.pointer(list).and_then(Value::as_array);
    let at = list.to_owned();
    let numbered = items.into_iter().flatten().enumerate();
    numbered.map(move |(index, item)| (format!("{at}/{index}"), item))
}

/// The name of an item, its own or that in its metadata.
fn name(item: &Value) -> Option<&str> {
    let own = item.get("name").or_else(|| item.pointer("/metadata/name"));
    own.and_then(Value::as_str)
}

/// A pointer as people write a field.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

fn says_immutable(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "immutable",
        "may not be changed",
        "updates to",
        "cannot be changed",
        "may not change",
    ]
    .iter()
    .any(|words| message.contains(words))
}
