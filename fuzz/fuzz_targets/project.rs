//! A tenant's file of any text is judged without a panic, and every place lies in its file.
//!
//! `cargo fuzz run project fuzz/corpus/project tests/corpus/kdl/valid examples/kinds`
#![no_main]

use kubemate::dsl::codes::PROJECT;
use kubemate::model::job::Want;
use kubemate::model::layout::Layout;
use kubemate::model::{compile, platform};
use kubemate::source::{RepoPath, SourceFile, SourceTree};
use libfuzzer_sys::fuzz_target;

const FILE: &str = "tenants/web/web.kdl";

fn tree(text: &str) -> SourceTree {
    let files = PROJECT.iter().copied().chain([(FILE, text)]);
    let files = files.map(|(path, text)| {
        let path = RepoPath::new(path).expect("a path of the project");
        SourceFile::from_bytes(path, text.as_bytes().to_vec())
    });
    SourceTree::new(files.collect()).expect("three files")
}

fuzz_target!(|text: &str| {
    let tree = tree(text);
    let job = platform::project_job(&tree).expect("a project file");
    let found = platform::project_of(&compile::judge(&job).outcome).expect("a sound project");
    let layout = Layout::of(&found.project);
    let base = compile::judge(&platform::platform_job(&tree, &layout, Want::Check)).outcome;
    for job in platform::tenant_jobs(&tree, &layout, &base.parsed, &Want::Check) {
        let outcome = compile::judge(&job).outcome;
        for label in outcome.diagnostics.iter().flat_map(|d| d.primary.iter().chain(&d.related)) {
            let text = tree.get(label.span.file).and_then(|file| file.text());
            assert!(
                text.is_some_and(|text| text.get(label.span.range()).is_some()),
                "a place outside its file: {label:?}"
            );
        }
    }
});
