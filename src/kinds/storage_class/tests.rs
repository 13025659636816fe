//! Storage classes: what they render to, and what is said about wrong ones.

use crate::kinds::tests::{rendered, said_of};

const FULL: &str = r#"
storage-class fast provisioner="rbd.csi.ceph.com" reclaim=delete bind=at-once fixed-size=#true default=#true {
  parameters { pool fast; size 3 }
  mount-options noatime
  zones a b
}
storage-class slow provisioner="nfs.csi.k8s.io"
storage-class given external=#true
"#;

#[test]
fn a_class_becomes_its_object() {
    assert_eq!(said_of(FULL), Vec::<String>::new());
    insta::assert_yaml_snapshot!(rendered(&[("platform/all.kdl", FULL)], "dev"));
}

#[test]
fn wrong_classes_are_refused() {
    insta::assert_debug_snapshot!([
        said_of("storage-class fast"),
        said_of("storage-class fast external=#true reclaim=delete"),
        said_of(
            "storage-class a provisioner=x default=#true\nstorage-class b provisioner=x default=#true"
        ),
        said_of("storage-class a provisioner=\"not a driver\""),
    ]);
}
