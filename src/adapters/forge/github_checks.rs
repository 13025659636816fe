//! Notes on lines at GitHub: one check run beside the status, which is never required. Only Apps and
//! jobs may write check runs; with other tokens the notes are left out and the comment says enough.

use http::Method;
use serde_json::{Value, json};

use super::client::{Ask, Link};
use super::read;
use crate::plan::digest;
use crate::report::diagnostics::escape;
use crate::report::forge::{ForgeError, Instance, LineNote, Put, Weight};
use crate::source::repository::CommitId;

/// Annotations that one request takes.
const PER_REQUEST: usize = 50;
/// Most annotations in all.
const MOST: usize = 500;
/// Most bytes of an annotation's message.
const MESSAGE: usize = 4_000;

/// Makes these the notes of an instance on a commit.
pub(super) async fn put(
    link: &Link,
    repository: &str,
    head: &CommitId,
    instance: &Instance,
    notes: &[LineNote],
) -> Result<Put, ForgeError> {
    let name = format!("kubemate/lines/{instance}");
    let identity = digest::of_text(&format!("{notes:?}"));
    let query = read::segment(&name);
    let path =
        format!("/repos/{repository}/commits/{head}/check-runs?check_name={query}&per_page=100");
    let found = link.call(&Ask::get(path, "read check runs")).await?.body;
    let runs = found["check_runs"].as_array().cloned().unwrap_or_default();
    let newest = runs.iter().max_by_key(|run| run["id"].as_u64());
    match newest {
        Some(run) if run["external_id"] == identity.as_str() => return Ok(Put::Same),
        None if notes.is_empty() => return Ok(Put::Same),
        _ => {}
    }
    match write(link, repository, head, (&name, &identity), notes).await {
        Ok(()) if newest.is_some() => Ok(Put::Updated),
        Ok(()) => Ok(Put::Created),
        Err(ForgeError::Denied { reason, .. }) => Ok(Put::Skipped(format!(
            "this token may not write check runs: {reason}"
        ))),
        Err(error) => Err(error),
    }
}

/// Annotations can only be added, so other notes are a new run; the newest of a name is shown.
async fn write(
    link: &Link,
    repository: &str,
    head: &CommitId,
    (name, identity): (&str, &str),
    notes: &[LineNote],
) -> Result<(), ForgeError> {
    let left_out = notes.len().saturating_sub(MOST);
    let more = if left_out > 0 {
        format!(", {left_out} more are not shown")
    } else {
        String::new()
    };
    let output = |chunk: &[LineNote]| {
        json!({
            "title": format!("{} notes on lines", notes.len()),
            "summary": format!("{} notes on lines of KDL{more}", notes.len()),
            "annotations": chunk.iter().map(annotation).collect::<Vec<_>>(),
        })
    };
    let mut chunks = notes[..notes.len().min(MOST)].chunks(PER_REQUEST);
    // The verdict is the status's; a run that failed would be a second opinion.
    let body = json!({
        "name": name, "head_sha": head.as_str(), "external_id": identity,
        "status": "completed", "conclusion": "neutral", "output": output(chunks.next().unwrap_or_default()),
    });
    let ask = Ask::send(
        Method::POST,
        format!("/repos/{repository}/check-runs"),
        &body,
        "write notes on lines",
    );
    let made = link.call(&ask).await?.body;
    let id = made["id"]
        .as_u64()
        .ok_or_else(|| read::odd(link, ask.what))?;
    for chunk in chunks {
        let body = json!({ "output": output(chunk) });
        let path = format!("/repos/{repository}/check-runs/{id}");
        // Twice would be shown twice.
        let mut ask = Ask::send(Method::PATCH, path, &body, "write notes on lines");
        ask.repeatable = false;
        link.call(&ask).await?;
    }
    Ok(())
}

fn annotation(note: &LineNote) -> Value {
    let message = escape::block(&note.message);
    json!({
        "path": note.path,
        "start_line": note.line.get(),
        "end_line": note.line.get(),
        "annotation_level": match note.weight {
            Weight::Failure => "failure",
            Weight::Warning => "warning",
            Weight::Notice => "notice",
        },
        "title": note.title,
        "message": &message[..message.floor_char_boundary(MESSAGE)],
    })
}
