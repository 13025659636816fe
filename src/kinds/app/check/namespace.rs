//! The namespace an app runs in is clear. That it exists is checked with all other references.

use crate::dsl::codes;
use crate::kinds::app::App;
use crate::kinds::{Findings, Scope};

pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let known = app.known_namespaces(scope).unwrap_or_default();
    if app.namespace.is_some() || known.len() < 2 {
        return;
    }
    let message = format!("app `{}` needs a namespace", app.name);
    out.push(
        out.error(codes::WHICH_NAMESPACE, "", message)
            .label(format!("tenant `{}` has several", app.tenant))
            .help(format!(
                "write `namespace=` with one of {}",
                known.join(", ")
            )),
    );
}
