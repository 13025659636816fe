//! One set on a real cluster, for tests: render from JSON, observe, plan, apply, look.
//!
//! Everything a test checks is read from the API server with a client of its own, never from reports
//! alone.

pub(crate) mod written;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::cluster::{Cluster, Identity, Question, Stored, Target};
use kubemate::apply::outcome::{Outcome, Report};
use kubemate::apply::prepare::{PrepareError, prepare};
use kubemate::apply::problem::Problem;
use kubemate::apply::{Options, Run};
use kubemate::object::{
    Desired, Manifest, ObjectKey, ObjectRules, Owner, Rendered, ResourceId, SetId, SourceMap,
};
use kubemate::plan::observed::{Live, World};
use kubemate::plan::{Neighbours, Plan, Policy, plan};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::bed;
use crate::bed::proxy::Proxy;

/// A set with its cluster and what it wants.
pub(crate) struct Engine {
    pub(crate) cluster: KubeCluster,
    pub(crate) set: SetId,
    pub(crate) namespace: String,
    pub(crate) rendered: Rendered,
    pub(crate) policy: Policy,
    pub(crate) identity: Identity,
    pub(crate) options: Options,
    pub(crate) stop: CancellationToken,
    pub(crate) waits: Mutex<Vec<String>>,
}

impl Engine {
    /// A platform set of its own, in a namespace of its own, on the cluster of this test process.
    pub(crate) async fn new() -> Self {
        let bed = bed::cluster();
        Self::through(bed.kubeconfig(), bed.unique_namespace().await).await
    }

    /// The same behind a proxy of its own, which records and breaks what is said.
    pub(crate) async fn behind_proxy() -> (Self, Proxy) {
        let proxy = Proxy::before(bed::cluster().kubeconfig());
        let namespace = bed::cluster().unique_namespace().await;
        (Self::through(proxy.kubeconfig(), namespace).await, proxy)
    }

    /// Another set of the same project, in the same namespace, by the same way.
    pub(crate) async fn sibling(&self, kubeconfig: &Path) -> Self {
        let mut other = Self::through(kubeconfig, self.namespace.clone()).await;
        other.set.project.clone_from(&self.set.project);
        other.set.environment = "other".into();
        other.rendered.set = other.set.clone();
        other
    }

    /// The same, reaching the cluster by another kubeconfig.
    pub(crate) async fn through(kubeconfig: &Path, namespace: String) -> Self {
        let set = SetId {
            project: bed::unique_name("p"),
            cluster: "test".into(),
            owner: Owner::Platform,
            environment: "dev".into(),
        };
        let cluster = KubeCluster::connect(Some(kubeconfig), None)
            .await
            .expect("a kubeconfig");
        Self {
            cluster,
            rendered: Rendered {
                set: set.clone(),
                objects: BTreeMap::new(),
            },
            set,
            namespace,
            policy: Policy::default(),
            identity: Identity::Own,
            options: Options {
                lease_wait: Duration::from_secs(5),
                // The namespace controller waits longer after each discovery that failed, and CRDs of
                // other tests come and go all the time.
                patience: bed::PATIENCE,
                ..Options::default()
            },
            stop: CancellationToken::new(),
            waits: Mutex::default(),
        }
    }

    /// Wants an object; its namespace is the test's where none is written.
    pub(crate) fn want(&mut self, body: Value) -> ObjectKey {
        self.want_with(body, ObjectRules::default(), &[])
    }

    /// The same with rules and needs.
    pub(crate) fn want_with(
        &mut self,
        mut body: Value,
        rules: ObjectRules,
        needs: &[ObjectKey],
    ) -> ObjectKey {
        let kind = body["kind"].as_str().expect("a kind").to_owned();
        let cluster_wide = [
            "Namespace",
            "CustomResourceDefinition",
            "ClusterRole",
            "ClusterRoleBinding",
            "PersistentVolume",
            "PriorityClass",
            "StorageClass",
            "ValidatingWebhookConfiguration",
        ];
        if !cluster_wide.contains(&kind.as_str()) && body.pointer("/metadata/namespace").is_none() {
            body["metadata"]["namespace"] = self.namespace.as_str().into();
        }
        let manifest = Manifest::new(body).expect("an object");
        let key = manifest.key.clone();
        let resource = ResourceId {
            kind: "test".into(),
            tenant: None,
            name: key.name.clone(),
        };
        let source = SourceMap::default();
        let desired = Desired {
            manifest,
            resource,
            source,
            needs: needs.to_vec(),
            rules,
        };
        self.rendered.objects.insert(key.clone(), desired);
        key
    }

    /// Wants a ConfigMap.
    pub(crate) fn want_config(&mut self, name: &str, data: &Value) -> ObjectKey {
        self.want(
            json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":name},"data":data}),
        )
    }

    /// Wants a Deployment of one container.
    pub(crate) fn want_deployment(&mut self, name: &str, replicas: u64) -> ObjectKey {
        self.want(deployment(name, replicas))
    }

    pub(crate) async fn stored(&self) -> Stored {
        let mut tries = 0;
        loop {
            match self.cluster.load(&self.set).await {
                Ok(stored) => return stored,
                // On a busy machine a server may not answer in time.
                Err(problem) if problem.kind.passes() && tries < 3 => tries += 1,
                Err(problem) => panic!("an inventory: {problem:?}"),
            }
        }
    }

    pub(crate) async fn world(&self) -> World {
        let stored = self.stored().await;
        self.observe(&stored).await.expect("a world")
    }

    async fn observe(&self, stored: &Stored) -> Result<World, Problem> {
        let question = Question {
            rendered: &self.rendered,
            inventory: &stored.inventory,
            policy: &self.policy,
            identity: &self.identity,
        };
        self.cluster.observe(question).await
    }

    /// The plan for the present state.
    pub(crate) async fn plan(&self) -> Plan {
        let stored = self.stored().await;
        let world = self.observe(&stored).await.expect("a world");
        plan(&self.rendered, &world, &stored.inventory, &self.policy).expect("a plan")
    }

    /// The plan for the present state, or why there is none.
    pub(crate) async fn try_plan(&self) -> Result<Plan, PrepareError> {
        let (identity, policy) = (&self.identity, &self.policy);
        let alone = Neighbours::default();
        prepare(&self.cluster, &self.rendered, identity, policy, &alone).await
    }

    /// Carries out a plan.
    pub(crate) async fn carry_out(&self, plan: &Plan) -> Result<Report, Problem> {
        self.carry_out_on(&self.cluster, plan).await
    }

    /// The same on the connection of another set.
    pub(crate) async fn carry_out_on(
        &self,
        cluster: &KubeCluster,
        plan: &Plan,
    ) -> Result<Report, Problem> {
        let progress = |progress: kubemate::apply::Progress<'_>| {
            if let kubemate::apply::Progress::Waits(key, health) = progress {
                self.waits
                    .lock()
                    .unwrap()
                    .push(format!("{key}: {}", health.why()));
            }
        };
        let run = Run {
            plan,
            rendered: &self.rendered,
            identity: &self.identity,
            holder: "test",
            options: self.options,
            stop: &self.stop,
            progress: &progress,
        };
        kubemate::apply::apply(cluster, run).await
    }

    /// Observes, plans and applies.
    pub(crate) async fn apply(&self) -> (Plan, Report) {
        let plan = self.plan().await;
        let report = self.carry_out(&plan).await.expect("a run");
        (plan, report)
    }

    /// The same, and everything must be done.
    pub(crate) async fn apply_all(&self) -> Plan {
        let (plan, report) = self.apply().await;
        assert!(report.complete(), "{}", told(&plan, &report));
        plan
    }

    pub(crate) async fn live(&self, key: &ObjectKey) -> Option<Live> {
        self.cluster.read(&Target::of(key)).await.expect("a read")
    }

    /// kubectl in the test's namespace.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let mut all = vec!["-n", self.namespace.as_str()];
        all.extend(args);
        bed::cluster().kubectl(&all)
    }
}

/// A Deployment of one container.
pub(crate) fn deployment(name: &str, replicas: u64) -> Value {
    json!({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":name},"spec":{
        "replicas":replicas,"selector":{"matchLabels":{"app":name}},
        "template":{"metadata":{"labels":{"app":name}},"spec":{"containers":[
            {"name":"main","image":"registry.local/app:1","ports":[{"containerPort":8080}]}]}}}})
}

/// Everything worth knowing when a test fails.
pub(crate) fn told(plan: &Plan, report: &Report) -> String {
    let findings = plan.findings.iter();
    let mut out: Vec<String> = findings
        .map(|f| format!("{}: {:?} {}", f.level.word(), f.key, f.message))
        .collect();
    for step in report.steps.values() {
        let health = step
            .health
            .as_ref()
            .map(kubemate::health::Health::why)
            .unwrap_or_default();
        out.push(format!(
            "{} {}: {} {health}",
            step.verb, step.key, step.outcome
        ));
    }
    out.extend(
        report
            .bookkeeping
            .iter()
            .map(|problem| format!("bookkeeping: {problem}")),
    );
    out.join("\n")
}

/// What became of one object.
pub(crate) fn outcome<'a>(report: &'a Report, key: &ObjectKey) -> &'a Outcome {
    let step = report.steps.values().find(|step| step.key == *key);
    &step.expect("a step for the object").outcome
}
