//! What each stage of reading a project costs, in this process and on one thread: the profile behind
//! the figures of whole processes.
//!
//! `cargo bench --bench stages`. A row is the time for 300 apps in as many files.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench fails by panicking and reads files of its own"
)]

#[expect(dead_code, reason = "the other bench uses the rest")]
#[path = "../language/project.rs"]
mod project;

use std::sync::{Arc, LazyLock};

use divan::Bencher;
use kubemate::adapters::disk;
use kubemate::adapters::judge::{self, Judge};
use kubemate::adapters::worker::Workers;
use kubemate::dsl::{parse, scan};
use kubemate::model::job::{InputFile, Want};
use kubemate::model::parse::parse_file;
use kubemate::source::{FileId, SourceTree};

/// Few enough for many rounds.
const APPS: usize = 300;

/// What all rows look at.
struct Sample {
    tree: SourceTree,
    files: Vec<InputFile>,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let scratch = tempfile::tempdir().unwrap();
    let project = project::Project::write(scratch.path().to_owned(), APPS);
    let tree = disk::load(&project.root).unwrap().tree;
    let files = tree
        .iter()
        .map(|(id, file)| InputFile {
            id,
            path: file.path.clone(),
            text: file.text().unwrap().to_owned(),
            known: None,
        })
        .collect();
    Sample { tree, files }
});

fn main() {
    // One thread, as the parser alone has in its row.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .unwrap();
    LazyLock::force(&SAMPLE);
    divan::main();
}

/// The `kdl` crate alone, each file whole.
#[divan::bench]
fn a_kdl_alone() -> usize {
    let parse = |file: &InputFile| kdl::KdlDocument::parse_v2(&file.text).unwrap();
    SAMPLE.files.iter().map(|f| parse(f).nodes().len()).sum()
}

/// The linear scan before it.
#[divan::bench]
fn b_scan() -> usize {
    let scan = |file: &InputFile| scan::scan(FileId(0), &file.text).chunks.len();
    SAMPLE.files.iter().map(scan).sum()
}

/// The parser behind the scan, chunk by chunk, with the scan's checks of its own.
#[divan::bench]
fn c_parse_chunks(bencher: Bencher<'_, '_>) {
    let scans: Vec<_> = SAMPLE
        .files
        .iter()
        .map(|file| (file, scan::scan(FileId(0), &file.text).chunks))
        .collect();
    bencher.bench(|| {
        for (file, chunks) in &scans {
            for chunk in chunks {
                divan::black_box(parse::parse(FileId(0), &file.text, chunk.clone()).unwrap());
            }
        }
    });
}

/// Text to raw nodes, as a worker does it.
#[divan::bench]
fn d_file_to_nodes() -> usize {
    SAMPLE
        .files
        .iter()
        .map(|f| parse_file(f).0.nodes.len())
        .sum()
}

/// Everything, without worker processes and without a cache.
#[divan::bench]
fn e_judge(bencher: Bencher<'_, '_>) {
    let judge = Judge::new(Workers::InProcess(Arc::new(judge::work)), None);
    bencher.bench(|| {
        let verdict = judge.judge(&SAMPLE.tree, &Want::Check);
        assert!(verdict.diagnostics.is_empty());
        verdict.resources()
    });
}

/// What every new process pays once: all schemas compiled.
#[divan::bench]
fn f_all_schemas() -> usize {
    kubemate::kinds::compile_all().len()
}
