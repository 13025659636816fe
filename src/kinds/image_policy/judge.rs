//! What the policies of a target say about one image.

use super::{ImagePolicy, Requirement};
use crate::dsl::codes;
use crate::dsl::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::Scope;
use crate::kinds::registry::{Registry, host_of};
use crate::values::image::{Digest, ImageReference, ImageRepository, Version};

/// An image, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// Where it is kept.
    pub repository: &'a ImageRepository,
    /// Its tag.
    pub tag: Option<&'a Version>,
    /// Its digest.
    pub digest: Option<&'a Digest>,
    /// Whether the version is known: without it only the registry is judged.
    pub versioned: bool,
}

impl<'a> From<&'a ImageReference> for Image<'a> {
    fn from(reference: &'a ImageReference) -> Self {
        Self {
            repository: &reference.repository,
            tag: reference.version.as_ref(),
            digest: reference.digest.as_ref(),
            versioned: true,
        }
    }
}

/// The part of an image that a policy refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Where it is kept.
    Repository,
    /// Its tag or digest.
    Version,
}

/// One rule of one policy that an image breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Its code.
    pub code: Code,
    /// What breaks it.
    pub part: Part,
    /// Why it is refused, one sentence with the policy's name.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where the policy says so.
    pub policy: Option<Span>,
}

impl Breach {
    /// The error at the place of the image.
    pub fn at(self, place: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code, place, self.message).label("this image");
        let diagnostic = match self.policy {
            Some(policy) => diagnostic.related(policy, "the policy says so"),
            None => diagnostic,
        };
        diagnostic.help(self.help)
    }
}

/// Everything that the policies of the scope's target and tenant refuse about an image.
pub fn judge(image: Image<'_>, scope: &Scope<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (id, policy) in scope.platforms::<ImagePolicy>() {
        if !holds(policy, scope) {
            continue;
        }
        let node = scope.node(id);
        let mut breach = |code, part, pointer: &str, message: String, help: String| {
            breaches.push(Breach {
                code,
                part,
                message: format!("{message}, says image-policy `{}`", policy.name),
                help,
                policy: node.map(|node| node.nearest(pointer).place.value),
            });
        };
        if let Some((message, help)) = registry(policy, image, scope) {
            breach(codes::IMAGE_REGISTRY, Part::Repository, "/only", message, help);
        }
        if !image.versioned {
            continue;
        }
        if policy.require.contains(&Requirement::Digest) && image.digest.is_none() {
            let message = format!("image `{}` needs a digest", image.repository);
            let help = "write `digest=\"sha256:…\"` beside the version, as the registry shows it";
            breach(codes::IMAGE_DIGEST, Part::Version, "/require", message, help.to_owned());
        }
        if let Some(message) = tag(policy, image) {
            let help = "name the version that shall run".to_owned();
            breach(codes::IMAGE_TAG, Part::Version, "/deny-tag", message, help);
        }
    }
    breaches
}

/// Whether any policy holds in the scope's target, for its tenant.
pub fn any(scope: &Scope<'_>) -> bool {
    scope.platforms::<ImagePolicy>().any(|(_, policy)| holds(policy, scope))
}

fn holds(policy: &ImagePolicy, scope: &Scope<'_>) -> bool {
    let environment = &scope.target.environment;
    let here = policy.env.is_empty() || policy.env.iter().any(|e| e.name() == environment);
    let tenant = scope.id.tenant.as_deref();
    let mine = policy.tenant.is_empty() || policy.tenant.iter().any(|t| Some(t.name()) == tenant);
    here && mine
}

fn registry(policy: &ImagePolicy, image: Image<'_>, scope: &Scope<'_>) -> Option<(String, String)> {
    if policy.only.is_empty() {
        return None;
    }
    let host = host_of(image.repository);
    // A registry that cannot be read is told elsewhere; nothing is refused because of it.
    let only: Option<Vec<&Registry>> = policy
        .only
        .iter()
        .map(|name| scope.find::<Registry>(name.name()))
        .collect();
    let only = only?;
    if only.iter().any(|registry| registry.host.to_string() == host) {
        return None;
    }
    let message = format!("image `{}` comes from `{host}`, which is not allowed here", image.repository);
    let mirrors = |r: &&&Registry| r.mirror.iter().any(|m| m.to_string() == host);
    let help = match only.iter().find(mirrors) {
        Some(mirror) => format!(
            "registry `{}` holds a copy: write \"{}/{}\"",
            mirror.name,
            mirror.host,
            image.repository.path()
        ),
        None => {
            let hosts: Vec<String> = only.iter().map(|r| format!("`{}`", r.host)).collect();
            format!("take it from {}", hosts.join(" or "))
        }
    };
    Some((message, help))
}

fn tag(policy: &ImagePolicy, image: Image<'_>) -> Option<String> {
    let denied = |tag: &str| policy.deny_tag.iter().any(|denied| denied.as_str() == tag);
    match (image.tag, image.digest) {
        (Some(tag), _) if denied(tag.as_str()) => {
            Some(format!("image `{}` may not have the tag `{tag}`", image.repository))
        }
        (None, None) if denied("latest") => Some(format!(
            "image `{}` has no tag, which means `latest`, and may not have it",
            image.repository
        )),
        _ => None,
    }
}
