//! Whole processes on one project: `kubemate plan` and `kubemate apply`, and beside them `kubectl diff`
//! and `kubectl apply --server-side` of the same objects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::bed::{Bed, runtime};
use crate::process::{self, Ran};
use crate::project::Project;
use crate::table::{median, rate, seconds};

const APPS: usize = 250;
const ENVIRONMENT: &str = "dev";

/// Each process's times, in the order of the table.
type Times = [Vec<Duration>; 5];

pub(crate) fn rows(rounds: usize) -> bool {
    let scratch = tempfile::tempdir().unwrap();
    let mut times: Times = Default::default();
    let mut objects = 0;
    for round in 0..rounds {
        let bed = Bed::start();
        let place = Place::make(&bed, scratch.path().join(format!("{round}")));
        objects = place.objects;
        times[0].push(well(place.kubemate("apply", &["--timeout", "10m"])));
        times[1].push(well(place.kubemate("plan", &[])));
        times[2].push(well(place.kubemate("apply", &["--timeout", "10m"])));
        // What kubemate applied is there, so this finds no difference either.
        times[3].push(well(bed.kubectl(&diff(&place.manifests))));
        drop(bed);
        let bed = Bed::start();
        times[4].push(kubectl_applies(&bed, &place.manifests));
    }
    println!("{APPS} apps of 20 tenants, {objects} objects, medians of {rounds}\n");
    println!("| process | time | objects per second |");
    println!("|---|---|---|");
    let names = [
        "`kubemate apply`, from nothing until all are healthy",
        "`kubemate plan`, nothing to do",
        "`kubemate apply`, nothing to do",
        "`kubectl diff --server-side`, nothing to do",
        "`kubectl apply --server-side`, from nothing, without waiting",
    ];
    for (name, times) in names.into_iter().zip(times) {
        let time = median(times);
        println!(
            "| {name} | {} | {:.0} |",
            seconds(time),
            rate(objects, time)
        );
    }
    true
}

/// A project that means this cluster, and what it renders to.
struct Place {
    root: PathBuf,
    cache: PathBuf,
    kubeconfig: PathBuf,
    manifests: PathBuf,
    objects: usize,
}

impl Place {
    fn make(bed: &Bed, at: PathBuf) -> Self {
        let project = Project::write(at.join("project"), APPS);
        let head = project.root.join("kubemate.kdl");
        let text = fs::read_to_string(&head).unwrap();
        let uid = runtime().block_on(async {
            let cluster = bed.cluster().await;
            kubemate::apply::cluster::Cluster::uid(&cluster)
                .await
                .unwrap()
        });
        fs::write(
            &head,
            text.replace("10000000-0000-4000-8000-000000000000", &uid),
        )
        .unwrap();
        let mut place = Self {
            root: project.root,
            cache: at.join("cache"),
            kubeconfig: bed.kubeconfig().to_owned(),
            manifests: at.join("objects.yaml"),
            objects: 0,
        };
        let rendered = process::run(place.command("render", &[]));
        assert_eq!(rendered.code, Some(0), "{}", rendered.stderr);
        place.objects = rendered
            .stdout
            .lines()
            .filter(|line| line.starts_with("kind: "))
            .count();
        fs::write(&place.manifests, rendered.stdout).unwrap();
        place
    }

    fn kubemate(&self, name: &str, more: &[&str]) -> Command {
        let mut command = self.command(name, more);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command
    }

    fn command(&self, name: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
        command
            .arg(name)
            .args(["--env", ENVIRONMENT])
            .args(more)
            .arg(&self.root)
            .env_clear()
            .env("XDG_CACHE_HOME", &self.cache);
        command
    }
}

fn diff(manifests: &Path) -> Vec<&str> {
    let path = manifests.to_str().unwrap();
    vec![
        "diff",
        "--server-side",
        "--force-conflicts",
        "--field-manager=kubemate",
        "-f",
        path,
    ]
}

/// Namespaces come first in the file only by chance, so it is applied until nothing is missing.
fn kubectl_applies(bed: &Bed, manifests: &Path) -> Duration {
    let path = manifests.to_str().unwrap();
    let arguments = ["apply", "--server-side", "-f", path];
    let mut took = Duration::ZERO;
    for _ in 0..3 {
        let ran = process::run(bed.kubectl(&arguments));
        took += ran.wall;
        if ran.code == Some(0) {
            return took;
        }
    }
    panic!("kubectl could not apply {path}")
}

fn well(command: Command) -> Duration {
    let Ran {
        wall,
        code,
        stdout,
        stderr,
        ..
    } = process::run(command);
    let tail: String = stdout.lines().rev().take(20).collect::<Vec<_>>().join("\n");
    assert_eq!(code, Some(0), "{tail}\n{stderr}");
    wall
}
