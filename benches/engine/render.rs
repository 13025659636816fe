//! Rendering in this process on one core: resources to objects, templates and all checks of what comes out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kubemate::adapters::disk;
use kubemate::adapters::judge::{self, Judge};
use kubemate::adapters::worker::Workers;
use kubemate::dsl::compose::Target;
use kubemate::model::job::Want;
use kubemate::source::SourceTree;

use crate::project::Project;
use crate::table::{median, over, seconds};

/// So many that there are 10,000 objects.
const APPS: usize = 2_500;
const OBJECTS: u32 = 10_000;
const LIMIT: Duration = Duration::from_millis(1_500);

pub(crate) fn rows(rounds: usize) -> bool {
    let scratch = tempfile::tempdir().unwrap();
    let project = Project::write(scratch.path().join("project"), APPS);
    let tree = disk::load(&project.root).unwrap().tree;
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let (mut whole, mut checks, mut objects) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let (time, _) = one.install(|| judged(&tree, &Want::Check));
        checks.push(time);
        let targets = vec![Target {
            environment: "prod".into(),
            cluster: "far".into(),
        }];
        let (time, made) = one.install(|| {
            judged(
                &tree,
                &Want::Render {
                    targets,
                    trace: false,
                },
            )
        });
        whole.push(time);
        objects = made;
    }
    assert!(objects >= OBJECTS, "{objects} objects of {APPS} apps");
    let pairs = whole.iter().zip(&checks);
    let rendering = median(
        pairs
            .map(|(whole, check)| whole.saturating_sub(*check))
            .collect(),
    );
    let share = rendering.mul_f64(f64::from(OBJECTS) / f64::from(objects));
    let kept = share <= LIMIT;
    println!("{objects} objects of {APPS} apps on one core, medians of {rounds}\n");
    println!("| what | time |\n|---|---|");
    println!(
        "| reading, composing and checking all environments | {} |",
        seconds(median(checks))
    );
    println!(
        "| the same, and one environment rendered | {} |",
        seconds(median(whole))
    );
    println!(
        "| the difference, for {OBJECTS} objects (at most {}) | {}{} |",
        seconds(LIMIT),
        seconds(share),
        over(kept)
    );
    kept
}

/// How long it takes, and how many objects come out.
fn judged(tree: &SourceTree, want: &Want) -> (Duration, u32) {
    let judge = Judge::new(Workers::InProcess(Arc::new(judge::work)), None);
    let begun = Instant::now();
    let mut verdict = judge.judge(tree, want);
    let time = begun.elapsed();
    assert!(!verdict.diagnostics.has_errors());
    let sets = verdict.take_rendered();
    let count = sets
        .values()
        .map(|set| u32::try_from(set.objects.len()).unwrap())
        .sum();
    (time, count)
}
