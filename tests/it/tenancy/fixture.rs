//! Two tenants of the example bank on a real cluster, and what it is like to be one of them.

use crate::bank::project::Bank;
use crate::bed;

use super::rows::{Row, Sent};

/// The example with the tenants `web` and `payments`; `web` is the one that tries to leave.
pub(super) struct Fixture {
    pub(super) bank: Bank,
    /// Parts of the texts of rows, and what they stand for here.
    names: Vec<(&'static str, String)>,
}

/// Somebody who asks the API server without kubemate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// The account in whose name kubemate writes the tenant's objects.
    Applier,
    /// A person with the widest role of the tenant.
    Member,
    /// An administrator of the cluster.
    Administrator,
}

/// A container and a pod that the level `restricted` admits.
const CONTAINER: &str =
    "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}";
const POD: &str = "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}";

impl Fixture {
    /// The project, not applied yet.
    pub(super) fn new() -> Self {
        let bank = Bank::of(&["payments", "web"]);
        bank.edit("platform/tenants/web.kdl", |text| {
            text.replace(
                "quota cpu=10 memory=\"32Gi\" pods=60",
                "quota cpu=10 memory=\"32Gi\" pods=60 { storage-class ssd \"1Gi\"; count services.nodeports 0 }\n  \
                 limits { max cpu=4 memory=\"4Gi\" }\n  priority-classes batch\n  queues nightly",
            )
            .replace(
                "listener http port=8000 host=\"*.web.${domain}\"",
                "listener http port=8000 host=\"*.web.${domain}\"\n    \
                 listener old port=80 host=\"old.web.${domain}\" { redirect scheme=https }",
            )
        });
        let env = bank.dev().to_owned();
        // Its namespace begins like that of `web` in this environment.
        bank.write("platform/tenants/near.kdl", &format!("tenant web-{env}\n"));
        let project = bank.name().to_owned();
        let domain = format!("dev.{project}.example");
        let names = vec![
            ("CONTAINER", CONTAINER.to_owned()),
            ("POD", POD.to_owned()),
            ("WEB", format!("web-{env}")),
            ("PAY", format!("payments-core-{env}")),
            ("PROJECT", project),
            ("DOMAIN", domain),
            ("ENV", env),
        ];
        Self { bank, names }
    }

    /// The same, with everything in the cluster, and its policies known to the API server.
    pub(super) fn applied() -> Self {
        let fixture = Self::new();
        // The example has none of these kinds.
        bed::with_crds(&["prometheus-operator"]);
        fixture.bank.apply(fixture.bank.dev());
        let probe = fixture.fill(
            "apiVersion: v1\nkind: Service\nmetadata: {name: probe, namespace: WEB}\nspec: {ports: [{port: 1}], externalIPs: [203.0.113.9]}\n",
        );
        for _ in 0..600 {
            let args = ["create", "--dry-run=server", "-f", "-"];
            if bed::cluster().try_kubectl(&args, &probe).is_err() {
                return fixture;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        panic!("the policies are never enforced");
    }

    /// A text with the names of this fixture.
    pub(super) fn fill(&self, text: &str) -> String {
        let replace = |text: String, (from, to): &(&str, String)| text.replace(from, to);
        self.names.iter().fold(text.to_owned(), replace)
    }

    /// The namespace of the tenant that tries to leave.
    pub(super) fn web(&self) -> String {
        self.fill("WEB")
    }

    /// What `validate` says about a row in the tenant's own files, and its exit code.
    pub(super) fn judged(&self, row: &Row) -> (i32, String) {
        let bank = &self.bank;
        bank.write("tenants/web/escape.kdl", &self.fill(row.kdl));
        if !row.yaml.is_empty() {
            bank.write("tenants/web/escape.yaml", &self.fill(row.yaml));
        }
        let said = bank.run(bed::cluster().kubeconfig(), &["validate"]);
        for file in ["tenants/web/escape.kdl", "tenants/web/escape.yaml"] {
            // Not every row has both.
            drop(std::fs::remove_file(bank.path(file)));
        }
        (said.code, said.all())
    }

    /// What the API server says to somebody who sends a row.
    pub(super) fn send(&self, who: &Who, sent: Sent) -> Result<String, String> {
        let mut args: Vec<String> = match who {
            Who::Administrator => Vec::new(),
            Who::Applier => [
                "--as=system:serviceaccount:WEB:kubemate-tenant",
                "--as-group=system:serviceaccounts",
                "--as-group=system:serviceaccounts:WEB",
            ]
            .map(|arg| self.fill(arg))
            .to_vec(),
            Who::Member => ["--as", "lead-web"].map(str::to_owned).to_vec(),
        };
        if *who != Who::Administrator {
            args.push("--as-group=system:authenticated".to_owned());
        }
        let object = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--validate=ignore",
            "-f",
            "-",
        ];
        let (order, input): (Vec<String>, String) = match sent {
            Sent::Object(text) | Sent::Idle(text, _) => {
                (object.map(str::to_owned).to_vec(), self.fill(text))
            }
            Sent::Order(order) => (
                order.iter().map(|arg| self.fill(arg)).collect(),
                String::new(),
            ),
        };
        args.extend(order);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        bed::cluster().try_kubectl(&args, &input)
    }

    /// Why a Deployment of the tenant's namespace has no pods.
    pub(super) fn idle(&self, name: &str) -> String {
        let web = self.web();
        let of = ["-n", web.as_str(), "get", "deployment", name, "-o"];
        let path = "jsonpath={.status.conditions[?(@.type==\"ReplicaFailure\")].message}";
        for _ in 0..600 {
            let said = bed::cluster().kubectl(&[&of[..], &[path]].concat());
            if !said.is_empty() {
                return said;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        String::new()
    }
}

/// The program's own book of pages: this repository's root.
pub(super) fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}
