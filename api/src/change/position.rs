//! Places in the change log.

use std::{fmt, str::FromStr};

/// What has been read of the change log: every revision up to this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(i64);

/// The text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position in the change log")]
pub struct BadPosition;

impl Position {
    pub(super) const fn revision(revision: i64) -> Self {
        Self(revision)
    }

    /// Whether all that had been read at `other` had been read here, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0 >= other.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| BadPosition)
    }
}
