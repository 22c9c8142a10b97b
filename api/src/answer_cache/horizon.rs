//! Until when an answer stays true if nothing is written: the earliest moment at which time alone changes it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::Timestamp;

/// The earliest of the moments that an answer's resolvers have noted. Clones are the same.
#[derive(Clone, Debug)]
pub struct Horizon(Arc<AtomicI64>);

impl Default for Horizon {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MAX)))
    }
}

impl Horizon {
    /// Notes that what was said at `now` changes at `moment`, unless that is over already.
    pub fn changes_at(&self, moment: Timestamp, now: Timestamp) {
        if moment > now {
            self.0.fetch_min(moment.as_millis(), Ordering::Relaxed);
        }
    }

    /// The earliest noted moment; `None`: time changes nothing.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        let millis = self.0.load(Ordering::Relaxed);
        (millis != i64::MAX).then(|| Timestamp::from_millis(millis))
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::Horizon;

    #[test]
    fn the_earliest_moment_to_come_counts() {
        let at = Timestamp::from_millis;
        let horizon = Horizon::default();
        assert_eq!(horizon.ends_at(), None);
        horizon.changes_at(at(10), at(10));
        horizon.changes_at(at(9), at(10));
        assert_eq!(horizon.ends_at(), None, "what is over changes nothing any more");
        horizon.clone().changes_at(at(30), at(10));
        horizon.changes_at(at(20), at(10));
        horizon.changes_at(at(25), at(10));
        assert_eq!(horizon.ends_at(), Some(at(20)));
    }
}
