//! Which calls a rule covers, and how many of them it breaks.

use super::super::{Fault, Match, Rule, Verb};
use super::origin::Origin;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const BROKEN: u16 = 500;

async fn statuses(origin: &Origin, paths: &[&str]) -> Vec<u16> {
    let mut found = Vec::new();
    for path in paths {
        found.push(origin.get(path).await.unwrap().0);
    }
    found
}

fn broken(covers: Match) -> Rule {
    Rule::new(covers, Fault::Status(BROKEN, Vec::new()))
}

#[tokio::test]
async fn each_part_of_a_match_narrows_it() {
    let origin = Origin::start().await;
    let other = "/apis/apps/v1/namespaces/bank/deployments/api/status";
    let narrow = |covers: Match| {
        origin.proxy.heal();
        origin.proxy.add(broken(covers));
    };
    for covers in [
        Match::any().resource("deployments.apps").namespace("shop"),
        Match::any().resource("deployments").name("web"),
        Match::reads()
            .verb(Verb::Get)
            .path("/apis/apps/v1/namespaces/shop"),
    ] {
        narrow(covers);
        assert_eq!(statuses(&origin, &[DEPLOYMENT, other]).await, [BROKEN, 200]);
    }
    narrow(Match::any().subresource("status"));
    assert_eq!(statuses(&origin, &[DEPLOYMENT, other]).await, [200, BROKEN]);
    narrow(Match::any().resource("deployments.example.test"));
    assert_eq!(statuses(&origin, &[DEPLOYMENT, other]).await, [200, 200]);
    narrow(Match::any().user("eve"));
    assert_eq!(statuses(&origin, &[DEPLOYMENT]).await, [200]);
    let as_eve = origin
        .request("GET", DEPLOYMENT)
        .header("impersonate-user", "eve");
    assert_eq!(as_eve.send().await.unwrap().status().as_u16(), BROKEN);
}

#[tokio::test]
async fn a_dry_run_is_no_write() {
    let origin = Origin::start().await;
    origin.proxy.add(broken(Match::writes()));
    let dry = origin
        .request("DELETE", &format!("{DEPLOYMENT}?dryRun=All"))
        .send()
        .await
        .unwrap();
    let real = origin.request("DELETE", DEPLOYMENT).send().await.unwrap();
    assert_eq!(
        (dry.status().as_u16(), real.status().as_u16()),
        (200, BROKEN)
    );
    assert_eq!(origin.proxy.calls().len(), 2);
    let writes = origin.proxy.writes();
    assert_eq!(
        writes.iter().map(|call| call.verb).collect::<Vec<_>>(),
        [Verb::Delete]
    );
    origin.proxy.forget();
    assert!(origin.proxy.calls().is_empty());
}

#[tokio::test]
async fn rules_count_the_calls_that_they_cover() {
    let origin = Origin::start().await;
    origin
        .proxy
        .add(broken(Match::any().resource("deployments")).nth(2));
    let mixed = [DEPLOYMENT, "/api/v1/nodes", DEPLOYMENT, DEPLOYMENT];
    assert_eq!(statuses(&origin, &mixed).await, [200, 200, BROKEN, 200]);
    origin.proxy.heal();
    origin.proxy.add(broken(Match::any()).first(2));
    assert_eq!(statuses(&origin, &mixed).await, [BROKEN, BROKEN, 200, 200]);
}

#[tokio::test]
async fn chances_follow_the_seed() {
    let origin = Origin::start().await;
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        origin.proxy.heal();
        origin.proxy.seed(seed);
        origin.proxy.add(broken(Match::any()).chance(0.2));
        runs.push(statuses(&origin, &[DEPLOYMENT; 100]).await);
    }
    assert_eq!(runs[0], runs[1], "the same seed must break the same calls");
    assert_ne!(runs[0], runs[2], "another seed must break other calls");
    let failed = runs[0].iter().filter(|status| **status == BROKEN).count();
    assert!(
        (8..=35).contains(&failed),
        "{failed} of 100 calls failed at a chance of 0.2"
    );
}
