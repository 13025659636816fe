//! An image policy rules something out.

use super::ImagePolicy;
use crate::dsl::codes;
use crate::kinds::Findings;

pub(super) fn check(policy: &ImagePolicy, out: &mut Findings<'_>) {
    if policy.only.is_empty() && policy.require.is_empty() && policy.deny_tag.is_empty() {
        let message = format!("image-policy `{}` rules nothing out", policy.name);
        let finding = out.error(codes::NO_EFFECT, "", message);
        out.push(finding.help("add `only REGISTRY`, `require digest` or `deny-tag latest`"));
    }
    for (index, registry) in policy.only.iter().enumerate() {
        if policy.only[..index].contains(registry) {
            let finding = out.error(codes::COVERED, &format!("/only/{index}"), format!("`{registry}` is named twice"));
            out.push(finding.warning().help("remove one of the two"));
        }
    }
}
