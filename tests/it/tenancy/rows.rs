//! One attempt to leave a tenant, as data.

/// An attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// What is attempted.
    pub(super) name: &'static str,
    /// What is written into the tenant's files: `escape.kdl`, and `escape.yaml` beside it where there is any.
    pub(super) kdl: &'static str,
    pub(super) yaml: &'static str,
    /// The code and a part of the message that it is refused with.
    pub(super) told: (&'static str, &'static str),
    /// What is sent to the API server.
    pub(super) sent: Sent,
    /// What of the API server refuses it.
    pub(super) by: By,
}

/// What reaches the API server without kubemate.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sent {
    /// An object, by server-side apply with force.
    Object(&'static str),
    /// Another order to kubectl.
    Order(&'static [&'static str]),
    /// A workload that is accepted and never gets a pod; these words say why.
    Idle(&'static str, &'static str),
}

/// What of the API server says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The tenant has no such right.
    Rights,
    /// A policy, for whoever writes: also for an administrator of the cluster. With a part of its message.
    Policy(&'static str),
    /// A policy, for whoever may not do the same in every namespace. With a part of its message.
    Claim(&'static str),
    /// A policy, for whoever may neither delete namespaces nor do the same in every one.
    Owned,
    /// The rights, and Pod Security where somebody has them.
    PodSecurity,
    /// The quota or the limits of the namespace.
    Bounds,
}

/// An object of the tenant's `manifests`, and the same at the server.
pub(super) const fn object(
    name: &'static str,
    kdl: &'static str,
    yaml: &'static str,
    told: &'static str,
    by: By,
) -> Row {
    Row {
        name,
        kdl,
        yaml,
        told: ("KM0603", told),
        sent: Sent::Object(yaml),
        by,
    }
}

/// Something of the language, and an object or order that would do the same.
pub(super) const fn resource(
    name: &'static str,
    kdl: &'static str,
    told: (&'static str, &'static str),
    sent: Sent,
    by: By,
) -> Row {
    Row {
        name,
        kdl,
        yaml: "",
        told,
        sent,
        by,
    }
}

/// All of them.
pub(super) fn all() -> Vec<Row> {
    [
        super::kinds::ROWS,
        super::bound::ROWS,
        super::leaving::ROWS,
        super::operators::ROWS,
        super::nodes::ROWS,
    ]
    .concat()
}
