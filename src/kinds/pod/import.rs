//! The way back of a pod: its containers, volumes, placement and security as fields of the language.

mod container;
mod volumes;

use serde_json::{Value, json};

use super::placement::{Effect, SpreadBy};
use crate::kinds::import::{Drafts, Fields, Found, Place, list, map, seconds, text};
use crate::object::ObjectKey;

pub(crate) use self::container::{amount, container, image, port_name, speaks};
pub(crate) use self::volumes::claimed;

/// A pod on its way back, and what was noticed on it.
pub(crate) struct Back<'a> {
    /// Everything that was found.
    pub(crate) found: &'a Found,
    /// The object that holds the pod.
    pub(crate) key: &'a ObjectKey,
    /// Where that is.
    pub(crate) place: &'a Place,
    /// Name of the resource.
    pub(crate) owner: &'a str,
    /// The pod's spec.
    pub(crate) spec: &'a Value,
    /// Names of ports that Services give to numbers: the pod names them the same.
    pub(crate) ports: Vec<(u64, String)>,
    /// Objects that get another name.
    pub(crate) renamed: Vec<(ObjectKey, ObjectKey)>,
    /// What its reader has to know.
    pub(crate) notes: Vec<String>,
}

impl<'a> Back<'a> {
    /// The namespace in the cluster.
    pub(crate) fn namespace(&self) -> &'a str {
        self.key.namespace.as_deref().unwrap_or_default()
    }

    /// The name of a ConfigMap within the resource: without the resource's own name in front.
    pub(crate) fn config_name(&self, config_map: &str) -> String {
        let prefix = format!("{}-", self.owner);
        let own = config_map
            .strip_prefix(&prefix)
            .filter(|rest| !rest.is_empty());
        own.unwrap_or(config_map).replace('.', "-")
    }

    /// The container that is the program itself: the one called like the resource, else the first.
    pub(crate) fn main(&self) -> Option<&'a Value> {
        let mut all = list(self.spec, "/containers");
        let named = all.find(|c| text(c, "/name") == Some(self.owner));
        named.or_else(|| list(self.spec, "/containers").next())
    }

    /// Whether the pod opens up its node, which only the platform may let it do.
    pub(crate) fn opens_node(&self) -> bool {
        let flag =
            |at: &Value, pointer: &str| at.pointer(pointer).and_then(Value::as_bool) == Some(true);
        let host = ["/hostNetwork", "/hostPID", "/hostIPC"]
            .iter()
            .any(|p| flag(self.spec, p));
        let path = list(self.spec, "/volumes").any(|v| v.get("hostPath").is_some());
        let strong = self.main().is_some_and(|main| {
            flag(main, "/securityContext/privileged")
                || list(main, "/securityContext/capabilities/add").any(|c| c != "NET_BIND_SERVICE")
        });
        host || path || strong || self.runs_as_root()
    }

    /// Whether it says that it runs as root.
    fn runs_as_root(&self) -> bool {
        let user = |at: &Value| {
            at.pointer("/securityContext/runAsUser")
                .and_then(Value::as_u64)
                == Some(0)
        };
        let allowed = |at: &Value| {
            at.pointer("/securityContext/runAsNonRoot")
                .and_then(Value::as_bool)
                == Some(false)
        };
        user(self.spec) || allowed(self.spec) || self.main().is_some_and(|m| user(m) || allowed(m))
    }
}

/// Everything about the pod that stands beside its main container.
pub(crate) fn pod(
    back: &mut Back<'_>,
    fields: &mut Fields,
    helpers_beside: bool,
    drafts: &mut Drafts,
) {
    volumes::volumes(back, fields, drafts);
    let main = back.main();
    for one in list(back.spec, "/initContainers") {
        let helper = text(one, "/restartPolicy") == Some("Always");
        let name = text(one, "/name").unwrap_or_default();
        let field = if helper && helpers_beside {
            "sidecar"
        } else {
            "init"
        };
        let value = beside(back, one, drafts);
        fields.entry(field, name, value);
    }
    for one in list(back.spec, "/containers").filter(|c| Some(*c) != main) {
        let name = text(one, "/name").unwrap_or_default();
        let value = beside(back, one, drafts);
        fields.entry("sidecar", name, value);
    }
    fields.put("placement", placement(back.spec));
    fields.put("security", security(back));
    fields.put("shutdown", shutdown(back));
}

fn beside(back: &mut Back<'_>, one: &Value, drafts: &mut Drafts) -> Value {
    let mut fields = container(back, one, drafts);
    for mount in list(one, "/volumeMounts") {
        let (Some(name), Some(path)) = (text(mount, "/name"), text(mount, "/mountPath")) else {
            continue;
        };
        let mut value = Fields::new();
        value.put("path", path);
        let config = volumes::config_of(back, name);
        if config.is_none() && mount.get("readOnly") == Some(&true.into()) {
            value.put("read-only", true);
        }
        fields.entry("mount", &config.unwrap_or_else(|| name.to_owned()), value);
    }
    if !read_only_root(one) {
        fields.put("read-only-root", false);
    }
    fields.into()
}

fn read_only_root(container: &Value) -> bool {
    container.pointer("/securityContext/readOnlyRootFilesystem") == Some(&true.into())
}

fn placement(spec: &Value) -> Value {
    let mut out = Fields::new();
    let mut spread = Vec::new();
    for rule in list(spec, "/topologySpreadConstraints") {
        let by = [(SpreadBy::Zone, "zone"), (SpreadBy::Node, "node")];
        let over = text(rule, "/topologyKey");
        let Some((_, word)) = by.iter().find(|(by, _)| over == Some(by.label())) else {
            continue;
        };
        let mut one = Fields::new();
        one.put("by", *word);
        one.may("skew", rule.get("maxSkew").filter(|n| **n != 1).cloned());
        if text(rule, "/whenUnsatisfiable") == Some("DoNotSchedule") {
            one.put("strict", true);
        }
        spread.push(Value::from(one));
    }
    out.put("spread", spread);
    let labels =
        map(spec, "/nodeSelector").filter_map(|(k, v)| Some(format!("{k}={}", v.as_str()?).into()));
    out.put("node-label", labels.collect::<Vec<Value>>());
    out.put(
        "tolerate",
        list(spec, "/tolerations")
            .filter_map(toleration)
            .collect::<Vec<Value>>(),
    );
    out.may("priority", text(spec, "/priorityClassName"));
    out.may("runtime", text(spec, "/runtimeClassName"));
    out.into()
}

fn toleration(taint: &Value) -> Option<Value> {
    let mut out = Fields::new();
    out.put("key", text(taint, "/key")?);
    if text(taint, "/operator") != Some("Exists") {
        out.put("value", text(taint, "/value").unwrap_or_default());
    }
    let effects = [
        (Effect::NoSchedule, "no-schedule"),
        (Effect::PreferNoSchedule, "prefer-no-schedule"),
        (Effect::NoExecute, "no-execute"),
    ];
    let effect =
        text(taint, "/effect").and_then(|e| effects.iter().find(|(effect, _)| effect.name() == e));
    out.may("effect", effect.map(|(_, word)| *word));
    out.may("for", seconds(taint.get("tolerationSeconds")));
    Some(out.into())
}

fn security(back: &Back<'_>) -> Value {
    let none = Value::Null;
    let main = back.main().unwrap_or(&none);
    let number = |field: &str| {
        let at = format!("/securityContext/{field}");
        main.pointer(&at)
            .or_else(|| back.spec.pointer(&at))
            .cloned()
    };
    let mut out = Fields::new();
    out.may("user", number("runAsUser"));
    out.may("group", number("runAsGroup"));
    out.may(
        "volume-group",
        back.spec.pointer("/securityContext/fsGroup").cloned(),
    );
    let privileged = main.pointer("/securityContext/privileged") == Some(&true.into());
    if !read_only_root(main) && !privileged {
        out.put("read-only-root", false);
    }
    if back
        .spec
        .get("automountServiceAccountToken")
        .is_none_or(|v| v == true)
        && has_account(back.spec)
    {
        out.put("api-token", true);
    }
    let capabilities: Vec<Value> = list(main, "/securityContext/capabilities/add")
        .cloned()
        .collect();
    out.put("capabilities", capabilities);
    if back.runs_as_root() {
        out.put("root", true);
    }
    if privileged {
        out.put("privileged", true);
    }
    let host = [
        ("hostNetwork", "network"),
        ("hostPID", "pid"),
        ("hostIPC", "ipc"),
    ];
    let host = host
        .iter()
        .filter(|(field, _)| back.spec.get(*field) == Some(&true.into()));
    out.put(
        "host",
        host.map(|(_, word)| json!(word)).collect::<Vec<Value>>(),
    );
    out.into()
}

/// Whether it runs as an account of its own: such programs talk to the API server.
fn has_account(spec: &Value) -> bool {
    let account = text(spec, "/serviceAccountName").or_else(|| text(spec, "/serviceAccount"));
    account.is_some_and(|name| !matches!(name, "" | "default"))
}

fn shutdown(back: &Back<'_>) -> Value {
    let mut out = Fields::new();
    let grace = back
        .spec
        .get("terminationGracePeriodSeconds")
        .filter(|s| **s != 30);
    out.may("grace", seconds(grace));
    if let Some(main) = back.main() {
        out.may(
            "drain",
            seconds(main.pointer("/lifecycle/preStop/sleep/seconds")),
        );
        out.put(
            "exec",
            list(main, "/lifecycle/preStop/exec/command")
                .cloned()
                .collect::<Vec<Value>>(),
        );
    }
    out.into()
}
