//! The one comment of an instance on a pull request, rendered to a budget of bytes.
//!
//! Danger comes first, details last; what does not fit is dropped by importance, counted, and found
//! behind a pointer. Every text of users is escaped, so that no KDL can forge a marker, a mention, a
//! link or HTML. The same input gives the same bytes, so that nothing is edited without a change.

use std::fmt::Write as _;

use super::{Instance, Purpose, State, Status, StatusText};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::plan::consent::Consent;
use crate::plan::display::escape::{code, markdown as words};
use crate::plan::display::markdown::{self, Part};
use crate::plan::display::{Place, Places, summary};
use crate::plan::intent::Intent;
use crate::plan::{Level, Plan, Verb};
use crate::source::repository::CommitId;

/// Smallest budget that still holds a marker, a headline and a note.
pub const LEAST_BUDGET: usize = 1_000;
/// Most bytes of a title or note that a caller adds.
const MAX_LINE: usize = 400;

/// A rendered comment. It starts with a marker of its instance, which nothing else in it can hold
/// at the start of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    instance: Instance,
    marker: String,
    text: String,
}

impl Comment {
    /// The whole text, marker included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose comment it is.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The hidden first line by which it is found again.
    pub fn marker(&self) -> &str {
        &self.marker
    }

    /// Whether a comment that was found says the same; forges change line ends and trim.
    pub fn says(&self, found: &str) -> bool {
        found.replace("\r\n", "\n").trim() == self.text.trim()
    }
}

/// What was planned, and how.
pub enum Judged<'a> {
    /// The files are wrong: nothing was planned.
    Invalid,
    /// The files are right and what they were compared with is not; why.
    Incomparable(&'a str),
    /// These plans, the same set never twice.
    Planned(&'a [Plan]),
}

/// Everything a comment tells.
pub struct Report<'a> {
    /// Who reports.
    pub instance: &'a Instance,
    /// The commit that was judged.
    pub head: &'a CommitId,
    /// The commit it was compared with, and whose rules held.
    pub base: Option<&'a CommitId>,
    /// What came out.
    pub judged: Judged<'a>,
    /// What an approval binds to, for sets that were compared without a cluster.
    pub intents: &'a [Intent],
    /// Who agreed, and who has to, by the rules of what it was compared with.
    pub consents: &'a [Consent],
    /// Problems of the files.
    pub diagnostics: &'a Diagnostics,
    /// One line each: what else there is to know. Texts of ours, not of users.
    pub remarks: &'a [String],
    /// Where everything can be read.
    pub link: Option<&'a str>,
    /// Finds places in KDL.
    pub places: Places<'a>,
}

impl Report<'_> {
    /// How it stands.
    pub fn state(&self) -> State {
        let refused = |plan: &&Plan| plan.findings.iter().any(|f| f.level == Level::Error);
        match &self.judged {
            _ if self.diagnostics.has_errors() => State::Failure,
            Judged::Invalid => State::Failure,
            Judged::Incomparable(_) => State::Error,
            Judged::Planned(plans) if plans.iter().any(|p| refused(&p)) => State::Failure,
            Judged::Planned(_) if self.consents.iter().any(|c| !c.is_given()) => State::Pending,
            Judged::Planned(_) => State::Success,
        }
    }

    /// The verdict in a few words: for the headline and for the status.
    pub fn verdict(&self) -> String {
        let errors = of_severity(self.diagnostics, Severity::Error);
        let plans = match &self.judged {
            _ if errors > 0 => return format!("{} in the files", many(errors, "error")),
            Judged::Invalid => return "the files are not valid".to_owned(),
            Judged::Incomparable(why) => return format!("no plan: {why}"),
            Judged::Planned(plans) => plans,
        };
        let steps = plans
            .iter()
            .flat_map(|p| &p.steps)
            .filter(|s| s.action.verb() != Verb::Keep);
        let changes = steps.count();
        let sets = plans.iter().filter(|plan| !plan.is_empty()).count();
        let at = |level: Level| {
            let findings = plans.iter().flat_map(|p| &p.findings);
            findings.filter(|f| f.level == level).count()
        };
        let mut text = match changes {
            0 => "nothing changes in any cluster".to_owned(),
            n => format!("{} in {}", many(n, "change"), many(sets, "set")),
        };
        for (count, one, several) in [
            (at(Level::Error), "is refused", "are refused"),
            (at(Level::Confirm), "needs a yes", "need a yes"),
            (at(Level::Danger), "is dangerous", "are dangerous"),
        ] {
            match count {
                0 => {}
                1 => text.push_str(&format!(", 1 {one}")),
                n => text.push_str(&format!(", {n} {several}")),
            }
        }
        for consent in self.consents {
            text.push_str(&format!(", {consent}"));
        }
        text
    }

    /// The status that goes with the comment.
    pub fn status(&self, commit: &CommitId) -> Status {
        Status {
            commit: commit.clone(),
            instance: self.instance.clone(),
            purpose: Purpose::Plan,
            state: self.state(),
            text: StatusText::new(&self.verdict()),
            link: self.link.map(str::to_owned),
        }
    }
}

/// Answers one comment with a sentence. It has a marker of its own, so that the same comment is answered
/// once, however often that is tried. Whatever of users is in the sentence is inert.
///
/// ```
/// use kubemate::report::forge::{Instance, comment};
/// let instance = Instance::new("hq-dev").unwrap();
/// let reply = comment::reply(&instance, 5, "asked for by @ann");
/// assert!(!reply.text().contains("@ann") && !reply.text().starts_with(&instance.marker()));
/// ```
pub fn reply(instance: &Instance, to: u64, sentence: &str) -> Comment {
    let marker = instance.reply_marker(to);
    Comment {
        instance: instance.clone(),
        text: format!("{marker}\n{}\n", words(cut(sentence))),
        marker,
    }
}

/// The same with a list of sentences under it; each is cut by itself.
pub fn reply_with(instance: &Instance, to: u64, sentence: &str, list: &[String]) -> Comment {
    let mut comment = reply(instance, to, sentence);
    for line in list {
        put(&mut comment.text, format_args!("\n- {}", words(cut(line))));
    }
    if !list.is_empty() {
        comment.text.push('\n');
    }
    comment
}

/// Renders a comment of at most `budget` bytes, which is raised to [`LEAST_BUDGET`].
pub fn comment(report: &Report<'_>, budget: usize) -> Comment {
    let pointer = match report.link {
        Some(_) => "The whole plan is behind the link above.",
        None => "The whole plan is in the output of the job.",
    };
    comment_beside(report, budget, pointer)
}

/// The same, where the whole plan is found elsewhere: `pointer` is the sentence that says so.
pub fn comment_beside(report: &Report<'_>, budget: usize, pointer: &str) -> Comment {
    let mut parts = vec![Part {
        importance: 0,
        what: "heading",
        text: head(report),
    }];
    parts.extend(report.consents.iter().map(|consent| Part {
        importance: 1,
        what: "approval",
        text: format!("- {}\n", consented(consent)),
    }));
    parts.extend(report.remarks.iter().map(|remark| Part {
        importance: 1,
        what: "remark",
        text: format!("- {}\n", words(cut(remark))),
    }));
    parts.extend(problems(report));
    if let Judged::Planned(plans) = &report.judged {
        parts.extend(planned(plans, report));
    }
    Comment {
        instance: report.instance.clone(),
        marker: report.instance.marker(),
        text: markdown::fit(&parts, budget.max(LEAST_BUDGET), pointer),
    }
}

fn head(report: &Report<'_>) -> String {
    let sign = match report.state() {
        State::Success => "✅",
        State::Failure => "❌",
        State::Error => "❔",
        State::Pending => "⏳",
    };
    let (instance, verdict) = (code(report.instance.as_str()), report.verdict());
    let mut text = format!(
        "{}\n### {sign} kubemate {instance}: {}\n\n`{}`",
        report.instance.marker(),
        words(cut(&verdict)),
        report.head.short()
    );
    if let Some(base) = report.base {
        put(
            &mut text,
            format_args!(" compared with `{}`, judged by its rules", base.short()),
        );
    }
    if let Some(link) = report.link.and_then(plain_link) {
        put(&mut text, format_args!(" · [everything]({link})"));
    }
    text + "\n\n"
}

fn consented(consent: &Consent) -> String {
    let sign = if consent.is_given() { "✅" } else { "⏳" };
    format!("{sign} Approval {}", words(cut(&consent.to_string())))
}

/// A link that is one, and cannot end the brackets it stands in.
fn plain_link(link: &str) -> Option<String> {
    let parsed = url::Url::parse(link).ok()?;
    let plain = matches!(parsed.scheme(), "https" | "http") && parsed.username().is_empty();
    let text = parsed.as_str().replace('(', "%28").replace(')', "%29");
    (plain && parsed.password().is_none() && text.len() <= MAX_LINE).then_some(text)
}

/// Problems of the files, errors first.
fn problems<'a>(report: &'a Report<'_>) -> impl Iterator<Item = Part> + 'a {
    let ordered = [Severity::Error, Severity::Warning]
        .into_iter()
        .flat_map(|severity| {
            let all = report.diagnostics.iter();
            all.filter(move |d| d.severity == severity)
        });
    ordered.map(|diagnostic| Part {
        importance: match diagnostic.severity {
            Severity::Error => 2,
            Severity::Warning => 6,
        },
        what: "problem",
        text: problem(diagnostic, report.places),
    })
}

fn problem(diagnostic: &Diagnostic, places: Places<'_>) -> String {
    let sign = match diagnostic.severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
    };
    let mut text = format!(
        "- {sign} **{}** {}",
        diagnostic.code,
        words(&diagnostic.message)
    );
    if let Some(place) = primary(diagnostic, places) {
        put(&mut text, format_args!(" — {}", code(&place.to_string())));
    }
    for help in &diagnostic.help {
        put(&mut text, format_args!("<br>{}", words(help)));
    }
    text + "\n"
}

/// Where a problem is seen.
pub(super) fn primary(diagnostic: &Diagnostic, places: Places<'_>) -> Option<Place> {
    let span: &Span = &diagnostic.primary.as_ref()?.span;
    places(span)
}

/// Findings of all sets, then a line for each set, then what changes set by set.
fn planned(plans: &[Plan], report: &Report<'_>) -> Vec<Part> {
    let places = report.places;
    let mut parts = Vec::new();
    for (set, finding) in plans
        .iter()
        .flat_map(|p| p.findings.iter().map(move |f| (&p.set, f)))
    {
        let mut part = markdown::finding(finding, places);
        if plans.len() > 1 {
            let place = format!(" · {}\n", words(&set.to_string()));
            part.text = part.text.trim_end().to_owned() + &place;
        }
        parts.push(part);
    }
    parts.sort_by_key(|part| part.importance);
    parts.extend(sets(plans, report.intents));
    for plan in plans.iter().filter(|plan| !plan.is_empty()) {
        parts.push(Part {
            importance: 3,
            what: "set",
            text: format!("\n#### {}\n", words(&plan.set.to_string())),
        });
        parts.extend(markdown::table(plan));
        parts.extend(markdown::differences(plan, places));
    }
    parts
}

/// One row for each set that changes. The head of the table goes with the first.
fn sets(plans: &[Plan], intents: &[Intent]) -> Vec<Part> {
    let mut head = "\n| set | what | digest |\n|---|---|---|\n".to_owned();
    let changing = plans.iter().filter(|plan| !plan.is_empty());
    let rows = changing.map(|plan| {
        let first = !head.is_empty();
        let (set, what) = (words(&plan.set.to_string()), words(&summary(plan)));
        let intent = intents.iter().find(|intent| intent.set == plan.set);
        let digest = intent.map_or(plan.digest.as_str(), |intent| &intent.digest);
        let row = format!("| {set} | {what} | {} |\n", code(digest));
        Part {
            importance: if first { 1 } else { 2 },
            what: "set",
            text: std::mem::take(&mut head) + &row,
        }
    });
    rows.collect()
}

fn of_severity(diagnostics: &Diagnostics, severity: Severity) -> usize {
    let hidden: usize = match severity {
        Severity::Error if diagnostics.has_errors() => diagnostics.left_out.values().sum(),
        Severity::Error | Severity::Warning => 0,
    };
    diagnostics
        .iter()
        .filter(|d| d.severity == severity)
        .count()
        + hidden
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_LINE))
        .unwrap_or(text)
}

/// Adds formatted text; writing to a string cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a string succeeds");
}
