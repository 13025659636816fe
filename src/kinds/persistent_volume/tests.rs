//! Persistent volumes: what they render to, and what is said about wrong ones.

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
"#;

#[test]
fn a_volume_becomes_its_object() {
    assert_eq!(said_of(FULL), Vec::<String>::new());
    let mut all = rendered(&[("platform/all.kdl", FULL)], "prod");
    all.retain(|key, _| key.starts_with("PersistentVolume/"));
    insta::assert_yaml_snapshot!(all);
}

#[test]
fn wrong_volumes_are_refused() {
    let nfs = "nfs server=\"nas.bank\" path=\"/a\"";
    let local = "local path=\"/a\" node=n";
    let tenant = "tenant payments { namespace core; namespace batch }\n";
    let volume = |rest: &str, inside: &str| {
        said_of(&format!(
            "{tenant}persistent-volume a size=\"1Gi\" {rest} {{ {inside} }}"
        ))
    };
    assert_eq!(volume("", nfs), Vec::<String>::new());
    insta::assert_debug_snapshot!([
        volume("", ""),
        volume("", &format!("{nfs}; {local}")),
        volume("access=many", local),
        volume("reclaim=delete", nfs),
        volume("class=fast", nfs),
        volume("", &format!("{nfs}; claim c tenant=payments")),
        volume("", &format!("{nfs}; claim c tenant=payments namespace=cor")),
    ]);
}
