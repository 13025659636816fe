//! Asks the forge who agreed, and tells it: the status always, the comment and the notes where there is a pull request.

use std::collections::BTreeSet;

use super::super::{Failure, home, output, session};
use super::judge::Judgement;
use super::{Arguments, is_foreign};
use crate::adapters::forge::people;
use crate::plan::consent::{self, Consent, People};
use crate::report::diagnostics::escape;
use crate::report::forge::ci::{Home, Run};
use crate::report::forge::comment::{self, Report};
use crate::report::forge::{Forge, ForgeError, PullNumber, Put, notes};
use crate::source::repository::CommitId;

/// Tells what is known where a token is at hand. False if what people see may now be old.
pub(super) fn tell(report: &Report<'_>, judgement: &Judgement, run: &Run) -> Result<bool, Failure> {
    let Some(home) = &run.home else {
        output::note("no forge is known here: the report is in this output only");
        return Ok(true);
    };
    let client = match home::client(home, run.system) {
        Ok(Some(client)) => client,
        Ok(None) => {
            let why = if is_foreign(run) {
                ", as it should be for a fork"
            } else {
                ""
            };
            output::note(&format!(
                "there is no token{why}: the report is in this output only"
            ));
            return Ok(true);
        }
        Err(error) => return Err(unusable(&error)),
    };
    let told = all(&client, report, judgement, run);
    Ok(session::runtime()?.block_on(told))
}

/// Finds out who agreed to the change. What cannot be found out is said and counts as no.
pub(super) fn agree(arguments: &Arguments, judgement: &mut Judgement, run: &Run) {
    if judgement.asked.is_empty() {
        return;
    }
    let found = match (&run.home, run.pull) {
        (Some(home), Some(number)) if !arguments.no_forge => heard_of(home, run, number, judgement),
        _ => Ok(None),
    };
    let people = match found {
        Ok(people) => people.unwrap_or_default(),
        Err(error) => {
            let why = format!("It is not known who agreed: {error}.");
            judgement.remarks.push(why);
            People::default()
        }
    };
    let people = People {
        only: judgement.agreeing.clone(),
        ..people
    };
    let rules = judgement.asked.iter();
    judgement.consents = rules
        .map(|rule| Consent::of(rule, &people, super::now()))
        .collect();
}

/// The people behind the pull request; `None` without a token, or where it has moved on.
fn heard_of(
    home: &Home,
    run: &Run,
    number: PullNumber,
    judgement: &Judgement,
) -> Result<Option<People>, ForgeError> {
    let Some(client) = home::client(home, run.system)? else {
        return Ok(None);
    };
    let named = judgement.asked.iter().flat_map(consent::groups);
    let members = judgement.agreeing.iter();
    let members = members.flat_map(|all| consent::member_groups(all));
    let groups = named.chain(members).collect();
    let runtime = session::runtime().map_err(|_| ForgeError::Setup {
        reason: "no runtime could be made".to_owned(),
    })?;
    runtime.block_on(behind(&client, number, &judgement.head, &groups))
}

async fn behind<F: Forge>(
    forge: &F,
    number: PullNumber,
    head: &CommitId,
    groups: &BTreeSet<String>,
) -> Result<Option<People>, ForgeError> {
    let pull = forge.pull(number).await?;
    match pull.head == *head {
        true => people(forge, &pull, groups).await.map(Some),
        false => Ok(None),
    }
}

fn unusable(error: &ForgeError) -> Failure {
    Failure::Usage {
        message: error.to_string(),
        help: "see docs/how-to/pull-requests.md, or add --no-forge".to_owned(),
    }
}

/// Each part on its own: one that fails keeps nothing else from being told.
async fn all<F: Forge>(forge: &F, report: &Report<'_>, judgement: &Judgement, run: &Run) -> bool {
    let mut told = true;
    if let Some(number) = run.pull {
        told &= on_pull(forge, report, judgement, (run, number)).await;
    }
    let status = report.status(&judgement.head);
    // The status comes last, so that whoever sees it finds the comment.
    told & heard("status", run, forge.put_status(&status).await)
}

async fn on_pull<F: Forge>(
    forge: &F,
    report: &Report<'_>,
    judgement: &Judgement,
    (run, number): (&Run, PullNumber),
) -> bool {
    let pull = match forge.pull(number).await {
        Ok(pull) => pull,
        Err(error) => return heard("comment", run, Err(error)),
    };
    if pull.head != judgement.head {
        output::note(&format!(
            "the pull request has moved on to {}: its comment is left to the newer run",
            pull.head.short()
        ));
        return true;
    }
    let comment = comment::comment(report, forge.caps().comment_bytes);
    let mut told = heard("comment", run, forge.put_comment(number, &comment).await);
    // A runner that reads commands shows notes by itself.
    if !run.system.reads_commands() {
        let notes = notes::of(&judgement.diagnostics, &judgement.plans, report.places);
        told &= heard(
            "notes",
            run,
            forge.put_notes(&pull, report.instance, &notes).await,
        );
    }
    told
}

/// Says what became of one part. A fork's token may do nothing, and that is no failure.
fn heard(what: &str, run: &Run, put: Result<Put, ForgeError>) -> bool {
    let (text, told) = match put {
        Ok(Put::Created) => (format!("{what}: written"), true),
        Ok(Put::Updated) => (format!("{what}: renewed"), true),
        Ok(Put::Same) => (format!("{what}: as it was"), true),
        Ok(Put::Skipped(why)) => (format!("{what}: left out, {why}"), true),
        Err(error @ ForgeError::Denied { .. }) if is_foreign(run) => {
            (format!("{what}: {error}"), true)
        }
        Err(error) => (format!("{what}: {error}"), false),
    };
    output::note(&escape::line(&text));
    told
}
