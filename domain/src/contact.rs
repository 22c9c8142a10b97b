//! What time it is for a gateway that is away from the control plane, and how long it may go on without it.
//!
//! Two clocks are read together ([`ClockReading`]): the system's, which anyone may set, and a monotonic one, which only
//! tells how much time has passed in this process. The rules take both as arguments.

use std::time::Duration;

use crate::Timestamp;

/// Both clocks of this machine at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The system's clock.
    pub system: Timestamp,
    /// The monotonic clock: how much time has passed since an origin that is fixed for the process.
    pub monotonic: Duration,
}

/// The last time that the gateway knew the control plane's state, by the control plane's clock and by our own ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    control_plane_time: Timestamp,
    reading: ClockReading,
    /// How old the state was when the clocks were read: nothing when it came from the control plane itself.
    age_then: Duration,
}

impl Contact {
    /// The control plane has just been heard, and this was its time.
    #[must_use]
    pub const fn live(control_plane_time: Timestamp, reading: ClockReading) -> Self {
        Self {
            control_plane_time,
            reading,
            age_then: Duration::ZERO,
        }
    }

    /// The state was read from a copy on disk that was true at `taken_at`, by the control plane's clock. Its age is
    /// what the system's clock says has passed since; a clock that is behind makes it no younger than new.
    #[must_use]
    pub fn of_copy(taken_at: Timestamp, reading: ClockReading) -> Self {
        Self {
            control_plane_time: taken_at,
            reading,
            age_then: reading.system.saturating_duration_since(taken_at),
        }
    }

    /// The time by which expiries are judged: the later of the system's clock and the control plane's last time plus
    /// what has passed since. So a clock that is set back opens nothing that has expired.
    #[must_use]
    pub fn now(&self, reading: ClockReading) -> Timestamp {
        let passed = reading.monotonic.saturating_sub(self.reading.monotonic);
        reading.system.max(self.control_plane_time.saturating_add(passed))
    }

    /// How old the state is. What has passed is the longer of what the monotonic clock and the system's clock say
    /// (the monotonic one may stand still while the machine sleeps; the other may be set).
    #[must_use]
    pub fn age(&self, reading: ClockReading) -> Duration {
        let monotonic = reading.monotonic.saturating_sub(self.reading.monotonic);
        let system = reading.system.saturating_duration_since(self.reading.system);
        self.age_then.saturating_add(monotonic.max(system))
    }

    /// The instant, by the control plane's clock, at which the state was known to be true.
    #[must_use]
    pub const fn true_at(&self) -> Timestamp {
        self.control_plane_time
    }
}

/// How old the state may be that a gateway enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxStaleness(Option<Duration>);

impl MaxStaleness {
    /// At most this old; [`Duration::ZERO`]: as old as it may be.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self(if limit.is_zero() { None } else { Some(limit) })
    }

    /// The limit; `None`: there is none.
    #[must_use]
    pub const fn limit(self) -> Option<Duration> {
        self.0
    }

    /// Whether state of this age may still be enforced.
    #[must_use]
    pub fn allows(self, age: Duration) -> bool {
        self.0.is_none_or(|limit| age <= limit)
    }
}

impl Default for MaxStaleness {
    /// 24 hours.
    fn default() -> Self {
        Self(Some(Duration::from_secs(24 * 60 * 60)))
    }
}
