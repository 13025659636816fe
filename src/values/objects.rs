//! What Kubernetes calls its own things: object UIDs, counted resources, resources of an API group.

use std::fmt;
use std::sync::Arc;

use crate::names::grammar::{Grammar, ValueError, length};
use crate::names::{LabelKey, LabelValue, near, qualified, subdomain, text};

/// The UID of an object, as of the kube-system namespace that proves which cluster it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(Arc<str>);

text!(Uid);

impl Uid {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for Uid {
    const FORMAT: &'static str = "uid";
    const WHAT: &'static str = "a UID";
    const ALLOWED: &'static str =
        "write 8, 4, 4, 4 and 12 digits from 0-9 and a-f with `-` between them";
    const EXAMPLE: &'static str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| Err(ValueError::refuse::<Self>(reason));
        let groups: Vec<_> = text.split('-').map(str::len).collect();
        let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f' | '-');
        if text.chars().any(|c| c.is_ascii_uppercase()) {
            return refuse("it has capitals");
        }
        match groups[..] {
            [8, 4, 4, 4, 12] if text.chars().all(digit) => Ok(Self(text.into())),
            [8, 4, 4, 4, 12] => refuse("it has other characters"),
            _ => refuse("its groups of digits have other lengths"),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let lower = text.trim().trim_matches(['{', '}']).to_ascii_lowercase();
        let grouped = match lower.len() {
            32 if lower.is_ascii() => {
                let cuts = [0..8, 8..12, 12..16, 16..20, 20..32];
                Some(cuts.map(|cut| &lower[cut]).join("-"))
            }
            _ => None,
        };
        grouped.into_iter().chain([lower.clone()]).collect()
    }
}

/// A counted resource: "configmaps", "requests.nvidia.com/gpu", "count/deployments.apps".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceName(Arc<str>);

text!(ResourceName);

impl ResourceName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for ResourceName {
    const FORMAT: &'static str = "resource-name";
    const WHAT: &'static str = "a resource that a quota counts";
    const ALLOWED: &'static str = "write its plural, or a domain, `/` and a name";
    const EXAMPLE: &'static str = "requests.nvidia.com/gpu";

    fn read(text: &str) -> Result<Self, ValueError> {
        qualified(text, 63).map_err(ValueError::refuse::<Self>)?;
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        near(text)
    }
}

/// The name of a kind of Kubernetes objects: "Deployment", "CustomResourceDefinition".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName(Arc<str>);

text!(KindName);

impl KindName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for KindName {
    const FORMAT: &'static str = "kind-name";
    const WHAT: &'static str = "the name of a kind of objects";
    const ALLOWED: &'static str = "write it as in `kind:`, starting with a capital letter";
    const EXAMPLE: &'static str = "Deployment";

    fn read(text: &str) -> Result<Self, ValueError> {
        length(text, 63).map_err(ValueError::refuse::<Self>)?;
        if !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(ValueError::refuse::<Self>(
                "only letters and digits can be in it",
            ));
        }
        if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Err(ValueError::refuse::<Self>(
                "its first letter is not a capital one",
            ));
        }
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        let word = text.trim().split(['.', '/']).next().unwrap_or_default();
        let mut chars = word.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        vec![first.into_iter().chain(chars).collect()]
    }
}

/// A resource of an API group: "apps/deployments", or "configmaps" of the core group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource {
    group: Arc<str>,
    resource: Arc<str>,
}

impl GroupResource {
    /// The API group, empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The plural of the kind in lower case.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

impl Grammar for GroupResource {
    const FORMAT: &'static str = "group-resource";
    const WHAT: &'static str = "a resource of an API group";
    const ALLOWED: &'static str = "write the group, `/` and the plural of the kind in lower case";
    const EXAMPLE: &'static str = "apps/deployments";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: String| ValueError::refuse::<Self>(reason);
        if text.contains('*') {
            return Err(refuse(
                "a `*` would mean resources that do not exist yet".to_owned(),
            ));
        }
        let (group, resource) = text.split_once('/').unwrap_or(("", text));
        if text.contains('/') {
            let before = |reason| refuse(format!("before the `/`, {reason}"));
            subdomain(group, 253).map_err(before)?;
        }
        length(resource, 63).map_err(refuse)?;
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !resource.chars().all(word) || resource.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(refuse(
                "the resource is not a word of lower-case letters".to_owned(),
            ));
        }
        Ok(Self {
            group: group.into(),
            resource: resource.into(),
        })
    }

    fn guess(text: &str) -> Vec<String> {
        let lower = text.trim().to_ascii_lowercase();
        let parts: Vec<_> = lower.split('/').collect();
        let mut guesses = vec![lower.clone()];
        // "apps/v1/deployments" and "deployments.apps" are how other tools write it.
        match parts[..] {
            [group, _, resource] => guesses.push(format!("{group}/{resource}")),
            [whole] => guesses.extend(
                whole
                    .split_once('.')
                    .map(|(r, group)| format!("{group}/{r}")),
            ),
            _ => (),
        }
        guesses
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.group {
            "" => f.write_str(&self.resource),
            group => write!(f, "{group}/{}", self.resource),
        }
    }
}

/// A label that something must have, key and value: "tier=core".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelMatch {
    key: LabelKey,
    value: LabelValue,
}

impl LabelMatch {
    /// The key.
    pub const fn key(&self) -> &LabelKey {
        &self.key
    }

    /// The value.
    pub const fn value(&self) -> &LabelValue {
        &self.value
    }
}

impl Grammar for LabelMatch {
    const FORMAT: &'static str = "label-match";
    const WHAT: &'static str = "a label with its value";
    const ALLOWED: &'static str = "write the key, `=` and the value";
    const EXAMPLE: &'static str = "tier=core";

    fn read(text: &str) -> Result<Self, ValueError> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(ValueError::refuse::<Self>("it has no `=`"));
        };
        Ok(Self {
            key: LabelKey::read(key)?,
            value: LabelValue::read(value)?,
        })
    }

    fn guess(text: &str) -> Vec<String> {
        let tight: String = text.split_whitespace().collect();
        vec![tight.replace("==", "="), tight.replacen(':', "=", 1)]
    }
}

impl fmt::Display for LabelMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}
