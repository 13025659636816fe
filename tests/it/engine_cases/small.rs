//! A project that is small enough to be killed at every write: two states, and twelve objects that
//! change from the first to the second, in the platform's set and in a tenant's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::cluster::{Cluster as _, ListQuery, Target};
use kubemate::object::{GroupKind, ObjectKey, Owner, SetId};
use kubemate::plan::observed::Live;
use serde_json::Value;

use crate::bank::folder::Folder;
use crate::bank::project;
use crate::bed;

/// Kinds that carry a set's mark here, besides the CR.
const KINDS: [(&str, &str); 10] = [
    ("", "Namespace"),
    ("", "ConfigMap"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("", "ResourceQuota"),
    ("", "LimitRange"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// The project.
pub(crate) struct Small {
    pub(crate) folder: Folder,
    pub(crate) env: String,
    pub(crate) tenant: String,
    project: String,
}

/// An administrator's connection, shared by all tests that may block.
struct Admin {
    runtime: tokio::runtime::Runtime,
    cluster: KubeCluster,
}

fn admin() -> &'static Admin {
    static ADMIN: OnceLock<Admin> = OnceLock::new();
    ADMIN.get_or_init(|| {
        bed::install_tls();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let kubeconfig = bed::cluster().kubeconfig();
        let cluster = runtime.block_on(KubeCluster::connect(Some(kubeconfig), None));
        Admin {
            runtime,
            cluster: cluster.unwrap(),
        }
    })
}

/// The UID of the cluster, asked for once.
fn uid() -> &'static str {
    static UID: OnceLock<String> = OnceLock::new();
    UID.get_or_init(project::uid)
}

fn config(namespace: &str, name: &str, value: u32) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{k: \"{value}\"}}\n---\n"
    )
}

/// What nobody of the project made and nobody may touch.
pub(crate) const BYSTANDER: &str = "theirs";

impl Small {
    /// The first state, in files.
    pub(crate) fn new() -> Self {
        let (project, tenant) = (bed::unique_name("small"), bed::unique_name("t"));
        let small = Self {
            folder: Folder::new(),
            env: bed::unique_name("e"),
            tenant,
            project,
        };
        let Self {
            env,
            tenant: t,
            project,
            ..
        } = &small;
        let uid = uid();
        let file = |path: &str, text: &str| small.folder.write(path, text);
        file(
            "kubemate.kdl",
            &format!(
                "project {project} schema=1 render=1 {{\n  cluster hq uid=\"{uid}\" kubernetes=\"1.36\"\n  \
                 environment {env} {{ cluster hq }}\n  include \"platform/**/*.kdl\" \"tenants/**/*.kdl\"\n  \
                 ownership {{\n    path \"platform/**\" owner=platform\n    path \"tenants/{t}/**\" tenant={t}\n  }}\n}}\n"
            ),
        );
        file("platform/tenants.kdl", &format!("tenant {t}\n"));
        file(
            "platform/base.kdl",
            "manifests base {\n  from \"files/*.yaml\"\n  kinds ConfigMap Namespace CustomResourceDefinition Gadget\n}\n",
        );
        file(
            &format!("tenants/{t}/own.kdl"),
            &format!(
                "manifests own tenant={t} {{\n  from \"files/*.yaml\"\n  kinds ConfigMap Service\n}}\n"
            ),
        );
        small.first();
        small
    }

    /// The platform's own namespace.
    pub(crate) fn base(&self) -> String {
        format!("{}-base", self.tenant)
    }

    /// The namespace that the second state brings.
    pub(crate) fn more(&self) -> String {
        format!("{}-more", self.tenant)
    }

    fn group(&self) -> String {
        format!("{}.example.com", self.project)
    }

    fn write(&self, platform: &str, tenant: &str) {
        let (base, t) = (self.base(), &self.tenant);
        let space = |name: &str| {
            format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n---\n")
        };
        let platform = format!("{}{}{platform}", space(&base), config(&base, "stays", 1));
        self.folder.write("platform/files/all.yaml", &platform);
        let tenant = format!("{}{tenant}", config(t, "stays", 1));
        self.folder
            .write(&format!("tenants/{t}/files/all.yaml"), &tenant);
    }

    /// What there is at first.
    pub(crate) fn first(&self) {
        let (base, t) = (self.base(), &self.tenant);
        let platform = config(&base, "changed", 1) + &config(&base, "gone", 1);
        let tenant = config(t, "changed", 1) + &config(t, "gone", 1) + &config(t, "moves", 1);
        self.write(&platform, &tenant);
    }

    /// What there is then: the platform makes a Namespace with content and a CRD with an object, changes
    /// one, deletes one and takes one from the tenant; the tenant makes two, changes one, deletes one and
    /// gives one up.
    pub(crate) fn second(&self) {
        let (base, more, t, group) = (self.base(), self.more(), &self.tenant, self.group());
        let platform = format!(
            "{}{}{}apiVersion: v1\nkind: Namespace\nmetadata: {{name: {more}}}\n---\n\
             apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}}}\n\
             spec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}}\n  \
             versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        \
             properties: {{spec: {{type: object, properties: {{size: {{type: integer}}}}}}}}\n---\n\
             apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: gadget, namespace: {more}}}\nspec: {{size: 1}}\n",
            config(&base, "changed", 2),
            config(&more, "inside", 1),
            config(t, "moves", 2),
        );
        let service = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: new, namespace: {t}}}\nspec: {{ports: [{{name: http, port: 80}}]}}\n"
        );
        let tenant = config(t, "changed", 2) + &config(t, "new", 1) + &service;
        self.write(&platform, &tenant);
    }

    /// How many objects differ between the two states.
    pub(crate) const CHANGES: usize = 12;

    /// The sets, the platform's first.
    pub(crate) fn sets(&self) -> Vec<SetId> {
        let set = |owner| SetId {
            project: self.project.clone(),
            cluster: "hq".into(),
            owner,
            environment: self.env.clone(),
        };
        vec![
            set(Owner::Platform),
            set(Owner::Tenant(self.tenant.clone())),
        ]
    }

    /// Brings what the files say to the cluster, which must succeed.
    pub(crate) fn apply(&self) {
        let args = ["apply", "--env", &self.env];
        let said = self.folder.run(bed::cluster().kubeconfig(), &args);
        assert_eq!(said.code, 0, "{}", said.end());
    }

    /// Everything with the mark of a set: its kind and name, by UID.
    pub(crate) fn marked(&self, set: &SetId) -> BTreeMap<String, String> {
        let mut kinds: Vec<GroupKind> = KINDS.iter().map(|(g, k)| GroupKind::new(g, k)).collect();
        let crd = self.config_of(
            "apiextensions.k8s.io",
            "CustomResourceDefinition",
            None,
            &self.crd(),
        );
        if crd.is_some() {
            kinds.push(GroupKind::new(&self.group(), "Gadget"));
        }
        let mut all = BTreeMap::new();
        for group_kind in kinds {
            let query = ListQuery {
                group_kind,
                namespace: None,
                labels: format!("kubemate.dev/set={}", set.label()),
            };
            let items = admin().runtime.block_on(admin().cluster.list(&query));
            for item in items.unwrap_or_default() {
                let text = |at: &str| item.pointer(at).and_then(Value::as_str).unwrap().to_owned();
                let name = format!("{} {}", text("/kind"), text("/metadata/name"));
                all.insert(text("/metadata/uid"), name);
            }
        }
        all
    }

    fn crd(&self) -> String {
        format!("gadgets.{}", self.group())
    }

    fn config_of(
        &self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<Live> {
        let key = ObjectKey {
            group_kind: GroupKind::new(group, kind),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        let read = admin()
            .runtime
            .block_on(admin().cluster.read(&Target::of(&key)));
        read.unwrap_or_default()
    }

    /// A ConfigMap, if there is one.
    pub(crate) fn config(&self, namespace: &str, name: &str) -> Option<Live> {
        self.config_of("", "ConfigMap", Some(namespace), name)
    }

    /// The value of a ConfigMap, if there is one.
    pub(crate) fn value(&self, namespace: &str, name: &str) -> Option<String> {
        let live = self.config(namespace, name)?;
        live.body["data"]["k"].as_str().map(str::to_owned)
    }

    /// Puts objects of somebody else beside those of the project.
    pub(crate) fn add_bystanders(&self) {
        let text = config(&self.base(), BYSTANDER, 7) + &config(&self.tenant, BYSTANDER, 7);
        bed::cluster().kubectl_with(&["create", "-f", "-"], &text);
    }

    /// Where the second state is not what the cluster holds.
    pub(crate) fn differs_from_second(&self) -> Vec<String> {
        let (base, more, t) = (self.base(), self.more(), self.tenant.as_str());
        let wanted = [
            (base.as_str(), "stays", Some("1")),
            (base.as_str(), "changed", Some("2")),
            (base.as_str(), "gone", None),
            (base.as_str(), BYSTANDER, Some("7")),
            (more.as_str(), "inside", Some("1")),
            (t, "stays", Some("1")),
            (t, "changed", Some("2")),
            (t, "gone", None),
            (t, "new", Some("1")),
            (t, "moves", Some("2")),
            (t, BYSTANDER, Some("7")),
        ];
        let mut wrong: Vec<String> = wanted
            .iter()
            .filter(|(namespace, name, value)| self.value(namespace, name).as_deref() != *value)
            .map(|(namespace, name, value)| format!("{namespace}/{name} is not {value:?}"))
            .collect();
        let gadget = self.config_of(&self.group(), "Gadget", Some(&more), "gadget");
        if gadget.is_none_or(|live| live.body["spec"]["size"] != 1) {
            wrong.push("the gadget is not there".into());
        }
        if self.config_of("", "Service", Some(t), "new").is_none() {
            wrong.push("the Service is not there".into());
        }
        wrong
    }
}

impl Drop for Small {
    /// CRDs are many and cost the server memory; everything else may stay.
    fn drop(&mut self) {
        let (name, kubeconfig) = (self.crd(), bed::cluster().kubeconfig());
        admin().runtime.block_on(async {
            let api: Api<CustomResourceDefinition> = Api::all(bed::client_of(kubeconfig).await);
            drop(api.delete(&name, &DeleteParams::background()).await);
        });
    }
}

/// As if the time of a dead process had run out: its leases are taken away.
pub(crate) fn free_leases(kubeconfig: &Path, process: u32) {
    let holder = format!("kubemate-cli-{process}");
    admin().runtime.block_on(async {
        let api: Api<Lease> = Api::namespaced(bed::client_of(kubeconfig).await, "kubemate-system");
        for lease in api.list(&ListParams::default()).await.unwrap() {
            let held_by = lease
                .spec
                .as_ref()
                .and_then(|spec| spec.holder_identity.as_deref());
            if held_by == Some(holder.as_str()) {
                let name = lease.metadata.name.unwrap();
                drop(api.delete(&name, &DeleteParams::default()).await);
            }
        }
    });
}
