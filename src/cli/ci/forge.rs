//! Tells the forge: the status always, the comment and the notes where there is a pull request.

use std::sync::Arc;

use super::super::{Failure, output, session};
use super::is_foreign;
use super::judge::Judgement;
use crate::adapters::disk;
use crate::adapters::forge::{AppKey, Auth, GitHub, GitLab, Gitea, Link, Patience, Token};
use crate::report::diagnostics::escape;
use crate::report::forge::ci::{ForgeKind, Home, Run, System};
use crate::report::forge::comment::{self, Report};
use crate::report::forge::{Forge, ForgeError, PullNumber, Put, notes};

/// Tells what is known where a token is at hand. False if what people see may now be old.
pub(super) fn tell(report: &Report<'_>, judgement: &Judgement, run: &Run) -> Result<bool, Failure> {
    let Some(home) = &run.home else {
        output::note("no forge is known here: the report is in this output only");
        return Ok(true);
    };
    let (auth, bot) = match credential(home, run) {
        Ok(Some(found)) => found,
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
    let link =
        Link::new(&home.api, auth, Patience::default(), Vec::new()).map_err(|e| unusable(&e))?;
    let repository = &home.repository;
    let work = async {
        match home.kind {
            ForgeKind::GitHub => {
                all(&GitHub::new(link, repository, bot), report, judgement, run).await
            }
            ForgeKind::GitLab => all(&GitLab::new(link, repository), report, judgement, run).await,
            ForgeKind::Gitea => {
                all(&Gitea::new(link, repository, bot), report, judgement, run).await
            }
        }
    };
    Ok(session::runtime()?.block_on(work))
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

/// The credential of a forge, and who writes with it where the forge does not tell.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials come from the environment of the job"
)]
fn credential(home: &Home, run: &Run) -> Result<Option<(Auth, Option<&'static str>)>, ForgeError> {
    let set = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
    };
    if home.kind == ForgeKind::GitHub
        && let Some(file) = set("KUBEMATE_APP_KEY_FILE")
    {
        let number = |name: &str| set(name).and_then(|text| text.trim().parse().ok());
        let setup = |reason: &str| ForgeError::Setup {
            reason: reason.to_owned(),
        };
        let ids = number("KUBEMATE_APP_ID").zip(number("KUBEMATE_APP_INSTALLATION"));
        let (app, installation) = ids.ok_or_else(|| {
            setup("a GitHub App needs KUBEMATE_APP_ID and KUBEMATE_APP_INSTALLATION")
        })?;
        let pem = disk::read_text(file.as_ref()).map_err(|error| setup(&error.to_string()))?;
        let name = home.repository.rsplit('/').next().unwrap_or_default();
        let key = AppKey::new(app, installation, name, pem.as_bytes())?;
        return Ok(Some((Auth::App(Arc::new(key)), None)));
    }
    let names: &[&str] = match home.kind {
        ForgeKind::GitHub => &["KUBEMATE_FORGE_TOKEN", "GITHUB_TOKEN"],
        ForgeKind::GitLab => &["KUBEMATE_FORGE_TOKEN", "GITLAB_TOKEN"],
        ForgeKind::Gitea => &["KUBEMATE_FORGE_TOKEN", "GITEA_TOKEN", "GITHUB_TOKEN"],
    };
    let Some(text) = names.iter().find_map(|name| set(name)) else {
        return Ok(None);
    };
    let token = Token::new(&text).ok_or_else(|| ForgeError::Setup {
        reason: "the token for the forge holds characters that no token has".to_owned(),
    })?;
    Ok(Some(match (home.kind, run.system) {
        (ForgeKind::GitHub, System::GitHub) => (Auth::Bearer(token), Some("github-actions[bot]")),
        (ForgeKind::GitHub, _) => (Auth::Bearer(token), None),
        (ForgeKind::GitLab, _) => (Auth::PrivateToken(token), None),
        (ForgeKind::Gitea, System::Gitea) => (Auth::TokenWord(token), Some("gitea-actions")),
        (ForgeKind::Gitea, _) => (Auth::TokenWord(token), None),
    }))
}
