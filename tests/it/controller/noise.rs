//! A controller that is asked to log everything, with a Git host that refuses, breaks and lies: what it
//! prints, what it says in the cluster and what it leaves on the disk holds no credential.

use super::{Bed, Controller, GOOD, is};
use crate::githost::Mood;
use crate::security::leaks::walk;

const CANARY: &str = "c4nary-of-a-noisy-day";

/// The credential, and every form in which it was sent.
fn forms(bed: &Bed) -> Vec<String> {
    let sent = bed.host.authorization();
    assert!(!sent.is_empty(), "it was in use");
    let mut forms: Vec<String> = sent
        .iter()
        .map(|header| header.split(' ').next_back().unwrap().to_owned())
        .collect();
    forms.push(CANARY.to_owned());
    forms.sort();
    forms.dedup();
    forms
}

#[test]
fn s_64_the_noisiest_controller_tells_no_credential() {
    let bed = Bed::new("noise.git");
    let shown = bed.directory.path().join("credentials");
    std::fs::create_dir(&shown).unwrap();
    std::fs::write(shown.join("127.0.0.1.token"), CANARY).unwrap();
    let more = ["--credentials", shown.to_str().unwrap()];
    let (kubeconfig, host) = (bed.cluster.kubeconfig(), &bed.host.address);
    let mut controller = Controller::start_with(kubeconfig, host, &bed.place, &more);
    bed.commit(GOOD);
    bed.sync("auto", "1s");
    let mut said = bed.until("applied", |s| is(s, "Ready", "True")).to_string();
    for (version, mood) in [Mood::Status(401), Mood::Web, Mood::Corrupt]
        .into_iter()
        .enumerate()
    {
        bed.host.set(mood);
        bed.commit(&GOOD.replace("1.0.0", &format!("1.1.{version}")));
        let status = bed.until("told", |s| is(s, "Ready", "False"));
        said.push_str(&status.to_string());
        bed.host.set(Mood::Honest);
        bed.until("mended", |s| is(s, "Ready", "True"));
    }
    let process = format!("/proc/{}", controller.0.id());
    for file in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("{process}/{file}")).unwrap();
        said.push_str(&String::from_utf8_lossy(&bytes));
    }
    // Ended so, it leaves what it was writing, and nothing moves under who reads it.
    controller.kill();
    let events = ["get", "events", "-n", "kubemate-system", "-o", "json"];
    said.push_str(&bed.cluster.kubectl(&events));
    let files = walk(bed.directory.path()).into_iter();
    for file in files.filter(|file| !file.starts_with(&shown)) {
        said.push_str(&String::from_utf8_lossy(&std::fs::read(&file).unwrap()));
    }
    let log = std::fs::read_to_string(bed.directory.path().join("log")).unwrap();
    assert!(log.contains("leading"), "the log was read:\n{log}");
    for form in forms(&bed) {
        assert!(!said.contains(&form), "a credential is told");
    }
}
