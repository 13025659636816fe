//! What was read becomes what is brought in: Lists unpacked, what the cluster keeps by itself left out,
//! the server's fields taken away, secrets taken out before anything can print them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::known::{CLUSTER_WIDE, KEPT_BY_CLUSTER};
use super::normal::{Side, plain};
use super::{ImportError, Options, Read, Told, named};
use crate::dsl::node::escape;
use crate::kinds::import::{Found, Place, list, text};
use crate::kinds::pod::check::sounds_secret;
use crate::kinds::pod::env::PUBLIC;
use crate::kinds::secret_store::SOURCE;
use crate::kinds::tenant::{ENVIRONMENT_LABEL, TENANT_LABEL};
use crate::object::{Manifest, ObjectKey};
use crate::plan::mask::is_secret_variable;

/// What stands in place of a value that must not be shown.
const WITHHELD: &str = "(withheld)";
/// Kinds without a namespace that kubemate makes for tenants.
const DERIVED: [&str; 3] = [
    "FlowSchema",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];
/// Types of Secrets that programs keep.
const PROGRAMS: [&str; 2] = ["kubernetes.io/service-account-token", "helm.sh/release.v1"];

/// What is brought in.
pub(super) struct Intake {
    /// The objects, and where they belong.
    pub(super) found: Found,
    /// The environment.
    pub(super) environment: String,
    /// Objects that are not, and why.
    pub(super) left: Vec<Told>,
}

pub(super) fn intake(read: Vec<Read>, options: &Options) -> Result<Intake, ImportError> {
    let read: Vec<(String, Vec<Value>)> = read
        .into_iter()
        .map(|one| (one.from, unpack(one.body)))
        .collect();
    let wide = defined_wide(read.iter().flat_map(|(_, bodies)| bodies));
    let mut left = Vec::new();
    let mut objects = Side::new();
    for (from, bodies) in read {
        for body in bodies {
            match taken(body, options, &wide)? {
                Ok((key, body)) => {
                    if objects.insert(key.clone(), body).is_some() {
                        left.push(told(
                            &key,
                            &format!("it is there twice; the one of {from} counts"),
                        ));
                    }
                }
                Err(why) => left.push(why),
            }
        }
    }
    let claimed = claims_of_replicas(&objects);
    for key in claimed {
        objects.remove(&key);
        left.push(told(&key, "its StatefulSet made it, and finds it again"));
    }
    let (mut withheld, mut public) = (BTreeSet::new(), BTreeSet::new());
    for (key, body) in &mut objects {
        withhold(key, body, &mut withheld, &mut public);
    }
    let environment = options
        .environment
        .clone()
        .or_else(|| label(&objects, ENVIRONMENT_LABEL))
        .unwrap_or_else(|| "prod".into());
    let places = places(&objects, options);
    if places.is_empty() {
        return Err(ImportError::Nothing(format!(
            "of {} objects none is of a namespace that a tenant could have",
            objects.len()
        )));
    }
    let found = Found {
        objects,
        places,
        store: options.store.clone(),
        withheld,
        public,
    };
    Ok(Intake {
        found,
        environment,
        left,
    })
}

/// The items of a List, or the object itself.
fn unpack(mut body: Value) -> Vec<Value> {
    let is_list = text(&body, "/kind").is_some_and(|kind| kind.ends_with("List"))
        && body.pointer("/metadata/name").is_none();
    match body.get_mut("items").filter(|_| is_list).map(Value::take) {
        Some(Value::Array(items)) => items.into_iter().flat_map(unpack).collect(),
        _ => vec![body],
    }
}

/// Group and kind of what the definitions that were read say to be without a namespace.
fn defined_wide<'v>(bodies: impl Iterator<Item = &'v Value>) -> BTreeSet<(String, String)> {
    let definitions = bodies.filter(|body| {
        text(body, "/kind") == Some("CustomResourceDefinition")
            && text(body, "/spec/scope") == Some("Cluster")
    });
    let named = definitions.filter_map(|body| {
        let (group, kind) = (text(body, "/spec/group")?, text(body, "/spec/names/kind")?);
        Some((group.to_owned(), kind.to_owned()))
    });
    named.collect()
}

fn told(key: &ObjectKey, why: &str) -> Told {
    Told {
        object: named(key),
        why: why.to_owned(),
    }
}

/// An object in the form in which it is brought in, or why it is not.
fn taken(
    mut body: Value,
    options: &Options,
    wide: &BTreeSet<(String, String)>,
) -> Result<Result<(ObjectKey, Value), Told>, ImportError> {
    let kind = text(&body, "/kind").unwrap_or_default().to_owned();
    let version = text(&body, "/apiVersion").unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let wide =
        CLUSTER_WIDE.contains(&kind.as_str()) || wide.contains(&(group.to_owned(), kind.clone()));
    let name = format!("{kind}/{}", text(&body, "/metadata/name").unwrap_or("?"));
    if !wide
        && text(&body, "/metadata/namespace").is_none()
        && body.pointer("/metadata/name").is_some()
    {
        let Some(namespace) = options.namespace.as_ref().or(options.tenant.as_ref()) else {
            return Err(ImportError::NoNamespace(name));
        };
        body["metadata"]["namespace"] = namespace.as_str().into();
    }
    let reason = reason(&kind, &body).or_else(|| of_another(&kind, &body, &options.project));
    // What is read from a cluster may hold what nobody may write.
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    let mut manifest = body.clone();
    if let Some(map) = manifest.as_object_mut() {
        map.shift_remove("status");
    }
    let key = match Manifest::new(manifest) {
        Ok(manifest) => manifest.key,
        Err(error) => {
            return Ok(Err(Told {
                object: name,
                why: error.to_string(),
            }));
        }
    };
    if let Some(why) = reason {
        return Ok(Err(told(&key, &why)));
    }
    let mut body = plain(&key, &body);
    if key.group_kind.group.is_empty() && key.group_kind.kind == "Secret" {
        blank(&mut body);
    }
    Ok(Ok((key, body)))
}

/// Whether kubemate made it for the tenants of another project, and will make it anew for those of this one.
fn of_another(kind: &str, body: &Value, project: &str) -> Option<String> {
    let name = text(body, "/metadata/name").unwrap_or_default();
    let managed = text(body, "/metadata/labels/app.kubernetes.io~1managed-by") == Some("kubemate");
    let derived = DERIVED.contains(&kind) && managed && name.starts_with("kubemate-");
    let ours = name.contains(&format!(".{project}."));
    (derived && !ours).then(|| "kubemate makes its own for the tenants of a project".to_owned())
}

/// Why an object is none that people wrote.
fn reason(kind: &str, body: &Value) -> Option<String> {
    let owner = list(body, "/metadata/ownerReferences").next();
    if let Some(owner) = owner {
        let word = |field: &str| text(owner, field).unwrap_or("?");
        return Some(format!("{}/{} made it", word("/kind"), word("/name")));
    }
    if KEPT_BY_CLUSTER.contains(&kind) {
        return Some("the cluster keeps it by itself".to_owned());
    }
    let name = text(body, "/metadata/name").unwrap_or_default();
    if matches!(
        (kind, name),
        ("ServiceAccount", "default") | ("ConfigMap", "kube-root-ca.crt")
    ) {
        return Some("the cluster puts it into every namespace".to_owned());
    }
    if kind == "Secret" {
        if text(body, "/type").is_some_and(|own| PROGRAMS.contains(&own)) {
            return Some("a program keeps it".to_owned());
        }
        if let Some(certificate) = text(
            body,
            "/metadata/annotations/cert-manager.io~1certificate-name",
        ) {
            return Some(format!(
                "cert-manager keeps it for Certificate/{certificate}"
            ));
        }
    }
    None
}

/// Takes the values out of a Secret; what its keys are is no secret.
fn blank(body: &mut Value) {
    for field in ["data", "stringData"] {
        if let Some(Value::Object(map)) = body.get_mut(field) {
            map.values_mut().for_each(|value| *value = WITHHELD.into());
        }
    }
}

/// Claims that StatefulSets make for their replicas: `TEMPLATE-SET-NUMBER`.
fn claims_of_replicas(objects: &Side) -> Vec<ObjectKey> {
    let sets = objects
        .iter()
        .filter(|(key, _)| key.group_kind.kind == "StatefulSet");
    let prefixes: Vec<(Option<String>, String)> = sets
        .flat_map(|(key, body)| {
            let claims = list(body, "/spec/volumeClaimTemplates")
                .filter_map(|claim| text(claim, "/metadata/name"));
            claims
                .map(|claim| (key.namespace.clone(), format!("{claim}-{}-", key.name)))
                .collect::<Vec<_>>()
        })
        .collect();
    let made = |key: &ObjectKey| {
        let number = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit());
        prefixes.iter().any(|(namespace, prefix)| {
            *namespace == key.namespace
                && key.name.strip_prefix(prefix.as_str()).is_some_and(number)
        })
    };
    let claims = objects
        .keys()
        .filter(|key| key.group_kind.kind == "PersistentVolumeClaim");
    claims.filter(|key| made(key)).cloned().collect()
}

/// Takes the values of variables that sound like secrets out of a workload, but for those that its pods
/// say are none.
fn withhold(
    key: &ObjectKey,
    body: &mut Value,
    withheld: &mut BTreeSet<(ObjectKey, String, String)>,
    public: &mut BTreeSet<(ObjectKey, String)>,
) {
    for at in [
        "/spec",
        "/spec/template/spec",
        "/spec/jobTemplate/spec/template/spec",
    ] {
        let open = open(body, at);
        for field in ["containers", "initContainers"] {
            let containers = body
                .pointer_mut(&format!("{at}/{field}"))
                .and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                let name = text(container, "/name").unwrap_or_default().to_owned();
                for variable in container
                    .get_mut("env")
                    .and_then(Value::as_array_mut)
                    .into_iter()
                    .flatten()
                {
                    let called = text(variable, "/name").unwrap_or_default().to_owned();
                    let literal = text(variable, "/value").is_some_and(|value| !value.is_empty());
                    if open.contains(&called) {
                        public.insert((key.clone(), called));
                    } else if literal && (sounds_secret(&called) || is_secret_variable(variable)) {
                        variable["value"] = json!(WITHHELD);
                        withheld.insert((key.clone(), name.clone(), called));
                    }
                }
            }
        }
    }
}

/// The variables that the pod at a pointer says are no secrets.
fn open(body: &Value, at: &str) -> BTreeSet<String> {
    let metadata = at.strip_suffix("/spec").unwrap_or(at);
    let annotation = format!("{metadata}/metadata/annotations/{}", escape(PUBLIC));
    let names = text(body, &annotation).unwrap_or_default();
    names.split_whitespace().map(str::to_owned).collect()
}

/// The first value that a namespace has for a label.
fn label(objects: &Side, label: &str) -> Option<String> {
    let mut namespaces = objects
        .iter()
        .filter(|(key, _)| key.group_kind.kind == "Namespace");
    namespaces.find_map(|(_, body)| {
        body.pointer("/metadata/labels")?
            .get(label)?
            .as_str()
            .map(str::to_owned)
    })
}

/// Namespaces that stores hand out Secrets of, where no more than the rights to do so was read: no tenant's.
fn sources(objects: &Side) -> BTreeSet<&str> {
    let stores = objects
        .iter()
        .filter(|(key, _)| key.group_kind.kind == "SecretStore");
    let named = stores.filter_map(|(_, body)| text(body, SOURCE));
    let rights_alone = |name: &&str| {
        let mut own = objects
            .keys()
            .filter(|key| key.namespace.as_deref() == Some(*name));
        own.all(|key| key.group_kind.group == "rbac.authorization.k8s.io")
    };
    named.filter(rights_alone).collect()
}

/// Where the namespaces belong: to the tenant that their label says, to the one that was named where
/// they begin with its name, else each to a tenant of its own name.
fn places(objects: &Side, options: &Options) -> BTreeMap<String, Place> {
    let sources = sources(objects);
    let mut names: BTreeSet<&str> = objects
        .keys()
        .filter_map(|key| key.namespace.as_deref())
        .filter(|name| !sources.contains(name))
        .collect();
    let namespaces = objects
        .iter()
        .filter(|(key, _)| key.group_kind.kind == "Namespace");
    names.extend(namespaces.map(|(key, _)| key.name.as_str()));
    let labelled = |name: &str| {
        let mut all = objects.iter();
        let (_, body) =
            all.find(|(key, _)| key.group_kind.kind == "Namespace" && key.name == name)?;
        body.pointer("/metadata/labels")?
            .get(TENANT_LABEL)?
            .as_str()
            .map(str::to_owned)
    };
    let place = |name: &str| {
        let tenant = labelled(name).or_else(|| options.tenant.clone());
        let rest = tenant
            .as_deref()
            .and_then(|tenant| name.strip_prefix(tenant));
        match (
            tenant,
            rest.map(|rest| rest.strip_prefix('-').filter(|r| !r.is_empty()).ok_or(rest)),
        ) {
            (Some(tenant), Some(Ok(rest))) => (tenant, Some(rest.to_owned())),
            (Some(tenant), Some(Err(""))) => (tenant, None),
            _ => (name.to_owned(), None),
        }
    };
    let mut out: BTreeMap<String, Place> = BTreeMap::new();
    for name in names {
        let (tenant, name_in) = place(name);
        out.insert(
            name.to_owned(),
            Place {
                tenant,
                name: name_in,
            },
        );
    }
    // A tenant has either one namespace of its own name, or such that begin with it.
    let whole: BTreeSet<String> = out
        .values()
        .filter(|p| p.name.is_none())
        .map(|p| p.tenant.clone())
        .collect();
    for (name, place) in &mut out {
        if place.name.is_some() && whole.contains(&place.tenant) {
            *place = Place {
                tenant: name.clone(),
                name: None,
            };
        }
    }
    out
}
