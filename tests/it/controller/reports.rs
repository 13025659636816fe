//! What a forge is told while it limits, loses or forgets what it is told, while the controller is killed
//! in between, and while anybody on the network may call: applying never waits for any of it.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use super::faulty::Faulty;
use super::told::{hooks_of, reporting_to, told_of};
use super::{Bed, Controller, GOOD, PATIENCE, Place, is};
use crate::bed;
use crate::bed::gitea::gitea;
use crate::bed::proxy::{Fault as Break, Gate, Match, Proxy, Rule};
use crate::forge::door::{head, send};
use crate::forge::gitea_sim;
use crate::forge::hooks::SECRET;
use crate::forge::sim::{Fault, Sim, TOKEN};

/// A controller that reports to a forge, with nothing pushed yet; calls of the forge go to `forge`.
pub(super) fn reporting(forge: &str) -> Faulty {
    let bed = Bed::new("team/platform.git");
    let more = reporting_to(&bed, "gitea", forge);
    let mut faulty = Faulty::of(bed, more);
    let secret = String::from_utf8(SECRET.to_vec()).unwrap();
    faulty.canaries = vec![TOKEN.to_owned(), secret];
    faulty.bed.sync("auto", "1s");
    faulty
}

/// Pushes a commit that the forge knows.
pub(super) fn push(faulty: &Faulty, sim: &Sim, n: u32) -> String {
    let commit = faulty.push(n);
    sim.store().commits.insert(commit.clone());
    commit
}

/// Waits until this is the last state that the forge was told, and returns all of them.
pub(super) fn states(faulty: &Faulty, sim: &Sim, commit: &str, last: &str) -> Vec<String> {
    let began = Instant::now();
    loop {
        let told = told_of(sim, &faulty.bed.name, commit);
        let states: Vec<String> = told.into_iter().map(|(state, _)| state).collect();
        if states.last().is_some_and(|state| state == last) {
            return states;
        }
        assert!(began.elapsed() < PATIENCE, "never {last}: {states:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Each state once, in any order of words.
fn once(states: &[String]) {
    let different: BTreeSet<&String> = states.iter().collect();
    assert_eq!(different.len(), states.len(), "{states:?}");
}

#[test]
fn r_24_killed_between_a_report_and_its_record_it_says_each_thing_once() {
    let sim = gitea_sim::start();
    let address: SocketAddr = sim
        .address
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let between = Proxy::before_http(address);
    let mut faulty = reporting(&format!("http://{}", between.address()));
    let first = push(&faulty, &sim, 1);
    once(&states(&faulty, &sim, &first, "success"));
    let (mut n, mut commit, mut kills) = (1, first, 0);
    for nth in 1..=3 {
        for after in [false, true] {
            n += 1;
            let gate = Gate::new();
            let fault = match after {
                true => Break::PauseAfter(gate.clone()),
                false => Break::PauseBefore(gate.clone()),
            };
            let reports = Match::any().path("/repos/team/platform/statuses");
            between.add(Rule::new(reports, fault).nth(nth));
            commit = push(&faulty, &sim, n);
            let done = || {
                let told = told_of(&sim, &faulty.bed.name, &commit);
                told.last().is_some_and(|(state, _)| state == "success")
            };
            let began = Instant::now();
            let mut reached = false;
            while !reached && (nth <= 1 || !done()) && began.elapsed() < PATIENCE {
                reached = gate.wait_reached(Duration::from_millis(200));
            }
            assert!(reached || nth > 1, "nothing was reported");
            if reached {
                kills += 1;
                faulty.controller.kill();
            }
            gate.open();
            between.heal();
            if reached {
                faulty.begin();
            }
            once(&states(&faulty, &sim, &commit, "success"));
        }
    }
    assert!(kills >= 4, "{kills} kills");
    faulty.judge(&commit, n);
    once(&states(&faulty, &sim, &commit, "success"));
}

fn limited(status: u16, header: Option<(&'static str, &str)>) -> Fault {
    let header = header.map(|(name, value)| (name, value.to_owned()));
    let message = json!({ "message": "You have exceeded a secondary rate limit." });
    Fault::Answer(status, header, message)
}

#[test]
fn r_96_a_forge_that_limits_us_holds_up_no_apply() {
    let sim = gitea_sim::start();
    let mut faulty = reporting(&sim.address);
    let first = push(&faulty, &sim, 1);
    once(&states(&faulty, &sim, &first, "success"));
    // Each ends one attempt to tell; the next one comes later.
    let limits = [
        limited(429, Some(("retry-after", "3600"))),
        limited(403, None),
        limited(429, Some(("x-ratelimit-reset", "5"))),
        limited(502, None),
        limited(403, Some(("x-ratelimit-remaining", "0"))),
        Fault::Garbage,
        Fault::Drop,
    ];
    limits.into_iter().for_each(|limit| sim.fail(None, limit));
    let second = push(&faulty, &sim, 2);
    faulty.applied(&second, 2);
    assert!(
        told_of(&sim, &faulty.bed.name, &second).is_empty(),
        "it was applied first"
    );
    once(&states(&faulty, &sim, &second, "success"));
    // What is full stays full, and is not tried again and again.
    let full =
        json!({ "message": "This SHA and context has reached the maximum number of statuses." });
    (0..3).for_each(|_| sim.fail(Some(Method::POST), Fault::Answer(422, None, full.clone())));
    let third = push(&faulty, &sim, 3);
    faulty.applied(&third, 3);
    let posts = || {
        let store = sim.store();
        let of = store.requests.iter().filter(|r| r.starts_with("POST"));
        of.filter(|r| r.contains(&third)).count()
    };
    bed::until("it is told", || posts() > 0);
    std::thread::sleep(Duration::from_secs(5));
    assert!(posts() <= 4, "{}", posts());
    sim.store().faults.clear();
    let fourth = push(&faulty, &sim, 4);
    once(&states(&faulty, &sim, &fourth, "success"));
    let asked = sim.store().requests.len();
    faulty.judge(&fourth, 4);
    assert_eq!(
        sim.store().requests.len(),
        asked,
        "at rest nothing is asked"
    );
}

#[test]
fn r_99_a_commit_that_the_forge_lost_is_left_alone_after_a_few_tries() {
    let sim = gitea_sim::start();
    let mut faulty = reporting(&sim.address);
    // Pushed, and the forge says that there is no such commit.
    let gone = faulty.push(1);
    faulty.applied(&gone, 1);
    bed::until("it is told", || !sim.store().requests.is_empty());
    std::thread::sleep(Duration::from_secs(10));
    assert!(
        sim.store().requests.len() <= 6,
        "{:?}",
        sim.store().requests
    );
    let next = push(&faulty, &sim, 2);
    once(&states(&faulty, &sim, &next, "success"));
    assert!(told_of(&sim, &faulty.bed.name, &gone).is_empty());
    faulty.judge(&next, 2);
}

/// Every ref of a repository, and where it points to.
fn refs(clone: &crate::bed::gitea::Clone) -> BTreeSet<String> {
    let all = clone.git(&["ls-remote", "origin"]);
    all.lines().map(str::to_owned).collect()
}

/// Those of them that are notes.
fn notes(all: &BTreeSet<String>) -> Vec<String> {
    let ours = all.iter().filter(|r| r.contains("refs/notes/"));
    ours.cloned().collect()
}

/// A controller whose audit trail are notes in a repository whose main branch is not for it to write.
fn audited(place: &Place, repository: &str, bot: &str) -> Controller {
    let forge = gitea();
    let folder = place.directory.path().join("credentials");
    std::fs::create_dir(&folder).unwrap();
    for name in ["127.0.0.1.forge-token", "127.0.0.1.token"] {
        std::fs::write(folder.join(name), forge.token(bot)).unwrap();
    }
    std::fs::write(folder.join("127.0.0.1.user"), bot).unwrap();
    let rule = json!({ "rule_name": "main", "enable_push": true, "enable_push_whitelist": true,
        "push_whitelist_usernames": ["may"] });
    let path = format!("/repos/{repository}/branch_protections");
    drop(forge.done("may", Method::POST, &path, &rule));
    let rule = format!("gitea@127.0.0.1={}", forge.api());
    let folder = folder.to_str().unwrap();
    let more = [
        "--credentials",
        folder,
        "--forge",
        &rule,
        "--audit",
        "notes",
        "--audit-required",
    ];
    let kubeconfig = place.cluster.kubeconfig();
    Controller::start_with(kubeconfig, &forge.url, place, &more)
}

#[test]
fn r_97_what_it_writes_into_the_repository_wakes_nobody_and_forces_nothing() {
    let (place, forge) = (Place::new(), gitea());
    let bot = "kubemate-bot";
    let repository = forge.repository(&[("may", "admin"), (bot, "write")]);
    let directory = place.directory.path();
    let clone = forge.clone_as("may", &repository, directory);
    let mut controller = audited(&place, &repository, bot);
    let push = |n: u32| {
        let files = place.files(&GOOD.replace("1.0.0", &format!("1.0.{n}")), "");
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
        clone.push("main", &files)
    };
    place.keep(&format!("{}/{repository}.git", forge.url), "auto", "1s");
    let mut commit = String::new();
    let mut before: Option<String> = None;
    for n in 1..=5 {
        // The next one is pushed while notes about this one are.
        commit = push(n);
        let all = notes(&refs(&clone));
        assert!(all.len() <= 1, "{all:?}");
        if let Some(line) = all.first() {
            clone.git(&["fetch", "-q", "origin", "+refs/notes/*:refs/notes/*"]);
            let now = line.split('\t').next().unwrap().to_owned();
            if let Some(before) = before.replace(now.clone()) {
                clone.git(&["merge-base", "--is-ancestor", &before, &now]);
            }
        }
    }
    place.until("the last one is applied", |s| {
        s["lastApplied"] == commit.as_str() && is(s, "Ready", "True") && is(s, "Healthy", "True")
    });
    let told = || {
        let path = format!("/repos/{repository}/commits/{commit}/statuses");
        forge.get("may", &path).as_array().unwrap().len()
    };
    let began = Instant::now();
    while told() == 0 {
        assert!(began.elapsed() < PATIENCE, "the forge is not told");
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(3));
    let (all, count) = (refs(&clone), told());
    assert_eq!(notes(&all).len(), 1, "{all:?}");
    let names = all.iter().map(|line| line.split('\t').nth(1).unwrap());
    let known = |name: &str| {
        ["HEAD", "refs/heads/main"].contains(&name) || name.starts_with("refs/notes/kubemate")
    };
    assert!(names.into_iter().all(known), "{all:?}");
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(
        (refs(&clone), told()),
        (all, count),
        "its own writes wake nobody"
    );
    assert!(controller.lives());
    place
        .cluster
        .kubectl(&["delete", "sync", &place.name, "-n", "kubemate-system"]);
}

/// What is answered to one request without a body: all of it.
fn answer(address: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("{line} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn s_99_nobody_learns_anything_without_a_name() {
    let sim = gitea_sim::start();
    let mut faulty = reporting(&sim.address);
    let commit = push(&faulty, &sim, 1);
    states(&faulty, &sim, &commit, "success");
    let served = hooks_of(&faulty.bed, "health and metrics");
    let hooks = hooks_of(&faulty.bed, "calls of forges");
    let bed = &faulty.bed;
    // The name of a Sync labels its series, and nothing else of it is told.
    let secret = [
        bed.host.address.as_str(),
        bed.repository,
        &commit,
        "web",
        env!("CARGO_PKG_VERSION"),
    ];
    let paths = [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/status",
        "/version",
        "/debug/pprof/",
        "/debug",
        "/syncs",
        "/hooks",
        "/hooks/",
        "/api",
        "/../etc/passwd",
        "/healthz/x",
    ];
    for address in [served, hooks] {
        for path in paths {
            let text = answer(address, &format!("GET {path}"));
            let (top, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(!top.to_ascii_lowercase().contains("server:"), "{top}");
            let known = ["/healthz", "/readyz", "/metrics"].contains(&path) && address == served;
            assert_eq!(top.starts_with("HTTP/1.1 200"), known, "{path}: {top}");
            if path != "/metrics" {
                assert!(["", "ok\n"].contains(&body), "{path}: {body}");
            }
            for word in secret {
                assert!(!text.contains(word), "{path} tells {word}: {text}");
            }
        }
    }
    faulty.judge(&commit, 1);
}

/// The same push a thousand times is one look.
#[test]
fn s_75_the_same_call_a_thousand_times_is_one_look() {
    let sim = gitea_sim::start();
    let mut faulty = reporting(&sim.address);
    let commit = push(&faulty, &sim, 1);
    states(&faulty, &sim, &commit, "success");
    faulty.bed.sync("auto", "1h");
    faulty.bed.until("at rest", |s| is(s, "Ready", "True"));
    std::thread::sleep(Duration::from_secs(3));
    let address = hooks_of(&faulty.bed, "calls of forges");
    let body = json!({ "ref": "refs/heads/main", "after": "b".repeat(40) }).to_string();
    let text = head(&faulty.bed.name, ("push", "only"), body.as_bytes());
    let asked = faulty.bed.host.asked().len();
    assert!((0..1_000).all(|_| send(address, &text, body.as_bytes()) == 202));
    bed::until("it looks", || faulty.bed.host.asked().len() > asked);
    std::thread::sleep(Duration::from_secs(3));
    let looks = faulty.bed.host.asked().len() - asked;
    assert!(looks <= 2, "{looks} looks");
    let status: Value = faulty.bed.status();
    assert!(is(&status, "Ready", "True"), "{status:#}");
    faulty.judge(&commit, 1);
}
