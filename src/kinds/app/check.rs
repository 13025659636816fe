//! Rules across the fields of an app, and about what it refers to.

mod namespace;

use super::App;
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};

pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    namespace::check(app, scope, out);
    let version = app.version.as_ref();
    if version.is_none_or(|v| v.tag.is_none() && v.digest.is_none()) {
        out.push(
            out.error_on_name(codes::NO_VERSION, "", format!("app `{}` has no version here", app.name))
                .label("which image shall run?")
                .help("write `version \"1.0.0\"` in the app, or in its `in ENVIRONMENT` block"),
        );
    }
}
