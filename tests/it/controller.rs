//! The controller as a process of its own, on a real API server and a Git host on loopback: what it
//! makes of good and broken commits, of drift, and of the order to stop.
#![expect(
    clippy::disallowed_methods,
    reason = "the controller is a process, and time is what this test waits for"
)]

use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed;
use crate::bed::history::commit;
use crate::githost::Host;

mod approvals;
mod behind;
mod commands;
mod crashed;
mod ending;
mod faulty;
mod fights;
mod flood;
mod frugal;
mod late;
mod neighbour;
mod noise;
mod noticed;
mod panics;
mod quiet;
mod reports;
mod sealed;
mod signed;
mod slow;
mod sources;
mod story;
mod told;
mod traced;

const MAIN: &str = "refs/heads/main";
const PATIENCE: Duration = bed::PATIENCE;
/// What it may take to stop: it gives what it does and its lead less than half a minute.
const STOPPING: Duration = Duration::from_secs(45);

/// A running controller; killed when it is dropped.
struct Controller(Child);

impl Drop for Controller {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Controller {
    fn start(kubeconfig: &Path, bed: &Bed) -> Self {
        Self::start_with(kubeconfig, &bed.host.address, &bed.place, &[])
    }

    /// One that may fetch from `host`, for the shard of this place alone.
    fn start_with(kubeconfig: &Path, host: &str, place: &Place, more: &[&str]) -> Self {
        Self::start_in(
            kubeconfig,
            host,
            (&place.name, place.directory.path()),
            more,
        )
    }

    fn start_in(kubeconfig: &Path, host: &str, place: (&str, &Path), more: &[&str]) -> Self {
        let mut command = Self::command(kubeconfig, host, place, more);
        Self(command.spawn().unwrap())
    }

    fn command(
        kubeconfig: &Path,
        host: &str,
        (shard, directory): (&str, &Path),
        more: &[&str],
    ) -> Command {
        let log = std::fs::File::create(directory.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
        command
            .arg("controller")
            .args(["--listen", "127.0.0.1:0", "--allow", &format!("{host}/*")])
            .args(["--shard", shard])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--mirrors")
            .arg(directory.join("mirrors"))
            .args(more)
            .env("XDG_CACHE_HOME", directory.join("cache"))
            // Nothing around it makes it say more than it should.
            .envs([("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    /// Whether it runs.
    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Ends it at once, as kill -9 does.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        drop(self.0.wait());
    }

    /// Asks it to stop, and waits until it has.
    fn terminate(&mut self) {
        let began = Instant::now();
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        while self.0.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < STOPPING, "it does not stop");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A cluster with the CRD, a directory, and the name of one Sync.
struct Place {
    cluster: &'static bed::Cluster,
    directory: tempfile::TempDir,
    name: String,
    uid: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory.path().join("log"));
            eprintln!("the controller's log:\n{}", log.unwrap_or_default());
        }
    }
}

/// What `kubemate install` prints.
fn manifests(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .arg("install")
        .args(args)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Prepares the cluster, once: the server takes all of what is installed; only the CRDs and the namespace
/// stay. Returns the UID of the cluster.
fn furnished(cluster: &bed::Cluster) -> &'static str {
    static UID: OnceLock<String> = OnceLock::new();
    UID.get_or_init(|| {
        let all = manifests(&[]);
        let namespace = all.split("---\n").next().unwrap();
        // Other tests make it at the same time.
        let made = || cluster.try_kubectl(&["apply", "-f", "-"], namespace);
        made().or_else(|_| made()).unwrap();
        cluster.kubectl_with(
            &["apply", "--server-side", "-f", "-"],
            &manifests(&["--crd"]),
        );
        cluster.established(&[
            "syncs.kubemate.dev",
            "holds.kubemate.dev",
            "approvals.kubemate.dev",
        ]);
        cluster.kubectl_with(
            &["apply", "--server-side", "--dry-run=server", "-f", "-"],
            &all,
        );
        cluster.kubectl(&["get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}"])
    })
}

impl Place {
    fn new() -> Self {
        let cluster = bed::cluster();
        Self {
            cluster,
            directory: tempfile::tempdir().unwrap(),
            name: bed::unique_name("c"),
            uid: furnished(cluster).to_owned(),
        }
    }

    /// The files of a project with one tenant, whose own file says this of its app. `environment` is
    /// what stands behind `environment dev`.
    fn files(&self, app: &str, environment: &str) -> Vec<(&'static str, String)> {
        let name = &self.name;
        let project = format!(
            "project {name} schema=1 render=1 {{\n  cluster here uid=\"{}\" kubernetes=\"1.36\"\n  \
             environment dev{environment} {{ cluster here }}\n  include \"**/*.kdl\"\n  ownership {{\n    \
             path \"platform/**\" owner=platform\n    path \"tenants/shop/**\" tenant={name}\n  }}\n}}\n",
            self.uid
        );
        let tenant = format!(
            "tenant {name} {{\n  owner \"shop@bank.example\"\n  quota cpu=4 memory=\"8Gi\" pods=20\n}}\n"
        );
        vec![
            ("kubemate.kdl", project),
            ("platform/tenants.kdl", tenant),
            ("tenants/shop/web.kdl", app.replace("NAME", name)),
        ]
    }

    fn keep(&self, repository: &str, mode: &str, interval: &str) {
        self.keep_as(&self.name, repository, mode, interval);
    }

    /// A Sync of this name in the shard of this place.
    fn keep_as(&self, name: &str, repository: &str, mode: &str, interval: &str) {
        let shard = &self.name;
        let text = format!(
            "apiVersion: kubemate.dev/v1alpha1\nkind: Sync\n\
             metadata: {{name: {name}, namespace: kubemate-system, labels: {{kubemate.dev/shard: {shard}}}}}\n\
             spec: {{repository: '{repository}', environment: dev, cluster: here, interval: {interval}, mode: {mode}}}\n"
        );
        self.cluster.kubectl_with(&["apply", "-f", "-"], &text);
    }

    fn status(&self) -> Value {
        let all = "/apis/kubemate.dev/v1alpha1/namespaces/kubemate-system/syncs";
        self.cluster.get(&format!("{all}/{}", self.name))["status"].clone()
    }

    fn deployment(&self) -> Option<Value> {
        let label = format!("{}.dev.t-{}", self.name, self.name);
        let of_set = format!("labelSelector=kubemate.dev%2Fset%3D{label}");
        let list = self
            .cluster
            .get(&format!("/apis/apps/v1/deployments?{of_set}"));
        list["items"].as_array().unwrap().first().cloned()
    }

    /// What the commits here write into a ConfigMap of the tenant's.
    fn value(&self, config: &str) -> String {
        let path = format!("/api/v1/namespaces/{}/configmaps/{config}", self.name);
        let value = self.cluster.get(&path)["data"]["n"].clone();
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until something holds, and shows the status if it never does.
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = self.status();
            if holds(&status) {
                return status;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "never: {what}; the status is {status:#}"
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// What a command about this Sync prints, with its exit code.
    fn ask(&self, command: &str) -> (i32, String) {
        self.ask_with(&[command, &self.name])
    }

    fn ask_with(&self, args: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_kubemate"))
            .args(args)
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .output()
            .unwrap();
        let mut said = String::from_utf8(output.stdout).unwrap();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), said)
    }
}

/// A project in a served repository, and a Sync on the cluster.
struct Bed {
    host: Host,
    /// Its path on the host.
    repository: &'static str,
    served: git2::Repository,
    place: Place,
}

impl Deref for Bed {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Bed {
    fn new(repository: &'static str) -> Self {
        let place = Place::new();
        let root = place.directory.path().join("served");
        let served = git2::Repository::init_bare(root.join(repository)).unwrap();
        Self {
            host: Host::start(&root),
            repository,
            served,
            place,
        }
    }

    /// Points main to a commit with these lines in the tenant's file.
    fn commit(&self, app: &str) -> String {
        self.commit_files(self.files(app, ""))
    }

    /// Points main to a commit of these files.
    fn commit_files(&self, files: Vec<(&'static str, String)>) -> String {
        commit(&self.served, Some(MAIN), files)
    }

    fn sync(&self, mode: &str, interval: &str) {
        let repository = format!("{}/{}", self.host.address, self.repository);
        self.keep(&repository, mode, interval);
    }
}

fn is(status: &Value, kind: &str, truth: &str) -> bool {
    let conditions = status["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    conditions
        .iter()
        .any(|c| c["type"] == kind && c["status"] == truth)
}

/// What a Sync keeps is not applied by hand beside it.
fn not_applied_beside(bed: &Bed, code: i32) {
    let project = bed.directory.path().join("by-hand");
    for (path, text) in bed.files(&GOOD.replace("1.0.0", "1.0.1"), "") {
        let path = project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (ended, said) = bed.ask_with(&["apply", project.to_str().unwrap()]);
    assert_eq!(ended, code, "{said}");
    let refused = format!("is kept by the Sync `{}`", bed.name);
    assert_eq!(said.contains(&refused), code == 3, "{said}");
}

/// A suspended Sync leaves drift alone and says so; a resumed one undoes it.
fn asked_by_people(bed: &Bed, (name, namespace): (&str, &str)) {
    not_applied_beside(bed, 3);
    let (code, said) = bed.ask("suspend");
    assert_eq!(code, 0, "{said}");
    bed.until("suspended", |s| is(s, "Ready", "False"));
    not_applied_beside(bed, 0);
    bed.cluster
        .kubectl(&["scale", "deploy", name, "-n", namespace, "--replicas=2"]);
    let (code, said) = bed.ask("why");
    assert_eq!(code, 6, "{said}");
    assert!(
        said.contains("(Suspended)") && said.contains("kubemate resume"),
        "{said}"
    );
    let (code, said) = bed.ask("reconcile");
    assert_eq!(code, 64, "{said}");
    assert_eq!(bed.deployment().unwrap()["spec"]["replicas"], 2);

    assert_eq!(bed.ask("resume").0, 0);
    bed.until("drift undone after the pause", |_| {
        bed.deployment().unwrap()["spec"]["replicas"] == 1
    });
    bed.until("ready again", |s| is(s, "Ready", "True"));
    assert_eq!(bed.ask("reconcile").0, 0);
    let (code, said) = bed.ask("why");
    assert_eq!(code, 0, "{said}");
}

/// Drift of what is held is said and left alone, with who made it; the end of the hold undoes it.
fn held_by_people(bed: &Bed, (name, namespace): (&str, &str)) {
    let web = format!("app/{}/web", bed.name);
    let hold = |more: &[&str]| {
        let mut args = vec!["hold", &web, "--env", "dev"];
        args.extend_from_slice(more);
        bed.ask_with(&args)
    };
    let (code, said) = hold(&["--for", "2h", "--ticket", "INC-1"]);
    assert_eq!(code, 0, "{said}");
    let (_, said) = bed.ask_with(&["holds"]);
    assert!(
        said.contains(&format!("dev {web}: until")) && said.contains("INC-1"),
        "{said}"
    );
    bed.cluster
        .kubectl(&["scale", "deploy", name, "-n", namespace, "--replicas=2"]);
    let status = bed.until("drift is left", |s| is(s, "Drifted", "True"));
    let sets = status["sets"].as_object().unwrap().values();
    let said: Vec<&str> = sets.filter_map(|set| set["message"].as_str()).collect();
    let told = said.iter().find(|said| said.contains("is left so"));
    assert!(
        told.is_some_and(|said| said.contains(" by kubectl")),
        "{said:?}"
    );
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(bed.deployment().unwrap()["spec"]["replicas"], 2);
    let (code, said) = hold(&["--end"]);
    assert_eq!(code, 0, "{said}");
    bed.until("drift undone after the hold", |_| {
        bed.deployment().unwrap()["spec"]["replicas"] == 1
    });
    assert_eq!(hold(&["--end"]).0, 1, "there is none to end");
    for wrong in [["--for", "8d"], ["--for", "0x"]] {
        assert_eq!(hold(&[wrong[0], wrong[1], "--ticket", "t"]).0, 64);
    }
}

const GOOD: &str = "app web tenant=NAME replicas=1 {\n  image \"registry.bank.example/web\"\n  version \"1.0.0\"\n  resources { requests cpu=\"50m\" memory=\"64Mi\"; limits memory=\"64Mi\" }\n}\n";
const BROKEN: &str =
    "app web tenant=NAME replicas=1 {\n  imagine \"registry.bank.example/web\"\n}\n";

#[test]
fn commits_are_applied_kept_and_repaired() {
    let bed = Bed::new("p.git");
    let first = bed.commit(GOOD);
    let mut controller = Controller::start(bed.cluster.kubeconfig(), &bed);

    bed.sync("observe", "1s");
    let status = bed.until("observed", |s| is(s, "Ready", "True"));
    assert!(
        bed.deployment().is_none(),
        "observe writes nothing: {status:#}"
    );
    assert!(
        status["story"]
            .as_str()
            .unwrap()
            .contains("nothing written"),
        "{status:#}"
    );

    bed.sync("auto", "1s");
    let applied = |commit: String| {
        move |s: &Value| s["lastApplied"] == commit.as_str() && is(s, "Ready", "True")
    };
    bed.until("applied", applied(first.clone()));
    let web = bed.deployment().expect("the deployment was made");
    assert_eq!(web["spec"]["replicas"], 1);

    let broken = bed.commit(BROKEN);
    let status = bed.until("broken", |s| {
        s["lastAttempted"] == broken.as_str() && is(s, "Stalled", "True")
    });
    assert!(is(&status, "Ready", "False"), "{status:#}");
    assert!(
        status["story"]
            .as_str()
            .unwrap()
            .contains("tenants/shop/web.kdl:2:3"),
        "{status:#}"
    );
    assert_eq!(status["lastApplied"], first.as_str());
    assert!(bed.deployment().is_some(), "a broken commit prunes nothing");

    // What was valid stays in force, even while what came after is not.
    let (name, namespace) = (
        web["metadata"]["name"].as_str().unwrap(),
        web["metadata"]["namespace"].as_str().unwrap(),
    );
    bed.cluster
        .kubectl(&["scale", "deploy", name, "-n", namespace, "--replicas=3"]);
    bed.until("drift undone", |_| {
        bed.deployment().unwrap()["spec"]["replicas"] == 1
    });

    let fixed = bed.commit(&GOOD.replace("1.0.0", "1.0.1"));
    bed.until("fixed", applied(fixed));
    let image =
        bed.deployment().unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    assert!(image.as_str().unwrap().ends_with(":1.0.1"), "{image}");

    asked_by_people(&bed, (name, namespace));
    held_by_people(&bed, (name, namespace));

    controller.terminate();
    bed.cluster
        .kubectl(&["delete", "sync", &bed.name, "-n", "kubemate-system"]);
}
