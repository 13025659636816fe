//! One example of upstream beside the KDL that means the same, and the comparison of many.

use serde_json::{Value, json};

use super::normal;
use crate::bed;
use crate::bed::upstream;
use crate::language::tree;
use crate::served::rendered;

const PROJECT: &str = r#"
project golden schema=1 render=1 {
  cluster sh uid="0f8fad5b-d9cb-469f-a165-70867728950e" kubernetes="1.36"
  environment prod { cluster sh }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/shop/**" tenant=shop
  }
}
"#;

/// A manifest by its kind and name, and which of several of the same name.
pub(super) type Named = (&'static str, &'static str, usize);

/// An example and the KDL that means the same.
pub(super) struct Case {
    /// The project that it is an example of, or whose module has it.
    pub(super) project: &'static str,
    /// Files of the module.
    pub(super) files: &'static [&'static str],
    /// What stands for the words of a template.
    pub(super) words: &'static [(&'static str, &'static str)],
    /// The manifests that are reproduced.
    pub(super) same: &'static [Named],
    /// Kinds of the file that belong to others than a tenant, and who that is. Only files of YAML are
    /// looked through.
    pub(super) left: &'static [(&'static str, &'static str)],
    /// Names that follow our conventions: kind, where it stands, what it is with us.
    pub(super) names: &'static [(&'static str, &'static str, &'static str)],
    /// What upstream says and KDL does not: kind, where it stands, why nothing is lost.
    pub(super) unsaid: &'static [(&'static str, &'static str, &'static str)],
    /// The platform's files.
    pub(super) platform: &'static str,
    /// Apps that the tenant has beside its file, with their port.
    pub(super) apps: &'static [(&'static str, u16)],
    /// The tenant's file.
    pub(super) kdl: &'static str,
}

impl Case {
    /// A case in which nothing is said yet.
    pub(super) const NEW: Self = Self {
        project: "",
        files: &[],
        words: &[],
        same: &[],
        left: &[],
        names: &[],
        unsaid: &[],
        platform: "tenant shop",
        apps: &[],
        kdl: "",
    };

    /// The manifests that are reproduced, as upstream wrote them.
    fn theirs(&self) -> Vec<Value> {
        let mut out = Vec::new();
        for file in self.files {
            let all = upstream::objects(self.project, file, self.words);
            assert!(!all.is_empty(), "{file} has no manifests");
            if file.ends_with(".yaml") || file.ends_with(".yml") {
                all.iter().for_each(|object| self.considered(file, object));
            }
            out.extend(all);
        }
        let named = |object: &Value, kind: &str, name: &str| {
            object["kind"] == kind && object["metadata"]["name"] == name
        };
        let pick = |(kind, name, index): &Named| {
            let mut found = out.iter().filter(|object| named(object, kind, name));
            let one = found.nth(*index);
            one.cloned()
                .unwrap_or_else(|| panic!("{:?} have no {kind} {name}", self.files))
        };
        self.same.iter().map(pick).collect()
    }

    /// Nothing of a file is passed over in silence.
    fn considered(&self, file: &str, object: &Value) {
        let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
        let same = self.same.iter().any(|(k, n, _)| kind == k && name == n);
        let left = self.left.iter().any(|(k, _)| kind == k);
        assert!(
            same || left,
            "{file}: {kind} {name} is neither reproduced nor left to somebody"
        );
    }

    /// All that the KDL becomes.
    fn ours(&self) -> Vec<Value> {
        let app = |(name, port): &(&str, u16)| {
            format!(
                "app {name} tenant=shop {{ image \"r/{name}\"; version \"1\"; port http {port} }}\n"
            )
        };
        let apps: String = self.apps.iter().map(app).collect();
        let tree = tree(&[
            ("kubemate.kdl", PROJECT),
            ("platform/all.kdl", self.platform),
            ("tenants/shop/all.kdl", self.kdl),
            ("tenants/shop/apps.kdl", apps.as_str()),
        ]);
        rendered(&tree, "prod", "sh")
    }
}

/// Both sides of one manifest.
struct Pair {
    what: String,
    case: &'static Case,
    theirs: Value,
    ours: Value,
}

/// Reproduces all cases and compares them as the API server reads them; says how many manifests that
/// were.
pub(super) async fn reproduced(groups: &[&str], cases: &'static [Case]) -> usize {
    let cluster = bed::with_crds(groups);
    let namespace = cluster.unique_namespace().await;
    let mut pairs: Vec<Pair> = Vec::new();
    for case in cases {
        let all = case.ours();
        for theirs in case.theirs() {
            let theirs = normal::theirs(theirs, case, &namespace);
            let (kind, name) = (&theirs["kind"], &theirs["metadata"]["name"]);
            let ours = all
                .iter()
                .find(|o| o["kind"] == *kind && o["metadata"]["name"] == *name);
            let Some(ours) = ours else {
                panic!("{:?}: no {kind} {name} is rendered", case.files)
            };
            let ours = normal::ours(ours, &all, &namespace, &theirs);
            let what = format!("{} {kind} {name}", case.files[0]);
            pairs.push(Pair {
                what,
                case,
                theirs,
                ours,
            });
        }
    }
    let read = |side: fn(&Pair) -> &Value| answered(&pairs, side);
    let (theirs, ours) = (read(|pair| &pair.theirs), read(|pair| &pair.ours));
    let mut wrong = Vec::new();
    for (pair, (theirs, ours)) in pairs.iter().zip(theirs.into_iter().zip(ours)) {
        let found = normal::differences(pair.case, theirs, ours);
        wrong.extend(
            found
                .into_iter()
                .map(|difference| format!("{}: {difference}", pair.what)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    pairs.len()
}

/// One side as the API server would store it.
fn answered(pairs: &[Pair], side: fn(&Pair) -> &Value) -> Vec<Value> {
    let items: Vec<&Value> = pairs.iter().map(side).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    let arguments = [
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-o",
        "json",
        "-f",
        "-",
    ];
    let said = bed::cluster().kubectl_with(&arguments, &list.to_string());
    let read: Value = serde_json::from_str(&said).expect("kubectl answers with JSON");
    let items = read["items"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![read]);
    assert_eq!(items.len(), pairs.len());
    items
}
