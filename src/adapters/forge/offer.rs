//! Offers a change as a pull request: branch first, then the pull request, each made once however often
//! it is tried and whatever answers get lost.

use crate::report::forge::proposal::{Offered, Proposal, Tip};
use crate::report::forge::{Forge, ForgeError, Put};

/// How often a branch that was begun is gone on with.
const TRIES: u32 = 2;

/// Makes the branch and the pull request of a proposal, or finds them.
pub async fn offer<F: Forge>(forge: &F, proposal: &Proposal) -> Result<Offered, ForgeError> {
    let found = forge.tip(&proposal.branch).await?;
    if !stands(proposal, found.as_ref())? {
        branch(forge, proposal).await?;
    }
    if let Some(offered) = forge.offered(proposal).await? {
        return Ok(offered);
    }
    let opened = forge.open_pull(proposal).await;
    match opened {
        Ok(offered) => Ok(offered),
        Err(error) => match forge.offered(proposal).await? {
            Some(offered) => Ok(Offered {
                put: Put::Created,
                ..offered
            }),
            None => Err(error),
        },
    }
}

/// Makes the branch. Whatever is answered, or if an answer gets lost: what counts is where it stands.
async fn branch<F: Forge>(forge: &F, proposal: &Proposal) -> Result<(), ForgeError> {
    let mut last = Ok(());
    for _ in 0..TRIES {
        last = forge.put_branch(proposal).await;
        let now = forge.tip(&proposal.branch).await?;
        if stands(proposal, now.as_ref())? {
            return Ok(());
        }
        // A branch without its commit is one that was begun: it is gone on with.
        if now.is_none() {
            break;
        }
    }
    last.and_then(|()| Err(taken(proposal)))
}

/// Whether the branch holds the proposal already; an error if it holds something else.
fn stands(proposal: &Proposal, tip: Option<&Tip>) -> Result<bool, ForgeError> {
    match tip {
        None => Ok(false),
        // The branch was made, and nothing else yet.
        Some(tip) if tip.commit == proposal.base => Ok(false),
        Some(tip) if proposal.is_at(tip) => Ok(true),
        Some(_) => Err(taken(proposal)),
    }
}

fn taken(proposal: &Proposal) -> ForgeError {
    ForgeError::Setup {
        reason: format!(
            "the branch `{}` holds something else than this change; delete it and try again",
            proposal.branch
        ),
    }
}
