//! The example bank with the real binary on a real control plane: what a person sees, end to end.
//!
//! Every test has a project, environments and so namespaces of its own. What the cluster holds is asked
//! with kubectl, what was written is read from the proxy's record.

mod adopting;
mod ending;
mod failing;
pub(crate) mod folder;
pub(crate) mod project;
mod story;
mod told;
mod unwell;
