//! A controller behind a proxy that breaks what it is told to, and what is judged after each case, from
//! the proxy's record, the cluster and what the process left, never from what it says of itself: whose
//! identity a write carried (I1), that only what an inventory had was deleted, by its UID (I2), that it
//! comes to rest as Git says (I3, I7), that nothing is forgotten (I4), that no credential is told (I5),
//! and that it lives (I6).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kubemate::object::{Owner, SetId};
use serde_json::Value;

use super::{Bed, Controller, GOOD, PATIENCE, is};
use crate::bed::proxy::{Call, Proxy};
use crate::engine_cases::oracles;

/// Kinds that the sets of these projects hold.
const KINDS: &str = "deployments,services,configmaps,serviceaccounts,roles,rolebindings,\
                     networkpolicies,resourcequotas,limitranges,poddisruptionbudgets";
/// ConfigMaps of every commit.
const CONFIGS: u32 = 12;
/// For how long it must be quiet: several intervals of one second.
const QUIET: Duration = Duration::from_secs(4);

/// What a commit of the number `n` holds: an app in its version, some ConfigMaps, and one more in those
/// with even numbers.
pub(super) fn files(bed: &Bed, n: u32) -> Vec<(&'static str, String)> {
    let name = &bed.name;
    let mut files = bed.files(&GOOD.replace("1.0.0", &format!("1.0.{n}")), "");
    let config = |(name_of, value): (&String, &String)| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name_of}, namespace: {name}}}\n\
             data: {{n: \"{value}\"}}\n---\n"
        )
    };
    let manifests =
        format!("manifests own tenant={name} {{\n  from \"files/*.yaml\"\n  kinds ConfigMap\n}}\n");
    files.push(("tenants/shop/own.kdl", manifests));
    let all: String = configs(n).iter().map(config).collect();
    files.push(("tenants/shop/files/all.yaml", all));
    files
}

/// The ConfigMaps of the commit of this number, and what is in them.
fn configs(n: u32) -> BTreeMap<String, String> {
    let named = (0..CONFIGS).map(|k| format!("k{k}"));
    let sometimes = n.is_multiple_of(2).then(|| "sometimes".to_owned());
    let all = named.chain(sometimes);
    all.map(|name| (name, n.to_string())).collect()
}

/// A controller with everything around it.
pub(super) struct Faulty {
    // It ends first.
    pub(super) controller: Controller,
    pub(super) proxy: Proxy,
    pub(super) bed: Bed,
    /// What it is started with besides.
    more: Vec<String>,
    /// What must show nowhere.
    pub(super) canaries: Vec<String>,
}

impl Faulty {
    /// A Sync in the mode `auto`, and a controller whose log and credentials hold nothing yet.
    pub(super) fn new(repository: &'static str) -> Self {
        Self::of(Bed::new(repository), Vec::new())
    }

    /// The same for a bed that is furnished, with more arguments. The name stays the same, so that who
    /// comes after a kill need not wait for Leases.
    pub(super) fn of(bed: Bed, mut more: Vec<String>) -> Self {
        let proxy = Proxy::before(bed.cluster.kubeconfig());
        more.extend(["--name".to_owned(), format!("one-{}", bed.name)]);
        Self {
            controller: begin(&bed, &proxy, &more),
            proxy,
            bed,
            more,
            canaries: Vec::new(),
        }
    }

    /// Kills it and starts another one.
    pub(super) fn restart(&mut self) {
        self.controller.kill();
        self.begin();
    }

    /// Starts another one.
    pub(super) fn begin(&mut self) {
        self.controller = begin(&self.bed, &self.proxy, &self.more);
    }

    /// Pushes the commit of this number.
    pub(super) fn push(&self, n: u32) -> String {
        self.bed.commit_files(files(&self.bed, n))
    }

    /// Waits until a commit is applied, and checks that it is: what the status says is what is live.
    pub(super) fn applied(&self, commit: &str, n: u32) {
        self.bed.until(&format!("{n} applied"), |s| {
            s["lastApplied"] == commit && is(s, "Ready", "True") && is(s, "Healthy", "True")
        });
        assert_eq!(self.live(), (format!("1.0.{n}"), configs(n)));
    }

    /// Waits until a commit is applied and live, where somebody else who leads too may be behind: what one wrote
    /// last, the other may take back, and the first one mends.
    pub(super) fn comes_to(&self, commit: &str, n: u32) {
        let wanted = (format!("1.0.{n}"), configs(n));
        self.bed.until(&format!("{n} applied by all"), |s| {
            s["lastApplied"] == commit && is(s, "Ready", "True") && self.live() == wanted
        });
    }

    /// The version of the app and the ConfigMaps that are live.
    fn live(&self) -> (String, BTreeMap<String, String>) {
        let label = format!("kubemate.dev/set={}", self.sets()[1].label());
        let args = ["get", "deploy,cm", "-A", "-o", "json", "-l", &label];
        let list: Value = serde_json::from_str(&self.bed.cluster.kubectl(&args)).unwrap();
        let (mut version, mut configs) = (String::new(), BTreeMap::new());
        for item in list["items"].as_array().unwrap() {
            let name = item["metadata"]["name"].as_str().unwrap();
            let image = item.pointer("/spec/template/spec/containers/0/image");
            if let Some(image) = image.and_then(Value::as_str) {
                image.rsplit(':').next().unwrap().clone_into(&mut version);
            } else if let Some(value) = item["data"]["n"].as_str() {
                configs.insert(name.to_owned(), value.to_owned());
            }
        }
        (version, configs)
    }

    /// The platform's set and the tenant's.
    pub(super) fn sets(&self) -> [SetId; 2] {
        let owners = [Owner::Platform, Owner::Tenant(self.bed.name.clone())];
        owners.map(|owner| SetId {
            project: self.bed.name.clone(),
            cluster: "here".into(),
            owner,
            environment: "dev".into(),
        })
    }

    /// Changes an object by hand, and waits until that is undone; how long it took.
    pub(super) fn drift(&self) -> Duration {
        let name = &self.bed.name;
        let patch = [
            "patch",
            "cm",
            "k3",
            "-n",
            name,
            "-p",
            r#"{"data":{"n":"no"}}"#,
        ];
        let before = self.bed.value("k3");
        self.bed.cluster.kubectl(&patch);
        let began = Instant::now();
        while self.bed.value("k3") != before {
            let status = || self.bed.status();
            let late = began.elapsed() > PATIENCE;
            assert!(!late, "the drift stays: {:#}", status());
            std::thread::sleep(Duration::from_millis(50));
        }
        began.elapsed()
    }

    /// Ends the faults and judges everything since the start: the commit of this number is in force.
    pub(super) fn judge(&mut self, commit: &str, n: u32) {
        self.judge_with(&[], (commit, n));
    }

    /// The same where others wrote to the same cluster through proxies of their own.
    pub(super) fn judge_with(&mut self, others: &[&Proxy], (commit, n): (&str, u32)) {
        let proxies: Vec<&Proxy> = std::iter::once(&self.proxy)
            .chain(others.iter().copied())
            .collect();
        self.proxy.heal();
        match others {
            [] => self.applied(commit, n),
            _ => self.comes_to(commit, n),
        }
        self.rests(&proxies);
        self.applied(commit, n);
        judge_calls(&self.sets(), &proxies);
        oracles::nothing_lost(&self.sets(), |set| self.marked(set));
        assert!(self.controller.lives());
        self.nothing_told();
        let name = self.bed.name.as_str();
        let delete = ["delete", "sync", name, "-n", "kubemate-system"];
        self.bed.cluster.kubectl(&delete);
    }

    /// I3: nothing is written any more but Leases.
    fn rests(&self, proxies: &[&Proxy]) {
        let began = Instant::now();
        loop {
            let seen: Vec<usize> = proxies.iter().map(|p| p.writes().len()).collect();
            std::thread::sleep(QUIET);
            let all = proxies.iter().zip(seen);
            let loud = all.flat_map(|(proxy, seen)| proxy.writes().into_iter().skip(seen));
            let loud: Vec<String> = loud
                .filter(|call| call.target.resource != "leases")
                .map(|call| format!("{} {}", call.method, call.path))
                .collect();
            if loud.is_empty() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it does not rest: {loud:#?}");
        }
    }

    /// UIDs of everything live that bears the mark of a set.
    fn marked(&self, set: &SetId) -> BTreeMap<String, String> {
        let label = format!("kubemate.dev/set={}", set.label());
        let mut all = BTreeMap::new();
        for kinds in [&[KINDS, "-A"][..], &["namespaces"]] {
            let args = [&["get"], kinds, &["-o", "json", "-l", &label]].concat();
            let list: Value = serde_json::from_str(&self.bed.cluster.kubectl(&args)).unwrap();
            for item in list["items"].as_array().unwrap() {
                let text = |at: &str| item.pointer(at).and_then(Value::as_str).unwrap();
                let named = format!("{} {}", text("/kind"), text("/metadata/name"));
                all.insert(text("/metadata/uid").to_owned(), named);
            }
        }
        assert!(!all.is_empty(), "nothing is live of {set}");
        all
    }

    /// I5, and that nothing crashed.
    fn nothing_told(&self) {
        let log = std::fs::read_to_string(self.bed.directory.path().join("log")).unwrap();
        assert!(!log.contains("panicked"), "{log}");
        let events = ["get", "events", "-n", "kubemate-system", "-o", "json"];
        let said = self.bed.cluster.kubectl(&events) + &self.bed.status().to_string() + &log;
        for canary in &self.canaries {
            assert!(!said.contains(canary.as_str()), "a credential is told");
        }
    }
}

fn begin(bed: &Bed, proxy: &Proxy, more: &[String]) -> Controller {
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    Controller::start_with(proxy.kubeconfig(), &bed.host.address, bed, &more)
}

/// I1 and I2 for everything that was written, in the order in which it was.
fn judge_calls(sets: &[SetId], proxies: &[&Proxy]) {
    let mut calls: Vec<Call> = proxies.iter().flat_map(|proxy| proxy.writes()).collect();
    calls.sort_by_key(|call| call.at);
    assert!(!calls.is_empty());
    let mut books: Vec<(SetId, String)> = Vec::new();
    for call in calls {
        let body = call.json();
        let of = body["metadata"]["annotations"]["kubemate.dev/set"].as_str();
        let of = sets.iter().find(|set| of == Some(set.to_string().as_str()));
        if let Some(set) = of.filter(|_| call.target.resource == "configmaps") {
            let page = String::from_utf8_lossy(&call.body).into_owned();
            books.push((set.clone(), page));
        }
        oracles::judge_write(sets, &call, |uid| {
            let page = books.iter().rev().find(|(_, page)| page.contains(uid));
            page.map(|(set, _)| set.clone())
        });
    }
}
