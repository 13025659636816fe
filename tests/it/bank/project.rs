//! A copy of `examples/bank` that no other test shares a name with, and the binary to run on it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::cluster::{Cluster as _, Stored};
use kubemate::object::{Owner, SetId};
use serde_json::{Value, json};

use super::folder::Folder;
pub(crate) use super::folder::Said;
use crate::bed;

/// The tenants of the example.
pub(crate) const TENANTS: [&str; 7] = [
    "channels", "identity", "insights", "ledger", "payments", "search", "web",
];

/// Whose kinds the example uses.
pub(crate) const OPERATORS: [&str; 6] = [
    "gateway-api",
    "traefik",
    "cert-manager",
    "external-secrets",
    "keda",
    "flagger",
];

/// Kinds that the example renders, as kubectl names them.
const KINDS: &str = "deployments,statefulsets,daemonsets,cronjobs,services,configmaps,serviceaccounts,roles,\
    rolebindings,networkpolicies,resourcequotas,limitranges,poddisruptionbudgets,\
    horizontalpodautoscalers,gateways.gateway.networking.k8s.io,httproutes.gateway.networking.k8s.io,\
    grpcroutes.gateway.networking.k8s.io,tlsroutes.gateway.networking.k8s.io,middlewares.traefik.io,certificates.cert-manager.io,secretstores.external-secrets.io,\
    externalsecrets.external-secrets.io,canaries.flagger.app,scaledobjects.keda.sh,\
    triggerauthentications.keda.sh";

/// Those that stand in no namespace.
const WIDE: &str = "namespaces,storageclasses,persistentvolumes,flowschemas,\
    validatingadmissionpolicies,validatingadmissionpolicybindings";

/// A copy of the example.
pub(crate) struct Bank {
    folder: Folder,
    name: String,
    dev: String,
    prod: String,
}

impl Bank {
    /// The whole example, bound to the cluster of this test process.
    pub(crate) fn new() -> Self {
        Self::of(&TENANTS)
    }

    /// The example with these tenants only.
    pub(crate) fn of(tenants: &[&str]) -> Self {
        furnish();
        let bank = Self {
            folder: Folder::new(),
            name: bed::unique_name("bank"),
            dev: bed::unique_name("d"),
            prod: bed::unique_name("p"),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bank");
        bank.copy(&root, &root);
        for tenant in TENANTS.iter().filter(|name| !tenants.contains(name)) {
            std::fs::remove_file(bank.path(&format!("platform/tenants/{tenant}.kdl")))
                .expect("a tenant's file");
            std::fs::remove_dir_all(bank.path(&format!("tenants/{tenant}")))
                .expect("a tenant's folder");
            bank.edit("kubemate.kdl", |text| {
                let line = format!("    path \"tenants/{tenant}/**\" tenant={tenant}\n");
                text.replace(&line, "")
            });
        }
        for file in ["cluster", "governance", "images", "storage"] {
            bank.forget_neighbours(&format!("platform/{file}.kdl"), tenants);
        }
        for tenant in tenants {
            bank.forget_neighbours(&format!("platform/tenants/{tenant}.kdl"), tenants);
        }
        bank
    }

    /// Takes the lines out of a tenant's file that speak of tenants which are not here.
    fn forget_neighbours(&self, file: &str, tenants: &[&str]) {
        let path = self.path(file);
        let text = std::fs::read_to_string(&path).expect("a tenant's file");
        let here = |line: &&str| {
            let mut gone = TENANTS.iter().filter(|name| !tenants.contains(name));
            !gone.any(|name| line.contains(&format!(" tenant={name} ")))
        };
        let kept: Vec<&str> = text.lines().filter(here).collect();
        std::fs::write(&path, kept.join("\n") + "\n").expect("the file can be written");
    }

    fn copy(&self, root: &Path, from: &Path) {
        for entry in std::fs::read_dir(from).expect("the example can be read") {
            let path = entry.expect("an entry").path();
            let to = self
                .root()
                .join(path.strip_prefix(root).expect("below the root"));
            if path.is_dir() {
                std::fs::create_dir_all(&to).expect("a folder");
                self.copy(root, &path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a text");
            std::fs::write(&to, self.rename(&text)).expect("a file");
        }
    }

    fn rename(&self, text: &str) -> String {
        text.replace("project bank ", &format!("project {} ", self.name))
            .replace("environment dev ", &format!("environment {} ", self.dev))
            .replace("environment prod ", &format!("environment {} ", self.prod))
            .replace("in dev ", &format!("in {} ", self.dev))
            .replace("in prod ", &format!("in {} ", self.prod))
            .replace("env=prod ", &format!("env={} ", self.prod))
            // Tests run at any time of the week.
            .replace("Mon-Fri 20:00-23:00", "00:00-24:00")
            // What stands in no namespace, and all that names it.
            .replace("hq-", &format!("{}-hq-", self.name))
            // A port of the nodes can be given once.
            .replace("node-port=30043", &format!("node-port={}", node_port()))
            // Hosts belong to one environment, and tests share a cluster.
            .replace(
                "bank.example\"\n    let tier",
                &format!("{}.example\"\n    let tier", self.name),
            )
            .replace("00000000-0000-4000-8000-000000000000", &uid())
    }

    pub(crate) fn dev(&self) -> &str {
        &self.dev
    }

    pub(crate) fn prod(&self) -> &str {
        &self.prod
    }

    /// Name of the project.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Commits everything and returns the commit's id.
    pub(crate) fn commit(&self) -> String {
        let root = self.root();
        let git = git2::Repository::init(root).expect("a repository");
        let mut index = git.index().expect("an index");
        index
            .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
            .expect("files are added");
        index.write().expect("the index is written");
        let tree = git
            .find_tree(index.write_tree().expect("a tree"))
            .expect("a tree");
        let who = git2::Signature::now("t", "t@bank.example").expect("a signature");
        let parent = git.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id = git.commit(Some("HEAD"), &who, &who, "c", &tree, &parents);
        id.expect("a commit").to_string()
    }

    /// Applies an environment, which must succeed.
    pub(crate) fn apply(&self, env: &str) -> Said {
        let said = self.run(bed::cluster().kubeconfig(), &["apply", "--env", env]);
        assert_eq!(said.code, 0, "{}", said.end());
        said
    }

    /// The sets of an environment with these tenants, the platform's first.
    pub(crate) fn sets(&self, env: &str, tenants: &[&str]) -> Vec<SetId> {
        let tenants = tenants.iter().map(|name| Owner::Tenant((*name).into()));
        let set = |owner| SetId {
            project: self.name.clone(),
            cluster: "hq".into(),
            owner,
            environment: env.into(),
        };
        std::iter::once(Owner::Platform)
            .chain(tenants)
            .map(set)
            .collect()
    }

    /// Everything live of an environment, by kind, namespace and name, reduced to what was asked for:
    /// labels, annotations and content.
    pub(crate) fn snapshot(&self, env: &str) -> BTreeMap<String, Value> {
        self.live(env).iter().map(reduced).collect()
    }

    /// Everything live of an environment, as the API server has it.
    pub(crate) fn live(&self, env: &str) -> Vec<Value> {
        let of_project = format!("kubemate.dev/set in ({})", self.labels(env).join(","));
        let mut all = Vec::new();
        for kinds in [&[KINDS, "-A"][..], &[WIDE]] {
            let rest = [
                "-o",
                "json",
                "--show-managed-fields",
                "-l",
                of_project.as_str(),
            ];
            let args = [&["get"], kinds, &rest].concat();
            all.extend(items(&bed::cluster().kubectl(&args)));
        }
        all
    }

    fn labels(&self, env: &str) -> Vec<String> {
        self.sets(env, &TENANTS).iter().map(SetId::label).collect()
    }

    /// UIDs of everything live that bears the mark of a set.
    pub(crate) fn marked(&self, set: &SetId) -> BTreeMap<String, String> {
        let label = format!("kubemate.dev/set={}", set.label());
        let kinds = format!("{KINDS},{WIDE}");
        let args = ["get", &kinds, "-A", "-o", "json", "-l", &label];
        let items = items(&bed::cluster().kubectl(&args));
        let one = |item: &Value| {
            let at = |pointer: &str| text(item, pointer);
            let key = format!("{} {}", at("/kind"), at("/metadata/name"));
            (at("/metadata/uid"), key)
        };
        items.iter().map(one).collect()
    }
}

impl std::ops::Deref for Bank {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

/// Ports of nodes that examples name, which are sent to the API server as they are as well.
const NAMED: [u32; 2] = [30_043, 30_080];

/// A number of those that a cluster gives to nobody by itself, and that no example names.
pub(crate) fn node_port() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_add(std::process::id());
        let port = 30_000 + number % 86;
        if !NAMED.contains(&port) {
            return port;
        }
    }
}

/// Installs in the cluster what the bank expects there, once.
pub(crate) fn furnish() {
    static DONE: std::sync::Once = std::sync::Once::new();
    DONE.call_once(|| {
        let cluster = bed::with_crds(&OPERATORS);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cluster.yaml");
        let text = std::fs::read_to_string(file).expect("a text");
        cluster.kubectl_with(&["apply", "--server-side", "-f", "-"], &text);
    });
}

/// The UID of the cluster of this test process.
pub(crate) fn uid() -> String {
    bed::cluster().kubectl(&[
        "get",
        "namespace",
        "kube-system",
        "-o",
        "jsonpath={.metadata.uid}",
    ])
}

/// The inventories of sets.
pub(crate) fn stored(sets: &[SetId]) -> Vec<Stored> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    bed::install_tls();
    runtime.block_on(async {
        let kubeconfig = bed::cluster().kubeconfig();
        let cluster = KubeCluster::connect(Some(kubeconfig), None)
            .await
            .expect("a kubeconfig");
        let mut all = Vec::new();
        for set in sets {
            all.push(cluster.load(set).await.expect("an inventory"));
        }
        all
    })
}

fn items(text: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(text).expect("kubectl prints JSON");
    list["items"].as_array().cloned().unwrap_or_default()
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn reduced(object: &Value) -> (String, Value) {
    let name = format!(
        "{}/{}/{}",
        text(object, "/kind"),
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name")
    );
    let mut kept = object.as_object().cloned().unwrap_or_default();
    for field in ["metadata", "status"] {
        kept.remove(field);
    }
    let mut annotations = object["metadata"]["annotations"].clone();
    if let Some(map) = annotations.as_object_mut() {
        map.remove("deployment.kubernetes.io/revision");
        map.remove("deprecated.daemonset.template.generation");
    }
    let metadata = json!({"labels": object["metadata"]["labels"], "annotations": annotations});
    kept.insert("metadata".into(), metadata);
    (name, Value::Object(kept))
}
