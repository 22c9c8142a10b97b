//! Answers to queries, kept as the bytes that were sent, and given again when the database proves that they are still
//! true. Why it is safe is in `docs/adr/` (answers are kept); which answers are kept, and for whom, in [`rule`].
//!
//! An answer's way: the request is looked up by its bytes and by whose eyes it is for. What is found is only given after
//! one statement, shared by all requests of that moment, has shown that nothing it depends on was committed by any node
//! since before it was computed, and while the time is one at which it says the same.

pub mod horizon;
pub mod rule;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_graphql::parser::types::ExecutableDocument;
use bytes::Bytes;
use domain::{Timestamp, viewer::Viewer};
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest as _, Sha256};

use self::{
    horizon::Horizon,
    rule::{Scope, Shown},
};
use crate::{
    change::{ChangeWatch, Generations},
    error::StoreError,
    http::operation,
};

/// What an answer weighs besides its bytes: the key, the counts, and the cache's own books.
const OVERHEAD: u64 = 512;
/// An answer of more bytes than this part of the cache is not kept: it would drive out too many others.
const LARGEST_PART: u64 = 8;

/// A request as the cache knows it: the SHA-256 of its bytes and of how it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// Of a POST's body.
    #[must_use]
    pub fn of_body(body: &[u8]) -> Self {
        Self::of(b"POST", body)
    }

    /// Of a GET's query string.
    #[must_use]
    pub fn of_query_string(query: &str) -> Self {
        Self::of(b"GET ", query.as_bytes())
    }

    fn of(method: &[u8; 4], bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update(method).chain_update(bytes).finalize().into())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    request: RequestDigest,
    scope: Scope,
}

struct Answer {
    kept: Kept,
    generations: Generations,
    /// The times at which it says the same: from, and until just before.
    from: Timestamp,
    ends_at: Option<Timestamp>,
}

impl Answer {
    fn holds(&self, scope: Scope, generations: &Generations, now: Timestamp) -> bool {
        self.generations.agree(generations, rule::depends_on(scope))
            && self.from <= now
            && self.ends_at.is_none_or(|end| now < end)
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Arc<Answer>> for ByBytes {
    fn weight(&self, _: &Key, answer: &Arc<Answer>) -> u64 {
        (answer.kept.body.len() as u64).saturating_add(OVERHEAD)
    }
}

/// The answers that are kept.
pub struct AnswerCache {
    watch: ChangeWatch,
    answers: Cache<Key, Arc<Answer>, ByBytes>,
    largest: u64,
    given: AtomicU64,
}

/// An answer that was kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The body as it was sent.
    pub body: Bytes,
    /// The operation's name, for the log.
    pub operation_name: Option<Arc<str>>,
    /// Whether it shows the catalog alone, as strangers see it.
    pub is_everybodys: bool,
}

/// What looking for an answer found.
#[expect(
    clippy::large_enum_variant,
    reason = "made and taken apart once a request, on the stack"
)]
pub enum Found {
    /// One that holds.
    Answer(Kept),
    /// None that holds. What was learned on the way spares the next step a statement.
    Nothing(Miss),
}

/// A request without a kept answer.
#[derive(Clone, Copy, Debug)]
pub struct Miss {
    request: RequestDigest,
    generations: Option<Generations>,
}

impl From<RequestDigest> for Miss {
    /// A request that nothing was looked up for.
    fn from(request: RequestDigest) -> Self {
        let generations = None;
        Self { request, generations }
    }
}

/// An answer that is about to be computed, to be kept.
pub struct Pending {
    cache: Arc<AnswerCache>,
    key: Key,
    operation_name: Option<Arc<str>>,
    generations: Generations,
    from: Timestamp,
    horizon: Horizon,
}

impl AnswerCache {
    /// A cache of at most `capacity` bytes, its books included.
    #[must_use]
    pub fn new(watch: ChangeWatch, capacity: u64) -> Self {
        let items = usize::try_from(capacity / (2 * 1024))
            .unwrap_or(usize::MAX)
            .clamp(64, 1 << 20);
        Self {
            watch,
            answers: Cache::with_weighter(items, capacity, ByBytes),
            largest: capacity / LARGEST_PART,
            given: AtomicU64::new(0),
        }
    }

    /// Forgets all answers: what may be asked has changed.
    pub fn clear(&self) {
        self.answers.clear();
    }

    /// How many kept answers were given.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// The answer to this request for this viewer, if one is kept and holds.
    ///
    /// # Errors
    /// When the database does not say whether it holds.
    pub async fn find(&self, viewer: Viewer, request: RequestDigest) -> Result<Found, StoreError> {
        self.find_at(viewer, request, Timestamp::now()).await
    }

    async fn find_at(&self, viewer: Viewer, request: RequestDigest, now: Timestamp) -> Result<Found, StoreError> {
        let kept = [Shown::Catalog, Shown::Viewer].into_iter().find_map(|shown| {
            let scope = rule::scope(shown, viewer);
            Some((scope, self.answers.get(&Key { request, scope })?))
        });
        let Some((scope, answer)) = kept else {
            return Ok(Found::Nothing(request.into()));
        };
        let generations = self.watch.generations().await?;
        if answer.holds(scope, &generations, now) {
            self.given.fetch_add(1, Ordering::Relaxed);
            return Ok(Found::Answer(answer.kept.clone()));
        }
        Ok(Found::Nothing(Miss {
            request,
            generations: Some(generations),
        }))
    }

    /// Begins to compute the answer to an operation at `now`; `None` when it is not to be kept. It must be called before
    /// anything is read for it.
    pub async fn begin(
        self: &Arc<Self>,
        miss: Miss,
        viewer: Viewer,
        (document, operation_name): (&ExecutableDocument, Option<&str>),
        now: Timestamp,
    ) -> Option<Pending> {
        let operation = operation::select(document, operation_name).ok()?;
        let shown = rule::shown(document, operation)?;
        let generations = match miss.generations {
            Some(generations) => generations,
            // Without the database's word the query itself will say what is wrong.
            None => self.watch.generations().await.ok()?,
        };
        Some(Pending {
            cache: Arc::clone(self),
            key: Key {
                request: miss.request,
                scope: rule::scope(shown, viewer),
            },
            operation_name: operation_name.map(Arc::from),
            generations,
            from: now,
            horizon: Horizon::default(),
        })
    }
}

impl Pending {
    /// Where the resolvers note until when what they say stays true by itself.
    #[must_use]
    pub fn horizon(&self) -> Horizon {
        self.horizon.clone()
    }

    /// Keeps the answer's body. It must be one without errors.
    pub fn keep(self, body: &Bytes) {
        let Self {
            cache,
            key,
            operation_name,
            generations,
            from,
            horizon,
        } = self;
        if body.len() as u64 > cache.largest {
            return;
        }
        let kept = Kept {
            body: body.clone(),
            operation_name,
            is_everybodys: key.scope == Scope::CatalogOfStrangers,
        };
        let answer = Answer {
            kept,
            generations,
            from,
            ends_at: horizon.ends_at(),
        };
        cache.answers.insert(key, Arc::new(answer));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
