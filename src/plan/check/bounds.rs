//! What a set may write at all, and what the API server can take.

use std::collections::BTreeSet;

use crate::kinds::component::needed;
use crate::object::GroupKind;
use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::observed::ServedKind;
use crate::plan::{Finding, Level, Rule};

/// Most bytes of an object the API server stores.
const MAX_OBJECT_BYTES: usize = 1536 * 1024;
/// Most bytes of all annotations of an object together.
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;

fn written(input: Input<'_>) -> impl Iterator<Item = &Draft<'_>> {
    input
        .drafts
        .iter()
        .filter(|draft| draft.action.writes() || draft.action.deletes())
}

/// A tenant's set stays in the tenant's namespaces.
pub(super) fn namespaces(input: Input<'_>) -> Vec<Finding> {
    let Some(allowed) = &input.context.policy.namespaces else {
        return Vec::new();
    };
    written(input)
        .filter_map(|draft| {
            let message = match &draft.key.namespace {
                Some(namespace) if allowed.contains(namespace) => return None,
                Some(namespace) => format!(
                    "the namespace {namespace} does not belong to {}",
                    input.context.rendered.set.owner
                ),
                None => format!(
                    "an object of the whole cluster cannot belong to {}",
                    input.context.rendered.set.owner
                ),
            };
            Some(draft.finding(Level::Error, Rule::OutOfBounds, message))
        })
        .collect()
}

/// Kinds that belong to the platform.
pub(super) fn forbidden_kinds(input: Input<'_>) -> Vec<Finding> {
    let forbidden = &input.context.policy.forbidden_kinds;
    let outside = written(input).filter(|draft| forbidden.contains(&draft.key.group_kind));
    outside
        .map(|draft| {
            let message = format!(
                "a {} is not for {} to write",
                draft.key.group_kind, input.context.rendered.set.owner
            );
            draft.finding(Level::Error, Rule::OutOfBounds, message)
        })
        .collect()
}

/// A kind must be served, or defined by this plan, in the scope it is written in.
pub(super) fn served(input: Input<'_>) -> Vec<Finding> {
    let discovery = &input.context.world.discovery;
    let text = |draft: &Draft<'_>, pointer: &str| {
        draft
            .body
            .as_ref()?
            .pointer(pointer)?
            .as_str()
            .map(str::to_owned)
    };
    let crds = input.drafts.iter().filter(|draft| {
        draft.action.writes() && draft.key.group_kind.kind == "CustomResourceDefinition"
    });
    let kinds =
        crds.filter_map(|crd| Some((text(crd, "/spec/group")?, text(crd, "/spec/names/kind")?)));
    let kinds: BTreeSet<(String, String)> = kinds.collect();
    let defined = |draft: &Draft<'_>| {
        let GroupKind { group, kind } = draft.key.group_kind.clone();
        kinds.contains(&(group, kind))
    };
    let finding = |draft: &Draft<'_>, (message, help): (String, String)| {
        draft
            .finding(Level::Error, Rule::KindNotServed, message)
            .help(help)
    };
    input
        .drafts
        .iter()
        .filter(|draft| draft.action.writes())
        .filter_map(|draft| match discovery.find(&draft.key.group_kind) {
            Some(kind) => Some(finding(draft, misfit(draft, kind)?)),
            None if !discovery.complete || defined(draft) => None,
            None => Some(finding(draft, unknown(&draft.key.group_kind))),
        })
        .collect()
}

/// Why an object does not fit the kind as it is served, and what to write instead.
fn misfit(draft: &Draft<'_>, kind: &ServedKind) -> Option<(String, String)> {
    let group_kind = &draft.key.group_kind;
    if kind.namespaced != draft.key.namespace.is_some() {
        let (is, has) = if kind.namespaced {
            ("lives in a namespace", "none is given")
        } else {
            ("has no namespace", "one is given")
        };
        return Some((format!("a {group_kind} {is}, and {has}"), String::new()));
    }
    let version = draft.desired?.manifest.api_version.as_str();
    let version = version.rsplit_once('/').map_or(version, |(_, v)| v);
    if kind.versions.iter().any(|v| v == version) {
        return None;
    }
    let served = kind.versions.join(", ");
    let help = kind.versions.first().map(|served| {
        let slash = if group_kind.group.is_empty() { "" } else { "/" };
        format!(
            "write `apiVersion: {}{slash}{served}`, and check its fields: they may have changed",
            group_kind.group
        )
    });
    let message = format!("the cluster does not serve {version} of {group_kind}, but {served}");
    Some((message, help.unwrap_or_default()))
}

/// What is said of a kind that a cluster does not know: by which component it would come, where that is
/// one that kinds build on.
fn unknown(kind: &GroupKind) -> (String, String) {
    let message = format!("the cluster does not serve the kind {kind}");
    match needed::of_group(&kind.group) {
        Some(component) => (
            format!("{message}, which the component `{component}` brings"),
            needed::how_to_add(component),
        ),
        None => {
            let help =
                "install the component that brings this kind, and say so in the platform's files";
            (message, help.to_owned())
        }
    }
}

/// Objects that are too large to be stored.
pub(super) fn size(input: Input<'_>) -> Vec<Finding> {
    let wanted = input.drafts.iter().filter(|draft| draft.action.writes());
    wanted
        .filter_map(|draft| {
            let body = &draft.desired?.manifest.body;
            let bytes = body.to_string().len();
            let notes = body
                .pointer("/metadata/annotations")
                .map_or(0, |a| a.to_string().len());
            let message = if bytes > MAX_OBJECT_BYTES {
                format!(
                    "it has {} KiB, and the API server stores at most {} KiB",
                    bytes / 1024,
                    MAX_OBJECT_BYTES / 1024
                )
            } else if notes > MAX_ANNOTATION_BYTES {
                format!(
                    "its annotations have {} KiB, and at most {} KiB are allowed",
                    notes / 1024,
                    MAX_ANNOTATION_BYTES / 1024
                )
            } else {
                return None;
            };
            Some(
                draft
                    .finding(Level::Error, Rule::TooLarge, message)
                    .help("split it"),
            )
        })
        .collect()
}

/// Steps without the server's word.
pub(super) fn unverified(input: Input<'_>) -> Vec<Finding> {
    let unsure = input
        .drafts
        .iter()
        .filter_map(|draft| Some((draft, draft.action.unverified()?)));
    unsure
        .map(|(draft, why)| {
            let message =
                format!("the API server checks it only right before it is written: {why}");
            draft.finding(Level::Notice, Rule::Unverified, message)
        })
        .collect()
}
