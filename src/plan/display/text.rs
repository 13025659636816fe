//! A plan for a terminal: danger first, then a table by tenant and resource, then the fields.

use std::fmt::Write as _;

use crate::plan::Plan;
use crate::plan::display::escape::{line, terminal, width};
use crate::plan::display::{Place, Places, Style, fields, place, remarks, rows, subject, summary};
use crate::plan::finding::{Finding, Level};
use crate::plan::step::{Step, Verb};

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// The whole plan as text.
pub fn text(plan: &Plan, places: Places<'_>, style: Style) -> String {
    let mut out = Printer {
        style,
        places,
        out: String::new(),
    };
    out.head(plan);
    out.findings(plan);
    out.table(plan);
    for step in plan
        .steps
        .iter()
        .filter(|step| !step.action.changes().is_empty())
    {
        out.fields(step);
    }
    out.out
}

struct Printer<'a> {
    style: Style,
    places: Places<'a>,
    out: String,
}

impl Printer<'_> {
    fn paint(&self, color: &str, text: &str) -> String {
        if self.style.color {
            format!("{color}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn head(&mut self, plan: &Plan) {
        let title = self.paint(BOLD, &format!("Plan for {}", line(&plan.set.to_string())));
        let digest = self.paint(DIM, &plan.digest);
        self.push(&format!("{title}  {digest}"));
        self.push(&summary(plan));
    }

    fn findings(&mut self, plan: &Plan) {
        if plan.findings.is_empty() {
            return;
        }
        self.push("");
        for finding in &plan.findings {
            self.finding(finding);
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let color = match finding.level {
            Level::Error => RED,
            Level::Confirm | Level::Danger => YELLOW,
            Level::Notice => CYAN,
        };
        let level = self.paint(color, &format!("{:<8}", finding.level.word()));
        let subject = self.paint(BOLD, &line(&subject(finding.key.as_ref())));
        let code = self.paint(
            DIM,
            &format!("{} {}", finding.rule.code(), finding.rule.word()),
        );
        self.push(&format!("{level} {subject}  {code}"));
        self.push(&format!("         {}", line(&finding.message)));
        if let Some(place) = place(&finding.spans, self.places) {
            self.push(&self.paint(DIM, &format!("         at {}", line(&place.to_string()))));
        }
        if !finding.help.is_empty() {
            self.push(&format!("         help: {}", line(&finding.help)));
        }
    }

    fn table(&mut self, plan: &Plan) {
        let rows = rows(plan);
        let longest = rows
            .values()
            .flatten()
            .map(|step| width(&line(&step.key.to_string())))
            .max();
        let column = longest.unwrap_or(0);
        let mut tenant = None;
        for ((owner, resource), steps) in &rows {
            if tenant != Some(*owner) {
                tenant = Some(*owner);
                let name =
                    owner.map_or_else(|| "platform".to_owned(), |t| format!("tenant {}", line(t)));
                self.push("");
                self.push(&self.paint(BOLD, &name));
            }
            let name = format!("{} {}", resource.kind, resource.name);
            self.push(&format!("  {}", line(&name)));
            for step in steps {
                let verb = self.paint(
                    color(step.action.verb()),
                    &format!("{:<8}", step.action.verb()),
                );
                let key = line(&step.key.to_string());
                let pad = " ".repeat(column.saturating_sub(width(&key)));
                let row = format!("    {verb} {key}{pad}  {}", remarks(step));
                self.push(row.trim_end());
            }
        }
    }

    fn fields(&mut self, step: &Step) {
        self.push("");
        let verb = self.paint(color(step.action.verb()), &step.action.verb().to_string());
        let key = self.paint(BOLD, &line(&step.key.to_string()));
        self.push(&format!("{verb} {key}"));
        let mut last: Option<Place> = None;
        for change in step.action.changes() {
            let here = place(&change.spans, self.places);
            let shown = here
                .as_ref()
                .filter(|p| last.as_ref() != Some(*p))
                .map(ToString::to_string);
            let shown = shown
                .map(|p| self.paint(DIM, &format!("  {}", line(&p))))
                .unwrap_or_default();
            last = here.or(last);
            let lines = fields::lines(change);
            if let [only] = lines.as_slice() {
                let (sign, path) = (only.sign, line(&change.path));
                let text = self.paint(
                    sign_color(sign),
                    &format!("  {sign} {path}: {}", line(&only.text)),
                );
                self.push(&format!("{text}{shown}"));
                continue;
            }
            self.push(&format!("  {}{shown}", line(&change.path)));
            for one in lines {
                let mut text = String::new();
                let written = write!(text, "    {} {}", one.sign, terminal(&one.text));
                debug_assert!(written.is_ok(), "writing to a string succeeds");
                self.push(&self.paint(sign_color(one.sign), text.trim_end()));
            }
        }
    }
}

fn color(verb: Verb) -> &'static str {
    match verb {
        Verb::Delete | Verb::Replace => RED,
        Verb::Adopt | Verb::Update => YELLOW,
        Verb::Create => GREEN,
        Verb::Release | Verb::Keep => CYAN,
    }
}

fn sign_color(sign: char) -> &'static str {
    match sign {
        '-' => RED,
        '+' => GREEN,
        _ => PLAIN,
    }
}
