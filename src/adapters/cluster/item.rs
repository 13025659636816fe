//! An object as a list shows it, its `managedFields` read apart from its body.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::plan::managed::Managed;

/// One item of a list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Item {
    /// The object without `metadata.managedFields`.
    pub(super) body: Map<String, Value>,
    /// Who owns which of its fields.
    pub(super) managed: Managed,
}

/// Fields that most objects have, and most metadata: what is read does not have to grow.
const FIELDS: usize = 8;

/// The value of a field in which `managedFields` may stand.
struct Metadata(Item);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reader {
            metadata: "metadata",
        })
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reader { metadata: "" }).map(Self)
    }
}

/// The list of managers.
struct Noted(Managed);

impl<'de> Deserialize<'de> for Noted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Managed::deserialize_noted(from).map(Self)
    }
}

/// Reads an object, or its metadata.
struct Reader {
    /// The field that holds the metadata, if this is not the metadata itself.
    metadata: &'static str,
}

impl<'de> Visitor<'de> for Reader {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = Item {
            body: Map::with_capacity(FIELDS),
            ..Item::default()
        };
        while let Some(name) = map.next_key::<String>()? {
            if self.metadata.is_empty() && name == "managedFields" {
                item.managed = map.next_value::<Noted>()?.0;
            } else if name == self.metadata {
                let Metadata(metadata) = map.next_value()?;
                item.managed = metadata.managed;
                item.body.insert(name, metadata.body.into());
            } else {
                item.body.insert(name, map.next_value()?);
            }
        }
        Ok(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_is_its_object_without_its_managers() {
        let mut object = json!({
            "metadata": {"name": "a", "managedFields": [{"manager": "kubemate", "operation": "Apply",
                "fieldsV1": {"f:data": {"f:k": {}}}}], "labels": {"a": "b"}},
            "data": {"k": "v", "metadata": "w"}, "managedFields": [1],
        });
        let read: Item = serde_json::from_str(&object.to_string()).unwrap();
        let managed = Managed::take(&mut object);
        assert_eq!(Value::Object(read.body), object);
        assert_eq!(read.managed, managed);
        assert!(managed.has_our_apply());
    }
}
