//! Documents that were parsed before: clients send the same few again and again, and parsing one takes as long as a third
//! of its execution.
//!
//! What is kept depends on the text alone: neither on who asks nor on variables. Measuring and validating, which do, are
//! done each time.

use std::{fmt, sync::Arc};

use async_graphql::parser::types::ExecutableDocument;
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest as _, Sha256};

/// All texts together, in bytes. A parsed document takes some tens of bytes for each byte of its text.
const TEXTS: u64 = 256 * 1024;
/// The longest text, in bytes, whose document is kept.
const LONGEST: usize = 8 * 1024;
/// About how long a text is.
const USUAL: u64 = 256;

/// The SHA-256 of a text.
type Digest = [u8; 32];

/// Parsed documents. Those that are sent again stay longer than those that were sent once. Clones are the same.
#[derive(Clone)]
pub struct ParsedDocuments(Arc<Cache<Digest, Parsed, ByText>>);

#[derive(Clone)]
struct Parsed {
    document: Arc<ExecutableDocument>,
    length: u64,
}

#[derive(Clone)]
struct ByText;

impl Weighter<Digest, Parsed> for ByText {
    fn weight(&self, _: &Digest, parsed: &Parsed) -> u64 {
        parsed.length
    }
}

impl Default for ParsedDocuments {
    fn default() -> Self {
        let items = usize::try_from(TEXTS / USUAL).unwrap_or(usize::MAX);
        Self(Arc::new(Cache::with_weighter(items, TEXTS, ByText)))
    }
}

impl fmt::Debug for ParsedDocuments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ParsedDocuments").finish_non_exhaustive()
    }
}

impl ParsedDocuments {
    /// The document of this text: one that is kept, or else what `parse` makes of it.
    ///
    /// # Errors
    /// What `parse` says. Nothing of it is kept.
    pub(super) fn get<E>(
        &self,
        text: &str,
        parse: impl FnOnce() -> Result<ExecutableDocument, E>,
    ) -> Result<Arc<ExecutableDocument>, E> {
        // A text that holds values instead of variables may hold a password, which is not to be kept.
        if text.len() > LONGEST || text.contains('"') {
            return parse().map(Arc::new);
        }
        let digest = Sha256::digest(text).into();
        if let Some(kept) = self.0.get(&digest) {
            return Ok(kept.document);
        }
        let document = Arc::new(parse()?);
        let kept = Parsed {
            document: Arc::clone(&document),
            length: text.len() as u64,
        };
        self.0.insert(digest, kept);
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn a_text_is_parsed_once_and_another_one_is_another_document() {
        let documents = ParsedDocuments::default();
        let count = Cell::new(0);
        let fields = |text: &str| {
            let parse = || {
                count.set(count.get() + 1);
                parse_query(text)
            };
            let document = documents.get(text, parse).unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            operation.node.selection_set.node.items.len()
        };
        for _ in 0..3 {
            assert_eq!((fields("{ a }"), fields("{ a b }")), (1, 2));
        }
        assert_eq!(count.get(), 2);
        assert!(documents.get("{", || parse_query("{")).is_err());
        assert!(documents.get("{", || parse_query("{")).is_err());
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_again_stays() {
        let documents = ParsedDocuments::default();
        let parsed = |text: &str| {
            let mut is_new = false;
            let parse = || {
                is_new = true;
                parse_query(text)
            };
            documents.get(text, parse).unwrap();
            is_new
        };
        assert!(parsed("{ often }"));
        for number in 0..5_000 {
            parsed(&format!("{{ {}: seldom{number} }}", "x".repeat(200)));
            assert!(!parsed("{ often }"));
        }
        assert!(documents.0.weight() <= TEXTS);
        let long = format!("{{ {} }}", "x".repeat(LONGEST));
        assert!(parsed(&long) && parsed(&long), "too long to be kept");
        let secret = "{ a(password: \"secret\") }";
        assert!(parsed(secret) && parsed(secret), "not to be kept");
    }
}
