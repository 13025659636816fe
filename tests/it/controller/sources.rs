//! What comes from the Git host is late, broken, rewritten or gone: what was good stays in force and is
//! kept, people are told, and nothing is stuck when it is well again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::Oid;
use serde_json::{Value, json};

use super::faulty::{Faulty, files};
use super::signed::patch;
use super::{BROKEN, MAIN, is};
use crate::bed;
use crate::bed::history::commit;
use crate::githost::Mood;

/// What undoing drift may take here: far more than it should on a quiet machine, and less than what a host that
/// hangs is given.
const PROMPT: Duration = Duration::from_mins(1);

/// A controller with the commit number 1 in force.
fn kept(repository: &'static str) -> (Faulty, String) {
    let faulty = Faulty::new(repository);
    faulty.bed.sync("auto", "1s");
    let commit = faulty.push(1);
    faulty.applied(&commit, 1);
    (faulty, commit)
}

fn story(status: &Value) -> &str {
    status["story"].as_str().unwrap_or_default()
}

/// Since when it is not ready.
fn since(status: &Value) -> String {
    let mut all = status["conditions"].as_array().unwrap().iter();
    let ready = all.find(|c| c["type"] == "Ready").unwrap();
    assert_eq!(ready["status"], "False", "{status:#}");
    ready["lastTransitionTime"].as_str().unwrap().to_owned()
}

#[test]
fn r_90_while_the_remote_is_away_what_was_good_is_kept() {
    let (mut faulty, _) = kept("away.git");
    faulty.bed.host.set(Mood::Status(503));
    let status = faulty.bed.until("it is told", |s| is(s, "Ready", "False"));
    let age = since(&status);
    assert!(
        story(&status).contains("stays in force") || is(&status, "Reconciling", "True"),
        "{status:#}"
    );
    let asked = faulty.bed.host.asked().len();
    std::thread::sleep(Duration::from_secs(15));
    let more = faulty.bed.host.asked().len() - asked;
    assert!(more <= 5, "asked {more} times in 15 s");
    bed::until("it asks again", || faulty.bed.host.asked().len() > asked);
    assert!(faulty.drift() < PROMPT);
    assert_eq!(since(&faulty.bed.status()), age, "its age is told");
    faulty.bed.host.set(Mood::Honest);
    let second = faulty.push(2);
    faulty.applied(&second, 2);

    // A host that hangs is worse than one that refuses: nothing waits for it.
    faulty.bed.host.set(Mood::Slow);
    let third = faulty.push(3);
    std::thread::sleep(Duration::from_secs(3));
    for _ in 0..3 {
        let took = faulty.drift();
        assert!(took < PROMPT, "{took:?}");
    }
    // Neither does who starts now.
    faulty.restart();
    std::thread::sleep(Duration::from_secs(12));
    let took = faulty.drift();
    assert!(took < PROMPT, "{took:?}");
    let status = faulty.bed.until("it is told", |s| is(s, "Ready", "False"));
    assert!(story(&status).contains("does not answer"), "{status:#}");
    assert_eq!(status["lastApplied"], second.as_str());
    faulty.bed.host.set(Mood::Honest);
    faulty.restart();
    faulty.judge(&third, 3);
}

/// Points main to a commit that came on top of nothing.
fn rewrite(faulty: &Faulty, files: Vec<(&'static str, String)>) -> String {
    let served = &faulty.bed.served;
    let root = commit(served, None, files);
    let id = Oid::from_str(&root).unwrap();
    served.reference(MAIN, id, true, "rewritten").unwrap();
    root
}

#[test]
fn r_91_rewritten_history_is_followed_and_nothing_is_stuck() {
    let (mut faulty, first) = kept("forced.git");
    let second = rewrite(&faulty, files(&faulty.bed, 2));
    faulty.applied(&second, 2);
    assert_eq!(faulty.bed.status()["rewritten"], first.as_str());
    bed::until("an event tells of it", || {
        let events = ["get", "events", "-n", "kubemate-system", "-o", "json"];
        let events = faulty.bed.cluster.kubectl(&events);
        let events: Value = serde_json::from_str(&events).unwrap();
        events["items"].as_array().unwrap().iter().any(|event| {
            event["reason"] == "HistoryRewritten"
                && event["involvedObject"]["name"] == faulty.bed.name.as_str()
        })
    });
    // Back to what there was before, and away from it again.
    let id = Oid::from_str(&first).unwrap();
    faulty.bed.served.reference(MAIN, id, true, "back").unwrap();
    faulty.applied(&first, 1);
    let mut wrong = files(&faulty.bed, 3);
    wrong[2].1 = BROKEN.replace("NAME", &faulty.bed.name);
    let broken = rewrite(&faulty, wrong);
    let told = faulty.bed.until("the broken one is told", |s| {
        s["lastAttempted"] == broken.as_str() && is(s, "Ready", "False")
    });
    assert_eq!(told["lastApplied"], first.as_str());
    assert!(story(&told).contains("stays in force"), "{told:#}");
    assert!(faulty.drift() < PROMPT, "what was good is kept");
    // What was good is nowhere any more: nothing is done, and that is said.
    fs::remove_dir_all(faulty.bed.directory.path().join("mirrors")).unwrap();
    let seen = faulty.proxy.writes().len();
    faulty.restart();
    std::thread::sleep(Duration::from_secs(5));
    let mut new = faulty.proxy.writes().into_iter().skip(seen);
    let ours = Some(faulty.bed.name.as_str());
    assert!(new.all(|call| call.target.namespace.as_deref() != ours));
    assert!(is(&faulty.bed.status(), "Ready", "False"));
    let fourth = rewrite(&faulty, files(&faulty.bed, 4));
    faulty.judge(&fourth, 4);
}

#[test]
fn r_91_rewritten_history_is_held_where_that_is_wanted() {
    let (mut faulty, first) = kept("held.git");
    patch(&faulty, &json!({ "history": "hold" }));
    let held = |faulty: &Faulty, id: &str, in_force: &str| {
        let what = format!("{id} is held");
        let status = faulty.bed.until(&what, |s| {
            let all = s["conditions"].as_array().unwrap();
            let ready = all.iter().find(|c| c["type"] == "Ready").unwrap();
            s["lastAttempted"] == id && ready["reason"] == "HistoryRewritten"
        });
        assert_eq!(status["lastApplied"], in_force);
        assert!(story(&status).contains("stays in force"), "{status:#}");
        assert!(story(&status).contains("confirmHistory"), "{status:#}");
        // What was good is kept.
        faulty.drift();
    };
    let second = rewrite(&faulty, files(&faulty.bed, 2));
    held(&faulty, &second, &first);
    // A yes is for one commit.
    patch(&faulty, &json!({ "confirmHistory": second }));
    faulty.applied(&second, 2);
    assert_eq!(faulty.bed.status()["rewritten"], first.as_str());
    let third = rewrite(&faulty, files(&faulty.bed, 3));
    held(&faulty, &third, &second);
    faulty.restart();
    faulty.drift();
    // What comes after the commit in force needs no yes.
    let id = Oid::from_str(&second).unwrap();
    faulty.bed.served.reference(MAIN, id, true, "back").unwrap();
    let fourth = faulty.push(4);
    faulty.judge(&fourth, 4);
}

/// The mirrors below a directory.
fn mirrors(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        match path.extension().is_some_and(|end| end == "git") {
            true => found.push(path),
            false if path.is_dir() => found.extend(mirrors(&path)),
            false => {}
        }
    }
    found
}

/// Changes every file of a mirror that ends so.
fn harm(mirror: &Path, ending: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let mut count = 0;
    for entry in fs::read_dir(mirror.join("objects/pack")).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == ending) {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(&path, change(fs::read(&path).unwrap())).unwrap();
            count += 1;
        }
    }
    assert!(count > 0, "there is no {ending}");
}

#[test]
fn r_92_a_damaged_mirror_is_fetched_anew_once() {
    let (mut faulty, mut commit) = kept("damaged.git");
    let flip = |mut bytes: Vec<u8>| {
        bytes[14..].iter_mut().for_each(|byte| *byte ^= 0x55);
        bytes
    };
    let harms: [&dyn Fn(&Path); 5] = [
        &|mirror| harm(mirror, "pack", flip),
        &|mirror| harm(mirror, "idx", |bytes| bytes[..bytes.len() / 2].to_vec()),
        &|mirror| fs::remove_dir_all(mirror.join("refs/kubemate")).unwrap(),
        &|mirror| fs::remove_dir_all(mirror.join("objects")).unwrap(),
        &|mirror| fs::write(mirror.join("HEAD"), "nonsense").unwrap(),
    ];
    let mut n = 1;
    for (number, harm) in harms.into_iter().enumerate() {
        for restarts in [false, true] {
            let all = mirrors(&faulty.bed.directory.path().join("mirrors"));
            assert_eq!(all.len(), 1, "{all:?}");
            harm(&all[0]);
            let packs = faulty.bed.host.packs();
            if restarts {
                // Nothing new is there, and still everything is needed.
                faulty.restart();
            } else {
                n += 1;
                commit = faulty.push(n);
            }
            let what = format!("mended after {number}");
            faulty
                .bed
                .until(&what, |s| s["lastApplied"] == commit.as_str());
            assert!(faulty.drift() < PROMPT, "{number}");
            let packs = faulty.bed.host.packs() - packs;
            assert!(packs <= 4, "{packs} packs were fetched after {number}");
        }
    }
    faulty.judge(&commit, n);
}

#[test]
fn r_93_odd_remotes_are_told_in_plain_words() {
    let (mut faulty, first) = kept("odd.git");
    let told = |words: &str| {
        let what = format!("told: {words}");
        let status = faulty.bed.until(&what, |s| story(s).contains(words));
        assert!(is(&status, "Ready", "False"), "{status:#}");
        assert_eq!(status["lastApplied"], first.as_str());
        assert!(faulty.drift() < PROMPT, "{words}");
    };
    // A pack whose sum is wrong.
    faulty.bed.host.set(Mood::Corrupt);
    let second = faulty.push(2);
    told("damaged");
    // A page instead of refs.
    faulty.bed.host.set(Mood::Web);
    told("127.0.0.1");
    faulty.bed.host.set(Mood::Honest);
    // The branch has another name, and HEAD another meaning.
    let served = &faulty.bed.served;
    let tip = Oid::from_str(&second).unwrap();
    served.find_reference(MAIN).unwrap().delete().unwrap();
    served
        .reference("refs/heads/trunk", tip, true, "renamed")
        .unwrap();
    served.set_head("refs/heads/trunk").unwrap();
    told("has no ref `refs/heads/main`");
    // All of it is gone.
    served
        .find_reference("refs/heads/trunk")
        .unwrap()
        .delete()
        .unwrap();
    told("has no ref `refs/heads/main`");
    // It comes back; where HEAD points to is nobody's business.
    served.reference(MAIN, tip, true, "back").unwrap();
    served.set_head("refs/heads/nowhere").unwrap();
    faulty.applied(&second, 2);
    // A tag that moves is followed.
    let tag = "refs/tags/v1";
    served.reference(tag, tip, true, "tag").unwrap();
    let spec = format!(r#"{{"spec":{{"ref":"{tag}"}}}}"#);
    let name = faulty.bed.name.as_str();
    let patch = [
        "patch",
        "sync",
        name,
        "-n",
        "kubemate-system",
        "--type=merge",
        "-p",
        &spec,
    ];
    faulty.bed.cluster.kubectl(&patch);
    let third = commit(served, Some(tag), files(&faulty.bed, 3));
    faulty.applied(&third, 3);
    let id = served.reference(tag, tip, true, "moved").unwrap().target();
    assert_eq!(id, Some(tip));
    faulty.applied(&second, 2);
    faulty.judge(&second, 2);
}

#[test]
fn r_94_what_is_in_force_is_found_outside_of_the_depth() {
    let (mut faulty, first) = kept("deep.git");
    let mut broken = String::new();
    for n in 2..40 {
        let mut wrong = files(&faulty.bed, n);
        wrong[2].1 = BROKEN.replace("NAME", &faulty.bed.name);
        broken = faulty.bed.commit_files(wrong);
    }
    faulty.bed.until("the last one is told", |s| {
        s["lastAttempted"] == broken.as_str() && is(s, "Ready", "False")
    });
    fs::remove_dir_all(faulty.bed.directory.path().join("mirrors")).unwrap();
    let packs = faulty.bed.host.packs();
    faulty.restart();
    let began = Instant::now();
    while faulty.bed.host.packs() == packs {
        assert!(began.elapsed() < super::PATIENCE, "nothing was fetched");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(faulty.drift() < super::PATIENCE);
    let status = faulty.bed.status();
    assert_eq!(status["lastApplied"], first.as_str());
    assert!(faulty.bed.host.packs() - packs <= 4);
    let last = faulty.push(41);
    faulty.judge(&last, 41);
}
