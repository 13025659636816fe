//! What is known to be otherwise for some fields: lists below `tests/golden/reach`, one field a line
//! with its reason. Each list is exact: a field that is missing there, and one that is there without
//! need, fail the test. With `KUBEMATE_BLESS` they are written anew, and lines without a reason are
//! left for a person to fill in.
#![expect(clippy::disallowed_methods, reason = "the lists are files")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// One list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Fields that no sound text of these tests can have: a rule refuses them, or they stand elsewhere.
    Unwritten,
    /// Fields that stand in a text and can neither be left out nor written otherwise on their own.
    Fixed,
    /// Fields that change no object: kubemate itself follows them, or their value says what goes without
    /// saying.
    Silent,
    /// Fields that the server refuses to change in place.
    Frozen,
}

impl List {
    fn file(self) -> PathBuf {
        let name = match self {
            Self::Unwritten => "unwritten",
            Self::Fixed => "fixed",
            Self::Silent => "silent",
            Self::Frozen => "frozen",
        };
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        root.join(format!("tests/golden/reach/{name}.txt"))
    }

    /// The fields with their reasons.
    fn read(self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        let line = |line: &str| {
            let (field, reason) = line.split_once(':').unwrap_or((line, ""));
            (field.trim().to_owned(), reason.trim().to_owned())
        };
        text.lines()
            .filter(|l| !l.trim().is_empty())
            .map(line)
            .collect()
    }

    /// The fields.
    pub(super) fn fields(self) -> BTreeSet<String> {
        self.read().into_keys().collect()
    }

    /// What was found among some fields is what the list says of these, each with a reason.
    pub(super) fn agrees(self, among: impl Fn(&str) -> bool, found: &BTreeSet<String>) {
        let mut listed = self.read();
        if std::env::var("KUBEMATE_BLESS").is_ok() {
            listed.retain(|field, _| !among(field) || found.contains(field));
            for field in found {
                listed.entry(field.clone()).or_default();
            }
            let lines: String = listed.iter().map(|(f, r)| format!("{f}: {r}\n")).collect();
            std::fs::create_dir_all(self.file().parent().unwrap()).unwrap();
            std::fs::write(self.file(), lines).unwrap();
        }
        let here: BTreeSet<String> = listed.keys().filter(|f| among(f)).cloned().collect();
        let more: Vec<_> = found.difference(&here).collect();
        let fewer: Vec<_> = here.difference(found).collect();
        assert!(
            more.is_empty() && fewer.is_empty(),
            "{self:?}: found and not listed {more:#?}, listed and not found {fewer:#?}"
        );
        let bare: Vec<_> = listed
            .iter()
            .filter(|(_, reason)| reason.is_empty())
            .collect();
        assert!(bare.is_empty(), "{self:?}: without a reason {bare:#?}");
    }
}
