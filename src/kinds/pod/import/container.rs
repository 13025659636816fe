//! One container back into the words that the program itself and containers beside it share.

use serde_json::{Map, Value};

use super::Back;
use crate::kinds::import::{Drafts, Fields, list, map, seconds, text};
use crate::kinds::pod::ProbeName;
use crate::kinds::pod::env::Fact;
use crate::kinds::pod::network::Speaks;

const FACTS: &[(Fact, &str)] = &[
    (Fact::PodName, "pod-name"),
    (Fact::PodIp, "pod-ip"),
    (Fact::PodUid, "pod-uid"),
    (Fact::Namespace, "namespace"),
    (Fact::NodeName, "node-name"),
    (Fact::NodeIp, "node-ip"),
];
/// Longest name of a port.
const PORT_NAME: usize = 15;

/// What every container says.
pub(crate) fn container(back: &mut Back<'_>, one: &Value, drafts: &mut Drafts) -> Fields {
    let mut out = Fields::new();
    let (repository, version) = image(text(one, "/image").unwrap_or_default());
    out.put("image", repository);
    out.put("version", version);
    for field in ["command", "args"] {
        out.put(
            field,
            list(one, &format!("/{field}"))
                .cloned()
                .collect::<Vec<Value>>(),
        );
    }
    env(back, one, &mut out, drafts);
    for port in list(one, "/ports") {
        if let Some((name, value)) = self::port(back, port) {
            out.entry("port", &name, value);
        }
    }
    for name in [
        ProbeName::Readiness,
        ProbeName::Liveness,
        ProbeName::Startup,
    ] {
        if let Some(probe) = one.get(name.field()) {
            let value = self::probe(one, probe, back);
            out.entry("probe", name.word(), value);
        }
    }
    out.put("resources", resources(one));
    out
}

/// An image as its repository and its version.
pub(crate) fn image(reference: &str) -> (String, Value) {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let after_host = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[after_host..].rfind(':') {
        Some(colon) => (
            &name[..after_host + colon],
            Some(&name[after_host + colon + 1..]),
        ),
        None => (name, None),
    };
    let mut version = Fields::new();
    let tag = tag.or_else(|| digest.is_none().then_some("latest"));
    version.may("tag", tag);
    version.may("digest", digest);
    (repository.to_owned(), version.into())
}

fn env(back: &mut Back<'_>, one: &Value, out: &mut Fields, drafts: &mut Drafts) {
    let container = text(one, "/name").unwrap_or_default().to_owned();
    for variable in list(one, "/env") {
        let Some(name) = text(variable, "/name") else {
            continue;
        };
        if let Some(value) = self::variable(back, (&container, name), variable, drafts) {
            out.entry("env", name, value);
        }
    }
    let mut all = Vec::new();
    for from in list(one, "/envFrom") {
        let mut value = Fields::new();
        if let Some(secret) = text(from, "/secretRef/name") {
            drafts.secret(back.place, back.namespace(), secret);
            value.put("secret", secret);
        } else if let Some(config) =
            text(from, "/configMapRef/name").filter(|name| known(back, name))
        {
            value.put("config", back.config_name(config));
        } else {
            continue;
        }
        value.may("prefix", text(from, "/prefix").filter(|p| !p.is_empty()));
        all.push(Value::from(value));
    }
    out.put("env-from", all);
}

/// Whether a ConfigMap is among what was found: any other cannot be written down.
fn known(back: &Back<'_>, name: &str) -> bool {
    back.found
        .get(("", "ConfigMap"), back.namespace(), name)
        .is_some()
}

fn variable(
    back: &mut Back<'_>,
    (container, name): (&str, &str),
    from: &Value,
    drafts: &mut Drafts,
) -> Option<Value> {
    let mut out = Fields::new();
    let withheld =
        back.found
            .withheld
            .contains(&(back.key.clone(), container.to_owned(), name.to_owned()));
    if withheld {
        let secret = format!("{}-env", back.owner);
        let key = name.to_ascii_lowercase().replace('_', "-");
        let wanted = drafts.secret(back.place, back.namespace(), &secret);
        wanted.keys.insert(key.clone());
        wanted.notes.insert(format!(
            "`{name}` of {} was written in the open: put its value into the store",
            back.key
        ));
        out.put("secret", secret);
        out.put("key", key);
    } else if let Some(reference) = from.pointer("/valueFrom/secretKeyRef") {
        let (secret, key) = (text(reference, "/name")?, text(reference, "/key")?);
        drafts
            .secret(back.place, back.namespace(), secret)
            .keys
            .insert(key.to_owned());
        out.put("secret", secret);
        out.put("key", key);
        out.may(
            "optional",
            reference.get("optional").filter(|o| **o == true).cloned(),
        );
    } else if let Some(reference) = from.pointer("/valueFrom/configMapKeyRef") {
        let config = text(reference, "/name").filter(|name| known(back, name))?;
        out.put("config", back.config_name(config));
        out.may("key", text(reference, "/key"));
        out.may(
            "optional",
            reference.get("optional").filter(|o| **o == true).cloned(),
        );
    } else if let Some(field) = text(from, "/valueFrom/fieldRef/fieldPath") {
        let (_, word) = FACTS.iter().find(|(fact, _)| fact.field() == field)?;
        out.put("fact", *word);
    } else if from.get("valueFrom").is_some() {
        return None;
    } else {
        // Also an empty text is a value.
        out.put("value", text(from, "/value").unwrap_or_default());
        let known = (back.key.clone(), name.to_owned());
        if back.found.public.contains(&known) {
            out.put("public", true);
        }
    }
    Some(out.into())
}

/// A port's name and its fields.
fn port(back: &Back<'_>, port: &Value) -> Option<(String, Value)> {
    let number = port.get("containerPort")?.as_u64()?;
    let mut out = Fields::new();
    out.put("number", number);
    match text(port, "/protocol") {
        Some("UDP") => out.put("protocol", "udp"),
        Some("SCTP") => out.put("protocol", "sctp"),
        _ => {}
    }
    Some((port_name(back, port, number), out.into()))
}

/// What a port is called: by itself, else by the Service that leads to it, else by its number.
pub(crate) fn port_name(back: &Back<'_>, port: &Value, number: u64) -> String {
    let served = back
        .ports
        .iter()
        .find(|(n, name)| *n == number && name.len() <= PORT_NAME);
    let own = text(port, "/name").map(str::to_owned);
    own.or_else(|| served.map(|(_, name)| name.clone()))
        .unwrap_or_else(|| format!("port-{number}"))
}

/// What is spoken on a port, as a Service says it.
pub(crate) fn speaks(protocol: &str) -> Option<&'static str> {
    let all = [
        (Speaks::Http, "http"),
        (Speaks::Https, "https"),
        (Speaks::H2c, "h2c"),
        (Speaks::Grpc, "grpc"),
        (Speaks::Ws, "ws"),
    ];
    all.iter()
        .find(|(speaks, _)| speaks.name() == protocol)
        .map(|(_, word)| *word)
}

fn probe(container: &Value, probe: &Value, back: &Back<'_>) -> Value {
    let mut out = Fields::new();
    let named = |port: Option<&Value>| -> Option<Value> {
        let port = port?;
        let number = port.as_u64();
        let own = list(container, "/ports")
            .find(|p| p.get("containerPort").and_then(Value::as_u64) == number);
        match own {
            Some(own) if number.is_some() => Some(port_name(back, own, number?).into()),
            _ => Some(port.clone()),
        }
    };
    if let Some(get) = probe.get("httpGet") {
        out.put("path", text(get, "/path").unwrap_or("/"));
        out.may("port", named(get.get("port")));
        if text(get, "/scheme") == Some("HTTPS") {
            out.put("tls", true);
        }
    } else if let Some(grpc) = probe.get("grpc") {
        out.put("grpc", text(grpc, "/service").unwrap_or_default());
        out.may("port", named(grpc.get("port")));
    } else if let Some(socket) = probe.get("tcpSocket") {
        out.may("port", named(socket.get("port")));
    }
    out.may(
        "every",
        seconds(probe.get("periodSeconds").filter(|n| **n != 10)),
    );
    out.may(
        "timeout",
        seconds(probe.get("timeoutSeconds").filter(|n| **n != 1)),
    );
    out.may(
        "delay",
        seconds(probe.get("initialDelaySeconds").filter(|n| **n != 0)),
    );
    out.may(
        "failures",
        probe.get("failureThreshold").filter(|n| **n != 3).cloned(),
    );
    out.may(
        "successes",
        probe.get("successThreshold").filter(|n| **n != 1).cloned(),
    );
    out.put(
        "exec",
        list(probe, "/exec/command")
            .cloned()
            .collect::<Vec<Value>>(),
    );
    out.into()
}

fn resources(one: &Value) -> Value {
    let mut out = Fields::new();
    for field in ["requests", "limits"] {
        let mut amounts = Fields::new();
        for (name, ours) in [
            ("cpu", "cpu"),
            ("memory", "memory"),
            ("ephemeral-storage", "scratch"),
        ] {
            amounts.may(
                ours,
                one.pointer(&format!("/resources/{field}/{name}"))
                    .map(amount),
            );
        }
        out.put(field, amounts);
    }
    let mut devices = Map::new();
    for (name, count) in map(one, "/resources/limits").filter(|(name, _)| name.contains('/')) {
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
        if let Some(count) = count {
            devices.insert(name.clone(), count.into());
        }
    }
    out.put("device", devices);
    out.into()
}

/// An amount, which YAML may hold as a number.
pub(crate) fn amount(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}
