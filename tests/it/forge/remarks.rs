//! A comment read from every dialect: who wrote it, what it says, and whether it was edited since. What is
//! not there, or on another pull request, is none.

use kubemate::report::forge::{Forge, PullNumber};

use super::sim::{Sim, TOKEN};
use super::suite::{SEVEN, gitea, github, gitlab};
use super::{gitea_sim, github_sim, gitlab_sim};

fn read<F: Forge>(sim: &Sim, forge: &F) {
    let (first, second) = {
        let mut store = sim.store();
        (
            store.says("ann", "/kubemate plan"),
            store.says("ben", "ä\nb"),
        )
    };
    let remark = |pull: PullNumber, id: u64| {
        let found = sim.runtime.block_on(forge.remark(pull, id));
        found.map(|found| found.map(|remark| (remark.author, remark.text, remark.edited)))
    };
    let said =
        |author: &str, text: &str, edited: bool| (author.to_owned(), text.to_owned(), edited);
    let plan = said("ann", "/kubemate plan", false);
    assert_eq!(remark(SEVEN(), first), Ok(Some(plan)));
    assert_eq!(
        remark(SEVEN(), second),
        Ok(Some(said("ben", "ä\nb", false)))
    );
    sim.store().edited.insert(second);
    assert_eq!(remark(SEVEN(), second), Ok(Some(said("ben", "ä\nb", true))));
    assert_eq!(remark(SEVEN(), 4_000), Ok(None));
    let template = sim.store().pulls[&7].clone();
    sim.store().pulls.insert(8, template);
    let eight = PullNumber::parse("8").unwrap();
    assert_eq!(remark(eight, first), Ok(None), "it is on another one");
}

#[test]
fn s_76_a_comment_is_what_the_forge_says_it_is() {
    let sim = github_sim::start();
    read(&sim, &github(&sim, TOKEN));
    let sim = gitea_sim::start();
    read(&sim, &gitea(&sim, TOKEN));
    let sim = gitlab_sim::start();
    read(&sim, &gitlab(&sim, TOKEN));
    let noted = sim.store().says("gitlab", "added 1 commit");
    let found = sim
        .runtime
        .block_on(gitlab(&sim, TOKEN).remark(SEVEN(), noted));
    assert_eq!(found, Ok(None), "nobody wrote that");
}
