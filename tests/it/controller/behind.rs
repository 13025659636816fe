//! A tenant's mistake stops that tenant: its last valid state stays and is kept, the others go on.

use serde_json::Value;

use super::{Bed, Controller, GOOD, is};

const OTHER: &str = "tenants/other/web.kdl";

/// The files with a second tenant, whose app is in the version `other`.
pub(super) fn files(bed: &Bed, shop: &str, other: &str) -> Vec<(&'static str, String)> {
    let (name, second) = (&bed.name, second(bed));
    let mut files = bed.files(shop, "");
    for (path, text) in &mut files {
        let extra = match *path {
            "kubemate.kdl" => {
                let rule = format!("path \"tenants/other/**\" tenant={second}\n");
                *text = text.replace(
                    "    path \"platform",
                    &format!("    {rule}    path \"platform"),
                );
                continue;
            }
            "platform/tenants.kdl" => text.replace(name.as_str(), &second),
            _ => continue,
        };
        text.push_str(&extra);
    }
    let app = GOOD.replace("NAME", &second).replace("1.0.0", other);
    files.push((OTHER, app));
    files
}

pub(super) fn second(bed: &Bed) -> String {
    format!("{}-b", bed.name)
}

/// The image and the replicas of a tenant's app.
pub(super) fn app(bed: &Bed, tenant: &str) -> Option<(String, u64)> {
    let text = bed.cluster.kubectl(&["get", "deploy", "-A", "-o", "json"]);
    let list: Value = serde_json::from_str(&text).unwrap();
    let label = format!("{}.dev.t-{tenant}", bed.name);
    let found = list["items"].as_array().unwrap().iter();
    let mut found = found.filter(|d| d["metadata"]["labels"]["kubemate.dev/set"] == label.as_str());
    let spec = &found.next()?["spec"];
    let image = spec["template"]["spec"]["containers"][0]["image"].as_str()?;
    let version = image.rsplit(':').next()?.to_owned();
    Some((version, spec["replicas"].as_u64()?))
}

#[test]
fn a_tenants_mistake_stops_that_tenant_only() {
    let bed = Bed::new("behind.git");
    let (shop, other) = (bed.name.clone(), second(&bed));
    let first = bed.commit_files(files(&bed, GOOD, "1.0.0"));
    bed.sync("auto", "2s");
    let _controller = Controller::start(bed.cluster.kubeconfig(), &bed);
    bed.until("both are there", |s| is(s, "Ready", "True"));

    let broken = GOOD.replace("replicas=1", "replicas=many");
    let second = bed.commit_files(files(&bed, &broken, "1.0.1"));
    let status = bed.until("the mistake is told", |s| s["lastValid"] == second.as_str());
    assert!(is(&status, "Ready", "False"), "{status:#}");
    let story = status["story"].as_str().unwrap();
    assert!(story.contains("tenants/shop/web.kdl:1:"), "{story}");
    assert_eq!(status["behind"][&shop], first.as_str(), "{status:#}");
    bed.until("the other tenant goes on", |_| {
        app(&bed, &other).unwrap().0 == "1.0.1"
    });
    assert_eq!(app(&bed, &shop).unwrap(), ("1.0.0".to_owned(), 1));

    let found = bed.deployment().unwrap();
    let (name, namespace) = (&found["metadata"]["name"], &found["metadata"]["namespace"]);
    let (name, namespace) = (name.as_str().unwrap(), namespace.as_str().unwrap());
    let scale = ["scale", "deploy", name, "-n", namespace, "--replicas=3"];
    bed.cluster.kubectl(&scale);
    bed.until("its drift is undone", |_| app(&bed, &shop).unwrap().1 == 1);

    // Now the other one errs as well: it stays where it was, not where the first one stays.
    let mut both = files(&bed, &broken, "1.0.2");
    let theirs = both.iter_mut().find(|(path, _)| *path == OTHER).unwrap();
    theirs.1 = theirs.1.replace("replicas=1", "replicas=some");
    let third = bed.commit_files(both);
    let status = bed.until("both mistakes are told", |s| {
        s["lastValid"] == third.as_str()
    });
    assert_eq!(status["behind"][&shop], first.as_str(), "{status:#}");
    assert_eq!(status["behind"][&other], second.as_str(), "{status:#}");
    assert_eq!(app(&bed, &other).unwrap().0, "1.0.1");

    bed.commit_files(files(&bed, &GOOD.replace("1.0.0", "1.0.3"), "1.0.3"));
    let status = bed.until("all is well", |s| is(s, "Ready", "True"));
    assert!(status["behind"].is_null(), "{status:#}");
    for tenant in [&shop, &other] {
        assert_eq!(app(&bed, tenant).unwrap().0, "1.0.3");
    }
}
