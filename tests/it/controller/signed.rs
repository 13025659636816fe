//! S-90 with a whole controller: what nobody signed whose signature counts is never read, and what was
//! good before stays in force and is kept.

use git2::Oid;
use serde_json::{Value, json};

use super::faulty::{Faulty, files};
use super::{MAIN, is};
use crate::bed::history::commit;
use crate::bed::signing::{Pen, text, with_headers};

const TAG: &str = "refs/tags/v1";

/// Changes the spec of the Sync.
pub(super) fn patch(faulty: &Faulty, spec: &Value) {
    let name = faulty.bed.name.as_str();
    let spec = json!({ "spec": spec }).to_string();
    let system = ["-n", "kubemate-system", "--type=merge", "-p", &spec];
    let patch = [&["patch", "sync", name][..], &system].concat();
    faulty.bed.cluster.kubectl(&patch);
}

/// A commit of these files on top of another one, which no ref that is followed points to.
fn beside(faulty: &Faulty, parent: &str, files: Vec<(&'static str, String)>) -> String {
    let aside = "refs/heads/aside";
    point(faulty, aside, parent);
    commit(&faulty.bed.served, Some(aside), files)
}

fn point(faulty: &Faulty, reference: &str, id: &str) {
    let id = Oid::from_str(id).unwrap();
    let served = &faulty.bed.served;
    served.reference(reference, id, true, "moved").unwrap();
}

/// Points main to a commit, and waits until it is refused with these words.
fn refused(faulty: &Faulty, id: &str, words: &str) -> Value {
    point(faulty, MAIN, id);
    told(faulty, id, words)
}

fn told(faulty: &Faulty, id: &str, words: &str) -> Value {
    let what = format!("{id} is refused: {words}");
    let status = faulty.bed.until(&what, |s| {
        let story = s["story"].as_str().unwrap_or_default();
        s["lastAttempted"] == id && is(s, "Ready", "False") && story.contains(words)
    });
    let all = status["conditions"].as_array().unwrap();
    let ready = all.iter().find(|c| c["type"] == "Ready").unwrap();
    assert_eq!(ready["reason"], "NotSigned", "{status:#}");
    status
}

/// A controller with the commit number 1 in force, which demands one signature from then on.
fn demanding(ana: &Pen) -> (Faulty, String) {
    let faulty = Faulty::new("signed.git");
    faulty.bed.sync("auto", "1s");
    let first = faulty.push(1);
    faulty.applied(&first, 1);
    let late = Pen::new(9).line("valid-before=\"20200101\"");
    patch(
        &faulty,
        &json!({ "verify": { "signers": [ana.line(""), late] } }),
    );
    (faulty, first)
}

#[test]
fn s_90_what_is_not_signed_as_it_must_be_is_never_read() {
    let ana = Pen::new(1);
    let (mut faulty, first) = demanding(&ana);
    // It was taken before anybody demanded a signature: it stays, and that is said.
    told(&faulty, &first, "it is not signed");
    faulty.drift();
    let good = beside(&faulty, &first, files(&faulty.bed, 2));
    let good = ana.commit(&faulty.bed.served, &good);
    point(&faulty, MAIN, &good);
    faulty.applied(&good, 2);

    let plain = beside(&faulty, &good, files(&faulty.bed, 3));
    let served = &faulty.bed.served;
    let content = text(served, &plain);
    let merged = content.replacen("\nauthor", &format!("\nparent {first}\nauthor"), 1);
    let armour = ana.sign(&content);
    let altered = content.replace("\n\nchange", "\n\nchance");
    let bare = "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----".to_owned();
    let openpgp = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----".to_owned();
    let broken = vec![("kubemate.kdl", "{ not what it should be".to_owned())];
    let broken = beside(&faulty, &good, broken);
    for (id, words) in [
        (plain.clone(), "it is not signed"),
        (with_headers(served, &merged, &[]), "it is not signed"),
        (broken, "it is not signed"),
        (Pen::new(2).commit(served, &plain), "which nobody named"),
        (
            Pen::new(9).commit(served, &plain),
            "counts until 2020-01-01",
        ),
        (with_headers(served, &content, &[bare]), "is empty"),
        (
            with_headers(served, &content, &[armour.clone(), armour.clone()]),
            "more than one signature",
        ),
        (
            with_headers(served, &altered, &[armour]),
            "was changed after",
        ),
        (with_headers(served, &content, &[openpgp]), "OpenPGP"),
    ] {
        let status = refused(&faulty, &id, words);
        let story = status["story"].as_str().unwrap();
        assert!(story.contains("stays in force"), "{story}");
        assert!(
            story.contains("verify.signers") || words.contains("changed"),
            "{story}"
        );
        assert!(!story.contains("kdl"), "nothing of it was read: {story}");
        assert_eq!(status["lastApplied"], good.as_str());
    }
    // What was good is kept, also after a start.
    faulty.drift();
    faulty.restart();
    faulty.drift();
    let next = ana.commit(&faulty.bed.served, &plain);
    point(&faulty, MAIN, &next);
    faulty.judge(&next, 3);
}

#[test]
fn s_90_whether_the_tag_or_the_commit_counts_is_said_by_the_sync() {
    let ana = Pen::new(1);
    let (mut faulty, first) = demanding(&ana);
    let unsigned = beside(&faulty, &first, files(&faulty.bed, 2));
    let tag = ana.tag(&faulty.bed.served, "v1", &unsigned).to_string();
    point(&faulty, TAG, &tag);
    patch(&faulty, &json!({ "ref": TAG }));
    told(&faulty, &unsigned, "it is not signed");
    patch(&faulty, &json!({ "verify": { "signed": "tag" } }));
    faulty.applied(&unsigned, 2);
    // A commit that is signed, under a tag that is not one, and under the tag of another name.
    let third = beside(&faulty, &unsigned, files(&faulty.bed, 3));
    let third = ana.commit(&faulty.bed.served, &third);
    point(&faulty, TAG, &third);
    told(&faulty, &third, "no annotated tag");
    let other = ana.tag(&faulty.bed.served, "v2", &third).to_string();
    point(&faulty, TAG, &other);
    told(&faulty, &third, "with the name `v2`");
    let tag = ana.tag(&faulty.bed.served, "v1", &third).to_string();
    point(&faulty, TAG, &tag);
    faulty.judge(&third, 3);
}
