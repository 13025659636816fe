//! Every kind that is rendered goes through its states, as the wait of a run sees it: on its way and
//! then well, on its way and then failed, and on its way until the time is up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::stage::wait;
use crate::served::folder;

/// One kind with its states.
#[derive(Default)]
struct Life {
    version: String,
    kind: String,
    /// By word: the sentence and the object in that state.
    states: BTreeMap<&'static str, (String, Value)>,
    /// States that it never has, with the reason.
    never: BTreeMap<&'static str, String>,
}

const WORDS: [&str; 3] = ["healthy", "progressing", "failed"];

/// Reads the table.
fn lives() -> Vec<Life> {
    let mut out: Vec<Life> = Vec::new();
    for (index, line) in include_str!("states.txt").lines().enumerate() {
        let line_number = index + 1;
        if let Some(heading) = line.strip_prefix("## ") {
            let (version, kind) = heading.split_once(' ').expect("a version and a kind");
            out.push(Life {
                version: version.into(),
                kind: kind.into(),
                ..Life::default()
            });
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let life = out.last_mut().expect("a heading");
        let columns: Vec<&str> = line.splitn(3, " | ").collect();
        let word = columns[0].strip_prefix("never ").unwrap_or(columns[0]);
        let word = WORDS
            .into_iter()
            .find(|w| *w == word)
            .unwrap_or_else(|| panic!("line {line_number}: {word}"));
        let twice = match columns[..] {
            [never, why] if never.starts_with("never ") => {
                life.never.insert(word, why.into()).is_some()
            }
            [_, sentence, rest] => {
                let rest = serde_json::from_str(rest)
                    .unwrap_or_else(|e| panic!("line {line_number}: {e}"));
                life.states
                    .insert(
                        word,
                        (sentence.into(), object(&life.version, &life.kind, &rest)),
                    )
                    .is_some()
            }
            _ => panic!("line {line_number}: a state, a sentence and an object"),
        };
        assert!(!twice, "line {line_number}: {word} comes twice");
    }
    out
}

/// A bare object of a kind, with what a row says about it.
fn object(version: &str, kind: &str, rest: &Value) -> Value {
    let metadata = json!({ "name": "x", "namespace": "n", "generation": 1 });
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": metadata });
    for (field, value) in rest.as_object().expect("an object") {
        object[field] = value.clone();
    }
    object
}

/// The kinds that templates render.
fn rendered() -> BTreeSet<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut texts = Vec::new();
    folder(&root, &root, &mut texts);
    let mut out = BTreeSet::new();
    for (name, text) in texts.iter().filter(|(name, _)| name.ends_with(".j2")) {
        let field = |key: &str| -> Vec<&str> {
            text.lines()
                .filter_map(|line| line.strip_prefix(key))
                .map(str::trim)
                .collect()
        };
        let (versions, kinds) = (field("apiVersion:"), field("kind:"));
        assert!(
            !versions.is_empty() && versions.len() == kinds.len(),
            "{name}"
        );
        out.extend(
            versions
                .into_iter()
                .zip(kinds)
                .map(|(v, k)| (v.to_owned(), k.to_owned())),
        );
    }
    out
}

#[test]
fn every_kind_that_is_rendered_has_its_states_written_down() {
    let lives = lives();
    let known: BTreeSet<(String, String)> = lives
        .iter()
        .map(|l| (l.version.clone(), l.kind.clone()))
        .collect();
    let missing: Vec<_> = rendered().difference(&known).cloned().collect();
    assert!(missing.is_empty(), "without states: {missing:?}");
    assert!(
        known.len() == lives.len() && known.len() >= 30,
        "{}",
        known.len()
    );
    for life in &lives {
        for word in WORDS {
            let (said, never) = (
                life.states.contains_key(word),
                life.never.contains_key(word),
            );
            assert!(
                said != never,
                "{}: {word} has a state, or a reason why it has none",
                life.kind
            );
        }
        assert!(
            life.states.contains_key("healthy"),
            "{} is never well",
            life.kind
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_is_followed_from_its_first_status_to_its_last() {
    let mut wrong = Vec::new();
    for life in lives() {
        let mut expect = |fine: bool, what: String| {
            if !fine {
                wrong.push(format!("{}: {what}", life.kind));
            }
        };
        let state = |word: &str| life.states.get(word).cloned();
        let (well, body) = state("healthy").unwrap();
        let alone = wait(std::slice::from_ref(&body)).await;
        expect(
            alone.last.is_settled() && alone.last.why() == well,
            format!("well: {:?}", alone.last),
        );
        expect(!alone.whole, "what is well is not waited for".into());
        let failed = state("failed");
        if let Some((sentence, body)) = &failed {
            let seen = wait(std::slice::from_ref(body)).await;
            let fine = seen.last.word() == "failed" && seen.last.why() == sentence && !seen.whole;
            expect(fine, format!("failed: {:?}", seen.last));
        }
        let Some((way, first)) = state("progressing") else {
            continue;
        };
        let seen = wait(&[first.clone(), body]).await;
        let heard = seen.said
            == [
                format!("in-progress: {way}"),
                format!("{}: {well}", seen.last.word()),
            ];
        expect(
            heard && seen.last.is_settled(),
            format!("on its way, then well: {:?}", seen.said),
        );
        if let Some((sentence, body)) = failed {
            let seen = wait(&[first.clone(), body]).await;
            let heard = seen.said == [format!("in-progress: {way}"), format!("failed: {sentence}")];
            expect(heard, format!("on its way, then failed: {:?}", seen.said));
        }
        let stuck = wait(&[first]).await;
        let fine = stuck.whole && stuck.last.word() == "in-progress" && !stuck.last.is_settled();
        expect(
            fine && stuck.last.why() == way,
            format!("stuck: {:?}", stuck.last),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
