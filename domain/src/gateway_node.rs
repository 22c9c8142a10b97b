//! Gateways of the fleet as the control plane knows them: who is waited for, and who is forgotten.

use std::time::Duration;

use crate::{Timestamp, contact::MaxStaleness};

/// How long a gateway that was not seen again stays in the list, at least.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long one stays that may go on without contact for ever.
pub const UNLIMITED_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// When a gateway was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When it last reported.
    pub last_seen_at: Timestamp,
    /// When it said that it stops serving, if it did.
    pub stopped_at: Option<Timestamp>,
    /// How long it goes on serving without contact.
    pub max_staleness: MaxStaleness,
}

impl Sighting {
    /// Whether it may be serving at `now`, so that whoever wants to be sure must wait for it: it did not say that it
    /// stops, and what it knew when it was last seen is not yet too old for it.
    #[must_use]
    pub fn may_be_serving(&self, now: Timestamp) -> bool {
        self.stopped_at.is_none()
            && self
                .max_staleness
                .allows(now.saturating_duration_since(self.last_seen_at))
            && !self.is_forgotten(now)
    }

    /// Whether its record is deleted at `now`: not seen for [`RETENTION`], nor for as long as it may go on serving.
    #[must_use]
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        let kept = self
            .max_staleness
            .limit()
            .map_or(UNLIMITED_RETENTION, |limit| limit.max(RETENTION));
        now.saturating_duration_since(self.last_seen_at) > kept
    }
}
