//! A pod as data for templates: plain JSON, and for each part of it the field it comes from. What is
//! not set is left out, so that the server's defaults stay the server's.

mod container;
mod volumes;

use serde_json::{Map, Value, json};

pub use self::container::{ContainerView, MountView};
use super::placement::Effect;
use super::{Config, Placement, Security, Volume};
use crate::dsl::form::Keyed;
use crate::dsl::node::escape;
use crate::kinds::ObjectRequest;
use crate::names::Name;

/// JSON with the origins of its parts: pointer in the value to pointer in the resource.
#[derive(Debug, Clone, Default)]
pub struct Traced {
    /// The value.
    pub value: Value,
    /// Where its parts come from.
    pub origins: Vec<(String, String)>,
}

impl Traced {
    /// An object without fields.
    pub fn object() -> Self {
        Self {
            value: Value::Object(Map::new()),
            origins: Vec::new(),
        }
    }

    /// A list without items.
    pub fn list() -> Self {
        Self {
            value: Value::Array(Vec::new()),
            origins: Vec::new(),
        }
    }

    /// Sets a field that no field of the resource decides. Null, and empty lists and maps, are left out.
    pub fn set(&mut self, key: &str, value: Value) {
        let empty = match &value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if let (false, Some(map)) = (empty, self.value.as_object_mut()) {
            map.insert(key.to_owned(), value);
        }
    }

    /// Sets a field that comes from `origin`.
    pub fn put(&mut self, key: &str, value: Value, origin: &str) {
        self.set(key, value);
        self.origins
            .push((format!("/{}", escape(key)), origin.to_owned()));
    }

    /// Sets a field with origins of its own.
    pub fn nest(&mut self, key: &str, inner: Self) {
        let at = format!("/{}", escape(key));
        self.set(key, inner.value);
        self.origins.extend(
            inner
                .origins
                .into_iter()
                .map(|(p, o)| (format!("{at}{p}"), o)),
        );
    }

    /// Appends an item with origins of its own.
    pub fn push(&mut self, inner: Self) {
        if let Some(list) = self.value.as_array_mut() {
            let at = format!("/{}", list.len());
            list.push(inner.value);
            self.origins.extend(
                inner
                    .origins
                    .into_iter()
                    .map(|(p, o)| (format!("{at}{p}"), o)),
            );
        }
    }

    /// Appends an item that comes from `origin`.
    pub fn push_from(&mut self, value: Value, origin: &str) {
        let inner = Self {
            value,
            origins: vec![(String::new(), origin.to_owned())],
        };
        self.push(inner);
    }

    /// Adds it to a request under a name.
    pub fn into_request(self, name: &str, request: ObjectRequest) -> ObjectRequest {
        let mut request = request.set(name, &self.value);
        for (pointer, origin) in self.origins {
            request.origins.insert(format!("/{name}{pointer}"), origin);
        }
        request
    }
}

/// Everything that a pod is made of.
#[derive(Debug)]
pub struct PodView<'a> {
    /// Name of the resource; its configurations and claims are called after it.
    pub owner: &'a str,
    /// Service account that the pod runs as.
    pub service_account: &'a str,
    /// Containers that run together; the program itself is the first.
    pub containers: Vec<ContainerView<'a>>,
    /// Containers that run before, one after the other.
    pub init: Vec<ContainerView<'a>>,
    /// Containers that start before and run until the others have ended.
    pub helpers: Vec<ContainerView<'a>>,
    /// Configurations that containers mount.
    pub config: &'a Keyed<Name, Config>,
    /// Volumes that containers mount.
    pub volume: &'a Keyed<Name, Volume>,
    /// Whether volumes of each replica are claimed by the workload itself.
    pub claims_by_workload: bool,
    /// On which nodes it runs.
    pub placement: &'a Placement,
    /// What it may do there.
    pub security: &'a Security,
    /// Labels by which its siblings are found.
    pub selector: &'a Value,
    /// Seconds to end before it is killed.
    pub grace: Option<u64>,
    /// Secrets with which its images are fetched.
    pub pull_secrets: Vec<String>,
    /// `OnFailure` or `Never` for pods that end.
    pub restart: Option<&'static str>,
}

/// The spec of a pod.
pub fn pod(view: &PodView<'_>) -> Traced {
    let mut spec = Traced::object();
    spec.set("serviceAccountName", view.service_account.into());
    spec.put(
        "automountServiceAccountToken",
        view.security.api_token.into(),
        "/security/api-token",
    );
    spec.set("enableServiceLinks", false.into());
    spec.set(
        "restartPolicy",
        view.restart.map_or(Value::Null, Value::from),
    );
    spec.put(
        "terminationGracePeriodSeconds",
        view.grace.map_or(Value::Null, Value::from),
        "/shutdown/grace",
    );
    spec.put("imagePullSecrets", named(&view.pull_secrets), "/image");
    spec.set("securityContext", security(view.security));
    for host in &view.security.host {
        let field = match host {
            super::security::HostNamespace::Network => "hostNetwork",
            super::security::HostNamespace::Pid => "hostPID",
            super::security::HostNamespace::Ipc => "hostIPC",
        };
        spec.put(field, true.into(), "/security/host");
    }
    place(view, &mut spec);
    let mut init = Traced::list();
    for helper in &view.helpers {
        let mut container = container::container(helper, view);
        container.set("restartPolicy", "Always".into());
        init.push(container);
    }
    view.init
        .iter()
        .for_each(|c| init.push(container::container(c, view)));
    spec.nest("initContainers", init);
    let mut containers = Traced::list();
    view.containers
        .iter()
        .for_each(|c| containers.push(container::container(c, view)));
    spec.nest("containers", containers);
    spec.nest("volumes", volumes::volumes(view));
    spec
}

/// References to objects by name alone, as pods and their accounts name secrets.
pub fn named(names: &[String]) -> Value {
    let one = |name: &String| json!({ "name": name });
    Value::Array(names.iter().map(one).collect())
}

/// The claims that a workload makes for each of its replicas.
pub fn claim_templates(volume: &Keyed<Name, Volume>) -> Traced {
    volumes::claim_templates(volume)
}

/// The spec of a claim for a volume.
pub fn claim_spec(volume: &Volume) -> Value {
    volumes::claim_spec(volume)
}

fn security(security: &Security) -> Value {
    let mut context = Map::new();
    context.insert("runAsNonRoot".into(), (!security.root).into());
    let ids = [
        ("runAsUser", security.user),
        ("runAsGroup", security.group),
        ("fsGroup", security.volume_group),
    ];
    for (field, id) in ids {
        id.map(|id| context.insert(field.into(), id.into()));
    }
    if security.volume_group.is_some() {
        context.insert("fsGroupChangePolicy".into(), "OnRootMismatch".into());
    }
    context.insert("seccompProfile".into(), json!({ "type": "RuntimeDefault" }));
    context.into()
}

fn place(view: &PodView<'_>, spec: &mut Traced) {
    let placement = view.placement;
    let labels = placement.node_label.iter();
    let labels: Map<String, Value> = labels
        .map(|l| (l.key().to_string(), l.value().to_string().into()))
        .collect();
    spec.put("nodeSelector", labels.into(), "/placement/node-label");
    let class = |name: &Option<crate::names::ObjectName>| {
        name.as_ref().map_or(Value::Null, |n| n.as_str().into())
    };
    spec.put(
        "priorityClassName",
        class(&placement.priority),
        "/placement/priority",
    );
    spec.put(
        "runtimeClassName",
        class(&placement.runtime),
        "/placement/runtime",
    );
    let mut spread = Traced::list();
    for (index, rule) in placement.spread.iter().enumerate() {
        let unsatisfiable = if rule.strict {
            "DoNotSchedule"
        } else {
            "ScheduleAnyway"
        };
        let value = json!({
            "maxSkew": rule.skew,
            "topologyKey": rule.by.label(),
            "whenUnsatisfiable": unsatisfiable,
            "labelSelector": { "matchLabels": view.selector },
        });
        spread.push_from(value, &format!("/placement/spread/{index}"));
    }
    spec.nest("topologySpreadConstraints", spread);
    let mut tolerations = Traced::list();
    for (index, taint) in placement.tolerate.iter().enumerate() {
        let mut one = Map::new();
        one.insert("key".into(), taint.key.as_str().into());
        match &taint.value {
            Some(value) => {
                one.insert("operator".into(), "Equal".into());
                one.insert("value".into(), value.as_str().into());
            }
            None => {
                one.insert("operator".into(), "Exists".into());
            }
        }
        // Only pods that would be removed can be removed later.
        let removed = taint.lasting.map(|_| Effect::NoExecute);
        taint
            .effect
            .or(removed)
            .map(|e| one.insert("effect".into(), e.name().into()));
        taint
            .lasting
            .map(|d| one.insert("tolerationSeconds".into(), d.to_seconds().into()));
        tolerations.push_from(one.into(), &format!("/placement/tolerate/{index}"));
    }
    spec.nest("tolerations", tolerations);
}
