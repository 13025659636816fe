//! A control plane of its own for each measurement that must meet an empty one; gone when dropped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use kubemate::adapters::cluster::KubeCluster;

use crate::program::{Program, Running, go_is_here};

const PROGRAM: Program = Program {
    folder: "controlplane",
    package: ".",
    ldflags: include_str!("../../tests/controlplane/ldflags"),
    tags: "",
};

/// A running control plane without simulators: only what Kubernetes itself brings, and KWOK.
pub(crate) struct Bed {
    binary: PathBuf,
    kubeconfig: PathBuf,
    _plane: Running,
}

impl Bed {
    /// Builds it where that is needed, and starts it.
    pub(crate) fn start() -> Self {
        assert!(go_is_here(), "these benches need Go (https://go.dev/dl)");
        let started = PROGRAM.build().and_then(|binary| {
            let flags = ["--simulators", "none", "--nodes", "10"];
            let (said, plane) = PROGRAM.start(&binary, &flags)?;
            let kubeconfig = said["kubeconfig"].as_str().unwrap_or_default().into();
            Ok(Self {
                binary,
                kubeconfig,
                _plane: plane,
            })
        });
        match started {
            Ok(bed) => bed,
            Err(why) => panic!("{why}"),
        }
    }

    /// An administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client with no limit of its own that asks for nothing compressed.
    pub(crate) async fn client(&self) -> Client {
        let file = Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
        let mut config = config.unwrap();
        config.disable_compression = true;
        config.read_timeout = Some(Duration::from_mins(5));
        Client::try_from(config).unwrap()
    }

    /// The engine's own connection to it.
    pub(crate) async fn cluster(&self) -> KubeCluster {
        KubeCluster::connect(Some(&self.kubeconfig), None)
            .await
            .unwrap()
    }

    /// kubectl, as administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("kubectl")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments);
        command
    }
}

/// The runtime that both sides of a comparison use.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}
