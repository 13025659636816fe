//! What is known to be otherwise for some fields: `src/kinds/KIND/fields.txt`, in each line a list, one of its
//! fields and the reason. Each list is exact: a field that is missing there, and one that is there without
//! need, fail the test. With `KUBEMATE_BLESS` they are written anew, and lines without a reason are
//! left for a person to fill in.
#![expect(clippy::disallowed_methods, reason = "the lists are files")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use kubemate::kinds;

/// What else may stand in these files: fields that the example bank does without.
const UNUSED: &str = "unused";
/// Tests beside each other write lists of the same file.
static WRITING: Mutex<()> = Mutex::new(());

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

/// The lines of a kind's file: list and field with the reason.
type Lines = BTreeMap<(String, String), String>;

fn file(kind: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join(format!("src/kinds/{}/fields.txt", kind.replace('-', "_")))
}

fn read(kind: &str) -> Lines {
    let text = std::fs::read_to_string(file(kind)).unwrap_or_default();
    let line = |line: &str| {
        let (what, reason) = line.split_once(':').unwrap_or((line, ""));
        let (list, field) = what.trim().split_once(' ').unwrap_or((what.trim(), ""));
        let known = List::ALL.iter().any(|one| one.word() == list) || list == UNUSED;
        assert!(known, "{}: no list `{list}`", file(kind).display());
        let of_kind = field.split('/').next() == Some(kind);
        assert!(of_kind, "{}: not of {kind}: {line}", file(kind).display());
        (
            (list.to_owned(), field.to_owned()),
            reason.trim().to_owned(),
        )
    };
    text.lines()
        .filter(|l| !l.trim().is_empty())
        .map(line)
        .collect()
}

fn write(kind: &str, lines: &Lines) {
    let line = |((list, field), reason): (&(String, String), &String)| {
        format!("{list} {field}: {reason}\n")
    };
    let text: String = lines.iter().map(line).collect();
    std::fs::create_dir_all(file(kind).parent().unwrap()).unwrap();
    std::fs::write(file(kind), text).unwrap();
}

impl List {
    const ALL: [Self; 4] = [Self::Unwritten, Self::Fixed, Self::Silent, Self::Frozen];

    fn word(self) -> &'static str {
        match self {
            Self::Unwritten => "unwritten",
            Self::Fixed => "fixed",
            Self::Silent => "silent",
            Self::Frozen => "frozen",
        }
    }

    /// The fields with their reasons.
    fn read(self) -> BTreeMap<String, String> {
        let all = kinds::NAMES.iter().flat_map(|kind| read(kind));
        let own = all.filter(|((list, _), _)| list == self.word());
        own.map(|((_, field), reason)| (field, reason)).collect()
    }

    /// The fields.
    pub(super) fn fields(self) -> BTreeSet<String> {
        self.read().into_keys().collect()
    }

    /// Writes what was found among some fields. Reasons that stand there already stay.
    fn bless(self, among: impl Fn(&str) -> bool, found: &BTreeSet<String>) {
        let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in kinds::NAMES {
            let before = read(kind);
            let mut lines = before.clone();
            let stays = |list: &str, field: &String| {
                list != self.word() || !among(field) || found.contains(field)
            };
            lines.retain(|(list, field), _| stays(list, field));
            let of_kind = |field: &&String| field.split('/').next() == Some(*kind);
            for field in found.iter().filter(of_kind) {
                let line = (self.word().to_owned(), field.clone());
                lines.entry(line).or_default();
            }
            if lines != before {
                write(kind, &lines);
            }
        }
    }

    /// What was found among some fields is what the list says of these, each with a reason.
    pub(super) fn agrees(self, among: impl Fn(&str) -> bool, found: &BTreeSet<String>) {
        if std::env::var("KUBEMATE_BLESS").is_ok() {
            self.bless(&among, found);
        }
        let listed = self.read();
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
