//! Patterns that mean files, and no Secret among the kinds.

use super::{Manifests, named_in};
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::kinds::sources::Unusable;
use crate::kinds::{Findings, Scope};

pub(super) fn check(manifests: &Manifests, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let sources = &scope.world.sources;
    for (index, pattern) in manifests.from.iter().enumerate() {
        let Some(file) = named_in(scope, index) else {
            continue;
        };
        let unusable = sources.unusable(file, pattern);
        for Unusable { path, why, .. } in &unusable {
            let message = format!("`{path}` {why}");
            let finding = out
                .error(codes::UNUSABLE_FILE, &format!("/from/{index}"), message)
                .label("means it");
            out.push(finding.help("what is missing would be deleted; mend it, or narrow the pattern"));
        }
        for Unusable { path, why, .. } in sources.passed_by(file, pattern) {
            let message = format!("`{path}` {why}");
            let finding = out.error(codes::UNUSABLE_FILE, &format!("/from/{index}"), message);
            let help = "what lies behind it is not read: put its files here, or narrow the pattern";
            out.push(finding.label("may mean files behind it").warning().help(help));
        }
        if !unusable.is_empty() || !sources.matching(file, pattern).is_empty() {
            continue;
        }
        let whole = sources.path(file, pattern.as_str());
        let message = format!("no text file matches `{whole}`");
        let finding = out
            .error(codes::NO_SUCH_FILES, &format!("/from/{index}"), message)
            .label("matches nothing");
        out.push(match closest(&whole, sources.paths()) {
            Some(meant) => finding.help(format!("did you mean `{meant}`?")),
            None => finding.help(
                "the pattern starts at the directory of this file, and the files must be yours and UTF-8 text",
            ),
        });
    }
    for (index, kind) in manifests.kinds.iter().enumerate() {
        let at = format!("/kinds/{index}");
        if kind.as_str() == "Secret" {
            let message = "a Secret in Git is no secret";
            let finding = out.error(codes::FORBIDDEN_OBJECT, &at, message).label("refused");
            out.push(finding.help("write a `secret` that names where it is kept"));
        }
        if manifests.kinds[..index].contains(kind) {
            let finding = out.error(codes::COVERED, &at, format!("`{kind}` is named twice"));
            out.push(finding.warning().help("remove one of the two"));
        }
    }
}
