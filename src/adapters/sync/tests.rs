//! The CRD is the committed one, and what a Sync keeps is told by its spec and its status.

use super::*;

#[test]
fn the_committed_crd_is_the_generated_one() {
    let committed = include_str!("../../../schema/sync-crd.yaml");
    let how = "write it anew: kubemate install --crd > schema/sync-crd.yaml";
    assert_eq!(committed, crd_yaml().unwrap(), "{how}");
}

#[test]
fn a_cut_message_says_so_and_is_text() {
    let text = "ä".repeat(MAX_MESSAGE);
    let cut = fitting(&text);
    assert!(cut.ends_with(" …") && cut.len() <= MAX_MESSAGE + 4);
    assert_eq!(fitting("short"), "short");
}

#[test]
fn a_sync_needs_little() {
    let spec: SyncSpec = serde_json::from_value(json!({
        "repository": "https://git.bank.example/platform.git", "environment": "dev", "cluster": "hq"
    }))
    .unwrap();
    assert_eq!(
        (spec.mode, spec.drift, spec.prune),
        (Mode::Observe, Drift::Revert, true)
    );
    assert_eq!(
        (spec.reference.as_str(), spec.interval.as_str()),
        ("refs/heads/main", "1m")
    );
}

#[test]
fn a_new_sync_may_keep_what_is_of_its_environment_and_tenants() {
    let mut sync = Sync::new(
        "shop",
        serde_json::from_value(json!({
            "repository": "https://git.bank/platform", "environment": "prod", "cluster": "hq",
            "mode": "auto", "tenants": ["payments"],
        }))
        .unwrap(),
    );
    let set = |owner, environment: &str| SetId {
        project: "bank".into(),
        cluster: "hq".into(),
        owner,
        environment: environment.into(),
    };
    let payments = || Owner::Tenant("payments".into());
    assert!(sync.may_keep(&set(payments(), "prod")));
    assert!(!sync.may_keep(&set(payments(), "dev")));
    assert!(!sync.may_keep(&set(Owner::Platform, "prod")));
    assert!(!sync.may_keep(&set(Owner::Tenant("identity".into()), "prod")));
    sync.spec.suspend = true;
    assert!(!sync.may_keep(&set(payments(), "prod")));
    sync.spec.suspend = false;
    sync.status = Some(SyncStatus {
        project: Some("other".into()),
        ..SyncStatus::default()
    });
    assert!(
        !sync.may_keep(&set(payments(), "prod")),
        "it is known to be of another project"
    );
}
