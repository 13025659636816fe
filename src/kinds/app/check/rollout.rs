//! A rollout says what its strategy can do, and all that it needs.

use crate::dsl::codes;
use crate::dsl::node::escape;
use crate::kinds::component::needed;
use crate::kinds::route::Route;
use crate::kinds::tenant::Tenant;
use crate::kinds::{Findings, Scope};
use crate::kinds::app::rollout::{Measure, Rollout, Strategy};
use crate::kinds::app::{App, Workload};
use crate::kinds::pod::check::{seconds, sounds_secret};
use crate::values::percent::Share;

pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(rollout) = &app.rollout else { return };
    if !fits(app, rollout, out) {
        return;
    }
    fields(rollout, out);
    counts(app, out);
    seconds(rollout.timeout, "/rollout/timeout", out);
    let none = |share: Option<Share>| matches!(share, Some(Share::Count(0) | Share::Percent(0)));
    if none(rollout.surge) && (rollout.unavailable.is_none() || none(rollout.unavailable)) {
        out.push(
            out.error(
                codes::ROLLOUT,
                "/rollout/surge",
                "no pod may be added and none may be missing: nothing can be replaced",
            )
            .help("allow one: `surge=1`, or `unavailable=1`"),
        );
    }
    if rollout.strategy.progressive() {
        needed::check("flagger.app", "/rollout", scope, out);
        progressive(app, rollout, out);
        called(app, rollout, scope, out);
        flagger(app, rollout, scope, out);
    }
}

fn fits(app: &App, rollout: &Rollout, out: &mut Findings<'_>) -> bool {
    let possible: &[Strategy] = match app.workload {
        Workload::Deployment => &[
            Strategy::Rolling,
            Strategy::Recreate,
            Strategy::Canary,
            Strategy::BlueGreen,
        ],
        Workload::Stateful | Workload::Daemon => &[Strategy::Rolling],
        // `rollout` itself does not fit, which is said elsewhere.
        Workload::Job | Workload::CronJob => return false,
    };
    if possible.contains(&rollout.strategy) {
        return true;
    }
    let words: Vec<&str> = possible.iter().map(|s| s.word()).collect();
    let message = format!(
        "`rollout {}` does not fit `workload={}`",
        rollout.strategy.word(),
        app.workload.word()
    );
    out.push(
        out.error(codes::UNFIT_FIELD, "/rollout/strategy", message)
            .label("not for this workload")
            .help(format!("it can be {}", words.join(", "))),
    );
    false
}

/// What is counted while pods are replaced depends on the workload.
fn counts(app: &App, out: &mut Findings<'_>) {
    let unfit: &[&str] = match app.workload {
        Workload::Stateful => &["surge", "unavailable", "timeout"],
        Workload::Daemon => &["surge", "timeout"],
        Workload::Deployment | Workload::Job | Workload::CronJob => &[],
    };
    for field in unfit {
        let at = format!("/rollout/{field}");
        if out.written(&at) {
            let word = app.workload.word();
            let message =
                format!("`{field}` does not fit `workload={word}`: its pods are replaced in place");
            out.push(
                out.error_on_name(codes::UNFIT_FIELD, &at, message)
                    .label("not for this workload")
                    .help("leave it out; it is for `deployment`"),
            );
        }
    }
}

/// The fields that only some strategies have.
fn fields(rollout: &Rollout, out: &mut Findings<'_>) {
    use Strategy::{BlueGreen, Canary, Rolling};
    let fields: [(&str, &[Strategy]); 9] = [
        ("surge", &[Rolling]),
        ("unavailable", &[Rolling]),
        ("every", &[Canary, BlueGreen]),
        ("steps", &[Canary]),
        ("check", &[Canary, BlueGreen]),
        ("tolerate", &[Canary, BlueGreen]),
        ("looks", &[BlueGreen]),
        ("call", &[Canary, BlueGreen]),
        ("on-fail", &[Canary, BlueGreen]),
    ];
    for (field, fits) in fields {
        let at = format!("/rollout/{field}");
        if fits.contains(&rollout.strategy) || !out.written(&at) {
            continue;
        }
        let fits: Vec<&str> = fits.iter().map(|s| s.word()).collect();
        let message = format!(
            "`{field}` does not fit `rollout {}`",
            rollout.strategy.word()
        );
        out.push(
            out.error_on_name(codes::ROLLOUT, &at, message)
                .label("not for this strategy")
                .help(format!(
                    "leave it out, it is for {}; to override a whole rollout write `(replace)rollout …`",
                    fits.join(" and ")
                )),
        );
    }
}

fn progressive(app: &App, rollout: &Rollout, out: &mut Findings<'_>) {
    let word = rollout.strategy.word();
    if app.ports().next().is_none() {
        out.push(
            out.error(
                codes::ROLLOUT,
                "/rollout",
                format!("a {word} rollout moves traffic, and the app has no port"),
            )
            .help("write `port http 8080`, or `rollout rolling`"),
        );
    }
    if rollout.every.is_none() {
        out.push(
            out.error(
                codes::ROLLOUT,
                "/rollout",
                format!("a {word} rollout needs a period"),
            )
            .help("write how long each step is watched: `every=\"5m\"`"),
        );
    }
    seconds(rollout.every, "/rollout/every", out);
    if rollout.strategy == Strategy::Canary && rollout.steps.is_empty() {
        out.push(
            out.error(codes::ROLLOUT, "/rollout", "a canary needs `steps`")
                .help("write the shares of traffic it gets: `steps \"5%\" \"25%\" \"50%\"`"),
        );
    }
    steps(rollout, out);
    checks(rollout, out);
    calls(rollout, out);
}

/// Who is called gets no secret from the repository.
fn calls(rollout: &Rollout, out: &mut Findings<'_>) {
    for (name, call) in rollout.call.iter() {
        let at = format!("/rollout/call/{name}");
        seconds(call.timeout, &format!("{at}/timeout"), out);
        for (key, _) in call.settings.iter().filter(|(key, _)| sounds_secret(key.as_str())) {
            let message = format!("`{key}` looks like a secret, and its value stands in the repository");
            let at = format!("{at}/settings/{}", escape(key.as_str()));
            let finding = out.error(codes::SECRET_LITERAL, &at, message);
            out.push(
                finding
                    .label("readable by everyone who can read the repository")
                    .help("let the one who is called have it from its own secret"),
            );
        }
    }
}

/// Flagger calls from its own namespace, and reaches more than the tenant does.
fn called(app: &App, rollout: &Rollout, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(tenant) = scope.find::<Tenant>(app.tenant.name()) else {
        return;
    };
    for (name, call) in rollout.call.iter() {
        if tenant.may_reach(call.url.as_str(), scope) {
            continue;
        }
        let message = format!("`{}` is no host of the outside, and no Service of tenant `{}`", call.url, tenant.name);
        let finding = out.error(codes::NOT_GIVEN, &format!("/rollout/call/{name}/url"), message);
        out.push(
            finding
                .label("somebody else's")
                .help("call `http://NAME.NAMESPACE.svc` in a namespace of the tenant, or the name by which a host is known outside"),
        );
    }
}

/// What Flagger takes over and what it cannot do.
fn flagger(app: &App, rollout: &Rollout, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let word = rollout.strategy.word();
    let taken = [
        ("replicas", "the number of pods is Flagger's while it moves them", "write `autoscale min=… max=…`"),
        ("expose", "the Services are Flagger's, and it makes none of this sort", "let a `route` lead to the app"),
    ];
    for (field, why, help) in taken {
        let at = format!("/{field}");
        if out.written(&at) {
            let message = format!("`{field}` cannot stand beside `rollout {word}`: {why}");
            let rollout = out.name("/rollout");
            let finding = out.error_on_name(codes::ROLLOUT, &at, message);
            out.push(finding.related(rollout, "decides it").help(help));
        }
    }
    let own = scope.own::<Route>();
    let mut rules = own.flat_map(|(_, route)| route.rule.iter());
    let leads = rules.any(|rule| rule.to.iter().any(|to| to.app.name() == app.name.as_str()));
    if rollout.strategy == Strategy::Canary && !leads {
        let message = "a canary gets a growing share of a route's traffic, and no route leads to this app";
        let finding = out.error(codes::ROLLOUT, "/rollout/strategy", message).label("nothing to share");
        out.push(finding.help(format!("write `route … {{ rule path=\"/\" {{ to {} }} }}`, or `rollout rolling`", app.name)));
    }
}

/// Shares grow and are whole.
fn steps(rollout: &Rollout, out: &mut Findings<'_>) {
    for (index, pair) in rollout.steps.windows(2).enumerate() {
        if pair[0] >= pair[1] {
            let at = format!("/rollout/steps/{}", index + 1);
            let message = format!("step {} does not go beyond {}", pair[1], pair[0]);
            out.push(
                out.error(codes::ROLLOUT, &at, message)
                    .help("let the steps grow"),
            );
        }
    }
    for (index, step) in rollout.steps.iter().enumerate() {
        if step.whole().is_none_or(|n| n == 0) {
            let at = format!("/rollout/steps/{index}");
            let message = format!("traffic is divided in whole percents, which {step} is not");
            out.push(
                out.error(codes::ROLLOUT, &at, message)
                    .help("write 1% or more"),
            );
        }
    }
}

/// Every measure has the bound of its kind.
fn checks(rollout: &Rollout, out: &mut Findings<'_>) {
    for (measure, bound) in rollout.check.iter() {
        let (field, wrong, missing) = match measure {
            Measure::ErrorRate => ("max=\"1%\"", bound.within.is_some(), bound.max.is_none()),
            Measure::Latency => (
                "within=\"500ms\"",
                bound.max.is_some(),
                bound.within.is_none(),
            ),
        };
        let word = measure.word();
        if wrong || missing {
            let at = format!("/rollout/check/{word}");
            let message = format!("check `{word}` takes one bound of its own kind");
            out.push(
                out.error(codes::ROLLOUT, &at, message)
                    .help(format!("write `{field}`")),
            );
        }
        seconds(bound.over, &format!("/rollout/check/{word}/over"), out);
    }
}
