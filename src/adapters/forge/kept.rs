//! Answers that are kept for conditional requests: few, small, and the longest unused goes first.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderValue;

/// Most answers.
const MOST: usize = 128;
/// Most bytes of one answer, and of all of them.
const MAX_ONE: usize = 256 * 1024;
const MAX_ALL: usize = 1024 * 1024;

/// An answer as it came.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) etag: HeaderValue,
    pub(super) body: Bytes,
    pub(super) page: Page,
}

/// What the headers of an answer say of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Whether no page follows, where the forge says.
    pub(super) last: Option<bool>,
    /// How many items there are on all pages, where the forge says.
    pub(super) total: Option<usize>,
}

impl Page {
    /// What counts where a forge says that an answer did not change, and `said` this with it. A page may have
    /// come behind one that was the last, and that changes nothing in it.
    pub(super) fn still(self, said: Self) -> Self {
        if said != Self::default() {
            return said;
        }
        let more = self.total.is_some() || self.last == Some(false);
        Self {
            last: more.then_some(false),
            total: None,
        }
    }
}

/// Answers by their path, each with when it was used last.
#[derive(Default)]
pub(super) struct Shelf {
    all: BTreeMap<String, (u64, Kept)>,
    uses: u64,
    bytes: usize,
}

impl Shelf {
    pub(super) fn get(&mut self, path: &str) -> Option<Kept> {
        self.uses += 1;
        let (used, kept) = self.all.get_mut(path)?;
        *used = self.uses;
        Some(kept.clone())
    }

    /// Keeps an answer in the place of what was kept for its path; one that is too large is not kept.
    pub(super) fn put(&mut self, path: &str, kept: Kept) {
        self.remove(path);
        if kept.body.len() > MAX_ONE {
            return;
        }
        self.uses += 1;
        self.bytes += kept.body.len();
        self.all.insert(path.to_owned(), (self.uses, kept));
        while self.all.len() > MOST || self.bytes > MAX_ALL {
            let oldest = self.all.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(path, _)| path.clone()) else {
                return;
            };
            self.remove(&oldest);
        }
    }

    pub(super) fn remove(&mut self, path: &str) {
        if let Some((_, kept)) = self.all.remove(path) {
            self.bytes -= kept.body.len();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes: usize) -> Kept {
        Kept {
            etag: HeaderValue::from_static("\"a\""),
            body: vec![0; bytes].into(),
            page: Page::default(),
        }
    }

    #[test]
    fn r_96_what_is_kept_is_bounded_and_the_longest_unused_goes_first() {
        let mut shelf = Shelf::default();
        for number in 0..MOST {
            shelf.put(&format!("/{number}"), kept(10));
        }
        assert!(shelf.get("/0").is_some());
        shelf.put("/more", kept(10));
        assert!(shelf.get("/0").is_some() && shelf.get("/more").is_some());
        assert!(shelf.get("/1").is_none(), "nobody asked for it longest");
        shelf.put("/0", kept(MAX_ONE + 1));
        assert!(shelf.get("/0").is_none(), "what was kept is not the same");
        for number in 0..20 {
            shelf.put(&format!("/large/{number}"), kept(MAX_ONE));
            assert!(shelf.bytes <= MAX_ALL);
        }
        let sum: usize = shelf.all.values().map(|(_, kept)| kept.body.len()).sum();
        assert_eq!(sum, shelf.bytes);
        assert!(shelf.get("/large/19").is_some() && shelf.get("/large/0").is_none());
        shelf.clear();
        assert_eq!((shelf.all.len(), shelf.bytes), (0, 0));
    }

    #[test]
    fn r_96_that_a_page_was_the_last_one_is_not_believed_again() {
        let page = |last, total| Page { last, total };
        let none = Page::default();
        for (kept, said, counts) in [
            (none, none, none),
            // How many items there are on it decides then.
            (page(Some(true), None), none, none),
            (page(Some(false), None), none, page(Some(false), None)),
            (page(None, Some(50)), none, page(Some(false), None)),
            (page(Some(true), Some(50)), none, page(Some(false), None)),
            (
                page(Some(true), None),
                page(Some(false), None),
                page(Some(false), None),
            ),
            (
                page(None, Some(50)),
                page(None, Some(51)),
                page(None, Some(51)),
            ),
        ] {
            assert_eq!(kept.still(said), counts, "{kept:?} {said:?}");
        }
    }
}
