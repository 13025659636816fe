//! The projects of the examples: files of which some are under test, judged and rendered in memory.

use std::ops::Range;
use std::path::Path;

use kubemate::dsl::diagnostic::Diagnostic;
use kubemate::source::SourceTree;

use super::Objects;
use super::places::{Place, edited, places};
use crate::engine::written::{Written, placeless, written};
use crate::language::tree;

const PROJECT: &str = r#"
project bank schema=1 render=1 {
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
const PLATFORM: [&str; 11] = [
    "tenant",
    "role",
    "secret-store",
    "approval",
    "freeze",
    "change-window",
    "registry",
    "image-policy",
    "component",
    "storage-class",
    "persistent-volume",
];
const OWN: [&str; 2] = ["secret", "certificate"];
const FOR_APPS: &str = r#"
tenant payments {
  namespace core
  namespace batch
  gateway public class=traefik { listener open port=8080 host="*.${domain}" }
}
tenant identity
storage-class fast external=#true
storage-class ssd external=#true
secret-store vault server="https://vault.bank" { allow tenant=payments "kv/payments/*" }
"#;
const SECRETS: &str = r#"
secret checkout-db tenant=payments from="vault:kv/payments/checkout" { keys username password }
secret other-db tenant=payments from="vault:kv/payments/other" { keys username password }
"#;
const FOR_ROUTES: &str = r#"
tenant payments {
  namespace core
  gateway public class=traefik {
    listener https port=443 host="*.${domain}" certificate=pay-wildcard
    listener http port=80 { redirect scheme=https }
  }
  gateway plain class=envoy { listener web port=8081 host="*.${domain}" }
  gateway raw class=traefik-raw {
    listener tls port=8443 protocol=tls
    listener bytes port=5432 protocol=tcp
  }
}
"#;
const VENDOR: &str = r"
apiVersion: v1
kind: ServiceAccount
metadata: {name: traefik, namespace: kube-public}
";

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
}

fn example(kind: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kinds");
    std::fs::read_to_string(root.join(format!("{kind}.kdl"))).expect("an example")
}

impl Project {
    /// The examples with names that nothing else in the cluster has.
    pub(super) fn new(which: Which, unique: &str) -> Self {
        let joined = |kinds: &[&str]| kinds.iter().map(|kind| example(kind)).collect::<String>();
        let own = "tenants/payments/all.kdl".to_owned();
        let platform = "platform/all.kdl".to_owned();
        let beside = |files: &[(&str, &str)]| {
            let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
            files.iter().map(owned).collect()
        };
        let (texts, beside): (Vec<_>, Vec<_>) = match which {
            Which::Platform => (
                vec![(platform, joined(&PLATFORM)), (own, joined(&OWN))],
                Vec::new(),
            ),
            Which::Apps => (
                vec![(own, example("app"))],
                beside(&[
                    ("platform/tenants.kdl", FOR_APPS),
                    ("tenants/payments/secrets.kdl", SECRETS),
                    ("tenants/payments/files/checkout.toml", "listen = 1\n"),
                    ("tenants/payments/files/other.toml", "listen = 2\n"),
                ]),
            ),
            Which::Routes => (
                vec![(own, example("route"))],
                beside(&[("platform/tenants.kdl", FOR_ROUTES)]),
            ),
            Which::Manifests => (
                vec![(platform, example("manifests"))],
                beside(&[
                    ("platform/vendor/traefik/a.yaml", VENDOR),
                    (
                        "platform/vendor/other/a.yaml",
                        &VENDOR.replace("traefik", "other"),
                    ),
                ]),
            ),
        };
        let mut all = Self { texts, beside };
        all.beside.push(("kubemate.kdl".into(), PROJECT.into()));
        all.rename(unique);
        all
    }

    fn rename(&mut self, unique: &str) {
        let own = |text: &str| {
            let mut text = text
                .replace("payments", &format!("{unique}p"))
                .replace("identity", &format!("{unique}i"))
                .replace("shared-secrets", "kube-public")
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
