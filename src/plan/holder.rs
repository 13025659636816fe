//! Objects that hold others and take them along when they go: a Namespace its content, a CRD its
//! instances.

use serde_json::Value;

use crate::object::ObjectKey;

/// Whether deletion of the object takes other objects with it.
pub(crate) fn is_holder(key: &ObjectKey) -> bool {
    is_namespace(key)
        || (key.group_kind.group == "apiextensions.k8s.io"
            && key.group_kind.kind == "CustomResourceDefinition")
}

/// Whether the object is a Namespace.
pub(crate) fn is_namespace(key: &ObjectKey) -> bool {
    key.group_kind.group.is_empty() && key.group_kind.kind == "Namespace"
}

/// Whether `other` would go with the holder, whose body says what a CRD defines.
pub(crate) fn holds(holder: &ObjectKey, body: &Value, other: &ObjectKey) -> bool {
    if is_namespace(holder) {
        return other.namespace.as_deref() == Some(holder.name.as_str());
    }
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
    Some(other.group_kind.kind.as_str()) == text("/spec/names/kind")
        && Some(other.group_kind.group.as_str()) == text("/spec/group")
}
