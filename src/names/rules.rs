//! The rules that names obey, each as a function from a text to the reason of its refusal.
//!
//! They are the rules of Kubernetes or stricter: a name accepted here is never refused by a server.

use super::grammar::{length, only, shown};

/// The result of a rule: nothing, or why not.
pub(crate) type Rule = Result<(), String>;

const fn lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn edges(text: &str, inner: impl Fn(char) -> bool) -> Rule {
    match (text.chars().next(), text.chars().next_back()) {
        (Some(c), _) if !inner(c) => Err(format!("it starts with {}", shown(c))),
        (_, Some(c)) if !inner(c) => Err(format!("it ends with {}", shown(c))),
        _ => Ok(()),
    }
}

/// A DNS label that starts with a letter, so that a Service can bear it.
pub(crate) fn name(text: &str, max: usize) -> Rule {
    label(text, max)?;
    match text.chars().next() {
        Some(c) if c.is_ascii_digit() => Err(format!("it starts with the digit `{c}`")),
        _ => Ok(()),
    }
}

/// A DNS label.
pub(crate) fn label(text: &str, max: usize) -> Rule {
    length(text, max)?;
    only(text, |c| lower(c) || c == '-')?;
    edges(text, lower)
}

/// A DNS subdomain: labels with dots between them.
pub(crate) fn subdomain(text: &str, max: usize) -> Rule {
    length(text, max)?;
    only(text, |c| lower(c) || c == '-' || c == '.')?;
    for part in text.split('.') {
        match part {
            "" => return Err("it has an empty part beside a `.`".to_owned()),
            part => label(part, max).map_err(|reason| format!("in `{part}`, {reason}"))?,
        }
    }
    Ok(())
}

/// The name of a port, as in a Service.
pub(crate) fn port(text: &str, max: usize) -> Rule {
    label(text, max)?;
    if text.contains("--") {
        return Err("it has two `-` in a row".to_owned());
    }
    if !text.contains(|c: char| c.is_ascii_lowercase()) {
        return Err("it has no letter".to_owned());
    }
    Ok(())
}

/// The value of a label; it may be empty.
pub(crate) fn label_value(text: &str, max: usize) -> Rule {
    if text.is_empty() {
        return Ok(());
    }
    length(text, max)?;
    only(text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
    })?;
    edges(text, |c| c.is_ascii_alphanumeric())
}

/// A name with an optional prefix that is a DNS subdomain, as in `example.com/tier`.
pub(crate) fn qualified(text: &str, max: usize) -> Rule {
    let name = match text.split_once('/') {
        None => text,
        Some((prefix, name)) => {
            subdomain(prefix, 253).map_err(|reason| format!("before the `/`, {reason}"))?;
            name
        }
    };
    length(name, max)?;
    label_value(name, max)
}

/// The name of an environment variable.
pub(crate) fn env_var(text: &str, max: usize) -> Rule {
    length(text, max)?;
    only(text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
    })?;
    match text.chars().next() {
        Some(c) if c.is_ascii_digit() => Err(format!("it starts with the digit `{c}`")),
        _ => not_dots(text),
    }
}

/// A key of a ConfigMap or Secret.
pub(crate) fn config_key(text: &str, max: usize) -> Rule {
    length(text, max)?;
    only(text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
    })?;
    not_dots(text)
}

fn not_dots(text: &str) -> Rule {
    match text {
        "." => Err("it is only a `.`".to_owned()),
        text if text.starts_with("..") => Err("it starts with `..`".to_owned()),
        _ => Ok(()),
    }
}

/// A person or a group as the forge or the identity provider calls it.
pub(crate) fn account(text: &str, max: usize) -> Rule {
    length(text, max)?;
    let inner = |c: char| c.is_ascii_alphanumeric();
    only(text, |c| {
        inner(c) || matches!(c, '-' | '_' | '.' | ':' | '/' | '@' | '+' | '[' | ']')
    })?;
    edges(text, |c| inner(c) || matches!(c, '_' | ']'))
}

/// Texts near to a refused one: lower case, separators as `-`, none at the edges. Other characters
/// stay, so that nothing is offered that only looks alike.
pub(crate) fn near(text: &str) -> Vec<String> {
    if text.len() > 512 || !text.contains(|c: char| c.is_ascii_alphanumeric()) {
        return Vec::new();
    }
    let dashed = |keep: &str, text: &str| {
        let separator = |c: char| c.is_whitespace() || "_.-".contains(c);
        let swap = |c: char| {
            if separator(c) && !keep.contains(c) {
                '-'
            } else {
                c
            }
        };
        text.trim_matches(|c| separator(c) || "/@".contains(c))
            .chars()
            .map(swap)
            .collect()
    };
    let keeps = ["-._", "-.", "-"];
    let lower = apart(text).to_ascii_lowercase();
    let shouted = text.contains(|c: char| c.is_ascii_uppercase()) && text == text.to_uppercase();
    let mut near = vec![text.trim().to_owned()];
    if shouted {
        near.push(text.replace(['-', ' ', '.'], "_"));
    }
    near.extend(keeps.map(|keep| dashed(keep, text)));
    near.extend(keeps.map(|keep| dashed(keep, &lower)));
    near
}

/// A `-` where a small letter meets a capital.
fn apart(text: &str) -> String {
    let mut apart = String::with_capacity(text.len() + 8);
    let mut small = false;
    for c in text.chars() {
        if small && c.is_ascii_uppercase() {
            apart.push('-');
        }
        small = c.is_ascii_lowercase();
        apart.push(c);
    }
    apart
}
