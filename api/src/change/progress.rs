//! How the follower gets on, for health checks and metrics.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use domain::Timestamp;

/// Numbers that one follower writes and anybody reads.
#[derive(Debug, Default)]
pub struct Progress {
    healthy: AtomicBool,
    /// In milliseconds; 0: never.
    read_at: AtomicI64,
    rows: AtomicU64,
    full_loads: AtomicU64,
    failures: AtomicU64,
}

impl Progress {
    /// The log was read, or was not.
    pub(super) fn tried(&self, has_worked: bool) {
        self.healthy.store(has_worked, Relaxed);
        if has_worked {
            self.read_at.store(Timestamp::now().as_millis(), Relaxed);
        } else {
            self.failures.fetch_add(1, Relaxed);
        }
    }

    /// The log was read, and what it named is not all held yet.
    pub(super) fn read_in_part(&self) {
        self.healthy.store(true, Relaxed);
    }

    /// Everything was read anew.
    pub(super) fn loaded(&self) {
        self.full_loads.fetch_add(1, Relaxed);
        self.tried(true);
    }

    /// So many objects were read because the log named them.
    pub(super) fn applied(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Relaxed);
    }

    /// Whether the last read worked.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Relaxed)
    }

    /// When a read last worked.
    #[must_use]
    pub fn read_at(&self) -> Option<Timestamp> {
        match self.read_at.load(Relaxed) {
            0 => None,
            at => Some(Timestamp::from_millis(at)),
        }
    }

    /// Objects read because the log named them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }

    /// Times that everything was read anew.
    #[must_use]
    pub fn full_loads(&self) -> u64 {
        self.full_loads.load(Relaxed)
    }

    /// Reads that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }
}
