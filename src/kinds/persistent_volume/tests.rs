//! Persistent volumes: what they render to, and what is said about wrong ones.

use serde_json::{Value, json};

use crate::kinds::tests::{rendered, said_of};

const FULL: &str = r#"
tenant payments { namespace core; namespace batch }
storage-class shared external=#true
persistent-volume archive size="2Ti" class=shared access=many {
  nfs server="nas.bank" path="/archive" read-only=#true
  mount-options "nfsvers=4.1"
  claim reports-archive tenant=payments namespace=batch
}
persistent-volume ledger size="100Gi" reclaim=delete {
  csi driver="rbd.csi.ceph.com" handle="0001-a" file-system=ext4 { attributes { pool fast } }
}
persistent-volume scratch size="1Ti" { local path="/mnt/disk1" node=node-1 }
persistent-volume tapes size="10Ti" external=#true
"#;

#[test]
fn a_volume_becomes_its_object() {
    let all = rendered(&[("platform/all.kdl", FULL)], "prod");
    let spec = |name: &str| -> Value {
        all[&format!("PersistentVolume/{name} [platform]")]["spec"].clone()
    };
    assert_eq!(
        spec("archive"),
        json!({
            "capacity": {"storage": "2Ti"},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "shared",
            "mountOptions": ["nfsvers=4.1"],
            "claimRef": {"namespace": "payments-batch", "name": "reports-archive"},
            "nfs": {"server": "nas.bank", "path": "/archive", "readOnly": true},
        })
    );
    assert_eq!(
        spec("ledger")["csi"],
        json!({
            "driver": "rbd.csi.ceph.com",
            "volumeHandle": "0001-a",
            "fsType": "ext4",
            "volumeAttributes": {"pool": "fast"},
        })
    );
    let scratch = spec("scratch");
    assert_eq!(scratch["local"], json!({"path": "/mnt/disk1"}));
    let term = &scratch["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0];
    assert_eq!(term["values"], json!(["node-1"]));
    assert!(!all.contains_key("PersistentVolume/tapes [platform]"));
}

#[test]
fn wrong_volumes_are_refused() {
    let nfs = "nfs server=\"nas.bank\" path=\"/a\"";
    let local = "local path=\"/a\" node=n";
    let volume = |rest: &str, inside: &str| {
        let tenant = "tenant payments { namespace core; namespace batch }\n";
        said_of(&format!(
            "{tenant}persistent-volume a size=\"1Gi\" {rest} {{ {inside} }}"
        ))
    };
    assert_eq!(volume("", nfs), Vec::<String>::new());
    assert_eq!(volume("external=#true", ""), Vec::<String>::new());
    let cases = [
        ("KM0202", volume("", "")),
        ("KM0581", volume("", &format!("{nfs}; {local}"))),
        ("KM0581", volume("access=many", local)),
        ("KM0581", volume("reclaim=delete", nfs)),
        ("KM0581", volume("external=#true", nfs)),
        ("KM0405", volume("class=fast", nfs)),
        (
            "KM0511",
            volume("", &format!("{nfs}; claim c tenant=payments")),
        ),
        (
            "KM0511",
            volume("", &format!("{nfs}; claim c tenant=payments namespace=cor")),
        ),
    ];
    for (code, found) in cases {
        assert!(
            matches!(&found[..], [only] if only.starts_with(code)),
            "{code}: {found:?}"
        );
    }
}
