//! The control plane of `tests/controlplane`, or the cluster that the environment names instead.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;

use super::program::{Program, go_is_here};
use super::{Cluster, DISPOSABLE};

const PROGRAM: Program = Program {
    folder: "controlplane",
    package: ".",
    // A smaller binary that knows its own version.
    ldflags: include_str!("../../controlplane/ldflags"),
    tags: "",
};

/// The cluster that the environment names, or one that is built and started here.
pub(super) fn provide() -> Result<Cluster, String> {
    let given = std::env::var_os("KUBEMATE_TEST_KUBECONFIG").map(PathBuf::from);
    let go = go_is_here();
    if given.is_none() && !go {
        return Err(format!(
            "this test needs a Kubernetes cluster: install Go 1.26 or newer (https://go.dev/dl), and the \
             tests build and start their own, or set KUBEMATE_TEST_KUBECONFIG to the kubeconfig of a \
             cluster that holds the Namespace {DISPOSABLE}"
        ));
    }
    let binary = if go { Some(PROGRAM.build()?) } else { None };
    let (kubeconfig, plane) = match (given, &binary) {
        (Some(kubeconfig), _) => (declared_disposable(kubeconfig)?, None),
        (None, Some(binary)) => {
            let (said, plane) = PROGRAM.start(binary, &[])?;
            let path = said["kubeconfig"].as_str();
            let path = path.ok_or("the control plane does not say where its kubeconfig is")?;
            (PathBuf::from(path), Some(plane))
        }
        (None, None) => return Err("there is no binary to start".to_owned()),
    };
    Ok(Cluster {
        kubeconfig,
        binary,
        crds: Mutex::new(BTreeSet::new()),
        asking: OnceLock::new(),
        _plane: plane,
    })
}

/// The binary alone, for what needs no cluster.
pub(super) fn binary() -> Result<PathBuf, String> {
    if go_is_here() {
        return PROGRAM.build();
    }
    Err(
        "install Go 1.26 or newer (https://go.dev/dl), and the test fetches it with that"
            .to_owned(),
    )
}

/// Refuses a cluster that does not hold the Namespace by which its owner gives it up.
fn declared_disposable(kubeconfig: PathBuf) -> Result<PathBuf, String> {
    let path = kubeconfig.clone();
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.map_err(|error| error.to_string())?.block_on(async {
            let namespaces: Api<Namespace> = Api::all(super::client_of(&path).await);
            namespaces
                .get_opt(DISPOSABLE)
                .await
                .map_err(|error| error.to_string())
        })
    });
    let shown = kubeconfig.display();
    match asked.join() {
        Ok(Ok(Some(_))) => Ok(kubeconfig),
        Ok(Ok(None)) => Err(format!(
            "the cluster of KUBEMATE_TEST_KUBECONFIG ({shown}) does not hold the Namespace {DISPOSABLE}: \
             tests change and delete things; create that Namespace only where nothing can be lost"
        )),
        Ok(Err(why)) => Err(format!("the cluster of {shown} does not answer: {why}")),
        Err(_) => Err(format!("{shown} cannot be used as a kubeconfig")),
    }
}
