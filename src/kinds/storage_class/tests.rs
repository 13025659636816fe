//! Storage classes: what they render to, and what is said about wrong ones.

use serde_json::json;

use crate::kinds::tests::{rendered, said_of};

const FULL: &str = r#"
storage-class fast provisioner="rbd.csi.ceph.com" reclaim=delete bind=at-once fixed-size=#true default=#true {
  parameters { pool fast; "csi.storage.k8s.io/fstype" ext4 }
  mount-options noatime
  zones a b
}
storage-class slow provisioner="nfs.csi.k8s.io"
storage-class given external=#true
"#;

#[test]
fn a_class_becomes_its_object() {
    let all = rendered(&[("platform/all.kdl", FULL)], "dev");
    let key = |name: &str| format!("StorageClass.storage.k8s.io/{name} [platform]");
    let fast = &all[&key("fast")];
    assert_eq!(fast["provisioner"], "rbd.csi.ceph.com");
    assert_eq!(
        fast["parameters"],
        json!({"pool": "fast", "csi.storage.k8s.io/fstype": "ext4"})
    );
    assert_eq!(
        fast["metadata"]["annotations"],
        json!({"storageclass.kubernetes.io/is-default-class": "true"})
    );
    assert_eq!(fast["mountOptions"], json!(["noatime"]));
    let zones = &fast["allowedTopologies"][0]["matchLabelExpressions"][0];
    assert_eq!(
        zones,
        &json!({"key": "topology.kubernetes.io/zone", "values": ["a", "b"]})
    );
    let policies = |name: &str| {
        let class = &all[&key(name)];
        let fields = ["reclaimPolicy", "volumeBindingMode", "allowVolumeExpansion"];
        fields.map(|field| class[field].clone())
    };
    assert_eq!(
        policies("fast"),
        [json!("Delete"), json!("Immediate"), json!(false)]
    );
    assert_eq!(
        policies("slow"),
        [json!("Retain"), json!("WaitForFirstConsumer"), json!(true)]
    );
    assert!(!all.contains_key(&key("given")));
}

#[test]
fn wrong_classes_are_refused() {
    let cases = [
        ("KM0202", "storage-class fast"),
        ("KM0581", "storage-class fast external=#true reclaim=delete"),
        (
            "KM0581",
            "storage-class a provisioner=x default=#true\nstorage-class b provisioner=x default=#true",
        ),
        ("KM0204", "storage-class a provisioner=\"not a driver\""),
    ];
    for (code, text) in cases {
        let found = said_of(text);
        assert!(
            matches!(&found[..], [only] if only.starts_with(code)),
            "{text}: {found:?}"
        );
    }
}
