//! Documents that clients have sent once with their hash, and name by it afterwards (automatic persisted queries).
//!
//! A document is kept when it fits the schema, not when it is sent. Those of strangers and those of accounts are kept
//! apart, so that no stranger drives out what accounts use; within each, what was used again stays longer than what came
//! once (S3-FIFO). What is driven out is sent once more with its text, and that is all.

use std::{fmt, sync::Arc};

use quick_cache::{Weighter, sync::Cache};

use super::document_hash::DocumentHash;

/// What a document weighs besides its text: the key, and the cache's own books.
const OVERHEAD: u64 = 256;
/// A document of more than this part of its cache is not kept: it would drive out too many others.
const LARGEST_PART: u64 = 16;

/// The documents that are kept. Each half of the memory is filled by one kind of caller; all find all.
pub struct PersistedQueries {
    of_accounts: Cache<DocumentHash, Arc<str>, ByBytes>,
    of_strangers: Cache<DocumentHash, Arc<str>, ByBytes>,
    largest: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<DocumentHash, Arc<str>> for ByBytes {
    fn weight(&self, _: &DocumentHash, text: &Arc<str>) -> u64 {
        weight(text)
    }
}

fn weight(text: &str) -> u64 {
    (text.len() as u64).saturating_add(OVERHEAD)
}

impl PersistedQueries {
    /// Keeps documents in at most `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let half = capacity / 2;
        let items = usize::try_from(half / 1024).unwrap_or(usize::MAX).clamp(16, 1 << 16);
        let cache = || Cache::with_weighter(items, half, ByBytes);
        Self {
            of_accounts: cache(),
            of_strangers: cache(),
            largest: half / LARGEST_PART,
        }
    }

    /// The document of this hash, if it is kept.
    #[must_use]
    pub fn get(&self, hash: DocumentHash) -> Option<Arc<str>> {
        self.of_accounts.get(&hash).or_else(|| self.of_strangers.get(&hash))
    }

    /// Keeps a document that fits the schema and has this hash.
    pub fn keep(&self, hash: DocumentHash, text: &str, is_signed_in: bool) {
        // A text with a literal may hold a password, and whoever guesses the text can try its hash.
        if weight(text) > self.largest || text.contains('"') {
            return;
        }
        let kept = if is_signed_in {
            &self.of_accounts
        } else {
            &self.of_strangers
        };
        if !kept.contains_key(&hash) {
            kept.insert(hash, Arc::from(text));
        }
    }
}

impl fmt::Debug for PersistedQueries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PersistedQueries")
            .field("documents", &(self.of_accounts.len() + self.of_strangers.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(number: usize) -> String {
        format!("query Number{number} {{ portal {{ name }} }}")
    }

    #[test]
    fn strangers_drive_out_nothing_of_accounts_and_no_bound_is_passed() {
        const CAPACITY: u64 = 64 * 1024;
        let queries = PersistedQueries::new(CAPACITY);
        let own = DocumentHash::of(&document(0));
        queries.keep(own, &document(0), true);
        for number in 1..5000 {
            let text = document(number);
            queries.keep(DocumentHash::of(&text), &text, false);
        }
        assert_eq!(queries.get(own).as_deref(), Some(document(0).as_str()));
        assert!(queries.of_strangers.weight() <= CAPACITY / 2);
        assert!(queries.of_strangers.len() > 10);
        assert_eq!(queries.of_accounts.len(), 1);
    }

    #[test]
    fn what_strangers_keep_is_found_by_all_and_nothing_too_large_is_kept() {
        let queries = PersistedQueries::new(64 * 1024);
        let hash = DocumentHash::of(&document(1));
        assert_eq!(queries.get(hash), None);
        queries.keep(hash, &document(1), false);
        assert!(queries.get(hash).is_some());
        let large = format!("{{ portal {{ name }} }} # {}", "x".repeat(4096));
        queries.keep(DocumentHash::of(&large), &large, true);
        assert_eq!(queries.get(DocumentHash::of(&large)), None);
    }

    #[test]
    fn what_is_used_again_outlives_what_came_once() {
        let queries = PersistedQueries::new(64 * 1024);
        let used: Vec<_> = (0..10).map(|number| DocumentHash::of(&document(number))).collect();
        for (number, hash) in used.iter().enumerate() {
            queries.keep(*hash, &document(number), false);
        }
        for number in 100..2000 {
            for hash in &used {
                assert!(queries.get(*hash).is_some(), "{number}");
            }
            let text = document(number);
            queries.keep(DocumentHash::of(&text), &text, false);
        }
        assert!(used.iter().all(|hash| queries.get(*hash).is_some()));
    }
}
