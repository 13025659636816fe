//! What real SOPS encrypts is decrypted to the same values, and whatever is changed afterwards is refused.

use std::path::Path;

use kubemate::adapters::sops::Keys;
use kubemate::kinds::secret::envelope::Envelope;
use kubemate::object::sealed::Sealed;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::bed::sops::{self, Key};
use crate::effort;

const SAMPLE: &str = "# a comment of people
user: ana
password: 'pass: word, with [brackets] and ünïcode € 😀'  # and one beside it
pin: 7
big: 9007199254740993
negative: -12
ratio: 0.1
small: 0.00000015
yes: true
no: false
empty: ''
when: '2026-01-02'
digits: '0042'
truth: 'True'
text: |
  several lines
    of text
nested:
  # inside
  password: deeper
  list: [1, two, {three: 3.5}, false]
meta_unencrypted:
  note: known
";

fn sealed(path: &str, text: &str) -> Sealed {
    let keys = Envelope::read(path, text)
        .map(|e| e.values)
        .unwrap_or_default();
    let keys: Vec<(&str, &str)> = keys
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    Sealed::new("payments", path.to_owned(), text.to_owned(), keys)
}

/// What a Secret holds for a value: its text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        // Without an exponent, as it was encrypted.
        Value::Number(number) if number.is_f64() => number.as_f64().map(|float| float.to_string()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Encrypts a file, and compares what SOPS and what we read of it. Returns how many values that were.
fn alike(folder: &Path, file: &str, clear: &str, key: &Key, options: &[&str]) -> usize {
    let path = folder.join(file);
    std::fs::write(&path, clear).unwrap();
    let text = sops::encrypt(&path, &[&key.recipient], options);
    let theirs = sops::decrypt(&path, key);
    let envelope =
        Envelope::read(file, &text).unwrap_or_else(|e| panic!("{options:?} {e}: {text}"));
    let opened = Keys::find(Some(&key.file)).open(&sealed(file, &text));
    let ours = opened.unwrap_or_else(|error| panic!("{options:?} {error}: {text}"));
    for (name, value) in theirs.as_object().unwrap() {
        let wanted = text_of(value).filter(|_| envelope.seals(name));
        let found = ours
            .get(name)
            .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        assert_eq!(found, wanted, "{options:?} {name} of {text}");
    }
    ours.keys().count()
}

#[test]
fn what_sops_encrypts_is_decrypted_alike() {
    let folder = TempDir::new().unwrap();
    let key = Key::new(folder.path().join("key"));
    for (options, count) in [
        (&[][..], 14),
        (
            &[
                "--unencrypted-suffix",
                "_unencrypted",
                "--mac-only-encrypted",
            ],
            14,
        ),
        (&["--encrypted-suffix", "word"], 1),
        (&["--encrypted-regex", "^(user|password|pin)$"], 3),
        (
            &["--encrypted-regex", "(?i)^PASS", "--mac-only-encrypted"],
            1,
        ),
        (&["--unencrypted-regex", "^(yes|no|meta_.*|nested)$"], 12),
    ] {
        assert_eq!(
            alike(folder.path(), "a.enc.yaml", SAMPLE, &key, options),
            count,
            "{options:?}"
        );
    }
    let json = json!({"user": "ana", "pin": 7, "big": 9_007_199_254_740_993_i64, "ratio": 0.25, "on": true,
        "deep": {"list": [1, 2.5, "x", null, {"y": ""}]}, "none": null, "empty": ""});
    assert_eq!(
        alike(folder.path(), "a.enc.json", &json.to_string(), &key, &[]),
        6
    );
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[ -~äß€😀\n\t]{0,40}".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (-1_000_000_i32..1_000_000).prop_map(|n| json!(f64::from(n) / 64.0 + 0.001)),
        1 => any::<bool>().prop_map(Value::from),
    ]
}

fn tree() -> impl Strategy<Value = Map<String, Value>> {
    let value = scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("[a-z][a-z0-9_.-]{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let names = "k[a-zA-Z0-9_.-]{0,12}x";
    btree_map(names, value, 1..12).prop_map(|map| map.into_iter().collect())
}

#[test]
fn any_tree_that_sops_encrypts_is_decrypted_alike() {
    let folder = TempDir::new().unwrap();
    let key = Key::new(folder.path().join("key"));
    let cases = if effort::is_long() { 300 } else { 20 };
    let config = Config {
        cases,
        max_shrink_iters: 40,
        fork: false,
        failure_persistence: None,
        ..Config::default()
    };
    let run = |file: &'static str| {
        TestRunner::new(config.clone()).run(&tree(), |tree| {
            let text = Value::Object(tree).to_string();
            alike(folder.path(), file, &text, &key, &[]);
            Ok(())
        })
    };
    // JSON is YAML, and says without doubt what is text.
    run("a.enc.yaml").unwrap();
    run("a.enc.json").unwrap();
}

/// Every text that differs from this one in a single character of what is encrypted or authenticated.
fn damaged(text: &str) -> impl Iterator<Item = String> {
    let mut inside = Vec::new();
    let mut at = 0;
    let mut armor = false;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        if words.starts_with("-----") {
            armor = words.contains("BEGIN");
        } else if armor || line.contains("ENC[") || line.contains("lastmodified") {
            let from = if armor {
                0
            } else {
                line.find(": ").map_or(0, |colon| colon + 2)
            };
            let places = line
                .char_indices()
                .filter(move |(i, c)| *i >= from && c.is_ascii_alphanumeric());
            inside.extend(places.map(|(i, c)| (at + i, c)));
        }
        at += line.len();
    }
    let text = text.to_owned();
    inside.into_iter().map(move |(at, c)| {
        let other = match c {
            '9' => '8',
            'z' | 'Z' => 'a',
            c => char::from(c as u8 + 1),
        };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    })
}

#[test]
fn whatever_is_changed_is_refused() {
    let folder = TempDir::new().unwrap();
    let key = Key::new(folder.path().join("key"));
    let keys = Keys::find(Some(&key.file));
    let path = folder.path().join("a.yaml");
    std::fs::write(
        &path,
        "user: ana\npassword: hunter2\nlist: [1, 2]\nnote_unencrypted: 5\n",
    )
    .unwrap();
    let text = sops::encrypt(&path, &[&key.recipient], &[]);
    assert!(keys.check(&sealed("a.yaml", &text)).is_ok());
    let mut tried = 0;
    for bad in damaged(&text) {
        let broken = keys.open(&sealed("a.yaml", &bad)).is_err();
        assert!(broken, "accepted:\n{bad}");
        tried += 1;
    }
    assert!(tried > 800, "{tried}");
    // What stands somewhere else, is gone or is new.
    let lines: Vec<&str> = text.lines().collect();
    let (user, password) = (
        lines[0].split_once(' ').unwrap().1,
        lines[1].split_once(' ').unwrap().1,
    );
    let swapped = text
        .replace(user, "\u{1}")
        .replace(password, user)
        .replace('\u{1}', password);
    let note = text.replace("note_unencrypted: 5", "note_unencrypted: 6");
    let renamed = text.replacen("user:", "owner:", 1);
    let gone = lines[1..].join("\n");
    let turned = [&lines[1..2], &lines[..1], &lines[2..]].concat().join("\n");
    let emptied = text.replace(user, "\"\"");
    let added = format!("more: \"\"\nmore_unencrypted: x\n{text}");
    for (what, bad) in [
        ("swapped", swapped),
        ("note", note),
        ("renamed", renamed),
        ("gone", gone),
        ("turned", turned),
        ("emptied", emptied),
        ("added", added),
    ] {
        assert_ne!(bad, text, "{what}");
        assert!(
            keys.open(&sealed("a.yaml", &bad)).is_err(),
            "{what}:\n{bad}"
        );
    }
}

#[test]
fn only_the_keys_it_is_encrypted_for_open_it_and_each_tenant_has_its_own() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (ours, theirs) = (Key::new(at("ours")), Key::new(at("theirs")));
    let path = at("a.yaml");
    std::fs::write(&path, "user: ana\n").unwrap();
    let text = sops::encrypt(&path, &[&ours.recipient], &[]);
    let file = sealed("a.yaml", &text);
    let said = |keys: &Keys| {
        keys.check(&file)
            .map_err(|error| format!("{error}; {}", error.help()))
    };
    assert_eq!(said(&Keys::find(Some(&ours.file))), Ok(()));
    let wrong = said(&Keys::find(Some(&theirs.file))).unwrap_err();
    assert!(
        wrong.contains(&ours.recipient) && wrong.contains("not among them"),
        "{wrong}"
    );
    let none = said(&Keys::find(Some(&at("missing")))).unwrap_err();
    assert!(none.contains("cannot be read"), "{none}");
    assert!(said(&Keys::default()).unwrap_err().contains("--sops-key"));
    // A directory, as a mounted Secret is one: no tenant's file is opened with the key of another.
    let all = at("all");
    std::fs::create_dir(&all).unwrap();
    std::fs::copy(&ours.file, all.join("identity.agekey")).unwrap();
    let keys = Keys::find(Some(&all));
    assert!(keys.are_apart() && !Keys::find(Some(&ours.file)).are_apart());
    assert!(said(&keys).unwrap_err().contains("payments.agekey"));
    std::fs::copy(&theirs.file, all.join("payments.agekey")).unwrap();
    assert!(said(&keys).unwrap_err().contains("not among them"));
    std::fs::copy(&ours.file, all.join("payments.agekey")).unwrap();
    assert_eq!(said(&keys), Ok(()));
    // Several recipients: any of them opens it.
    let path = at("b.yaml");
    std::fs::write(&path, "user: ana\n").unwrap();
    let text = sops::encrypt(&path, &[&theirs.recipient, &ours.recipient], &[]);
    for key in [&ours, &theirs] {
        assert!(
            Keys::find(Some(&key.file))
                .check(&sealed("b.yaml", &text))
                .is_ok()
        );
    }
    std::fs::write(&ours.file, "AGE-SECRET-KEY-PQ-1QQQ\n").unwrap();
    let said = said(&Keys::find(Some(&ours.file))).unwrap_err();
    assert!(said.contains("line 1") && !said.contains("QQQ"), "{said}");
}
