//! What is known to be otherwise for some fields. Each list is exact: a field that is missing here, and
//! one that is here without need, fail the test.

/// Fields that no text of these tests writes, each with the reason.
pub(super) const NOT_WRITTEN: &[&str] = &[];

/// Fields that change no object in a cluster: kubemate itself follows them.
pub(super) const SILENT: &[&str] = &[];

/// Fields that the schema does not demand and that cannot be left out where the examples have them.
pub(super) const NEEDED: &[&str] = &[];

/// Fields that the server refuses to change in place.
pub(super) const FROZEN: &[&str] = &[];
