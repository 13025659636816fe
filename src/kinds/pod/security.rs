//! What a pod may do on its node. Everything that opens it up is off unless it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the pod may do on its node. The defaults fit the Pod Security level "restricted".
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the language that is on or off"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Security {
    /// Numeric user that the processes run as. Default: the one of the image, which must not be root.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub user: Option<i64>,
    /// Numeric group that the processes run as. Default: the one of the image.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub group: Option<i64>,
    /// Numeric group that owns the files of volumes.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub volume_group: Option<i64>,
    /// Whether the container's own file system is read-only. Default: it is; mount a volume to write.
    #[serde(default = "on")]
    pub read_only_root: bool,
    /// Whether a token for the Kubernetes API is mounted. Default: none is.
    #[serde(default)]
    pub api_token: bool,
    /// Linux capabilities to add to none, as in `NET_BIND_SERVICE`. Others need a platform path.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// Whether processes may run as root. Platform paths only.
    #[serde(default)]
    pub root: bool,
    /// Whether the container owns its node. Platform paths only.
    #[serde(default)]
    pub privileged: bool,
    /// Namespaces shared with the node. Platform paths only.
    #[serde(default)]
    pub host: Vec<HostNamespace>,
}

fn on() -> bool {
    true
}

impl Default for Security {
    fn default() -> Self {
        Self {
            user: None,
            group: None,
            volume_group: None,
            read_only_root: true,
            api_token: false,
            capabilities: Vec::new(),
            root: false,
            privileged: false,
            host: Vec::new(),
        }
    }
}

/// A Linux capability that a container may need.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Capability {
    /// Listen on ports below 1024.
    NetBindService,
    /// Use raw sockets, as `ping` does.
    NetRaw,
    /// Change interfaces, routes and firewalls.
    NetAdmin,
    /// Change owners of files.
    Chown,
    /// Ignore permissions of files.
    DacOverride,
    /// Change the own user.
    Setuid,
    /// Change the own group.
    Setgid,
    /// Lock memory, as databases and RDMA do.
    IpcLock,
    /// Trace processes.
    SysPtrace,
    /// Administer the system.
    SysAdmin,
    /// Change priorities of processes.
    SysNice,
    /// Raise limits of resources.
    SysResource,
    /// Load programs into the kernel.
    Bpf,
    /// Read performance counters.
    Perfmon,
}

/// A namespace of the node.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum HostNamespace {
    /// The node's network.
    Network,
    /// The node's processes.
    Pid,
    /// The node's shared memory.
    Ipc,
}
