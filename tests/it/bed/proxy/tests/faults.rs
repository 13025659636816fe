//! Faults of single calls.

use std::time::{Duration, Instant};

use super::super::{Fault, Gate, Match, Rule};
use super::origin::{ANSWER, Origin};

const MAPS: &str = "/api/v1/namespaces/shop/configmaps";

#[tokio::test]
async fn without_rules_everything_passes_and_is_recorded() {
    let origin = Origin::start().await;
    let sent = origin
        .request(
            "PATCH",
            &format!("{MAPS}/web?fieldManager=kubemate&force=true"),
        )
        .header("content-type", "application/apply-patch+yaml")
        .header("user-agent", "bed/1")
        .header("impersonate-user", "system:serviceaccount:shop:kubemate")
        .header("impersonate-group", "system:serviceaccounts")
        .body("{\"kind\":\"ConfigMap\"}")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.headers().get("x-origin").unwrap(), "yes");
    assert_eq!(
        (sent.status().as_u16(), sent.text().await.unwrap()),
        (200, ANSWER.to_owned())
    );
    let calls = origin.proxy.calls();
    let [call] = calls.as_slice() else {
        panic!("one call, not {}", calls.len())
    };
    assert_eq!(
        (call.verb, call.method.as_str()),
        (super::super::Verb::Apply, "PATCH")
    );
    assert_eq!(call.user_agent.as_deref(), Some("bed/1"));
    assert_eq!(call.query("fieldManager"), Some("kubemate"));
    assert_eq!(
        call.impersonated(),
        Some("system:serviceaccount:shop:kubemate")
    );
    assert_eq!(call.impersonation.len(), 2);
    assert_eq!(call.json()["kind"], "ConfigMap");
    assert_eq!((call.status, call.upstream_status), (Some(200), Some(200)));
    assert!(call.faults.is_empty() && call.took.is_some());
    let target = &call.target;
    assert_eq!((target.group.as_str(), target.version.as_str()), ("", "v1"));
    assert_eq!(
        (target.resource.as_str(), target.name.as_deref()),
        ("configmaps", Some("web"))
    );
    assert_eq!(target.namespace.as_deref(), Some("shop"));
}

#[tokio::test]
async fn a_made_up_status_never_reaches_the_server() {
    let origin = Origin::start().await;
    origin
        .proxy
        .add(Rule::new(Match::any(), Fault::too_many(7)));
    let answer = origin.request("GET", MAPS).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 429);
    assert_eq!(answer.headers().get("retry-after").unwrap(), "7");
    assert_eq!(
        answer.json::<serde_json::Value>().await.unwrap()["reason"],
        "TooManyRequests"
    );
    assert_eq!(origin.hits(), 0);
    origin.proxy.heal();
    assert_eq!(origin.get(MAPS).await.unwrap().0, 200);
    let recorded: Vec<_> = origin
        .proxy
        .calls()
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(recorded, [Some(429), Some(200)]);
}

#[tokio::test]
async fn a_cut_is_before_or_after_the_effect() {
    let origin = Origin::start().await;
    origin
        .proxy
        .add(Rule::new(Match::any(), Fault::ResetBefore).nth(1));
    origin
        .proxy
        .add(Rule::new(Match::any(), Fault::ResetAfter).nth(1));
    origin
        .proxy
        .add(Rule::new(Match::any(), Fault::StatusAfter(503)).nth(1));
    assert!(origin.request("POST", MAPS).send().await.is_err());
    assert_eq!(
        origin.hits(),
        0,
        "the server must not have seen the first call"
    );
    assert!(origin.request("POST", MAPS).send().await.is_err());
    assert_eq!(
        origin.hits(),
        1,
        "the server must have seen the second call"
    );
    let third = origin.request("POST", MAPS).send().await.unwrap();
    assert_eq!((third.status().as_u16(), origin.hits()), (503, 2));
    let calls = origin.proxy.calls();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.upstream_status, call.status))
        .collect();
    assert_eq!(
        seen,
        [(None, None), (Some(200), None), (Some(200), Some(503))]
    );
}

#[tokio::test]
async fn bodies_are_cut_short_replaced_and_slow() {
    let origin = Origin::start().await;
    let on = |path: &str, fault| Rule::new(Match::any().path(path), fault);
    origin.proxy.add(on("/short", Fault::Truncate(10)));
    origin.proxy.add(on("/page", Fault::Html));
    origin.proxy.add(on("/empty", Fault::Body(String::new())));
    origin
        .proxy
        .add(on("/slow", Fault::Drip(Duration::from_millis(5))));
    let short = origin.request("GET", "/short").send().await.unwrap();
    assert_eq!(short.status().as_u16(), 200);
    assert!(
        short.text().await.is_err(),
        "a body that is cut short must be noticed"
    );
    let (status, page) = origin.get("/page").await.unwrap();
    assert_eq!((status, page.contains("<html>")), (200, true));
    assert_eq!(origin.get("/empty").await.unwrap(), (200, String::new()));
    let started = Instant::now();
    assert_eq!(origin.get("/slow").await.unwrap(), (200, ANSWER.to_owned()));
    assert!(
        started.elapsed() >= Duration::from_millis(5 * 30),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(origin.hits(), 2);
}

#[tokio::test]
async fn a_black_hole_ends_with_the_proxy() {
    let mut origin = Origin::start().await;
    origin.proxy.add(Rule::new(
        Match::any(),
        Fault::BlackHole(Duration::from_secs(100)),
    ));
    let limit = Duration::from_millis(200);
    let answer = origin.request("GET", MAPS).timeout(limit).send().await;
    assert!(answer.unwrap_err().is_timeout());
    let started = Instant::now();
    origin.proxy = super::super::Proxy::before_http(origin.proxy.address());
    assert!(
        started.elapsed() < Duration::from_mins(1),
        "a call that hangs must not hold the proxy"
    );
}

#[tokio::test]
async fn a_delay_goes_on_to_the_next_rule() {
    let origin = Origin::start().await;
    let pause = Duration::from_millis(150);
    origin
        .proxy
        .add(Rule::new(Match::any(), Fault::Delay(pause)));
    origin
        .proxy
        .add(Rule::new(Match::any(), Fault::Status(500, Vec::new())));
    let started = Instant::now();
    assert_eq!(origin.get(MAPS).await.unwrap().0, 500);
    assert!(started.elapsed() >= pause);
    assert_eq!(origin.proxy.calls()[0].faults, ["Delay", "Status"]);
}

#[tokio::test]
async fn gates_hold_a_call_before_or_after_its_effect() {
    let origin = Origin::start().await;
    for (gate, fault, effects) in [
        (Gate::new(), Fault::PauseBefore as fn(Gate) -> Fault, 0),
        (Gate::new(), Fault::PauseAfter as fn(Gate) -> Fault, 2),
    ] {
        origin.proxy.heal();
        origin
            .proxy
            .add(Rule::new(Match::writes(), fault(gate.clone())));
        let call = tokio::spawn(origin.request("POST", MAPS).send());
        let stood = tokio::task::spawn_blocking({
            let gate = gate.clone();
            move || gate.wait_reached(Duration::from_mins(1))
        });
        assert!(stood.await.unwrap(), "the call must stand at the gate");
        assert_eq!(
            origin.hits(),
            effects,
            "calls that took effect while the gate is closed"
        );
        gate.open();
        assert_eq!(call.await.unwrap().unwrap().status().as_u16(), 200);
    }
}

#[tokio::test]
async fn discovery_shrinks_by_one_group() {
    let origin = Origin::start().await;
    origin.proxy.add(Rule::new(
        Match::any(),
        Fault::WithoutGroup("example.test".into()),
    ));
    let (_, groups) = origin.get("/apis").await.unwrap();
    assert!(
        groups.contains("apps") && !groups.contains("example.test"),
        "{groups}"
    );
    assert_eq!(origin.get("/apis/example.test/v1").await.unwrap().0, 404);
    let objects = origin
        .get("/apis/example.test/v1/namespaces/shop/things")
        .await
        .unwrap();
    assert_eq!(objects.0, 200, "objects of the group are still there");
}
