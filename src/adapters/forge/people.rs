//! The people behind a pull request, in one look: who opened it, who wrote it, who pushed it, who merged it,
//! who agreed, and in which groups of a rule those are.

use std::collections::BTreeSet;

use crate::plan::consent::{People, Yes};
use crate::report::forge::{Forge, ForgeError, Pull, Review};

/// Agreements that are looked at.
const MAX_YESES: usize = 100;

/// Asks a forge for the people behind a pull request. Only agreements to its last commit count.
pub async fn people<F: Forge>(
    forge: &F,
    pull: &Pull,
    groups: &BTreeSet<String>,
) -> Result<People, ForgeError> {
    let reviews = forge.reviews(pull.number).await?;
    let named = forge.caps().reviews_name_commits;
    let current = |review: &&Review| {
        let same = review.commit.as_ref() == Some(&pull.head);
        review.approved && (same || !named)
    };
    let past = forge.past(pull).await?;
    let mut yeses = Vec::new();
    for review in reviews.iter().filter(current).take(MAX_YESES) {
        let mut member_of = BTreeSet::new();
        for group in groups {
            let is_member = match forge.is_member(group, &review.user).await {
                // Of a team that we may not look into nobody is known, and it is in no other team's way.
                Err(error @ ForgeError::Denied { .. }) => {
                    tracing::warn!(group, %error, "it is not known who is in a group");
                    false
                }
                answer => answer?,
            };
            if is_member {
                member_of.insert(group.clone());
            }
        }
        yeses.push(Yes {
            user: review.user.clone(),
            groups: member_of,
            at: review.at,
            ..Yes::default()
        });
    }
    Ok(People {
        author: pull.author.clone(),
        // Somebody may agree elsewhere than at the forge, so this is asked without a review as well.
        writers: forge.writers(pull.number).await?,
        pushers: past.pushers,
        turned: past.turned,
        merger: pull.merger.clone(),
        yeses,
        ..People::default()
    })
}
