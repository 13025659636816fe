//! Offers a change as a pull request: branch first, then the pull request, each made once however often
//! it is tried and whatever answers get lost.

use crate::report::forge::proposal::{Offered, Proposal, Tip};
use crate::report::forge::{Forge, ForgeError, Put};

/// Makes the branch and the pull request of a proposal, or finds them.
pub async fn offer<F: Forge>(forge: &F, proposal: &Proposal) -> Result<Offered, ForgeError> {
    let found = forge.tip(&proposal.branch).await?;
    if !stands(proposal, found.as_ref())? {
        let written = forge.put_branch(proposal).await;
        // Whatever the answer was, or if it got lost: what counts is where the branch stands.
        let now = forge.tip(&proposal.branch).await?;
        if !stands(proposal, now.as_ref())? {
            written?;
            return Err(taken(proposal));
        }
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
