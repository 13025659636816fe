//! The namespace an app runs in: one of its tenant's.

use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::kinds::app::App;
use crate::kinds::{Findings, Scope};

pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(known) = app.known_namespaces(scope) else {
        return;
    };
    let named = app.namespace.as_ref().map(|n| n.name());
    match named {
        None if known.len() > 1 => out.push(
            out.error(codes::WHICH_NAMESPACE, "", format!("app `{}` needs a namespace", app.name))
                .label(format!("tenant `{}` has several", app.tenant))
                .help(format!("write `namespace=` with one of {}", known.join(", "))),
        ),
        Some(name) if known.is_empty() => out.push(
            out.error(
                codes::WHICH_NAMESPACE,
                "/namespace",
                format!("tenant `{}` has no namespace `{name}`", app.tenant),
            )
            .label("not declared")
            .help("leave it out: the tenant has one namespace without a name; or declare it in the tenant"),
        ),
        Some(name) if !known.contains(&name.to_owned()) => {
            let message = format!("tenant `{}` has no namespace `{name}`", app.tenant);
            let diagnostic = out.error(codes::WHICH_NAMESPACE, "/namespace", message);
            let at = out.value("/namespace");
            let known = known.iter().map(String::as_str);
            out.push(match closest(name, known.clone()) {
                Some(meant) => diagnostic.suggestion(at, meant, format!("did you mean `{meant}`?")),
                None => diagnostic.help(format!("known: {}", known.collect::<Vec<_>>().join(", "))),
            });
        }
        _ => {}
    }
}
