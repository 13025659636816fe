//! A tenant whose writes take long, in one Sync with another one: that one does not wait.

use std::time::Duration;

use super::behind::{app, files, second};
use super::{Bed, Controller, GOOD, is};
use crate::bed::proxy::{Fault, Match, Proxy, Rule};
use crate::engine_cases::slow::{Webhook, admits, in_force};

/// How long each call of the webhook takes; a change needs two.
const SLOW: Duration = Duration::from_secs(15);

#[test]
fn r_53_a_tenant_does_not_wait_for_the_webhook_of_another_one() {
    let bed = Bed::new("slow.git");
    let (shop, other) = (bed.name.clone(), second(&bed));
    bed.commit_files(files(&bed, GOOD, "1.0.0"));
    bed.sync("auto", "2s");
    let _controller = Controller::start(bed.cluster.kubeconfig(), &bed);
    bed.until("both are there", |s| is(s, "Ready", "True"));

    let hook = Proxy::before_http_with_tls(admits(true));
    let _webhook = Webhook::over(&shop, &hook);
    in_force(&shop, &hook);
    hook.add(Rule::new(Match::any(), Fault::Delay(SLOW)));
    let next = GOOD.replace("1.0.0", "1.0.1");
    bed.commit_files(files(&bed, &next, "1.0.1"));
    let version = |tenant: &str| app(&bed, tenant).unwrap().0;
    bed.until("the other tenant goes on", |_| version(&other) == "1.0.1");
    assert_eq!(version(&shop), "1.0.0", "it waits for its own webhook");
    bed.until("in the end it is written", |_| version(&shop) == "1.0.1");
    assert!(!hook.calls().is_empty(), "the webhook was asked");
    hook.heal();
    bed.until("all is well", |s| is(s, "Ready", "True"));
}
