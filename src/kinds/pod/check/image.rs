//! Images of containers against the platform's policies.

use crate::kinds::image_policy::judge::{self, Image, Part};
use crate::kinds::pod::render::ContainerView;
use crate::kinds::{Findings, Scope};

pub(super) fn check(view: &ContainerView<'_>, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let release = view.version;
    let tag = release.and_then(|release| release.tag.as_ref());
    let digest = release.and_then(|release| release.digest.as_ref());
    let image = Image {
        repository: view.image,
        tag,
        digest,
        versioned: tag.is_some() || digest.is_some(),
    };
    for breach in judge::judge(image, scope) {
        let field = match breach.part {
            Part::Repository => "image",
            Part::Version if tag.is_some() => "version/tag",
            Part::Version => "version",
        };
        // What a task does not say of its own is said by its app, and found there as well.
        let own = format!("{}/{field}", view.at);
        let at = if out.written(&own) {
            own
        } else {
            format!("/{field}")
        };
        let place = out.value(&at);
        out.push(breach.at(place));
    }
}
