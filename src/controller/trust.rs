//! Whether the tracked commit may be read at all: by who signed it, and by what it comes after. It is asked
//! before anything of the commit is parsed, and a no leaves in force what was good before.

use std::time::Duration;

use tokio::time::timeout;

use super::cycle::{Sort, Tools, Trouble, of_source};
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::sync::{History, Signed, Sync, SyncSpec, SyncStatus, Verify};
use crate::apply::cluster::Cluster as _;
use crate::source::repository::{CommitId, RepositoryError};
use crate::source::signed::{self, Refusal, Signers};

/// For how long a pass waits to learn what a commit comes after that is followed anyway.
const SOON: Duration = Duration::from_secs(5);

/// How often all of a history is fetched in vain where nothing depends on it.
const MOST_FAILURES: u32 = 3;

/// What was found out about two commits, so that it is found out once.
#[derive(Default)]
pub(super) struct Lineage {
    /// Two commits, and whether the second one came after the first.
    known: Option<(CommitId, CommitId, bool)>,
    /// How often that was too much to find out.
    failures: u32,
}

/// The commit under which history was rewritten, if it was and that is followed; the error is why the
/// tracked commit is not read.
pub(super) async fn admit(
    tools: &Tools,
    sync: &Sync,
    remote: &RemoteRepository,
    (before, head): (&SyncStatus, &CommitId),
    lineage: &mut Lineage,
) -> Result<Option<String>, Trouble> {
    let spec = &sync.spec;
    let last = before.last_valid.as_deref().and_then(CommitId::new);
    if let Some(verify) = &spec.verify {
        // What was taken once stays so when its key ends.
        let at = (last.as_ref() != Some(head)).then(|| tools.cluster.now());
        judge(spec, verify, remote, (head, at)).await?;
    }
    let Some(last) = last.filter(|last| last != head) else {
        return Ok(None);
    };
    let follows = match &lineage.known {
        Some((from, to, follows)) if *from == last && to == head => Ok(*follows),
        _ if spec.history == History::Follow && lineage.failures >= MOST_FAILURES => {
            return Ok(None);
        }
        _ => follows(spec, remote, (&last, head)).await,
    };
    if let Ok(follows) = follows {
        lineage.known = Some((last.clone(), head.clone(), follows));
    }
    let confirmed = spec.confirm_history.as_deref() == Some(head.as_str());
    match (spec.history, follows) {
        (_, Ok(true)) => Ok(None),
        (History::Follow, Err(error)) => {
            if !matches!(error, RepositoryError::Unreachable { .. }) {
                lineage.failures += 1;
            }
            let reason = error.to_string();
            tracing::debug!(%head, %last, reason, "it is not known what a commit comes after");
            Ok(None)
        }
        (History::Hold, Err(error)) => Err(of_source(&error)),
        (History::Hold, Ok(false)) if !confirmed => {
            let last = last.short();
            let said = format!(
                "history was rewritten, or `ref` is another one: the commit does not come after {last}; push \
                 one that does, or take it with `confirmHistory: {head}`"
            );
            Err(Trouble::new(Sort::Rewritten, said))
        }
        (History::Follow | History::Hold, Ok(false)) => Ok(Some(last.to_string())),
    }
}

/// Whether the demanded signature is there; the error says why not and what to do, or why that is not
/// known.
async fn judge(
    spec: &SyncSpec,
    verify: &Verify,
    remote: &RemoteRepository,
    (head, at): (&CommitId, Option<jiff::Timestamp>),
) -> Result<(), Trouble> {
    let signers = Signers::parse(verify.signers.iter().map(String::as_str));
    let signers = signers
        .map_err(|error| Trouble::new(Sort::BadSpec, format!("`verify.signers`: {error}")))?;
    let source = |error: RepositoryError| of_source(&error);
    let (what, judged) = match verify.signed {
        Signed::Commit => {
            let bytes = remote.commit_bytes(head).await.map_err(source)?;
            ("commit", signed::commit(&bytes, &signers, at))
        }
        Signed::Tag => {
            let bytes = remote.tag_bytes().await.map_err(source)?;
            let name = spec.reference.strip_prefix("refs/tags/");
            let of = (name.unwrap_or_default(), head);
            let judged = bytes.ok_or(Refusal::NoTag);
            let judged = judged.and_then(|bytes| signed::tag(&bytes, of, &signers, at));
            ("tag", judged)
        }
    };
    let signer = judged.map_err(|refusal| {
        let said = format!("the {what} is refused: {refusal}; {}", refusal.help());
        Trouble::new(Sort::Unsigned, said)
    })?;
    let (name, key) = (signer.name, signer.fingerprint);
    tracing::debug!(%head, name, key, "signed");
    Ok(())
}

/// Whether one commit comes after another. Who follows it anyway does not wait long for the answer.
async fn follows(
    spec: &SyncSpec,
    remote: &RemoteRepository,
    (from, to): (&CommitId, &CommitId),
) -> Result<bool, RepositoryError> {
    let question = remote.leads_to(from, to);
    match spec.history {
        History::Hold => question.await,
        History::Follow => timeout(SOON, question).await.unwrap_or_else(|_| {
            let reason = "there was no answer in time".to_owned();
            Err(RepositoryError::Git { reason })
        }),
    }
}
