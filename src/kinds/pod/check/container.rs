//! Rules about one container: where its environment comes from, what its probes ask, what it asks for.

use std::collections::BTreeMap;

use super::{PodParts, seconds};
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::dsl::node::escape;
use crate::kinds::pod::render::ContainerView;
use crate::kinds::pod::{EnvFrom, EnvValue, Probe, ProbeName};
use crate::kinds::secret::Secret;
use crate::kinds::{Findings, Scope};
use crate::names::Name;
use crate::names::reference::SecretRef;
use crate::values::network::PortRef;

pub(super) fn check(
    view: &ContainerView<'_>,
    parts: PodParts<'_>,
    scope: &Scope<'_>,
    out: &mut Findings<'_>,
) {
    for (at, block) in &view.env {
        for (name, value) in block.iter() {
            let at = format!("{at}/{}", escape(name.as_str()));
            variable(name.as_str(), value, &at, (parts, scope), out);
        }
    }
    for (at, list) in &view.env_from {
        for (index, from) in list.iter().enumerate() {
            all_keys(from, &format!("{at}/{index}"), parts, scope, out);
        }
    }
    for (name, probe) in view.probe.iter().flat_map(|p| p.iter()) {
        question(*name, probe, view, out);
    }
    resources(view, out);
    mounts(view, parts, out);
}

fn variable(
    name: &str,
    from: &EnvValue,
    at: &str,
    (parts, scope): (PodParts<'_>, &Scope<'_>),
    out: &mut Findings<'_>,
) {
    let sources = [
        from.value.is_some(),
        from.secret.is_some(),
        from.config.is_some(),
        from.fact.is_some(),
    ];
    let said = sources.iter().filter(|s| **s).count();
    if said != 1 {
        not_one_value(name, said, at, out);
        return;
    }
    let keyed = from.secret.is_some() || from.config.is_some();
    if keyed != from.key.is_some() {
        let (message, help) = if keyed {
            (
                "needs `key`",
                "write which key of it holds the value: `key=KEY`",
            )
        } else {
            (
                "has a `key` of nothing",
                "write `secret=NAME` or `config=NAME` beside it",
            )
        };
        let message = format!("`{name}` {message}");
        out.push(out.error_on_name(codes::ENV_SOURCE, at, message).help(help));
    }
    if let Some(secret) = &from.secret {
        secret_key(
            secret,
            from.key.as_ref().map(crate::names::ConfigKey::as_str),
            at,
            scope,
            out,
        );
    }
    if let Some(config) = &from.config {
        known_config(config, &format!("{at}/config"), parts, out);
    }
    let literal = from.value.as_ref().is_some_and(|v| !v.as_str().is_empty());
    if literal && !from.public && sounds_secret(name) {
        let message =
            format!("`{name}` looks like a secret, and its value stands in the repository");
        out.push(
            out.error(codes::SECRET_LITERAL, &format!("{at}/value"), message)
                .secret()
                .label("readable by everyone who can read the repository")
                .help("take it from a secret: `secret=NAME key=KEY`; if it is none, add `public=#true`"),
        );
    }
}

fn not_one_value(name: &str, said: usize, at: &str, out: &mut Findings<'_>) {
    let (has, label, help) = if said == 0 {
        let help =
            "write a value, or `secret=NAME key=KEY`, `config=NAME key=KEY` or `fact=pod-name`";
        ("no value", "no value given", help.to_owned())
    } else {
        let help = format!("keep one; to override it for an environment write `(replace){name} …`");
        ("two values", "one of them is too many", help)
    };
    let message = format!("`{name}` has {has}");
    out.push(
        out.error_on_name(codes::ENV_SOURCE, at, message)
            .label(label)
            .help(help),
    );
}

/// Whether the name of a variable says that its value must not be seen.
pub(crate) fn sounds_secret(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "PWD",
        "TOKEN",
        "SECRET",
        "SECRETS",
        "KEY",
        "APIKEY",
        "CREDENTIAL",
        "CREDENTIALS",
    ];
    let upper = name.to_ascii_uppercase();
    let last = upper.rsplit(['_', '-', '.']).next().unwrap_or_default();
    let public = upper.contains("PUBLIC") || upper == "PWD";
    WORDS.contains(&last) && !public
}

fn all_keys(
    from: &EnvFrom,
    at: &str,
    parts: PodParts<'_>,
    scope: &Scope<'_>,
    out: &mut Findings<'_>,
) {
    match (&from.secret, &from.config) {
        (Some(secret), None) => secret_key(secret, None, at, scope, out),
        (None, Some(config)) => known_config(config, &format!("{at}/config"), parts, out),
        _ => out.push(
            out.error(
                codes::ENV_SOURCE,
                at,
                "`env-from` takes exactly one of `secret` and `config`",
            )
            .help("write `env-from secret=NAME` or `env-from config=NAME`"),
        ),
    }
}

/// A key of a secret that is written at `at`, with the fields `secret` and `key`.
pub(crate) fn known_key(
    secret: &SecretRef,
    key: &str,
    at: &str,
    scope: &Scope<'_>,
    out: &mut Findings<'_>,
) {
    secret_key(secret, Some(key), at, scope, out);
}

/// The secret is of the same tenant, and offers the key.
fn secret_key(
    secret: &SecretRef,
    key: Option<&str>,
    at: &str,
    scope: &Scope<'_>,
    out: &mut Findings<'_>,
) {
    let own = scope.id.tenant.as_deref();
    if secret.tenant().is_some_and(|t| Some(t) != own) {
        let message = format!(
            "secret `{secret}` is in a namespace of another tenant, where no pod of yours can read it"
        );
        out.push(
            out.error(codes::FOREIGN_SECRET, &format!("{at}/secret"), message)
                .help("declare a `secret` of your own that reads the same path of the store"),
        );
        return;
    }
    let (Some(key), Some(declared)) = (key, scope.find::<Secret>(secret.name())) else {
        return;
    };
    let Some(offered) = declared.offers() else {
        return;
    };
    if offered.contains(&key) {
        return;
    }
    let at = format!("{at}/key");
    let message = format!("secret `{secret}` offers no key `{key}`");
    let diagnostic = out
        .error(codes::NO_SUCH_KEY, &at, message)
        .label("not among its keys");
    out.push(match closest(key, offered.iter().copied()) {
        Some(meant) => {
            diagnostic.suggestion(out.value(&at), meant, format!("did you mean `{meant}`?"))
        }
        None => diagnostic.help(format!("it offers {}", offered.join(", "))),
    });
}

fn known_config(config: &Name, at: &str, parts: PodParts<'_>, out: &mut Findings<'_>) {
    if parts.config.contains_key(config) {
        return;
    }
    let known: Vec<&str> = parts.config.keys().map(Name::as_str).collect();
    unknown("configuration", config.as_str(), at, &known, out);
}

/// A name that the same resource does not declare.
fn unknown(what: &str, name: &str, at: &str, known: &[&str], out: &mut Findings<'_>) {
    let message = format!("there is no {what} `{name}` here");
    let diagnostic = out
        .error(codes::UNKNOWN_PART, at, message)
        .label("not declared");
    out.push(match closest(name, known.iter().copied()) {
        Some(meant) => {
            diagnostic.suggestion(out.value(at), meant, format!("did you mean `{meant}`?"))
        }
        None if known.is_empty() => diagnostic.help(format!("no {what} is declared here")),
        None => diagnostic.help(format!("known: {}", known.join(", "))),
    });
}

fn question(name: ProbeName, probe: &Probe, view: &ContainerView<'_>, out: &mut Findings<'_>) {
    let at = format!("{}/probe/{}", view.at, name.word());
    let asks = [
        probe.path.is_some(),
        probe.grpc.is_some(),
        !probe.exec.is_empty(),
    ];
    if asks.iter().filter(|a| **a).count() > 1 {
        out.push(
            out.error(codes::PROBE, &at, "this probe asks in two ways")
                .help("keep one of `path`, `grpc` and `exec`"),
        );
    }
    if probe.tls && probe.path.is_none() {
        let message = "only a question by `path` can use TLS";
        out.push(
            out.error(codes::PROBE, &format!("{at}/tls"), message)
                .help("leave `tls` out, or ask with `path`"),
        );
    }
    let ports: Vec<&str> = view
        .port
        .iter()
        .flat_map(|p| p.keys())
        .map(crate::names::PortName::as_str)
        .collect();
    match &probe.port {
        Some(PortRef::Name(port)) if !ports.contains(&port.as_str()) => {
            unknown("port", port.as_str(), &format!("{at}/port"), &ports, out);
        }
        None if probe.exec.is_empty() && ports.len() != 1 => out.push(
            out.error(
                codes::PROBE,
                &at,
                format!("probe `{}` does not say which port to ask", name.word()),
            )
            .help("write `port=NAME`; only a container with a single port needs none"),
        ),
        _ => {}
    }
    for (field, time) in [
        ("every", probe.every),
        ("timeout", probe.timeout),
        ("delay", probe.delay),
    ] {
        seconds(time, &format!("{at}/{field}"), out);
    }
    if name != ProbeName::Readiness && probe.successes.is_some_and(|n| n > 1) {
        let message = format!("`successes` of probe `{}` can only be 1", name.word());
        out.push(
            out.error(codes::PROBE, &format!("{at}/successes"), message)
                .help("leave it out; only readiness may ask for several successes"),
        );
    }
}

fn resources(view: &ContainerView<'_>, out: &mut Findings<'_>) {
    let (requests, limits) = (view.resources.requests, view.resources.limits);
    let pairs = [
        (
            "cpu",
            requests
                .cpu
                .map(crate::values::resources::CpuQuantity::quantity),
            limits
                .cpu
                .map(crate::values::resources::CpuQuantity::quantity),
        ),
        (
            "memory",
            requests
                .memory
                .map(crate::values::resources::MemoryQuantity::quantity),
            limits
                .memory
                .map(crate::values::resources::MemoryQuantity::quantity),
        ),
        (
            "scratch",
            requests
                .scratch
                .map(crate::values::resources::MemoryQuantity::quantity),
            limits
                .scratch
                .map(crate::values::resources::MemoryQuantity::quantity),
        ),
    ];
    for (field, request, limit) in pairs {
        let (Some(request), Some(limit)) = (request, limit) else {
            continue;
        };
        if limit < request {
            let base = format!("{}/resources", view.at);
            let message = format!("the {field} limit {limit} is below the request {request}");
            let requested = out.value(&format!("{base}/requests/{field}"));
            out.push(
                out.error(
                    codes::LIMIT_BELOW,
                    &format!("{base}/limits/{field}"),
                    message,
                )
                .label("less than what is reserved")
                .related(requested, "the request")
                .help("raise the limit or lower the request"),
            );
        }
    }
}

fn mounts(view: &ContainerView<'_>, parts: PodParts<'_>, out: &mut Findings<'_>) {
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    for mount in &view.mounts {
        let configs = parts.config.keys().map(Name::as_str);
        let known: Vec<&str> = configs
            .chain(parts.volume.keys().map(Name::as_str))
            .collect();
        if !known.contains(&mount.volume.as_str()) {
            unknown("volume", &mount.volume, &mount.at, &known, out);
        }
        if let Some(first) = paths.insert(&mount.path, &mount.at) {
            let message = format!("two things are mounted at `{}`", mount.path);
            let first = out.name(first);
            out.push(
                out.error(codes::SAME_MOUNT, &mount.at, message)
                    .label("mounted here again")
                    .related(first, "mounted here first")
                    .help("one would hide the other: give one of them another path"),
            );
        }
    }
}
