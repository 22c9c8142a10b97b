//! Instants: UTC, in whole milliseconds, as the API shows them and the database keeps them.

use std::{fmt, str::FromStr, time::Duration};

/// An instant in UTC, in milliseconds since the Unix epoch.
///
/// Shown in RFC 3339 with `Z` and always three decimals (`2026-01-31T12:00:00.000Z`); read from any RFC 3339
/// offset, finer fractions cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 date and time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 date and time such as 2026-01-31T12:00:00.000Z")]
pub struct ParseTimestampError;

impl Timestamp {
    /// The present time by the system's clock. Rules take `now` as an argument; only their callers ask here.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// The instant so many milliseconds after (or, negative, before) the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved later by `duration`; the latest instant there is when that overflows.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This instant moved earlier by `duration`; the earliest instant there is when that overflows.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long from `earlier` to this instant; zero when it is not earlier.
    #[must_use]
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clamped = self.0.clamp(
            jiff::Timestamp::MIN.as_millisecond(),
            jiff::Timestamp::MAX.as_millisecond(),
        );
        match jiff::Timestamp::from_millisecond(clamped) {
            Ok(instant) => write!(formatter, "{instant:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError)?;
        Ok(Self(instant.as_millisecond()))
    }
}
