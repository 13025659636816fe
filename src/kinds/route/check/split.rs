//! Apps whose traffic Flagger splits while it releases a version: only some routes can lead there.

use super::super::Protocol;
use super::super::place::Dialect;
use super::super::rule::Backend;
use super::Here;
use crate::dsl::codes;
use crate::kinds::Findings;
use crate::kinds::app::App;

pub(super) fn check(here: &Here<'_>, index: usize, backend: &Backend, out: &mut Findings<'_>) {
    let at = format!("{}/{index}", here.field("to"));
    let Ok(service) = backend.service(here.scope) else {
        return;
    };
    if !service.split {
        return;
    }
    let app = &backend.app;
    let portable = here.dialect == Some(Dialect::Portable);
    let why = match here.route.protocol {
        Protocol::Http if portable => "only Traefik reads the shares that Flagger writes",
        Protocol::Http => return moved(here, backend, &at, out),
        Protocol::Grpc | Protocol::Tls | Protocol::Tcp => "Flagger writes its shares for http only",
    };
    let message = format!("app `{app}` is released as a canary, which this route cannot split: {why}");
    let finding = out.error(codes::BACKEND, &format!("{at}/app"), message).label("all or nothing here");
    out.push(finding.help(
        "use http on a gateway whose class starts with `traefik`, or `rollout blue-green` or `rolling` at the app",
    ));
}

/// Flagger moves the traffic of one port.
fn moved(here: &Here<'_>, backend: &Backend, at: &str, out: &mut Findings<'_>) {
    let app = here.scope.find::<App>(&backend.app.to_string());
    let Some((moved, _)) = app.and_then(App::moved_port) else {
        return;
    };
    if let Some(port) = backend.port.as_ref().filter(|port| *port != moved) {
        let message = format!("a canary of `{}` splits port `{moved}`, not `{port}`", backend.app);
        let finding = out.error(codes::BACKEND, &format!("{at}/port"), message);
        out.push(finding.help(format!("lead to `{moved}`; the port called `http`, else the first, is split")));
    }
}
