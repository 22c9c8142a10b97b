//! Instants.

use std::{fmt, str::FromStr, time::SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::schema;

/// An instant in UTC, in milliseconds: the schema's `DateTime`, RFC 3339 on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// Text that is no RFC 3339 instant, or an instant that cannot be represented.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no RFC 3339 instant, or one that cannot be represented")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The present, by this machine's clock.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }

    /// The instant that lies this many milliseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] outside of the years -9999 to 9999.
    pub fn from_unix_milliseconds(milliseconds: i64) -> Result<Self, InvalidTimestamp> {
        jiff::Timestamp::from_millisecond(milliseconds)
            .map(Self)
            .map_err(|_| InvalidTimestamp)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; what is finer than a millisecond is cut off.
    pub fn unix_milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }
}

/// RFC 3339 in UTC with three digits of a second: `2026-01-31T09:30:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| InvalidTimestamp)
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
        jiff::Timestamp::try_from(time).map(Self).map_err(|_| InvalidTimestamp)
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = InvalidTimestamp;

    fn try_from(timestamp: Timestamp) -> Result<Self, Self::Error> {
        timestamp.0.try_into().map_err(|_| InvalidTimestamp)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

cynic::impl_scalar!(Timestamp, schema::DateTime);

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Timestamp;

    #[test]
    fn text_has_milliseconds_and_comes_back_the_same() {
        let instant: Timestamp = "2026-01-31T10:30:00.5+01:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-01-31T09:30:00.500Z");
        assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
        assert_eq!(
            Timestamp::from_unix_milliseconds(instant.unix_milliseconds()).unwrap(),
            instant
        );
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!(Timestamp::from_unix_milliseconds(i64::MAX).is_err());
    }

    #[test]
    fn system_time_converts_both_ways() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        assert_eq!(SystemTime::try_from(Timestamp::try_from(time).unwrap()).unwrap(), time);
    }
}
