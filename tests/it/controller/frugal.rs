//! What a Sync of a few plain objects costs from nothing until it is at rest, by the proxy's record.

use std::time::Duration;

use super::{Bed, Controller, is};
use crate::bed::proxy::{Call, Proxy};

/// A namespace with three ConfigMaps, all of the platform.
fn files(bed: &Bed) -> Vec<(&'static str, String)> {
    let name = &bed.name;
    let project = format!(
        "project {name} schema=1 render=1 {{\n  cluster here uid=\"{}\" kubernetes=\"1.36\"\n  \
         environment dev {{ cluster here }}\n  include \"*.kdl\"\n  ownership {{\n    \
         path \"**\" owner=platform\n  }}\n}}\n",
        bed.uid
    );
    let base = "manifests base {\n  from \"files/*.yaml\"\n  kinds ConfigMap Namespace\n}\n";
    let space = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let config = |n: u32| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, namespace: {name}}}\n\
             data: {{n: \"{n}\"}}\n"
        )
    };
    let all = (1..=3).map(config).fold(space, |all, one| all + &one);
    vec![
        ("kubemate.kdl", project),
        ("base.kdl", base.to_owned()),
        ("files/all.yaml", all),
    ]
}

#[test]
fn l_09_a_small_sync_is_written_once() {
    let bed = Bed::new("small.git");
    let commit = bed.commit_files(files(&bed));
    let proxy = Proxy::before(bed.cluster.kubeconfig());
    let controller = Controller::start(proxy.kubeconfig(), &bed);
    bed.sync("auto", "1h");
    bed.until("applied and healthy", |s| {
        let healthy = is(s, "Ready", "True") && is(s, "Healthy", "True");
        healthy && s["lastApplied"] == commit.as_str()
    });
    // Whatever comes after it.
    std::thread::sleep(Duration::from_secs(6));
    let writes = proxy.writes();
    let told: Vec<String> = writes
        .iter()
        .map(|call| format!("{} {}", call.method, call.path))
        .collect();
    let count = |resource: &str, says: &str| {
        let is = |call: &&Call| {
            let text = String::from_utf8_lossy(&call.body);
            call.target.resource == resource && text.contains(says)
        };
        writes.iter().filter(is).count()
    };
    // The inventory is announced before three ConfigMaps are made, and recorded after it.
    for (resource, says, times) in [
        ("namespaces", "", 1),
        ("configmaps", "", 5),
        ("syncs", "\"lastApplied\":\"", 1),
        ("events", "\"Applied\"", 0),
    ] {
        assert_eq!(count(resource, says), times, "{resource}: {told:#?}");
    }
    drop(controller);
    let delete = ["delete", "sync", &bed.name, "-n", "kubemate-system"];
    bed.cluster.kubectl(&delete);
}
