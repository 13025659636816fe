//! In whose name a tenant's set is written.

use kubemate::apply::cluster::{Cluster as _, Identity, Question};
use kubemate::apply::problem::ProblemKind;
use kubemate::object::Owner;
use kubemate::plan::Rule;
use serde_json::json;
use std::time::Duration;

use crate::bed;
use crate::bed::proxy::Proxy;
use crate::engine::{Engine, outcome, told};

async fn tenant(proxy: &Proxy) -> Engine {
    let namespace = crate::bed::cluster().unique_namespace().await;
    let mut engine = Engine::through(proxy.kubeconfig(), namespace).await;
    engine.set.owner = Owner::Tenant("shop".into());
    engine.rendered.set = engine.set.clone();
    engine.identity = Identity::ServiceAccount {
        namespace: engine.namespace.clone(),
        name: "kubemate-tenant".into(),
    };
    engine.kubectl(&["create", "serviceaccount", "kubemate-tenant"]);
    engine
}

fn grant(engine: &Engine) {
    let account = format!("--serviceaccount={}:kubemate-tenant", engine.namespace);
    engine.kubectl(&[
        "create",
        "rolebinding",
        "edit",
        "--clusterrole=edit",
        &account,
    ]);
    bed::cluster().granted(&engine.namespace, "kubemate-tenant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_set_is_written_as_the_tenant_and_never_as_kubemate() {
    let proxy = Proxy::before(crate::bed::cluster().kubeconfig());
    let mut engine = tenant(&proxy).await;
    grant(&engine);
    let key = engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    assert!(engine.live(&key).await.is_some());
    let user = format!("system:serviceaccount:{}:kubemate-tenant", engine.namespace);
    let writes = proxy.writes();
    let objects = writes
        .iter()
        .filter(|c| c.target.namespace.as_deref() == Some(engine.namespace.as_str()));
    let users: Vec<_> = objects.map(|call| call.impersonated()).collect();
    assert_eq!(users, [Some(user.as_str())]);
    engine.rendered.objects.remove(&key);
    engine.want_config("b", &json!({"k": "1"}));
    engine.policy.percent_from = 100;
    proxy.forget();
    engine.apply_all().await;
    let writes = proxy.writes();
    let objects = writes
        .iter()
        .filter(|c| c.target.namespace.as_deref() == Some(engine.namespace.as_str()));
    assert!(
        objects.clone().count() == 2
            && objects
                .into_iter()
                .all(|c| c.impersonated() == Some(user.as_str()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_rights_nothing_is_written_and_the_plan_says_who_may_not() {
    let proxy = Proxy::before(crate::bed::cluster().kubeconfig());
    let mut engine = tenant(&proxy).await;
    let key = engine.want_config("a", &json!({"k": "1"}));
    let plan = engine.plan().await;
    let finding = plan
        .findings
        .iter()
        .find(|f| f.rule == Rule::Denied)
        .expect("a finding");
    assert!(finding.message.contains("kubemate-tenant"), "{finding:?}");
    // Rights that were taken away after the plan.
    engine.options.settle = Duration::from_secs(3);
    let mut held = plan.clone();
    held.steps[0].held_by.clear();
    let report = engine.carry_out(&held).await.unwrap();
    assert!(
        outcome(&report, &key).to_string().contains("forbidden"),
        "{}",
        told(&held, &report)
    );
    assert!(engine.live(&key).await.is_none());

    // Rights that take a moment to be known.
    engine.options.settle = bed::PATIENCE;
    let (carried, ()) = tokio::join!(engine.carry_out(&held), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        grant(&engine);
    });
    let report = carried.unwrap();
    assert!(report.complete(), "{}", told(&held, &report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_identity_no_call_is_made() {
    let proxy = Proxy::before(crate::bed::cluster().kubeconfig());
    let mut engine = tenant(&proxy).await;
    engine.want_config("a", &json!({"k": "1"}));
    let plan = engine.plan().await;
    let empty = |namespace: &str, name: &str| Identity::ServiceAccount {
        namespace: namespace.into(),
        name: name.into(),
    };
    for identity in [Identity::Own, empty("", "x"), empty("x", "")] {
        engine.identity = identity;
        proxy.forget();
        let problem = engine.carry_out(&plan).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::NoIdentity, "{problem}");
        let stored = kubemate::plan::Inventory::new(engine.set.clone());
        let question = Question {
            rendered: &engine.rendered,
            inventory: &stored,
            policy: &engine.policy,
            identity: &engine.identity,
        };
        assert!(engine.cluster.observe(question).await.is_err());
        assert!(proxy.calls().is_empty());
    }
}
