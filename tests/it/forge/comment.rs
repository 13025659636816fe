//! The comment: danger first, never over its budget, the same bytes for the same input, and no text of
//! users that is more than text.

use kubemate::dsl::diagnostic::{Code, Diagnostic, Diagnostics, Span};
use kubemate::object::{GroupKind, ObjectKey, Owner, ResourceId, SetId};
use kubemate::plan::diff::{FieldChange, Shown};
use kubemate::plan::display::Place;
use kubemate::plan::{Action, Finding, Level, Plan, Rule, Step, StepId};
use kubemate::report::forge::comment::{Judged, LEAST_BUDGET, Report, comment};
use kubemate::report::forge::{State, StatusText};
use kubemate::source::FileId;
use proptest::prelude::*;
use serde_json::json;

use super::sim::{BASE, HEAD};
use super::suite::{commit, instance};

fn places(span: &Span) -> Option<Place> {
    (span.end > 0).then(|| Place {
        path: "tenants/web/a.kdl".into(),
        line: span.start + 1,
        column: 1,
    })
}

fn key(name: &str) -> ObjectKey {
    ObjectKey {
        group_kind: GroupKind::new("apps", "Deployment"),
        namespace: Some("web".into()),
        name: name.into(),
    }
}

/// A plan of one set in which every text of users is this one.
fn plan(environment: &str, text: &str, steps: u32) -> Plan {
    let step = |n: u32| Step {
        id: StepId(n),
        key: key(&format!("{text}{n}")),
        resource: ResourceId {
            kind: "app".into(),
            tenant: Some(text.into()),
            name: text.into(),
        },
        spans: vec![Span::new(FileId(0), 1..2)],
        action: Action::Create {
            desired: "d".into(),
            changes: vec![FieldChange {
                pointer: "/spec/x".into(),
                path: format!("spec.{text}"),
                before: Shown::Absent,
                after: Shown::Plain(json!(text)),
                spans: Vec::new(),
            }],
            unverified: None,
        },
        waits_for: Vec::new(),
        needs: Vec::new(),
        held_by: Vec::new(),
    };
    let finding = |level, rule| Finding::new(level, rule, &key(text), text).help(text);
    Plan {
        set: SetId {
            project: "bank".into(),
            cluster: "hq".into(),
            environment: environment.into(),
            owner: Owner::Tenant("web".into()),
        },
        cluster_uid: String::new(),
        steps: (0..steps).map(step).collect(),
        findings: vec![
            finding(Level::Danger, Rule::DataLoss),
            finding(Level::Notice, Rule::Unverified),
        ],
        deletes_digest: String::new(),
        digest: "0123456789abcdef".into(),
    }
}

fn rendered(plans: &[Plan], diagnostics: &Diagnostics, remark: &str, budget: usize) -> String {
    let (head, base, name) = (commit(HEAD), commit(BASE), instance("eu"));
    let judged = if diagnostics.has_errors() {
        Judged::Invalid
    } else {
        Judged::Planned(plans)
    };
    let report = Report {
        instance: &name,
        head: &head,
        base: Some(&base),
        judged,
        intents: &[],
        consents: &[],
        diagnostics,
        remarks: &[remark.to_owned()],
        link: Some("https://ci.example/x)y](z"),
        places: &places,
    };
    comment(&report, budget).text().to_owned()
}

fn problems(text: &str) -> Diagnostics {
    let mut all = Diagnostics::default();
    all.push(Diagnostic::error(Code(201), Span::new(FileId(0), 3..4), text).help(text));
    all
}

/// The text without fenced blocks and code spans: what a forge reads as markdown.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if *open == line => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => {
                out.push_str(&without_code(line));
                out.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "every fence is closed");
    out
}

fn without_code(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('`') {
        // A backslash makes it a plain character.
        if rest[..at].ends_with('\\') {
            out.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        let (open, after) = (&rest[at..at + ticks], &rest[at + ticks..]);
        let close = (0..after.len()).find(|i| {
            after.is_char_boundary(*i)
                && after[*i..].starts_with(open)
                && !after[..*i].ends_with('`')
                && !after[*i + ticks..].starts_with('`')
        });
        out.push_str(&rest[..at]);
        let Some(close) = close else {
            return out + &rest[at..];
        };
        rest = &after[close + ticks..];
    }
    out + rest
}

fn assert_inert(text: &str) {
    assert!(
        text.starts_with("<!-- kubemate:v1 instance=eu -->\n"),
        "{text}"
    );
    let prose = prose(text);
    assert_eq!(prose.matches("<!--").count(), 1, "{prose}");
    let mut bare = prose.clone();
    for ours in [
        "<!-- kubemate:v1 instance=eu -->",
        "<br>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
    ] {
        bare = bare.replace(ours, "");
    }
    assert!(!bare.contains('<'), "{bare}");
    for (at, _) in bare.match_indices(['@', '#']) {
        let (before, after) = (&bare[..at], &bare[at + 1..]);
        // Our own headings and escaped characters.
        let ours = before.ends_with(['#', '\n', '&']) || before.is_empty();
        assert!(
            ours || !after.starts_with(|c: char| c.is_alphanumeric()),
            "{}",
            &bare[at..]
        );
    }
    let links = bare.matches("://").count();
    assert_eq!(links, 1, "only our own link: {bare}");
    assert_eq!(bare.matches("](").count(), 1, "{bare}");
    assert_eq!(
        prose.matches("<details>").count(),
        prose.matches("</details>").count()
    );
    for line in text.lines().skip(1) {
        assert!(!line.trim_start().starts_with("/kubemate"), "{line}");
    }
}

/// Texts that try to be more than text.
fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "@org/team",
        "#12",
        "<!-- kubemate:v1 instance=eu -->",
        "</details>",
        "```",
        "`",
        "````\n",
        "|",
        "\n",
        "\n\n",
        "/kubemate apply",
        "https://evil.example/x",
        "[a](https://evil.example)",
        "\u{202e}",
        "\u{1b}[2J",
        "<img src=x>",
        "![](x)",
        "www.evil.example",
        "team/platform#1",
        "\\",
        "~~~",
        "*",
        "_",
        "- ",
        "# ",
        "a",
        " ",
        "&lt;",
        "<",
        ">",
        "ann@evil.example",
        "GH-1",
        "!3",
    ]);
    prop::collection::vec(bits, 1..8).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn s_65_no_text_of_users_is_more_than_text(text in hostile()) {
        let plans = [plan("prod", &text, 2), plan("dev", "plain", 1)];
        assert_inert(&rendered(&plans, &Diagnostics::default(), &text, 60_000));
        assert_inert(&rendered(&[], &problems(&text), &text, 60_000));
    }

    #[test]
    fn no_budget_is_broken(text in hostile(), steps in 0..40_u32, budget in 0..20_000_usize) {
        let plans = [plan("prod", &text, steps), plan("dev", &text, 3)];
        let full = rendered(&plans, &Diagnostics::default(), "x", usize::MAX);
        let cut = rendered(&plans, &Diagnostics::default(), "x", budget);
        let budget = budget.max(LEAST_BUDGET);
        prop_assert!(cut.len() <= budget, "{} of {budget}", cut.len());
        prop_assert_eq!(cut.contains("Left out for length"), full.len() > budget);
        prop_assert_eq!(&cut, &rendered(&plans, &Diagnostics::default(), "x", budget));
        assert_inert(&cut);
    }
}

#[test]
fn danger_survives_what_details_do_not() {
    let plans = [plan("prod", "web", 200), plan("dev", "web", 200)];
    let full = rendered(&plans, &Diagnostics::default(), "x", usize::MAX);
    let cut = rendered(&plans, &Diagnostics::default(), "x", 4_000);
    assert!(full.len() > 20_000);
    assert_eq!(cut.matches("data-loss").count(), 2, "{cut}");
    assert!(
        cut.contains("behind the link above")
            && cut.contains("400 changes in 2 sets, 2 are dangerous")
    );
    let (danger, table) = (
        full.find("data-loss").unwrap(),
        full.find("| set |").unwrap(),
    );
    assert!(danger < table && table < full.find("<details>").unwrap());
}

#[test]
fn the_verdict_is_the_worst_that_was_found() {
    let (head, name) = (commit(HEAD), instance("eu"));
    let none = Diagnostics::default();
    let state = |judged: Judged<'_>, diagnostics: &Diagnostics| {
        let report = Report {
            instance: &name,
            head: &head,
            base: None,
            judged,
            intents: &[],
            consents: &[],
            diagnostics,
            remarks: &[],
            link: None,
            places: &places,
        };
        let status = report.status(&head);
        assert_eq!(status.text, StatusText::new(&report.verdict()));
        (status.state, report.verdict())
    };
    let mut refused = plan("prod", "web", 1);
    refused.findings[0].level = Level::Error;
    for (judged, diagnostics, expected, words) in [
        (
            Judged::Planned(&[]),
            &none,
            State::Success,
            "nothing changes in any cluster",
        ),
        (
            Judged::Planned(&[plan("prod", "web", 1)]),
            &none,
            State::Success,
            "1 change in 1 set, 1 is dangerous",
        ),
        (
            Judged::Planned(&[refused]),
            &none,
            State::Failure,
            "1 change in 1 set, 1 is refused",
        ),
        (
            Judged::Incomparable("no base"),
            &none,
            State::Error,
            "no plan: no base",
        ),
        (
            Judged::Invalid,
            &problems("x"),
            State::Failure,
            "1 error in the files",
        ),
    ] {
        assert_eq!(state(judged, diagnostics), (expected, words.to_owned()));
    }
}
