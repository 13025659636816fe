//! The language as its users meet it: whole processes of the release build, beside what the `kdl`
//! crate alone needs for the same bytes, in alternation, so that both meet the same machine.
//!
//! `cargo bench --bench language [-- validate|memory|growth|bombs]`. Every figure is a median; the exit
//! code says whether all limits hold.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench fails by panicking, prints its table, and starts processes on files of its own"
)]

mod alone;
mod bombs;
mod process;
mod project;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use process::Ran;
use project::Project;

/// How often each process runs.
const ROUNDS: usize = 11;
/// The same where it runs long.
const FEW: usize = 5;
/// What `validate` may need, as a multiple of the parser alone: cold, and with one file changed.
const COLD: f64 = 2.5;
const WARM: f64 = 0.5;
/// Peak memory, in KiB.
const MEMORY_KIB: u64 = 250 * 1024;
/// How much more than ten times as long ten times as many apps may take.
const LINEAR: f64 = 1.15;

type Part = (&'static str, fn(&Path) -> bool);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [argument, root] = arguments.as_slice()
        && argument == alone::ARGUMENT
    {
        alone::work(Path::new(root));
        return ExitCode::SUCCESS;
    }
    let parts: [Part; 4] = [
        ("validate", validate),
        ("memory", memory),
        ("growth", growth),
        ("bombs", bombs::table),
    ];
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let mut good = true;
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|w| *w == name) {
            let scratch = tempfile::tempdir().unwrap();
            println!("\n`cargo bench --bench language -- {name}`\n");
            good &= part(scratch.path());
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One project, four ways, in alternation.
fn validate(scratch: &Path) -> bool {
    let project = Project::write(scratch.join("project"), 3_000);
    let mut runs: [Vec<Ran>; 4] = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        let cache = scratch.join(format!("cache-{round}"));
        runs[0].push(well(alone::command(&project.root)));
        runs[1].push(judged(&project, &cache));
        project.change(round);
        runs[2].push(judged(&project, &cache));
        runs[3].push(judged(&project, &cache));
        std::fs::remove_dir_all(cache).unwrap();
    }
    let (apps, bytes) = (project.apps, project.bytes());
    println!("{apps} apps in as many files, {bytes} bytes of KDL, medians of {ROUNDS}\n");
    println!("| process | time | of the parser's | processor | of the parser's |");
    println!("|---|---|---|---|---|");
    let [parser, cold, warm, same] = runs.map(Medians::of);
    let row = |name: &str, this: &Medians, limit: Option<f64>| {
        let wall = this.wall.as_secs_f64() / parser.wall.as_secs_f64();
        let cpu = this.cpu.as_secs_f64() / parser.cpu.as_secs_f64();
        let kept = limit.is_none_or(|limit| wall <= limit);
        let limit = limit.map_or(String::new(), |limit| format!(" (at most {limit})"));
        println!(
            "| {name} | {} | {wall:.2}{limit}{} | {} | {cpu:.2} |",
            ms(this.wall),
            over(kept),
            ms(this.cpu)
        );
        kept
    };
    row("the `kdl` crate alone", &parser, None);
    let cold = row("`validate`, no cache", &cold, Some(COLD));
    let warm = row("`validate`, one file changed", &warm, Some(WARM));
    row("`validate`, nothing changed", &same, None) && cold && warm
}

/// What many runs of one process took.
struct Medians {
    wall: Duration,
    cpu: Duration,
}

impl Medians {
    fn of(runs: Vec<Ran>) -> Self {
        Self {
            wall: median(runs.iter().map(|ran| ran.wall).collect()),
            cpu: median(runs.iter().map(|ran| ran.cpu).collect()),
        }
    }
}

fn memory(scratch: &Path) -> bool {
    println!("| apps | process and workers together | process | largest worker |");
    println!("|---|---|---|---|");
    let mut good = true;
    for apps in [3_000, 10_000] {
        let project = Project::write(scratch.join(format!("{apps}")), apps);
        let mut runs: Vec<_> = (0..FEW)
            .map(|round| {
                let cache = scratch.join(format!("cache-{apps}-{round}"));
                process::weigh(process::validate(&project.root, &cache))
            })
            .collect();
        runs.sort_by_key(|peak| peak.together);
        let peak = runs[FEW / 2];
        let kept = apps != 3_000 || peak.together <= MEMORY_KIB;
        let mib = |kib: u64| kib / 1024;
        println!(
            "| {apps} | {} MiB{} | {} MiB | {} MiB |",
            mib(peak.together),
            over(kept),
            mib(peak.parent),
            mib(peak.worker)
        );
        good &= kept;
    }
    good
}

fn growth(scratch: &Path) -> bool {
    println!("| apps | no cache | for each app | one file changed |");
    println!("|---|---|---|---|");
    let sizes = [1_000, 3_000, 10_000];
    let projects: Vec<Project> = sizes
        .iter()
        .map(|apps| Project::write(scratch.join(format!("{apps}")), *apps))
        .collect();
    let mut cold = vec![Vec::new(); sizes.len()];
    let mut warm = vec![Vec::new(); sizes.len()];
    for round in 0..FEW {
        for (at, project) in projects.iter().enumerate() {
            let cache = scratch.join(format!("cache-{at}-{round}"));
            cold[at].push(judged(project, &cache).wall);
            project.change(round);
            warm[at].push(judged(project, &cache).wall);
        }
    }
    let cold: Vec<Duration> = cold.into_iter().map(median).collect();
    for ((project, cold), warm) in projects.iter().zip(&cold).zip(warm) {
        let each = cold.as_secs_f64() * 1e6 / f64::from(u32::try_from(project.apps).unwrap());
        println!(
            "| {} | {} | {each:.0} µs | {} |",
            project.apps,
            ms(*cold),
            ms(median(warm))
        );
    }
    let times = cold[2].as_secs_f64() / cold[0].as_secs_f64();
    let kept = times <= 10.0 * LINEAR;
    println!(
        "\nTen times the apps take {times:.1} times as long (at most {:.1}){}.",
        10.0 * LINEAR,
        over(kept)
    );
    kept
}

/// A process that must end well.
fn well(command: Command) -> Ran {
    let ran = process::run(command);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    ran
}

fn judged(project: &Project, cache: &Path) -> Ran {
    well(process::validate(&project.root, cache))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

fn over(kept: bool) -> &'static str {
    if kept { "" } else { " **over**" }
}
