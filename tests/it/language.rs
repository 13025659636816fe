//! The language end to end, without processes: a tree in, diagnostics out.

use kubemate::dsl::diagnostic::Diagnostics;
use kubemate::model::job::{Job, Outcome, Want};
use kubemate::model::layout::Layout;
use kubemate::model::{compile, platform};
use kubemate::source::{RepoPath, SourceFile, SourceTree};

/// A tree from paths and texts.
pub(crate) fn tree(files: &[(&str, &str)]) -> SourceTree {
    let file = |(path, text): &(&str, &str)| {
        SourceFile::from_bytes(RepoPath::new(path).unwrap(), text.as_bytes().to_vec())
    };
    SourceTree::new(files.iter().map(file).collect()).unwrap()
}

/// Judges a whole tree in this process.
pub(crate) fn judge(tree: &SourceTree) -> Diagnostics {
    let run = |job: &Job| -> Outcome { compile::judge(job).outcome };
    let mut out = Diagnostics::default();
    let first = match platform::project_job(tree) {
        Ok(job) => run(&job),
        Err(problem) => {
            out.push(problem);
            return out.finish();
        }
    };
    let Some(found) = platform::project_of(&first) else {
        out.append(first.diagnostics);
        return out.finish();
    };
    let layout = Layout::of(&found.project);
    out.append(platform::judge_tree(tree, &found, &layout));
    let base = run(&platform::platform_job(tree, &layout, Want::Check));
    let tenants: Vec<Outcome> = platform::tenant_jobs(tree, &layout, &base.parsed, &Want::Check)
        .iter()
        .map(run)
        .collect();
    let mut all: Vec<&Outcome> = vec![&base];
    all.extend(&tenants);
    out.append(platform::conclude(&all));
    for outcome in all {
        out.append(outcome.diagnostics.clone());
    }
    out.finish()
}

const PROJECT: &str = r#"
project bank schema=1 {
  cluster hq uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  environment dev { cluster hq }
}
"#;

#[test]
fn a_sound_project_has_no_diagnostics() {
    let store = r#"secret-store vault server="https://vault.bank" { allow tenant=a "kv/a/*" }"#;
    let all = judge(&tree(&[("kubemate.kdl", PROJECT), ("stores.kdl", store)]));
    let texts: Vec<_> = all
        .iter()
        .map(|d| format!("{} {}", d.code, d.message))
        .collect();
    assert_eq!(texts, ["KM0405 there is no tenant `a`"]);
}

#[test]
fn mistakes_are_found_where_they_are() {
    let text =
        "secret-store vault sever=\"https://vault.bank\" provider=valut {\n  alow tenant=a\n}\n";
    let all = judge(&tree(&[("kubemate.kdl", PROJECT), ("stores.kdl", text)]));
    let texts: Vec<_> = all
        .iter()
        .map(|d| {
            let at = d.primary.as_ref().unwrap().span;
            format!("{} {} @ {}", d.code, d.message, &text[at.range()])
        })
        .collect();
    insta::assert_debug_snapshot!(texts, @r#"
    [
        "KM0201 unknown field `sever` @ sever",
        "KM0203 `valut` is not one of vault, kubernetes @ valut",
        "KM0201 unknown field `alow` @ alow",
    ]
    "#);
}
