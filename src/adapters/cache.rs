//! A small cache on disk: one packed file for each owner, loaded and stored as a whole.
//!
//! It only saves work. Whatever is missing, damaged, foreign or from another version counts as absent,
//! and no failure ever reaches the caller. Keys are digests of everything a value depends on, so an
//! entry is never wrong, only old. Nothing secret belongs in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// First bytes of a packed file; another format is another number.
const MAGIC: &[u8; 8] = b"KMPACK\x00\x01";
/// Magic, count and the digest of everything after it.
const HEAD: usize = 8 + 8 + 32;
/// Key, length and last use.
const ENTRY_HEAD: usize = 32 + 8 + 8;

/// How many times a pack is stored before a value goes that was not used meanwhile: what is loaded
/// stays small however often one file changes.
const KEPT_ROUNDS: u64 = 8;

/// The digest under which a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of `parts` in a namespace. Where one part ends and the next begins matters.
    pub fn new(namespace: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [namespace.as_bytes()].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

/// Sizes that a cache keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// One packed file, that is one owner.
    pub owner_bytes: u64,
    /// The whole directory.
    pub total_bytes: u64,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            owner_bytes: 64 * 1024 * 1024,
            total_bytes: 512 * 1024 * 1024,
        }
    }
}

/// A directory of packed files.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
    limits: CacheLimits,
}

impl Cache {
    /// A cache in this directory, which is made when something is stored.
    pub fn new(directory: PathBuf, limits: CacheLimits) -> Self {
        Self { directory, limits }
    }

    /// Everything that is kept for an owner. Owners never see each other's entries.
    pub fn load(&self, owner: &str) -> Pack {
        let bytes = read_bounded(&self.path(owner), self.limits.owner_bytes).unwrap_or_default();
        let kept = parse(&bytes.into()).unwrap_or_default();
        let round = kept.values().map(|entry| entry.used).max().unwrap_or(0) + 1;
        Pack {
            kept,
            round,
            changed: false,
        }
    }

    /// Writes a pack back if anything in it is new, and says whether it now lies on the disk. Call
    /// [`Cache::shrink`] when all are stored.
    pub fn store(&self, owner: &str, pack: &Pack) -> bool {
        if !pack.changed {
            return true;
        }
        let bytes = pack.to_bytes(self.limits.owner_bytes);
        self.replace(owner, &bytes).is_ok()
    }

    /// A reader sees the old file or the new one, never a part.
    fn replace(&self, owner: &str, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.directory)?;
        file.write_all(bytes)?;
        file.persist(self.path(owner))
            .map(drop)
            .map_err(|error| error.error)
    }

    /// Removes the longest unused files until the directory is within its limit.
    pub fn shrink(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files {
            if total <= self.limits.total_bytes {
                return;
            }
            if fs::remove_file(path).is_ok() {
                total -= bytes;
            }
        }
    }

    fn path(&self, owner: &str) -> PathBuf {
        let CacheKey(digest) = CacheKey::new("owner", &[owner.as_bytes()]);
        self.directory.join(format!(
            "{}.pack",
            blake3::Hash::from_bytes(digest).to_hex()
        ))
    }
}

/// One owner's entries in memory.
#[derive(Debug, Clone, Default)]
pub struct Pack {
    kept: BTreeMap<CacheKey, Kept>,
    round: u64,
    changed: bool,
}

#[derive(Debug, Clone)]
struct Kept {
    used: u64,
    value: Value,
}

/// A loaded value is a window on the file that was read, a new one stands for itself.
#[derive(Debug, Clone)]
enum Value {
    Window(Arc<[u8]>, usize, usize),
    Own(Vec<u8>),
}

impl Value {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Window(file, from, to) => file.get(*from..*to).unwrap_or_default(),
            Self::Own(bytes) => bytes,
        }
    }
}

impl Pack {
    /// The value under a key, which counts as a use.
    pub fn get(&mut self, key: CacheKey) -> Option<&[u8]> {
        self.touch(key);
        self.peek(key)
    }

    /// Counts as a use of what is kept under a key, if anything is.
    pub fn touch(&mut self, key: CacheKey) {
        if let Some(kept) = self.kept.get_mut(&key) {
            kept.used = self.round;
        }
    }

    /// The value under a key, without counting as a use.
    pub fn peek(&self, key: CacheKey) -> Option<&[u8]> {
        self.kept.get(&key).map(|kept| kept.value.bytes())
    }

    /// Keeps a value.
    pub fn put(&mut self, key: CacheKey, value: Vec<u8>) {
        self.changed = true;
        self.kept.insert(
            key,
            Kept {
                used: self.round,
                value: Value::Own(value),
            },
        );
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The packed file, the longest unused values left out as far as the limit demands.
    fn to_bytes(&self, limit: u64) -> Vec<u8> {
        let mut order: Vec<_> = self.kept.iter().collect();
        order.sort_by(|(k1, v1), (k2, v2)| v2.used.cmp(&v1.used).then(k1.cmp(k2)));
        let mut bytes = vec![0; HEAD];
        let mut count = 0_u64;
        for (CacheKey(key), kept) in order {
            let value = kept.value.bytes();
            if kept.used + KEPT_ROUNDS < self.round {
                continue;
            }
            if (bytes.len() + ENTRY_HEAD + value.len()) as u64 > limit {
                continue;
            }
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&kept.used.to_le_bytes());
            bytes.extend_from_slice(value);
            count += 1;
        }
        let digest = checksum(count, &bytes[HEAD..]);
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&count.to_le_bytes());
        bytes[16..HEAD].copy_from_slice(&digest);
        bytes
    }
}

fn checksum(count: u64, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&count.to_le_bytes()).update(body);
    *hasher.finalize().as_bytes()
}

fn read_bounded(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let metadata = file
        .metadata()
        .ok()
        .filter(|m| m.is_file() && m.len() <= limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// All entries, or nothing if a single bit is wrong.
fn parse(file: &Arc<[u8]>) -> Option<BTreeMap<CacheKey, Kept>> {
    let head = file.get(..HEAD)?;
    let count = u64::from_le_bytes(head[8..16].try_into().ok()?);
    if head[..8] != MAGIC[..] || head[16..] != checksum(count, &file[HEAD..]) {
        return None;
    }
    let mut kept = BTreeMap::new();
    let mut at = HEAD;
    for _ in 0..count {
        let head = file.get(at..at + ENTRY_HEAD)?;
        let key = CacheKey(head[..32].try_into().ok()?);
        let length = u64::from_le_bytes(head[32..40].try_into().ok()?);
        let used = u64::from_le_bytes(head[40..].try_into().ok()?);
        let from = at + ENTRY_HEAD;
        let to = from.checked_add(usize::try_from(length).ok()?)?;
        file.get(from..to)?;
        kept.insert(
            key,
            Kept {
                used,
                value: Value::Window(Arc::clone(file), from, to),
            },
        );
        at = to;
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u64) -> CacheKey {
        CacheKey::new("test", &[&i.to_le_bytes()])
    }

    fn cache(limits: CacheLimits) -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path().join("cache"), limits);
        (directory, cache)
    }

    #[test]
    fn what_is_stored_is_loaded_by_its_owner_alone() {
        let (_held, cache) = cache(CacheLimits::default());
        let mut pack = cache.load("a");
        assert!(pack.is_empty());
        for i in 0..3000 {
            pack.put(key(i), vec![7; 2000]);
        }
        assert!(cache.store("a", &pack));
        let started = std::time::Instant::now();
        let mut again = cache.load("a");
        let took = started.elapsed();
        assert_eq!(again.len(), 3000);
        assert_eq!(again.get(key(2999)), Some(&[7; 2000][..]));
        assert!(took.as_millis() < 200, "3,000 entries took {took:?}");
        assert!(cache.load("b").is_empty());
    }

    #[test]
    fn damage_counts_as_absence() {
        let (_held, cache) = cache(CacheLimits::default());
        let mut pack = Pack::default();
        pack.put(key(1), b"value".to_vec());
        assert!(cache.store("a", &pack));
        let path = cache.path("a");
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(cache.load("a").is_empty(), "flipped byte {at}");
        }
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            assert!(cache.load("a").is_empty(), "cut at {length}");
        }
        fs::write(&path, &good).unwrap();
        assert_eq!(cache.load("a").len(), 1);
    }

    #[test]
    fn the_longest_unused_entries_go_first() {
        let (_held, cache) = cache(CacheLimits {
            owner_bytes: 1000,
            total_bytes: 10_000,
        });
        let mut pack = cache.load("a");
        (0..3).for_each(|i| pack.put(key(i), vec![0; 200]));
        assert!(cache.store("a", &pack));
        let mut pack = cache.load("a");
        assert!(pack.get(key(1)).is_some());
        (3..5).for_each(|i| pack.put(key(i), vec![0; 200]));
        assert!(cache.store("a", &pack));
        let mut pack = cache.load("a");
        let left: Vec<_> = (0..5).filter(|i| pack.get(key(*i)).is_some()).collect();
        assert_eq!(left, [1, 3, 4]);
    }

    #[test]
    fn what_is_never_used_again_goes_after_some_rounds() {
        let (_held, cache) = cache(CacheLimits::default());
        for round in 0..30 {
            let mut pack = cache.load("a");
            assert!(pack.len() as u64 <= KEPT_ROUNDS + 2, "{round}");
            pack.put(key(round + 1), vec![0; 10]);
            let steady = pack.get(key(0)).is_some();
            assert_eq!(steady, round > 0);
            pack.put(key(0), vec![1; 10]);
            assert!(cache.store("a", &pack));
        }
    }

    #[test]
    fn the_directory_stays_within_its_limit() {
        let (_held, cache) = cache(CacheLimits {
            owner_bytes: 5000,
            total_bytes: 10_000,
        });
        for owner in 0..10 {
            let mut pack = Pack::default();
            pack.put(key(1), vec![0; 3000]);
            cache.store(&owner.to_string(), &pack);
            cache.shrink();
        }
        let total: u64 = fs::read_dir(&cache.directory)
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(total <= 10_000, "{total}");
        assert_eq!(cache.load("9").len(), 1, "the newest is kept");
    }

    #[test]
    fn no_failure_reaches_the_caller() {
        let (held, _) = cache(CacheLimits::default());
        let blocked = held.path().join("file");
        fs::write(&blocked, b"").unwrap();
        let cache = Cache::new(blocked, CacheLimits::default());
        let mut pack = cache.load("a");
        pack.put(key(1), Vec::new());
        assert!(!cache.store("a", &pack));
    }
}
