//! Scaling by work outside of the cluster: what KEDA can read, and what it needs for that.

use crate::dsl::codes;
use crate::dsl::node::escape;
use crate::kinds::app::App;
use crate::kinds::app::scale::{Autoscale, Trigger};
use crate::kinds::component::needed;
use crate::kinds::pod::check::{known_key, seconds, sounds_secret};
use crate::kinds::tenant::{Tenant, address};
use crate::kinds::{Findings, Scope};

pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(autoscale) = &app.autoscale else {
        return;
    };
    seconds(autoscale.every, "/autoscale/every", out);
    seconds(autoscale.cool_down, "/autoscale/cool-down", out);
    if !autoscale.by_keda() {
        only_with_triggers(autoscale, out);
        return;
    }
    needed::check("keda.sh", "/autoscale", scope, out);
    for (name, metric) in autoscale.metric.iter() {
        let at = format!("/autoscale/metric/{name}");
        if !matches!(name.as_str(), "cpu" | "memory") {
            let message = format!("beside a `trigger`, metric `{name}` has nobody who reads it");
            let finding = out.error_on_name(codes::METRIC, &at, message);
            out.push(finding.label("KEDA reads it through a scaler of its own").help(
                "write it as a trigger too: `trigger NAME scaler=prometheus { settings { query \"…\" } }`",
            ));
        } else if metric.target.is_some() && autoscale.min == 0 {
            let message = format!("`{name}` of no pods is nothing, so it cannot start the first one");
            let finding = out.error_on_name(codes::METRIC, &at, message);
            out.push(finding.help("write `min=1`, or leave the metric out"));
        }
    }
    for (name, trigger) in autoscale.trigger.iter() {
        let at = format!("/autoscale/trigger/{name}");
        for (key, _) in trigger.settings.iter().filter(|(key, _)| sounds_secret(key.as_str())) {
            let at = format!("{at}/settings/{}", escape(key.as_str()));
            let message = format!("`{key}` looks like a secret, and its value stands in the repository");
            let finding = out.error(codes::SECRET_LITERAL, &at, message);
            out.push(
                finding
                    .label("readable by everyone who can read the repository")
                    .help(format!("take it from a secret: `login {{ {key} secret=NAME key=KEY }}`")),
            );
        }
        for (parameter, from) in trigger.login.iter() {
            let at = format!("{at}/login/{}", escape(parameter.as_str()));
            known_key(&from.secret, from.key.as_str(), &at, scope, out);
        }
        asked(app, trigger, &at, scope, out);
    }
}

/// KEDA asks from its own namespace and can log in as itself: it reaches more than the tenant does.
fn asked(app: &App, trigger: &Trigger, at: &str, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(tenant) = scope.find::<Tenant>(app.tenant.name()) else {
        return;
    };
    for (key, value) in trigger.settings.iter() {
        let (key, value) = (key.as_str(), value.as_str());
        let at = format!("{at}/settings/{}", escape(key));
        if key == "identityOwner" && value == "operator" {
            let finding = out.error(codes::NOT_GIVEN, &at, "KEDA would log in as itself").label("the platform's");
            out.push(finding.help("take what it logs in with from a secret: `login { PARAMETER secret=NAME key=KEY }`"));
        }
        let strange = address::asked(key, value).into_iter().find(|one| !tenant.may_reach(one, scope));
        if let Some(strange) = strange {
            let message = format!("`{strange}` is no host of the outside, and no Service of tenant `{}`", tenant.name);
            let finding = out.error(codes::NOT_GIVEN, &at, message).label("somebody else's");
            out.push(finding.help("name `NAME.NAMESPACE.svc` in a namespace of the tenant, or a host by which it is known outside"));
        }
    }
}

/// What means nothing to the autoscaler of Kubernetes.
fn only_with_triggers(autoscale: &Autoscale, out: &mut Findings<'_>) {
    if autoscale.min == 0 {
        let message = "without pods nothing is measured, so the first one would never come back";
        let finding = out.error(codes::AUTOSCALE_BOUNDS, "/autoscale/min", message);
        out.push(finding.help("write `min=1`, or a `trigger` that tells from outside that there is work"));
    }
    for field in ["every", "cool-down", "fallback"] {
        let at = format!("/autoscale/{field}");
        if out.written(&at) {
            let message = format!("`{field}` is about triggers, and there is none");
            let finding = out.error_on_name(codes::AUTOSCALE_BOUNDS, &at, message);
            out.push(finding.help("leave it out, or write a `trigger`"));
        }
    }
}
