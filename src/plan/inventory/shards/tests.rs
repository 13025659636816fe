//! Round trips, and every way a store may be damaged.

use super::*;
use crate::object::{GroupKind, Owner, ResourceId};
use crate::plan::digest;
use crate::plan::inventory::Record;

fn set() -> SetId {
    let owner = Owner::Tenant("pay".into());
    SetId {
        project: "bank".into(),
        cluster: "a".into(),
        owner,
        environment: "prod".into(),
    }
}

fn inventory(count: usize) -> Inventory {
    let resource = ResourceId {
        kind: "app".into(),
        tenant: Some("pay".into()),
        name: "x".into(),
    };
    let record = Record {
        desired_digest: digest::of_text("a"),
        declared_digest: digest::of_text("b"),
        owned_paths_digest: digest::of_text("c"),
        run_key: None,
    };
    let mut inventory = Inventory::new(set());
    for index in 0..count {
        let name = format!("object-{index}");
        let group_kind = GroupKind::new("apps", "Deployment");
        let key = ObjectKey {
            group_kind,
            namespace: Some("pay".into()),
            name,
        };
        let entry = if index % 7 == 0 {
            Entry::Pending {
                resource: resource.clone(),
                plan: "b3:p".into(),
            }
        } else {
            let uid = format!("uid-{index}");
            Entry::Owned {
                resource: resource.clone(),
                uid,
                record: Some(record.clone()),
            }
        };
        inventory.entries.insert(key, entry);
    }
    inventory
}

#[test]
fn large_inventories_are_split_and_come_back_in_any_order() {
    let inventory = inventory(6000);
    let mut shards = inventory.to_shards().unwrap();
    assert!(shards.len() > 1, "{} shards", shards.len());
    assert!(shards.iter().all(|s| s.len() <= MAX_SHARD_BYTES));
    shards.reverse();
    assert_eq!(Inventory::from_shards(&set(), &shards).unwrap(), inventory);
}

#[test]
fn entries_are_read_in_any_order_and_none_of_them_twice() {
    let inventory = inventory(600);
    let stored = inventory.to_shards().unwrap();
    let changed = |change: &dyn Fn(&mut Vec<serde_json::Value>)| {
        let mut shard: serde_json::Value = serde_json::from_str(&stored[0]).unwrap();
        change(shard["entries"].as_array_mut().unwrap());
        Inventory::from_shards(&set(), &[shard.to_string()])
    };
    assert_eq!(changed(&|entries| entries.reverse()).unwrap(), inventory);
    let twice = changed(&|entries| entries.push(entries[1].clone()));
    assert!(matches!(twice, Err(ShardError::Incomplete(why)) if why.ends_with("listed twice")));
    let fewer = changed(&|entries| drop(entries.pop()));
    assert_eq!(fewer, Err(ShardError::Digest));
}

#[test]
fn an_empty_inventory_is_one_shard_and_no_shard_is_an_error() {
    let shards = inventory(0).to_shards().unwrap();
    assert_eq!(shards.len(), 1);
    assert_eq!(
        Inventory::from_shards(&set(), &shards).unwrap(),
        inventory(0)
    );
    assert!(Inventory::from_shards(&set(), &[]).is_err());
}

#[test]
fn damage_is_an_error_and_never_a_smaller_inventory() {
    let shards = inventory(6000).to_shards().unwrap();
    assert!(matches!(
        Inventory::from_shards(&set(), &shards[..1]),
        Err(ShardError::Incomplete(_))
    ));
    let older = inventory(5999).to_shards().unwrap();
    let mixed = vec![shards[0].clone(), older[1].clone()];
    assert!(matches!(
        Inventory::from_shards(&set(), &mixed),
        Err(ShardError::Incomplete(_))
    ));
    let one = inventory(3).to_shards().unwrap();
    let edited = vec![one[0].replace("uid-1", "uid-9")];
    assert_eq!(
        Inventory::from_shards(&set(), &edited),
        Err(ShardError::Digest)
    );
    let cut = vec![one[0][..one[0].len() - 5].to_owned()];
    assert!(matches!(
        Inventory::from_shards(&set(), &cut),
        Err(ShardError::Damaged { .. })
    ));
    let later = vec![one[0].replace("\"version\":1", "\"version\":2")];
    assert_eq!(
        Inventory::from_shards(&set(), &later),
        Err(ShardError::Version { found: 2 })
    );
    let other = SetId {
        environment: "dev".into(),
        ..set()
    };
    assert!(matches!(
        Inventory::from_shards(&other, &one),
        Err(ShardError::OtherSet { .. })
    ));
    let extra = vec![one[0].replacen("\"number\":0", "\"number\":0,\"surprise\":1", 1)];
    assert!(matches!(
        Inventory::from_shards(&set(), &extra),
        Err(ShardError::Damaged { .. })
    ));
}
