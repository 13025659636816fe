//! An admission webhook that takes its time, on a real API server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use kubemate::object::ObjectKey;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::record::settles;
use crate::bed;
use crate::bed::proxy::{Call, Fault, Match, Proxy, Rule as Break};
use crate::effort;
use crate::engine::{Engine, outcome, told};

/// How long each call of the webhook takes, ordinarily and in long runs.
fn slow_for() -> Duration {
    Duration::from_secs(effort::cases(3, 10).into())
}
/// Objects of the slow set: more than are written at once.
const OBJECTS: usize = 40;

/// A server that admits everything or nothing, until the process ends.
pub(crate) fn admits(everything: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(admit(stream, everything)));
        }
    });
    address
}

fn admit(mut stream: TcpStream, allowed: bool) -> std::io::Result<()> {
    let mut from = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        from.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let review: Value = serde_json::from_slice(&body)?;
    let answer = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": allowed}})
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(answer.as_bytes())
}

/// A webhook over the ConfigMaps and Deployments of one namespace, as long as this lives.
pub(crate) struct Webhook(String);

impl Webhook {
    pub(crate) fn over(namespace: &str, proxy: &Proxy) -> Self {
        let name = bed::unique_name("slow");
        let object = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name}, "webhooks": [{
                "name": "slow.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "timeoutSeconds": 30, "failurePolicy": "Fail",
                "clientConfig": {"url": format!("https://{}/admit", proxy.address()),
                    "caBundle": proxy.ca()},
                "rules": [{"apiGroups": ["", "apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps", "deployments"]}],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]});
        bed::cluster().kubectl_with(&["create", "-f", "-"], &object.to_string());
        Self(name)
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let kind = "validatingwebhookconfiguration";
        bed::cluster().kubectl(&["delete", kind, &self.0, "--wait=false"]);
    }
}

/// The most calls that were under way at the same time.
fn at_once(calls: &[Call]) -> usize {
    let mut edges: Vec<(std::time::Instant, bool)> = Vec::new();
    for call in calls {
        let took = call.took.unwrap_or_default();
        edges.extend([(call.at, true), (call.at + took, false)]);
    }
    edges.sort();
    let (mut now, mut most) = (0_usize, 0);
    for (_, begins) in edges {
        now = if begins {
            now + 1
        } else {
            now.saturating_sub(1)
        };
        most = most.max(now);
    }
    most
}

/// Until the webhook over a namespace is asked: the API server learns of it a little later.
pub(crate) fn in_force(namespace: &str, hook: &Proxy) {
    let probe = [
        "create",
        "configmap",
        "probe",
        "-n",
        namespace,
        "--dry-run=server",
    ];
    bed::until("the webhook is asked", || {
        bed::cluster().kubectl(&probe);
        !hook.calls().is_empty()
    });
    hook.forget();
}

/// Each of these asks the API server several times, and waits in none of them for the webhook.
fn is_prompt(mut times: Vec<Duration>, alone: Duration) {
    let bound = (alone * 4).max(slow_for());
    times.sort();
    let (usual, longest) = (times[times.len() / 2], times[times.len() - 1]);
    assert!(
        usual < bound && longest < bound * 3,
        "{times:?} against {alone:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r_53_a_slow_webhook_slows_its_own_set_only() {
    let (mut slow, proxy) = Engine::behind_proxy().await;
    let hook = Proxy::before_http_with_tls(admits(true));
    let keys: Vec<ObjectKey> = (0..OBJECTS)
        .map(|i| slow.want_config(&format!("c{i}"), &json!({"k": "1"})))
        .collect();
    let mut other =
        Engine::through(proxy.kubeconfig(), bed::cluster().unique_namespace().await).await;
    for index in 0..5 {
        other.want_config(&format!("c{index}"), &json!({"k": "0"}));
    }
    other.apply_all().await;
    let alone = Instant::now();
    other.want_config("c0", &json!({"k": "1"}));
    other.apply_all().await;
    let alone = alone.elapsed();

    hook.add(Break::new(Match::any(), Fault::Delay(slow_for())));
    let _webhook = Webhook::over(&slow.namespace, &hook);
    in_force(&slow.namespace, &hook);
    let (done, times) = tokio::join!(slow.apply(), async {
        let mut times = Vec::new();
        for round in 2..8 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let begun = Instant::now();
            other.want_config("c0", &json!({"k": round.to_string()}));
            let plan = other.plan().await;
            // On the connection of the slow set, which both may share.
            let report = other.carry_out_on(&slow.cluster, &plan).await.unwrap();
            assert!(report.complete(), "{}", told(&plan, &report));
            times.push(begun.elapsed());
        }
        times
    });
    let (plan, report) = done;
    let said = told(&plan, &report);
    for key in &keys {
        assert_eq!(outcome(&report, key).to_string(), "done", "{said}");
    }
    let calls = hook.calls();
    assert!(
        calls.len() >= 2 * OBJECTS,
        "dry-run and write: {}",
        calls.len()
    );
    let most = at_once(&calls);
    assert!((8..=32).contains(&most), "{most} at once");
    is_prompt(times, alone);
    hook.heal();
    settles(&[&slow, &other], &proxy).await;
}
