//! Two tenants of one Sync, of which one is loud: all that it wants is refused, and a webhook of its own
//! takes its time over each refusal.

use std::time::Duration;

use super::faulty::{self, Faulty};
use crate::bed::proxy::{Fault, Match, Proxy, Rule};
use crate::engine_cases::slow::{Webhook, admits};

/// Objects of the loud tenant.
const OBJECTS: u32 = 400;
/// For how long the webhook thinks about each.
const SLOW: Duration = Duration::from_secs(5);
/// Most calls of one tenant that are under way at the same time.
const AT_ONCE: u32 = 32;
/// How often the quiet tenant's objects are changed by hand.
const ROUNDS: usize = 5;

/// The files of the usual project with a second tenant, who wants nothing but ConfigMaps.
fn files(faulty: &Faulty, loud: &str) -> Vec<(&'static str, String)> {
    let mut files = faulty::files(&faulty.bed, 1);
    for (path, text) in &mut files {
        match *path {
            "kubemate.kdl" => {
                let quiet = "    path \"tenants/shop/**\"";
                let both = format!("    path \"tenants/loud/**\" tenant={loud}\n{quiet}");
                *text = text.replace(quiet, &both);
            }
            "platform/tenants.kdl" => {
                let ours = format!("tenant {} ", faulty.bed.name);
                let more = text.replace(&ours, &format!("tenant {loud} "));
                text.push_str(&more);
            }
            _ => {}
        }
    }
    let manifests = format!(
        "manifests loud tenant={loud} {{\n  from \"files/*.yaml\"\n  kinds ConfigMap\n}}\n"
    );
    let config = |n: u32| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: n{n}, namespace: {loud}}}\n\
             data: {{n: \"{n}\"}}\n---\n"
        )
    };
    files.push(("tenants/loud/own.kdl", manifests));
    files.push((
        "tenants/loud/files/all.yaml",
        (0..OBJECTS).map(config).collect(),
    ));
    files
}

#[test]
fn l_07_a_tenant_that_is_refused_slowly_holds_up_nobody() {
    let faulty = Faulty::new("neighbour.git");
    let loud = format!("{}-loud", faulty.bed.name);
    let hook = Proxy::before_http_with_tls(admits(false));
    hook.add(Rule::new(Match::any(), Fault::Delay(SLOW)));
    let webhook = Webhook::over(&loud, &hook);
    faulty.bed.sync("auto", "1h");
    faulty.bed.commit_files(files(&faulty, &loud));
    let get = ["get", "cm", "k3", "-n", &faulty.bed.name];
    faulty
        .bed
        .until("one is served and the other is at work", |_| {
            faulty.bed.cluster.try_kubectl(&get, "").is_ok() && !hook.calls().is_empty()
        });
    // No look at the loud one's objects is over sooner than this.
    let look = SLOW * OBJECTS / AT_ONCE;
    for round in 0..ROUNDS {
        let took = faulty.drift();
        let said = format!("round {round}: {took:?}, and a look at the other one takes {look:?}");
        assert!(took < look / 2, "{said}");
    }
    // It did not stop at the first refusals.
    let first = usize::try_from(AT_ONCE).unwrap();
    faulty
        .bed
        .until("the other goes on", |_| hook.calls().len() > first);
    let status = faulty.bed.status().to_string();
    assert!(!status.contains("\"lastApplied\":\""), "{status}");
    drop(webhook);
    let delete = ["delete", "sync", &faulty.bed.name, "-n", "kubemate-system"];
    faulty.bed.cluster.kubectl(&delete);
}
