//! The test bed: one real control plane for all tests of this process, and a proxy that breaks it.
//!
//! `cluster()` builds the control plane on first use, starts it once, and hands out clients. It is
//! stopped by the end of this process, however it ends, because its standard input closes then.
//! The bed must never touch a cluster that nobody declared disposable.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a bed that cannot be made fails the test that asked for it, and it is made of files and processes"
)]

mod asking;
mod control_plane;
pub(crate) mod gitea;
pub(crate) mod history;
mod program;
pub(crate) mod proxy;
pub(crate) mod signing;
pub(crate) mod sops;
#[cfg(test)]
mod tests;
pub(crate) mod upstream;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

/// The Namespace that declares a cluster free for tests.
pub(crate) const DISPOSABLE: &str = "kubemate-test-disposable";

/// Far more than anything here takes on a slow machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A cluster to test against.
pub(crate) struct Cluster {
    kubeconfig: PathBuf,
    /// The control plane binary, which is also kubectl; none where Go is missing.
    binary: Option<PathBuf>,
    crds: Mutex<BTreeSet<String>>,
    /// Made by the first question.
    asking: OnceLock<Client>,
    /// Keeps the pipe open that keeps the control plane alive.
    _plane: Option<program::Running>,
}

/// The cluster of this test process, started by the first call.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    install_tls();
    match CLUSTER.get_or_init(control_plane::provide) {
        Ok(cluster) => cluster,
        Err(why) => panic!("{why}"),
    }
}

/// A cluster for one test alone, whose own things may go away; `None` where the environment names one,
/// which all share. It ends when it is dropped.
pub(crate) fn own_cluster() -> Option<Cluster> {
    install_tls();
    if std::env::var_os("KUBEMATE_TEST_KUBECONFIG").is_some() {
        return None;
    }
    match control_plane::provide() {
        Ok(cluster) => Some(cluster),
        Err(why) => panic!("{why}"),
    }
}

/// The cluster, with these CRD groups installed: upstream groups that `controlplane up --help`
/// lists, and folders under `tests/crds`. Asking twice costs nothing.
pub(crate) fn with_crds(groups: &[&str]) -> &'static Cluster {
    let cluster = cluster();
    cluster.install(groups);
    cluster
}

/// Chooses the TLS provider of this process; every later call does nothing.
pub(crate) fn install_tls() {
    // An error says that a provider is installed already, which is what is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A name that nothing else in the cluster has.
pub(crate) fn unique_name(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970");
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{:x}-{next}", since.as_millis() & 0xff_ffff_ffff)
}

impl Cluster {
    /// The path of an administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client with an administrator's rights, bound to the runtime that calls this.
    pub(crate) async fn client(&self) -> Client {
        client_of(&self.kubeconfig).await
    }

    /// Creates a Namespace with a name of its own and returns the name.
    pub(crate) async fn unique_namespace(&self) -> String {
        let name = unique_name("t");
        let metadata = ObjectMeta {
            name: Some(name.clone()),
            ..ObjectMeta::default()
        };
        let namespace = Namespace {
            metadata,
            ..Namespace::default()
        };
        let created = Api::all(self.client().await)
            .create(&PostParams::default(), &namespace)
            .await;
        drop(created.expect("a namespace for a test can be created"));
        name
    }

    /// Runs kubectl as administrator and returns what it prints; a failure fails the test.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.kubectl_with(args, "")
    }

    /// Runs kubectl with text on its standard input, as in `kubectl apply -f -`.
    pub(crate) fn kubectl_with(&self, args: &[&str], input: &str) -> String {
        self.try_kubectl(args, input)
            .unwrap_or_else(|said| panic!("kubectl {} failed: {said}", args.join(" ")))
    }

    /// Waits until CRDs are established. kubectl gives up on one that has no status yet, so it is asked
    /// again.
    pub(crate) fn established(&self, crds: &[&str]) {
        let mut arguments = vec![
            "wait",
            "--for=condition=Established",
            "--timeout=30s",
            "crd",
        ];
        arguments.extend(crds);
        until(&format!("{crds:?} are established"), || {
            self.try_kubectl(&arguments, "").is_ok()
        });
    }

    /// Waits until the kind of a CRD is among those that the cluster says it serves, which is a little after it
    /// is established.
    pub(crate) fn served(&self, crd: &str) {
        self.established(&[crd]);
        let group = crd.split_once('.').map_or("", |(_, group)| group);
        let group = format!("--api-group={group}");
        until(&format!("{crd} is served"), || {
            let asked = ["api-resources", "--cached=false", "-o", "name", &group];
            // It fails as a whole where another group does not answer, and lists the others all the same.
            let said = self.try_kubectl(&asked, "").unwrap_or_else(|said| said);
            said.lines().any(|line| line == crd)
        });
    }

    /// Waits until an account of a namespace may make ConfigMaps: the API server learns of rights a little after
    /// they are given.
    pub(crate) fn granted(&self, namespace: &str, account: &str) {
        let user = format!("--as=system:serviceaccount:{namespace}:{account}");
        let asked = [
            "auth",
            "can-i",
            "create",
            "configmaps",
            "-n",
            namespace,
            &user,
        ];
        until("the rights are known", || {
            self.try_kubectl(&asked, "").is_ok()
        });
    }

    /// Runs kubectl where a failure is an answer.
    pub(crate) fn try_kubectl(&self, args: &[&str], input: &str) -> Result<String, String> {
        let mut command = self.binary.as_ref().map_or_else(
            || Command::new("kubectl"),
            |binary| {
                let mut command = Command::new(binary);
                command.arg("kubectl");
                command
            },
        );
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--request-timeout=60s")
            .args(args);
        let (code, out, err) = run(command, input);
        if code { Ok(out) } else { Err(err + &out) }
    }

    fn install(&self, groups: &[&str]) {
        let mut installed = self
            .crds
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let missing: Vec<&str> = groups
            .iter()
            .copied()
            .filter(|group| !installed.contains(*group))
            .collect();
        let Some(binary) = self.binary.as_ref().filter(|_| !missing.is_empty()) else {
            return;
        };
        let (ours, upstream): (Vec<&str>, Vec<&str>) = missing
            .iter()
            .partition(|group| own_crds().join(group).is_dir());
        let mut folders: Vec<String> = ours
            .iter()
            .map(|group| own_crds().join(group).display().to_string())
            .collect();
        folders.extend(std::env::var("KUBEMATE_TEST_CRDS"));
        let mut command = Command::new(binary);
        command
            .arg("crds")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig);
        command.arg("--install").arg(upstream.join(","));
        command.arg("--folders").arg(folders.join(":"));
        let (code, _, err) = run(command, "");
        assert!(
            code,
            "the CRDs {} cannot be installed: {err}",
            missing.join(", ")
        );
        installed.extend(missing.iter().map(ToString::to_string));
    }
}

/// A client for a kubeconfig, bound to the runtime that calls this.
pub(crate) async fn client_of(kubeconfig: &Path) -> Client {
    install_tls();
    let file = Kubeconfig::read_from(kubeconfig).expect("the kubeconfig can be read");
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("the kubeconfig is complete")).expect("a client can be made")
}

/// Folder of the CRDs that the project wrote itself, one folder per group.
fn own_crds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crds")
}

/// Runs a command to its end: success, standard output, standard error.
fn run(mut command: Command, input: &str) -> (bool, String, String) {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!(
            "{} cannot be started: {error}",
            command.get_program().display()
        )
    });
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let text = input.to_owned();
    // A child that ends early closes its end; what it says then matters, not the broken pipe.
    let writer = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
    let output = child
        .wait_with_output()
        .expect("the child can be waited for");
    drop(writer.join());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}
