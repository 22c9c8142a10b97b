//! How far a request's body has come, for those who wait for the answer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::supervision::CoarseClock;

/// Shared by a request's body, which the connection to the upstream polls, and those who wait for the response.
#[derive(Debug)]
pub(crate) struct Progress {
    clock: Arc<CoarseClock>,
    moved_at: AtomicU64,
    waits_for_client: AtomicBool,
    client_failed: AtomicBool,
    has_ended: AtomicBool,
}

impl Progress {
    pub(crate) fn new(clock: Arc<CoarseClock>) -> Self {
        Self {
            moved_at: AtomicU64::new(clock.now()),
            clock,
            waits_for_client: AtomicBool::new(false),
            client_failed: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }
    }

    /// The upstream took a piece of the body, or its end.
    pub(crate) fn moved(&self) {
        self.moved_at.store(self.clock.now(), Ordering::Relaxed);
        self.waits_for_client.store(false, Ordering::Relaxed);
    }

    /// The upstream would take more, and the client has not sent it.
    pub(crate) fn wait_for_client(&self) {
        self.waits_for_client.store(true, Ordering::Relaxed);
    }

    /// The client broke the body off, or its framing.
    pub(crate) fn fail_client(&self) {
        self.client_failed.store(true, Ordering::Relaxed);
    }

    /// Nothing more of the body will pass: it is whole, or nobody takes it any more.
    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    pub(crate) fn waits_for_client(&self) -> bool {
        self.waits_for_client.load(Ordering::Relaxed)
    }

    pub(crate) fn client_failed(&self) -> bool {
        self.client_failed.load(Ordering::Relaxed)
    }

    /// When the body last moved, by the coarse clock.
    pub(crate) fn moved_at(&self) -> u64 {
        self.moved_at.load(Ordering::Relaxed)
    }
}
