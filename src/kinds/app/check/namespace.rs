//! The namespace an app runs in: where its tenant has several, it says which.

use crate::dsl::codes;
use crate::kinds::app::App;
use crate::kinds::{Findings, Scope};

/// A name that the tenant does not declare is a reference to nothing, which is reported as such.
pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(known) = app.known_namespaces(scope) else {
        return;
    };
    if app.namespace.is_none() && known.len() > 1 {
        out.push(
            out.error(codes::WHICH_NAMESPACE, "", format!("app `{}` needs a namespace", app.name))
                .label(format!("tenant `{}` has several", app.tenant))
                .help(format!("write `namespace=` with one of {}", known.join(", "))),
        );
    }
}
