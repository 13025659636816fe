//! Apps: what is refused and how it is said, and what they become.

mod documents;
mod refused;
mod rendered;

use serde_json::Value;

use crate::dsl::codes;
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics};
use crate::kinds::scope::Scope;
use crate::kinds::{NAMES, Objects};
use crate::model::compile::{self, Judged};
use crate::model::job::Want;
use crate::model::layout::Layout;
use crate::model::platform;
use crate::object::{Desired, Owner, SetId};
use crate::render::objects::{self, Context};
use crate::source::{RepoPath, SourceFile, SourceTree};

const PROJECT: &str = r#"project bank schema=1 render=1 {
  cluster hq-dev uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11" kubernetes="1.34"
  cluster sh-a uid="0f8fad5b-d9cb-469f-a165-70867728950e" kubernetes="1.29"
  environment dev { cluster hq-dev; let domain="dev.pay.bank" }
  environment prod { cluster sh-a; let domain="pay.bank" }
  let registry="harbor.bank/payments"
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/payments/**" tenant=payments
  }
}
"#;
const TENANT: &str = r#"tenant payments { priority-classes high
  owner "payments@bank"
  namespace core
  namespace batch
  gateway public class=traefik { listener open port=8080 host="*.${domain}" }
}
storage-class fast external=#true
storage-class ssd external=#true
secret-store vault server="https://vault.bank" { allow tenant=payments "kv/payments/*" }
approval prod-change { approver group=change-board }
approval prod { approver group=change-board }
tenant identity { owner "identity@bank" }
"#;
const SECRET: &str = r#"
secret checkout-db tenant=payments from="vault:kv/payments/checkout" { keys username password }
"#;
const TOML: &str = "listen = \":9000\"\nname = \"${not replaced}\"\n";

fn tree(files: &[(&str, &str)]) -> SourceTree {
    let standing = [
        ("kubemate.kdl", PROJECT),
        ("platform/tenants/payments.kdl", TENANT),
        ("tenants/payments/files/checkout.toml", TOML),
    ];
    let file = |(path, text): &(&str, &str)| {
        SourceFile::from_bytes(RepoPath::new(path).unwrap(), text.as_bytes().to_vec())
    };
    SourceTree::new(standing.iter().chain(files).map(file).collect()).unwrap()
}

/// One owner's files as judged; the tree's other files are those above.
fn judged(owner: &Owner, files: &[(&str, &str)]) -> Judged {
    let tree = tree(files);
    let first = compile::judge(&platform::project_job(&tree).unwrap()).outcome;
    let found = platform::project_of(&first).unwrap();
    let layout = Layout::of(&found.project);
    let base = platform::platform_job(&tree, &layout, Want::Check);
    let judged = compile::judge(&base);
    if *owner == Owner::Platform {
        return judged;
    }
    let jobs = platform::tenant_jobs(&tree, &layout, &judged.outcome.parsed, &Want::Check);
    let job = jobs.iter().find(|job| job.owner == *owner).unwrap();
    compile::judge(job)
}

fn payments() -> Owner {
    Owner::Tenant("payments".to_owned())
}

/// What is said about a text of the tenant, one line for each problem.
fn said(text: &str) -> Vec<String> {
    let path = "tenants/payments/app.kdl";
    lines(&judged(&payments(), &[(path, text)]).outcome.diagnostics)
}

fn lines(diagnostics: &Diagnostics) -> Vec<String> {
    // A reference to a kind that this program does not have cannot be told from a mistake.
    let ours = |d: &&Diagnostic| match d.code {
        codes::UNKNOWN_KIND => false,
        codes::DANGLING => {
            let mut kinds = NAMES.iter().chain(&["namespace"]);
            kinds.any(|kind| d.message.contains(&format!(" {kind} `")))
        }
        _ => true,
    };
    let shown = diagnostics.iter().filter(ours);
    shown
        .map(|d| {
            let environments = match d.environments.join(" ") {
                some if some.is_empty() => some,
                some => format!(" [{some}]"),
            };
            let help: Vec<&str> = d.help.iter().map(String::as_str).collect();
            format!(
                "{}{environments} {} | {}",
                d.code,
                d.message,
                help.join(" ")
            )
        })
        .collect()
}

/// The objects of all resources of an owner in an environment.
fn objects(owner: &Owner, files: &[(&str, &str)], environment: &str) -> Vec<Desired> {
    let judged = judged(owner, files);
    assert_eq!(lines(&judged.outcome.diagnostics), Vec::<String>::new());
    let found = judged.project.unwrap();
    let is = |(target, _): &&(Target, _)| target.environment == environment;
    let (target, world) = judged.worlds.iter().find(is).unwrap();
    let mut all = Vec::new();
    for id in judged.own.iter().filter(|id| id.kind == "app") {
        let member = &world.resources[id];
        let scope = Scope {
            project: &found.project,
            target,
            id,
            world,
        };
        let mut asked = Objects::default();
        member.resource.render(&scope, &mut asked);
        assert_eq!(asked.problems, []);
        let set = SetId {
            project: "bank".to_owned(),
            cluster: target.cluster.clone(),
            owner: payments(),
            environment: environment.to_owned(),
        };
        let context = Context {
            id,
            node: &member.node,
            set: &set,
            trace: true,
        };
        for request in &asked.requests {
            all.extend(objects::render(request, context).unwrap());
        }
    }
    all
}

/// The object of a kind and name among several.
fn find<'a>(all: &'a [Desired], kind: &str, name: &str) -> &'a Desired {
    let is = |d: &&Desired| d.manifest.key.group_kind.kind == kind && d.manifest.key.name == name;
    let names: Vec<String> = all.iter().map(|d| d.manifest.key.to_string()).collect();
    all.iter()
        .find(is)
        .unwrap_or_else(|| panic!("no {kind}/{name} among {names:?}"))
}

fn field<'a>(desired: &'a Desired, pointer: &str) -> &'a Value {
    desired.manifest.field(pointer).unwrap_or(&Value::Null)
}
