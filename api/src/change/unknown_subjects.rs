//! What becomes of rows of the log that name a kind of object which this version does not know.
//!
//! A newer version beside this one writes them. Such a row proves that something changed, and not what, so everything is
//! read anew. That is dear, and the newer version may write many of them: after each such reading comes a rest.

use std::time::{Duration, Instant};

/// The rest is so many times as long as the reading took: it takes a tenth of the time at most.
const REST: u32 = 9;
/// Every gateway that follows this node takes a full snapshot each time.
const SHORTEST_REST: Duration = Duration::from_secs(10);
/// After this, what a row stands for is held in any case.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// When everything may be read anew for such a row.
#[derive(Debug, Default)]
pub(super) struct UnknownSubjects {
    rests_until: Option<Instant>,
}

impl UnknownSubjects {
    /// Whether the rest is over.
    pub(super) fn may_reload(&self, now: Instant) -> bool {
        self.rests_until.is_none_or(|until| now >= until)
    }

    /// Everything was read anew.
    pub(super) fn reloaded(&mut self, began: Instant, ended: Instant) {
        let took = ended.saturating_duration_since(began);
        let rest = took.saturating_mul(REST).clamp(SHORTEST_REST, LONGEST_REST);
        self.rests_until = ended.checked_add(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_unknown_subjects_takes_a_tenth_of_the_time_at_most() {
        let begin = Instant::now();
        for (took, rest) in [
            (0, 10_000),
            (50, 10_000),
            (2_000, 18_000),
            (6_000, 54_000),
            (30_000, 60_000),
        ] {
            let mut subjects = UnknownSubjects::default();
            assert!(subjects.may_reload(begin), "the first is not waited for");
            let ended = begin + Duration::from_millis(took);
            subjects.reloaded(begin, ended);
            let over = ended + Duration::from_millis(rest);
            assert!(!subjects.may_reload(over - Duration::from_millis(1)), "{took}");
            assert!(subjects.may_reload(over), "{took}");
        }
    }
}
