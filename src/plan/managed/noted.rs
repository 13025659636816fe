//! `metadata.managedFields` read straight from the API server's text: it is the larger part of most
//! objects, and making JSON values of it first would cost as much as all the rest of a list.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{FieldTree, Managed, ManagerEntry, Operation, normal_name};

/// An entry as the server writes it; one of an unknown form owns nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    manager: Option<String>,
    operation: Option<String>,
    subresource: Option<String>,
    api_version: Option<String>,
    time: Option<String>,
    fields_v1: Option<Fields>,
}

/// FieldsV1.
struct Fields(FieldTree);

impl Managed {
    /// Reads a `managedFields` list.
    pub fn deserialize_noted<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let entries = Option::<Vec<Entry>>::deserialize(from)?.unwrap_or_default();
        let entries = entries.into_iter().filter_map(Entry::known);
        Ok(Self {
            entries: entries.collect(),
        })
    }
}

impl Entry {
    fn known(self) -> Option<ManagerEntry> {
        Some(ManagerEntry {
            operation: match self.operation?.as_str() {
                "Apply" => Operation::Apply,
                _ => Operation::Update,
            },
            manager: self.manager.unwrap_or_else(|| "unknown".into()),
            subresource: self.subresource.unwrap_or_default(),
            api_version: self.api_version.unwrap_or_default(),
            time: self.time,
            fields: self.fields_v1.map(|fields| fields.0).unwrap_or_default(),
        })
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a set of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let (mut owned, mut children) = (false, Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            if name == "." {
                map.next_value::<IgnoredAny>()?;
                owned = true;
            } else {
                children.push((normal_name(name), map.next_value::<Fields>()?.0));
            }
        }
        owned |= children.is_empty();
        let children = children.into_iter().collect();
        Ok(Fields(FieldTree { owned, children }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_read_as_values_are() {
        let list = json!([
            {"manager": "kubemate", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:a": {}}},
             "f:spec": {"f:ports": {"k:{\"protocol\":\"TCP\",\"port\":80}": {".": {}, "f:port": {}}},
             "f:set": {"v:\"x\"": {}}, "f:atomic": {}}}},
            {"manager": "controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
            {"operation": "Update"},
            {"manager": "of no known form"},
        ]);
        let read =
            Managed::deserialize_noted(&mut serde_json::Deserializer::from_str(&list.to_string()))
                .unwrap();
        let values = Managed::of(&json!({"metadata": {"managedFields": list}}));
        assert_eq!(read, values);
        assert_eq!(read.entries.len(), 3);
    }

    #[test]
    fn keys_of_items_are_in_one_form() {
        for name in [
            r#"k:{"name":"a"}"#,
            r#"k:{"name":"ä:,{}"}"#,
            r#"k:{"name":"a","b":"c"}"#,
            r#"k:{"b":"c","a":"d"}"#,
            r#"k:{"name":"\u0061\n"}"#,
            r#"k:{ "name":"a"}"#,
            r#"k:{"name" : "a"}"#,
            r#"k:{"port":80,"name":"a"}"#,
            r#"k:{"":""}"#,
            r#"v:"a""#,
        ] {
            let (kind, json) = name.split_at(2);
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            let normal = format!("{kind}{}", crate::object::canonical(&value));
            assert_eq!(normal_name(name.to_owned()), normal);
        }
        assert_eq!(normal_name("k:{\"}".to_owned()), "k:{\"}");
    }
}
