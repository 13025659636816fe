//! One container as data.

use serde_json::{Map, Value, json};

use super::{PodView, Traced};
use crate::dsl::form::{Block, Keyed};
use crate::dsl::node::escape;
use crate::kinds::pod::resources::Amounts;
use crate::kinds::pod::{
    Container, EnvFrom, EnvValue, Plain, Port, Probe, ProbeName, Release, Resources,
};
use crate::names::{EnvVarName, PortName};
use crate::values::image::ImageRepository;

/// A container, whatever resource it is written in.
#[derive(Debug, Clone)]
pub struct ContainerView<'a> {
    /// Its name.
    pub name: &'a str,
    /// JSON pointer of the block it is written in; empty for the resource itself.
    pub at: String,
    /// Repository of the image.
    pub image: &'a ImageRepository,
    /// Version of the image.
    pub version: Option<&'a Release>,
    /// Program to run.
    pub command: Vec<Plain>,
    /// Arguments of the program.
    pub args: &'a [Plain],
    /// Environment variables, and the pointers of the blocks they are written in; later ones win.
    pub env: Vec<(String, &'a Block<EnvVarName, EnvValue>)>,
    /// Whole secrets and configurations as environment variables.
    pub env_from: Vec<(String, &'a [EnvFrom])>,
    /// Ports.
    pub port: Option<&'a Keyed<PortName, Port>>,
    /// Probes.
    pub probe: Option<&'a Keyed<ProbeName, Probe>>,
    /// CPU, memory and devices.
    pub resources: &'a Resources,
    /// What it mounts.
    pub mounts: Vec<MountView>,
    /// Whether its own file system is read-only.
    pub read_only_root: bool,
    /// What happens before it ends.
    pub pre_stop: Option<Value>,
}

impl<'a> ContainerView<'a> {
    /// A container beside the main one.
    pub fn beside(name: &'a str, at: String, container: &'a Container) -> Self {
        let mounts = container.mount.iter().map(|(volume, mount)| MountView {
            volume: volume.to_string(),
            path: mount.path.to_string(),
            sub_path: None,
            read_only: mount.read_only,
            at: format!("{at}/mount/{volume}"),
        });
        Self {
            name,
            image: &container.image,
            version: container.version.as_ref(),
            command: container.command.clone(),
            args: &container.args,
            env: vec![(format!("{at}/env"), &container.env)],
            env_from: vec![(format!("{at}/env-from"), &*container.env_from)],
            port: Some(&container.port),
            probe: Some(&container.probe),
            resources: &container.resources,
            mounts: mounts.collect(),
            read_only_root: container.read_only_root,
            pre_stop: None,
            at,
        }
    }
}

/// A mount of a volume or a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountView {
    /// Name of the volume or configuration.
    pub volume: String,
    /// Directory in the container.
    pub path: String,
    /// Directory in the volume.
    pub sub_path: Option<String>,
    /// Whether it is read-only.
    pub read_only: bool,
    /// JSON pointer of what says so.
    pub at: String,
}

pub(super) fn container(view: &ContainerView<'_>, pod: &PodView<'_>) -> Traced {
    let at = &view.at;
    let mut out = Traced::object();
    out.set("name", view.name.into());
    let image = view
        .version
        .map_or_else(|| view.image.to_string(), |v| v.of(view.image));
    let decided = if view.version.is_some() {
        "version/tag"
    } else {
        "image"
    };
    out.put("image", image.into(), &format!("{at}/{decided}"));
    out.put("command", words(&view.command), &format!("{at}/command"));
    out.put("args", words(view.args), &format!("{at}/args"));
    out.nest("envFrom", env_from(view, pod));
    out.nest("env", env(view, pod));
    let mut ports = Traced::list();
    for (name, port) in view.port.iter().flat_map(|p| p.iter()) {
        let value = json!({
            "name": name,
            "containerPort": port.number,
            "protocol": port.protocol.name(),
        });
        ports.push_from(value, &format!("{at}/port/{name}"));
    }
    out.nest("ports", ports);
    for (name, probe) in view.probe.iter().flat_map(|p| p.iter()) {
        let value = question(probe, view);
        out.put(name.field(), value, &format!("{at}/probe/{}", name.word()));
    }
    out.put(
        "resources",
        resources(view.resources),
        &format!("{at}/resources"),
    );
    out.set("securityContext", security(view, pod));
    let stop = view.pre_stop.clone();
    let hook = stop.map_or(Value::Null, |stop| json!({ "preStop": stop }));
    out.put("lifecycle", hook, "/shutdown");
    let mut mounts = Traced::list();
    for mount in &view.mounts {
        let mut value = Map::new();
        value.insert("name".into(), volume_name(&mount.volume, pod).into());
        value.insert("mountPath".into(), mount.path.as_str().into());
        let sub = mount.sub_path.as_deref();
        sub.map(|s| value.insert("subPath".into(), s.into()));
        if mount.read_only || pod.config.keys().any(|c| c.as_str() == mount.volume) {
            value.insert("readOnly".into(), true.into());
        }
        mounts.push_from(value.into(), &mount.at);
    }
    out.nest("volumeMounts", mounts);
    out
}

/// A volume and a configuration may have the same name; in the pod they differ.
pub(super) fn volume_name(name: &str, pod: &PodView<'_>) -> String {
    if pod.config.keys().any(|c| c.as_str() == name) {
        format!("config-{name}")
    } else {
        name.to_owned()
    }
}

fn words(words: &[Plain]) -> Value {
    words.iter().map(|w| Value::from(w.as_str())).collect()
}

fn env(view: &ContainerView<'_>, pod: &PodView<'_>) -> Traced {
    let mut out = Traced::list();
    for (index, (at, block)) in view.env.iter().enumerate() {
        for (name, value) in block.iter() {
            let later = view.env[index + 1..].iter();
            if later.clone().any(|(_, block)| block.contains_key(name)) {
                continue;
            }
            let origin = format!("{at}/{}", escape(name.as_str()));
            out.push_from(variable(name, value, pod), &origin);
        }
    }
    out
}

fn variable(name: &EnvVarName, from: &EnvValue, pod: &PodView<'_>) -> Value {
    let mut reference = Map::new();
    from.key
        .as_ref()
        .map(|key| reference.insert("key".into(), key.as_str().into()));
    if from.optional {
        reference.insert("optional".into(), true.into());
    }
    if let Some(secret) = &from.secret {
        reference.insert("name".into(), secret.name().into());
        return json!({ "name": name, "valueFrom": { "secretKeyRef": reference } });
    }
    if let Some(config) = &from.config {
        reference.insert("name".into(), format!("{}-{config}", pod.owner).into());
        return json!({ "name": name, "valueFrom": { "configMapKeyRef": reference } });
    }
    if let Some(fact) = from.fact {
        let field = json!({ "fieldPath": fact.field() });
        return json!({ "name": name, "valueFrom": { "fieldRef": field } });
    }
    json!({ "name": name, "value": from.value.as_ref().map_or("", Plain::as_str) })
}

fn env_from(view: &ContainerView<'_>, pod: &PodView<'_>) -> Traced {
    let mut out = Traced::list();
    for (at, list) in &view.env_from {
        for (index, from) in list.iter().enumerate() {
            let mut value = Map::new();
            from.prefix
                .as_ref()
                .map(|p| value.insert("prefix".into(), p.as_str().into()));
            if let Some(secret) = &from.secret {
                value.insert("secretRef".into(), json!({ "name": secret.name() }));
            }
            if let Some(config) = &from.config {
                let name = format!("{}-{config}", pod.owner);
                value.insert("configMapRef".into(), json!({ "name": name }));
            }
            out.push_from(value.into(), &format!("{at}/{index}"));
        }
    }
    out
}

fn question(probe: &Probe, view: &ContainerView<'_>) -> Value {
    let only = || {
        view.port
            .and_then(|ports| ports.values().next())
            .map(|p| json!(p.number))
    };
    let port = probe
        .port
        .as_ref()
        .map(|p| json!(p))
        .or_else(only)
        .unwrap_or(Value::Null);
    let mut out = Map::new();
    if let Some(path) = &probe.path {
        let mut get = json!({ "path": path, "port": port });
        if probe.tls {
            get["scheme"] = "HTTPS".into();
        }
        out.insert("httpGet".into(), get);
    } else if let Some(service) = &probe.grpc {
        let number = number_of(&port, view);
        let mut grpc = json!({ "port": number });
        if !service.is_empty() {
            grpc["service"] = service.as_str().into();
        }
        out.insert("grpc".into(), grpc);
    } else if probe.exec.is_empty() {
        out.insert("tcpSocket".into(), json!({ "port": port }));
    } else {
        out.insert("exec".into(), json!({ "command": words(&probe.exec) }));
    }
    let seconds = [
        ("initialDelaySeconds", probe.delay),
        ("periodSeconds", probe.every),
        ("timeoutSeconds", probe.timeout),
    ];
    for (field, value) in seconds {
        value.map(|d| out.insert(field.into(), d.to_seconds().into()));
    }
    probe
        .failures
        .map(|n| out.insert("failureThreshold".into(), n.into()));
    probe
        .successes
        .map(|n| out.insert("successThreshold".into(), n.into()));
    out.into()
}

/// gRPC probes know numbers only.
fn number_of(port: &Value, view: &ContainerView<'_>) -> Value {
    let named = port.as_str().and_then(|name| {
        let mut ports = view.port.iter().flat_map(|p| p.iter());
        ports
            .find(|(n, _)| n.as_str() == name)
            .map(|(_, p)| json!(p.number))
    });
    named.unwrap_or_else(|| port.clone())
}

fn resources(resources: &Resources) -> Value {
    let amounts = |amounts: &Amounts| {
        let mut out = Map::new();
        amounts.cpu.map(|a| out.insert("cpu".into(), json!(a)));
        amounts
            .memory
            .map(|a| out.insert("memory".into(), json!(a)));
        amounts
            .scratch
            .map(|a| out.insert("ephemeral-storage".into(), json!(a)));
        out
    };
    let requests = amounts(&resources.requests);
    let mut limits = amounts(&resources.limits);
    for (device, count) in resources.device.iter() {
        limits.insert(device.to_string(), count.to_string().into());
    }
    let mut out = Map::new();
    if !requests.is_empty() {
        out.insert("requests".into(), requests.into());
    }
    if !limits.is_empty() {
        out.insert("limits".into(), limits.into());
    }
    out.into()
}

fn security(view: &ContainerView<'_>, pod: &PodView<'_>) -> Value {
    let main = view.at.is_empty();
    if pod.security.privileged && main {
        return json!({ "privileged": true });
    }
    let add: Vec<Value> = pod.security.capabilities.iter().map(|c| json!(c)).collect();
    let mut capabilities = json!({ "drop": ["ALL"] });
    if main && !add.is_empty() {
        capabilities["add"] = add.into();
    }
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": view.read_only_root,
        "capabilities": capabilities,
    })
}
