//! A trail as a file: appended under a lock, and on the disk before anything is written to a cluster.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{AuditError, begins};
use crate::report::audit::{End, Entry, end_of};

/// Most bytes of one trail; then it has to be put away.
const MAX_TRAIL: u64 = 1 << 30;
/// How often the lock of a trail is tried, and the pause in between: ten seconds in all.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// A trail in a file. Clones write to the same one.
#[derive(Debug, Clone)]
pub struct FileTrail {
    path: PathBuf,
    /// The length of the file when we wrote it last, and its end then.
    known: Arc<Mutex<Option<(u64, End)>>>,
}

impl FileTrail {
    /// The trail of this name in a directory. `name` is made of letters, digits, `-` and `.`.
    pub(super) fn new(directory: &Path, name: &str) -> Self {
        Self {
            path: directory.join(format!("{name}.jsonl")),
            known: Arc::default(),
        }
    }

    /// Adds a line and waits until the disk has it. What others may have written is checked before: a
    /// broken trail is not continued.
    pub(super) fn add(&self, entry: Entry, at: Timestamp) -> Result<(), AuditError> {
        let disk = |error: std::io::Error| AuditError::store(self.path.display(), error);
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory).map_err(disk)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&self.path).map_err(disk)?;
        self.lock(&file, TRIES)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let length = file.metadata().map_err(disk)?.len();
        let end = match &*known {
            Some((then, end)) if *then == length => end.clone(),
            kept => self.end(&mut file, kept.as_ref().map(|(_, end)| end))?,
        };
        begins(self.path.display(), &end, &entry);
        let (line, end) = end.next(entry, at).map_err(|error| disk(error.into()))?;
        let start = file.seek(SeekFrom::End(0)).map_err(disk)?;
        file.write_all(line.as_bytes()).map_err(disk)?;
        file.sync_data().map_err(disk)?;
        let added = u64::try_from(line.len()).unwrap_or(u64::MAX);
        *known = Some((start.saturating_add(added), end));
        Ok(())
    }

    /// Locks the file until it is closed.
    fn lock(&self, file: &File, tries: u32) -> Result<(), AuditError> {
        for _ in 0..tries {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => {
                    return Err(AuditError::store(self.path.display(), error));
                }
            }
        }
        let reason = "another process keeps it locked: find out which one, as with `lsof`";
        Err(AuditError::store(self.path.display(), reason))
    }

    /// The trail in this file.
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            known: Arc::default(),
        }
    }

    /// All of it, as it is.
    pub(super) fn text(&self) -> Result<String, AuditError> {
        fs::read_to_string(&self.path)
            .map_err(|error| AuditError::store(self.path.display(), error))
    }

    /// The end of what is there, among it what we wrote. A last line without its end was never finished,
    /// so that nothing was done by it: it goes.
    fn end(&self, file: &mut File, kept: Option<&End>) -> Result<End, AuditError> {
        let disk = |error: std::io::Error| AuditError::store(self.path.display(), error);
        if file.metadata().map_err(disk)?.len() > MAX_TRAIL {
            let reason = "it is larger than 1 GiB: put it away and start kubemate again";
            return Err(disk(std::io::Error::other(reason)));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(disk)?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            let length = u64::try_from(whole).unwrap_or(u64::MAX);
            file.set_len(length).map_err(disk)?;
        }
        let place = self.path.display();
        end_of(&text[..whole], kept).map_err(|broken| AuditError::broken(place, broken))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a trail is a file")]
mod tests {
    use super::*;
    use crate::report::audit::read;

    fn entry(commit: &str) -> Entry {
        Entry {
            commit: commit.to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn a_trail_that_others_keep_locked_is_not_waited_for_without_end() {
        let directory = tempfile::tempdir().unwrap();
        let trail = FileTrail::new(directory.path(), "here-dev");
        let [theirs, ours] = [(); 2].map(|()| File::create(&trail.path).unwrap());
        theirs.lock().unwrap();
        let refused = trail.lock(&ours, 2).unwrap_err().to_string();
        assert!(refused.contains("locked"), "{refused}");
        drop(theirs);
        trail.lock(&ours, 2).unwrap();
    }

    #[test]
    fn a_trail_goes_on_after_restarts_and_a_torn_line_and_stops_at_a_broken_one() {
        let directory = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-05-04T10:00:00Z".parse().unwrap();
        let trail = || FileTrail::new(directory.path(), "here-dev");
        let first = trail();
        first.add(entry("a"), now).unwrap();
        first.add(entry("b"), now).unwrap();
        // Another process writes between.
        trail().add(entry("c"), now).unwrap();
        first.add(entry("d"), now).unwrap();
        let path = directory.path().join("here-dev.jsonl");
        let whole = fs::read_to_string(&path).unwrap();
        let (lines, _) = read(&whole).unwrap();
        let commits: Vec<&str> = lines.iter().map(|l| l.entry.commit.as_str()).collect();
        assert_eq!(commits, ["a", "b", "c", "d"]);
        // The process dies in the middle of every possible byte of a line.
        for cut in [1, 20, whole.lines().next().unwrap().len()] {
            fs::write(&path, format!("{whole}{}", &whole[..cut])).unwrap();
            trail().add(entry("e"), now).unwrap();
            let (lines, _) = read(&fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(lines.len(), 5);
        }
        let changed = whole.replace("\"b\"", "\"x\"");
        fs::write(&path, &changed).unwrap();
        let refused = trail().add(entry("e"), now).unwrap_err();
        assert!(matches!(refused, AuditError::Broken { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), changed);
        // Who wrote the last line knows that it is gone; who comes anew cannot.
        let cut = whole.lines().take(3).map(|line| format!("{line}\n"));
        fs::write(&path, cut.collect::<String>()).unwrap();
        for _ in 0..2 {
            let refused = first.add(entry("e"), now).unwrap_err();
            assert!(matches!(refused, AuditError::Broken { .. }), "{refused}");
        }
        trail().add(entry("e"), now).unwrap();
    }
}
