//! The projects of the examples: files of which some are under test, judged and rendered in memory.

use std::ops::Range;
use std::path::{Path, PathBuf};

use kubemate::dsl::diagnostic::Diagnostic;
use kubemate::dsl::schema::Home;
use kubemate::kinds;
use kubemate::source::SourceTree;

use super::Objects;
use super::places::{Place, edited, places};
use crate::bank::project::node_port;
use crate::effort;
use crate::engine::written::{Written, placeless, written};
use crate::language::tree;

const PROJECT: &str = r#"
project bank-qqq schema=1 render=1 {
  cluster sh uid="0f8fad5b-d9cb-469f-a165-70867728950e" kubernetes="1.36"
  cluster hq uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11" kubernetes="1.36"
  environment dev { cluster hq; let domain="dev.pay.bank" }
  environment prod { cluster sh; let domain="pay.bank" }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/payments/**" tenant=payments
    path "tenants/identity/**" tenant=identity
  }
}
"#;
const FOR_APPS: &str = r#"
tenant payments {
  namespace core
  namespace batch
  namespace node pod-security=privileged
  gateway public class=traefik { listener open port=8080 host="*.${domain}" }
  priority-classes high low
}
tenant identity
storage-class fast external=#true
storage-class ssd external=#true
secret-store vault server="https://vault.bank" { allow tenant=payments "kv/payments/*" }
"#;
const SECRETS: &str = r#"
secret checkout-db tenant=payments from="vault:kv/payments/checkout" { keys username password }
secret other-db tenant=payments from="vault:kv/payments/other" { keys username password }
secret harbor-pull tenant=payments from="vault:kv/payments/harbor" type=registry {
  keys ".dockerconfigjson"
}
"#;
const FOR_ROUTES: &str = r#"
tenant payments {
  namespace core
  gateway public class=traefik {
    listener https port=443 host="*.${domain}" certificate=pay-wildcard
    listener http port=80 { redirect scheme=https }
  }
  gateway plain class=envoy {
    listener web port=8081 host="*.${domain}"
    listener other port=8082 host="*.${domain}"
  }
  gateway raw class=traefik-raw {
    listener tls port=8443 protocol=tls
    listener bytes port=5432 protocol=tcp
  }
}
"#;
const FOR_MANIFESTS: &str = r"
tenant payments
tenant identity
";
const OWNED: &str = r"
apiVersion: v1
kind: ConfigMap
metadata: {name: own, namespace: payments}
data: {a: b}
";
const VENDOR: &str = r"
apiVersion: v1
kind: ServiceAccount
metadata: {name: traefik, namespace: kube-public}
";

/// Stands in files for the part of names that nothing else in a cluster has.
const ANYBODY: &str = "qqq";

/// Whether this run may take long: it writes the files anew, or it is told how hard to try.
pub(super) fn takes_time() -> bool {
    effort::is_long() || std::env::var_os("KUBEMATE_BLESS").is_some()
}

/// Which examples stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Everything but apps, routes and manifests.
    Platform,
    Apps,
    Routes,
    Manifests,
}

impl Which {
    pub(super) const ALL: [Self; 4] = [Self::Platform, Self::Apps, Self::Routes, Self::Manifests];

    /// The files in which the texts under test are kept, one for each.
    fn files(self, count: usize) -> Vec<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/reach");
        let name = format!("{self:?}").to_lowercase();
        (0..count)
            .map(|at| root.join(format!("{name}-{at}.kdl")))
            .collect()
    }

    /// The files hold these texts; with `KUBEMATE_BLESS` they are written.
    pub(super) fn agrees(self, project: &Project) {
        for (file, (_, text)) in self.files(project.texts.len()).iter().zip(&project.texts) {
            if std::env::var_os("KUBEMATE_BLESS").is_some() {
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, text).unwrap();
            }
            let kept = std::fs::read_to_string(file).unwrap();
            assert!(kept == *text, "{} is not up to date", file.display());
        }
    }
}

/// A part of a file under test that is to be written otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edit {
    pub(super) file: usize,
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

/// Files under test, and what they need beside them.
#[derive(Clone)]
pub(super) struct Project {
    pub(super) texts: Vec<(String, String)>,
    beside: Vec<(String, String)>,
    /// What makes its names its own.
    unique: String,
}

/// Kinds whose examples stand together in one project, of the platform or of a tenant.
pub(crate) fn together(home: Home) -> Vec<&'static str> {
    let apart = ["app", "route", "manifests"];
    let all = kinds::NAMES
        .iter()
        .copied()
        .filter(|kind| !apart.contains(kind));
    all.filter(|kind| kinds::schema(kind).unwrap().home == home)
        .collect()
}

fn example(kind: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kinds");
    std::fs::read_to_string(root.join(format!("{kind}.kdl"))).expect("an example")
}

fn with_tenants(text: &str, unique: &str) -> String {
    text.replace("payments", &format!("{unique}p"))
        .replace("identity", &format!("{unique}i"))
}

/// What the examples lack, beside the files that hold everything.
fn more(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/reach/more");
    std::fs::read_to_string(root.join(format!("{name}.kdl"))).expect("a file")
}

impl Project {
    /// What is kept in files.
    pub(super) fn stored(which: Which) -> Self {
        let mut project = Self::new(which);
        let files = which.files(project.texts.len());
        for ((_, text), file) in project.texts.iter_mut().zip(files) {
            let kept = std::fs::read_to_string(&file);
            *text = kept.unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        }
        project
    }

    /// The same with names that nothing else in the cluster has.
    pub(super) fn named(mut self, unique: &str) -> Self {
        // The other value of a port is the one behind it.
        let (port, _other) = (node_port().to_string(), node_port());
        for (path, text) in self.texts.iter_mut().chain(&mut self.beside) {
            *path = path.replace(ANYBODY, unique);
            *text = text.replace(ANYBODY, unique).replace("31080", &port);
        }
        unique.clone_into(&mut self.unique);
        self
    }

    /// A value that may name one of the tenants, with the name that this one has here.
    pub(super) fn own(&self, value: &str) -> String {
        with_tenants(value, &self.unique)
    }

    /// The examples.
    pub(super) fn new(which: Which) -> Self {
        // What is encrypted is opened with a key, which this test has not: `sops::` has.
        let open = |line: &&str| !line.contains("sops=");
        let joined = |home| -> String {
            let all: String = together(home).into_iter().map(example).collect();
            all.split_inclusive('\n').filter(open).collect()
        };
        let own = "tenants/payments/all.kdl".to_owned();
        let platform = "platform/all.kdl".to_owned();
        let beside = |files: &[(&str, &str)]| {
            let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
            files.iter().map(owned).collect()
        };
        let (texts, beside): (Vec<_>, Vec<_>) = match which {
            Which::Platform => (
                vec![
                    (platform, joined(Home::Platform) + &more("platform")),
                    (own, joined(Home::Tenant)),
                ],
                Vec::new(),
            ),
            Which::Apps => (
                vec![
                    (own, example("app") + &more("apps")),
                    (platform, more("agents")),
                ],
                beside(&[
                    ("platform/tenants.kdl", FOR_APPS),
                    ("tenants/payments/secrets.kdl", SECRETS),
                    ("tenants/payments/files/checkout.toml", "listen = 1\n"),
                    ("tenants/payments/files/other.toml", "listen = 2\n"),
                ]),
            ),
            Which::Routes => (
                vec![(own, example("route") + &more("routes"))],
                beside(&[("platform/tenants.kdl", FOR_ROUTES)]),
            ),
            Which::Manifests => (
                vec![(platform, example("manifests")), (own, more("vendor"))],
                beside(&[
                    ("platform/tenants.kdl", FOR_MANIFESTS),
                    ("tenants/payments/vendor/a.yaml", OWNED),
                    ("platform/vendor/traefik/a.yaml", VENDOR),
                    (
                        "platform/vendor/other/a.yaml",
                        &VENDOR.replace("traefik", "other"),
                    ),
                ]),
            ),
        };
        let mut all = Self {
            texts,
            beside,
            unique: ANYBODY.into(),
        };
        all.beside.push(("kubemate.kdl".into(), PROJECT.into()));
        all.rename(ANYBODY);
        all
    }

    fn rename(&mut self, unique: &str) {
        let own = |text: &str| {
            let mut text = with_tenants(text, unique)
                .replace("shared-secrets", "kube-public")
                .replace("30080", "31080")
                .replace("name: traefik,", &format!("name: {unique}-traefik,"))
                .replace("name: other,", &format!("name: {unique}-other,"));
            for class in ["fast ", "image ", "shared "] {
                let (old, new) = (format!("storage-class {class}provisioner"), "provisioner");
                text = text.replace(&old, &format!("storage-class {unique}-{class}{new}"));
            }
            for volume in ["archive ", "ledger ", "scratch "] {
                let old = format!("persistent-volume {volume}");
                text = text.replace(&old, &format!("persistent-volume {unique}-{volume}"));
            }
            text
        };
        for (path, text) in self.texts.iter_mut().chain(&mut self.beside) {
            *path = own(path);
            *text = own(text);
        }
    }

    /// The places of all fields, each with the file it stands in.
    pub(super) fn places(&self) -> Vec<(usize, Place)> {
        let files = self.texts.iter().enumerate();
        let all =
            files.flat_map(|(file, (_, text))| places(text).into_iter().map(move |p| (file, p)));
        all.collect()
    }

    /// The same with parts written otherwise.
    pub(super) fn with(&self, edits: &[Edit]) -> Self {
        let mut all = self.clone();
        for (file, (_, text)) in all.texts.iter_mut().enumerate() {
            let here = edits.iter().filter(|edit| edit.file == file);
            let here: Vec<_> = here
                .map(|edit| (edit.range.clone(), edit.with.clone()))
                .collect();
            *text = edited(text, &here);
        }
        all
    }

    pub(super) fn tree(&self) -> SourceTree {
        let files = self.texts.iter().chain(&self.beside);
        let files: Vec<(&str, &str)> = files.map(|(p, t)| (p.as_str(), t.as_str())).collect();
        tree(&files)
    }

    /// What it renders to, or every error.
    pub(super) fn rendered(&self) -> Result<Objects, Vec<Diagnostic>> {
        told(written(&self.tree(), "prod", "sh"))
    }

    /// The same without places.
    pub(super) fn placeless(&self) -> Result<Objects, Vec<Diagnostic>> {
        told(placeless(&self.tree(), "prod", "sh"))
    }
}

fn told(written: Written) -> Result<Objects, Vec<Diagnostic>> {
    if written.errors.is_empty() {
        Ok(written.objects)
    } else {
        Err(written.errors)
    }
}
