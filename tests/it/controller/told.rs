//! What a forge is told of commits, and how a call of the forge makes the controller look.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{BROKEN, Bed, Controller, GOOD, PATIENCE};
use crate::bed;
use crate::forge::door::{head, send};
use crate::forge::gitea_sim;
use crate::forge::hooks::SECRET;
use crate::forge::sim::{Sim, TOKEN};

/// A controller that reports to a forge and hears it.
struct Forged {
    // It ends first.
    controller: Controller,
    bed: Bed,
    sim: Sim,
    calls: u32,
}

impl Forged {
    fn start() -> Self {
        let bed = Bed::new("team/platform.git");
        let sim = gitea_sim::start();
        let controller = begin(&bed, &sim);
        Self {
            bed,
            sim,
            controller,
            calls: 0,
        }
    }

    fn restart(&mut self) {
        self.controller.terminate();
        self.controller = begin(&self.bed, &self.sim);
    }

    /// Pushes a commit that the forge knows.
    fn commit(&self, app: &str) -> String {
        let commit = self.bed.commit(app);
        self.sim.store().commits.insert(commit.clone());
        commit
    }

    fn hooks(&self) -> SocketAddr {
        hooks_of(&self.bed, "calls of forges")
    }

    fn call(&mut self) -> u16 {
        self.calls += 1;
        let body = json!({ "ref": "refs/heads/main", "after": "a".repeat(40) }).to_string();
        let head = head(
            &self.bed.name,
            ("push", &self.calls.to_string()),
            body.as_bytes(),
        );
        send(self.hooks(), &head, body.as_bytes())
    }

    /// What the forge was told of a commit, in order.
    fn told(&self, commit: &str) -> Vec<(String, String)> {
        told_of(&self.sim, &self.bed.name, commit)
    }

    /// Waits until this is the last word on a commit, and returns all of them.
    fn until_told(&self, commit: &str, state: &str) -> Vec<(String, String)> {
        let began = Instant::now();
        loop {
            let told = self.told(commit);
            if told.last().is_some_and(|(last, _)| last == state) {
                return told;
            }
            let status = || self.bed.status();
            assert!(
                began.elapsed() < PATIENCE,
                "never {state}: {told:?}, {:#}",
                status()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// How a controller learns of the forge of this kind at this address, and takes its calls.
pub(super) fn reporting_to(bed: &Bed, kind: &str, api: &str) -> Vec<String> {
    let directory = credentials(bed);
    let rule = format!("{kind}@127.0.0.1={api}");
    let more = [
        "--credentials",
        &directory,
        "--forge",
        &rule,
        "--hooks",
        "127.0.0.1:0",
    ];
    more.map(str::to_owned).to_vec()
}

/// Writes what a forge and a Git host are shown, and returns the directory.
fn credentials(bed: &Bed) -> String {
    let directory = bed.directory.path().join("credentials");
    std::fs::create_dir_all(&directory).unwrap();
    for (name, text) in [
        ("127.0.0.1.forge-token".to_owned(), TOKEN.as_bytes()),
        // The host notes every request that holds it, which is how they are counted.
        ("127.0.0.1.token".to_owned(), b"for-git"),
        (format!("{}.hook-secret", bed.name), SECRET),
    ] {
        std::fs::write(directory.join(name), text).unwrap();
    }
    directory.to_str().unwrap().to_owned()
}

/// Where the controller serves this, by its log.
pub(super) fn hooks_of(bed: &Bed, what: &str) -> SocketAddr {
    let log = bed.directory.path().join("log");
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(&log).unwrap();
        if let Some(line) = text.lines().find(|line| line.contains(what)) {
            let line: Value = serde_json::from_str(line).unwrap();
            return line["fields"]["address"].as_str().unwrap().parse().unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "no {what}:\n{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What a forge was told of a commit by the Sync of this name, in order.
pub(super) fn told_of(sim: &Sim, name: &str, commit: &str) -> Vec<(String, String)> {
    let context = format!("kubemate/apply/here-{name}");
    let store = sim.store();
    let all = store.statuses.iter();
    let of = all.filter(|s| s["sha"] == commit && s["context"] == context.as_str());
    let word = |s: &Value, key: &str| s[key].as_str().unwrap().to_owned();
    of.map(|s| (word(s, "state"), word(s, "description")))
        .collect()
}

fn begin(bed: &Bed, sim: &Sim) -> Controller {
    let more = reporting_to(bed, "gitea", &sim.address);
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    Controller::start_with(bed.cluster.kubeconfig(), &bed.host.address, bed, &more)
}

#[test]
fn a_forge_is_told_what_becomes_of_commits_and_its_calls_are_heard() {
    let mut forged = Forged::start();
    let good = forged.commit(GOOD);
    // Only a call, or what is on its way, can make it look again.
    forged.bed.sync("auto", "1h");
    let told = forged.until_told(&good, "success");
    assert!(
        told.iter()
            .rev()
            .skip(1)
            .all(|(state, _)| state == "pending"),
        "{told:?}"
    );
    assert!(told.last().unwrap().1.contains("applied and healthy"));

    let broken = forged.commit(BROKEN);
    assert_eq!(forged.call(), 202);
    let told = forged.until_told(&broken, "failure");
    assert!(
        told[0].1.starts_with("tenants/shop/web.kdl:2:3"),
        "{told:?}"
    );
    assert_eq!(forged.told(&good).last().unwrap().0, "success");

    few_looks(&mut forged);
    assert_eq!(forged.told(&broken).len(), 1, "the same is told once");

    let fixed = forged.commit(&GOOD.replace("1.0.0", "1.0.1"));
    assert_eq!(forged.call(), 202);
    forged.until_told(&fixed, "success");
    asked_once_after_a_restart(&mut forged, &fixed);
    let name = &forged.bed.name;
    forged
        .bed
        .cluster
        .kubectl(&["delete", "sync", name, "-n", "kubemate-system"]);
}

/// A flood of calls makes no flood of fetches.
fn few_looks(forged: &mut Forged) {
    let before = forged.bed.host.authorization().len();
    let began = Instant::now();
    assert!((0..300).all(|_| forged.call() == 202));
    let asked = || forged.bed.host.authorization().len();
    bed::until("it looks", || asked() > before);
    std::thread::sleep(Duration::from_secs(3));
    let looks = asked() - before;
    let beats = usize::try_from(began.elapsed().as_secs() / 2).unwrap();
    // A look is one request; some room for what a look may need besides.
    assert!(
        looks <= 2 * (beats + 3),
        "{looks} requests in {:?}",
        began.elapsed()
    );
}

/// What stands at the forge already is looked at and left alone.
fn asked_once_after_a_restart(forged: &mut Forged, commit: &str) {
    let (asked, writes) = {
        let store = forged.sim.store();
        (store.requests.len(), store.writes())
    };
    forged.restart();
    let began = Instant::now();
    while forged.sim.store().requests.len() == asked {
        assert!(began.elapsed() < PATIENCE, "the forge was not asked");
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(2));
    let store = forged.sim.store();
    assert_eq!(store.writes(), writes, "{:?}", &store.requests[asked..]);
    assert_eq!(store.requests.len(), asked + 1);
    drop(store);
    assert_eq!(forged.told(commit).last().unwrap().0, "success");
}
